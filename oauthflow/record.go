package oauthflow

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// Load returns what is known of a connection. A missing one is an error of [KindNotConnected].
func (m *Manager) Load(ctx context.Context, k Key) (Connection, error) {
	if err := m.ended(); err != nil {
		return Connection{}, err
	}
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
func (m *Manager) load(ctx context.Context, op string, k Key) (tokenstore.Record, *grant, error) {
	id := k.recordID()
	r, err := m.loadFrom(ctx, op, m.cfg.Store, id)
	switch {
	case errors.Is(err, tokenstore.ErrNotFound):
		return tokenstore.Record{ID: id, Timeline: r.Timeline}, nil, notConnected(op, k)
	case err != nil:
		return tokenstore.Record{}, nil, err
	}
	g, err := m.openGrant(op, id, r)
	switch {
	case err != nil:
		return r, g, err
	case g.Leaving:
		return tokenstore.Record{}, nil, storeError(op, g.relocated())
	case g.Gone:
		return r, g, notConnected(op, k)
	}
	return r, g, nil
}

func notConnected(op string, k Key) error {
	return &Error{Op: op, Kind: KindNotConnected, Err: fmt.Errorf("%w for connection %q", tokenstore.ErrNotFound, k)}
}

// save seals g and compares and swaps it for the record as it was loaded.
func (m *Manager) save(ctx context.Context, op string, was tokenstore.Record, g *grant) (tokenstore.Record, error) {
	now := m.flow.now()
	was.Due = g.due(now, m.idleLimit(g, now))
	return m.saveDue(ctx, op, was, g)
}

// saveDue is save that leaves it to the record when somebody has to look at it.
func (m *Manager) saveDue(ctx context.Context, op string, was tokenstore.Record, g *grant) (tokenstore.Record, error) {
	plain, err := g.encode()
	if err != nil {
		return was, &Error{Op: op, Kind: KindStore, Err: err}
	}
	r, err := saveSealed(ctx, m.seal, m.cfg.Store, was, plain)
	if err != nil {
		err = storeError(op, err)
	}
	return r, err
}

// saveSealed seals a content, compares and swaps it for the record as it was loaded, and returns the record as it is then; with an
// error, as it was.
func saveSealed(ctx context.Context, seal tokenstore.Sealer, store tokenstore.Store, was tokenstore.Record, plain []byte) (tokenstore.Record, error) {
	data, err := seal.Seal(was.ID, was.Version+1, plain)
	if err != nil {
		return was, err
	}
	next := tokenstore.Record{ID: was.ID, Version: was.Version, Due: was.Due, Data: data, Timeline: was.Timeline}
	if err := store.Save(ctx, next); err != nil {
		return was, err
	}
	next.Version++
	return next, nil
}

// remove deletes a record as it was loaded, in the history in which it was loaded where the store can tell.
func remove(ctx context.Context, store tokenstore.Store, r tokenstore.Record) error {
	if s, tells := store.(tokenstore.TimelineStore); tells && r.Timeline != "" {
		return s.DeleteIn(ctx, r.Timeline, r.ID, r.Version)
	}
	return store.Delete(ctx, r.ID, r.Version)
}

// farFuture is the Due of a record that nobody has to look at; afterAll asks a [tokenstore.Store] for a list without a bound.
var (
	farFuture = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)
	afterAll  = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)
)

// storeError wraps a store's error; sentinels and the caller's own context error stay visible. A store that has found by itself
// that a record is not the one that was asked for says so by [tokenstore.ErrForeignRecord].
func storeError(op string, err error) error {
	kind := KindStore
	if errors.Is(err, tokenstore.ErrForeignRecord) {
		kind = KindForeign
	}
	return &Error{Op: op, Kind: kind, Err: err}
}
