package oauthflow

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// TakeOver moves every record of ManagerConfig.Former into the store, while everything goes on working, [ManagerConfig].Crew
// records at once. Progress is told the records dealt with and their number, from the calling goroutine; nil for nobody. It is safe to repeat and to run in several processes:
// whoever finds a record half done goes on.
//
// A process that works with the former store alone goes on serving the access tokens that it has, and is refused all else
// about a connection that was taken over, with an error of [KindStore]: each connection has one store that may refresh it.
// What such a process has connected meanwhile is taken over, too. Of two connections under one key, one from each store,
// the younger one stays, or the one that is not broken, and the tokens of the other are revoked.
//
// Nil means that there is nothing of worth in what the former store lists: of each connection a mark without secrets, which says that
// it was taken over, and the hashes of adopted refresh tokens ([ErrConnectedElsewhere]). So the former store can leave the
// configuration, and be dropped, after a TakeOver that has returned nil and was begun when no process worked with that
// store alone any more.
//
// Errors, in a *[BulkError] that also tells of ctx's end: [KindStore] (repeat); [ErrOrgChanged] where the former store holds a younger connection of another org
// under a key: disconnect the key here, and the next TakeOver brings that one, or disconnect it there.
func (m *Manager) TakeOver(ctx context.Context, progress func(done, total int)) error {
	const op = "take over"
	end, err := m.begin()
	if err != nil {
		return err
	}
	defer end()
	if m.cfg.Former == nil {
		return invalid(op, "ManagerConfig.Former", "is not set")
	}
	var ids []string
	for r, err := range m.list(ctx, op, m.cfg.Former, "", afterAll) {
		if err != nil {
			return err
		}
		ids = append(ids, r.ID)
	}
	b := bulk{m: m, op: op, told: progress, total: len(ids)}
	return b.each(ctx, ids, func(ctx context.Context, id string) error {
		if err := m.takeOver(ctx, op, id); !errors.Is(err, ErrNotFound) {
			return err
		}
		return nil
	})
}

// find loads a record, taking it over from the former store where it is still there.
func (m *Manager) find(ctx context.Context, op, id string) (Record, error) {
	r, err := m.loadOne(ctx, op, id)
	if m.cfg.Former == nil || !errors.Is(err, ErrNotFound) {
		return r, err
	}
	moved := m.takeOver(ctx, op, id)
	if moved != nil && !errors.Is(moved, ErrNotFound) {
		return Record{}, moved
	}
	r, err = m.loadOne(ctx, op, id) // also when somebody else was faster
	if moved != nil && errors.Is(err, ErrNotFound) && strings.HasPrefix(id, loginPrefix) && sleep(ctx, loginTransit) {
		return m.loadOne(ctx, op, id)
	}
	return r, err
}

func (m *Manager) loadOne(ctx context.Context, op, id string) (Record, error) {
	return m.loadFrom(ctx, op, m.cfg.Store, id)
}

// takeOver takes one record over, or returns [ErrNotFound] when the former store has none.
func (m *Manager) takeOver(ctx context.Context, op, id string) error {
	take := m.taker(id)
	for range conflictTries {
		r, err := m.loadFrom(ctx, op, m.cfg.Former, id)
		if err != nil {
			return err
		}
		if err := take(ctx, op, r); !errors.Is(err, ErrConflict) {
			return err
		}
	}
	return &Error{Op: op, Kind: KindStore, Err: fmt.Errorf("record %q: %w", id, ErrConflict)}
}

// taker returns how a record is taken over. It returns [ErrConflict] when somebody has come in between.
func (m *Manager) taker(id string) func(ctx context.Context, op string, r Record) error {
	_, connection := keyOf(id)
	switch {
	case connection:
		return m.takeConnection
	case strings.HasPrefix(id, loginPrefix):
		return m.takeLogin
	case strings.HasPrefix(id, adoptedPrefix):
		return m.takeClaim
	case strings.HasPrefix(id, formerPrefix):
		return func(context.Context, string, Record) error { return nil }
	case strings.HasPrefix(id, hostPrefix):
		return m.takeWait
	}
	return func(_ context.Context, op string, r Record) error { return recordError(op, r.ID, ErrNewerFormat) }
}

// takeWait keeps the later of two times until which a host is to be left alone.
func (m *Manager) takeWait(ctx context.Context, op string, r Record) error {
	plain, err := m.unseal(op, r.ID, r)
	if err != nil {
		return err
	}
	here, err := m.loadHere(ctx, op, r.ID)
	if err != nil {
		return err
	}
	if here.Version == 0 || here.Due.Before(r.Due) {
		if err := m.copyRecord(ctx, op, r, here, plain); err != nil {
			return err
		}
	}
	if err := remove(ctx, m.cfg.Former, r); err != nil {
		return storeError(op, err)
	}
	return nil
}

// takeClaim copies a claim, unless the store has one that is as good. It stays in the former store, too: whoever still
// works there must not adopt the same token under another key.
func (m *Manager) takeClaim(ctx context.Context, op string, r Record) error {
	plain, err := m.unseal(op, r.ID, r)
	if err != nil {
		return err
	}
	here, err := m.loadHere(ctx, op, r.ID)
	if err != nil {
		return err
	}
	if here.Version > 0 {
		var there subject
		if err := decode(plain, &there, &there.Format); err != nil {
			return recordError(op, r.ID, err)
		}
		_, now, err := m.readSubject(ctx, op, r.ID)
		if err != nil || now.Key == there.Key {
			return err
		}
		if stands, err := m.claimStands(ctx, op, now.Key, r.ID); err != nil || stands {
			return err
		}
	}
	r.Due = afterConnections
	return m.copyRecord(ctx, op, r, here, plain)
}

// claimStands reports whether the key holds a live connection of what the record claims.
func (m *Manager) claimStands(ctx context.Context, op string, k Key, id string) (bool, error) {
	_, g, err := m.load(ctx, op, k)
	var e *Error
	if errors.As(err, &e) && e.Kind == KindNotConnected {
		return false, nil
	} else if err != nil {
		return false, err
	}
	return g.live() && id == adoptedPrefix+g.Adopted, nil
}

// loadHere loads a record of the store, or one of version 0 where it has none.
func (m *Manager) loadHere(ctx context.Context, op, id string) (Record, error) {
	r, err := m.loadOne(ctx, op, id)
	if errors.Is(err, ErrNotFound) {
		return Record{ID: id, Timeline: r.Timeline}, nil
	}
	return r, err
}

// copyRecord stores what a record of the former store holds over the one that is here. The timelines of two stores have
// nothing to do with each other.
func (m *Manager) copyRecord(ctx context.Context, op string, r, here Record, plain []byte) error {
	to := Record{ID: r.ID, Version: here.Version, Due: r.Due, Timeline: here.Timeline}
	var err error
	if to.Data, err = m.seal.seal(to.ID, to.Version+1, plain); err != nil {
		return recordError(op, r.ID, err)
	}
	if err := m.cfg.Store.Save(ctx, to); err != nil {
		return storeError(op, err)
	}
	return nil
}

// recordError is sealError for a record that need not be a connection's.
func recordError(op, id string, err error) error {
	if k, ok := keyOf(id); ok {
		return sealError(op, k, err)
	}
	return &Error{Op: op, Kind: KindForeign, Err: fmt.Errorf("record %q: %w", id, err)}
}
