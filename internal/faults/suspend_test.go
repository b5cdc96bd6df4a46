package faults

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

// A machine that is suspended stops its processes and their monotonic clocks, while the wall clock goes on: here, a process
// is stopped for a moment, and finds its wall clock an hour ahead.
func TestF10AMachineIsSuspendedBeforeTheFirstByte(t *testing.T) {
	const ahead = time.Hour
	points := []string{"lease", "intent", "dialing", "dial"}
	each := size(3, 50)
	n := len(points) * each
	r := drill(t, 10, fmt.Sprintf("the machine is suspended for %v between the save of the intent and the first byte, %d times at each of %v", ahead, each, points),
		"that request never leaves; 1 request each with an intent of its own, nobody is told, 0 replays, 0 lost")
	s := newScene(t, n, orgtest.Config{})
	s.timing.Lease = time.Minute // which the monotonic clock leaves nearly whole
	s.org.ExpireSessions()
	mark := s.mark()
	late, stopped, served := 0, 0, 0
	for i := range n {
		point := points[i/each]
		w := s.worker(tripped(trip{At: point, Do: "suspend", For: ahead, Times: 1}))
		done := make(chan reply, 1)
		go func() {
			got, _ := w.do(order{Op: "call", Conns: []int{i}, Each: 1, Within: time.Minute})
			done <- got
		}()
		if patiently(w.stopped) {
			stopped++
		}
		w.signal(syscall.SIGCONT)
		got := <-done
		w.kill()
		served, late = served+got.Outcomes["ok"], late+got.Late
		r.must(got.Late == 0, "a request left after a suspension at %s", point)
	}
	good, bad := s.healthy(time.Minute)
	a := s.since(mark)
	r.must(stopped == n && served == n && good == n, "%d suspensions, %d callers served, %d of %d healthy (%v)", stopped, served, good, n, bad)
	r.must(a.posts == n && a.rotations == n && a.replays == 0, "%d requests, %d rotations, %d replays", a.posts, a.rotations, a.replays)
	r.saw("%d suspensions, %d requests left after one, %d requests, %d rotations, %d of %d callers served", stopped, late, a.posts, a.rotations, served, n)
}
