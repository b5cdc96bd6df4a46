package oauthflow

import (
	"context"
	"encoding/json"
	"errors"
	"time"
)

// loginTransit is how long a login that somebody else takes over may be in neither store.
const loginTransit = 200 * time.Millisecond

// takeLogin deletes the login there before it stores it here: who has deleted it has it alone, so that its code is sent
// once. Whoever dies in between costs a user one click. Where another login has its place here, it gets a place of its own.
func (m *Manager) takeLogin(ctx context.Context, op string, r Record) error {
	plain, err := m.unseal(op, r.ID, r)
	if err != nil {
		return err
	}
	lost := false // what its history says means nothing here
	if l, _, err := decodeLogin(plain); err == nil && l != nil && l.History != nil {
		lost, l.History = l.lost(r, m.cfg.StoreEpoch), nil
		if plain, err = json.Marshal(l); err != nil {
			return recordError(op, r.ID, err)
		}
	}
	to, own := r, ownLoginID(r.ID, plain)
	known, err := m.loginHere(ctx, op, r.ID, own)
	if err != nil { // then it could not be stored
		return err
	}
	if err := remove(ctx, m.cfg.Former, r); err != nil && !errors.Is(err, ErrNotDurable) {
		return storeError(op, err)
	}
	if known {
		return nil
	}
	if lost {
		return storeError(op, ErrNotFound)
	}
	ctx, cancel := m.detached(ctx)
	defer cancel()
	if err = m.copyRecord(ctx, op, to, Record{}, plain); errors.Is(err, ErrConflict) { // its place is another's
		to.ID = own
		err = m.copyRecord(ctx, op, to, Record{}, plain)
	}
	if err == nil || errors.Is(err, ErrConflict) {
		return nil
	}
	// It may have been stored, and completed by another process since: it is never stored a second time.
	for try := range storeTries {
		if try > 0 && !sleep(ctx, time.Duration(try)*50*time.Millisecond) {
			break
		}
		if here, lerr := m.loadHere(ctx, op, to.ID); lerr == nil && here.Version > 0 {
			return nil
		}
	}
	return err
}

// loginHere reports whether a login is in its place here already, as where the former store has fallen back to a time before it
// was taken over. Own is the login's own id.
func (m *Manager) loginHere(ctx context.Context, op, id, own string) (known bool, err error) {
	here, err := m.loadHere(ctx, op, id)
	if err != nil || here.Version == 0 {
		return false, err
	}
	plain, err := m.unseal(op, id, here)
	return err == nil && ownLoginID(id, plain) == own, nil // what does not open is another's
}

// ownLoginID returns the id that no other login has, under which [Manager.foundLogin] looks for a login that is not in its place:
// that of earlier versions, which have no places. Plain is the login, or what has taken its place, that was found under an id.
func ownLoginID(id string, plain []byte) string {
	l, s, err := decodeLogin(plain)
	switch {
	case err == nil && l != nil:
		return loginPrefix + stateHash(l.State.Secret)
	case err == nil && s.State != "":
		return loginPrefix + s.State
	}
	return id
}
