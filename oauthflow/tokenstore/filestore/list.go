package filestore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

const batchSize = 512 // names read at a time

// List implements [tokenstore.Store]. If some records cannot be read, List yields the others first. Its last element is the error
// about the first record that could not be read.
func (s *Store) List(ctx context.Context, prefix string, before time.Time) iter.Seq2[tokenstore.Record, error] {
	return func(yield func(tokenstore.Record, error) bool) {
		l := lister{store: s, prefix: prefix, before: microseconds(before), carries: s.local}
		places, err := within(ctx, func() ([]spot, error) { return l.walk(ctx) })
		if err != nil {
			yield(tokenstore.Record{}, fmt.Errorf("filestore: listing: %w", err))
			return
		}
		for _, at := range places {
			r, err := within(ctx, func() (tokenstore.Record, error) { return s.read(at.key) })
			switch {
			case ctx.Err() != nil:
				yield(tokenstore.Record{}, ctx.Err())
				return
			case err != nil:
				l.miss(err)
			case r.Due.UnixMicro() != at.due: // saved meanwhile; its place is elsewhere
			case !yield(r, nil):
				return
			}
		}
		if l.missed != nil {
			yield(tokenstore.Record{}, l.missed)
		}
	}
}

// A lister finds the records of one List.
type lister struct {
	store   *Store
	prefix  string
	before  int64 // microseconds since 1970
	missed  error // why the first record that cannot be read cannot be
	carries bool  // notes access times that are no hints yet; false once that has failed
	buf     [headerRead]byte
}

func (l *lister) miss(err error) {
	if l.missed == nil && !errors.Is(err, fs.ErrNotExist) { // else deleted meanwhile
		l.missed = fmt.Errorf("filestore: listing, perhaps with more like it: %w", err)
	}
}

// walk goes through the directory and returns the places of all records to be listed, in order.
func (l *lister) walk(ctx context.Context) ([]spot, error) {
	dir, err := l.store.root.Open(".")
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	var places []spot
	for {
		names, err := dir.Readdirnames(batchSize)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			if at, ok := l.find(name); ok {
				places = append(places, at)
			}
		}
	}
	slices.SortFunc(places, spot.compare)
	return slices.Compact(places), nil // a name that is replaced may be read twice
}

// find returns the spot of the record in a file, if it is one to be listed.
func (l *lister) find(name string) (spot, bool) {
	k, ok := keyOfName(name)
	if !ok {
		return spot{}, false
	}
	notBefore, hinted := l.store.hinted(k, name)
	if hinted && notBefore >= l.before {
		return spot{}, false
	}
	h, err := l.store.readHeader(k, l.buf[:])
	if err != nil {
		l.miss(err)
		return spot{}, false
	}
	due := h.due.UnixMicro()
	if due >= l.before && !hinted && l.carries {
		l.carries = l.store.carryOver(k) == nil
	}
	return spot{due, k}, strings.HasPrefix(h.id, l.prefix) && (due < l.before || l.before == unbounded)
}

// hinted returns the time before which the record of a file is not due, in microseconds since 1970; false where its access time
// is no hint.
func (s *Store) hinted(k key, name string) (due int64, ok bool) {
	if !s.local {
		return 0, false
	}
	access, ok := accessed(s.conn, name)
	if !ok {
		return 0, false
	}
	return earliest(k, access)
}

// unbounded is a bound that no due time is beyond.
const unbounded = math.MaxInt64

// microseconds returns the first microsecond that is not before t, of those that a due time can have.
func microseconds(t time.Time) int64 {
	switch year := t.UTC().Year(); {
	case year < 1970:
		return 0
	case year > 9999:
		return unbounded
	}
	return t.Add(time.Microsecond - 1).UnixMicro()
}
