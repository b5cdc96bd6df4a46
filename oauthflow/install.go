package oauthflow

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

// install stores the tokens of a completed login as the given new epoch of the connection k.
func (m *Manager) install(ctx context.Context, k Key, epoch string, p Pending, t *Token) (Connection, error) {
	c := p.client
	now := m.flow.now()
	g := &grant{
		Key: k, Epoch: epoch, Client: c.sealed(), Access: sealedSecret{t.AccessToken},
		Refresh: sealedSecret{t.RefreshToken}, InstanceURL: t.InstanceURL, IdentityURL: t.IdentityURL, OrgID: t.OrgID,
		UserID: t.UserID, Scopes: t.Scopes, ExpectOrg: p.expectOrg, StoreEpoch: m.cfg.StoreEpoch, ConnectedAt: now, RefreshedAt: now,
		TokenHost: p.tokenHost.name,
	}
	var moving *Key
	allowed := func(old *grant) error {
		if moving == nil && old.MovedTo != nil && !old.Revoking {
			moving = old.MovedTo
			return errMoving
		}
		g.Received, g.Departed = old.Received, old.Departed
		if g.IdlePeriod = 0; old.Client.ID == g.Client.ID { // the same app
			g.IdlePeriod = old.IdlePeriod
		}
		return g.over("complete", old)
	}
	old, err := m.replace(ctx, "complete", g, allowed)
	if errors.Is(err, errMoving) {
		m.finishMove(ctx, k, *moving)
		old, err = m.replace(ctx, "complete", g, allowed)
	}
	onward := errors.Is(err, errDeparted) // stored, and on its way to another key already
	var unsure *unsureError
	switch {
	case errors.As(err, &unsure):
		m.discardUnlessStored(g, unsure, c, t)
		return Connection{}, err
	case old.superfluous(g):
		m.discard(k.Tenant, old.asked(old.Client), old.token())
	}
	if err != nil && !onward {
		m.discard(k.Tenant, c, t)
		return Connection{}, err
	}
	if old != nil {
		m.release(ctx, "complete", old)
	}
	if !onward {
		s := m.Source(k)
		s.installed(g)
		s.publish(m.view(g))
	}
	m.observe(Event{Type: EventConnected, Key: k, OrgID: g.OrgID})
	if t.SignatureMismatch {
		m.observe(Event{Type: EventSignature, Key: k, OrgID: g.OrgID})
	}
	return g.connection(now), nil
}

var errMoving = errors.New("a move of the connection was interrupted")

// finishMove ends a move of k's connection that was interrupted: its tokens are seen to be superfluous where they go. What
// cannot be moved now is left alone.
func (m *Manager) finishMove(ctx context.Context, k, to Key) {
	if err := m.Move(ctx, k, to); err != nil {
		m.logf(slog.LevelDebug, "an interrupted move could not be finished", "connection", k, "error", err)
	}
}

// retract puts back what the adoption g has replaced; nil for nothing. It does so for a caller who has left, too. An adoption
// whose refresh token another process may have sent meanwhile stays: its result has no other place.
func (m *Manager) retract(ctx context.Context, op string, g, old *grant) error {
	ctx, cancel := m.detached(ctx)
	defer cancel()
	if old == nil {
		old = g.tombstone()
	}
	err := m.change(ctx, op, g.Key, func(now *grant) error {
		if now.Epoch != g.Epoch || now.Generation > 0 || now.Intent != nil {
			return errUnchanged
		}
		*now = *old
		return nil
	})
	if errors.Is(err, errUnchanged) {
		return nil
	}
	if s := m.sources.known(g.Key); s != nil {
		if err == nil {
			s.installed(old)
		}
		s.publish(nil)
	}
	return err
}

// discard revokes tokens that no record holds (any more), in the background and as far as it can be done: left alone
// they would count among the few approvals that Salesforce keeps for a user and app. Tenant is whose turn it takes at the host.
func (m *Manager) discard(tenant string, c Client, t *Token) {
	if t == nil || t.RefreshToken.IsZero() && t.AccessToken.IsZero() {
		return
	}
	m.work.Go(func() {
		waiting, cancel := context.WithTimeout(m.ctx, 30*time.Second)
		defer cancel()
		defer m.contain(nil)
		err := hop(c, func(c Client) error {
			return m.atHost(waiting, opRevoke, c.Host.name, tenant, func() error {
				ctx, cancel := context.WithTimeout(m.ctx, 30*time.Second)
				defer cancel()
				return m.flow.Revoke(ctx, c, t)
			})
		})
		if err != nil {
			m.logf(slog.LevelDebug, "a token that is not needed could not be revoked", "error", err)
		}
	})
}
