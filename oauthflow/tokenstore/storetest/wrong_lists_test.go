package storetest_test

import (
	"context"
	"iter"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// wrongLists yield the wrong records, or in the wrong way.
func wrongLists() []wrong {
	return []wrong{
		{name: "a list without data", clause: "List yields whole records", later: true,
			open: onList(func(records []tokenstore.Record) []tokenstore.Record {
				for i := range records {
					records[i].Data = nil
				}
				return records
			})},
		{name: "a list ordered by id", clause: "List yields the earliest due first", later: true,
			open: onList(func(records []tokenstore.Record) []tokenstore.Record {
				slices.SortFunc(records, func(a, b tokenstore.Record) int { return strings.Compare(a.ID, b.ID) })
				return records
			})},
		{name: "the latest first", clause: "List yields the earliest due first", later: true,
			open: onList(func(records []tokenstore.Record) []tokenstore.Record {
				slices.Reverse(records)
				return records
			})},
		{name: "before is taken for until", clause: "List yields what is due before the given time and nothing due then or later",
			open: before(func(t time.Time) time.Time { return t.Add(time.Microsecond) })},
		{name: "before is ignored", clause: "List yields what is due before the given time and nothing due then or later", later: true,
			open: before(func(time.Time) time.Time { return time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) })},
		{name: "before to the second", clause: "List yields what is due before the given time and nothing due then or later",
			open: before(func(t time.Time) time.Time { return t.Truncate(time.Second) })},
		{name: "a list without a bound ends at the last day", clause: "List of a time after the year 9999 yields what is due at the last microsecond of that year",
			open: before(func(t time.Time) time.Time {
				if last := time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC); t.After(last) {
					return last
				}
				return t
			})},
		{name: "the prefix is ignored", clause: "A prefix is taken byte by byte, nothing in it is a pattern", later: true,
			open: prefix(func(id, prefix string) bool { return true })},
		{name: "the prefix is a LIKE pattern", clause: "A prefix is taken byte by byte, nothing in it is a pattern",
			open: prefix(func(id, prefix string) bool {
				pattern := strings.NewReplacer("%", ".*", "_", ".").Replace(regexp.QuoteMeta(prefix))
				return regexp.MustCompile("^" + pattern).MatchString(id)
			})},
		{name: "the prefix is a glob pattern", clause: "A prefix is taken byte by byte, nothing in it is a pattern",
			open: prefix(func(id, prefix string) bool {
				flat := strings.NewReplacer("/", "|")
				ok, _ := path.Match(flat.Replace(prefix)+"*", flat.Replace(id))
				return ok
			})},
		{name: "the prefix is a folder", clause: "A prefix is taken byte by byte, nothing in it is a pattern", later: true,
			open: prefix(func(id, prefix string) bool {
				return prefix == "" || strings.HasPrefix(id, strings.TrimSuffix(prefix, "/")+"/")
			})},
		{name: "the prefix without regard to case", clause: "A prefix tells upper from lower case",
			open: prefix(func(id, prefix string) bool {
				return strings.HasPrefix(strings.ToLower(id), strings.ToLower(prefix))
			})},
		{name: "the list knows the first due time only", clause: "List follows a due time that is changed", open: listByFirstDue},
		{name: "deleted records stay in the list", clause: "List yields no deleted record", later: true,
			open: shared(func(b *bent) {
				var mu sync.Mutex
				var deleted []tokenstore.Record
				b.delete = func(ctx context.Context, id string, version uint64) error {
					r := current(b.Store, id)
					err := b.Store.Delete(ctx, id, version)
					if mu.Lock(); err == nil {
						deleted = append(deleted, r)
					}
					mu.Unlock()
					return err
				}
				changeList(b, func(records []tokenstore.Record) []tokenstore.Record {
					mu.Lock()
					defer mu.Unlock()
					return append(records, deleted...)
				})
			})},
		{name: "a list of at most 256", clause: "A long list holds each record once, also where many are due at once",
			open: onList(func(records []tokenstore.Record) []tokenstore.Record { return records[:min(len(records), 256)] })},
		{name: "the next page begins after the last due time", clause: "A long list holds each record once, also where many are due at once",
			open: onList(func(records []tokenstore.Record) []tokenstore.Record {
				for end := 100; end < len(records); end += 100 {
					last := records[end-1].Due
					records = slices.Delete(records, end, end+slices.IndexFunc(append(records[end:], tokenstore.Record{}), func(r tokenstore.Record) bool { return !r.Due.Equal(last) }))
				}
				return records
			})},
		{name: "the next page begins at the last due time", clause: "A long list holds each record once, also where many are due at once",
			open: onList(func(records []tokenstore.Record) []tokenstore.Record {
				if len(records) > 100 {
					records = slices.Insert(records, 100, records[99])
				}
				return records
			})},
		{name: "the list goes on after the loop", clause: "A loop over List may end early",
			open: shared(func(b *bent) {
				b.list = func(ctx context.Context, prefix string, before time.Time) iter.Seq2[tokenstore.Record, error] {
					return func(yield func(tokenstore.Record, error) bool) {
						for r, err := range b.Store.List(ctx, prefix, before) {
							yield(r, err)
						}
					}
				}
			})},
		{name: "the list keeps others out", clause: "The body of a loop over List may use the store",
			open: shared(func(b *bent) {
				busy := make(chan struct{}, 1)
				b.save = func(ctx context.Context, r tokenstore.Record) error {
					select {
					case busy <- struct{}{}:
						defer func() { <-busy }()
						return b.Store.Save(ctx, r)
					case <-ctx.Done():
						return ctx.Err()
					}
				}
				b.list = func(ctx context.Context, prefix string, before time.Time) iter.Seq2[tokenstore.Record, error] {
					return func(yield func(tokenstore.Record, error) bool) {
						busy <- struct{}{}
						defer func() { <-busy }()
						b.Store.List(ctx, prefix, before)(yield)
					}
				}
			})},
		{name: "the store's data are given out by List", clause: "The caller owns the data that List yields",
			open: shared(func(b *bent) {
				var given sync.Map // id to data
				changeList(b, func(records []tokenstore.Record) []tokenstore.Record {
					for i, r := range records {
						if r.Version == 1 && string(r.Data) == "sealed" {
							data, _ := given.LoadOrStore(r.ID, r.Data)
							records[i].Data = data.([]byte)
						}
					}
					return records
				})
			})},
	}
}

