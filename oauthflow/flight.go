package oauthflow

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// rejected is an access token that is never handed out again unless it is renewed.
type rejected struct {
	access    string
	served    bool       // Salesforce had accepted it before
	found     bool       // in the store, by this process: another one may have seen it accepted
	malformed bool       // it was refused as a malformed JWT
	successor *successor // what was known of it; nil where it was not issued in place of a malformed JWT
	login     string     // the connection's login host; empty when it is not known

	known     bool // which refresh has brought it, by epoch and number:
	epoch     tag
	refreshes uint64
}

// renewed reports whether the record's access token was refreshed since the rejected one was handed out, by whatever process. It may
// be the same text: the rejection says nothing of it.
func (r *rejected) renewed(g *grant) bool {
	return r != nil && r.known && tagOf(g.Epoch) == r.epoch && g.Generation > r.refreshes
}

// rejected returns the view's access token as one that Salesforce has rejected.
func (v *view) rejected(served, malformed bool) rejected {
	return rejected{
		access: v.access(), served: served, found: !v.made && !malformed, malformed: malformed, successor: v.successor, login: v.login,
		known: true, epoch: v.epoch, refreshes: v.refreshes,
	}
}

// rejectedBy returns an access token as one that a caller says was rejected: whether it was good for anything before, and in what
// words it was rejected, only the caller knows.
func (s *Source) rejectedBy(caller string) rejected {
	if v := s.view.Load(); v != nil && v.access() == caller {
		return v.rejected(true, false)
	}
	return rejected{access: caller, served: true}
}

// flight is one look into the store, with a refresh where it is needed, that many callers wait for.
type flight struct {
	done      chan struct{}
	offered   chan struct{} // closed when a renewal has found a token that is handed out meanwhile
	offer     func()        // closes it
	waiting   atomic.Int32  // callers
	rejected  string
	left      string      // host that the org seems to have left: the same token is as good as another at another host
	renewal   atomic.Bool // nobody has rejected it: it may be alive, and is handed out meanwhile
	view      *view
	err       error
	refreshed bool // by this flight: the token counts as fresh even when Salesforce gave the same one again
	end       sync.Once
	turn      turn // what it waits for before it works
}

// ended reports whether the flight has delivered, while its own request may still be under way.
func (f *flight) ended() bool {
	select {
	case <-f.done:
		return true
	default:
		return false
	}
}

// land makes the flight's result, if it has one, what is handed out, and delivers it to the flight's callers, once. For everybody
// else the result and the end of the flight are one step: who is refused the new token finds neither the flight nor the token
// that it has replaced. That token's refusal is known here at last, and so is what the new one is issued for.
func (s *Source) land(f *flight, v *view, refreshed bool, err error) {
	now := s.m.elapsed()
	s.mu.Lock()
	defer s.mu.Unlock()
	last := s.refused()
	if last != nil && last.malformed && last.access == f.rejected && v != nil && (refreshed || v.access() != f.rejected) {
		v.successor = succeed(last.successor, now) // also where another process has refreshed
		told := *last
		told.malformed = false // what is found of the same token later is known of it already
		last = &told
	}
	if v != nil {
		s.show(v)
	}
	f.end.Do(func() {
		f.view, f.refreshed, f.err = v, refreshed, err
		if refreshed || v != nil && last != nil && v.access() == last.access && v.renewed(*last) {
			last = nil
		}
		s.look(nil, last)
		close(f.done)
	})
}

// condemn notes that Salesforce has rejected a token, so that nobody else is handed it, unless that was replaced already. It
// reports whether the same token was renewed since.
func (s *Source) condemn(r rejected) (renewed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, last := s.view.Load(), s.refused()
	switch {
	case v != nil && v.access() != r.access:
		return false
	case v != nil && v.renewed(r):
		return true
	case v == nil && last != nil && last.access != r.access && s.looking() != nil: // what is looked for takes the place of both
		return false
	case last != nil && last.access == r.access: // by another caller, too, and perhaps in other words
		r.malformed = r.malformed || last.malformed
		if r.successor == nil {
			r.successor = last.successor
		}
		if last.known && (!r.known || last.epoch == r.epoch) {
			r.known, r.epoch, r.refreshes = true, last.epoch, max(r.refreshes, last.refreshes)
		}
	}
	s.look(s.looking(), &r)
	s.view.CompareAndSwap(v, nil)
	return false
}

