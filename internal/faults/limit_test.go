package faults

import (
	"fmt"
	"math"
	"os"
	"runtime/debug"
	"syscall"
	"testing"
	"time"

	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

// limits are what a worker process may use; 0 is no limit.
type limits struct {
	Files  uint64 // descriptors
	Memory int64  // bytes that the garbage collector aims at, as GOMEMLIMIT sets
	Space  uint64 // bytes of address space that it may take in addition to what it has
}

func (l limits) apply() error {
	if l.Memory > 0 {
		debug.SetMemoryLimit(l.Memory)
	}
	if l.Files > 0 {
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: l.Files, Max: l.Files}); err != nil {
			return err
		}
	}
	if l.Space == 0 {
		return nil
	}
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return err
	}
	var pages uint64
	if _, err := fmt.Sscan(string(b), &pages); err != nil {
		return err
	}
	most := pages*uint64(os.Getpagesize()) + l.Space
	return syscall.Setrlimit(syscall.RLIMIT_AS, &syscall.Rlimit{Cur: most, Max: most})
}

// starve takes every descriptor that is left, and gives them back after a while.
func starve(lasting time.Duration) {
	var taken []int
	for range math.MaxUint16 {
		fd, err := syscall.Open(os.DevNull, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
		if err != nil {
			break
		}
		taken = append(taken, fd)
	}
	time.AfterFunc(lasting, func() {
		for _, fd := range taken {
			_ = syscall.Close(fd)
		}
	})
}

// eat takes memory until there is none, which ends the process.
func eat() {
	var eaten [][]byte
	for {
		eaten = append(eaten, make([]byte, 64<<20))
		if len(eaten) > 1<<10 { // it may have 64 GiB, and nobody limits it
			panic("the drill cannot eat all that")
		}
	}
}

func TestF23ProcessesRunOutOfDescriptorsAndMemory(t *testing.T) {
	n := size(20, 200)
	r := drill(t, 23, fmt.Sprintf("%d refreshes each: no descriptor left for 0.3 s once the request has left; memory limit of 8 MiB; out of memory before the request or after the save", n),
		"0 lost, 0 replays, 1 request each: the result waits for a descriptor")
	s := newScene(t, 3*n, orgtest.Config{}).hasty()
	s.org.ExpireSessions()
	mark := s.mark()
	all := s.indices()

	starving := s.worker(tripped(trip{At: "sent", Do: "starve", Times: n / 4, For: 300 * time.Millisecond}), func(sc *script) { sc.Limits.Files = uint64(100 + 2*n) })
	var starved reply
	for range 100 { // a store that cannot be read is an error, and nothing is sent
		starved, _ = starving.do(order{Op: "call", Conns: all[:n], Each: n, Within: time.Minute})
		if starved.Outcomes["ok"] == n {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	r.must(starved.Outcomes["ok"] == n, "without descriptors: outcomes %v", starved.Outcomes)
	// A database's connections are open already.
	r.must(starved.Failed > 0 || s.place.On != files, "no save has failed for want of a descriptor")

	tight := s.worker(func(sc *script) { sc.Limits.Memory, sc.Timing.Lease = 8<<20, 5*time.Second })
	tightly, _ := tight.do(order{Op: "call", Conns: all[n : 2*n], Each: n, Within: time.Minute})
	r.must(tightly.Outcomes["ok"] == n, "with a memory limit: outcomes %v", tightly.Outcomes)

	died := 0
	slots := make(chan struct{}, 4)
	results := make(chan bool, n)
	for i, c := range all[2*n:] {
		slots <- struct{}{}
		go func() {
			defer func() { <-slots }()
			w, err := s.spawn(tripped(trip{At: []string{"intent", "stored"}[i%2], Do: "eat"}), func(sc *script) { sc.Limits.Space, sc.Quiet = 1<<30, true })
			if err != nil {
				t.Error(err)
				results <- false
				return
			}
			_, alive := w.do(order{Op: "call", Conns: []int{c}, Each: 1, Within: 30 * time.Second})
			w.kill()
			results <- !alive
		}()
	}
	for range n {
		if <-results {
			died++
		}
	}
	r.must(died == n, "only %d of %d ran out of memory", died, n)

	good, bad := s.healthy(30 * time.Second)
	a := s.since(mark)
	r.must(good == 3*n && a.replays == 0 && a.posts == 3*n, "%d lost (%v), %d replays, %d requests", 3*n-good, bad, a.replays, a.posts)
	r.saw("%d saves failed, %d processes ran out of memory; %d lost, %d replays, %d requests for %d connections",
		starved.Failed, died, 3*n-good, a.replays, a.posts, 3*n)
}
