package oauthflow_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
)

// atFullSize runs with as many connections as the largest fleet has.
var atFullSize = os.Getenv("SFAUTH_FAULTS") == "long"

// All sessions end at once, each org has a login host of its own, and the store has a pool. What the store can do and what is
// asked of it are as with 20,000 connections and a pool of 16, which takes a minute here.
func TestEverySessionEndsAtOnceAndNoCallerFails(t *testing.T) {
	type size struct {
		connections, processes, pool int
		call                         time.Duration
	}
	sizes := []size{{1000, 1, 4, 16 * time.Millisecond}, {300, 4, 4, 8 * time.Millisecond}}
	if raced {
		sizes = []size{{250, 1, 1, 16 * time.Millisecond}, {100, 4, 2, 8 * time.Millisecond}}
	} else if atFullSize {
		sizes = []size{{20_000, 1, 16, 2 * time.Millisecond}, {5000, 4, 16, 2 * time.Millisecond}}
	}
	for _, tt := range sizes {
		t.Run(fmt.Sprint(tt.connections, " connections, ", tt.processes, " processes"), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFleet(t, tt.connections, own)
				var workers []*oauthflow.Manager
				var stores []*narrow
				for range tt.processes {
					m, s := f.worker(tt.pool, func(c *oauthflow.ManagerConfig) { c.StoreCalls = tt.pool })
					s.takes = tt.call
					workers, stores = append(workers, m), append(stores, s)
				}
				saw := f.wanted(time.Minute, workers...)
				t.Log(saw)
				refreshes, replays := f.seen()
				if len(saw.failed) > 0 || refreshes != tt.connections || replays > 0 {
					t.Errorf("%d of %d callers failed, %d refreshes, %d replays; want 0, %d, 0", len(saw.failed), len(saw.took), refreshes, replays, tt.connections)
				}
				for _, s := range stores {
					mean, most, hosts := s.calls()
					t.Logf("%.2f calls a connection, %d at most, %.2f of hosts", mean, most, float64(hosts)/float64(tt.connections))
					if mean > 3.1 { // those that find a free place ask for connection and host at once, and may look once more
						t.Errorf("%.2f store calls for a connection, want 3 at most", mean)
					}
					if s.most > tt.pool {
						t.Errorf("%d store calls at once, want %d at most", s.most, tt.pool)
					}
				}
				if most := 2*len(saw.took) + 64*tt.pool*tt.processes; saw.goroutines > most {
					t.Errorf("%d goroutines for %d callers, want %d at most", saw.goroutines, len(saw.took), most)
				}
			})
		})
	}
}

// More callers than the store answers within its time limit of five seconds.
func TestNoCallOfTheStoreFailsForItsPlaceInTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, 1, own)
		m, s := f.worker(2, func(c *oauthflow.ManagerConfig) { c.StoreCalls = 2 })
		s.takes = 100 * time.Millisecond
		var all sync.WaitGroup
		for range 200 {
			all.Go(func() {
				if _, err := m.Load(t.Context(), f.keys[0]); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	})
}

func TestWhoLeavesTheQueueOfTheStoreIsGoneAtOnceAndTakesNoTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, 2, own)
		m, s := f.worker(1, func(c *oauthflow.ManagerConfig) { c.StoreCalls = 1 })
		s.takes = time.Second
		began := time.Now()
		var all sync.WaitGroup
		all.Go(func() { _, _ = m.Load(t.Context(), f.keys[0]) })
		synctest.Wait()
		for range 1000 {
			all.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
				defer cancel()
				if _, err := m.Load(ctx, f.keys[0]); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > 100*time.Millisecond {
					t.Errorf("%v after %v", err, time.Since(began))
				}
			})
		}
		synctest.Wait()
		all.Go(func() {
			if _, err := m.Load(t.Context(), f.keys[1]); err != nil || time.Since(began) > 2*time.Second {
				t.Errorf("who stays is answered after %v (%v)", time.Since(began), err)
			}
		})
		all.Wait()
	})
}

