package oauthflow

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"time"
)

// obtain returns a usable access token of the connection: the stored one unless it is the one that the flight is to
// replace, else a refreshed one. It runs detached from the flight's callers.
func (m *Manager) obtain(s *Source, f *flight) (v *view, refreshed bool, err error) {
	ctx := m.ctx
	doubt := doubt{}
	host := m.askHost(ctx, s)
	for {
		if m.open.Err() != nil {
			return nil, false, &Error{Op: opRefresh, Kind: KindNotSent, Err: ErrClosed}
		}
		r, g, err := m.load(ctx, opRefresh, s.key)
		if err != nil {
			return m.withoutStore(s, f.rejected, err)
		}
		s.recall(g)
		if err := m.unusable(s, g); err != nil {
			return nil, false, err
		}
		var serve *view // what there is, while a newer one would only be better
		if !g.Access.IsZero() && g.Access.Reveal() != f.rejected {
			serve = m.view(g)
			if !m.aged(g) || g.Intent != nil || moved(r, g) {
				s.see(r, g)
				m.overhear(doubt.intent, g)
				s.publish(serve)
				return serve, false, nil
			}
		}
		if serve == nil && !g.Access.IsZero() && f.renewal.Load() {
			if s.view.Load() == nil {
				s.publish(m.view(g)) // for whoever comes while this goes on
			}
			f.offer() // and for who has come already
		}
		done, err := m.refresh(ctx, s, f, &doubt, r, g, host)
		if err != nil && serve != nil && !broken(err) {
			s.publish(serve)
			return serve, false, nil
		}
		if err != nil {
			if broken(err) {
				s.publish(nil)
			}
			return nil, false, err
		}
		if done != nil {
			m.learnLifetime(done)
			v := m.view(done)
			v.made = true
			s.publish(v)
			return v, true, nil
		}
		host = hostAnswer{} // old by now
	}
}

// refresh makes one step towards a new access token. It returns the stored result, or nil when the store is to be
// looked at again.
func (m *Manager) refresh(ctx context.Context, s *Source, f *flight, d *doubt, r Record, g *grant, host hostAnswer) (*grant, error) {
	looked := time.Now()
	if wait := m.wait(ctx, d, r, g, host); wait > patience || wait > 0 && g.Intent == nil {
		return nil, m.notYet(g, wait)
	} else if wait > 0 {
		sleep(m.open, wait)
		return nil, nil
	}
	if g.Intent == nil && s.refusedAtOnce(g, f.rejected) {
		return nil, m.suspendRefused(ctx, r, g)
	}
	if act, err := m.resolve(ctx, f, d, r, g, s.rolledBack(r, g)); err != nil || !act {
		return nil, err
	}
	// Who waits for an answer in doubt is served as long as he waits; for nobody nothing is sent again and again.
	if d.tries++; d.tries > 1 && f.waiting.Load() == 0 {
		return nil, &Error{Op: opRefresh, Host: g.Client.Host, Kind: KindInDoubt, Err: errors.New("nobody waits any longer")}
	}
	if d.tries > 2 && !sleep(m.open, backoff(d.tries)) {
		return nil, nil
	}
	done, at, err := m.attempt(ctx, r, g, looked)
	if errors.Is(err, errAgain) { // it was answered, and has waited; or nothing was tried
		d.tries--
		return nil, nil
	}
	if done != nil {
		s.proved(at, done)
	}
	return done, err
}

// errAgain means that a refusal is no reason to end the flight.
var errAgain = errors.New("to be tried again")

// unusable returns the error of a connection that is to be asked for nothing.
func (m *Manager) unusable(s *Source, g *grant) error {
	switch {
	case g.Revoking, g.MovedTo != nil:
		s.publish(nil)
		return &Error{Op: opRefresh, Kind: KindNotConnected, Err: fmt.Errorf("%q is being disconnected", s.key)}
	case g.Fault != nil && g.Fault.Kind.Terminal():
		s.publish(nil)
		return g.fault(m.flow.now())
	}
	return nil
}

func broken(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Kind.Terminal()
}

