package faults

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

// victims starts one worker per connection, which dies at a point of that connection's first refresh.
func (s *scene) victims(r *row, at string) {
	s.t.Helper()
	var all sync.WaitGroup
	slots := make(chan struct{}, 4)
	for i := range s.conns {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			w, err := s.spawn(tripped(trip{At: at, Do: "kill"}))
			if err != nil {
				s.t.Error(err)
				return
			}
			_, alive := w.do(order{Op: "call", Conns: []int{i}, Each: 1, Within: 30 * time.Second})
			w.kill()
			if alive {
				s.t.Errorf("worker %d outlived its end", i)
			}
		})
	}
	all.Wait()
}

func TestF17KilledBeforeTheRequestIsSent(t *testing.T) {
	n := size(24, 500)
	r := drill(t, 17, fmt.Sprint(n, " times kill -9 between intent and request"), "0 lost, 0 replays, taken over within lease + quiet + 1 s")
	s := newScene(t, n, orgtest.Config{}).hasty()
	s.org.ExpireSessions()
	mark := s.mark()
	s.victims(r, "intent")
	before := s.since(mark)
	began := time.Now()
	good, bad := s.healthy(time.Duration(size(10, 60)) * time.Second)
	took := time.Since(began)
	a := s.since(mark)
	r.must(before.posts == 0, "%d requests were sent before", before.posts)
	r.must(good == n && a.replays == 0 && a.posts == n, "%d lost, %d replays, %d requests (%v)", n-good, a.replays, a.posts, bad)
	limit := 300*time.Millisecond + 200*time.Millisecond + time.Second + time.Duration(n)*20*time.Millisecond
	r.must(took <= patience(limit), "taken over after %v", took)
	r.saw("%d lost, %d replays, all taken over after %v", n-good, a.replays, took.Round(10*time.Millisecond))
}

func TestF20KilledBetweenAnswerAndSave(t *testing.T) {
	n := size(12, 200)
	r := drill(t, 20, fmt.Sprint(n, " times kill -9 between the answer and its save"), "no client can save these: 0 replays while anything could be lost, then typed, at most 1 request more")
	s := newScene(t, n, orgtest.Config{}).hasty()
	s.org.ExpireSessions()
	mark := s.mark()
	s.victims(r, "result")
	a := s.since(mark)
	r.must(a.posts == n && a.rotations == n, "%d requests, %d rotations", a.posts, a.rotations)

	patient := s.manager(s.open()) // as long as something may be lost
	typed := s.each(patient, 2*time.Second)
	a = s.since(mark)
	r.must(a.posts == n && a.replays == 0, "%d requests, %d replays while in doubt (outcomes %v)", a.posts, a.replays, typed)

	final := s.manager(s.open(), func(c *oauthflow.ManagerConfig) { c.Timing.LastTry = time.Second })
	typed = s.each(final, 30*time.Second)
	again := s.each(s.manager(s.open()), 30*time.Second)
	a = s.since(mark)
	r.must(typed[string(oauthflow.KindGrantDead)] == n && again[string(oauthflow.KindGrantDead)] == n, "outcomes %v, then %v", typed, again)
	r.must(a.posts <= 2*n, "%d requests more than the first", a.posts-n)

	median, p99 := s.window()
	r.must(median <= patience(10*time.Millisecond), "answer to durable takes %v, p99 %v", median, p99)
	r.saw("0 replays in doubt; then %d typed, %.1f requests each; answer to durable: median %.1f ms, p99 %.1f ms",
		n, float64(a.posts-n)/float64(n), median.Seconds()*1000, p99.Seconds()*1000)
}

// each asks for a token of every connection and counts the outcomes.
func (s *scene) each(m *oauthflow.Manager, within time.Duration) map[string]int {
	c := tally{outcomes: map[string]int{}}
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	var all sync.WaitGroup
	for _, k := range s.conns {
		all.Go(func() {
			_, err := m.Source(k).Replace(ctx, "")
			tok, terr := m.Source(k).TokenContext(ctx)
			if err == nil && terr == nil && !s.accepted(tok.AccessToken) {
				_, err = m.Source(k).Replace(ctx, tok.AccessToken)
			}
			c.add(err, 0)
		})
	}
	all.Wait()
	return c.outcomes
}

// window measures, on healthy connections of its own, how long an answer is on its way to the disk.
func (s *scene) window() (median, p99 time.Duration) {
	s.t.Helper()
	from := len(s.conns)
	s.connect(10)
	w := s.worker()
	var conns []int
	for i := from; i < len(s.conns); i++ {
		conns = append(conns, i)
	}
	for range 10 {
		s.org.ExpireSessions()
		for _, i := range conns {
			w.do(order{Op: "call", Conns: []int{i}, Each: 1})
		}
	}
	r, _ := w.do(order{Op: "call", Conns: conns, Each: 1})
	slices.Sort(r.Window)
	if len(r.Window) == 0 {
		return time.Hour, time.Hour
	}
	return r.Window[len(r.Window)/2], r.Window[len(r.Window)*99/100]
}

func TestF21KilledAtRandom(t *testing.T) {
	killedAtRandom(t, chosen(), size(30, 300))
}

func TestF21KilledAtRandomOnTheOtherStores(t *testing.T) {
	eachOther(t, func(t *testing.T, on backEnd) { killedAtRandom(t, on, size(8, 300)) })
}

func killedAtRandom(t *testing.T, on backEnd, kills int) {
	r := drill(t, 21, fmt.Sprint(on, ": ", kills, " times kill -9 at random, 4 workers, 60 connections"), "0 replays, requests = rotations, lost ≤ refreshes that a kill hit")
	s := newSceneOn(t, on, 60, orgtest.Config{RefreshTime: 30 * time.Millisecond}).hasty()
	workers := s.workers(4)
	mark := s.mark()
	hammer := order{Op: "hammer", Conns: s.indices(), Each: 16, Within: 20 * time.Second}
	everybody(workers, hammer)
	stop := s.expireEvery(600 * time.Millisecond)
	for i := range kills {
		time.Sleep(100 * time.Millisecond)
		workers[i%4].kill()
		workers[i%4] = s.worker()
		workers[i%4].do(hammer)
	}
	stop()
	everybody(workers, order{Op: "halt"})
	a := s.since(mark)
	good, bad := s.healthy(5 * time.Second)
	lost := len(s.conns) - good
	harmless := []string{"left", string(oauthflow.KindBusy), string(oauthflow.KindNotSent)}
	for _, err := range bad { // the process that knew is gone: in doubt, which no caller outwaits here
		r.must(slices.Contains(harmless, outcome(err)), "%v", err)
	}
	a2 := s.since(mark)
	r.must(a.replays == 0 && a2.replays == 0, "%d replays", a2.replays)
	r.must(a2.posts == a2.rotations, "%d requests, %d rotations", a2.posts, a2.rotations)
	doubtful, m := 0, s.manager(s.open())
	if lost > 0 { // who was only late has time now
		good, _ = s.healthy(10 * time.Second)
		lost = len(s.conns) - good
	}
	for _, k := range s.conns {
		if c, err := m.Load(s.t.Context(), k); err == nil && c.Status == oauthflow.StatusInDoubt {
			doubtful++
		}
	}
	r.must(lost <= doubtful, "%d lost, but only %d caught in flight", lost, doubtful)
	r.must(a.rotations > kills, "only %d refreshes", a.rotations)
	r.saw("%d requests, %d rotations, %d replays, %d connections caught in flight", a2.posts, a2.rotations, a2.replays, lost)
}
