package oauthflow

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"
)

// send posts the refresh token before the lease ends, which counts from start: with the credentials in their order, with
// each when Salesforce has refused the ones before, which spends nothing.
func (m *Manager) send(ctx context.Context, g *grant, order []sealedClient, start instant) (fresh *Token, used sealedClient, err error) {
	refusals := make([]*Error, len(order))
	own := 0 // the place of the credentials that the connection has had
	for i, c := range order {
		share := m.time.Lease * time.Duration(i+1) / time.Duration(len(order)) // the rest is for the others
		fresh, err = m.sendAs(ctx, c, g, lease{start, share, m.flow})
		if fresh != nil || !errors.As(err, &refusals[i]) || !spentNothing(refusals[i]) || g.redirectedOn(refusals[i]) {
			return fresh, c, err
		}
		if c.same(g.Client) {
			own = i
		}
		if refusals[i].Kind == KindGrantDead {
			if c.sameApp(g.Client) { // whatever its secret is, the grant is this app's
				return nil, c, err
			}
			g.NextForeign = true // known, but the grant is the old key's: only a new login can use it
		}
	}
	if old := refusals[own].Kind; old == KindClient || old == KindAppMissing {
		for i, e := range refusals {
			if authenticated(e) { // these credentials are right, and what Salesforce said to them is the reason
				return nil, order[i], e
			}
		}
	}
	return nil, order[own], refusals[own]
}

func (m *Manager) sendAs(ctx context.Context, c sealedClient, g *grant, l lease) (*Token, error) {
	ctx, cancel := context.WithDeadline(ctx, l.from.monotonic.Add(l.time))
	defer cancel()
	return m.flow.refreshWithin(ctx, limits{l, m.time.Quiet}, g.asked(c), g.token())
}

// staged returns the credentials that SetClient gave and that a refresh is to try first, or nil.
func (g *grant) staged() *sealedClient {
	if g.Next == nil || g.NextForeign {
		return nil
	}
	next := *g.Next
	return &next
}

// order returns the credentials that a refresh is tried with: those that SetClient gave first, unless an earlier refresh
// with them is in doubt.
func (g *grant) order(doubted bool) []sealedClient {
	next := g.staged()
	switch {
	case next == nil:
		return []sealedClient{g.Client}
	case doubted && g.SentWith != nil && g.SentWith.same(*next):
		return []sealedClient{g.Client, *next}
	}
	return []sealedClient{*next, g.Client}
}

// sameApp reports whether both are of one app at one host, so that they differ in their secret at most.
func (c sealedClient) sameApp(o sealedClient) bool { return c.ID == o.ID && c.Host == o.Host }

// authenticated reports whether Salesforce has accepted consumer key and secret before it refused.
func authenticated(e *Error) bool {
	switch e.Kind {
	case KindUserPolicy, KindIPRestricted, KindAppPolicy, KindScope, KindLimit, KindOrgGone:
		return true
	}
	return false
}

// spentNothing reports whether a request certainly has not used its refresh token up: it was not sent, the login
// host has redirected it, or Salesforce has refused it in its own words.
func spentNothing(e *Error) bool {
	if e.Kind == KindNotSent || e.Status/100 == 3 {
		return true
	}
	return e.Status >= http.StatusBadRequest && e.Status <= http.StatusForbidden && e.Kind != KindBusy && e.Code != ""
}

// unanswered reports whether nobody knows what Salesforce has done with a refresh: there was no answer, or none that can be
// read, which may have held a new refresh token; or a gateway has answered in Salesforce's place, which may have acted.
// Whatever the body says, a server's failure (5xx) is none of Salesforce's decisions. Too many or too slow requests (429,
// 408) and other answers than 200 are Salesforce's own only with an OAuth error code.
func unanswered(e *Error) bool {
	switch {
	case e.Kind == KindInDoubt, e.Kind == KindBadAnswer, e.Status >= http.StatusInternalServerError:
		return true
	case e.Status == http.StatusTooManyRequests, e.Status == http.StatusRequestTimeout, e.Status/100 == 2:
		return e.Code == ""
	}
	return false
}

// putOff keeps away from a host, which a gateway has asked to leave alone, whom that concerns; other processes learn it from the
// record of the connection, whose intent stays. It returns an error for the callers, or nil where they are served sooner by finding
// out in their presence: a 503 of an org that rotates passes within seconds more often than not, and their next call would have to
// find out, too.
func (m *Manager) putOff(ctx context.Context, g *grant, attempt string, e *Error) error {
	if !putsOff(e) {
		return nil
	}
	soon := e.Status == http.StatusServiceUnavailable && g.Rotates
	wait := max(e.RetryAfter, time.Second)
	if !soon {
		wait = max(e.RetryAfter, jitter(10*time.Second, 10*time.Second))
	}
	m.holdOff(e.Host, g.Key.Tenant, m.flow.now().Add(wait))
	if _, err := m.update(ctx, g, attempt, func(now *grant) { now.pause(wait, m.flow.now()) }); err != nil {
		m.logf(slog.LevelDebug, "a host's request to wait could not be stored", "connection", g.Key, "error", err)
	}
	if soon {
		return nil
	}
	told := *e
	told.RetryAfter = wait
	return &told
}
