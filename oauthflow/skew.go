package oauthflow

import "time"

// clockSkew is how far the clocks of two processes, or Salesforce's and ours, may be apart.
const clockSkew = 5 * time.Minute

// past reports whether a time that another clock may have written is longer ago than age, or further ahead than clocks may
// be apart: then nothing is known of it.
func past(at time.Time, age time.Duration, now time.Time) bool {
	since := now.Sub(at)
	return since > age || since < -clockSkew
}

// aheadOf is a time in a record whose writer's clock is ahead of ours, and when this process saw it first.
type aheadOf struct {
	until time.Time
	seen  time.Duration // on the manager's monotonic clock
}

// remaining returns how long the wait goes on that the record of an id asks for: until a time that another clock may have
// written, and never longer than the pause that its writer meant, from when this process saw it first. A pause of 0 is
// one that an earlier version did not write.
func (m *Manager) remaining(id string, until time.Time, pause time.Duration) time.Duration {
	left := until.Sub(m.flow.now())
	if pause <= 0 || left <= pause || left > longestWait { // the last is of a clock that is wrong, and asks for nothing
		m.ahead.Delete(id)
		return left
	}
	first := aheadOf{until, m.elapsed()}
	if was, ok := m.ahead.Load(id); ok && was.(aheadOf).until.Equal(until) {
		first = was.(aheadOf)
	} else {
		m.ahead.Store(id, first)
	}
	return pause - (m.elapsed() - first.seen)
}

// pause makes all processes leave the connection alone for a while.
func (g *grant) pause(d time.Duration, now time.Time) { g.NotBefore, g.Pause = now.Add(d), d }
