package oauthflow

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// obtain returns a usable access token of the connection: the stored one unless it is the one that the flight is to
// replace, else a refreshed one. It runs detached from the flight's callers. [Source.land] makes it what is handed out.
func (m *Manager) obtain(s *Source, f *flight) (v *view, refreshed bool, err error) {
	ctx := queueing(m.ctx, &f.turn)
	if err := s.key.validate(opRefresh); err != nil {
		return nil, false, err
	}
	doubt, seat := doubt{}, seat{m: m, tenant: s.key.Tenant, turn: &f.turn}
	defer seat.giveBack()
	if login := s.refusedAt(); login != "" { // there is to be a refresh: what is loaded shall not grow old in a queue
		found := m.watchQueue(s, f)
		_, err = seat.take(login)
		if found(); err != nil {
			return m.withoutStore(s, f.rejected, err)
		}
	}
	for !f.ended() {
		if m.open.Err() != nil {
			return nil, false, &Error{Op: opRefresh, Kind: KindNotSent, Err: ErrClosed}
		}
		r, g, err := m.load(ctx, opRefresh, s.key)
		if err != nil {
			return m.withoutStore(s, f.rejected, err)
		}
		m.sources.keep(s)
		if err := m.unusable(s, g); err != nil {
			return nil, false, err
		}
		usable := !g.Access.IsZero() && !s.superseded(g)
		if usable && (g.Access.Reveal() != f.rejected || f.left != "" && !g.livesAt(f.left) || s.condemned(f.rejected).renewed(g)) {
			s.see(r, g)
			m.overhear(doubt.intent, g)
			return m.view(g), false, nil
		}
		if usable && f.renewal.Load() {
			if s.view.Load() == nil {
				s.publish(m.view(g)) // for callers that come while this goes on
			}
			f.offer() // and for who has come already
		}
		done, err := m.refresh(ctx, s, f, &doubt, &seat, r, g)
		if err != nil {
			if broken(err) {
				s.publish(nil)
			}
			return nil, false, err
		}
		if done != nil {
			v := m.view(done)
			v.made = true
			return v, true, nil
		}
	}
	return nil, false, nil // its callers have another process's result
}

// refresh makes one step towards a new access token. It returns the stored result, or nil when the store is to be
// looked at again.
func (m *Manager) refresh(ctx context.Context, s *Source, f *flight, d *doubt, seat *seat, r tokenstore.Record, g *grant) (*grant, error) {
	looked, mine := m.flow.instant(), random().Reveal()
	if wait := m.wait(r, g); wait > patience || wait > 0 && g.Intent == nil {
		return nil, m.notYet(g, wait)
	} else if wait > 0 {
		seat.giveBack()
		sleep(m.open, wait)
		return nil, nil
	}
	if was := s.condemned(f.rejected); g.Intent == nil && was != nil && m.refusedAtOnce(g, was) {
		return nil, m.suspendRefused(ctx, r, g, was.malformed)
	}
	defer m.watch(s, f, g, mine)()
	rolledBack := s.rolledBack(r, g)
	if g.Intent != nil || rolledBack || moved(r, g) { // it waits, or asks Salesforce, which takes a turn of its own
		seat.giveBack()
	}
	if act, err := m.resolve(ctx, f, d, r, g, rolledBack); err != nil || !act {
		return nil, err
	}
	// Who waits for an answer in doubt is served as long as he waits; for nobody nothing is sent again and again.
	if d.tries++; d.tries > 1 && f.waiting.Load() == 0 {
		return nil, &Error{Op: opRefresh, Host: g.Client.Host, Kind: KindInDoubt, Err: errors.New("nobody waits any longer")}
	}
	if d.tries > manySilences { // an outage that lasts: its callers are told, who may wait without a limit
		return nil, &Error{Op: opRefresh, Host: g.Client.Host, Kind: KindInDoubt, RetryAfter: backoff(d.tries), Err: errUnansweredAgain}
	}
	if d.tries > 2 {
		if seat.giveBack(); !sleep(m.open, backoff(d.tries)) {
			return nil, nil
		}
	}
	done, at, err := m.attempt(ctx, seat, r, g, mine, looked, d)
	if errors.Is(err, errAgain) { // it was answered, and has waited; or nothing was tried
		d.tries--
		return nil, nil
	}
	switch {
	case done == nil:
	case done.Attempt == mine:
		s.proved(at, done)
	case s.superseded(done): // what was stored meanwhile is to be asked about first
		return nil, nil
	default:
		s.see(at, done)
	}
	return done, err
}

var errUnansweredAgain = fmt.Errorf("none of %d requests of this refresh was answered", manySilences)

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
		m.forgetSource(s.key)
		return nil, false, err
	}
	old := s.view.Load()
	if old == nil || old.access() == rejected {
		return nil, false, err
	}
	return old.prolonged(m), false, nil
}

