package oauthflow

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"
)

// gate is what a manager keeps of one login host: how many refreshes are under way there and how long they take, until
// when the host asks to be left alone, and whether it answers at all. Until when is shared with other processes by the
// record host/NAME.
type gate struct {
	slots chan struct{}
	pace  pace

	mu        sync.Mutex
	notBefore time.Time
	silences  int       // requests in a row that the host itself did not answer
	nextProbe time.Time // by the monotonic clock
}

const (
	perHost    = 16 // refreshes under way at once
	hostPrefix = "host/"

	manySilences = 8           // after which a host is held to be down
	probeEvery   = time.Second // how often this process then asks it
)

// pause returns how long this process is to leave the host alone; 0 lets the caller ask. Of many connections of a host
// that is down, one asks every second.
func (g *gate) pause() time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.silences < manySilences {
		return 0
	}
	if wait := time.Until(g.nextProbe); wait > 0 {
		return wait
	}
	g.nextProbe = time.Now().Add(probeEvery)
	return 0
}

// saw takes note of how a request to the host ended; nil is success.
func (g *gate) saw(e *Error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case e == nil, e.Status > 0 && e.Status < http.StatusInternalServerError:
		g.silences = 0
	case errors.Is(e.Err, errFenced), errors.Is(e.Err, context.Canceled): // our own doing
	default:
		if g.silences++; g.silences == manySilences {
			g.nextProbe = time.Now().Add(probeEvery)
		}
	}
}

// asked returns until when the host asks to be left alone, as this process knows.
func (g *gate) asked() time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.notBefore
}

var errSilent = errors.New("the login host has not answered for a while; it is asked again every second")

func (m *Manager) gate(host string) *gate {
	m.mu.RLock()
	g := m.gates[host]
	m.mu.RUnlock()
	if g != nil {
		return g
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.gates[host] == nil {
		m.gates[host] = &gate{slots: make(chan struct{}, perHost)}
	}
	return m.gates[host]
}

func (g *gate) enter(ctx context.Context) (leave func(), err error) {
	select {
	case g.slots <- struct{}{}:
		return func() { <-g.slots }, nil
	case <-ctx.Done():
		return nil, &Error{Op: opRefresh, Kind: KindNotSent, Err: ErrClosed}
	}
}

// hostState is what the record of a host holds, sealed.
type hostState struct {
	Format    int
	NotBefore time.Time
}

// hostAnswer is a question to the store under way.
type hostAnswer struct {
	host string
	got  chan time.Time
}

// askHost asks for the host's record at the same time as for the connection's, when a refresh is to be expected, so
// that it costs no round trip.
func (m *Manager) askHost(ctx context.Context, s *Source) hostAnswer {
	s.mu.Lock()
	gone := s.refused()
	s.mu.Unlock()
	if gone == nil || gone.login == "" {
		return hostAnswer{}
	}
	a := hostAnswer{gone.login, make(chan time.Time, 1)}
	m.work.Go(func() {
		defer m.contain(nil)
		defer close(a.got)
		a.got <- m.loadHost(ctx, a.host)
	})
	return a
}

// hostWait returns how long the host asks to be left alone.
func (m *Manager) hostWait(ctx context.Context, host string, a hostAnswer) time.Duration {
	var until time.Time
	if a.host == host {
		until = <-a.got
	} else {
		until = m.loadHost(ctx, host)
	}
	return until.Sub(m.flow.now())
}

func (m *Manager) loadHost(ctx context.Context, host string) time.Time {
	g := m.gate(host)
	known := g.asked()
	if wait := known.Sub(m.flow.now()); wait > 0 && wait <= longestWait {
		return known
	}
	_, s, err := m.readHost(ctx, host)
	if err != nil { // without the record nothing is known; the intent's save will show whether the store works
		return known
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.notBefore = s.NotBefore
	return s.NotBefore
}

func (m *Manager) readHost(ctx context.Context, host string) (Record, hostState, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	id := hostPrefix + escape(host)
	r, err := m.cfg.Store.Load(ctx, id)
	if errors.Is(err, ErrNotFound) {
		return Record{ID: id}, hostState{}, nil
	} else if err != nil {
		return r, hostState{}, err
	}
	plain, err := m.seal.open(ctx, id, r.Version, r.Data)
	if err != nil {
		return r, hostState{}, err
	}
	var s hostState
	err = decode(plain, &s, &s.Format)
	return r, s, err
}

// holdOff keeps all processes away from a host until the given time.
func (m *Manager) holdOff(ctx context.Context, host string, until time.Time) {
	g := m.gate(host)
	g.mu.Lock()
	g.notBefore = until
	g.mu.Unlock()
	for range storeTries {
		r, s, err := m.readHost(ctx, host)
		if err == nil && !s.NotBefore.Before(until) && s.NotBefore.Sub(m.flow.now()) <= longestWait {
			return
		}
		if err == nil {
			err = m.saveHost(ctx, r, hostState{madeFormat, until})
		}
		if err == nil {
			return
		}
		m.logf(slog.LevelDebug, "a host's request to wait could not be shared", "host", host, "error", err)
	}
}

func (m *Manager) saveHost(ctx context.Context, r Record, s hostState) error {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	plain, err := json.Marshal(s)
	if err != nil {
		return err
	}
	if r.Data, err = m.seal.seal(ctx, r.ID, r.Version+1, plain); err != nil {
		return fmt.Errorf("seal: %w", err)
	}
	r.Due = s.NotBefore
	return m.cfg.Store.Save(ctx, r)
}
