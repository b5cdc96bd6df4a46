package oauthflow

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// busyTries is how often a refresh that has met another one of the same token is tried again at once.
const busyTries = 4

// refusal is one refresh that was refused, or not sent.
type refusal struct {
	grant   *grant // as it was then
	attempt string
	used    sealedClient
	doubted bool // an earlier refresh of the same generation was in doubt,
	unspent bool // and Salesforce has confirmed that it has not spent the refresh token
	took    time.Duration
}

// settles reports whether the refusal leaves no doubt about the refresh token. An earlier refresh that is in doubt stays in
// doubt until Salesforce says whether the token is spent. A request to wait, a refused secret and an unknown refusal do not
// say so, and neither does a redirect.
func (r refusal) settles(e *Error) bool {
	switch {
	case !r.doubted, e.Kind.Terminal():
		return true
	case e.Kind == KindNotSent, e.Status/100 == 3:
		return false
	}
	return r.unspent
}

// refused stores what Salesforce (or the network, before anything was sent) said, so that all processes share it, and
// returns the error for the callers; or errAgain when it is worth trying again within this flight.
func (m *Manager) refused(ctx context.Context, r refusal, e *Error) error {
	g, doubted, took := r.grant, r.doubted, r.took
	if putsOff(e) {
		m.holdOff(e.Host, g.Key.Tenant, m.flow.now().Add(max(e.RetryAfter, jitter(10*time.Second, 10*time.Second))))
	}
	met := e.Kind == KindBusy && e.Status == http.StatusBadRequest
	if met && doubted { // the one that it has met is the one in doubt: find out again before anything is sent
		sleep(m.open, 500*time.Millisecond)
		return errAgain
	}
	again, failures := false, 0
	var events []EventType
	last := g
	applied, err := m.update(ctx, g, r.attempt, func(now *grant) {
		events, last = nil, now
		if r.settles(e) {
			now.Intent, now.SentWith = nil, nil
		}
		if now.leftTokenHost(e) {
			now.TokenHost = ""
		}
		if now.Revoking && e.Kind == KindGrantDead { // the disconnection has ended it
			return
		}
		now.Failures++
		failures = now.Failures
		if again = met && now.Failures <= busyTries || errors.Is(e.Err, errSuspended) && now.Failures == 1; again {
			return
		}
		if e.Kind == KindGrantDead && now.Next != nil && now.Next.same(r.used) { // accepted: the next login is to use them
			now.Client, now.Next = *now.Next, nil
		}
		e.RetryAfter = max(e.RetryAfter, backoff(now.Failures))
		now.pause(e.RetryAfter, m.flow.now())
		shared := e.Status != 0 && e.Kind != KindBusy && e.Kind != KindUnknownAnswer
		if !shared {
			return
		}
		news := now.Fault == nil || now.Fault.Kind != e.Kind
		was := StatusActive
		if now.Fault != nil {
			was = now.status(now.Fault.At)
		}
		now.Fault = &fault{Op: e.Op, Code: e.Code, Description: e.Description, Kind: e.Kind, Status: e.Status, At: m.flow.now()}
		is := now.status(now.Fault.At)
		switch {
		case !e.Kind.Terminal() && !news && was == is:
		case !e.Kind.Terminal() && is == StatusBroken: // asked on: it may be given new credentials
			events = append(events, EventBroken)
		case !e.Kind.Terminal():
			events = append(events, EventSuspended)
		default:
			now.Access = sealedSecret{}
			now.Fault.Lost = doubted && e.Kind == KindGrantDead
			if e.Kind == KindGrantDead {
				now.Renamed = m.Source(g.Key).renamed(now)
			}
			if now.Fault.Lost {
				e.Err = errOutcomeLost
			} else if unused := now.unused(now.Fault); unused != nil { // which explains it: nobody has spent it
				e.Err = unused
			} else if now.Rotates && e.Kind == KindGrantDead && !now.endedByMove() {
				events = append(events, EventReplay)
			}
			events = append(events, EventBroken)
		}
	})
	if err != nil {
		return err
	}
	if !applied { // another process has taken over, and perhaps refreshed
		return errAgain
	}
	if last.Revoking && e.Kind == KindGrantDead {
		return errAgain
	}
	last.tellMove(e)
	for _, t := range events {
		m.observe(Event{Type: t, Key: g.Key, OrgID: g.OrgID, Took: took, Err: e})
	}
	if again {
		sleep(m.open, time.Duration(failures)*500*time.Millisecond+jitter(100*time.Millisecond, time.Second))
		return errAgain
	}
	return e
}

// update changes the record of g, and reports whether it still held our attempt.
func (m *Manager) update(ctx context.Context, g *grant, attempt string, change func(*grant)) (applied bool, err error) {
	var last []byte // what a save of unknown outcome was to store
	for try := range storeTries {
		if try > 0 && !sleep(ctx, time.Duration(try)*50*time.Millisecond) {
			return false, err
		}
		var r tokenstore.Record
		var now *grant
		if r, now, err = m.load(ctx, opRefresh, g.Key); err != nil {
			continue
		}
		if is, err := now.encode(); err == nil && last != nil && bytes.Equal(is, last) { // it is stored
			return true, nil
		}
		if now.Epoch != g.Epoch || now.Intent == nil || now.Intent.Attempt != attempt {
			return false, nil
		}
		change(now)
		if _, err = m.save(ctx, opRefresh, r, now); err == nil || errors.Is(err, tokenstore.ErrNotDurable) {
			return true, nil // a failover that undoes it leaves the intent, which is looked into
		}
		if !errors.Is(err, tokenstore.ErrConflict) {
			last, _ = now.encode()
		}
	}
	return false, err
}

// backoff grows from two seconds to five minutes; half of it is chance, which keeps connections apart.
func backoff(failures int) time.Duration {
	d := min(2*time.Second<<min(failures-1, 9), 5*time.Minute)
	return d/2 + jitter(d/2, d/2)
}