// wait returns how long nobody may refresh: after this connection's own failures, or because its login host has asked this
// process to leave it alone.
func (m *Manager) wait(r tokenstore.Record, g *grant) (wait time.Duration) {
	own := m.remaining(r.ID, g.NotBefore, g.Pause)
	others := m.gate(g.loginHost()).asked(pausing(g.loginHost(), g.Key.Tenant)).Sub(m.flow.now())
	for _, w := range []time.Duration{own, others} {
		if w <= longestWait { // else a clock was wrong when it was written
			wait = max(wait, w)
		}
	}
	return wait
}

// patience is how long a flight waits for a host to answer again, before its callers are told.
const patience = 10 * time.Second

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
// returns the stored result, or nil when the store has moved on and is to be looked at again. Mine names the attempt, looked
// is when r was loaded; d is what the flight knows of an earlier attempt's intent, and of redirects.
func (m *Manager) attempt(ctx context.Context, seat *seat, r tokenstore.Record, g *grant, mine string, looked instant, d *doubt) (*grant, tokenstore.Record, error) {
	gate, whom := m.gate(g.loginHost()), pausing(g.loginHost(), g.Key.Tenant)
	waited, err := seat.take(g.loginHost())
	if err != nil {
		return nil, r, err
	}
	if waited && g.Intent == nil && !moved(r, g) && !d.unspent { // what was loaded before is old; after a doubt, the swap tells
		return nil, r, errAgain
	}
	if now, err := m.young(ctx, r, g, looked, staleAfter); err != nil || !now {
		return nil, r, cmp.Or(err, errAgain)
	}
	var start instant // before the save: the lease counts from here
	var before grant
	var order []sealedClient
	var at tokenstore.Record
	doubted := g.Intent != nil || moved(r, g)
	turn := false // a queue before the store would use up the lease
	err = m.inTurn(ctx, r.ID, func(ctx context.Context) error {
		turn = true
		if now, err := m.young(ctx, r, g, looked, staleInTurn); err != nil || !now {
			return cmp.Or(err, errAgain)
		}
		if wait := gate.pause(whom); wait > 0 {
			return &Error{Op: opRefresh, Host: g.Client.Host, Kind: KindNotSent, RetryAfter: wait, Err: errSilent}
		}
		start = m.flow.instant()
		before = *g
		g.Intent = &intent{Attempt: mine, Lease: m.time.Lease, At: m.flow.now()}
		order = g.order(doubted)
		if !order[0].same(g.Client) {
			g.SentWith = &order[0]
		} else if !doubted {
			g.SentWith = nil
		}
		g.StoreEpoch, g.Timeline = m.cfg.StoreEpoch, r.Timeline
		var err error
		at, err = m.save(ctx, opRefresh, r, g)
		return err
	})
	switch {
	case err == nil:
	case !turn:
		return nil, r, notEntered(err)
	case order == nil: // nothing was saved
		return nil, r, err
	case errors.Is(err, tokenstore.ErrConflict):
		return nil, r, nil
	default:
		if at, g, err = m.insist(ctx, &before, mine, err); err != nil {
			return nil, r, err // nothing was sent, and nothing will be
		}
	}
	answered := seat.asking()
	fresh, used, err := m.send(ctx, g, order, start)
	answered()
	took := time.Since(start.monotonic)
	if fresh != nil {
		gate.saw(nil, whom)
		stored, at, cerr := m.commit(ctx, at, sending{m, g, mine, used, doubted}, fresh, took)
		if cerr != nil {
			return nil, at, cerr
		}
		if stored == nil || stored.Attempt != mine {
			return stored, at, nil
		}
		m.learnPace(g.loginHost(), time.Since(start.monotonic))
		if err != nil {
			return nil, at, err // the new refresh token is safe, the rest of the answer cannot be used
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
	if errors.Is(e.Err, errFenced) && (lease{start, m.time.Lease, m.flow}).suspended() {
		jumped := *e
		jumped.Err = errSuspended
		e = &jumped
	}
	gate.saw(e, whom)
	if unanswered(e) { // the intent stays: the next look finds out
		return nil, at, m.putOff(ctx, g, mine, e)
	}
	if g.redirectedOn(e) && (e.Host == g.Client.Host || !d.hostChanged) { // one hop
		d.hostChanged = true
		return nil, at, m.follow(ctx, g, mine, e.MovedTo, doubted)
	}
	if g.leftTokenHost(e) && !d.hostChanged { // which an earlier flight has stored
		d.hostChanged = true
		return nil, at, m.follow(ctx, g, mine, Host{}, doubted)
	}
	return nil, at, m.refused(ctx, refusal{g, mine, used, doubted, d.unspent, took}, e)
}

// jitter returns a random part of d, at most most.
func jitter(d, most time.Duration) time.Duration {
	return time.Duration(rand.Int64N(int64(max(min(d, most), 1)))) + 1
}
