package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// FailoverStore is a store under test that can begin another history of writes. If the first handle has this method, a clause
// makes a failover while other goroutines save. If the first handle does not have it, that clause passes.
type FailoverStore interface {
	tokenstore.TimelineStore

	// FailOver makes the store's server continue in another history. It returns when Load returns the timeline of that history.
	// Records that were saved before the call are kept. Records that are saved during the call may be lost.
	FailOver(ctx context.Context) error
}

// timelineClauses say what a store that tells timelines compares, and that another ignores them.
var timelineClauses = []Clause{
	{"A change with the timeline that Load told is made", func(p *probe) {
		h := p.handle()
		r := newRecord("connection/acme/main", "sealed")
		r.Timeline = h.lacks(r.ID).Timeline
		h.save(r)
		r = h.save(h.load(r.ID))
		h.holds(r)
		h.deleteIn(h.load(r.ID))
		h.lacks(r.ID)
	}},
	{"A Save with another timeline than the store's is refused", func(p *probe) {
		h := p.handle()
		stored := h.save(newRecord("connection/acme/main", "sealed"))
		for _, other := range otherTimelines(h.load(stored.ID).Timeline) {
			r := stored
			r.Timeline = other
			h.refuseSave(r)
			r = newRecord("connection/acme/other", "sealed")
			r.Timeline = other
			h.refuseSave(r)
			h.lacks(r.ID)
		}
		h.holds(stored)
	}},
	{"A Delete with another timeline than the store's is refused", func(p *probe) {
		h := p.handle()
		stored := h.save(newRecord("connection/acme/main", "sealed"))
		for _, other := range otherTimelines(h.load(stored.ID).Timeline) {
			s, ok := h.store.(tokenstore.TimelineStore)
			if !ok {
				failf("Load tells the timeline %q, but the store is no tokenstore.TimelineStore", h.load(stored.ID).Timeline)
			}
			if err := s.DeleteIn(h.ctx, other, stored.ID, stored.Version); !errors.Is(err, tokenstore.ErrConflict) {
				failf("DeleteIn with the timeline %q: got %v, want an error wrapping ErrConflict", other, err)
			}
		}
		h.holds(stored)
	}},
	{"A store that tells no timeline ignores one", func(p *probe) {
		h := p.handle()
		r := h.save(newRecord("connection/acme/main", "sealed"))
		if h.load(r.ID).Timeline != "" {
			return
		}
		r.Timeline = "00000001"
		r = h.save(r)
		h.holds(r)
		if got := h.load(r.ID).Timeline; got != "" {
			failf("Load tells the timeline %q that was given to Save", got)
		}
	}},
	{"No Save that was decided before a failover is made after it", func(p *probe) {
		a, b := p.pair()
		a.lacks("connection/acme/0")
		s, ok := a.store.(FailoverStore)
		if !ok {
			return
		}
		const many = 8
		old := make([]tokenstore.Record, many)
		for i := range old {
			old[i] = a.load(a.save(newRecord(fmt.Sprintf("connection/acme/%d", i), "sealed")).ID)
		}
		var savers sync.WaitGroup
		for i, r := range old {
			savers.Go(func() { saveUntilRefused([]handle{a, b}[i%2], r) })
		}
		time.Sleep(10 * time.Millisecond) // so that some are under way
		if err := s.FailOver(a.ctx); err != nil {
			failf("FailOver: %w", err)
		}
		found := make([]tokenstore.Record, many)
		for i, before := range old {
			found[i] = b.load(before.ID)
			if found[i].Timeline == before.Timeline || found[i].Timeline == "" {
				failf("Load tells the timeline %q after a failover, %q before", found[i].Timeline, before.Timeline)
			}
		}
		savers.Wait()
		for _, r := range found {
			b.holds(r)
		}
	}},
}

// otherTimelines returns timelines that are not the given one; none where that is none.
func otherTimelines(of string) []string {
	if of == "" {
		return nil
	}
	return []string{of + "0", of[1:] + "x", "another"}
}

// saveUntilRefused saves a record again and again with the timeline that was told at first, until that is a conflict. Errors of
// another kind are those of a server that is not there.
func saveUntilRefused(h handle, r tokenstore.Record) {
	for err := error(nil); !errors.Is(err, tokenstore.ErrConflict) && h.ctx.Err() == nil; {
		if err = h.store.Save(h.ctx, r); err == nil {
			r.Version++
		}
	}
}

// deleteIn deletes a record as it was loaded.
func (h handle) deleteIn(r tokenstore.Record) {
	s, ok := h.store.(tokenstore.TimelineStore)
	if !ok {
		h.delete(r.ID, r.Version)
	} else if err := s.DeleteIn(h.ctx, r.Timeline, r.ID, r.Version); err != nil {
		failf("DeleteIn of %q at version %d with the timeline that Load told: got %v, want nil", r.ID, r.Version, err)
	}
}
