package filestore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// Store is a [tokenstore.Store] in a directory; see the package comment. Its methods are safe for concurrent use. When their
// context is done, they return soon, even if the disk hangs. The system call that hangs then ends in the background.
type Store struct {
	path  string // of the directory
	root  *os.Root
	dir   *os.File
	conn  syscall.RawConn    // of dir, to read files by their names in it
	local bool               // another machine's cache may hold an access time that is old
	turns [256]chan struct{} // one goroutine of this store at a time waits for the lock of a shard
}

var _ tokenstore.Store = (*Store)(nil)

// Close releases the directory. Close does not wait. A Save that is running at that moment fails or completes. A second Close
// does nothing and returns nil. After Close, all methods return an error that wraps os.ErrClosed.
func (s *Store) Close() error {
	err := s.dir.Close()
	if errors.Is(err, os.ErrClosed) {
		err = nil
	}
	return errors.Join(err, s.root.Close())
}

// Load implements [tokenstore.Store]. It returns no Timeline. For an invalid id it returns an error that does not wrap
// tokenstore.ErrNotFound.
func (s *Store) Load(ctx context.Context, id string) (tokenstore.Record, error) {
	if err := checkID(id); err != nil {
		return tokenstore.Record{}, err
	}
	r, err := within(ctx, func() (tokenstore.Record, error) { return s.read(keyOf(id)) })
	if errors.Is(err, fs.ErrNotExist) {
		return tokenstore.Record{}, fmt.Errorf("%w: %s", tokenstore.ErrNotFound, id)
	}
	if err != nil {
		return tokenstore.Record{}, fmt.Errorf("filestore: loading %s: %w", id, err)
	}
	return r, nil
}

// Save implements [tokenstore.Store]. If the record is invalid, the error names the field. Save ignores r.Timeline.
func (s *Store) Save(ctx context.Context, r tokenstore.Record) error {
	if err := checkRecord(r); err != nil {
		return err
	}
	version := r.Version
	r.Version++
	content := encode(r) // now, as the caller may change the data once Save has returned
	return s.change(ctx, "saving", r.ID, version, func(k key) error { return s.replace(k, content, hintFor(k, r.Due.UnixMicro())) })
}

// Delete implements [tokenstore.Store]. For an invalid id it returns an error that does not wrap tokenstore.ErrConflict.
func (s *Store) Delete(ctx context.Context, id string, version uint64) error {
	if err := checkID(id); err != nil {
		return err
	}
	if version == 0 { // no record has it
		if err := ctx.Err(); err != nil {
			return err
		}
		return fmt.Errorf("%w: %s", tokenstore.ErrConflict, id)
	}
	return s.change(ctx, "deleting", id, version, s.remove)
}

// change calls do when the stored version of id is the given one; 0 stands for no record.
func (s *Store) change(ctx context.Context, doing, id string, version uint64, do func(key) error) error {
	_, err := within(ctx, func() (struct{}, error) {
		k := keyOf(id)
		return struct{}{}, s.locked(ctx, k.shard(), func() error {
			h, err := s.readHeader(k, nil)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			if h.version != version {
				return tokenstore.ErrConflict
			}
			return do(k)
		})
	})
	switch {
	case errors.Is(err, tokenstore.ErrConflict):
		return fmt.Errorf("%w: %s", tokenstore.ErrConflict, id)
	case err != nil:
		return fmt.Errorf("filestore: %s %s: %w", doing, id, err)
	}
	return nil
}

// within runs f, which may hang in a system call, and leaves it to itself when ctx is done.
func within[T any](ctx context.Context, f func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	var none T
	if err := ctx.Err(); err != nil {
		return none, err
	}
	done := make(chan result, 1)
	go func() {
		value, err := f()
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		return none, ctx.Err()
	}
}

func checkRecord(r tokenstore.Record) error {
	if err := r.Validate(); err != nil {
		return fmt.Errorf("filestore: saving: %w", err)
	}
	return nil
}

func checkID(id string) error {
	if id == "" || len(id) > maxID {
		return fmt.Errorf("filestore: the record's ID has %d bytes, must have 1 to %d", len(id), maxID)
	}
	for _, c := range []byte(id) {
		if c < ' ' || c > '~' {
			return fmt.Errorf("filestore: the record's ID %+q holds the byte 0x%02x, must be printable ASCII", id, c)
		}
	}
	return nil
}
