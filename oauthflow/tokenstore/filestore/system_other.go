//go:build !linux && !darwin

package filestore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"syscall"
)

// Elsewhere Open refuses before any of the others is reached.
var errUnsupported = fmt.Errorf("on %s nobody has shown that files survive a power cut; use package sqlstore: %w", runtime.GOOS, errors.ErrUnsupported)

func supported() error { return errUnsupported }

func exposure(fs.FileInfo) string { return errUnsupported.Error() }

func readPlain(syscall.RawConn, string, int, []byte) ([]byte, string, error) {
	return nil, "", errUnsupported
}

func removed(fs.FileInfo) bool { return true }

func waitLock(*os.File) error { return errUnsupported }

func tryLock(*os.File) error { return errUnsupported }

func unlock(*os.File) error { return errUnsupported }

func filesystem(*os.File) (name string, local bool, err error) { return "", false, errUnsupported }