// condemned returns what is known of an access token's rejection; nil where it was not rejected last.
func (s *Source) condemned(access string) *rejected {
	s.mu.Lock()
	defer s.mu.Unlock()
	if last := s.refused(); last != nil && last.access == access {
		return last
	}
	return nil
}

// cause is why a token is to be replaced.
type cause int

const (
	rejection cause = iota // its session has ended
	renewal                // there is to be a newer one; nothing may be risked for that
)

// join waits for the flight under way, or starts one, until it delivers a token other than the given one.
func (s *Source) join(ctx context.Context, rejected string, why cause) (*view, error) {
	return s.joinLeaving(ctx, rejected, "", why, 0)
}

// joinLeaving is join that takes the same token, too, where the org is no longer at the host left. It waits until the flight has
// worked for so long; what that waits for its turn is not counted. 0 is without a limit.
func (s *Source) joinLeaving(ctx context.Context, rejected, left string, why cause, work time.Duration) (*view, error) {
	for {
		f, err := s.board(rejected, left, why)
		if err != nil {
			return nil, err
		}
		v, err := s.await(ctx, f, rejected, work)
		if err != nil || v != nil {
			return v, err
		}
	}
}

// await waits for a flight, or for what a renewal offers meanwhile to those who have not rejected it. It returns nothing
// when the flight has delivered what this caller cannot use.
func (s *Source) await(ctx context.Context, f *flight, rejected string, work time.Duration) (*view, error) {
	f.waiting.Add(1)
	var offered chan struct{}
	if rejected != f.rejected {
		offered = f.offered
	}
	began, queued := time.Now(), f.turn.waited()
	var late <-chan time.Time
	var timer *time.Timer
	if work > 0 {
		timer = time.NewTimer(work)
		defer timer.Stop()
		late = timer.C
	}
	var left error // why this caller waits no more
	for over := false; !over && left == nil; {
		select {
		case <-f.done:
			over = true
		case <-offered:
			if v := s.view.Load(); v != nil && v.access() != rejected {
				f.waiting.Add(-1)
				return v, nil
			}
			offered = nil // it was rejected just now
		case <-ctx.Done():
			left = ctx.Err()
		case <-late:
			rest := work - (time.Since(began) - (f.turn.waited() - queued))
			if rest <= 0 {
				left = context.DeadlineExceeded
			}
			timer.Reset(max(rest, pauseFirst))
		}
	}
	if left != nil && !f.ended() {
		f.waiting.Add(-1)
		return nil, &Error{Op: opRefresh, Kind: KindNotSent, RetryAfter: f.turn.left(), Err: fmt.Errorf("gave up waiting: %w", left)}
	}
	if f.err != nil && rejected != f.rejected && f.hasOffered() {
		if v := s.view.Load(); v != nil && v.access() != rejected { // the renewal has failed, and its token lives
			return v, nil
		}
	}
	if f.err != nil || f.view.access() != rejected || f.refreshed || f.rejected == rejected {
		return f.view, f.err
	}
	return nil, nil
}

func (f *flight) hasOffered() bool {
	select {
	case <-f.offered:
		return true
	default:
		return false
	}
}

func (s *Source) board(rejected, left string, why cause) (*flight, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.looking(); f != nil {
		if why == rejection && rejected == f.rejected {
			f.renewal.Store(false)
		}
		return f, nil
	}
	if last := s.refused(); rejected == "" && last != nil {
		rejected = last.access
	}
	end, err := s.m.begin()
	if err != nil {
		return nil, err
	}
	offered := make(chan struct{})
	f := &flight{done: make(chan struct{}), offered: offered, offer: sync.OnceFunc(func() { close(offered) }), rejected: rejected, left: left}
	f.renewal.Store(why == renewal)
	s.look(f, s.refused())
	go func() {
		defer end()
		var v *view
		refreshed, err := false, error(&Error{Op: opRefresh, Kind: KindStore, Err: errStopped}) // after runtime.Goexit
		defer func() { s.land(f, v, refreshed, err) }()
		defer s.m.contain(&err)
		v, refreshed, err = s.m.obtain(s, f)
	}()
	return f, nil
}

// meanwhile returns what is handed out while a renewal is under way; nil when there is none, or nothing to hand out.
func (s *Source) meanwhile() *view {
	s.mu.Lock()
	f := s.looking()
	s.mu.Unlock()
	v := s.view.Load()
	if v == nil || f == nil || !f.renewal.Load() {
		return nil
	}
	again := v.prolonged(s.m)
	s.view.CompareAndSwap(v, again) // else there is a newer one already
	return again
}
