package oauthflow

import (
	"context"
	"errors"
	"time"

	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

const (
	refusedLimit  = 5           // generations refused at once, in a row
	refusedYouth  = time.Minute // a token refused later than this after it was made may have ended, but for a JWT that has not
	refusedPause  = time.Minute // the first pause, doubled each time
	refusedLonger = 4           // at most so many times
)

// refusedAtOnce counts the generations that Salesforce refused as soon as they were used, each once, and reports whether
// there are so many in a row that another refresh would only be the next of them. A token that was accepted begins the count again.
// One of which this process does not know whether it was leaves the count as it is: see [Source.refusedAtFirstUse].
func (m *Manager) refusedAtOnce(g *grant, was *rejected) bool {
	if g.Access.Reveal() != was.access { // replaced for another reason
		return false
	}
	if was.served {
		g.Unaccepted = 0
		if g.freshRefused() {
			g.Fault = nil
		}
		return false
	}
	if g.freshRefused() && g.Counted == g.Generation+1 { // its pause is over: one more try
		return false
	}
	fresh := was.malformed && was.successor != nil || m.flow.now().Sub(g.RefreshedAt) <= refusedYouth || refusedAlive(was.access, m.flow.now())
	if fresh && !was.found {
		g.countRefused()
	}
	return g.Counted == g.Generation+1 && g.Unaccepted >= refusedLimit
}

// countRefused counts the generation as refused at once, unless it is counted already.
func (g *grant) countRefused() {
	if g.Counted != g.Generation+1 {
		g.Unaccepted, g.Counted = g.Unaccepted+1, g.Generation+1
	}
}

// freshRefused reports whether the connection is suspended because fresh sessions are refused. Until an access token is accepted
// it stays suspended, also when it has a new one.
func (g *grant) freshRefused() bool { return g.Fault != nil && g.Fault.Kind == KindFreshRefused }

// suspendRefused shares with all processes that fresh sessions are refused, and makes them pause.
// Malformed tells that they are JWTs that are refused as such.
func (m *Manager) suspendRefused(ctx context.Context, r tokenstore.Record, g *grant, malformed bool) error {
	pause := refusedPause << min(g.Unaccepted-refusedLimit, refusedLonger)
	news := !g.Refusing
	g.pause(pause, m.flow.now())
	g.Refusing = true
	g.Fault = &fault{Op: opRefresh, Kind: KindFreshRefused, At: m.flow.now()}
	if malformed {
		g.Fault.Code = malformedCode
	}
	if _, err := m.save(ctx, opRefresh, r, g); errors.Is(err, tokenstore.ErrConflict) {
		return nil
	} else if err != nil {
		return err
	}
	e := g.fault(m.flow.now())
	if news {
		m.observe(Event{Type: EventSuspended, Key: g.Key, OrgID: g.OrgID, Err: e})
	}
	e.RetryAfter = pause
	return e
}

// accept notes that Salesforce has accepted v's access token. The first one that it accepts ends a suspension for
// refused sessions, and the count of those; nobody waits for that to be stored.
func (s *Source) accept(v *view) {
	if v.accepted.Load() || v.accepted.Swap(true) || !v.refusing && !v.counted.Load() {
		return
	}
	end, err := s.m.begin()
	if err != nil {
		return
	}
	go func() {
		defer end()
		defer s.m.contain(nil)
		s.m.acceptedAgain(s.key)
	}()
}

func (m *Manager) acceptedAgain(k Key) {
	errTold := errors.New("told already")
	org, suspended := "", false
	err := m.change(m.ctx, opRefresh, k, func(g *grant) error {
		if !g.Refusing && g.Unaccepted == 0 {
			return errTold
		}
		org, suspended = g.OrgID, g.Refusing
		g.Refusing, g.Unaccepted = false, 0
		if g.freshRefused() {
			g.Fault = nil
			if g.Failures == 0 { // what is waited for is the suspension's pause
				g.NotBefore, g.Pause = time.Time{}, 0
			}
		}
		return nil
	})
	if err == nil && suspended {
		m.observe(Event{Type: EventRepaired, Key: k, OrgID: org})
	}
}
