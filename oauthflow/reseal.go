package oauthflow

import (
	"context"
	"errors"
)

// Reseal seals every record anew that is not sealed with the current key, while everything goes on working. Progress
// is told the records looked at and their number, from the calling goroutine; nil for nobody. When it returns nil, no
// record needs a former key, and they can leave [NewKeys]. It is safe to repeat and to run in several processes.
//
// First give every process the new key among its former ones, then make it the current one everywhere, then reseal.
func (m *Manager) Reseal(ctx context.Context, progress func(done, total int)) error {
	const op = "reseal"
	end, err := m.begin()
	if err != nil {
		return err
	}
	defer end()
	var ids []string
	for r, err := range m.cfg.Store.List(ctx, "", afterAll) {
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
		if err := m.resealOne(ctx, op, id); err != nil {
			faults = append(faults, err)
		}
		if progress != nil {
			progress(i+1, len(ids))
		}
	}
	if len(faults) == 0 {
		m.observe(Event{Type: EventResealed})
	}
	return errors.Join(faults...)
}

// resealOne changes the seal and nothing else. Whoever saves the record in between seals it with the current key.
func (m *Manager) resealOne(ctx context.Context, op, id string) error {
	for range conflictTries {
		r, err := m.cfg.Store.Load(ctx, id)
		if errors.Is(err, ErrNotFound) {
			return nil
		} else if err != nil {
			return storeError(op, err)
		}
		if h, err := readHead(r.Data); err == nil && h.keyID == m.cfg.Keys.current {
			return nil
		}
		k, _ := keyOf(id)
		plain, err := m.seal.open(ctx, id, r.Version, r.Data)
		if err != nil {
			return sealError(op, k, err)
		}
		if r.Data, err = m.seal.seal(ctx, id, r.Version+1, plain); err != nil {
			return sealError(op, k, err)
		}
		if err := m.cfg.Store.Save(ctx, r); !errors.Is(err, ErrConflict) {
			if err != nil {
				return storeError(op, err)
			}
			return nil
		}
	}
	return &Error{Op: op, Kind: KindStore, Err: ErrConflict}
}
