//go:build linux || darwin

package filestore

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

func supported() error { return nil }

// exposure says how others may have access to a file or directory, and what to do; "" when they have none.
func exposure(info fs.FileInfo) string {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return "has an unknown owner"
	}
	return exposureOf(st)
}

func exposureOf(st *syscall.Stat_t) string {
	mode := uint32(st.Mode)
	switch {
	case int(st.Uid) != os.Geteuid():
		return fmt.Sprintf("belongs to user %d but this process runs as %d; run it as that user, or chown it", st.Uid, os.Geteuid())
	case mode&0o077 != 0:
		return fmt.Sprintf("has mode %04o; find out who used that, and chmod go= it", mode&0o777)
	case mode&syscall.S_IFMT != syscall.S_IFDIR && st.Nlink > 1:
		return fmt.Sprintf("has %d names (hard links); find the others, and remove them", st.Nlink)
	}
	return ""
}

// readPlain returns at most limit bytes from the beginning of a file in an open directory, in buf if they fit; or a
// problem, when it is no plain file or open to others. It makes as few system calls as can be: a List does this for
// every record.
func readPlain(dir syscall.RawConn, name string, limit int, buf []byte) (b []byte, problem string, err error) {
	fd := -1
	if closed := dir.Control(func(dirfd uintptr) {
		fd, err = openQuietly(int(dirfd), name)
	}); closed != nil {
		return nil, "", &fs.PathError{Op: "open", Path: name, Err: fs.ErrClosed}
	}
	switch {
	case errors.Is(err, unix.ELOOP):
		return nil, "is a symbolic link; find out who made it, and remove it", nil
	case err != nil:
		return nil, "", &fs.PathError{Op: "open", Path: name, Err: err}
	}
	defer func() { err = errors.Join(err, unix.Close(fd)) }()
	var st syscall.Stat_t
	if err := syscall.Fstat(fd, &st); err != nil {
		return nil, "", &fs.PathError{Op: "stat", Path: name, Err: err}
	}
	if uint32(st.Mode)&syscall.S_IFMT != syscall.S_IFREG {
		return nil, "is no plain file; find out who made it, and remove it", nil
	}
	if problem := exposureOf(&st); problem != "" {
		return nil, problem, nil
	}
	size := int(min(int64(limit), st.Size))
	if b = buf; cap(b) < size {
		b = make([]byte, size)
	}
	b = b[:size]
	for n := 0; n < size; {
		got, err := retry(func() (int, error) { return unix.Pread(fd, b[n:], int64(n)) })
		if err == nil && got == 0 {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return nil, "", &fs.PathError{Op: "read", Path: name, Err: err}
		}
		n += got
	}
	return b, "", nil
}

// removed reports whether a file or directory has no name any more.
func removed(info fs.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return !ok || st.Nlink == 0
}

// waitLock waits for the exclusive lock of a file.
func waitLock(f *os.File) error { return flock(f, unix.LOCK_EX) }

// tryLock takes the lock if that needs no waiting.
func tryLock(f *os.File) error { return flock(f, unix.LOCK_EX|unix.LOCK_NB) }

func unlock(f *os.File) error { return flock(f, unix.LOCK_UN) }

func flock(f *os.File, how int) error {
	_, err := retry(func() (int, error) { return 0, unix.Flock(int(f.Fd()), how) })
	return os.NewSyscallError("flock", err)
}

// retry makes a system call until no signal interrupts it.
func retry(call func() (int, error)) (int, error) {
	for {
		n, err := call()
		if !errors.Is(err, unix.EINTR) {
			return n, err
		}
	}
}
