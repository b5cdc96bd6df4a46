package storetest_test

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// wrongVersions compare versions wrongly, one caller at a time.
func wrongVersions() []wrong {
	return []wrong{
		{name: "the version stays at 2", clause: "Each Save raises the version by one", later: true,
			open: onLoad(func(r *tokenstore.Record) { r.Version = min(r.Version, 2) })},
		{name: "the end of longer data stays", clause: "Save replaces the whole record", later: true,
			open: shared(func(b *bent) {
				b.save = func(ctx context.Context, r tokenstore.Record) error {
					if old := current(b.Store, r.ID).Data; len(old) > len(r.Data) {
						r.Data = append(append([]byte{}, r.Data...), old[len(r.Data):]...)
					}
					return b.Store.Save(ctx, r)
				}
			})},
		{name: "the due time stays", clause: "Save replaces the whole record", later: true,
			open: shared(func(b *bent) {
				b.save = func(ctx context.Context, r tokenstore.Record) error {
					if old := current(b.Store, r.ID); old.Version > 0 {
						r.Due = old.Due
					}
					return b.Store.Save(ctx, r)
				}
			})},
		{name: "version 0 overwrites", clause: "Save with version 0 refuses an id that has a record", later: true,
			open: takeCurrent(func(r, stored tokenstore.Record) bool { return r.Version == 0 })},
		{name: "a conflict in its own words", clause: "Save with version 0 refuses an id that has a record", later: true,
			open: shared(func(b *bent) {
				b.save = func(ctx context.Context, r tokenstore.Record) error {
					err := b.Store.Save(ctx, r)
					if errors.Is(err, tokenstore.ErrConflict) && r.Version == 0 {
						err = errors.New("duplicate key value violates unique constraint")
					}
					return err
				}
			})},
		{name: "the last write wins", clause: "Save with an older version than the stored one is refused", later: true,
			open: takeCurrent(func(r, stored tokenstore.Record) bool { return r.Version > 0 && stored.Version > 0 })},
		{name: "versions in 32 bits", clause: "Save with a newer version than the stored one is refused",
			open: takeCurrent(func(r, stored tokenstore.Record) bool {
				return r.Version > 0 && stored.Version > 0 && uint32(r.Version) == uint32(stored.Version)
			})},
		{name: "a higher version is better", clause: "Save with a newer version than the stored one is refused", later: true,
			open: takeCurrent(func(r, stored tokenstore.Record) bool { return stored.Version > 0 && r.Version > stored.Version })},
		{name: "update or insert", clause: "Save with a version above 0 refuses an id without a record", later: true,
			open: takeCurrent(func(r, stored tokenstore.Record) bool { return stored.Version == 0 })},
		{name: "a refused Save moves the due time", clause: "A refused Save changes nothing",
			open: shared(func(b *bent) {
				var moved sync.Map // id to due time
				b.save = func(ctx context.Context, r tokenstore.Record) error {
					err := b.Store.Save(ctx, r)
					if errors.Is(err, tokenstore.ErrConflict) {
						moved.Store(r.ID, r.Due)
					}
					return err
				}
				b.load = func(ctx context.Context, id string) (tokenstore.Record, error) {
					r, err := b.Store.Load(ctx, id)
					if due, ok := moved.Load(id); ok && err == nil {
						r.Due = due.(time.Time)
					}
					return r, err
				}
			})},
		{name: "nothing is deleted", clause: "Delete at the stored version removes the record", later: true,
			open: shared(func(b *bent) {
				b.delete = func(ctx context.Context, id string, version uint64) error {
					if r, err := b.Store.Load(ctx, id); err != nil || r.Version != version {
						return errors.Join(ctx.Err(), tokenstore.ErrConflict)
					}
					return nil
				}
			})},
		{name: "deleted at any version", clause: "Delete at another version is refused and keeps the record", later: true,
			open: shared(func(b *bent) {
				b.delete = func(ctx context.Context, id string, version uint64) error {
					return b.Store.Delete(ctx, id, current(b.Store, id).Version)
				}
			})},
		{name: "refused but deleted", clause: "Delete at another version is refused and keeps the record", later: true,
			open: shared(func(b *bent) {
				b.delete = func(ctx context.Context, id string, version uint64) error {
					err := b.Store.Delete(ctx, id, version)
					if errors.Is(err, tokenstore.ErrConflict) {
						_ = b.Store.Delete(ctx, id, current(b.Store, id).Version)
					}
					return err
				}
			})},
		{name: "nothing to delete is fine", clause: "Delete of an id without a record is refused", later: true, open: deleteOfNothing(nil)},
		{name: "nothing to delete is not found", clause: "Delete of an id without a record is refused", later: true, open: deleteOfNothing(tokenstore.ErrNotFound)},
		{name: "Delete is idempotent", clause: "A second Delete is refused", later: true,
			open: remembering(func(b *bent, deleted func(string) uint64) {
				del := b.delete
				b.delete = func(ctx context.Context, id string, version uint64) error {
					if version > 0 && deleted(id) == version && current(b.Store, id).Version == 0 {
						return ctx.Err()
					}
					return del(ctx, id, version)
				}
			})},
		{name: "deleted ids stay taken", clause: "A deleted id may be saved again with version 0", later: true,
			open: remembering(func(b *bent, deleted func(string) uint64) {
				b.save = func(ctx context.Context, r tokenstore.Record) error {
					if deleted(r.ID) > 0 {
						return tokenstore.ErrConflict
					}
					return b.Store.Save(ctx, r)
				}
			})},
		{name: "deleted records come back", clause: "A deleted record is not saved again with its old version", later: true,
			open: remembering(func(b *bent, deleted func(string) uint64) {
				b.save = func(ctx context.Context, r tokenstore.Record) error {
					if r.Version > 0 && r.Version == deleted(r.ID) && current(b.Store, r.ID).Version == 0 {
						r.Version = 0
					}
					return b.Store.Save(ctx, r)
				}
			})},
	}
}

// takeCurrent saves at the stored version instead of the given one when the condition holds.
func takeCurrent(when func(r, stored tokenstore.Record) bool) func() func() tokenstore.Store {
	return shared(func(b *bent) {
		b.save = func(ctx context.Context, r tokenstore.Record) error {
			if stored := current(b.Store, r.ID); when(r, stored) {
				r.Version = stored.Version
			}
			return b.Store.Save(ctx, r)
		}
	})
}

// deleteOfNothing returns err for an id without a record.
func deleteOfNothing(err error) func() func() tokenstore.Store {
	return shared(func(b *bent) {
		b.delete = func(ctx context.Context, id string, version uint64) error {
			if current(b.Store, id).Version == 0 {
				return errors.Join(ctx.Err(), err)
			}
			return b.Store.Delete(ctx, id, version)
		}
	})
}

// remembering keeps the versions of deleted records.
func remembering(bend func(b *bent, deleted func(id string) uint64)) func() func() tokenstore.Store {
	return shared(func(b *bent) {
		var versions sync.Map // id to version
		b.delete = func(ctx context.Context, id string, version uint64) error {
			err := b.Store.Delete(ctx, id, version)
			if err == nil {
				versions.Store(id, version)
			}
			return err
		}
		bend(b, func(id string) uint64 {
			version, _ := versions.Load(id)
			v, _ := version.(uint64)
			return v
		})
	})
}
