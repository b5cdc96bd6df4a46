package filestore

import (
	"os"

	"golang.org/x/sys/unix"
)

// filesystem names the kind of file system that an open file is on.
func filesystem(f *os.File) (name string, local bool, err error) {
	var st unix.Statfs_t
	if err := unix.Fstatfs(int(f.Fd()), &st); err != nil {
		return "", false, os.NewSyscallError("fstatfs", err)
	}
	name = unix.ByteSliceToString(st.Fstypename[:])
	return name, name == "apfs" || name == "hfs", nil
}

// openQuietly opens a file in a directory to be read. Its access time says nothing here.
func openQuietly(dirfd int, name string) (fd int, err error) {
	return retry(func() (int, error) {
		return unix.Openat(dirfd, name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	})
}
