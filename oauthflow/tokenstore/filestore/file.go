package filestore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// openLockFile opens the lock of a shard if it is there, and refuses all but a plain file of our own.
func (s *Store) openLockFile(sh shard) (*os.File, error) {
	// Opening comes second: it would wait at a pipe, and os.Root follows a link that stays inside.
	name := sh.lock()
	info, err := s.root.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, s.refuse(name, "is no plain file but "+kindOf(info)+"; find out who made it, and remove it", ErrUnsafe)
	}
	f, err := s.root.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	info, err = f.Stat()
	if err == nil {
		if problem := exposure(info); problem != "" {
			err = s.refuse(name, problem, ErrUnsafe)
		}
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func (s *Store) refuse(name, problem string, reason error) error {
	return &FileError{filepath.Join(s.path, name), problem, reason}
}

// readHeader returns the header of a record's file; all zero when there is none, with an error wrapping fs.ErrNotExist.
func (s *Store) readHeader(k key, buf []byte) (h header, err error) {
	err = s.readFile(k, headerRead, buf, func(b []byte) (id, problem string) {
		h, problem = decodeHeader(b)
		return h.id, problem
	})
	return h, err
}

// read returns the record in a file.
func (s *Store) read(k key) (r tokenstore.Record, err error) {
	err = s.readFile(k, maxFile+1, nil, func(b []byte) (id, problem string) {
		r, problem = decode(b)
		return r.ID, problem
	})
	return r, err
}

// readFile gives the beginning of a record's file to decode. A file never changes once it has its name.
func (s *Store) readFile(k key, limit int, buf []byte, decode func([]byte) (id, problem string)) error {
	name := k.file()
	b, problem, err := readPlain(s.conn, name, limit, buf)
	if errors.Is(err, fs.ErrNotExist) {
		return s.missing(err)
	}
	if err != nil {
		return err
	}
	if problem != "" {
		return s.refuse(name, problem, ErrUnsafe)
	}
	id, problem := decode(b)
	reason := ErrDamaged
	if problem == "" && keyOf(id) != k {
		problem = "holds another record than its name says"
		reason = fmt.Errorf("%w: %w", ErrDamaged, tokenstore.ErrForeignRecord)
	}
	if problem != "" {
		return s.refuse(name, problem+"; restore this file, or remove it and connect again", reason)
	}
	return nil
}

// missing returns err, which says that a file does not exist, unless that is because nothing exists any more.
func (s *Store) missing(err error) error {
	info, statErr := s.dir.Stat()
	if statErr != nil {
		return statErr
	}
	if removed(info) {
		return &FileError{s.path, "was removed after it had been opened; restore it, and open it again", ErrDamaged}
	}
	return err
}

// replace puts a file in place of a record's, or as a new one. The shard must be locked.
func (s *Store) replace(k key, content []byte, hint int64) error {
	temp := k.shard().temp()
	if err := s.discard(temp); err != nil { // of a writer that was killed
		return err
	}
	dir, err := s.root.Open(".") // before anything changes, so that its fsync reports all that goes wrong
	if err != nil {
		return err
	}
	defer dir.Close()
	if err := s.write(temp, content, hint); err != nil {
		return errors.Join(err, s.discard(temp))
	}
	if err := s.root.Rename(temp, k.file()); err != nil {
		return errors.Join(err, s.discard(temp))
	}
	return dir.Sync()
}

// write makes a file and waits until its content is on the disk.
func (s *Store) write(name string, content []byte, hint int64) error {
	f, err := s.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err == nil {
		_ = setAccessed(f.Fd(), hint) // without it a List opens the file
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// remove removes a record's file. The shard must be locked.
func (s *Store) remove(k key) error {
	dir, err := s.root.Open(".")
	if err != nil {
		return err
	}
	defer dir.Close()
	if err := s.root.Remove(k.file()); err != nil {
		return err
	}
	return dir.Sync()
}

// discard removes a file that need not be there.
func (s *Store) discard(name string) error {
	if err := s.root.Remove(name); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// locked runs f while no other goroutine or process changes a record of the shard. It gives up when ctx is done before
// f has begun.
func (s *Store) locked(ctx context.Context, sh shard, f func() error) error {
	select {
	case s.turns[sh] <- struct{}{}:
		defer func() { <-s.turns[sh] }()
	case <-ctx.Done():
		return ctx.Err()
	}
	lock, err := s.openLock(sh)
	if err != nil {
		return err
	}
	defer lock.Close()
	defer unlock(lock) // not left to Close: a child that is being started may share the lock for a moment
	if err := ctx.Err(); err != nil {
		return err
	}
	return f()
}

// openLock returns the locked file of a shard, however long that takes.
func (s *Store) openLock(sh shard) (*os.File, error) {
	for {
		f, err := s.openLockFile(sh)
		if errors.Is(err, fs.ErrNotExist) {
			f, err = s.root.OpenFile(sh.lock(), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
			if errors.Is(err, fs.ErrExist) {
				continue // another was faster
			}
		}
		if err != nil {
			return nil, err
		}
		err = waitLock(f)
		var info fs.FileInfo
		if err == nil {
			info, err = f.Stat()
		}
		if err == nil && !removed(info) {
			return f, nil
		}
		// Without an error, the file was removed while we waited: it excludes nobody any more.
		if err := errors.Join(err, f.Close()); err != nil {
			return nil, err
		}
	}
}
