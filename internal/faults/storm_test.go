package faults

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

func TestF01TenThousandCallersOfOneExpiredConnection(t *testing.T) {
	r := drill(t, 1, "10,000 goroutines on one expired connection, org busy for 50 ms", "1 request, one token for all, nobody waits long")
	s := newScene(t, 1, orgtest.Config{RefreshTime: 50 * time.Millisecond})
	m := s.manager(s.open())
	source := m.Source(s.conns[0])
	dead, err := source.Token()
	if err != nil {
		t.Fatal(err)
	}
	s.org.ExpireSessions()
	mark := s.mark()
	c := tally{outcomes: map[string]int{}}
	var mu sync.Mutex
	tokens := map[string]bool{}
	var all sync.WaitGroup
	start := make(chan struct{})
	for range 10_000 {
		all.Go(func() {
			<-start
			began := time.Now()
			tok, err := source.Replace(t.Context(), dead.AccessToken)
			took := time.Since(began)
			c.add(err, took)
			if err == nil {
				mu.Lock()
				tokens[tok.AccessToken] = true
				mu.Unlock()
			}
		})
	}
	close(start)
	all.Wait()
	a := s.since(mark)
	p99 := c.p99()
	r.must(a.posts == 1 && len(tokens) == 1 && c.outcomes["ok"] == 10_000, "%d requests, %d tokens, outcomes %v", a.posts, len(tokens), c.outcomes)
	r.within(50*time.Millisecond+100*time.Millisecond, p99, "p99 %v", p99) // two cores start and end 10,000 goroutines in half of that
	r.saw("%d request, %d token, p99 %v", a.posts, len(tokens), p99.Round(time.Millisecond))
}

func TestF02AllConnectionsExpireAtOnce(t *testing.T) {
	n := size(200, 5000)
	r := drill(t, 2, fmt.Sprint(n, " connections expire at once, 4 processes want each"), "one request each, at most 16 at once per host and process, nobody fails")
	s := newScene(t, n, orgtest.Config{})
	workers := s.workers(4)
	mark := s.mark()
	s.org.ExpireSessions()
	sum := everybody(workers, order{Op: "call", Conns: s.indices(), Each: n, Within: 10 * time.Minute})
	a := s.since(mark)
	r.must(a.posts == n && a.replays == 0, "%d requests, %d replays", a.posts, a.replays)
	r.must(sum.Dials <= 16, "%d requests at once from one process", sum.Dials)
	r.must(sum.Outcomes["ok"] == 4*n, "outcomes %v", sum.Outcomes)
	r.saw("%d requests, at most %d at once, outcomes %v", a.posts, sum.Dials, sum.Outcomes)
}

func TestF06RollingRestartsUnderLoad(t *testing.T) {
	restarts := size(24, 200)
	r := drill(t, 6, fmt.Sprint(restarts, " orderly restarts of 4 workers under load"), "0 lost, 0 replays, each drained within a round trip and 100 ms")
	s := newScene(t, 10, orgtest.Config{RefreshTime: 30 * time.Millisecond}).hasty()
	hammer := order{Op: "hammer", Conns: s.indices(), Each: 16, Within: 20 * time.Second}
	workers := s.workers(4)
	everybody(workers, hammer)
	mark := s.mark()
	stop := s.expireEvery(600 * time.Millisecond)
	var slowest time.Duration
	for i := range restarts {
		time.Sleep(50 * time.Millisecond)
		reply, ok := workers[i%4].do(order{Op: "close", Within: 10 * time.Second})
		r.must(ok && reply.Err == "", "close: %v %v", ok, reply.Err)
		slowest = max(slowest, reply.Worst)
		<-workers[i%4].gone
		workers[i%4] = s.worker()
		workers[i%4].do(hammer)
	}
	stop()
	sum := everybody(workers, order{Op: "halt"})
	a := s.since(mark)
	good, bad := s.healthy(20 * time.Second)
	r.must(a.replays == 0 && good == len(s.conns), "%d replays, %d lost (%v)", a.replays, len(s.conns)-good, bad)
	r.within(30*time.Millisecond+100*time.Millisecond, slowest, "slowest drain %v", slowest)
	r.must(sum.Outcomes["ok"] > 0, "nobody worked: %v", sum.Outcomes)
	r.saw("%d refreshes, %d lost, %d replays, slowest drain %v", a.rotations, len(s.conns)-good, a.replays, slowest.Round(time.Millisecond))
}

