//go:build !linux

package filestore

import (
	"errors"
	"syscall"
)

// Elsewhere a List opens every file.
func accessed(syscall.RawConn, string) (nano int64, ok bool) { return 0, false }

func setAccessed(uintptr, int64) error { return errors.ErrUnsupported }

func (*Store) carryOver(key) error { return errors.ErrUnsupported }
