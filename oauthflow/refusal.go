package oauthflow

import (
	"context"
	"errors"
	"net/http"
	"time"
)

// busyTries is how often a refresh that has met another one of the same token is tried again at once.
const busyTries = 4

// refused stores what Salesforce (or the network, before anything was sent) said, so that all processes share it, and
// returns the error for the callers; or errAgain when it is worth trying again within this flight.
func (m *Manager) refused(ctx context.Context, g *grant, attempt string, e *Error, doubted bool, took time.Duration) error {
	if e.Status == http.StatusTooManyRequests || e.Status == http.StatusServiceUnavailable {
		m.holdOff(ctx, e.Host, m.flow.now().Add(max(e.RetryAfter, jitter(10*time.Second, 10*time.Second))))
	}
	met := e.Kind == KindBusy && e.Status == http.StatusBadRequest
	if met && doubted { // the one that it has met is the one in doubt: find out again before anything is sent
		sleep(m.open, 500*time.Millisecond)
		return errAgain
	}
	again, failures := false, 0
	var events []EventType
	applied, err := m.update(ctx, g, attempt, func(now *grant) {
		events = nil
		if !doubted || e.Kind != KindNotSent { // else the earlier request is in doubt as before
			now.Intent = nil
		}
		now.Failures++
		failures = now.Failures
		if again = met && now.Failures <= busyTries; again {
			return
		}
		e.RetryAfter = max(e.RetryAfter, backoff(now.Failures))
		now.NotBefore = m.flow.now().Add(e.RetryAfter)
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
			if now.Fault.Lost {
				e.Err = errOutcomeLost
			} else if now.Rotates && e.Kind == KindGrantDead {
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
	for try := range storeTries {
		if try > 0 && !sleep(ctx, time.Duration(try)*50*time.Millisecond) {
			return false, err
		}
		var r Record
		var now *grant
		if r, now, err = m.load(ctx, opRefresh, g.Key); err != nil {
			continue
		}
		if now.Epoch != g.Epoch || now.Intent == nil || now.Intent.Attempt != attempt {
			return false, nil
		}
		change(now)
		if _, err = m.save(ctx, opRefresh, r, now); err == nil || errors.Is(err, ErrNotDurable) {
			return true, nil // a failover that undoes it leaves the intent, which is looked into
		}
	}
	return false, err
}

// backoff grows from two seconds to five minutes; half of it is chance, which keeps connections apart.
func backoff(failures int) time.Duration {
	d := min(2*time.Second<<min(failures-1, 9), 5*time.Minute)
	return d/2 + jitter(d/2, d/2)
}
