package redisstore

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/fullcast/sfauth/oauthflow/tokenstore"
	"github.com/redis/go-redis/v9"
)

const (
	pageSize  = 512 // places of the index that are read at a time
	batchSize = 64  // records that are read at a time, and held in memory: at most 4 MiB
)

// List implements [tokenstore.Store]. If some records cannot be read, List yields the others first. Its last element is the error
// about one of the records that could not be read.
func (s *Store) List(ctx context.Context, prefix string, before time.Time) iter.Seq2[tokenstore.Record, error] {
	return func(yield func(tokenstore.Record, error) bool) {
		var missed error
		end := lexEnd(before)
		place := "-"
		for {
			page, err := within(ctx, func() ([]string, error) {
				return s.client.ZRangeByLex(ctx, s.indexKey(), &redis.ZRangeBy{Min: place, Max: end, Count: pageSize}).Result()
			})
			if err != nil {
				yield(tokenstore.Record{}, fmt.Errorf("redisstore: listing: %w", classified(err)))
				return
			}
			more := len(page) == pageSize
			if more {
				place = "(" + page[len(page)-1]
			}
			wanted := slices.DeleteFunc(page, func(member string) bool { return !strings.HasPrefix(idOf(member), prefix) })
			for batch := range slices.Chunk(wanted, batchSize) {
				records, err := within(ctx, func() ([]found, error) { return s.read(ctx, batch) })
				if err != nil {
					yield(tokenstore.Record{}, fmt.Errorf("redisstore: listing: %w", err))
					return
				}
				for i, r := range records {
					if err := ctx.Err(); err != nil {
						yield(tokenstore.Record{}, err)
						return
					}
					switch {
					case errors.Is(r.err, tokenstore.ErrNotFound): // deleted meanwhile
					case r.err != nil:
						missed = fmt.Errorf("redisstore: listing, perhaps with more like it: %s: %w", idOf(batch[i]), r.err)
					case member(r.record) != batch[i]: // saved meanwhile; its place is elsewhere
					case !yield(r.record, nil):
						return
					}
				}
			}
			if !more {
				break
			}
		}
		if missed != nil {
			yield(tokenstore.Record{}, missed)
		}
	}
}

// found is what was read for one place of the index.
type found struct {
	record tokenstore.Record
	err    error
}

// read reads the records at places of the index in one round trip.
func (s *Store) read(ctx context.Context, members []string) ([]found, error) {
	p := s.client.Pipeline()
	answers := make([]*redis.SliceCmd, len(members))
	for i, m := range members {
		answers[i] = p.HMGet(ctx, s.recordKey(idOf(m)), fields...)
	}
	var answer redis.Error
	if _, err := p.Exec(ctx); err != nil && !errors.As(err, &answer) {
		return nil, err
	}
	out := make([]found, len(members))
	for i, m := range members {
		out[i].record, out[i].err = decode(idOf(m), answers[i])
	}
	return out, nil
}

// member is a record's place in the index, in order of due time and id.
func member(r tokenstore.Record) string { return moment(r.Due.UnixMicro()) + " " + r.ID }

// idOf returns the id of a place; nothing when it is none.
func idOf(member string) string {
	if len(member) <= momentSize {
		return ""
	}
	return member[momentSize+1:]
}

// lexEnd returns the end of the places of the index that are due before t: of all after the year 9999, else the first
// microsecond that is not before t.
func lexEnd(t time.Time) string {
	switch year := t.UTC().Year(); {
	case year < 1970:
		return "(" + moment(0)
	case year > 9999:
		return "+"
	}
	return "(" + moment(t.Add(time.Microsecond-1).UnixMicro())
}
