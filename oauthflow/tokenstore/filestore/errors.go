package filestore

import (
	"errors"
	"io/fs"
)

// Reasons why a file is refused. Test for them with errors.Is.
var (
	ErrDamaged    = errors.New("the file is damaged")                // not as this package wrote it, or in the wrong place
	ErrUnsafe     = errors.New("others may have access to the file") // or it is no plain file
	ErrFilesystem = errors.New("the file system is not a local one") // or not known to be
)

// FileError says which file or directory is refused. The store changes nothing then, and other records stay usable.
type FileError struct {
	Path    string // absolute
	Problem string // what is wrong with it and what to do
	Err     error  // ErrDamaged, ErrUnsafe or ErrFilesystem
}

// Error returns one line.
func (e *FileError) Error() string {
	return "filestore: " + e.Path + " " + e.Problem + ": " + e.Err.Error()
}

// Unwrap returns the reason.
func (e *FileError) Unwrap() error { return e.Err }

// kindOf names what is in the place of a file.
func kindOf(info fs.FileInfo) string {
	switch mode := info.Mode(); {
	case mode.IsRegular():
		return "a plain file"
	case mode.IsDir():
		return "a directory"
	case mode&fs.ModeSymlink != 0:
		return "a symbolic link"
	case mode&fs.ModeNamedPipe != 0:
		return "a pipe"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	default:
		return "a device"
	}
}
