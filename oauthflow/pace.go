package oauthflow

import (
	"sync/atomic"
	"time"
)

// pace is how long refreshes take, from the intent to the stored result, as this process has seen by its own: the
// newest count most. It says when to look for the result of another process; nothing that must be right depends on it.
type pace struct{ usual atomic.Int64 }

func (p *pace) learn(took time.Duration) {
	old := p.usual.Load()
	if old != 0 {
		took = time.Duration(old) + (took-time.Duration(old))/4
	}
	p.usual.Store(max(int64(took), 1))
}

const (
	pauseFirst = 25 * time.Millisecond // no host of Salesforce is known to answer sooner
	pauseLeast = 4 * time.Millisecond
	pauseMost  = time.Second
)

// pause returns how long to wait until the next look, after waiting for age already for a refresh that has begun that
// long ago by its owner's clock: first until one is usually over, then in proportion to the wait, so that looks stay few.
// A part is chance, which keeps those who wait for one refresh from looking all at once. A clock that is wrong costs
// some looks, or as long as a refresh takes.
func (p *pace) pause(age, begun time.Duration) time.Duration {
	usual := time.Duration(p.usual.Load())
	ran := max(age, min(begun, usual))
	var next time.Duration
	switch {
	case usual == 0: // 20 ms or some seconds
		next = max(age, pauseFirst)
	case ran < usual:
		next = max(usual-ran, pauseLeast)
	default:
		next = max(age/3, usual/8, pauseLeast)
	}
	next = min(next, pauseMost)
	return next + jitter(max(next, min(usual, pauseMost))/8, pauseMost)
}

// pace returns what is known of a host's, or else of all hosts: an org of its own host is refreshed too seldom to tell.
func (m *Manager) pace(host string) *pace {
	if g := m.gate(host); g.pace.usual.Load() != 0 {
		return &g.pace
	}
	return &m.everywhere
}

// learnPace takes note of one refresh.
func (m *Manager) learnPace(host string, took time.Duration) {
	m.gate(host).pace.learn(took)
	m.everywhere.learn(took)
}
