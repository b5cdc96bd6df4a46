package storetest_test

import (
	"context"
	"iter"
	"sync/atomic"
	"time"

	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// counting is a bent store that tells how much it reads.
type counting struct {
	*bent
	n *atomic.Int64
}

func (s counting) Reads(context.Context) (int, error) { return int(s.n.Load()), nil }

// reading is a good store whose List counts what read returns for the records that a list of all holds, and for those of this
// list.
func reading(read func(all, listed int) int) func() func() tokenstore.Store {
	return func() func() tokenstore.Store {
		s := counting{&bent{Store: tokenstore.NewMemory()}, new(atomic.Int64)}
		s.list = func(ctx context.Context, prefix string, before time.Time) iter.Seq2[tokenstore.Record, error] {
			there, err := all(ctx, s.Store, "", time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC))
			if err != nil {
				return sequence(ctx, nil, err)
			}
			records, err := all(ctx, s.Store, prefix, before)
			s.n.Add(int64(read(len(there), len(records))))
			return sequence(ctx, records, err)
		}
		return func() tokenstore.Store { return s }
	}
}

// wrongReads yield what they ought to, and read too much for it.
func wrongReads() []wrong {
	return []wrong{
		{name: "each page of 128 begins where the list began", clause: "A long list reads each record a few times at most, also where all are due at once",
			open: reading(func(_, listed int) (n int) {
				for end := 128; end < listed+128; end += 128 {
					n += min(end, listed)
				}
				return n
			})},
		{name: "the list goes through all records", clause: "A list does not read what is due later, of whatever prefix",
			open: reading(func(all, _ int) int { return all })},
	}
}
