package sqlstore

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

const (
	pageSize = 128  // records that a List reads at a time, and holds in memory: at most 8 MiB
	fewSize  = 32   // records with one prefix that come at once
	someSize = 2048 // records with one prefix that are rather found by it than by their due time
)

// A spot is a place in the order of a list.
type spot struct {
	due int64 // microseconds since 1970
	id  string
}

func spotOf(r tokenstore.Record) spot { return spot{r.Due.UnixMicro(), r.ID} }

func (a spot) compare(b spot) int {
	return cmp.Or(cmp.Compare(a.due, b.due), strings.Compare(a.id, b.id))
}

// List implements [tokenstore.Store]. Between two pages it keeps no connection and no transaction. If at most 2,048 records have
// the prefix, List reads only these. Otherwise it reads all records that are due before the given time.
func (s *Store) List(ctx context.Context, prefix string, before time.Time) iter.Seq2[tokenstore.Record, error] {
	return func(yield func(tokenstore.Record, error) bool) {
		l := lister{store: s, prefix: prefix, last: lastBefore(before)}
		for !l.done {
			records, err := l.next(ctx)
			if err != nil {
				yield(tokenstore.Record{}, fmt.Errorf("sqlstore: listing: %w", err))
				return
			}
			for _, r := range records {
				if err := ctx.Err(); err != nil {
					yield(tokenstore.Record{}, err)
					return
				}
				if !yield(r, nil) {
					return
				}
			}
		}
	}
}

// A lister finds the records of one List.
type lister struct {
	store  *Store
	prefix string
	last   int64 // due time that is listed
	looked bool  // how many records have the prefix
	byID   bool
	after  spot
	done   bool
}

// next returns the next records in order, and notes whether they are the last.
func (l *lister) next(ctx context.Context) ([]tokenstore.Record, error) {
	if !printable(l.prefix) || len(l.prefix) > maxID { // no id begins with it
		l.done = true
		return nil, ctx.Err()
	}
	if l.prefix != "" && !l.looked {
		var count int64
		few, err := l.store.query(ctx, l.store.first(l.prefix, fewSize+1, someSize+1), &count)
		if err != nil {
			return nil, err
		}
		if len(few) <= fewSize {
			l.done = true
			few = slices.DeleteFunc(few, func(r tokenstore.Record) bool { return r.Due.UnixMicro() > l.last })
			slices.SortFunc(few, func(a, b tokenstore.Record) int { return spotOf(a).compare(spotOf(b)) })
			return few, nil
		}
		l.looked, l.byID = true, count <= someSize
	}
	statement := l.store.page
	if l.byID {
		statement = l.store.pageByID
	}
	page, err := l.store.query(ctx, statement(l.prefix, l.last, l.after))
	if err != nil {
		return nil, err
	}
	if l.done = len(page) < pageSize; !l.done {
		l.after = spotOf(page[pageSize-1])
	}
	return page, nil
}

// query returns all rows that a statement selects, and sets more to what else the last one has.
func (s *Store) query(ctx context.Context, q *statement, more ...any) ([]tokenstore.Record, error) {
	var out []tokenstore.Record
	err := s.retry(ctx, func() error {
		out = nil
		rows, err := s.db.QueryContext(ctx, q.text.String(), q.args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			r, err := s.scan(rows, more...)
			if err != nil {
				return err
			}
			out = append(out, r)
		}
		return rows.Err()
	})
	return out, err
}

// lastBefore returns the last microsecond that is before t, of those that a due time can have. After the year 9999 it is the last that
// the column can hold.
func lastBefore(t time.Time) int64 {
	switch year := t.UTC().Year(); {
	case year < 1970:
		return -1
	case year > 9999:
		return math.MaxInt64
	}
	return t.Add(time.Microsecond-1).UnixMicro() - 1
}
