package oauthflow

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// commit stores the result of a refresh that was sent for one epoch and generation, however late it comes: first over
// the record as it was when the intent was written, then over whatever is there. Nobody sees the result before it is
// stored; a store that fails is tried for as long as the manager lives, since the only copy of a rotated refresh token
// is here.
//
// It returns the stored grant, or nil when the connection has moved on without this result.
func (m *Manager) commit(ctx context.Context, at tokenstore.Record, sent sending, fresh *Token, took time.Duration) (*grant, tokenstore.Record, error) {
	c := commit{sent, fresh}
	copied := *sent.grant
	started := time.Now()
	done, stored, now, err := c.over(ctx, at, &copied)
	for pause := 20 * time.Millisecond; !done; pause = min(2*pause, 2*time.Second) {
		if err != nil {
			m.logf(slog.LevelWarn, "a refreshed token could not be stored yet", "connection", sent.grant.Key, "error", err)
			if !sleep(ctx, jitter(pause, pause)) {
				return nil, now, err
			}
		}
		done, stored, now, err = c.again(ctx, time.Since(started))
	}
	if stored != nil {
		c.report(stored, took)
	}
	return stored, now, err
}

// sending is one refresh that has been sent.
type sending struct {
	m       *Manager
	grant   *grant // as it was then
	attempt string
	used    sealedClient
	doubted bool // an earlier refresh of the same generation was in doubt
}

type commit struct {
	sending
	fresh *Token
}

// safeTime is how long a result that is in the record waits for a save that succeeds: longer than a failover takes.
const safeTime = time.Minute

// again looks at the record as it is now.
func (c commit) again(ctx context.Context, waited time.Duration) (done bool, stored *grant, at tokenstore.Record, err error) {
	r, now, err := c.m.load(ctx, opRefresh, c.grant.Key)
	var e *Error
	switch {
	case errors.As(err, &e) && e.Kind == KindNotConnected && now != nil && now.MovedTo != nil && now.Epoch == c.grant.Epoch:
		moved := *c.grant
		moved.Key = *now.MovedTo
		c.grant = &moved
		return c.again(ctx, waited)
	case now != nil && now.Epoch != c.grant.Epoch && slices.Contains(now.Departed, c.grant.Epoch): // its tokens are another key's
		return true, nil, r, nil
	case errors.As(err, &e) && e.Kind == KindNotConnected: // disconnected meanwhile
		c.m.discard(c.grant.Key.Tenant, c.grant.asked(c.used), c.fresh)
		return true, nil, r, err
	case err != nil:
		return false, nil, r, err
	case now.Epoch != c.grant.Epoch: // authorized again meanwhile
		c.m.discard(c.grant.Key.Tenant, c.grant.asked(c.used), c.fresh)
		return true, nil, r, nil
	case now.Generation > c.grant.Generation && now.Attempt == c.attempt: // an earlier save of ours, whose outcome was unknown
		return c.made(ctx, r, now, waited < safeTime)
	case now.Generation > c.grant.Generation: // another's refresh of the same token succeeded, so that nothing rotates
		return true, nil, r, nil
	}
	return c.over(ctx, r, now)
}

// made ends with a result that is in the record, although no save of ours has succeeded. A failover may undo what the server
// has not passed on yet, and would find no other copy than the one here: so it is saved on until a save succeeds. When
// time is over it counts as stored: nothing is safer if nobody may use it, and the next refresh needs a save that succeeds.
func (c commit) made(ctx context.Context, r tokenstore.Record, now *grant, patient bool) (done bool, stored *grant, at tokenstore.Record, err error) {
	at = r
	if patient {
		at, err = c.m.save(ctx, opRefresh, r, now)
		switch {
		case errors.Is(err, tokenstore.ErrConflict):
			return false, nil, r, nil
		case err != nil:
			return false, nil, r, err
		}
	}
	if now.MovedTo != nil {
		return true, nil, at, nil
	}
	return c.ended(at, now)
}

// ended is the end of a commit whose result is stored.
func (c commit) ended(at tokenstore.Record, now *grant) (done bool, stored *grant, _ tokenstore.Record, err error) {
	if f := now.Fault; f != nil && (f.Kind == KindOrgChanged || f.Kind == KindUserChanged) {
		e, news := now.fault(c.m.flow.now()), EventOrgChanged
		if f.Kind == KindUserChanged {
			news = EventUserChanged
		}
		c.m.observe(Event{Type: news, Key: now.Key, OrgID: now.OrgID, Err: e})
		return true, nil, at, e
	}
	if now.Revoking { // Disconnect finds the newer record and revokes this token, too
		return true, nil, at, nil
	}
	return true, now, at, nil
}

// over puts the result into now and compares and swaps it for r.
func (c commit) over(ctx context.Context, r tokenstore.Record, now *grant) (done bool, stored *grant, at tokenstore.Record, err error) {
	m := c.m
	if kind := now.stranger(c.fresh); kind != "" { // the refresh token is kept; org and user are never overwritten
		now.adopt(&Token{RefreshToken: c.fresh.RefreshToken}, c.attempt, m.flow.now())
		now.Access = sealedSecret{}
		now.Fault = &fault{Op: opRefresh, Kind: kind, At: m.flow.now(), OrgID: c.fresh.OrgID, UserID: c.fresh.UserID}
	} else {
		now.adopt(c.fresh, c.attempt, m.flow.now())
		if c.fresh.AccessToken.IsZero() && m.Source(now.Key).condemned(now.Access.Reveal()) != nil { // nobody is to take it for a renewed one
			now.Access = sealedSecret{}
		}
	}
	if now.Next != nil && now.Next.same(c.used) {
		if now.Next.Host != now.Client.Host {
			now.TokenHost = "" // of the host before
		}
		now.Client, now.Next = *now.Next, nil
	}
	at, err = m.save(ctx, opRefresh, r, now)
	switch {
	case errors.Is(err, tokenstore.ErrConflict):
		return false, nil, r, nil
	case err != nil:
		return false, nil, r, err
	}
	return c.ended(at, now)
}

func (c commit) report(after *grant, took time.Duration) {
	before := c.grant
	report := func(t EventType) {
		c.m.observe(Event{Type: t, Key: after.Key, OrgID: after.OrgID, Took: took})
	}
	report(EventRefreshed)
	if !c.fresh.RefreshToken.IsZero() && !c.fresh.RefreshToken.Equal(before.Refresh.Secret) {
		report(EventRotated)
	}
	if before.InstanceURL != "" && after.InstanceURL != before.InstanceURL {
		report(EventInstance)
	}
	if c.fresh.SignatureMismatch {
		report(EventSignature)
	}
	if before.Next != nil && after.Next == nil {
		report(EventClient)
	}
	if c.doubted || before.Fault != nil && !before.freshRefused() { // that one ends with an accepted token
		report(EventRepaired)
	}
}
