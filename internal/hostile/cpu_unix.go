//go:build unix

package hostile

import (
	"syscall"
	"time"
)

// cpuTime is what the process has used of the machine, which does not see other processes.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