// withoutStore serves what is still valid while the store cannot be used. Nothing is refreshed then: a new refresh
// token that cannot be stored would be lost.
func (m *Manager) withoutStore(s *Source, rejected string, err error) (*view, bool, error) {
	var fault *Error
	if errors.As(err, &fault) && fault.Kind == KindNotConnected {
		s.publish(nil)
		return nil, false, err
	}
	old := s.view.Load()
	if old == nil || old.access() == rejected {
		return nil, false, err
	}
	again := old.prolonged(m)
	s.publish(again)
	return again, false, nil
}

// wait returns how long nobody may refresh: after this connection's own failures, or because its login host asks
// everybody to wait. While the refresh of another process is waited for, nothing is sent, and the store is seldom asked
// about the host.
func (m *Manager) wait(ctx context.Context, d *doubt, r Record, g *grant, host hostAnswer) time.Duration {
	own := g.NotBefore.Sub(m.flow.now())
	others := m.gate(g.Client.Host).asked().Sub(m.flow.now())
	if now := time.Now(); g.Intent == nil || m.unsettled(d, r, g, now) <= 0 || now.Sub(d.host) >= hostEvery {
		d.host = now
		others = m.hostWait(ctx, g.Client.Host, host)
	}
	wait := time.Duration(0)
	for _, w := range []time.Duration{own, others} {
		if w <= longestWait { // else a clock was wrong when it was written
			wait = max(wait, w)
		}
	}
	return wait
}

// patience is how long a flight waits for a host to answer again, before its callers are told.
const patience = 10 * time.Second

// hostEvery is how often who waits for another process's refresh looks whether the host asks everybody to wait.
const hostEvery = time.Second

// longestWait is more than any wait that is ever written into a record.
const longestWait = 2 * time.Hour

func (m *Manager) notYet(g *grant, wait time.Duration) error {
	e := g.fault(m.flow.now())
	if e == nil {
		e = &Error{Op: opRefresh, Host: g.Client.Host, Kind: KindBusy, Err: errors.New("waiting after a failure")}
	}
	e.RetryAfter = wait
	return e
}

// attempt sends the refresh token of g's generation once, after it has won the right to by compare-and-swap. It
// returns the stored result, or nil when the store has moved on and is to be looked at again. Looked is when r was loaded.
func (m *Manager) attempt(ctx context.Context, r Record, g *grant, looked time.Time) (*grant, Record, error) {
	gate := m.gate(g.Client.Host)
	leave, err := gate.enter(m.open)
	if err != nil {
		return nil, r, err
	}
	defer leave()
	if time.Since(looked) > staleAfter { // in a failover, the versions that it loses come again with other content
		if now, _, err := m.load(ctx, opRefresh, g.Key); err != nil {
			return nil, r, err
		} else if now.Version != r.Version || now.Timeline != r.Timeline || !bytes.Equal(now.Data, r.Data) {
			return nil, r, errAgain
		}
	}
	if wait := gate.pause(); wait > 0 {
		return nil, r, &Error{Op: opRefresh, Host: g.Client.Host, Kind: KindNotSent, RetryAfter: wait, Err: errSilent}
	}
	start := time.Now()
	doubted, before := g.Intent != nil || moved(r, g), *g
	mine := random().Reveal()
	g.Intent = &intent{Attempt: mine, Lease: m.time.Lease, At: m.flow.now()}
	g.StoreEpoch, g.Timeline = m.cfg.StoreEpoch, r.Timeline
	at, err := m.save(ctx, opRefresh, r, g)
	if errors.Is(err, ErrConflict) {
		return nil, r, nil
	} else if err != nil {
		if at, g, err = m.insist(ctx, &before, mine, err); err != nil {
			return nil, r, err // nothing was sent, and nothing will be
		}
	}
	fresh, used, err := m.send(ctx, g, start, doubted)
	took := time.Since(start)
	if fresh != nil {
		gate.saw(nil)
		stored, at, cerr := m.commit(ctx, at, sending{m, g, mine, used, doubted}, fresh, took)
		if cerr != nil {
			return nil, at, cerr
		}
		if stored == nil || stored.Attempt != mine {
			return stored, at, nil
		}
		m.learnPace(g.Client.Host, time.Since(start))
		if err != nil {
			return nil, at, err // the new refresh token is safe, the rest of the answer cannot be used
		}
		if err := m.verify(ctx, used.client(), fresh); err != nil {
			return nil, at, m.quarantine(ctx, at, stored, err, took)
		}
		return stored, at, nil
	}
	var e *Error
	if !errors.As(err, &e) {
		e = &Error{Op: opRefresh, Host: g.Client.Host, Kind: KindInDoubt, Err: err}
	}
	if e.Kind == KindNotSent && errors.Is(e.Err, context.DeadlineExceeded) { // the lease's, which is nobody's deadline
		fenced := *e
		fenced.Err = errFenced
		e = &fenced
	}
	gate.saw(e)
	if e.Status == http.StatusServiceUnavailable && g.Rotates { // a gateway's word; Salesforce may have acted
		m.holdOff(ctx, e.Host, m.flow.now().Add(max(e.RetryAfter, time.Second)))
		return nil, at, nil
	}
	if e.Kind == KindInDoubt || e.Kind == KindBadAnswer { // a success that cannot be read may have held a new refresh token
		return nil, at, nil // the intent stays: whoever looks next finds out
	}
	return nil, at, m.refused(ctx, g, mine, e, doubted, took)
}

