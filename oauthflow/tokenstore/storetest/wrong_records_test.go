package storetest_test

import (
	"bytes"
	"context"
	"errors"
	"net/url"
	"path"
	"strings"
	"sync"
	"time"
	_ "time/tzdata"

	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// wrongRecords keep a single record wrongly.
func wrongRecords() []wrong {
	return []wrong{
		{name: "data are not fresh", clause: "Fresh data hold no record", later: true, open: func() func() tokenstore.Store {
			s := tokenstore.NewMemory()
			_ = s.Save(context.Background(), tokenstore.Record{ID: "connection/left/over", Due: time.Unix(0, 0)})
			return func() tokenstore.Store { return s }
		}},
		{name: "the version is not raised", clause: "Load returns the record as Save left it, with the version one higher", later: true,
			open: onLoad(func(r *tokenstore.Record) { r.Version-- })},
		{name: "the id is not filled in", clause: "Load returns the record as Save left it, with the version one higher", later: true,
			open: onLoad(func(r *tokenstore.Record) { r.ID = "" })},
		{name: "not found in its own words", clause: "Load of an id without a record returns an error wrapping ErrNotFound", later: true,
			open: shared(func(b *bent) {
				b.load = func(ctx context.Context, id string) (tokenstore.Record, error) {
					r, err := b.Store.Load(ctx, id)
					if errors.Is(err, tokenstore.ErrNotFound) {
						err = errors.New("sql: no rows in result set")
					}
					return r, err
				}
			})},
		{name: "an empty record instead of not found", clause: "Load of an id without a record returns an error wrapping ErrNotFound", later: true,
			open: shared(func(b *bent) {
				b.load = func(ctx context.Context, id string) (tokenstore.Record, error) {
					return current(b.Store, id), ctx.Err()
				}
			})},
		{name: "a timeline is a column of the record", clause: "A timeline that is told with a record is told without one, too", later: true,
			open: onLoad(func(r *tokenstore.Record) { r.Timeline = "00000001" })},
		{name: "due to the millisecond", clause: "A due time is kept as the same instant to the microsecond, from 1970 to 9999", later: true,
			open: onSave(func(r *tokenstore.Record) { r.Due = r.Due.Truncate(time.Millisecond) })},
		{name: "due as nanoseconds in 64 bits", clause: "A due time is kept as the same instant to the microsecond, from 1970 to 9999", later: true,
			open: onSave(func(r *tokenstore.Record) { r.Due = time.Unix(0, r.Due.UnixNano()) })},
		{name: "due as a wall clock without its zone", clause: "A due time is kept as the same instant to the microsecond, from 1970 to 9999",
			open: onSave(func(r *tokenstore.Record) {
				azores, err := time.LoadLocation("Atlantic/Azores")
				if err != nil {
					panic(err)
				}
				const wall = "2006-01-02 15:04:05.000000"
				if r.Due, err = time.ParseInLocation(wall, r.Due.In(azores).Format(wall), azores); err != nil {
					panic(err)
				}
			})},
		{name: "a column for 65,535 bytes", clause: "64 KiB of data are kept whole, of any bytes", later: true,
			open: onSave(func(r *tokenstore.Record) { r.Data = r.Data[:min(len(r.Data), 65535)] })},
		{name: "data end at a zero byte", clause: "64 KiB of data are kept whole, of any bytes",
			open: onSave(func(r *tokenstore.Record) { r.Data, _, _ = bytes.Cut(r.Data, []byte{0}) })},
		{name: "data as UTF-8", clause: "64 KiB of data are kept whole, of any bytes",
			open: onSave(func(r *tokenstore.Record) { r.Data = bytes.ToValidUTF8(r.Data, []byte("?")) })},
		{name: "no data is taken for no record", clause: "A record without data is kept",
			open: shared(func(b *bent) {
				b.load = func(ctx context.Context, id string) (tokenstore.Record, error) {
					r, err := b.Store.Load(ctx, id)
					if err == nil && len(r.Data) == 0 {
						err = tokenstore.ErrNotFound
					}
					return r, err
				}
			})},
		{name: "a column for 254 characters", clause: "An id of 255 bytes is kept whole", later: true,
			open: confusing(func(id string) string { return id[:min(len(id), 254)] })},
		{name: "a column for 191 characters", clause: "An id of 255 bytes is kept whole", later: true,
			open: confusing(func(id string) string { return id[:min(len(id), 191)] })},
		{name: "ids as paths", clause: "Ids that differ in a byte are different records", later: true, open: confusing(path.Clean)},
		{name: "ids unescaped", clause: "Ids that differ in a byte are different records", later: true,
			open: confusing(func(id string) string {
				if plain, err := url.PathUnescape(id); err == nil {
					return plain
				}
				return id
			})},
		{name: "ids with what is unfit for a file name replaced", clause: "Ids that differ in a byte are different records", later: true,
			open: confusing(strings.NewReplacer("/", "_", `\`, "_", ":", "_").Replace)},
		{name: "the caller's data are kept", clause: "Save keeps no reference to the data it is given",
			open: shared(func(b *bent) {
				var kept sync.Map // id to data
				b.save = func(ctx context.Context, r tokenstore.Record) error {
					err := b.Store.Save(ctx, r)
					if err == nil && string(r.Data) == "sealed" {
						kept.Store(r.ID, r.Data)
					}
					return err
				}
				b.load = func(ctx context.Context, id string) (tokenstore.Record, error) {
					r, err := b.Store.Load(ctx, id)
					if data, ok := kept.Load(id); ok && r.Version == 1 {
						r.Data = bytes.Clone(data.([]byte))
					}
					return r, err
				}
			})},
		{name: "something is appended to the caller's data", clause: "Save does not write to the data it is given",
			open: onSave(func(r *tokenstore.Record) { _ = append(r.Data, "checksum"...) })},
		{name: "the store's data are given out by Load", clause: "The caller owns the data that Load returns",
			open: shared(func(b *bent) {
				var given sync.Map // data by id and version
				b.load = func(ctx context.Context, id string) (tokenstore.Record, error) {
					r, err := b.Store.Load(ctx, id)
					if err == nil && r.Version == 1 && string(r.Data) == "sealed" {
						data, _ := given.LoadOrStore(id, r.Data)
						r.Data = data.([]byte)
					}
					return r, err
				}
			})},
	}
}

// onSave changes what is stored.
func onSave(change func(*tokenstore.Record)) func() func() tokenstore.Store {
	return shared(func(b *bent) {
		b.save = func(ctx context.Context, r tokenstore.Record) error {
			change(&r)
			return b.Store.Save(ctx, r)
		}
	})
}

// onLoad changes what Load returns.
func onLoad(change func(*tokenstore.Record)) func() func() tokenstore.Store {
	return shared(func(b *bent) {
		b.load = func(ctx context.Context, id string) (tokenstore.Record, error) {
			r, err := b.Store.Load(ctx, id)
			if err == nil {
				change(&r)
			}
			return r, err
		}
	})
}

// confusing takes ids with the same key for one.
func confusing(key func(id string) string) func() func() tokenstore.Store {
	return shared(func(b *bent) {
		b.load = func(ctx context.Context, id string) (tokenstore.Record, error) {
			r, err := b.Store.Load(ctx, key(id))
			r.ID = id
			return r, err
		}
		b.save = func(ctx context.Context, r tokenstore.Record) error {
			r.ID = key(r.ID)
			return b.Store.Save(ctx, r)
		}
		b.delete = func(ctx context.Context, id string, version uint64) error {
			return b.Store.Delete(ctx, key(id), version)
		}
	})
}
