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

// subject is what the record of an org, user and app holds, sealed: the key that is connected to them.
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
	return m.claimAs(ctx, op, g, subject{grantFormat, g.Key, ""}, second)
}

// confirm claims for g when it is stored. Several may have claimed while none of them was stored yet; of these, one finds
// no other now. It always writes, so that nobody can take the claim who has looked before g was there.
func (m *Manager) confirm(ctx context.Context, op string, g *grant, second bool) error {
	return m.claimAs(ctx, op, g, subject{grantFormat, g.Key, g.Epoch}, second)
}

func (m *Manager) claimAs(ctx context.Context, op string, g *grant, want subject, second bool) error {
	if !m.cfg.RefuseSecondKey || len(g.OrgID) < 15 || len(g.UserID) < 15 {
		return nil
	}
	id := g.subjectID()
	for range conflictTries {
		r, held, err := m.readSubject(ctx, op, id)
		if err != nil {
			return err
		}
		if held == want || held.Key == want.Key && want.Epoch == "" {
			return nil
		}
		if r.Version > 0 && held.Key != want.Key && m.connectedTo(ctx, op, held.Key, g) {
			if !second {
				return &Error{Op: op, Host: g.Client.Host, Kind: KindElsewhere, Err: ErrConnectedElsewhere}
			}
			return nil // the first one keeps the claim
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

// unshared returns [ErrConnectedElsewhere] when another key holds g's refresh token, or was given it by Adopt: with
// rotation, sending it would end that connection. A connection that is broken has nothing to lose.
func (m *Manager) unshared(ctx context.Context, op string, g *grant) error {
	for _, store := range []Store{m.cfg.Store, m.cfg.Former} {
		if store == nil {
			continue
		}
		for r, err := range store.List(ctx, connectionPrefix, afterAll) {
			if err != nil {
				return storeError(op, err)
			}
			there, err := m.openGrant(ctx, op, r)
			var e *Error
			switch {
			case errors.As(err, &e) && e.Kind == KindForeign:
			case err != nil:
				return err
			case there.Key == g.Key, there.Fault != nil && there.Fault.Kind.Terminal():
			case there.Refresh.Equal(g.Refresh.Secret), there.Adopted == g.Adopted:
				return &Error{Op: op, Host: g.Client.Host, Kind: KindElsewhere, Err: ErrConnectedElsewhere}
			}
		}
	}
	return nil
}

func (m *Manager) readSubject(ctx context.Context, op, id string) (Record, subject, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	r, err := m.find(ctx, op, id)
	if errors.Is(err, ErrNotFound) {
		return Record{ID: id}, subject{}, nil
	} else if err != nil {
		return r, subject{}, storeError(op, err)
	}
	var s subject
	plain, err := m.seal.open(ctx, id, r.Version, r.Data)
	if err == nil && json.Unmarshal(plain, &s) != nil {
		err = errFormat
	}
	if err != nil {
		return r, subject{}, sealError(op, Key{}, err)
	}
	return r, s, nil
}

// connectedTo reports whether the key still holds a live connection of g's org, user and app. A claim is only a hint
// at it: it may be older than the connection's end.
func (m *Manager) connectedTo(ctx context.Context, op string, k Key, g *grant) bool {
	_, there, err := m.load(ctx, op, k)
	if err != nil || there.MovedTo != nil || there.Revoking || there.Fault != nil && there.Fault.Kind.Terminal() {
		return false
	}
	return there.Epoch != g.Epoch && sameID(there.OrgID, g.OrgID) && sameID(there.UserID, g.UserID) && there.Client.ID == g.Client.ID
}

// release forgets g's claim. A failure leaves a claim that the next one finds to be stale.
func (m *Manager) release(ctx context.Context, op string, g *grant) {
	if !m.cfg.RefuseSecondKey || len(g.OrgID) < 15 || len(g.UserID) < 15 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	r, held, err := m.readSubject(ctx, op, g.subjectID())
	if err == nil && r.Version > 0 && held.Key == g.Key {
		_ = m.cfg.Store.Delete(ctx, r.ID, r.Version) // see above
	}
}
