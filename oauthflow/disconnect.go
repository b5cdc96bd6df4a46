package oauthflow

import (
	"context"
	"errors"
	"time"
)

// Disconnect ends a connection: nothing is refreshed or handed out any more, Salesforce revokes its tokens, and the
// record is deleted. When the revocation cannot be confirmed the record stays, marked, and the error says why; repeat
// the call. Once the login host has not existed for a week, the tokens count as revoked. A connection that does not
// exist is no error. One whose move to another key was interrupted is moved: its tokens are the other key's.
func (m *Manager) Disconnect(ctx context.Context, k Key) error {
	const op = "disconnect"
	if err := k.validate(op); err != nil {
		return err
	}
	end, err := m.begin()
	if err != nil {
		return err
	}
	defer end()
	for range conflictTries {
		r, g, err := m.load(ctx, op, k)
		var e *Error
		if errors.As(err, &e) && e.Kind == KindNotConnected {
			m.Source(k).publish(nil)
			return nil
		} else if err != nil {
			return err
		}
		if g.MovedTo != nil && !g.Revoking { // it ends here, or the move is taken back
			err := m.Move(ctx, k, *g.MovedTo)
			if err == nil || errors.Is(err, ErrOrgChanged) || errors.As(err, &e) && e.Kind == KindNotConnected {
				continue
			}
			return err
		}
		if !g.Revoking {
			g.Revoking, g.Failures = true, 0
			r, err = m.save(ctx, op, r, g)
			if errors.Is(err, ErrConflict) {
				continue
			} else if err != nil {
				return err
			}
		}
		m.Source(k).publish(nil)
		var unconfirmed *Error
		if err := m.flow.Revoke(ctx, g.Client.client(), g.token()); g.vanished(err, m.flow.now()) {
			errors.As(err, &unconfirmed)
		} else if err != nil && !nothingLeft(err) {
			g.Failures++ // the keep-alive asks less and less often
			_, _ = m.save(ctx, op, r, g)
			return err
		}
		// A refresh that was under way may have stored newer tokens meanwhile: then they are revoked, too.
		_, err = m.save(ctx, op, r, g.tombstone())
		if errors.Is(err, ErrConflict) {
			continue
		} else if err != nil && !errors.Is(err, ErrNotDurable) {
			return err
		}
		m.release(ctx, op, g)
		m.observe(Event{Type: EventRevoked, Key: k, OrgID: g.OrgID, Err: unconfirmed})
		return err // the tombstone is there, but a failover may undo it
	}
	return &Error{Op: op, Kind: KindStore, Err: ErrConflict}
}

// goneAfter is how long a login host has not existed when its org counts as deleted. Before that the name, or whom we ask
// for it, may be out of order.
const goneAfter = 7 * 24 * time.Hour

// vanished notes whether a revocation found no host, and reports whether none has found one for long.
func (g *grant) vanished(err error, now time.Time) bool {
	if !errors.Is(err, ErrNoSuchHost) {
		g.NoHost = time.Time{}
		return false
	}
	if g.NoHost.IsZero() {
		g.NoHost = now
	}
	return now.Sub(g.NoHost) >= goneAfter
}

// nothingLeft reports whether a refused revocation means that there is nothing to revoke.
func nothingLeft(err error) bool {
	var e *Error
	if !errors.As(err, &e) || e.Status == 0 {
		return false
	}
	switch e.Kind {
	case KindGrantDead, KindClient, KindAppMissing, KindOrgGone:
		return true
	}
	return false
}
