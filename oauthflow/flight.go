package oauthflow

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
)

// rejected is an access token that is never handed out again unless it is renewed.
type rejected struct {
	access string
	served bool   // Salesforce had accepted it before
	login  string // the connection's login host; empty when it is not known
}

// flight is one look into the store, with a refresh where it is needed, that many callers wait for.
type flight struct {
	done      chan struct{}
	offered   chan struct{} // closed when a renewal has found a token that is handed out meanwhile
	offer     func()        // closes it
	waiting   atomic.Int32  // callers
	rejected  string
	renewal   atomic.Bool // nobody has rejected it: it may be alive, and is handed out meanwhile
	view      *view
	err       error
	refreshed bool // by this flight: the token counts as fresh even when Salesforce gave the same one again
}

// condemn notes that Salesforce has rejected a token, so that nobody else is handed it. Served tells whether
// Salesforce had accepted it before.
func (s *Source) condemn(access string, served bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch v := s.view.Load(); {
	case v == nil:
		s.look(s.looking(), &rejected{access: access, served: served})
	case v.access() == access:
		s.look(s.looking(), &rejected{access, served, v.loginHost()})
		s.view.CompareAndSwap(v, nil)
	}
}

// cause is why a token is to be replaced.
type cause int

const (
	rejection cause = iota // its session has ended
	renewal                // there is to be a newer one; nothing may be risked for that
)

// join waits for the flight under way, or starts one, until it delivers a token other than the given one.
func (s *Source) join(ctx context.Context, rejected string, why cause) (*view, error) {
	for {
		f, err := s.board(rejected, why)
		if err != nil {
			return nil, err
		}
		v, err := s.await(ctx, f, rejected)
		if err != nil || v != nil {
			return v, err
		}
	}
}

// await waits for a flight, or for what a renewal offers meanwhile to those who have not rejected it. It returns nothing
// when the flight has delivered what this caller cannot use.
func (s *Source) await(ctx context.Context, f *flight, rejected string) (*view, error) {
	f.waiting.Add(1)
	var offered chan struct{}
	if rejected != f.rejected {
		offered = f.offered
	}
	select {
	case <-f.done:
	case <-offered:
		if v := s.view.Load(); v != nil && v.access() != rejected {
			f.waiting.Add(-1)
			return v, nil
		}
		select { // it was rejected just now
		case <-f.done:
		case <-ctx.Done():
		}
	case <-ctx.Done():
	}
	select {
	case <-f.done:
	default:
		f.waiting.Add(-1)
		return nil, &Error{Op: opRefresh, Kind: KindNotSent, Err: fmt.Errorf("gave up waiting: %w", ctx.Err())}
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

func (s *Source) board(rejected string, why cause) (*flight, error) {
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
	f := &flight{done: make(chan struct{}), offered: offered, offer: sync.OnceFunc(func() { close(offered) }), rejected: rejected}
	f.renewal.Store(why == renewal)
	s.look(f, s.refused())
	go func() {
		defer end()
		defer func() {
			if f.view == nil && f.err == nil { // runtime.Goexit
				f.err = &Error{Op: opRefresh, Kind: KindStore, Err: errStopped}
			}
			s.mu.Lock()
			last := s.refused()
			if f.refreshed {
				last = nil
			}
			s.look(nil, last)
			s.mu.Unlock()
			close(f.done)
		}()
		defer s.m.contain(&f.err)
		f.view, f.refreshed, f.err = s.m.obtain(s, f)
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
	v = v.prolonged(s.m)
	s.publish(v)
	return v
}
