package oauthflow

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// mostIdle is for how long a refresh token may stay unused at most, as far as anybody knows: the limit of an app's policy
// may be shorter. Whether the org's limit is on is not visible to every user, so that it is taken to be.
//
// Source: Salesforce Help, "Limit the Idle Refresh Token TTL in External Client Apps" and "… in Connected Apps".
const mostIdle = 30 * 24 * time.Hour

// SetIdlePeriod stores for how long the Refresh Token Policy of the app with a consumer key lets a refresh token stay
// unused, as it was read from the org. [Manager.KeepAlive] refreshes well before, from now on. 0, and 30 days or more, mean
// that the policy ends nothing sooner than the org's own limit may. Nothing is sent and nothing else changes. A connection
// that works with another key by now is left as it is.
//
// A negative period is an error of [KindInvalid], a missing connection one of [KindNotConnected].
func (m *Manager) SetIdlePeriod(ctx context.Context, k Key, consumerKey string, period time.Duration) error {
	const op = "set idle period"
	if err := m.ended(); err != nil {
		return err
	}
	if err := k.validate(op); err != nil {
		return err
	}
	if period < 0 {
		return invalid(op, "period", "must not be negative")
	}
	if period >= mostIdle {
		period = 0
	}
	err := m.change(ctx, op, k, func(g *grant) error {
		if g.Client.ID != consumerKey || g.IdlePeriod == period {
			return errUnchanged
		}
		g.IdlePeriod = period
		return nil
	})
	if errors.Is(err, errUnchanged) {
		return nil
	}
	return err
}

// idleLimit returns for how long the refresh token may stay unused: what is configured or was read from the app, whichever
// is shorter, and never more than [mostIdle].
func (m *Manager) idleLimit(g *grant, now time.Time) time.Duration {
	limit := g.idleLimit()
	if asked := m.askIdleLimit(g, now); asked > 0 {
		limit = min(limit, asked)
	}
	return limit
}

// idleLimit returns what is known of the app.
func (g *grant) idleLimit() time.Duration {
	if g.IdlePeriod > 0 {
		return min(g.IdlePeriod, mostIdle)
	}
	return mostIdle
}

// askIdleLimit asks the caller's code, which must not cost a result that is about to be stored; 0 when it says nothing.
func (m *Manager) askIdleLimit(g *grant, now time.Time) (limit time.Duration) {
	if m.cfg.IdleLimit == nil {
		return 0
	}
	defer func() {
		if r := recover(); r != nil {
			m.logPanic(r)
			limit = 0
		}
	}()
	return m.cfg.IdleLimit(g.connection(now))
}

// idleError is why a refresh token most likely has ended: nobody used it for too long.
type idleError struct {
	unused, limit time.Duration // unused is 0 where it is not known
	policy        bool          // the limit is that of the app's policy, else the org's, which may be off
}

// unused returns an *idleError where the refresh token had not been used for longer than it may when Salesforce refused it
// in f, in words that fit, and where nobody knows when an adopted one was used last; else nil.
func (g *grant) unused(f *fault) error {
	r, ok := lookup(sideOf(f.Op), reply{status: f.Status, code: f.Code, message: f.Description})
	if !ok || r.sentence != sentenceDead || f.Kind != KindGrantDead {
		return nil
	}
	if g.RefreshedAt.IsZero() { // adopted, and never refreshed here
		return &idleError{limit: mostIdle}
	}
	unused, limit := f.At.Sub(g.RefreshedAt), g.idleLimit()
	if unused < limit {
		return nil
	}
	return &idleError{unused: unused, limit: limit, policy: limit < mostIdle}
}

func (e *idleError) Error() string {
	why := "where the org's idle limit is on, Salesforce ends a refresh token after " + inWords(e.limit) + " without use"
	if e.policy {
		why = "the app's Refresh Token Policy ends a refresh token after " + inWords(e.limit) + " without use"
	}
	if e.unused == 0 {
		return "it is not known when the refresh token was used last; " + why
	}
	return "the refresh token was not used for " + inWords(e.unused) + "; " + why
}

// sentence is for the person who looks after the org.
func (e *idleError) sentence() string {
	if e.unused == 0 {
		return strings.TrimSuffix(sentenceDead, ".") + "; " + e.Error() + "."
	}
	return "Salesforce no longer accepts this connection: " + e.Error() + "."
}

// inWords writes whole days, or whole hours of less than two days.
func inWords(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d >= 2*day || d == day:
		return plural(int64(d/day), "day")
	default:
		return plural(int64(d/time.Hour), "hour")
	}
}

func plural(n int64, unit string) string {
	if n == 1 {
		return "1 " + unit
	}
	return fmt.Sprintf("%d %ss", n, unit)
}
