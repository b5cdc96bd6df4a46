package faults

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// The rows of virtual time that fit into a few seconds run here once more, over sockets and a real store. The hours of F36,
// the minutes of F37 and the 400 days of F40 do not: a wall clock that runs fast would end every lease before its request.

// pair returns the managers of two processes that look at the store again with each call, over a network and a store that
// are each changed by a function; nil leaves them as they are.
func (s *scene) pair(
	net func(http.RoundTripper) http.RoundTripper, store func(tokenstore.Store) tokenstore.Store,
) (a, b *oauthflow.Manager) {
	s.t.Helper()
	var both [2]*oauthflow.Manager
	for i := range both {
		records, rt := s.open(), http.RoundTripper(s.server.Transport())
		if store != nil {
			records = store(records)
		}
		if net != nil {
			rt = net(rt)
		}
		both[i] = s.manager(records, s.over(rt), func(c *oauthflow.ManagerConfig) { c.Timing.Recheck = time.Millisecond })
	}
	return both[0], both[1]
}

func slowStore(s tokenstore.Store) tokenstore.Store { return dawdlingStore{s} }

func TestF03AndF04WaitersLeave(t *testing.T) {
	rounds := size(20, 200)
	r3 := drill(t, 3, fmt.Sprint("in real time: the first of 64 waiters is cancelled after 10 ms, ", rounds, " times"),
		"1 request each, it leaves within 5 ms, but for a tenth; 63 others served")
	r4 := drill(t, 4, fmt.Sprint("in real time: all 64 waiters are cancelled, ", rounds, " times"),
		"each result is stored all the same, and served by another process")
	s := newScene(t, 1, orgtest.Config{RefreshTime: 50 * time.Millisecond})
	m, other := s.pair(nil, nil)
	k := s.conns[0]
	for _, all := range []bool{false, true} {
		mark := s.mark()
		left, served, stored := tally{outcomes: map[string]int{}}, 0, 0
		var mu sync.Mutex
		for range rounds {
			old, err := m.Source(k).Token()
			must(t, err)
			s.org.ExpireSessions()
			var waiters sync.WaitGroup
			for i := range 64 {
				waiters.Go(func() {
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					leaves := i == 0 || all
					var ended time.Time
					if leaves {
						time.AfterFunc(10*time.Millisecond, func() { ended = time.Now(); cancel() })
					}
					_, err := m.Source(k).Replace(ctx, old.AccessToken)
					mu.Lock()
					defer mu.Unlock()
					switch {
					case leaves && errors.Is(err, context.Canceled):
						left.add(nil, time.Since(ended))
					case !leaves && err == nil:
						served++
					default:
						t.Errorf("waiter %d: %v", i, err)
					}
				})
			}
			waiters.Wait()
			for range 400 { // the request may still be under way
				fresh, err := other.Source(k).Token()
				if err == nil && fresh.AccessToken != old.AccessToken && s.accepted(fresh.AccessToken) {
					stored++
					break
				}
				time.Sleep(5 * time.Millisecond)
			}
		}
		a := s.since(mark)
		if all {
			r4.must(stored == rounds && a.posts == rounds && a.replays == 0,
				"%d of %d stored, %d requests, %d replays", stored, rounds, a.posts, a.replays)
			r4.saw("%d of %d stored, %d requests, %d replays", stored, rounds, a.posts, a.replays)
			continue
		}
		late := left.quantile(90)
		r3.must(a.posts == rounds && served == 63*rounds && a.replays == 0,
			"%d requests, %d served, %d replays", a.posts, served, a.replays)
		r3.within(5*time.Millisecond, late, "nine of ten left %v late", late)
		r3.saw("%d requests for %d rounds, nine of ten left at most %v late, %d served",
			a.posts, rounds, late.Round(10*time.Microsecond), served)
	}
}

func TestF39RotationIsSwitchedBackAndForth(t *testing.T) {
	flips := size(60, 1000)
	r := drill(t, 39,
		fmt.Sprint("in real time: rotation switched on or off, as until Summer '26, before each of ", flips, " refreshes, by two processes in turn"), "0 lost")
	s := newScene(t, 1, orgtest.Config{Release: orgtest.Summer26})
	a, b := s.pair(nil, nil)
	mark, failed := s.mark(), 0
	for i := range flips {
		must(t, rotate(s.org, i%2 == 1))
		s.org.ExpireSessions()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		if err := use(ctx, []*oauthflow.Manager{a, b}[i%2], s, s.conns[0]); err != nil {
			t.Log(err)
			failed++
		}
		cancel()
	}
	seen := s.since(mark)
	r.must(failed == 0 && seen.replays == 0 && seen.rotations == flips,
		"%d lost, %d replays, %d refreshes", failed, seen.replays, seen.rotations)
	r.saw("%d refreshes, %d lost, %d replays", seen.rotations, failed, seen.replays)
}

