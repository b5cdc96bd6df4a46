package oauthflow

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Load returns what is known of a connection. A missing one is an error of [KindNotConnected].
func (m *Manager) Load(ctx context.Context, k Key) (Connection, error) {
	if err := k.validate("load"); err != nil {
		return Connection{}, err
	}
	_, g, err := m.load(ctx, "load", k)
	if err != nil {
		return Connection{}, err
	}
	return g.connection(m.flow.now()), nil
}

// load reads and opens a connection's record. With an error of [KindNotConnected] comes the record that a new
// connection replaces, and what is left of an old one.
func (m *Manager) load(ctx context.Context, op string, k Key) (Record, *grant, error) {
	r, g, err := m.loadLeaving(ctx, op, k)
	if g != nil && g.Leaving {
		return Record{}, nil, storeError(op, errLeaving)
	}
	return r, g, err
}

// loadLeaving is load also for a connection that another store is taking over.
func (m *Manager) loadLeaving(ctx context.Context, op string, k Key) (Record, *grant, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	id := k.recordID()
	r, err := m.find(ctx, op, id)
	switch {
	case errors.Is(err, ErrNotFound):
		return Record{ID: id, Timeline: r.Timeline}, nil, notConnected(op, k)
	case err != nil:
		return Record{}, nil, err
	}
	g, err := m.openGrant(ctx, op, r)
	if err == nil && g.Leaving && m.cfg.Former != nil {
		r, g, err = m.loadReturned(ctx, op, k)
	}
	if err == nil && g.Gone {
		return r, g, notConnected(op, k)
	}
	return r, g, err
}

func notConnected(op string, k Key) error {
	return &Error{Op: op, Kind: KindNotConnected, Err: fmt.Errorf("%w for connection %q", ErrNotFound, k)}
}

// save seals g and compares and swaps it for the record as it was loaded.
func (m *Manager) save(ctx context.Context, op string, was Record, g *grant) (Record, error) {
	now := m.flow.now()
	was.Due = g.due(now, m.idleLimit(g, now))
	return m.saveDue(ctx, op, was, g)
}

// saveDue is save that leaves it to the record when somebody has to look at it.
func (m *Manager) saveDue(ctx context.Context, op string, was Record, g *grant) (Record, error) {
	return m.saveIn(ctx, op, m.cfg.Store, was, g)
}

// saveIn is saveDue into the given store.
func (m *Manager) saveIn(ctx context.Context, op string, store Store, was Record, g *grant) (Record, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	kept := *g
	if m.cfg.AccessTokens == AccessTokenInMemoryOnly {
		kept.Access = sealedSecret{}
	}
	plain, err := kept.encode()
	if err != nil {
		return was, &Error{Op: op, Kind: KindStore, Err: err}
	}
	data, err := m.seal.seal(ctx, was.ID, was.Version+1, plain)
	if err != nil {
		return was, &Error{Op: op, Kind: KindStore, Err: err}
	}
	next := Record{ID: was.ID, Version: was.Version, Due: was.Due, Data: data}
	if err := store.Save(ctx, next); err != nil {
		return was, storeError(op, err)
	}
	next.Version++
	return next, nil
}

// defaultIdleLimit is what Salesforce requires of partners' apps; apps may have none.
const defaultIdleLimit = 30 * 24 * time.Hour

// idleLimit asks the caller's code, which must not cost a result that is about to be stored.
func (m *Manager) idleLimit(g *grant, now time.Time) (limit time.Duration) {
	if m.cfg.IdleLimit == nil {
		return defaultIdleLimit
	}
	defer func() {
		if r := recover(); r != nil {
			m.logPanic(r)
			limit = defaultIdleLimit
		}
	}()
	return m.cfg.IdleLimit(g.connection(now))
}

// storeTimeout bounds one call of a store; a store that hangs must not hold a refresh for ever.
const storeTimeout = 5 * time.Second

// farFuture is the Due of a record that nobody has to look at; afterAll is later than any.
var (
	farFuture = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)
	afterAll  = farFuture.Add(time.Hour)
)

// storeError wraps a store's error; sentinels and the caller's own context error stay visible.
func storeError(op string, err error) error { return &Error{Op: op, Kind: KindStore, Err: err} }
