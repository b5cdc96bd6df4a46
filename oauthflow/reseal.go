package oauthflow

import (
	"context"
	"errors"
	"strings"

	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// Reseal seals with the current key every record that another key sealed, while other calls go on,
// [ManagerConfig].Crew records at once. Progress is told the records dealt with and their number, from the calling goroutine;
// nil for nobody. Each record that is resealed costs one load and one save, beside one list of all. When it returns nil, every
// record that the store lists was opened and is sealed with the current key, and the former keys can leave [tokenstore.NewKeyring]. Who
// administers the store can hide a record from its lists: compare the number with what is known to be there. A record that does not
// open is left as it is and is an error of [KindForeign], whichever key it names: that name proves nothing before the record
// is open. Records of earlier versions that nothing reads any more are deleted. It is safe to repeat and to run in several
// processes: what is sealed with the current key already is not touched again.
//
// Errors: a *[BulkError], which tells of single records, and of ctx's end; one of [KindStore] when the store does not list them.
//
// First give every process the new key among its former ones, then make it the current one everywhere, then reseal.
func (m *Manager) Reseal(ctx context.Context, progress func(done, total int)) error {
	const op = "reseal"
	end, err := m.begin()
	if err != nil {
		return err
	}
	defer end()
	b := bulk{op: op, places: min(m.cfg.Crew, m.cfg.StoreCalls), told: progress}
	var ids []string
	current := 0
	var faults []error
	for r, err := range m.list(ctx, op, m.cfg.Store, "", afterAll) {
		switch {
		case errors.Is(err, tokenstore.ErrForeignRecord):
			faults = append(faults, err)
		case err != nil:
			return err
		case m.current(op, r):
			current++
		default:
			ids = append(ids, r.ID)
		}
	}
	b.total = current + len(faults) + len(ids)
	for range current {
		b.add(nil)
	}
	for _, err := range faults {
		b.add(err)
	}
	if err := b.each(ctx, ids, func(ctx context.Context, id string) error { return m.resealOne(ctx, op, id) }); err != nil {
		return err
	}
	m.observe(Event{Type: EventResealed})
	return nil
}

// current reports whether a record that was listed is sealed with the current key, so that nobody has to load it. What does not
// open is not.
func (m *Manager) current(op string, r tokenstore.Record) bool {
	if !m.cfg.Keyring.IsCurrent(r.Data) || strings.HasPrefix(r.ID, formerPrefix) {
		return false
	}
	_, err := m.unseal(op, r.ID, r)
	return err == nil
}

// resealOne changes the seal and nothing else. A process that saves the record in between seals it with the current key.
func (m *Manager) resealOne(ctx context.Context, op, id string) error {
	for range conflictTries {
		r, err := m.loadFrom(ctx, op, m.cfg.Store, id)
		if errors.Is(err, tokenstore.ErrNotFound) {
			return nil
		} else if err != nil {
			return err
		}
		plain, err := m.unseal(op, id, r)
		if err != nil {
			return err
		}
		if strings.HasPrefix(id, formerPrefix) {
			if err := remove(ctx, m.cfg.Store, r); err != nil && !errors.Is(err, tokenstore.ErrConflict) {
				return storeError(op, err)
			}
			return nil
		}
		if m.cfg.Keyring.IsCurrent(r.Data) { // is authentic: unseal has covered it
			return nil
		}
		if r.Data, err = m.seal.Seal(id, r.Version+1, plain); err != nil {
			return recordError(op, id, err)
		}
		if err := m.cfg.Store.Save(ctx, r); !errors.Is(err, tokenstore.ErrConflict) {
			if err != nil {
				return storeError(op, err)
			}
			return nil
		}
	}
	return &Error{Op: op, Kind: KindStore, Err: tokenstore.ErrConflict}
}
