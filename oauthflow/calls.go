package oauthflow

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

const (
	defaultCalls   = 16   // calls of a store at once that does not tell its pool
	mostCalls      = 1024 // ManagerConfig.StoreCalls
	flightsPerCall = 8    // refreshes under way at once, for each such call: most of a refresh waits for Salesforce
	mostFlights    = 256  // of those: each has a socket
)

// storeCalls returns how many calls of a store a manager has under way at once when nothing is configured.
func storeCalls(s tokenstore.Store) int {
	if p, tells := s.(tokenstore.PooledStore); tells {
		if n := p.Pool(); n > 0 {
			return min(n, mostCalls)
		}
	}
	return defaultCalls
}

// newFlights returns the places of what is under way where a store has so many calls at once. One tenant has three quarters.
func newFlights(calls int, s *silence) *places {
	all := min(calls*flightsPerCall, mostFlights)
	return newPlaces(all, all*3/4, s)
}

// storeTimeout bounds one call of a store; a store that hangs must not hold a refresh for ever.
const storeTimeout = 5 * time.Second

// guardedStore contains the panics of a store, so that a result that must be stored is tried again. It limits the calls that are
// under way, fair to tenants, and bounds each from when it runs, so that neither a long queue nor a call that hangs fails another.
type guardedStore struct {
	tokenstore.Store
	calls    *places
	silence  *silence
	answered *atomic.Int64 // calls
}

func guardStore(s tokenstore.Store, calls int, all *silence) guardedStore {
	return guardedStore{s, newPlaces(calls, calls, all), all, new(atomic.Int64)}
}

func (s guardedStore) Load(ctx context.Context, id string) (r tokenstore.Record, err error) {
	err = s.call(ctx, id, func(ctx context.Context) (err error) {
		r, err = s.Store.Load(ctx, id)
		return err
	})
	return r, err
}

func (s guardedStore) Save(ctx context.Context, r tokenstore.Record) error {
	return s.call(ctx, r.ID, func(ctx context.Context) error { return s.Store.Save(ctx, r) })
}

func (s guardedStore) Delete(ctx context.Context, id string, version uint64) error {
	return s.call(ctx, id, func(ctx context.Context) error { return s.Store.Delete(ctx, id, version) })
}

// DeleteIn is Delete where the store has no such method.
func (s guardedStore) DeleteIn(ctx context.Context, timeline, id string, version uint64) error {
	return s.call(ctx, id, func(ctx context.Context) error {
		return remove(ctx, s.Store, tokenstore.Record{ID: id, Version: version, Timeline: timeline})
	})
}

// call runs one call of the store when its turn has come.
func (s guardedStore) call(ctx context.Context, id string, do func(context.Context) error) (err error) {
	if !s.has(ctx) {
		at, err := s.calls.enter(ctx, lineOf(id), turnOf(ctx))
		if err != nil {
			return err
		}
		defer at.leave()
	}
	before := s.answered.Load()
	limit, ended := allowed(ctx)
	defer ended()
	within, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	defer func() { // also after a panic
		switch {
		case within.Err() == nil || err == nil:
			s.answered.Add(1)
		case ctx.Err() == nil && limit == storeTimeout && s.answered.Load() == before:
			s.silence.tell()
		}
	}()
	defer recovered(&err)
	return do(within)
}

func recovered(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("the store panicked (%T)", r)
	}
}

// lineOf returns in whose line the call for a record waits: that of the tenant where the id says whose it is, else one of the
// record's own.
func lineOf(id string) string {
	if kind, rest, _ := strings.Cut(id, "/"); kind == "connection" || kind == "login" {
		tenant, _, _ := strings.Cut(rest, "/")
		return kind + "/" + tenant
	}
	return id
}

var errStoreSilent = errors.New("the store does not answer")

// silence ends the waits of a queue for a store that is found not to answer: a call has run into its limit, and no other was
// answered meanwhile. Each of those that wait would run into that, too, one after the other.
type silence struct {
	mu sync.Mutex
	ch chan struct{}
}

func newSilence() *silence { return &silence{ch: make(chan struct{})} }

// heard returns what is closed when the store is found to be silent from now on.
func (s *silence) heard() <-chan struct{} {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ch
}

func (s *silence) tell() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.ch)
	s.ch = make(chan struct{})
}
