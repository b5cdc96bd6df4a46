package filestore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
)

const (
	pageSize  = 16384 // records found by one pass over the directory
	batchSize = 512   // names read at a time
)

// List implements [oauthflow.Store]. Records that cannot be read do not keep it from yielding the others; the error
// about them comes last.
func (s *Store) List(ctx context.Context, prefix string, before time.Time) iter.Seq2[oauthflow.Record, error] {
	return func(yield func(oauthflow.Record, error) bool) {
		l := lister{store: s, prefix: prefix, before: before}
		for more := true; more; {
			page, err := within(ctx, func() ([]spot, error) { return l.nextPage(ctx) })
			if err != nil {
				yield(oauthflow.Record{}, fmt.Errorf("filestore: listing: %w", err))
				return
			}
			more = len(page) == pageSize
			for _, at := range page {
				r, err := within(ctx, func() (oauthflow.Record, error) { return s.read(at.key) })
				switch {
				case ctx.Err() != nil:
					yield(oauthflow.Record{}, ctx.Err())
					return
				case err != nil:
					l.miss(err)
				case r.Due.UnixMicro() != at.due: // saved meanwhile; its place is elsewhere
				case !yield(r, nil):
					return
				}
			}
		}
		if l.missed != nil {
			yield(oauthflow.Record{}, l.missed)
		}
	}
}

// A lister finds the records of one List.
type lister struct {
	store  *Store
	prefix string
	before time.Time
	last   spot  // of the page before; the zero spot comes before all records
	missed error // why the first record that cannot be read cannot be
	buf    [headerRead]byte
}

func (l *lister) miss(err error) {
	if l.missed == nil && !errors.Is(err, fs.ErrNotExist) { // else deleted meanwhile
		l.missed = fmt.Errorf("filestore: listing, perhaps with more like it: %w", err)
	}
}

// nextPage goes through the directory and returns the earliest records after the last page, in order.
func (l *lister) nextPage(ctx context.Context) ([]spot, error) {
	dir, err := l.store.root.Open(".")
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	var page []spot
	cut := func() {
		slices.SortFunc(page, spot.compare)
		page = slices.Compact(page) // a name that is replaced may be read twice
		page = page[:min(len(page), pageSize)]
	}
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
			at, ok := l.find(name)
			if ok && at.compare(l.last) > 0 {
				page = append(page, at)
			}
		}
		if len(page) >= 2*pageSize {
			cut()
		}
	}
	cut()
	if len(page) > 0 {
		l.last = page[len(page)-1]
	}
	return page, nil
}

// find returns the spot of the record in a file, if it is one to be listed.
func (l *lister) find(name string) (spot, bool) {
	k, ok := keyOfName(name)
	if !ok {
		return spot{}, false
	}
	h, err := l.store.readHeader(k, l.buf[:])
	if err != nil {
		l.miss(err)
		return spot{}, false
	}
	return spot{h.due.UnixMicro(), k}, strings.HasPrefix(h.id, l.prefix) && h.due.Before(l.before)
}