// onList changes what List yields.
func onList(change func([]tokenstore.Record) []tokenstore.Record) func() func() tokenstore.Store {
	return shared(func(b *bent) { changeList(b, change) })
}

// prefix lists what the function takes for a match.
func prefix(matches func(id, prefix string) bool) func() func() tokenstore.Store {
	return shared(func(b *bent) {
		b.list = func(ctx context.Context, prefix string, before time.Time) iter.Seq2[tokenstore.Record, error] {
			records, err := all(ctx, b.Store, "", before)
			records = slices.DeleteFunc(records, func(r tokenstore.Record) bool { return !matches(r.ID, prefix) })
			return sequence(ctx, records, err)
		}
	})
}

// before lists up to another time than the given one.
func before(change func(time.Time) time.Time) func() func() tokenstore.Store {
	return shared(func(b *bent) {
		b.list = func(ctx context.Context, prefix string, before time.Time) iter.Seq2[tokenstore.Record, error] {
			return b.Store.List(ctx, prefix, change(before))
		}
	})
}

// listByFirstDue orders and filters by the due time that each record had when it was new.
func listByFirstDue() func() tokenstore.Store {
	return shared(func(b *bent) {
		var first sync.Map // id to due time
		b.save = func(ctx context.Context, r tokenstore.Record) error {
			err := b.Store.Save(ctx, r)
			if err == nil && r.Version == 0 {
				first.Store(r.ID, r.Due)
			}
			return err
		}
		due := func(r tokenstore.Record) time.Time {
			t, _ := first.Load(r.ID)
			return t.(time.Time)
		}
		b.list = func(ctx context.Context, prefix string, before time.Time) iter.Seq2[tokenstore.Record, error] {
			records, err := all(ctx, b.Store, prefix, time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC))
			records = slices.DeleteFunc(records, func(r tokenstore.Record) bool { return !due(r).Before(before) })
			slices.SortStableFunc(records, func(a, b tokenstore.Record) int { return due(a).Compare(due(b)) })
			return sequence(ctx, records, err)
		}
	})()
}
