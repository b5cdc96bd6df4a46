package storetest_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/fullcast/sfauth/oauthflow/tokenstore"
	"github.com/fullcast/sfauth/oauthflow/tokenstore/storetest"
)

// A telling store is a good one that tells timelines and can fail over. What is wrong with it is said by the functions.
type telling struct {
	tokenstore.Store
	mu       sync.Mutex
	failures int

	saves   func(t *telling, ctx context.Context, r tokenstore.Record) error // instead of Save
	deletes func(t *telling, ctx context.Context, timeline, id string, version uint64) error
}

var _ storetest.FailoverStore = (*telling)(nil)

func (t *telling) timeline() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.now()
}

func (t *telling) now() string { return fmt.Sprintf("%08d", 1+t.failures) }

func (t *telling) Load(ctx context.Context, id string) (tokenstore.Record, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	r, err := t.Store.Load(ctx, id)
	r.Timeline = t.now()
	return r, err
}

func (t *telling) Save(ctx context.Context, r tokenstore.Record) error {
	if t.saves != nil {
		return t.saves(t, ctx, r)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if r.Timeline != "" && r.Timeline != t.now() {
		return tokenstore.ErrConflict
	}
	return t.Store.Save(ctx, r)
}

func (t *telling) DeleteIn(ctx context.Context, timeline, id string, version uint64) error {
	if t.deletes != nil {
		return t.deletes(t, ctx, timeline, id, version)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if timeline != "" && timeline != t.now() {
		return tokenstore.ErrConflict
	}
	return t.Store.Delete(ctx, id, version)
}

func (t *telling) FailOver(context.Context) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.failures++
	return nil
}

// tells opens a telling store, which all handles share.
func tells(bend func(*telling)) func() func() tokenstore.Store {
	return func() func() tokenstore.Store {
		s := &telling{Store: tokenstore.NewMemory()}
		bend(s)
		return func() tokenstore.Store { return s }
	}
}

func TestAStoreThatTellsTimelinesKeepsTheContract(t *testing.T) {
	open := tells(func(*telling) {})
	storetest.Run(t, func(*testing.T) func() tokenstore.Store { return open() })
}

// wrongTimelines compare timelines wrongly.
func wrongTimelines() []wrong {
	const save, remove = "A Save with another timeline than the store's is refused", "A Delete with another timeline than the store's is refused"
	return []wrong{
		{name: "no timeline is good enough", clause: "A change with the timeline that Load told is made", later: true,
			open: tells(func(s *telling) {
				s.saves = func(t *telling, ctx context.Context, r tokenstore.Record) error {
					if r.Timeline != "" && ctx.Err() == nil {
						return tokenstore.ErrConflict
					}
					return t.Store.Save(ctx, r)
				}
			})},
		{name: "no timeline is good enough for a Delete", clause: "A change with the timeline that Load told is made", later: true,
			open: tells(func(s *telling) {
				s.deletes = func(*telling, context.Context, string, string, uint64) error { return tokenstore.ErrConflict }
			})},
		{name: "Save compares the version only", clause: save, later: true,
			open: tells(func(s *telling) {
				s.saves = func(t *telling, ctx context.Context, r tokenstore.Record) error { return t.Store.Save(ctx, r) }
			})},
		{name: "a new record is saved in any timeline", clause: save,
			open: tells(func(s *telling) {
				s.saves = func(t *telling, ctx context.Context, r tokenstore.Record) error {
					t.mu.Lock()
					defer t.mu.Unlock()
					if r.Version > 0 && r.Timeline != "" && r.Timeline != t.now() {
						return tokenstore.ErrConflict
					}
					return t.Store.Save(ctx, r)
				}
			})},
		{name: "only the length of the timeline is compared", clause: save, later: true,
			open: tells(func(s *telling) {
				s.saves = func(t *telling, ctx context.Context, r tokenstore.Record) error {
					if r.Timeline != "" && len(r.Timeline) != len(t.timeline()) {
						return tokenstore.ErrConflict
					}
					return t.Store.Save(ctx, r)
				}
			})},
		{name: "Delete compares the version only", clause: remove,
			open: tells(func(s *telling) {
				s.deletes = func(t *telling, ctx context.Context, _, id string, version uint64) error {
					return t.Store.Delete(ctx, id, version)
				}
			})},
		{name: "Delete cannot be told a timeline", clause: remove,
			open: func() func() tokenstore.Store {
				s := struct{ tokenstore.Store }{&telling{Store: tokenstore.NewMemory()}}
				return func() tokenstore.Store { return s }
			}},
		{name: "a timeline is refused where none is told", clause: "A store that tells no timeline ignores one",
			open: shared(func(b *bent) {
				b.save = func(ctx context.Context, r tokenstore.Record) error {
					if r.Timeline != "" {
						return tokenstore.ErrConflict
					}
					return b.Store.Save(ctx, r)
				}
			})},
		{name: "the timeline is stored with the record", clause: "A store that tells no timeline ignores one",
			open: shared(func(b *bent) {
				var timelines sync.Map
				b.save = func(ctx context.Context, r tokenstore.Record) error {
					err := b.Store.Save(ctx, r)
					if err == nil {
						timelines.Store(r.ID, r.Timeline)
					}
					return err
				}
				b.load = func(ctx context.Context, id string) (tokenstore.Record, error) {
					r, err := b.Store.Load(ctx, id)
					if timeline, ok := timelines.Load(id); ok && err == nil {
						r.Timeline = timeline.(string)
					}
					return r, err
				}
			})},
		{name: "the timeline is asked for before the Save", clause: "No Save that was decided before a failover is made after it",
			open: tells(func(s *telling) {
				s.saves = func(t *telling, ctx context.Context, r tokenstore.Record) error {
					if r.Timeline != "" && r.Timeline != t.timeline() {
						return tokenstore.ErrConflict
					}
					time.Sleep(2 * time.Millisecond) // on the way to the server
					return t.Store.Save(ctx, r)
				}
			})},
	}
}
