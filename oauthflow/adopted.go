package oauthflow

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"time"

	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// ErrConnectedElsewhere means that another key was given the same refresh token by [Manager.Adopt]. With rotation, each of
// two connections that share a refresh token ends the other. One that another key has by a login or a rotation is not known.
var ErrConnectedElsewhere = errors.New("another key was given this refresh token already; work with that connection, or connect this key by a login of its own")

// adoptedPrefix begins the records of the refresh tokens that were adopted, by their hash.
const adoptedPrefix = "adopted/"

// afterConnections is when a record is due that nobody has to look at and that is no connection, so that it stands behind all
// connections in a list. Versions before v0.1.0 made it due at farFuture.
var afterConnections = farFuture.Add(2 * time.Minute)

// adoptedHash returns what names a refresh token in the record of its adoption.
func adoptedHash(refreshToken Secret) string {
	sum := sha256.Sum256([]byte(refreshToken.Reveal()))
	return hex.EncodeToString(sum[:])
}

// subject is what the record of an adopted refresh token holds, sealed: the key that was given it.
type subject struct {
	Format int
	Key    Key
	Epoch  string // of the key's connection; empty before that is stored
}

// unshared claims the refresh token that g was given by Adopt, or returns [ErrConnectedElsewhere] when another key was
// given it. Before g is stored that is a hint, and confirmed after: several may have claimed while none of them was stored
// yet; of these, one finds no other then. The second time always writes, so that nobody can take the claim who has looked
// before g was there.
func (m *Manager) unshared(ctx context.Context, op string, g *grant, stored bool) error {
	want := subject{madeFormat, g.Key, ""}
	if stored {
		want.Epoch = g.Epoch
	}
	id := adoptedPrefix + g.Adopted
	for range conflictTries {
		r, held, err := m.readSubject(ctx, op, id)
		if err != nil {
			return err
		}
		if held == want || held.Key == want.Key && want.Epoch == "" {
			return nil
		}
		if err := m.heldBy(ctx, op, g, r, held); err != nil {
			return err
		}
		plain, err := json.Marshal(want)
		if err != nil {
			return &Error{Op: op, Kind: KindStore, Err: err}
		}
		r.Due = afterConnections
		if r.Data, err = m.seal.Seal(id, r.Version+1, plain); err != nil {
			return sealError(op, g.Key, err)
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

// elsewhere returns [ErrConnectedElsewhere] when another key was given the refresh token of g. It claims nothing.
func (m *Manager) elsewhere(ctx context.Context, op string, g *grant) error {
	r, held, err := m.readSubject(ctx, op, adoptedPrefix+g.Adopted)
	if err != nil {
		return err
	}
	return m.heldBy(ctx, op, g, r, held)
}

// heldBy returns [ErrConnectedElsewhere] when the record of g's refresh token names another key that holds a live
// connection of it. What has become of one that was relocated, only the other store knows.
func (m *Manager) heldBy(ctx context.Context, op string, g *grant, r tokenstore.Record, held subject) error {
	if r.Version == 0 || held.Key == g.Key {
		return nil
	}
	_, there, err := m.load(ctx, op, held.Key)
	if err == nil && there.live() && there.Adopted == g.Adopted {
		return &Error{Op: op, Host: g.Client.Host, Kind: KindElsewhere, Err: ErrConnectedElsewhere}
	}
	if e := new(Error); errors.Is(err, ErrRelocated) || errors.As(err, &e) && e.Kind == KindForeign { // it may hold the token
		return err
	}
	return nil
}

func (m *Manager) readSubject(ctx context.Context, op, id string) (tokenstore.Record, subject, error) {
	r, err := m.loadFrom(ctx, op, m.cfg.Store, id)
	if errors.Is(err, tokenstore.ErrNotFound) {
		return tokenstore.Record{ID: id, Timeline: r.Timeline}, subject{}, nil
	} else if err != nil {
		return r, subject{}, err
	}
	plain, err := m.unseal(op, id, r)
	if err != nil {
		return r, subject{}, err
	}
	var s subject
	if err := decode(plain, &s, &s.Format); err != nil {
		return r, subject{}, recordError(op, id, err)
	}
	return r, s, nil
}

// live reports whether g is a connection that is neither broken nor about to go.
func (g *grant) live() bool {
	return g.MovedTo == nil && !g.Revoking && (g.Fault == nil || !g.Fault.Kind.Terminal())
}

// release forgets the adoption of g's refresh token. A failure leaves a record that the next adoption finds to be stale.
func (m *Manager) release(ctx context.Context, op string, g *grant) {
	if g.Adopted == "" {
		return
	}
	ctx = allowing(ctx, 2*time.Second)
	r, held, err := m.readSubject(ctx, op, adoptedPrefix+g.Adopted)
	if err == nil && r.Version > 0 && held.Key == g.Key {
		_ = remove(ctx, m.cfg.Store, r) // see above
	}
}

// formerPrefix begins records that earlier versions made of every org, user and app that was connected. Nothing reads them.
const formerPrefix = "subject/"
