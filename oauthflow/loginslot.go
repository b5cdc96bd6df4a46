package oauthflow

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// MaxLogins is how many logins of one tenant the store holds, those included that have ended in the last ten minutes. A further
// [Manager.Begin] replaces the one that is due to be deleted first, which is the oldest of those that wait: its callback is
// answered like that of a login that was never begun.
const MaxLogins = 64

const (
	loginGuesses = 2  // places that Begin tries before it asks the store which one is free
	loginSpread  = 5  // of the oldest, up to one in 2^5, chance chooses while others take each place that Begin finds
	loginTries   = 30 // before it gives up because others take each place that it finds
)

// A tenant's logins have a fixed number of places in the store, so that no number of processes stores more. The first
// character of the state, one of 64, says which place is a login's: so a callback needs one load. Where few places are taken,
// a login needs one load and one save here, as the first random state meets a free one.

const stateAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_" // base64url

// loginID returns the id of the record of a tenant's login; false for a state that no login has. The id is no secret: who
// reads the store cannot answer a login with it.
func loginID(tenant string, state Secret) (id string, ok bool) {
	s := state.Reveal()
	if s == "" || strings.IndexByte(stateAlphabet, s[0]) < 0 {
		return "", false
	}
	return fmt.Sprintf("%s%02d", loginsOf(tenant), strings.IndexByte(stateAlphabet, s[0])), true
}

// loginsOf returns what the ids of all logins of a tenant begin with. A hash has one length whatever the tenant's name is.
func loginsOf(tenant string) string { return loginPrefix + hashed(tenant) + "/" }

// stateHash tells one login from others that have its place. Versions before v0.1.0 made it the id of the record.
func stateHash(state Secret) string { return hashed(state.Reveal()) }

func hashed(text string) string {
	sum := sha256.Sum256([]byte(text))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// stateAt returns a random state whose login has the given place.
func stateAt(place int) Secret {
	return NewSecret(stateAlphabet[place:place+1] + random().Reveal()[1:])
}

// loginPlace returns the record to save a tenant's next login over, and its state: a random place in the first tries, later
// one that is free, or that of the login that is due first. It loads first: the record says in which history of the store the
// login begins. [tokenstore.ErrConflict] means that a random place is taken.
func (m *Manager) loginPlace(ctx context.Context, tenant string, try int) (tokenstore.Record, Secret, error) {
	state := random()
	id, _ := loginID(tenant, state)
	now, err := m.loadFrom(ctx, "begin", m.cfg.Store, id)
	switch {
	case err != nil && !errors.Is(err, tokenstore.ErrNotFound):
		return tokenstore.Record{}, Secret{}, err
	case try < loginGuesses && now.Version > 0:
		return tokenstore.Record{}, Secret{}, storeError("begin", tokenstore.ErrConflict)
	case try < loginGuesses:
		return tokenstore.Record{ID: id, Timeline: now.Timeline}, state, nil
	}
	over, at, err := m.freePlace(ctx, tenant, 1<<min(try-loginGuesses, loginSpread))
	if err != nil {
		return tokenstore.Record{}, Secret{}, err
	}
	state = stateAt(at)
	if over.Version == 0 {
		over.ID, _ = loginID(tenant, state)
	}
	over.Timeline = now.Timeline
	return over, state, nil
}

// freePlace returns a place that is free, or the record of one of the given number of logins that are due first. Its list takes a
// place among the store's calls, and as long as one of them.
func (m *Manager) freePlace(ctx context.Context, tenant string, of int) (over tokenstore.Record, place int, err error) {
	var taken [MaxLogins]bool
	var first []tokenstore.Record
	var places []int
	err = m.inTurn(ctx, loginsOf(tenant), func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, storeTimeout)
		defer cancel()
		for r, err := range m.list(ctx, "begin", m.cfg.Store, loginsOf(tenant), afterAll) {
			if errors.Is(err, tokenstore.ErrForeignRecord) {
				continue
			} else if err != nil {
				return err
			}
			at := MaxLogins
			if n, _ := fmt.Sscanf(strings.TrimPrefix(r.ID, loginsOf(tenant)), "%02d", &at); n != 1 || at < 0 || at >= MaxLogins {
				continue
			}
			if taken[at] = true; len(first) == of {
				continue
			}
			if _, _, err := m.openLogin("begin", r.ID, r); err == nil { // else it is another's, and stays
				first, places = append(first, r), append(places, at)
			}
		}
		return nil
	})
	var e *Error
	if err != nil && !errors.As(err, &e) {
		err = storeError("begin", err)
	}
	if err != nil {
		return tokenstore.Record{}, 0, err
	}
	from := rand.IntN(MaxLogins) // two that look at the same time are to choose different places
	for i := range MaxLogins {
		if at := (from + i) % MaxLogins; !taken[at] {
			return tokenstore.Record{}, at, nil
		}
	}
	if len(first) == 0 {
		return tokenstore.Record{}, 0, &Error{Op: "begin", Kind: KindForeign, Err: fmt.Errorf("the tenant's logins: %w", tokenstore.ErrForeignRecord)}
	}
	at := rand.IntN(len(first))
	return first[at], places[at], nil
}

// replaced tells that a login that waited for its callback has made room for another.
func (m *Manager) replaced(r tokenstore.Record) {
	if r.Version == 0 {
		return
	}
	if l, _, err := m.openLogin("begin", r.ID, r); err == nil && l != nil {
		m.observe(Event{Type: EventAbandoned, Key: l.Key})
	}
}

// foundLogin returns the login that has a state, or what has taken its place; an error that wraps [tokenstore.ErrNotFound] when there is
// neither. One that an earlier version has stored has an id of its own.
func (m *Manager) foundLogin(ctx context.Context, tenant string, state Secret) (tokenstore.Record, *login, *spentLogin, error) {
	fail := func(err error) (tokenstore.Record, *login, *spentLogin, error) {
		return tokenstore.Record{}, nil, nil, err
	}
	ids := []string{loginPrefix + stateHash(state)}
	if id, ok := loginID(tenant, state); ok {
		ids = []string{id, ids[0]}
	}
	for i, id := range ids {
		r, err := m.loadFrom(ctx, "complete", m.cfg.Store, id)
		if errors.Is(err, tokenstore.ErrNotFound) {
			continue
		} else if err != nil {
			return fail(err)
		}
		l, s, err := m.openLogin("complete", id, r)
		if err != nil {
			return fail(err)
		}
		if i == len(ids)-1 || l != nil && l.State.Equal(state) || s != nil && s.State == stateHash(state) {
			return r, l, s, nil
		}
	}
	return fail(storeError("complete", tokenstore.ErrNotFound))
}