// What is under way runs into the time limit of a call; those that wait would do so after it, one batch after the other.
func TestAStoreThatHangsHoldsNobodyLongerThanOneCallOfIt(t *testing.T) {
	const connections = 500
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, connections, own)
		m, s := f.worker(2, func(c *oauthflow.ManagerConfig) { c.StoreCalls = 2 })
		s.hangs.Store(true)
		saw := f.wanted(time.Minute, m)
		if len(saw.failed) != connections || saw.lasted > 6*time.Second {
			t.Errorf("while it hangs: %v", saw)
		}
		for _, x := range saw.failed {
			wantKind(t, x.err, oauthflow.KindStore)
		}
		s.hangs.Store(false)
		saw = f.wanted(time.Minute, m)
		if refreshes, replays := f.seen(); len(saw.failed) > 0 || refreshes != connections || replays > 0 {
			t.Errorf("afterwards: %v; %d refreshes, %d replays", saw, refreshes, replays)
		}
	})
}

func TestAStoreThatHangsDoesNotKeepGoodTokensFromTheirCallers(t *testing.T) {
	const connections = 500
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, connections, own)
		m, s := f.worker(2, func(c *oauthflow.ManagerConfig) { c.StoreCalls = 2 })
		time.Sleep(time.Minute) // they are to be checked again
		s.hangs.Store(true)
		began := time.Now()
		var all sync.WaitGroup
		for i, k := range f.keys {
			all.Go(func() {
				tok, err := m.Source(k).TokenContext(t.Context())
				if err != nil || tok.AccessToken != access(i, 0) || time.Since(began) > 6*time.Second {
					t.Errorf("%v after %v", err, time.Since(began))
				}
			})
		}
		all.Wait()
	})
}

// A failover: nothing is answered for a while, then nobody can be reached for a while. Callers come back as they are told.
func TestAnOutageOfTheStoreInThatMinuteEndsByItself(t *testing.T) {
	const connections = 600
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, connections, own)
		m, s := f.worker(2, func(c *oauthflow.ManagerConfig) { c.StoreCalls = 2 })
		time.AfterFunc(2*time.Second, func() { s.hangs.Store(true) })
		time.AfterFunc(12*time.Second, func() { s.hangs.Store(false) })
		began := time.Now()
		var all sync.WaitGroup
		for i := range f.keys {
			all.Go(func() {
				for f.replace(t.Context(), m, i) != nil {
					time.Sleep(time.Second)
				}
			})
		}
		all.Wait()
		took := time.Since(began)
		if refreshes, replays := f.seen(); refreshes != connections || replays > 0 || took > time.Minute {
			t.Errorf("%d refreshes for %d connections, %d replays, in %v", refreshes, connections, replays, took)
		}
	})
}

// A generic login host takes sixteen requests at once from a process; 5,000 take a minute and a half.
func TestAtAGenericHostWhoGivesUpIsToldWhenItsTurnComes(t *testing.T) {
	connections := 500
	if atFullSize {
		connections = 5000
	}
	patience := time.Duration(connections) * 12 * time.Millisecond // two thirds of the time it takes
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, connections, func(int) string { return "login.salesforce.com" })
		m, _ := f.worker(16)
		began := time.Now()
		saw := f.wanted(patience, m)
		t.Log(saw)
		if n := f.mostAt("login.salesforce.com"); n != 16 {
			t.Errorf("%d requests at once, want 16", n)
		}
		if len(saw.failed) < connections/4 || len(saw.failed) > connections/2 {
			t.Errorf("%d of %d gave up, want about a third", len(saw.failed), connections)
		}
		var underWay atomic.Int32
		var all sync.WaitGroup
		for _, x := range saw.failed {
			all.Go(func() {
				e := wantKind(t, x.err, oauthflow.KindNotSent)
				if !errors.Is(e, context.DeadlineExceeded) || e.RetryAfter > patience {
					t.Errorf("%v, to come back after %v", e, e.RetryAfter)
				}
				if e.RetryAfter == 0 {
					underWay.Add(1)
				}
				time.Sleep(e.RetryAfter + time.Second)
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				if err := f.replace(ctx, m, x.connection); err != nil {
					t.Errorf("who comes back when told is not served: %v", err)
				}
			})
		}
		all.Wait()
		t.Logf("all were served after %v", time.Since(began))
		if n := underWay.Load(); n > 16 {
			t.Errorf("%d are not told when to come back, want those alone whose request was under way", n)
		}
		if refreshes, replays := f.seen(); refreshes != connections || replays > 0 {
			t.Errorf("%d refreshes for %d connections, %d replays", refreshes, connections, replays)
		}
	})
}

