package oauthflow

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

const (
	hostPrefix = "host/"
	opHost     = "host"

	maxPauses = 32 // of tenants, that are shared with other processes
)

// pausing returns whom a host means that asks to be left alone: the tenant whose request it has refused, where the host is a
// generic one, which serves all orgs. It may do so because of that tenant's org alone, which is in maintenance or has too
// many requests, and the others must not wait for that. Where it means everybody, each tenant meets it with one request, and
// [gate.pause] limits them. Any other host is of one org: "" means everybody.
func pausing(host, tenant string) string {
	if (Host{host}).Generic() {
		return tenant
	}
	return ""
}

// asked returns until when the host asks whom to leave it alone, as this process knows.
func (g *gate) asked(whom string) time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.pauses[whom]
}

// note keeps until when the host asks whom to leave it alone, and forgets what is over.
func (g *gate) note(whom string, until, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for w, end := range g.pauses {
		if !end.After(now) {
			delete(g.pauses, w)
		}
	}
	if until.After(now) {
		if g.pauses == nil {
			g.pauses = map[string]time.Time{}
		}
		g.pauses[whom] = until
	} else {
		delete(g.pauses, whom)
	}
}

// hostPause is until when a host is to be left alone.
type hostPause struct {
	NotBefore time.Time
	Pause     time.Duration `json:",omitempty"` // how long that lay ahead by the clock that wrote it; 0 is not known
}

// hostState is what the record of a host holds, sealed: it tells all processes.
type hostState struct {
	Format int
	hostPause
	Tenants map[string]hostPause `json:",omitempty"` // of a generic host
}

// of returns what concerns a tenant, or everybody.
func (s hostState) of(whom string) hostPause {
	if whom == "" {
		return s.hostPause
	}
	return s.Tenants[whom]
}

// with returns s with a pause more, without those that are over; false where there are too many.
func (s hostState) with(whom string, p hostPause, now time.Time) (hostState, bool) {
	out := hostState{Format: madeFormat, hostPause: s.hostPause, Tenants: map[string]hostPause{}}
	if whom == "" {
		out.hostPause = p
	}
	for tenant, was := range s.Tenants {
		if left := was.NotBefore.Sub(now); left > 0 && left <= longestWait {
			out.Tenants[tenant] = was
		}
	}
	if whom != "" {
		out.Tenants[whom] = p
	}
	return out, len(out.Tenants) <= maxPauses
}

// due returns when no pause is left.
func (s hostState) due() time.Time {
	last := s.NotBefore
	for _, p := range s.Tenants {
		last = later(last, p.NotBefore)
	}
	return last
}

// hostAnswer is a question to the store under way.
type hostAnswer struct {
	host  string
	got   chan struct{} // closed when until is known
	until *time.Time
}

// known waits for the answer and returns it.
func (a hostAnswer) known() hostAnswer {
	if a.got != nil {
		<-a.got
	}
	return a
}

// askHost asks for the host's record at the same time as for the connection's, when a refresh is to be expected, so
// that it costs no round trip.
func (m *Manager) askHost(ctx context.Context, s *Source) hostAnswer {
	login := s.refusedAt()
	if login == "" {
		return hostAnswer{}
	}
	a := hostAnswer{login, make(chan struct{}), new(time.Time)}
	m.work.Go(func() {
		defer m.contain(nil)
		defer close(a.got)
		*a.until = m.loadHost(ctx, a.host, s.key.Tenant)
	})
	return a
}

// hostWait returns how long the host asks the tenant to leave it alone.
func (m *Manager) hostWait(ctx context.Context, host, tenant string, a hostAnswer) time.Duration {
	var until time.Time
	if a.host == host {
		<-a.got
		until = *a.until
	} else {
		until = m.loadHost(ctx, host, tenant)
	}
	return until.Sub(m.flow.now())
}

func (m *Manager) loadHost(ctx context.Context, host, tenant string) time.Time {
	g, whom := m.gate(host), pausing(host, tenant)
	known := g.asked(whom)
	if wait := known.Sub(m.flow.now()); wait > 0 && wait <= longestWait {
		return known
	}
	r, s, err := m.readHost(ctx, host)
	if err != nil { // without the record nothing is known; the intent's save will show whether the store works
		return known
	}
	until := s.of(whom).NotBefore
	if !until.IsZero() {
		until = m.flow.now().Add(m.hostRemaining(r, s, whom))
	}
	g.note(whom, until, m.flow.now())
	return until
}

// hostRemaining returns how long a pause goes on.
func (m *Manager) hostRemaining(r tokenstore.Record, s hostState, whom string) time.Duration {
	p, id := s.of(whom), r.ID
	if whom != "" {
		id += "/" + escape(whom)
	}
	return m.remaining(id, p.NotBefore, p.Pause)
}

func (m *Manager) readHost(ctx context.Context, host string) (tokenstore.Record, hostState, error) {
	id := hostPrefix + escape(host)
	r, err := m.loadFrom(ctx, opHost, m.cfg.Store, id)
	if errors.Is(err, tokenstore.ErrNotFound) {
		return tokenstore.Record{ID: id, Timeline: r.Timeline}, hostState{}, nil
	} else if err != nil {
		return r, hostState{}, err
	}
	plain, err := m.unseal(opHost, id, r)
	if err != nil {
		return r, hostState{}, err
	}
	var s hostState
	err = decode(plain, &s, &s.Format)
	return r, s, err
}

// holdOff keeps all processes away from a host until the given time, those of other tenants excepted where the host may mean
// the tenant alone.
func (m *Manager) holdOff(ctx context.Context, host, tenant string, until time.Time) {
	whom := pausing(host, tenant)
	m.gate(host).note(whom, until, m.flow.now())
	for range storeTries {
		r, s, err := m.readHost(ctx, host)
		if err == nil {
			pause := until.Sub(m.flow.now())
			if left := m.hostRemaining(r, s, whom); left >= pause && left <= longestWait {
				return
			}
			next, room := s.with(whom, hostPause{until, pause}, m.flow.now())
			if !room {
				return
			}
			err = m.saveHost(ctx, r, next)
		}
		if err == nil {
			return
		}
		m.logf(slog.LevelDebug, "a host's request to wait could not be shared", "host", host, "error", err)
	}
}

func (m *Manager) saveHost(ctx context.Context, r tokenstore.Record, s hostState) error {
	plain, err := json.Marshal(s)
	if err != nil {
		return err
	}
	if r.Data, err = m.seal.Seal(r.ID, r.Version+1, plain); err != nil {
		return fmt.Errorf("seal: %w", err)
	}
	r.Due = s.due()
	return m.cfg.Store.Save(ctx, r)
}
