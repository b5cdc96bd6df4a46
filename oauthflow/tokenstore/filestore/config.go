package filestore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// Config says where a store keeps its files.
type Config struct {
	// Dir is the directory. Required. Use it for nothing else. If only its last element is missing, Open creates it with mode
	// 0700. It must belong to the user of this process.
	Dir string

	// Filesystems lists kinds of file systems that Open accepts in addition to local ones, such as "nfs" or "fuse". Use the names
	// that [ErrFilesystem] errors show. Optional; the default is none. If you add a kind, you assert three things for all
	// machines that mount it: flock excludes other holders, rename replaces atomically, and fsync of a directory is durable.
	Filesystems []string
}

// Open opens the store in a directory. Several stores may be open on one directory, in one or many processes. The caller closes
// the store. Open is safe for concurrent use.
//
// If the directory is not safe, or is on a file system that is not accepted, Open returns a [*FileError]. If Config.Dir is empty,
// the error wraps a *tokenstore.FieldError. On systems other than Linux and macOS it wraps errors.ErrUnsupported. All other
// errors are the errors of the system.
func Open(c Config) (*Store, error) {
	if err := supported(); err != nil {
		return nil, fmt.Errorf("filestore: %w", err)
	}
	if c.Dir == "" {
		return nil, fmt.Errorf("filestore: %w", &tokenstore.FieldError{Field: "Config.Dir", Problem: "is required; name a directory on a local disk"})
	}
	dir, err := filepath.Abs(c.Dir)
	if err != nil {
		return nil, fmt.Errorf("filestore: Config.Dir: %w", err)
	}
	if err := makeDir(dir); err != nil {
		return nil, fmt.Errorf("filestore: Config.Dir: %w", err)
	}
	if info, err := os.Lstat(dir); err != nil {
		return nil, fmt.Errorf("filestore: Config.Dir: %w", err)
	} else if !info.IsDir() {
		return nil, &FileError{dir, "is no directory but " + kindOf(info) + "; name the directory itself", ErrUnsafe}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("filestore: Config.Dir: %w", err)
	}
	s := &Store{path: dir, root: root}
	if err := s.openDir(c.Filesystems); err != nil {
		return nil, errors.Join(err, root.Close())
	}
	for i := range s.turns {
		s.turns[i] = make(chan struct{}, 1)
	}
	s.sweep()
	return s, nil
}

// makeDir makes the last element of dir when it is missing, durably.
func makeDir(dir string) error {
	err := os.Mkdir(dir, 0o700)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	parent, err := os.Open(filepath.Dir(dir))
	if err != nil {
		return err
	}
	return errors.Join(parent.Sync(), parent.Close())
}

// openDir opens the directory for reading. It refuses one that others have access to, or on a file system that is not
// accepted.
func (s *Store) openDir(accepted []string) (err error) {
	if s.dir, err = s.root.Open("."); err != nil {
		return fmt.Errorf("filestore: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.dir.Close())
		}
	}()
	name, local, err := filesystem(s.dir)
	if err != nil {
		return fmt.Errorf("filestore: asking for the file system of %s: %w", s.path, err)
	}
	if !local && !slices.Contains(accepted, name) {
		return &FileError{s.path, "lies on " + name + "; use a local disk, or add this name to Config.Filesystems if its locks and fsync can be trusted", ErrFilesystem}
	}
	info, err := s.dir.Stat()
	if err != nil {
		return fmt.Errorf("filestore: %w", err)
	}
	if problem := exposure(info); problem != "" {
		return &FileError{s.path, problem, ErrUnsafe}
	}
	s.local = local
	s.conn, err = s.dir.SyscallConn()
	return err
}

// sweep removes what killed writers left, where nobody is writing now. It is done as far as it goes; Save and Delete
// do the same.
func (s *Store) sweep() {
	for i := range s.turns {
		sh := shard(i)
		if _, err := s.root.Lstat(sh.temp()); err != nil {
			continue
		}
		lock, err := s.openLockFile(sh)
		if err != nil {
			continue
		}
		if tryLock(lock) == nil {
			_ = s.root.Remove(sh.temp())
			_ = unlock(lock)
		}
		_ = lock.Close()
	}
}
