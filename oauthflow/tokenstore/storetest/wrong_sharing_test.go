package storetest_test

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// moment is long enough for others to come in between.
const moment = time.Millisecond

// wrongSharing is right for one caller at a time through one handle, and wrong with others or when a context is done.
func wrongSharing() []wrong {
	return []wrong{
		{name: "each handle loads from a cache of its own", clause: "What one handle saved, another loads at once", later: true,
			open: each(func(b *bent) {
				var cache sync.Map // id to record
				b.load = func(ctx context.Context, id string) (tokenstore.Record, error) {
					r, err := b.Store.Load(ctx, id)
					if err == nil {
						cached, _ := cache.LoadOrStore(id, r)
						r = copyOf(cached.(tokenstore.Record))
					}
					return r, err
				}
				forget(b, func(id string) { cache.Delete(id) })
			})},
		{name: "each handle lists from a cache of its own", clause: "What one handle saved, another lists at once",
			open: each(func(b *bent) {
				var cache sync.Map // arguments to records
				b.list = func(ctx context.Context, prefix string, before time.Time) iter.Seq2[tokenstore.Record, error] {
					cached, ok := cache.Load(prefix + before.String())
					if !ok {
						records, err := all(context.Background(), b.Store, prefix, before)
						if err != nil || len(records) > 10 {
							return b.Store.List(ctx, prefix, before)
						}
						cache.Store(prefix+before.String(), records)
						cached = records
					}
					var copies []tokenstore.Record
					for _, r := range cached.([]tokenstore.Record) {
						copies = append(copies, copyOf(r))
					}
					return sequence(ctx, copies, ctx.Err())
				}
				forget(b, func(string) { cache.Clear() })
			})},
		{name: "each handle compares with the version it saw last", clause: "A version that one handle replaced is refused to another", later: true,
			open: each(ownVersions)},
		{name: "a handle keeps what another deletes", clause: "What one handle deleted, another neither loads nor lists", later: true,
			open: each(func(b *bent) {
				var copies sync.Map // id to record
				b.load = func(ctx context.Context, id string) (tokenstore.Record, error) {
					r, err := b.Store.Load(ctx, id)
					if err == nil {
						copies.Store(id, r)
					} else if kept, ok := copies.Load(id); ok && errors.Is(err, tokenstore.ErrNotFound) {
						return kept.(tokenstore.Record), nil
					}
					return r, err
				}
				forget(b, func(id string) { copies.Delete(id) })
			})},
		{name: "opening begins with empty data", clause: "A handle that is opened later finds every record", open: func() func() tokenstore.Store {
			var all sync.Map // position to *bent
			return func() tokenstore.Store {
				fresh := tokenstore.NewMemory()
				all.Range(func(_, b any) bool { b.(*bent).Store = fresh; return true })
				b := &bent{Store: fresh}
				all.Store(b, b)
				return b
			}
		}},
		{name: "Load takes no notice of its context", clause: "Load returns its context's error once that is done",
			open: shared(func(b *bent) {
				b.load = func(_ context.Context, id string) (tokenstore.Record, error) {
					return b.Store.Load(context.Background(), id)
				}
			})},
		{name: "Save takes no notice of its context", clause: "Save returns its context's error once that is done",
			open: shared(func(b *bent) {
				b.save = func(_ context.Context, r tokenstore.Record) error { return b.Store.Save(context.Background(), r) }
			})},
		{name: "Save hides its context's error", clause: "Save returns its context's error once that is done",
			open: shared(func(b *bent) {
				b.save = func(ctx context.Context, r tokenstore.Record) error {
					if ctx.Err() != nil {
						return errors.New("the store cannot be reached")
					}
					return b.Store.Save(ctx, r)
				}
			})},
		{name: "Delete takes no notice of its context", clause: "Delete returns its context's error once that is done",
			open: shared(func(b *bent) {
				b.delete = func(_ context.Context, id string, version uint64) error {
					return b.Store.Delete(context.Background(), id, version)
				}
			})},
		{name: "List takes no notice of its context", clause: "List yields its context's error once that is done", later: true,
			open: shared(func(b *bent) {
				b.list = func(_ context.Context, prefix string, before time.Time) iter.Seq2[tokenstore.Record, error] {
					return b.Store.List(context.Background(), prefix, before)
				}
			})},
		{name: "List ends in silence when its context is done", clause: "List yields its context's error once that is done", later: true,
			open: shared(func(b *bent) {
				b.list = func(ctx context.Context, prefix string, before time.Time) iter.Seq2[tokenstore.Record, error] {
					return func(yield func(tokenstore.Record, error) bool) {
						for r, err := range b.Store.List(ctx, prefix, before) {
							if err != nil || !yield(r, err) {
								return
							}
						}
					}
				}
			})},
		{name: "List looks at its context at the start only", clause: "List ends with its context's error when that is done midway",
			open: shared(func(b *bent) {
				b.list = func(ctx context.Context, prefix string, before time.Time) iter.Seq2[tokenstore.Record, error] {
					records, err := all(ctx, b.Store, prefix, before)
					return sequence(context.Background(), records, err)
				}
			})},
		{name: "look, then create", clause: "Of many Saves with version 0, one wins", later: true,
			open: lookThenAct(func(r tokenstore.Record) bool { return r.Version == 0 })},
		{name: "look, then update", clause: "Of many Saves with one version, one wins", later: true,
			open: lookThenAct(func(r tokenstore.Record) bool { return r.Version > 0 })},
		{name: "look, then delete", clause: "Of many Deletes with one version, one wins", later: true,
			open: shared(func(b *bent) {
				b.delete = func(ctx context.Context, id string, version uint64) error {
					stored := current(b.Store, id)
					time.Sleep(moment)
					if stored.Version != version || version == 0 {
						return errors.Join(ctx.Err(), tokenstore.ErrConflict)
					}
					if err := b.Store.Delete(ctx, id, version); !errors.Is(err, tokenstore.ErrConflict) {
						return err
					}
					return nil
				}
			})},
		{name: "Saves and Deletes look at the same time", clause: "Of Saves and Deletes with one version, one wins", later: true,
			open: shared(func(b *bent) {
				var saves, deletes sync.Mutex
				b.save = func(ctx context.Context, r tokenstore.Record) error {
					saves.Lock()
					defer saves.Unlock()
					if stored := current(b.Store, r.ID); stored.Version != r.Version {
						return errors.Join(ctx.Err(), tokenstore.ErrConflict)
					}
					time.Sleep(moment)
					return force(ctx, b.Store, r)
				}
				b.delete = func(ctx context.Context, id string, version uint64) error {
					deletes.Lock()
					defer deletes.Unlock()
					if stored := current(b.Store, id); stored.Version != version || version == 0 {
						return errors.Join(ctx.Err(), tokenstore.ErrConflict)
					}
					time.Sleep(moment)
					if err := b.Store.Delete(ctx, id, current(b.Store, id).Version); !errors.Is(err, tokenstore.ErrConflict) {
						return err
					}
					return nil
				}
			})},
		{name: "one Save at a time in the whole store", clause: "A Save never conflicts with one of another record",
			open: shared(func(b *bent) {
				var busy sync.Map // id
				b.save = func(ctx context.Context, r tokenstore.Record) error {
					others := false
					busy.Store(r.ID, nil)
					defer busy.Delete(r.ID)
					busy.Range(func(id, _ any) bool { others = others || id != r.ID; return true })
					if others {
						return tokenstore.ErrConflict
					}
					time.Sleep(moment)
					return b.Store.Save(ctx, r)
				}
			})},
		{name: "Load reads the data before the version", clause: "No change is lost when many load, change and save again until they win", later: true,
			open: shared(func(b *bent) {
				b.load = func(ctx context.Context, id string) (tokenstore.Record, error) {
					old := current(b.Store, id)
					time.Sleep(moment)
					r, err := b.Store.Load(ctx, id)
					if old.Version > 0 {
						r.Data = old.Data
					}
					return r, err
				}
			})},
		{name: "List reads the data before the version", clause: "Load and List see a record whole while it is being saved",
			open: shared(func(b *bent) {
				changeList(b, func(records []tokenstore.Record) []tokenstore.Record {
					if len(records) < 10 {
						time.Sleep(moment)
						for i, r := range records {
							records[i].Version = current(b.Store, r.ID).Version
						}
					}
					return records
				})
			})},
		{name: "List leaves records out while another is saved", clause: "Load and List see a record whole while it is being saved",
			open: shared(func(b *bent) {
				var saving sync.RWMutex
				b.save = func(ctx context.Context, r tokenstore.Record) error {
					saving.RLock()
					defer saving.RUnlock()
					time.Sleep(moment / 4)
					return b.Store.Save(ctx, r)
				}
				changeList(b, func(records []tokenstore.Record) []tokenstore.Record {
					if saving.TryLock() {
						saving.Unlock()
						return records
					}
					return nil
				})
			})},
		{name: "Loads that meet go to a replica that lags", clause: "Every history of Loads, Saves and Deletes is as if they happened one after the other",
			open: shared(func(b *bent) {
				var loads atomic.Int32
				var replica sync.Map // id to the record before the last Save
				b.load = func(ctx context.Context, id string) (tokenstore.Record, error) {
					meets := loads.Add(1) > 1
					defer loads.Add(-1)
					time.Sleep(moment)
					old, ok := replica.Load(id)
					if meets && ok && strings.HasPrefix(string(old.(tokenstore.Record).Data), "by") {
						return copyOf(old.(tokenstore.Record)), ctx.Err()
					}
					return b.Store.Load(ctx, id)
				}
				b.save = func(ctx context.Context, r tokenstore.Record) error {
					old := current(b.Store, r.ID)
					err := b.Store.Save(ctx, r)
					if err == nil {
						replica.Store(r.ID, old)
					}
					return err
				}
			})},
	}
}