func TestF07AStormOfExpiriesCostsOneRequestEach(t *testing.T) {
	stormOfExpiries(t, chosen(), size(100, 200))
}

func TestF07AStormOfExpiriesOnTheOtherStores(t *testing.T) {
	eachOther(t, func(t *testing.T, on backEnd) { stormOfExpiries(t, on, size(20, 200)) })
}

func stormOfExpiries(t *testing.T, on backEnd, expiries int) {
	stormOfExpiriesAt(t, 7, string(on), newPlace(t, on), expiries)
}

func stormOfExpiriesAt(t *testing.T, number int, over string, at place, expiries int) {
	const processes, connections = 4, 10
	r := drill(t, number, fmt.Sprintf("%s: 4 processes × 64 goroutines × %d expiries × 10 connections", over, expiries),
		fmt.Sprintf("%d requests and rotations, 0 replays, 0 lost, ≤ 60 s", expiries*connections))
	s := newSceneAt(t, at, connections, orgtest.Config{})
	mark, began := s.mark(), time.Now()
	failed := s.storm(s.workers(processes), expiries)
	took := time.Since(began)
	a := s.since(mark)
	good, _ := s.healthy(10 * time.Second)
	r.must(a.posts == expiries*connections && a.rotations == expiries*connections, "%d requests, %d rotations", a.posts, a.rotations)
	r.must(a.replays == 0 && good == connections && failed == 0, "%d replays, %d lost, %d calls failed", a.replays, connections-good, failed)
	r.within(time.Minute, took, "it took %v", took)
	r.saw("%d requests, %d rotations, %d replays, %d lost, %.0f s", a.posts, a.rotations, a.replays, connections-good, took.Seconds())
}

// storm ends all sessions again and again while each worker's 64 goroutines want every connection, and returns how many
// calls failed.
func (s *scene) storm(workers []*worker, expiries int) (failed int) {
	const goroutines = 64
	call := order{Op: "call", Conns: s.indices(), Each: goroutines}
	everybody(workers, call)
	for range expiries {
		s.org.ExpireSessions()
		sum := everybody(workers, call)
		if failed += len(workers)*goroutines - sum.Outcomes["ok"]; failed > 0 {
			s.t.Logf("outcomes %v", sum.Outcomes)
			break
		}
	}
	return failed
}

func TestF33ADeadGrantIsAskedAboutOnce(t *testing.T) {
	lasting := time.Duration(size(3, 600)) * time.Second
	r := drill(t, 33, fmt.Sprint("grants revoked; 4 processes × 64 goroutines insist for ", lasting), "at most 1 request per grant, all callers told the same")
	s := newScene(t, 5, orgtest.Config{})
	workers := s.workers(4)
	everybody(workers, order{Op: "call", Conns: s.indices(), Each: 64})
	mark := s.mark()
	if err := s.org.RevokeAll(appName); err != nil {
		t.Fatal(err)
	}
	everybody(workers, order{Op: "hammer", Conns: s.indices(), Each: 64, Within: 20 * time.Second})
	time.Sleep(lasting)
	sum := everybody(workers, order{Op: "halt"})
	a := s.since(mark)
	dead := sum.Outcomes[string(oauthflow.KindGrantDead)]
	r.must(a.posts <= len(s.conns), "%d requests for %d grants", a.posts, len(s.conns))
	r.must(dead > 1000 && sum.Outcomes["ok"] == 0, "outcomes %v", sum.Outcomes)
	r.saw("%d requests for %d grants, %d callers told", a.posts, len(s.conns), dead)
}

// expireEvery ends all sessions again and again until it is stopped: so often, but not before half of those that have
// ended were refreshed, unless that takes ten times as long.
func (s *scene) expireEvery(d time.Duration) (stop func()) {
	done := make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		mark, began := s.mark(), time.Time{} // none has ended yet
		for {
			select {
			case <-time.After(d):
			case <-done:
				return
			}
			if s.since(mark).rotations >= len(s.conns)/2 || time.Since(began) >= 10*d {
				mark, began = s.mark(), time.Now()
				s.org.ExpireSessions()
			}
		}
	})
	return func() { close(done); all.Wait() }
}
