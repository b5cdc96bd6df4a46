package oauthflow

import (
	"context"
	"errors"
	"time"

	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

var (
	errOutcomeLost = errors.New("a refresh was sent, its answer was lost, and Salesforce no longer accepts the refresh token")
	errDoubtful    = errors.New("a refresh was sent and its answer was lost; the access token is served to its end")
	errSuperseded  = errors.New("the store holds a former approval of the connection, which another one has taken the place of; a refresh asks Salesforce about it")
	errRolledBack  = errors.New("the store was restored to an earlier state, whose refresh token Salesforce does not confirm")
)

// doubt is what one flight knows of a refresh token that somebody may have spent: how long it has seen the same
// record, by its own monotonic clock (no clock of another machine is trusted), and what Salesforce has said.
type doubt struct {
	about       state
	since       time.Time
	intent      *intent   // the one that is waited for
	asked       time.Time // when Salesforce was last asked
	active      time.Time // when it first said active
	inactive    int       // how often in a row it has said inactive
	unspent     bool      // it has said active twice, and the refresh token is about to be sent
	tries       int       // requests that this flight has sent, or was about to
	hostChanged bool      // this flight has changed where the connection's token requests go
}

// state tells one content of a record from another. A version alone does not: a failover that loses it brings it again,
// with other content.
type state struct {
	version                          uint64
	timeline, epoch, attempt, intent string
}

func stateOf(r tokenstore.Record, g *grant) state {
	at := state{version: r.Version, timeline: r.Timeline, epoch: g.Epoch, attempt: g.Attempt}
	if g.Intent != nil {
		at.intent = g.Intent.Attempt
	}
	return at
}

// resolve decides about a connection whose access token cannot be used. It returns true when the refresh token may be
// sent: nobody else may have sent it, or Salesforce has confirmed twice that it is unspent, or nothing is left to
// lose, which a renewal never says. Otherwise it waits a little and returns false.
func (m *Manager) resolve(ctx context.Context, f *flight, d *doubt, r tokenstore.Record, g *grant, rolledBack bool) (bool, error) {
	d.unspent = false
	changed := moved(r, g)
	if g.Intent == nil && !rolledBack && !changed {
		return true, nil
	}
	now := time.Now()
	if about := stateOf(r, g); d.about != about {
		*d = doubt{about: about, since: now, tries: d.tries, hostChanged: d.hostChanged}
	}
	age := now.Sub(d.since)
	if left := m.unsettled(d, r, g, now); left > 0 && (g.Intent != nil || changed) { // an intent may be among what was lost
		begun := time.Duration(0)
		if g.Intent != nil {
			d.intent, begun = g.Intent, m.flow.now().Sub(g.Intent.At)
		}
		sleep(m.open, min(left, m.pace(g.loginHost()).pause(age, begun)))
		return false, nil
	}
	if d.asked.IsZero() {
		m.observe(Event{Type: EventInDoubt, Key: g.Key, OrgID: g.OrgID})
	}
	if since := now.Sub(d.asked); since < m.time.Confirm {
		sleep(m.open, min(m.time.Confirm-since, time.Second))
		return false, nil
	}
	d.asked = now
	is, err := m.ask(ctx, g)
	if errors.Is(err, ErrClosed) {
		return false, err
	}
	switch {
	case err == nil && is.Active:
		d.inactive = 0
		if d.active.IsZero() {
			d.active = now
			return false, nil
		}
		d.unspent = true
		return true, nil
	case err == nil:
		d.active = time.Time{}
		d.inactive++
	default:
		d.active, d.inactive = time.Time{}, 0
	}
	if rolledBack {
		return false, m.giveUpRolledBack(ctx, r, g, d, err)
	}
	if f.renewal.Load() && (g.Intent != nil || !m.ending(g)) { // the access token may be alive, and a replay would end it
		return false, &Error{Op: opRefresh, Host: g.Client.Host, Kind: KindInDoubt, Err: errDoubtful}
	}
	// Inactive alone proves nothing, and the answer may still reach the one who has sent.
	return age >= m.time.LastTry, nil
}

// ending reports whether the refresh token is about to end for want of use, so that a try risks nothing.
func (m *Manager) ending(g *grant) bool {
	now := m.flow.now()
	limit := m.idleLimit(g, now)
	return limit > 0 && now.Sub(g.RefreshedAt) > limit*9/10
}

// unsettled returns for how long the request of the record's intent may still arrive, as far as this flight knows: from
// when it first saw the record.
func (m *Manager) unsettled(d *doubt, r tokenstore.Record, g *grant, now time.Time) time.Duration {
	lease := m.time.Lease
	if g.Intent != nil {
		lease = max(lease, g.Intent.Lease)
	}
	left := lease + m.time.Quiet
	if d.about == stateOf(r, g) {
		left -= now.Sub(d.since)
	}
	return left
}

// moved reports whether the store has gone on in another history than the one in which the refresh token was last known
// to be unspent: what was written between may be gone. A grant that names no history may be of any.
func moved(r tokenstore.Record, g *grant) bool { return r.Timeline != "" && r.Timeline != g.Timeline }

// carry makes g, loaded from another store as r, a record of the store that is there. What was in doubt stays in doubt: a
// timeline means nothing elsewhere, and there may be none, so that an intent says it.
func (g *grant) carry(r, there tokenstore.Record, now time.Time) {
	if moved(r, g) && g.Intent == nil {
		g.Intent = &intent{Attempt: random().Reveal(), Lease: defaultLease, At: now}
	}
	g.Timeline = there.Timeline
}

// giveUpRolledBack ends a connection whose stored refresh token is an old one: sending it would, with rotation, end
// the grant that somebody else may hold. It returns nil while Salesforce is to be asked again.
func (m *Manager) giveUpRolledBack(ctx context.Context, r tokenstore.Record, g *grant, d *doubt, asked error) error {
	e := &Error{Op: opRefresh, Host: g.Client.Host, Kind: KindInDoubt, Err: errRolledBack}
	if asked != nil {
		return e
	}
	if d.inactive < 2 {
		return nil
	}
	g.Intent = nil
	g.Fault = &fault{Op: opRefresh, Kind: KindGrantDead, At: m.flow.now(), Lost: true}
	if _, err := m.save(ctx, opRefresh, r, g); err != nil {
		if errors.Is(err, tokenstore.ErrConflict) {
			return nil
		}
		return err
	}
	e.Kind = KindGrantDead
	m.observe(Event{Type: EventBroken, Key: g.Key, OrgID: g.OrgID, Err: e})
	return e
}
