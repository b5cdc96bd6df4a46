package oauthflow

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fullcast/sfauth/oauthflow/internal/turns"
)

// places are what a limited number of callers have at once. The others wait for their turn: tenants take turns, and the callers
// of one tenant in the order in which they came. Who leaves is taken out. The wait has no time limit of its own: nothing that is
// to be done in a time may begin to count it before it has its place.
type places struct {
	silence *silence // ends the wait of all; nil for nothing

	mu      sync.Mutex
	turns   *turns.Turns[*entrant]
	through int // callers that were let through since the beginning
}

func newPlaces(all, perTenant int, s *silence) *places {
	return &places{turns: turns.New[*entrant](all, perTenant), silence: s}
}

// entrant is a caller that waits for a place, or has one.
type entrant struct {
	let   chan struct{} // closed when it is let through
	since time.Time
	ahead int // callers that had their turn before it when it came, at most
	then  int // callers that were through when it came
}

// entry is what an entrant has. It leaves once.
type entry struct {
	leave  func()
	waited bool // it was not free at once
}

// enter waits for a place, until ctx ends or the store is found to be silent. Asked, which may be nil, tells meanwhile what is
// waited for.
func (p *places) enter(ctx context.Context, tenant string, asked *turn) (at entry, err error) {
	at.leave = func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.turns.Done(tenant)
		p.admit()
	}
	heard := p.silence.heard()
	p.mu.Lock()
	if p.turns.Take(tenant) {
		p.through++
		p.mu.Unlock()
		return at, nil
	}
	e := &entrant{let: make(chan struct{}), since: time.Now(), ahead: p.turns.Ahead(tenant), then: p.through}
	p.turns.Add(tenant, e)
	p.admit()
	p.mu.Unlock()
	select {
	case <-e.let:
		return at, nil
	default:
	}
	at.waited = true
	asked.set(p, e)
	defer asked.set(nil, nil)
	select {
	case <-e.let:
		return at, nil
	case <-ctx.Done():
		err = ctx.Err()
	case <-heard:
		err = errStoreSilent
	}
	p.mu.Lock()
	waited := p.turns.Remove(tenant, e)
	p.mu.Unlock()
	if !waited { // it was let through just now
		at.leave()
	}
	return entry{}, err
}

// admit lets through the callers whose turn it is. The lock is held.
func (p *places) admit() {
	for {
		_, e, ok := p.turns.Next()
		if !ok {
			return
		}
		p.through++
		close(e.let)
	}
}

// left returns how long it probably takes until a caller that waits has its turn.
func (p *places) left(e *entrant) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return turns.Until(e.ahead, p.through-e.then, time.Since(e.since))
}

// turn tells from outside what somebody waits for, and how long that has taken. He may wait for more than one thing at a time.
type turn struct {
	waits atomic.Pointer[waits] // what he began to wait for last

	mu     sync.Mutex
	things int           // that he waits for
	since  time.Time     // since when he does
	before time.Duration // how long he did before
}

type waits struct {
	at *places
	as *entrant
}

func (t *turn) set(at *places, as *entrant) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if at != nil {
		if t.things++; t.things == 1 {
			t.since = time.Now()
		}
		t.waits.Store(&waits{at, as})
		return
	}
	if t.things--; t.things == 0 {
		t.before += time.Since(t.since)
		t.waits.Store(nil)
	}
}

// waited returns for how long he has waited.
func (t *turn) waited() time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.things == 0 {
		return t.before
	}
	return t.before + time.Since(t.since)
}

// progress is how far a queue has come.
type progress struct {
	of      *places
	through int
}

// moves reports whether there is a queue to wait in that has moved since the last time, or else since the wait began, and notes
// how far it has come.
func (t *turn) moves(last *progress) bool {
	w := t.waits.Load()
	if w == nil {
		return false
	}
	w.at.mu.Lock()
	now := progress{w.at, w.at.through}
	w.at.mu.Unlock()
	before := *last
	if before.of != now.of {
		before = progress{w.at, w.as.then}
	}
	*last = now
	return now != before
}

// left returns how long it probably takes until the turn comes; 0 when nothing is waited for, or that cannot be told.
func (t *turn) left() time.Duration {
	w := t.waits.Load()
	if w == nil {
		return 0
	}
	return w.at.left(w.as)
}
