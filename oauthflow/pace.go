package oauthflow

import (
	"sync/atomic"
	"time"
)

// pace is how long a refresh usually takes, from the intent to the result, as this process has seen by its own and by
// those that it has waited for. It says when to look for the result of another process; nothing that must be right
// depends on it.
type pace struct{ usual atomic.Int64 }

// learn follows a shorter one fast and a longer one slowly: a look too early costs little, and a single refresh that hung
// must not make everybody wait.
func (p *pace) learn(took time.Duration) {
	switch old := time.Duration(p.usual.Load()); {
	case old == 0:
	case took < old:
		took = (old + 3*took) / 4
	default:
		took = min(took, old+old/16)
	}
	p.usual.Store(max(int64(took), 1))
}

const (
	pauseFirst = 32 * time.Millisecond // no host of Salesforce is known to answer sooner
	pauseLeast = 4 * time.Millisecond
	pauseMost  = time.Second
)

// pause returns how long to wait until the next look, after waiting for age already for a refresh that has begun that
// long ago by its owner's clock: first until one is usually over, then in proportion to what it takes longer, so that
// looks stay few. A part is chance, which keeps those who wait for one refresh from looking all at once. A clock that is
// wrong costs some looks, or as long as a refresh takes.
func (p *pace) pause(age, begun time.Duration) time.Duration {
	usual := time.Duration(p.usual.Load())
	ran := max(age, min(begun, usual))
	var next time.Duration
	switch {
	case usual == 0: // some hundredths of a second or some seconds
		next = max(age, pauseFirst)
	case ran < usual:
		next = max(usual-ran, pauseLeast)
	default:
		next = max((ran-usual)/2, usual/16, pauseLeast)
	}
	next = min(next, pauseMost)
	return next + jitter(max(next, min(usual, pauseMost))/16, pauseMost)
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

// overhear takes note of a refresh of another process, whose result has been found. Both times are by that one's clock.
func (m *Manager) overhear(waited *intent, g *grant) {
	if waited == nil || g.Attempt != waited.Attempt {
		return
	}
	if took := g.RefreshedAt.Sub(waited.At); took > 0 && took < answerWait { // else its clock was set meanwhile
		m.learnPace(g.loginHost(), took)
	}
}
