package oauthflow

import (
	"context"
	"errors"
	"fmt"
	"time"
)

var errLeaving = errors.New("the connection has been taken over into another store")

// TakeOver moves every record of ManagerConfig.Former into the store, while everything goes on working. Progress is
// told the records looked at and their number; nil for nobody. When it returns nil the former store is empty and can
// leave the configuration. It is safe to repeat and to run in several processes.
//
// A process that still works with the former store alone goes on serving the access tokens that it has, and refreshes
// none of the connections that were taken over: each has one store that may refresh it.
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
	for r, err := range m.cfg.Former.List(ctx, "", afterAll) {
		if err != nil {
			return storeError(op, err)
		}
		ids = append(ids, r.ID)
	}
	var faults []error
	for i, id := range ids {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := m.takeOver(ctx, op, id); err != nil && !errors.Is(err, ErrNotFound) {
			faults = append(faults, err)
		}
		if progress != nil {
			progress(i+1, len(ids))
		}
	}
	return errors.Join(faults...)
}

// find loads a record, taking it over from the former store where it is still there.
func (m *Manager) find(ctx context.Context, op, id string) (Record, error) {
	r, err := m.cfg.Store.Load(ctx, id)
	if m.cfg.Former == nil || !errors.Is(err, ErrNotFound) {
		return r, err
	}
	if err := m.takeOver(ctx, op, id); err != nil && !errors.Is(err, ErrNotFound) {
		return Record{}, err
	}
	return m.cfg.Store.Load(ctx, id) // also when somebody else was faster
}

// takeOver moves one record. A connection is first marked as leaving, so that nobody begins a refresh in the former
// store; then copied; then deleted there. Whoever finds it half done goes on.
func (m *Manager) takeOver(ctx context.Context, op, id string) error {
	for range conflictTries {
		r, err := m.cfg.Former.Load(ctx, id)
		if err != nil {
			return err
		}
		plain, err := m.seal.open(ctx, id, r.Version, r.Data)
		k, connection := keyOf(id)
		if err != nil {
			return sealError(op, k, err)
		}
		if connection {
			if r, plain, err = m.markLeaving(ctx, op, k, r, plain); errors.Is(err, ErrConflict) {
				continue
			} else if err != nil {
				return err
			}
		}
		if err := m.copyInto(ctx, op, k, r, plain); errors.Is(err, ErrConflict) {
			continue
		} else if err != nil {
			return err
		}
		if err := m.cfg.Former.Delete(ctx, id, r.Version); !errors.Is(err, ErrConflict) {
			return err
		}
	}
	return &Error{Op: op, Kind: KindStore, Err: ErrConflict}
}

// markLeaving marks the connection in the former store, once no refresh is under way there.
func (m *Manager) markLeaving(ctx context.Context, op string, k Key, r Record, plain []byte) (Record, []byte, error) {
	g, err := decodeGrant(k, plain)
	if err != nil {
		return r, nil, sealError(op, k, err)
	}
	if g.Leaving {
		return r, plain, nil
	}
	if g.Intent != nil && m.flow.now().Sub(g.Intent.At) < m.time.LastTry {
		if !sleep(ctx, jitter(200*time.Millisecond, time.Second)) {
			return r, nil, ctx.Err()
		}
		return r, nil, fmt.Errorf("a refresh is under way: %w", ErrConflict)
	}
	g.Leaving = true
	if plain, err = g.encode(); err != nil {
		return r, nil, sealError(op, k, err)
	}
	if r.Data, err = m.seal.seal(ctx, r.ID, r.Version+1, plain); err != nil {
		return r, nil, sealError(op, k, err)
	}
	if err := m.cfg.Former.Save(ctx, r); err != nil {
		return r, nil, err
	}
	r.Version++
	return r, plain, nil
}

// copyInto stores a record of the former store, unless the store has it already and not an older generation of it.
func (m *Manager) copyInto(ctx context.Context, op string, k Key, r Record, plain []byte) error {
	to := Record{ID: r.ID, Due: r.Due}
	if k != (Key{}) {
		g, err := decodeGrant(k, plain)
		if err != nil {
			return sealError(op, k, err)
		}
		g.Leaving = false
		there, err := m.cfg.Store.Load(ctx, r.ID)
		g.carry(r, there, m.time.Lease, m.flow.now())
		switch {
		case errors.Is(err, ErrNotFound):
		case err != nil:
			return storeError(op, err)
		default:
			now, err := m.openGrant(ctx, op, there)
			if err != nil {
				return err
			}
			if now.Epoch != g.Epoch || now.Generation >= g.Generation {
				return nil
			}
			to.Version = there.Version // a late result reached the former store
		}
		if plain, err = g.encode(); err != nil {
			return sealError(op, k, err)
		}
	}
	var err error
	if to.Data, err = m.seal.seal(ctx, to.ID, to.Version+1, plain); err != nil {
		return sealError(op, k, err)
	}
	return m.cfg.Store.Save(ctx, to)
}
