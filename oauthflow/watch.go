package oauthflow

import (
	"context"
	"errors"
	"math"
	"time"
)

const (
	watchFirst = time.Second // between the first two looks,
	watchMost  = 10 * time.Second
)

// watch looks into the store now and then while a flight's own request hangs, from the end of a lease on: another process
// may have stored a newer token, or disconnected the connection. That ends the wait of the flight's callers; the request
// goes on, and its answer is stored or refused as usual. G is the grant that the request is about, mine its attempt.
func (m *Manager) watch(s *Source, f *flight, g *grant, mine string) (stop func()) {
	ctx, cancel := context.WithCancel(m.open)
	epoch, generation := g.Epoch, g.Generation
	begun := time.AfterFunc(m.time.Lease, func() {
		end, err := m.begin()
		if err != nil {
			return
		}
		defer end()
		defer m.contain(nil)
		var queue progress
		for pause := watchFirst; !f.ended(); pause = min(pause*3/2, watchMost) {
			if !f.turn.moves(&queue) && m.arrived(ctx, s, f, epoch, generation, mine) || !sleep(ctx, pause+jitter(pause/4, pause)) {
				return
			}
		}
	})
	return func() { begun.Stop(); cancel() }
}

// watchQueue is watch for a flight that waits for its turn before it has looked into the store. While the queue moves the turn
// comes, and nobody looks: thousands may wait.
func (m *Manager) watchQueue(s *Source, f *flight) (stop func()) {
	ctx, cancel := context.WithCancel(m.open)
	var queue progress
	var next *time.Timer
	first := func() time.Duration { return m.time.Lease + jitter(m.time.Lease/4, m.time.Lease) } // not all at once
	pause := watchFirst
	next = time.AfterFunc(math.MaxInt64, func() {
		end, err := m.begin()
		if err != nil {
			return
		}
		defer end()
		defer m.contain(nil)
		switch {
		case ctx.Err() != nil || f.ended():
		case f.turn.moves(&queue):
			next.Reset(first())
		case !m.arrived(ctx, s, f, "", 0, ""):
			now := pause
			pause = min(pause*3/2, watchMost)
			next.Reset(now + jitter(now/4, now))
		}
	})
	next.Reset(first())
	return func() { cancel(); next.Stop() }
}

// arrived reports whether the store has what ends the wait, and hands it to the flight's callers. A result that this
// process is storing itself does not: commit decides when that is safe.
func (m *Manager) arrived(ctx context.Context, s *Source, f *flight, epoch string, generation uint64, mine string) bool {
	r, now, err := m.load(ctx, opRefresh, s.key)
	var e *Error
	switch {
	case errors.As(err, &e) && e.Kind == KindNotConnected:
		s.publish(nil)
		s.land(f, nil, false, err)
		return true
	case err != nil:
		return false
	case now.Revoking, now.MovedTo != nil:
		s.land(f, nil, false, m.unusable(s, now))
		return true
	case now.Epoch == epoch && (now.Generation <= generation || now.Attempt == mine),
		now.Access.IsZero(), now.Access.Reveal() == f.rejected, s.superseded(now):
		return false
	}
	s.see(r, now)
	s.land(f, m.view(now), false, nil)
	return true
}