func TestAQueueAtOneHostTakesNoPlaceFromOthers(t *testing.T) {
	const connections = 1000
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, connections, func(i int) string {
			if i == 0 {
				return own(i)
			}
			return "login.salesforce.com"
		})
		m, _ := f.worker(4, func(c *oauthflow.ManagerConfig) { c.StoreCalls = 4 })
		var all sync.WaitGroup
		for i := 1; i < connections; i++ {
			all.Go(func() { _ = f.replace(t.Context(), m, i) })
		}
		time.Sleep(time.Second)
		began := time.Now()
		err := f.replace(t.Context(), m, 0)
		if took := time.Since(began); err != nil || took > time.Second {
			t.Errorf("at a host of its own: %v after %v", err, took)
		}
		all.Wait()
	})
}

// Requests that nobody answers last two minutes.
func TestHostsThatHangDelayOthersBySeconds(t *testing.T) {
	const connections, hang = 201, 200
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, connections, own)
		f.silent = func(host string) bool { return host != own(connections-1) }
		m, _ := f.worker(4, func(c *oauthflow.ManagerConfig) { c.StoreCalls = 4 }) // 32 refreshes at once
		for i := range hang {
			go func() { _ = f.replace(t.Context(), m, i) }()
		}
		synctest.Wait()
		began := time.Now()
		err := f.replace(t.Context(), m, connections-1)
		if took := time.Since(began); err != nil || took > 15*time.Second {
			t.Errorf("behind %d that hang: %v after %v", hang, err, took)
		}
	})
}

// It looks after sixteen connections at once, each of which waits for its turn like a caller's.
func TestTheKeepAliveTakesFewPlacesFromCallers(t *testing.T) {
	connections, due := 1000, 500
	if raced {
		connections, due = 200, 100
	}
	lasted := map[bool]time.Duration{}
	for _, kept := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			f := newFleet(t, connections+due, own)
			for i := connections; i < connections+due; i++ {
				f.due(i, time.Now())
			}
			f.keys = f.keys[:connections]
			m, _ := f.worker(4, func(c *oauthflow.ManagerConfig) { c.StoreCalls = 4 })
			time.Sleep(time.Second)
			if kept {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				go func() { _ = m.KeepAlive(ctx) }()
			}
			synctest.Wait()
			saw := f.wanted(time.Minute, m)
			if len(saw.failed) > 0 {
				t.Error(saw)
			}
			lasted[kept] = saw.lasted
		})
	}
	if lasted[true] > lasted[false]*6/5 {
		t.Errorf("the callers are served after %v while connections are kept alive, %v without", lasted[true], lasted[false])
	}
}

type tellsPool struct {
	*narrow
	pool int
}

func (s tellsPool) Pool() int { return s.pool }

func TestTheLimitOfStoreCallsIsWhatIsConfiguredElseWhatTheStoreSays(t *testing.T) {
	for _, tt := range []struct{ configured, pool, want int }{{3, 7, 3}, {0, 7, 7}, {0, 0, 16}, {5, 0, 5}} {
		synctest.Test(t, func(t *testing.T) {
			f := newFleet(t, 1, own)
			s := newNarrow(f.store, 1000)
			m := f.w.manager(silent, func(c *oauthflow.ManagerConfig) {
				c.Store, c.StoreCalls = tellsPool{s, tt.pool}, tt.configured
			})
			var all sync.WaitGroup
			for range 50 {
				all.Go(func() { _, _ = m.Load(t.Context(), f.keys[0]) })
			}
			all.Wait()
			if s.most != tt.want {
				t.Errorf("configured %d, pool %d: %d calls at once, want %d", tt.configured, tt.pool, s.most, tt.want)
			}
		})
	}
	for _, n := range []int{-1, 1025} {
		_, err := oauthflow.NewManager(oauthflow.ManagerConfig{StoreCalls: n})
		if err == nil || !strings.Contains(err.Error(), "ManagerConfig.StoreCalls") {
			t.Errorf("StoreCalls %d: %v, want an error that names the field", n, err)
		}
	}
}
