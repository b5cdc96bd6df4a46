package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// tally counts what one process asks of a store that is some way off.
type tally struct {
	distant
	mu           sync.Mutex
	looks, hosts int // loads of the connection's record, and of its login host's
	saves        int
}

func (s *tally) Load(ctx context.Context, id string) (tokenstore.Record, error) {
	s.mu.Lock()
	if strings.HasPrefix(id, "host/") {
		s.hosts++
	} else {
		s.looks++
	}
	s.mu.Unlock()
	return s.distant.Load(ctx, id)
}

func (s *tally) Save(ctx context.Context, r tokenstore.Record) error {
	s.mu.Lock()
	s.saves++
	s.mu.Unlock()
	return s.distant.Save(ctx, r)
}

// loss is what competing for a refresh cost the process that did not send it.
type loss struct {
	looks, hosts, saves float64
	wait                float64 // as a multiple of the winner's
}

// contest has two processes, whose store is a millisecond away, replace one rejected token, the second one apart later. It
// returns what that costs the one that does not send. Known tells whether both have refreshed before.
func contest(t *testing.T, endpoint, apart time.Duration, known bool) (l loss) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		records := tokenstore.NewMemory()
		var stores [2]*tally
		var orgs [2]*transport
		var sources [2]*oauthflow.Source
		adopt(t, manager(t, &transport{}, records), acme)
		for i := range sources {
			stores[i] = &tally{distant: distant{Store: records, away: time.Millisecond}}
			orgs[i] = &transport{latency: endpoint}
			sources[i] = manager(t, orgs[i], stores[i]).Source(acme)
		}
		current := func(s *oauthflow.Source) string {
			tok, err := s.TokenContext(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return tok.AccessToken
		}
		for _, s := range sources {
			if dead := current(s); known {
				if _, err := s.Replace(t.Context(), dead); err != nil {
					t.Fatal(err)
				}
			}
		}
		time.Sleep(time.Minute) // so that both ask the store, and have the same token
		dead := current(sources[0])
		if current(sources[1]) != dead {
			t.Fatal("the processes do not begin with the same token")
		}
		for i := range sources {
			stores[i].looks, stores[i].hosts, stores[i].saves = 0, 0, 0
			orgs[i].posts.Store(0)
		}
		var waits [2]time.Duration
		var both sync.WaitGroup
		for i, s := range sources {
			both.Go(func() {
				time.Sleep(time.Duration(i) * apart)
				began := time.Now()
				if _, err := s.Replace(t.Context(), dead); err != nil {
					t.Error(err)
				}
				waits[i] = time.Since(began)
			})
		}
		both.Wait()
		loser := 0
		if orgs[0].posts.Load() > 0 {
			loser = 1
		}
		if n := orgs[0].posts.Load() + orgs[1].posts.Load(); n != 1 {
			t.Errorf("%d requests, want 1", n)
		}
		s := stores[loser]
		l = loss{float64(s.looks), float64(s.hosts), float64(s.saves), float64(waits[loser]) / float64(waits[1-loser])}
	})
	return l
}

// contests returns the medians of many, and the most looks of any.
func contests(t *testing.T, endpoint, apart time.Duration, known bool) (usual loss, most float64) {
	t.Helper()
	var looks, hosts, saves, wait []float64
	for range 21 {
		l := contest(t, endpoint, rand.N(apart+1), known)
		looks, hosts, saves, wait = append(looks, l.looks), append(hosts, l.hosts), append(saves, l.saves), append(wait, l.wait)
	}
	return loss{median(looks), median(hosts), median(saves), median(wait)}, slices.Max(looks)
}

var endpoints = []time.Duration{latency, 300 * time.Millisecond, time.Second}

// At once, the look that finds nothing is followed by the attempt that comes too late, which the second look explains. Later,
// the first look finds the other's intent. Then one finds the result.
func TestWhoCompetesForARefreshLooksFewTimes(t *testing.T) {
	for _, endpoint := range endpoints {
		at, most := contests(t, endpoint, 0, true)
		if at.looks > 3 || at.hosts > 1 || at.saves > 1 || most > 5 {
			t.Errorf("%v, at once: %v looks, at most %v, %v at the host, %v saves; want 3, 5, 1, 1", endpoint, at.looks, most, at.hosts, at.saves)
		}
		later, most := contests(t, endpoint, endpoint, true)
		if later.looks > 2 || later.hosts > 1 || later.saves > 0 || most > 5 {
			t.Errorf("%v, later: %v looks, at most %v, %v at the host, %v saves; want 2, 5, 1, 0", endpoint, later.looks, most, later.hosts, later.saves)
		}
		fresh, most := contests(t, endpoint, 0, false)
		if fresh.looks > 8 || fresh.hosts > 1 || most > 9 {
			t.Errorf("%v, not known: %v looks, at most %v, %v at the host; want 8, 9, 1", endpoint, fresh.looks, most, fresh.hosts)
		}
		if at.wait > 1.2 || later.wait > 0.9 || fresh.wait > 2.1 {
			t.Errorf("%v: the loser waits %.2f times as long as the winner, later %.2f times, not known %.2f times; want 1.2, 0.9, 2.1",
				endpoint, at.wait, later.wait, fresh.wait)
		}
	}
}

func TestRow4TheLoser(t *testing.T) {
	quiet(t)
	for _, endpoint := range endpoints {
		judge(t, byClock, func(int) []row {
			at, _ := contests(t, endpoint, 0, true)
			later, _ := contests(t, endpoint, endpoint, true)
			fresh, _ := contests(t, endpoint, 0, false)
			what := fmt.Sprintf("who loses a refresh of %v: ", endpoint)
			return []row{
				{"4c", what + "loads and saves, at once", "", counted(at.looks + at.hosts + at.saves), 5, ""},
				{"4c", what + "loads and saves, later", "", counted(later.looks + later.hosts + later.saves), 3, ""},
				{"4c", what + "loads and saves, duration not known", "", counted(fresh.looks + fresh.hosts + fresh.saves), 10, ""},
				{"4c", what + "wait, at once", "", counted(at.wait), 1.2, "× the winner's"},
			}
		})
	}
}
