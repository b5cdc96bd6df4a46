package faults

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

// The points and actions of trip, all of which are tried with each other.
var (
	points  = []string{"lease", "intent", "dialing", "dial", "sent", "answer", "result", "stored", "event"}
	actions = []string{"error", "panic", "kill", "stop", "delay", "cancel"}
)

// cell is one point with one action, on a connection of its own.
type cell struct {
	at, do string
	conn   int
}

// onTheWire are the points that net/http runs in goroutines of its own, where nobody can contain a panic: reads and writes of the
// caller's own connection.
func (c cell) onTheWire() bool { return c.at == "sent" || c.at == "answer" }

// dies tells whether the process ends.
func (c cell) dies() bool { return c.do == "kill" || c.do == "panic" && c.onTheWire() }

// lost tells whether the answer is gone although Salesforce has given it, which no client can help.
func (c cell) lost() bool {
	switch c.at {
	case "sent", "answer":
		return c.dies() || c.do == "error"
	case "result":
		return c.dies()
	}
	return false
}

// run has a process meet the fault, and returns what was not as declared.
func (c cell) run(s *scene) error {
	w, err := s.spawn(tripped(trip{At: c.at, Do: c.do, Times: 1, For: 100 * time.Millisecond}), func(sc *script) { sc.Quiet = true })
	if err != nil {
		return err
	}
	defer w.kill()
	call := order{Op: "call", Conns: []int{c.conn}, Each: 1, Within: 30 * time.Second}
	if c.lost() && !c.dies() {
		call.Within = 8 * time.Second // in doubt, which nobody outwaits; a busy machine comes to the point late
	}
	if c.do == "stop" {
		done := make(chan struct{})
		defer close(done)
		go w.wake(900*time.Millisecond, done)
	}
	first, alive := w.do(call)
	if alive == c.dies() {
		return fmt.Errorf("the process lives: %v", alive)
	}
	if !alive {
		return nil
	}
	for o := range first.Outcomes {
		if strings.HasPrefix(o, "untyped") || o == "ok" && c.lost() {
			return fmt.Errorf("the call ends with %q", o)
		}
	}
	if c.lost() {
		return nil
	}
	if again, _ := w.do(call); again.Outcomes["ok"] != 1 {
		return fmt.Errorf("the next call ends with %v after %v", again.Outcomes, first.Outcomes)
	}
	return nil
}

// wake has the process go on when it has stopped for a while.
func (w *worker) wake(after time.Duration, done chan struct{}) {
	for {
		select {
		case <-done:
			return
		case <-time.After(10 * time.Millisecond):
		}
		if w.stopped() {
			time.Sleep(after)
			w.signal(syscall.SIGCONT)
		}
	}
}

func TestF22EveryPointMeetsEveryFault(t *testing.T) {
	r := drill(t, 22, fmt.Sprintf("each of %d points of a refresh × %s × files, PostgreSQL, Redis, in a process each", len(points), strings.Join(actions, ", ")),
		"162 of 162 as declared: 1 request each, 0 replays, lost only what the org has answered and nobody could store, the others served")
	n := len(points) * len(actions)
	var mu sync.Mutex
	var running sync.WaitGroup
	slots := make(chan struct{}, 24)
	met, marks := 0, map[*scene]int{}
	for _, on := range []backEnd{files, postgres, redisKV} {
		s := newSceneOn(t, on, n, orgtest.Config{}).hasty()
		s.org.ExpireSessions()
		marks[s] = s.mark()
		judge := s.manager(s.open())
		for i := range n {
			slots <- struct{}{}
			running.Go(func() {
				defer func() { <-slots }()
				c := cell{points[i/len(actions)], actions[i%len(actions)], i}
				err := c.run(s)
				if err == nil {
					err = c.judged(s, judge)
				}
				if err != nil {
					t.Logf("%v: %s at %s: %v", on, c.do, c.at, err)
					return
				}
				mu.Lock()
				defer mu.Unlock()
				met++
			})
		}
	}
	running.Wait()
	for s, mark := range marks {
		a := s.since(mark)
		r.must(a.posts == n && a.rotations == n && a.replays == 0, "%v: %d requests and %d rotations of %d, %d replays", s.place.On, a.posts, a.rotations, n, a.replays)
	}
	r.must(met == 162, "%d cells as declared", met)
	r.saw("%d of 162 cells as declared", met)
}

// judged has another process use the connection.
func (c cell) judged(s *scene, judge *oauthflow.Manager) error {
	within := 2 * time.Minute // a host at which so many requests fail is asked once a second
	if c.lost() {
		within = time.Second
	}
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	switch err := use(ctx, judge, s, key(c.conn)); {
	case !c.lost() && err != nil:
		return fmt.Errorf("another process is not served: %w", err)
	case c.lost() && outcome(err) != "left" && outcome(err) != string(oauthflow.KindBusy):
		return fmt.Errorf("another process gets %q, want that it is in doubt", outcome(err))
	}
	return nil
}
