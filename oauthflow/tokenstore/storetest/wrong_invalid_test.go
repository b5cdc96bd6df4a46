package storetest_test

import (
	"context"
	"errors"
	"time"

	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// wrongInvalid take a record that breaks the rules, or refuse it in their own words.
func wrongInvalid() []wrong {
	takes := func(altered func(r tokenstore.Record) tokenstore.Record) func() func() tokenstore.Store {
		return shared(func(b *bent) {
			b.save = func(ctx context.Context, r tokenstore.Record) error {
				if r.Validate() != nil {
					r = altered(r)
				}
				return b.Store.Save(ctx, r)
			}
		})
	}
	return []wrong{
		{name: "any id is taken", clause: "A record whose id is none is refused as invalid",
			open: takes(func(r tokenstore.Record) tokenstore.Record {
				if (tokenstore.Record{ID: r.ID, Due: time.Unix(0, 0)}).Validate() != nil {
					r.ID = "connection/other/main"
				}
				return r
			})},
		{name: "a due time of no meaning is taken for now", clause: "A record whose due time is out of range is refused as invalid",
			open: takes(func(r tokenstore.Record) tokenstore.Record {
				if (tokenstore.Record{ID: "id", Due: r.Due}).Validate() != nil {
					r.Due = time.Unix(0, 0)
				}
				return r
			})},
		{name: "data are cut off", clause: "A record with more than 64 KiB of data is refused as invalid",
			open: takes(func(r tokenstore.Record) tokenstore.Record {
				r.Data = r.Data[:min(len(r.Data), tokenstore.MaxRecordData)]
				return r
			})},
		{name: "the version begins again at 1", clause: "A record whose version has no successor is refused",
			open: takes(func(r tokenstore.Record) tokenstore.Record {
				if r.Version+1 == 0 {
					r.Version = 0
				}
				return r
			})},
		{name: "an invalid record in its own words", clause: "A record whose id is none is refused as invalid", later: true,
			open: shared(func(b *bent) {
				b.save = func(ctx context.Context, r tokenstore.Record) error {
					err := b.Store.Save(ctx, r)
					if errors.Is(err, tokenstore.ErrInvalidRecord) {
						err = errors.New("value too long for type character varying(255)")
					}
					return err
				}
			})},
	}
}