// duringRefreshes has the first process refresh each connection, half of them because their sessions have ended, half of
// them before that, and does something to it at the same time.
func (s *scene) duringRefreshes(a *oauthflow.Manager, prepare func(oauthflow.Key) (do func())) {
	s.t.Helper()
	slots := make(chan struct{}, 12)
	half := len(s.conns) / 2
	for i, conns := range [][]oauthflow.Key{s.conns[:half], s.conns[half:]} {
		ended := i == 1
		if ended {
			s.org.ExpireSessions()
		}
		var all sync.WaitGroup
		for _, k := range conns {
			slots <- struct{}{}
			all.Go(func() {
				defer func() { <-slots }()
				old, err := a.Source(k).Token()
				if err != nil {
					s.t.Error(err)
					return
				}
				do := prepare(k)
				var both sync.WaitGroup
				both.Go(func() {
					dawdle()
					if ended {
						_, _ = a.Source(k).Replace(s.t.Context(), old.AccessToken)
					} else {
						_ = a.Renew(s.t.Context(), k)
					}
				})
				both.Go(func() {
					dawdle()
					dawdle()
					do()
				})
				both.Wait()
			})
		}
		all.Wait()
	}
}

// alive are the approvals of the org that nobody has ended.
func (s *scene) alive() map[int]bool { return (&bubble{org: s.org}).alive() }

// patiently waits until something has happened, for two minutes at most: what a machine does in a second takes one that has
// other work as long as it takes.
func patiently(is func() bool) bool {
	for began := time.Now(); time.Since(began) < 2*time.Minute; time.Sleep(50 * time.Millisecond) {
		if is() {
			return true
		}
	}
	return is()
}

// eventually reports whether something comes true within ten seconds.
func eventually(is func() bool) bool {
	for range 200 {
		if is() {
			return true
		}
		time.Sleep(50 * time.Millisecond)
	}
	return is()
}

func TestF61AuthorizedAnewDuringARefresh(t *testing.T) {
	n := size(80, 2000)
	r := drill(t, 61, fmt.Sprint("in real time: ", n, " logins in one process during a refresh in another"),
		"the new grant wins each time, the old one is revoked")
	s := newScene(t, n, orgtest.Config{})
	a, b := s.pair(slowWire, slowStore)
	before, mark := s.alive(), s.mark()
	s.duringRefreshes(a, func(k oauthflow.Key) func() {
		cb := s.login(b, k)
		return func() {
			if _, err := b.Complete(t.Context(), cb); err != nil {
				t.Error(err)
			}
		}
	})
	left := func() (old, now int) {
		for approval := range s.alive() {
			if now++; before[approval] {
				old++
			}
		}
		return old, now
	}
	eventually(func() bool { old, _ := left(); return old == 0 })
	s.org.ExpireSessions()
	good, bad := s.healthy(20 * time.Second)
	old, now := left()
	seen := s.since(mark)
	r.must(good == n && old == 0 && now == n && seen.replays == 0,
		"%d overwritten (%v), %d old grants left, %d in all, %d replays", n-good, bad, old, now, seen.replays)
	r.must(seen.rotations > n, "only %d refreshes", seen.rotations) // n of them are of those who looked afterwards
	r.saw("%d overwritten, %d old grants left, %d refreshes, %d replays", n-good, old, seen.rotations, seen.replays)
}

func TestF62DisconnectedDuringARefresh(t *testing.T) {
	n := size(80, 2000)
	r := drill(t, 62, fmt.Sprint("in real time: ", n, " disconnections in one process during a refresh in another"),
		"disconnected each time, 0 live tokens")
	s := newScene(t, n, orgtest.Config{})
	tap := &tokenTap{base: s.server.Transport(), issued: map[string]string{}}
	a, b := s.pair(func(http.RoundTripper) http.RoundTripper { return dawdling{tap} }, slowStore)
	mark := s.mark()
	s.duringRefreshes(a, func(k oauthflow.Key) func() {
		return func() {
			if err := b.Disconnect(t.Context(), k); err != nil {
				t.Error(err)
			}
		}
	})
	live := func() int {
		tap.mu.Lock()
		defer tap.mu.Unlock()
		n := len(s.alive())
		for access := range tap.issued {
			if s.accepted(access) {
				n++
			}
		}
		return n
	}
	eventually(func() bool { return live() == 0 })
	left := 0
	for _, k := range s.conns {
		if _, err := a.Load(t.Context(), k); outcome(err) != string(oauthflow.KindNotConnected) {
			left++
		}
	}
	seen := s.since(mark)
	r.must(live() == 0 && left == 0 && seen.replays == 0, "%d live tokens, %d records, %d replays", live(), left, seen.replays)
	r.must(len(tap.issued) > n/8, "only %d refreshes", len(tap.issued))
	r.saw("%d live tokens, %d records left, %d refreshes, %d replays", live(), left, len(tap.issued), seen.replays)
}
