package oauthflow

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"time"
)

const (
	sweepEvery  = time.Minute
	sweepBatch  = 256
	sweepers    = 16
	listTimeout = time.Minute // for one batch, as storeTimeout
)

// KeepAlive looks after the store until ctx ends, and returns ctx's error: it refreshes connections before Salesforce
// ends their unused refresh tokens, finishes disconnections and moves that were interrupted, and deletes logins that
// nobody completed. Any number of processes may run it over one store; each connection is refreshed once. A failure is
// reported as an event and tried again.
//
// A suspended connection is asked about after minutes at first, then every hour, so that it is seen to be healed within
// about an hour without any call. One that is broken but for new credentials is asked about once a day, when it is due.
func (m *Manager) KeepAlive(ctx context.Context) error {
	for {
		m.sweep(ctx)
		if !sleep(ctx, sweepEvery/2+jitter(sweepEvery, sweepEvery)) {
			return ctx.Err()
		}
		if m.open.Err() != nil {
			return &Error{Op: "keep alive", Kind: KindInvalid, Err: ErrClosed}
		}
	}
}

// sweep looks after what is due, in batches of random order, so that processes that sweep at the same time do not all
// begin with the same connection. What cannot be dealt with is left for the next sweep, and stands in nobody's way.
func (m *Manager) sweep(ctx context.Context) {
	defer m.contain(nil)
	for _, prefix := range []string{connectionPrefix, loginPrefix, hostPrefix} {
		left := map[string]bool{}
		for more := true; more; {
			due := m.dueRecords(ctx, prefix, left)
			rand.Shuffle(len(due), func(i, j int) { due[i], due[j] = due[j], due[i] })
			for _, id := range m.lookAfterAll(ctx, due) {
				left[id] = true
			}
			more = len(due) == sweepBatch && ctx.Err() == nil && m.open.Err() == nil
		}
	}
}

// lookAfterAll looks after some records at once, since one in doubt takes seconds and after a failover all are, and returns
// the ids of those that could not be dealt with.
func (m *Manager) lookAfterAll(ctx context.Context, due []Record) (left []string) {
	var mu sync.Mutex
	var crew sync.WaitGroup
	next := make(chan Record)
	for range min(sweepers, len(due)) {
		crew.Go(func() {
			for r := range next {
				if !m.lookAfter(ctx, r) {
					mu.Lock()
					left = append(left, r.ID)
					mu.Unlock()
				}
			}
		})
	}
	for _, r := range due {
		if ctx.Err() != nil || m.open.Err() != nil {
			break
		}
		next <- r
	}
	close(next)
	crew.Wait()
	return left
}

// dueRecords returns the next records that are due and not among those that are left.
func (m *Manager) dueRecords(ctx context.Context, prefix string, left map[string]bool) []Record {
	ctx, cancel := context.WithTimeout(ctx, listTimeout)
	defer cancel()
	var due []Record
	for r, err := range m.cfg.Store.List(ctx, prefix, m.flow.now()) {
		if err != nil {
			m.logf(slog.LevelWarn, "the keep-alive could not list all that is due", "error", err)
			break
		}
		if len(due) == sweepBatch {
			break
		}
		if !left[r.ID] {
			due = append(due, r)
		}
	}
	return due
}

// lookAfter does what is due, and reports whether the record was dealt with, so that it is not due any more.
func (m *Manager) lookAfter(ctx context.Context, r Record) bool {
	defer m.contain(nil) // in a goroutine of its own nobody else would
	if strings.HasPrefix(r.ID, loginPrefix) {
		return m.abandon(ctx, r)
	}
	if !strings.HasPrefix(r.ID, connectionPrefix) { // a wait that is over
		return m.cfg.Store.Delete(ctx, r.ID, r.Version) == nil
	}
	now, err := m.cfg.Store.Load(ctx, r.ID)
	if err != nil || now.Version != r.Version { // another process is at it
		return false
	}
	g, err := m.openGrant(ctx, "keep alive", r)
	if err != nil {
		m.reportForeign(r, err)
		return false
	}
	switch {
	case g.Gone:
		err = m.forget(ctx, r)
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
			m.doubted.Store(r.ID, doubted{r.Version, time.Now()})
		}
	}
	if err != nil {
		m.logf(slog.LevelDebug, "keep-alive", "connection", g.Key.String(), "error", err)
	}
	return err == nil
}

// forget deletes what is left of a connection that is gone, also where a take-over of it was left half done: nothing would
// keep that from being taken over again.
func (m *Manager) forget(ctx context.Context, r Record) error {
	if m.cfg.Former != nil {
		if err := m.takeOver(ctx, "keep alive", r.ID); err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
	}
	return m.cfg.Store.Delete(ctx, r.ID, r.Version)
}

// doubted is a version of a record whose doubt stayed one.
type doubted struct {
	version uint64
	at      time.Time
}

// doubtEvery is how often the keep-alive asks about the same doubt: it takes long, and others are due.
const doubtEvery = time.Hour

func (m *Manager) doubtedLately(r Record) bool {
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

// reportForeign tells of a record that does not open, once for each of its versions.
func (m *Manager) reportForeign(r Record, err error) {
	if told, ok := m.foreign.Swap(r.ID, r.Version); ok && told == r.Version {
		return
	}
	e := new(Error)
	errors.As(err, &e)
	k, _ := keyOf(r.ID)
	m.observe(Event{Type: EventForeign, Key: k, Err: e})
}

// Renew refreshes a connection now, whatever its access token is good for: to prove new credentials, for example.
// Callers go on being served the present token until there is another.
func (m *Manager) Renew(ctx context.Context, k Key) error {
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
	if v := s.view.Load(); stored == "" && v != nil { // kept in memory only
		stored = v.access()
	}
	_, err := s.join(ctx, stored, renewal)
	return err
}