func copyOf(r tokenstore.Record) tokenstore.Record {
	r.Data = bytes.Clone(r.Data)
	return r
}

// forget calls f with the id of every Save and Delete, whatever comes of it.
func forget(b *bent, f func(id string)) {
	b.save = func(ctx context.Context, r tokenstore.Record) error {
		defer f(r.ID)
		return b.Store.Save(ctx, r)
	}
	b.delete = func(ctx context.Context, id string, version uint64) error {
		defer f(id)
		return b.Store.Delete(ctx, id, version)
	}
}

// ownVersions compares the version of a Save with the one this handle has seen last.
func ownVersions(b *bent) {
	var seen sync.Map // id to version
	b.load = func(ctx context.Context, id string) (tokenstore.Record, error) {
		r, err := b.Store.Load(ctx, id)
		seen.Store(id, r.Version)
		return r, err
	}
	changeList(b, func(records []tokenstore.Record) []tokenstore.Record {
		for _, r := range records {
			seen.Store(r.ID, r.Version)
		}
		return records
	})
	b.save = func(ctx context.Context, r tokenstore.Record) error {
		version, ok := seen.Load(r.ID)
		if !ok {
			version = current(b.Store, r.ID).Version
		}
		if version != r.Version {
			return errors.Join(ctx.Err(), tokenstore.ErrConflict)
		}
		err := force(ctx, b.Store, r)
		if err == nil {
			seen.Store(r.ID, r.Version+1)
		}
		return err
	}
	b.delete = func(ctx context.Context, id string, version uint64) error {
		err := b.Store.Delete(ctx, id, version)
		if err == nil {
			seen.Delete(id)
		}
		return err
	}
}

// force saves whatever the stored version is.
func force(ctx context.Context, s tokenstore.Store, r tokenstore.Record) error {
	for {
		r.Version = current(s, r.ID).Version
		if err := s.Save(ctx, r); !errors.Is(err, tokenstore.ErrConflict) {
			return err
		}
	}
}

// lookThenAct leaves a moment between comparing and saving the records that the condition holds for.
func lookThenAct(when func(tokenstore.Record) bool) func() func() tokenstore.Store {
	return shared(func(b *bent) {
		b.save = func(ctx context.Context, r tokenstore.Record) error {
			if !when(r) {
				return b.Store.Save(ctx, r)
			}
			stored := current(b.Store, r.ID)
			time.Sleep(moment)
			if stored.Version != r.Version {
				return errors.Join(ctx.Err(), tokenstore.ErrConflict)
			}
			return force(ctx, b.Store, r)
		}
	})
}
