package oauthflow

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"time"
)

// ErrConnectedElsewhere means that another key holds a connection of the same org, user and app. Salesforce keeps few
// approvals of one user for one app, so that connections of the same one end each other.
var ErrConnectedElsewhere = errors.New("this org, user and app are connected under another key already; disconnect that first, or ask for a second connection by name")

const subjectPrefix = "subject/"

// subject is what the record of an org, user and app holds, sealed: the key that is connected to them. Of a refresh token
// that was adopted it is the key that was given it.
type subject struct {
	Format int
	Key    Key
	Epoch  string // of the key's connection; empty before that is stored
}

func (g *grant) subjectID() string {
	sum := sha256.Sum256([]byte(g.OrgID[:15] + " " + g.UserID[:15] + " " + g.Client.ID))
	return subjectPrefix + base64.RawURLEncoding.EncodeToString(sum[:])
}

// claim makes g's key the one that is connected to its org, user and app, or returns [ErrConnectedElsewhere] when that
// is another which still is.
func (m *Manager) claim(ctx context.Context, op string, g *grant, second bool) error {
	return m.claimUser(ctx, op, g, subject{madeFormat, g.Key, ""}, second)
}

// confirm claims for g when it is stored. Several may have claimed while none of them was stored yet; of these, one finds
// no other now. It always writes, so that nobody can take the claim who has looked before g was there.
func (m *Manager) confirm(ctx context.Context, op string, g *grant, second bool) error {
	return m.claimUser(ctx, op, g, subject{madeFormat, g.Key, g.Epoch}, second)
}

func (m *Manager) claimUser(ctx context.Context, op string, g *grant, want subject, second bool) error {
	if !m.cfg.RefuseSecondKey || len(g.OrgID) < 15 || len(g.UserID) < 15 {
		return nil
	}
	err := m.claimAs(ctx, op, g.subjectID(), g, want, func(k Key) bool { return m.connectedTo(ctx, op, k, g) })
	if second && errors.Is(err, ErrConnectedElsewhere) {
		return nil // the first one keeps the claim
	}
	return err
}

// adoptedPrefix begins the records of the refresh tokens that were adopted, by their hash.
const adoptedPrefix = "adopted/"

// unshared claims the refresh token that g was given by Adopt, or returns [ErrConnectedElsewhere] when another key was
// given it: with rotation, sending it would end that connection. Before g is stored that is a hint, and confirmed after.
func (m *Manager) unshared(ctx context.Context, op string, g *grant, stored bool) error {
	want := subject{madeFormat, g.Key, ""}
	if stored {
		want.Epoch = g.Epoch
	}
	return m.claimAs(ctx, op, adoptedPrefix+g.Adopted, g, want, m.holdsAdopted(ctx, op, g))
}

// holdsAdopted reports whether a key holds a live connection of the refresh token that g was given by Adopt.
func (m *Manager) holdsAdopted(ctx context.Context, op string, g *grant) func(Key) bool {
	return func(k Key) bool {
		_, there, err := m.load(ctx, op, k)
		return errors.Is(err, errLeaving) || err == nil && there.live() && there.Adopted == g.Adopted
	}
}

// held returns [ErrConnectedElsewhere] when another key has the claim of an id and holds what is claimed. It claims nothing.
func (m *Manager) held(ctx context.Context, op, id string, g *grant, holds func(Key) bool) error {
	r, by, err := m.readSubject(ctx, op, id)
	if err != nil {
		return err
	}
	if r.Version > 0 && by.Key != g.Key && holds(by.Key) {
		return &Error{Op: op, Host: g.Client.Host, Kind: KindElsewhere, Err: ErrConnectedElsewhere}
	}
	return nil
}

// claimAs writes want as the claim of an id, unless another key has that which still holds what is claimed.
func (m *Manager) claimAs(ctx context.Context, op, id string, g *grant, want subject, holds func(Key) bool) error {
	for range conflictTries {
		r, held, err := m.readSubject(ctx, op, id)
		if err != nil {
			return err
		}
		if held == want || held.Key == want.Key && want.Epoch == "" {
			return nil
		}
		if r.Version > 0 && held.Key != want.Key && holds(held.Key) {
			return &Error{Op: op, Host: g.Client.Host, Kind: KindElsewhere, Err: ErrConnectedElsewhere}
		}
		plain, err := json.Marshal(want)
		if err != nil {
			return &Error{Op: op, Kind: KindStore, Err: err}
		}
		r.Due = farFuture
		if r.Data, err = m.seal.seal(ctx, id, r.Version+1, plain); err != nil {
			return sealError(op, g.Key, err)
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

func (m *Manager) readSubject(ctx context.Context, op, id string) (Record, subject, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	r, err := m.find(ctx, op, id)
	if errors.Is(err, ErrNotFound) {
		return Record{ID: id}, subject{}, nil
	} else if err != nil {
		return r, subject{}, err
	}
	var s subject
	plain, err := m.seal.open(ctx, id, r.Version, r.Data)
	if err == nil {
		err = decode(plain, &s, &s.Format)
	}
	if err != nil {
		return r, subject{}, sealError(op, Key{}, err)
	}
	return r, s, nil
}

// connectedTo reports whether the key still holds a live connection of g's org, user and app. A claim is only a hint
// at it: it may be older than the connection's end. What has become of one that was taken over, only the other store knows.
func (m *Manager) connectedTo(ctx context.Context, op string, k Key, g *grant) bool {
	_, there, err := m.load(ctx, op, k)
	if err != nil || !there.live() {
		return errors.Is(err, errLeaving)
	}
	return there.Epoch != g.Epoch && sameID(there.OrgID, g.OrgID) && sameID(there.UserID, g.UserID) && there.Client.ID == g.Client.ID
}

// live reports whether g is a connection that is neither broken nor about to go.
func (g *grant) live() bool {
	return g.MovedTo == nil && !g.Revoking && (g.Fault == nil || !g.Fault.Kind.Terminal())
}

// release forgets g's claims. A failure leaves a claim that the next one finds to be stale.
func (m *Manager) release(ctx context.Context, op string, g *grant) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	var ids []string
	if m.cfg.RefuseSecondKey && len(g.OrgID) >= 15 && len(g.UserID) >= 15 {
		ids = append(ids, g.subjectID())
	}
	if g.Adopted != "" {
		ids = append(ids, adoptedPrefix+g.Adopted)
	}
	for _, id := range ids {
		r, held, err := m.readSubject(ctx, op, id)
		if err == nil && r.Version > 0 && held.Key == g.Key {
			_ = m.cfg.Store.Delete(ctx, r.ID, r.Version) // see above
		}
	}
}
