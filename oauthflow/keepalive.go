package oauthflow

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

const opKeepAlive = "keep alive"

// KeepAlive looks after the store until ctx ends, and returns ctx's error, or [ErrRelocated] once the store was left: it refreshes connections before Salesforce
// ends their unused refresh tokens, which is after 30 days or the shorter time that [ManagerConfig].IdleLimit or
// [Manager.SetIdlePeriod] tells, finishes disconnections and moves that were interrupted, and deletes logins that
// nobody completed. Any number of processes may run it over one store; each connection is refreshed once. A failure is
// reported as an event and tried again.
//
// A suspended connection is asked about after minutes at first, then every hour, so that it is seen to be healed within
// about an hour without any call. One that is broken but for new credentials is asked about once a day, when it is due.
//
// When ctx ends or Close begins it returns at once. What has been sent by then is still waited for by Close.
//
// Tenants take turns, and one tenant's connections use twelve of the sixteen places for what is under way at most: a tenant with
// thousands of due connections, or with login hosts that hang, delays the connections of the others by a minute or so.
func (m *Manager) KeepAlive(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(m.open, cancel)()
	left := map[string]time.Duration{}
	for ctx.Err() == nil {
		end, err := m.begin()
		if err != nil {
			return err
		}
		type result struct {
			more bool
			gone error
		}
		swept := make(chan result, 1)
		go func() {
			defer end()
			if err := m.relocated(ctx, opKeepAlive); errors.Is(err, ErrRelocated) {
				swept <- result{gone: err}
				return
			}
			swept <- result{more: m.sweep(ctx, left)}
		}()
		var got result
		select {
		case got = <-swept:
		case <-ctx.Done():
		}
		if got.gone != nil {
			return got.gone
		}
		if !got.more {
			sleep(ctx, sweepEvery/2+jitter(sweepEvery, sweepEvery))
		}
	}
	if err := m.ended(); err != nil {
		return err
	}
	return ctx.Err()
}

// lookAfter does what is due with a record that was listed under an id, and reports whether the record was dealt with, so
// that it is not due any more. It is loaded by that id before anything is done.
func (m *Manager) lookAfter(ctx context.Context, id string, listed tokenstore.Record) bool {
	defer m.contain(nil) // in a goroutine of its own nobody else would
	r, err := m.loadFrom(ctx, opKeepAlive, m.cfg.Store, id)
	if err != nil || r.Version != listed.Version || !r.Due.Before(m.flow.now()) { // another process is at it, or it is not due
		return false
	}
	if strings.HasPrefix(id, loginPrefix) {
		return m.abandon(ctx, id, r)
	}
	if strings.HasPrefix(id, hostPrefix) { // a wait that an earlier version has written for all processes
		_, err := m.unseal(opKeepAlive, id, r)
		return err == nil && remove(ctx, m.cfg.Store, r) == nil
	}
	g, err := m.openGrant(opKeepAlive, id, r)
	if err != nil {
		m.reportForeign(id, r, err)
		return false
	}
	switch {
	case g.Leaving:
		err = storeError(opKeepAlive, g.relocated())
	case g.Gone:
		m.forgetSource(g.Key)
		err = remove(ctx, m.cfg.Store, r)
	case g.Revoking:
		err = m.Disconnect(ctx, g.Key)
	case g.MovedTo != nil:
		err = m.Move(ctx, g.Key, *g.MovedTo)
	default:
		if m.doubtedLately(r) {
			return false
		}
		err = m.Source(g.Key).renew(ctx, g.Access.Reveal())
		if e := new(Error); errors.As(err, &e) && e.Kind == KindInDoubt {
			m.doubted.Store(id, doubted{r.Version, time.Now()})
		}
	}
	if err != nil {
		m.logf(slog.LevelDebug, "keep-alive", "connection", g.Key, "error", err)
	}
	return err == nil
}

// doubted is a version of a record whose doubt stayed one.
type doubted struct {
	version uint64
	at      time.Time
}

// doubtEvery is how often the keep-alive asks about the same doubt: it takes long, and others are due.
const doubtEvery = time.Hour

func (m *Manager) doubtedLately(r tokenstore.Record) bool {
	last, ok := m.doubted.Load(r.ID)
	if !ok {
		return false
	}
	d := last.(doubted)
	if d.version == r.Version && time.Since(d.at) < doubtEvery {
		return true
	}
	m.doubted.Delete(r.ID)
	return false
}

// Renew refreshes a connection now, whatever its access token is good for: to prove new credentials, for example.
// Callers go on being served the present token until there is another.
func (m *Manager) Renew(ctx context.Context, k Key) error {
	if err := m.ended(); err != nil {
		return err
	}
	if err := k.validate("renew"); err != nil {
		return err
	}
	_, g, err := m.load(ctx, "renew", k)
	if err != nil {
		return err
	}
	return m.Source(k).renew(ctx, g.Access.Reveal())
}

// renew refreshes the connection unless somebody has since the given access token was stored. Unlike a rejected
// token, that one is handed out until there is another, and nothing is risked that could end it.
func (s *Source) renew(ctx context.Context, stored string) error {
	_, err := s.join(ctx, stored, renewal)
	return err
}
