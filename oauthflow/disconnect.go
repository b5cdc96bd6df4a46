package oauthflow

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// Disconnect ends a connection: nothing is refreshed or handed out any more, Salesforce revokes its tokens, and the
// record is deleted. The revocation takes its turn among the requests to the login host, and waits for it until ctx ends. When the revocation cannot be confirmed the record stays, marked, and the error says why; repeat
// the call; the keep-alive does, too. Once the login host has not existed, or Salesforce has refused in words that no
// repetition changes, for a week, the tokens count as revoked; the event of type [EventRevoked] then has that in its Err. Such words
// are that the app, its consumer or the org is not there, or that it does not revoke such a token. A connection that does not exist
// is no error. One whose move to another key was interrupted is moved: its tokens are the other key's.
func (m *Manager) Disconnect(ctx context.Context, k Key) error {
	const op = "disconnect"
	if err := m.ended(); err != nil {
		return err
	}
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
			m.forgetSource(k)
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
			if errors.Is(err, tokenstore.ErrConflict) {
				continue
			} else if err != nil {
				return err
			}
		}
		if s := m.sources.known(k); s != nil {
			s.publish(nil)
		}
		var unconfirmed *Error
		if err := m.revoke(ctx, g); g.vanished(err, m.flow.now()) {
			errors.As(err, &unconfirmed)
		} else if err != nil && remains(err) != tokenGone {
			g.Failures++ // the keep-alive asks less and less often
			_, _ = m.save(ctx, op, r, g)
			return err
		}
		// A refresh that was under way may have stored newer tokens meanwhile: then they are revoked, too.
		_, err = m.save(ctx, op, r, g.tombstone())
		if errors.Is(err, tokenstore.ErrConflict) {
			continue
		} else if err != nil && !errors.Is(err, tokenstore.ErrNotDurable) {
			return err
		}
		m.forgetSource(k)
		m.release(ctx, op, g)
		m.observe(Event{Type: EventRevoked, Key: k, OrgID: g.OrgID, Err: unconfirmed})
		return err // the tombstone is there, but a failover may undo it
	}
	return &Error{Op: op, Kind: KindStore, Err: tokenstore.ErrConflict}
}

// goneAfter is how long a revocation has met an end of its kind, which is [tokenUnreachable], when the token counts as revoked.
// Before that the name of the host, or whom we ask for it, may be out of order, the app not have spread to the host yet, or the
// org be reactivated.
const goneAfter = 7 * 24 * time.Hour

// vanished notes whether a revocation could not be made where the token is, and reports whether none could for long.
func (g *grant) vanished(err error, now time.Time) bool {
	if err == nil || remains(err) != tokenUnreachable {
		g.NoHost = time.Time{}
		return false
	}
	if g.NoHost.IsZero() || g.NoHost.After(now.Add(clockSkew)) {
		g.NoHost = now
	}
	return now.Sub(g.NoHost) >= goneAfter
}

// remainder says what a failed revocation leaves of the token.
type remainder uint8

const (
	tokenMayWork     remainder = iota // the revocation is repeated
	tokenGone                         // there is nothing to revoke
	tokenUnreachable                  // repeating may never help, and the token may still work: see goneAfter
)

// refusedRevocations are the refusals of a revocation that say more than to try again. None but the first says anything of the
// token: a revocation carries the token alone.
var refusedRevocations = []struct {
	kind ErrorKind
	code string // empty for any
	remainder
}{
	{KindGrantDead, "", tokenGone},                            // "expired access/refresh token": Salesforce has looked for it
	{KindAppMissing, "", tokenUnreachable},                    // the app may not have spread yet, or the host be another org's; Salesforce ends a deleted app's tokens
	{KindClient, "", tokenUnreachable},                        // no consumer is named in the request, so that no correction helps
	{KindOrgGone, "", tokenUnreachable},                       // a suspended org may be reactivated, and one that is moved comes back
	{KindInvalid, "unsupported_token_type", tokenUnreachable}, // what it was sent is not taken for a token [public reports]
}

// remains says what the error of a revocation leaves of the token.
func remains(err error) remainder {
	if errors.Is(err, ErrNoSuchHost) {
		return tokenUnreachable
	}
	var e *Error
	if !errors.As(err, &e) || e.Status == 0 {
		return tokenMayWork
	}
	for _, r := range refusedRevocations {
		if r.kind == e.Kind && (r.code == "" || strings.EqualFold(r.code, e.Code)) {
			return r.remainder
		}
	}
	return tokenMayWork
}
