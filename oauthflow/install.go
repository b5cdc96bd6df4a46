package oauthflow

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

const storeTries = 5

// install stores the tokens of a completed login as a new epoch of the connection k.
func (m *Manager) install(ctx context.Context, k Key, p Pending, t *Token) (Connection, error) {
	c := p.client
	now := m.flow.now()
	g := &grant{
		Key: k, Epoch: random().Reveal(), Client: c.sealed(), Access: sealedSecret{t.AccessToken},
		Refresh: sealedSecret{t.RefreshToken}, InstanceURL: t.InstanceURL, IdentityURL: t.IdentityURL, OrgID: t.OrgID,
		UserID: t.UserID, Scopes: t.Scopes, ExpectOrg: p.expectOrg, StoreEpoch: m.cfg.StoreEpoch, ConnectedAt: now, RefreshedAt: now,
	}
	if err := m.claim(ctx, "complete", g, p.secondKey); err != nil {
		m.discard(c, t)
		return Connection{}, err
	}
	second := m.finishMove(ctx, k) || p.secondKey
	old, err := m.replace(ctx, "complete", g, func(old *grant) error {
		g.Unsettled, g.Received = old.Intent != nil && m.cfg.RefuseSecondKey, old.Received
		return g.over("complete", old)
	})
	if err == nil {
		if err = m.confirm(ctx, "complete", g, second); errors.Is(err, ErrConnectedElsewhere) {
			err = errors.Join(err, m.retract(ctx, "complete", g, old))
		} else if err != nil { // it is connected all the same, and claims are hints
			m.logf(slog.LevelDebug, "a connection could not be claimed", "connection", k.String(), "error", err)
			err = nil
		}
	}
	if err != nil {
		if errors.Is(err, errUnsure) {
			m.discardUnlessStored(g, c, t)
		} else {
			m.discard(c, t)
		}
		return Connection{}, err
	}
	m.settle(ctx, g)
	if old.superfluous(g) {
		m.discard(old.Client.client(), old.token())
	}
	m.Source(k).publish(m.view(g))
	m.observe(Event{Type: EventConnected, Key: k, OrgID: g.OrgID})
	if t.SignatureMismatch {
		m.observe(Event{Type: EventSignature, Key: k, OrgID: g.OrgID})
	}
	return g.connection(now), nil
}

// finishMove ends a move of k's connection that was interrupted, and reports whether there was one: its tokens are seen to
// be superfluous where they go, and hold org, user and app there. What cannot be moved now is left alone.
func (m *Manager) finishMove(ctx context.Context, k Key) bool {
	_, now, err := m.load(ctx, "complete", k)
	if err != nil || now.MovedTo == nil || now.Revoking {
		return false
	}
	if err := m.Move(ctx, k, *now.MovedTo); err != nil {
		m.logf(slog.LevelDebug, "an interrupted move could not be finished", "connection", k.String(), "error", err)
	}
	return true
}

// replace makes g the connection's record, over whatever is there unless allowed refuses it, and returns what was
// there. Allowed is asked about an empty grant where there is none. A save whose outcome is unknown is looked up by its
// epoch.
func (m *Manager) replace(ctx context.Context, op string, g *grant, allowed func(old *grant) error) (old *grant, err error) {
	saved := false // perhaps; a later conflict may be with that
	for try := range storeTries {
		if try > 0 {
			sleep(ctx, time.Duration(try)*50*time.Millisecond)
		}
		var r Record
		var now *grant
		r, now, err = m.load(ctx, op, g.Key)
		if !saved && g.MovedFrom == nil { // else its refresh token may have been spent since it was known to be good
			g.Timeline = r.Timeline
		}
		var e *Error
		switch {
		case errors.As(err, &e) && e.Kind == KindNotConnected && now != nil && now.MovedTo == nil && now.Epoch == g.Epoch:
			return old, &Error{Op: op, Kind: KindNotConnected, Err: errDisconnected} // it was there, and is never brought back
		case errors.As(err, &e) && e.Kind == KindNotConnected:
			old = nil // what an earlier look has found is another key's now
			gone := new(grant)
			if now != nil {
				gone.Received = now.Received
			}
			if err := allowed(gone); err != nil {
				return nil, err
			}
		case err != nil:
			continue
		case now.Epoch == g.Epoch && now.Generation >= g.Generation: // else a late result has come after what is moved
			if !saved {
				return old, nil
			}
			if _, err = m.save(ctx, op, r, now); err == nil {
				return old, nil
			}
			continue
		default:
			if err := allowed(now); err != nil {
				return nil, err
			}
			old = now
		}
		if _, err = m.save(ctx, op, r, g); err == nil {
			return old, nil
		}
		saved = saved || !errors.Is(err, ErrConflict)
	}
	if saved {
		err = errors.Join(err, errUnsure)
	}
	return nil, err
}

// errUnsure means that a record may have been stored, although the store says that it was not.
var errUnsure = errors.New("it may have been stored all the same")

// settle says that g stays: a refresh of what it has replaced, whose result waits for that, lets the result go.
func (m *Manager) settle(ctx context.Context, g *grant) {
	if !g.Unsettled {
		return
	}
	g.Unsettled = false
	err := m.change(ctx, "complete", g.Key, func(now *grant) error {
		now.Unsettled = now.Unsettled && now.Epoch != g.Epoch
		return nil
	})
	if err != nil { // it waits for settleTime then
		m.logf(slog.LevelDebug, "a login could not be marked as settled", "connection", g.Key.String(), "error", err)
	}
}

var errDisconnected = errors.New("it was disconnected meanwhile")

// retract puts back what g has replaced; nil for nothing. It does so for a caller who has left, too. A refresh that was
// under way then keeps its intent: its result is stored when it comes ([commit]), else the connection is in doubt, and
// Salesforce is asked before its refresh token is sent.
func (m *Manager) retract(ctx context.Context, op string, g, old *grant) error {
	ctx, cancel := m.detached(ctx)
	defer cancel()
	if old == nil {
		old = g.tombstone()
	}
	m.Source(g.Key).publish(nil)
	return m.change(ctx, op, g.Key, func(now *grant) error {
		if now.Epoch == g.Epoch {
			*now = *old
		}
		return nil
	})
}

// discard revokes tokens that no record holds (any more), in the background and as far as it can be done: left alone
// they would count among the few approvals that Salesforce keeps for a user and app.
func (m *Manager) discard(c Client, t *Token) {
	if t == nil || t.RefreshToken.IsZero() && t.AccessToken.IsZero() {
		return
	}
	m.work.Go(func() {
		ctx, cancel := context.WithTimeout(m.ctx, 30*time.Second)
		defer cancel()
		defer m.contain(nil)
		if err := m.flow.Revoke(ctx, c, t); err != nil {
			m.logf(slog.LevelDebug, "a token that is not needed could not be revoked", "error", err)
		}
	})
}

// discardUnlessStored is discard once the store says that it does not hold g: a record must not hold a dead grant, least
// of all in place of a live one.
func (m *Manager) discardUnlessStored(g *grant, c Client, t *Token) {
	m.work.Go(func() {
		defer m.contain(nil)
		for sleep(m.open, jitter(time.Second, time.Second)) {
			_, now, err := m.loadLeaving(m.ctx, "complete", g.Key)
			var e *Error
			switch {
			case err == nil && now.Epoch == g.Epoch:
				return
			case err == nil, errors.As(err, &e) && e.Kind == KindNotConnected:
				m.discard(c, t)
				return
			}
		}
	})
}
