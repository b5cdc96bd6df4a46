package oauthflow

import (
	"context"
	"errors"
	"fmt"

	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// Adopt takes over a connection that was made elsewhere: it seals the client and the refresh token into the store and
// proves them by one refresh, whose result is stored before Adopt returns. The former owner must have stopped
// refreshing first: with rotation, the second use of a refresh token ends the grant.
//
// It is safe to repeat with the same refresh token: what was adopted already is returned without a request. A key that
// holds another live connection is an error of [KindInvalid]; in place of a broken one only a refresh token of the same org
// works, [ErrOrgChanged]. A refresh token that another key was given by Adopt is [ErrConnectedElsewhere]; nothing is sent
// then.
//
// Errors: those of a refresh; the record stays, so that nothing is lost when the outcome is in doubt.
func (m *Manager) Adopt(ctx context.Context, k Key, c Client, refreshToken Secret) (Connection, error) {
	const op = "adopt"
	if err := m.ended(); err != nil {
		return Connection{}, err
	}
	g, err := m.adoption(op, k, c, refreshToken)
	if err != nil {
		return Connection{}, err
	}
	end, err := m.begin()
	if err != nil {
		return Connection{}, err
	}
	defer end()
	if err := m.relocated(ctx, op); err != nil {
		return Connection{}, err
	}
	corrected := false // an adoption of the same token with another client
	old, err := m.replace(ctx, op, g, func(old *grant) error {
		if err := g.adoptable(op, old); err != nil {
			return err
		}
		g.Received, g.Departed = old.Received, old.Departed
		if corrected = old.Adopted == g.Adopted; corrected { // never proved: what was sent already may still be answered
			g.Epoch, g.Intent, g.Timeline = old.Epoch, old.Intent, old.Timeline
		}
		g.OrgID = old.OrgID // a broken connection's: its key is not given to another org unseen
		return m.unshared(ctx, op, g, false)
	})
	if err == nil { // two that adopt the same token at once see each other now
		if err = m.unshared(ctx, op, g, true); err != nil && !corrected {
			err = errors.Join(err, m.retract(ctx, op, g, old))
		}
	}
	if errors.Is(err, ErrSuperseded) { // the refresh token is the caller's as before
		return Connection{}, &Error{Op: op, Kind: KindStore, Err: tokenstore.ErrConflict}
	} else if err != nil && !errors.Is(err, errAdopted) {
		return Connection{}, err
	}
	if err == nil && old != nil && old.Adopted != g.Adopted {
		m.release(ctx, op, old) // else each token that is tried for a key would leave a record
	}
	if _, err := m.Source(k).current(ctx); err != nil {
		return Connection{}, err
	}
	_, now, err := m.load(ctx, op, k)
	if err != nil {
		return Connection{}, err
	}
	if now.Adopting {
		news := false
		if err := m.change(ctx, op, k, func(g *grant) error { news, g.Adopting = g.Adopting, false; return nil }); err != nil {
			return Connection{}, err
		}
		if news {
			m.observe(Event{Type: EventConnected, Key: k, OrgID: now.OrgID})
		}
	}
	return now.connection(m.flow.now()), nil
}

// AdoptDryRun tells what [Manager.Adopt] would meet, as far as that can be known without spending anything: it writes
// nothing, sends no refresh, and asks Salesforce once what it thinks of the consumer key, its secret and the refresh
// token. That the token is not called active is no error, and no proof: look at Introspection.Active. For a refresh token
// that this key has adopted already, nothing is asked, and the answer is zero but for Active.
//
// Errors: those that Adopt returns before it sends anything; those of [Flow.Introspect], such as [KindClient] for a wrong
// secret.
func (m *Manager) AdoptDryRun(ctx context.Context, k Key, c Client, refreshToken Secret) (Introspection, error) {
	const op = "adopt"
	if err := m.ended(); err != nil {
		return Introspection{}, err
	}
	g, err := m.adoption(op, k, c, refreshToken)
	if err != nil {
		return Introspection{}, err
	}
	end, err := m.begin()
	if err != nil {
		return Introspection{}, err
	}
	defer end()
	if err := m.relocated(ctx, op); err != nil {
		return Introspection{}, err
	}
	var e *Error
	_, old, err := m.load(ctx, op, k)
	switch {
	case errors.As(err, &e) && e.Kind == KindNotConnected:
	case err != nil:
		return Introspection{}, err
	default:
		if err := g.adoptable(op, old); errors.Is(err, errAdopted) {
			return Introspection{Active: true}, nil
		} else if err != nil {
			return Introspection{}, err
		}
	}
	if err := m.elsewhere(ctx, op, g); err != nil {
		return Introspection{}, err
	}
	return m.ask(ctx, g)
}

// adoption returns the grant that Adopt stores.
func (m *Manager) adoption(op string, k Key, c Client, refreshToken Secret) (*grant, error) {
	if err := k.validate(op); err != nil {
		return nil, err
	}
	c = c.trimmed()
	if err := c.validate(op); err != nil {
		return nil, err
	}
	if !validToken(refreshToken.Reveal()) {
		return nil, invalid(op, "refreshToken", "is missing or malformed")
	}
	return &grant{
		Key: k, Epoch: random().Reveal(), Client: c.sealed(), Refresh: sealedSecret{refreshToken},
		Adopted: adoptedHash(refreshToken), Adopting: true, StoreEpoch: m.cfg.StoreEpoch, ConnectedAt: m.flow.now(),
	}, nil
}

var errAdopted = errors.New("adopted already")

// adoptable returns nil where g may take the place of what is there, and errAdopted where it is there already.
func (g *grant) adoptable(op string, old *grant) error {
	switch {
	case old.Adopted == g.Adopted && (old.Generation > 0 || old.Client.same(g.Client)):
		return errAdopted
	case old.Adopted != g.Adopted && old.Epoch != "" && (old.Fault == nil || !old.Fault.Kind.Terminal()):
		return invalid(op, "Key", fmt.Sprintf("%q is connected already; disconnect it first", g.Key))
	}
	return nil
}
