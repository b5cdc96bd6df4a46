package oauthflow

import (
	"sync"
	"sync/atomic"
	"time"
)

// A machine that is suspended stops Go's monotonic clock; a wall clock that is set jumps. So what must not last too long
// is measured by both clocks, and the one by which more time has passed counts. An instant is one reading of both.
//
// Source: time(7); CLOCK_MONOTONIC in clock_gettime(2) does not count the time of a suspension.
type instant struct {
	monotonic time.Time
	wall      time.Time
}

// instant reads both clocks.
func (f *Flow) instant() instant { return instant{time.Now(), f.now().Round(0)} }

// passed returns how much time has passed since an instant, by the clock by which it is more.
func (f *Flow) passed(since instant) time.Duration {
	now := f.instant()
	return max(now.monotonic.Sub(since.monotonic), now.wall.Sub(since.wall))
}

// elapsed is the time since the manager was made: by the monotonic clock, and by what the wall clock has jumped forward
// meanwhile, as it does in a suspension. A jump is seen at most clockEvery after the machine runs again, so that the hot
// path reads one clock only.
func (m *Manager) elapsed() time.Duration {
	run := time.Since(m.base)
	if run >= time.Duration(m.jumps.next.Load()) {
		m.jumps.look(run, m.flow.now())
	}
	return run + time.Duration(m.jumps.total.Load())
}

const (
	clockEvery = 10 * time.Millisecond // how often the wall clock is read
	clockDrift = time.Second           // a smaller difference is no jump: the two clocks never agree

	longestJump = 24 * time.Hour // longer than all that is measured, so that no clock overflows the sum
)

// jumps is how far the wall clock has jumped forward beside the monotonic clock.
type jumps struct {
	next  atomic.Int64 // when the wall clock is to be read again, on the monotonic clock
	total atomic.Int64 // sum of all jumps

	mu    sync.Mutex
	ahead time.Duration // the wall clock's reading less the monotonic clock's; only its changes mean something
	known bool
}

// look compares the two clocks.
func (j *jumps) look(run time.Duration, wall time.Time) {
	ahead := time.Duration(wall.UnixNano()) - run
	j.mu.Lock()
	defer j.mu.Unlock()
	j.next.Store(int64(run + clockEvery))
	switch jump := ahead - j.ahead; {
	case !j.known:
		j.ahead, j.known = ahead, true
	case jump >= clockDrift:
		j.ahead = ahead
		j.total.Add(int64(min(jump, longestJump)))
	case jump <= -clockDrift:
		j.ahead = ahead
	}
}