// staleAfter is how old a record may be that an intent is put over.
const staleAfter = 10 * time.Millisecond

// send posts the refresh token before the lease ends: with the credentials that SetClient gave, if there are any, and
// with the old ones when Salesforce refuses the new ones, which spends nothing.
func (m *Manager) send(ctx context.Context, g *grant, start time.Time, doubted bool) (fresh *Token, used sealedClient, err error) {
	ctx, cancel := context.WithDeadline(ctx, start.Add(m.time.Lease))
	defer cancel()
	if g.Next != nil && !g.NextForeign && !doubted {
		half, cancel := context.WithDeadline(ctx, start.Add(m.time.Lease/2)) // the rest is for the old ones
		defer cancel()
		fresh, err = m.flow.refreshWithin(half, m.time.Quiet, g.Next.client(), g.token())
		var e *Error
		if fresh != nil || !errors.As(err, &e) || !spentNothing(e) {
			return fresh, *g.Next, err
		}
		g.NextForeign = e.Kind == KindGrantDead // known, but the grant is the old key's: only a new login can use it
	}
	fresh, err = m.flow.refreshWithin(ctx, m.time.Quiet, g.Client.client(), g.token())
	return fresh, g.Client, err
}

// spentNothing reports whether a request certainly has not used its refresh token up.
func spentNothing(e *Error) bool {
	refused := e.Status >= http.StatusBadRequest && e.Status <= http.StatusForbidden && e.Kind != KindBusy
	return refused || e.Kind == KindNotSent
}

// insist saves our intent again when a save has failed that may have made it, and returns what is stored then. That the
// intent is there is not enough: what a server has not passed on yet, its failover undoes, and the next one would send the
// same token. So a request needs a save that has succeeded; an intent without one is taken back.
func (m *Manager) insist(ctx context.Context, before *grant, mine string, err error) (Record, *grant, error) {
	seen := errors.Is(err, ErrNotDurable)
	for try := 0; try < storeTries && !errors.Is(err, ErrNotDurable); try++ {
		if try > 0 && !sleep(ctx, time.Duration(try)*50*time.Millisecond) {
			break
		}
		r, now, lerr := m.load(ctx, opRefresh, before.Key)
		if lerr != nil {
			continue
		}
		if seen = now.Intent != nil && now.Intent.Attempt == mine; !seen {
			break
		}
		if r, err = m.save(ctx, opRefresh, r, now); err == nil {
			return r, now, nil
		}
	}
	if seen {
		m.work.Go(func() { m.withdraw(before, mine) }) // for which nobody has to wait
	}
	return Record{}, nil, err
}

// withdraw takes back an intent of which nothing was sent and nothing will be, so that nobody doubts for it.
func (m *Manager) withdraw(before *grant, mine string) {
	defer m.contain(nil)
	_, err := m.update(m.ctx, before, mine, func(now *grant) {
		now.Intent, now.StoreEpoch, now.Timeline = before.Intent, before.StoreEpoch, before.Timeline
	})
	if err != nil { // Salesforce is asked then
		m.logf(slog.LevelDebug, "an intent could not be taken back", "connection", before.Key.String(), "error", err)
	}
}

// jitter returns a random part of d, at most most.
func jitter(d, most time.Duration) time.Duration {
	return time.Duration(rand.Int64N(int64(max(min(d, most), 1)))) + 1
}
