package filestore

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// openQuietly opens a file in a directory to be read, without a note of that in its access time. Only its owner may ask for this;
// a file of somebody else is opened to be refused.
func openQuietly(dirfd int, name string) (fd int, err error) {
	const flags = unix.O_RDONLY | unix.O_NOFOLLOW | unix.O_NONBLOCK | unix.O_CLOEXEC
	fd, err = retry(func() (int, error) { return unix.Openat(dirfd, name, flags|unix.O_NOATIME, 0) })
	if errors.Is(err, unix.EPERM) {
		fd, err = retry(func() (int, error) { return unix.Openat(dirfd, name, flags, 0) })
	}
	return fd, err
}

// accessed returns the access time of a plain file in a directory, in nanoseconds since 1970; false for everything that a look
// at the file would refuse.
func accessed(dir syscall.RawConn, name string) (nano int64, ok bool) {
	var st unix.Stat_t
	err := unix.EBADF
	_ = dir.Control(func(dirfd uintptr) { // when the store is closed, err says so
		_, serr := retry(func() (int, error) { return 0, unix.Fstatat(int(dirfd), name, &st, unix.AT_SYMLINK_NOFOLLOW) })
		err, _ = serr.(syscall.Errno)
	})
	if err != 0 || st.Mode&unix.S_IFMT != unix.S_IFREG {
		return 0, false
	}
	return time.Unix(st.Atim.Unix()).UnixNano(), true
}

// setAccessed notes an access time. A file system that cannot lets a List open the file. The way through /proc is the one that
// kernels before 5.8 know, too.
func setAccessed(fd uintptr, nano int64) error {
	times := []unix.Timespec{unix.NsecToTimespec(nano), {Nsec: unix.UTIME_OMIT}}
	return os.NewSyscallError("utimensat", unix.UtimesNanoAt(unix.AT_FDCWD, fmt.Sprint("/proc/self/fd/", fd), times, 0))
}

// carryOver notes the hint of a file that has none, as a file of an earlier version. The file that is read is the one that gets it,
// also when another takes its name meanwhile. An error says that hints cannot be noted here.
func (s *Store) carryOver(k key) error {
	fd, err := -1, error(nil)
	if closed := s.conn.Control(func(dirfd uintptr) { fd, err = openQuietly(int(dirfd), k.file()) }); closed != nil || err != nil {
		return nil // it is gone
	}
	defer unix.Close(fd) // which was only read
	buf := make([]byte, headerRead)
	n, err := retry(func() (int, error) { return unix.Pread(fd, buf, 0) })
	if err != nil {
		return nil
	}
	h, problem := decodeHeader(buf[:n])
	if problem != "" || keyOf(h.id) != k {
		return nil
	}
	return setAccessed(uintptr(fd), hintFor(k, h.due.UnixMicro()))
}
