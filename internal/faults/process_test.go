package faults

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"encoding/json"

	"github.com/fullcast/sfauth/oauthflow/orgtest"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

func jsonResponse(req *http.Request, body map[string]string) *http.Response {
	b, _ := json.Marshal(body)
	return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}, Request: req,
		Body: io.NopCloser(strings.NewReader(string(b)))}
}

func TestF03AndF04WaitersLeaveInVirtualTime(t *testing.T) {
	rounds := size(100, 1000)
	r3 := drill(t, 3, fmt.Sprint("the first of 64 waiters is cancelled after 10 ms, ", rounds, " times"), "1 request each, it leaves within 5 ms, 63 others served")
	r4 := drill(t, 4, fmt.Sprint("all 64 waiters are cancelled, ", rounds, " times"), "each result is stored all the same")
	var mu sync.Mutex
	var late time.Duration
	posts, served, stored := 0, 0, 0
	for _, all := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			b := newBubble(t, 2, nil, tokenstore.NewMemory(), orgtest.Config{RefreshTime: 50 * time.Millisecond})
			for range rounds {
				time.Sleep(3 * time.Hour) // the session ends
				tok, err := b.managers[0].Source(key(0)).Token()
				if err != nil {
					t.Fatal(err)
				}
				before := b.s.since(0).posts
				var waiters sync.WaitGroup
				for i := range 64 {
					waiters.Go(func() {
						ctx, cancel := context.WithCancel(t.Context())
						defer cancel()
						leaves := i == 0 || all
						if leaves {
							time.AfterFunc(10*time.Millisecond, cancel)
						}
						began := time.Now()
						_, err := b.managers[0].Source(key(0)).Replace(ctx, tok.AccessToken)
						took := time.Since(began)
						mu.Lock()
						defer mu.Unlock()
						switch {
						case leaves && errors.Is(err, context.Canceled):
							late = max(late, took-10*time.Millisecond)
						case !leaves && err == nil:
							served++
						default:
							t.Errorf("waiter %d: %v", i, err)
						}
					})
				}
				waiters.Wait()
				time.Sleep(time.Minute)
				if !all {
					posts += b.s.since(0).posts - before
					continue
				}
				fresh, err := b.managers[1].Source(key(0)).Token()
				if err == nil && fresh.AccessToken != tok.AccessToken && b.s.accepted(fresh.AccessToken) && b.s.since(0).posts-before == 1 {
					stored++
				}
			}
		})
	}
	r3.must(posts == rounds && served == 63*rounds && late <= 5*time.Millisecond, "%d requests, %d served, %v late", posts, served, late)
	r3.saw("%d requests for %d rounds, left %v late, %d served", posts, rounds, late, served)
	r4.must(stored == rounds, "%d of %d stored", stored, rounds)
	r4.saw("%d of %d stored", stored, rounds)
}

func TestF05SomebodyElsesCodePanics(t *testing.T) {
	n := size(60, 1000)
	r := drill(t, 5, fmt.Sprint("panics in dial, wire, store and observer, p = 0.3, ", n, " refreshes in one process"), "the process lives, each next call succeeds, 0 replays")
	s := newScene(t, n, orgtest.Config{}).hasty()
	w := s.worker(tripped(
		trip{At: "dial", Do: "error", Odds: 0.2}, trip{At: "dialing", Do: "panic", Odds: 0.2}, trip{At: "intent", Do: "panic", Odds: 0.3}, trip{At: "result", Do: "panic", Odds: 0.3},
		trip{At: "stored", Do: "panic", Odds: 0.3}, trip{At: "event", Do: "panic", Odds: 0.5}))
	s.org.ExpireSessions()
	mark := s.mark()
	good := 0
	for range 40 {
		reply, alive := w.do(order{Op: "call", Conns: s.indices(), Each: n, Within: 20 * time.Second})
		r.must(alive, "the process died")
		good = reply.Outcomes["ok"]
		if good == n || !alive {
			break
		}
		time.Sleep(500 * time.Millisecond)
	}
	a := s.since(mark)
	r.must(good == n && a.replays == 0, "%d of %d calls fine, %d replays", good, n, a.replays)
	r.saw("alive, %d of %d calls fine, %d replays, %d requests", good, n, a.replays, a.posts)
}

func TestF39RotationIsSwitchedBackAndForthInVirtualTime(t *testing.T) {
	flips := size(200, 1000)
	r := drill(t, 39, fmt.Sprint("rotation switched on or off, as until Summer '26, before each of ", flips, " refreshes"), "0 lost")
	failed := 0
	var a account
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, 1, nil, tokenstore.NewMemory(), orgtest.Config{Release: orgtest.Summer26})
		m := b.managers[0]
		for i := range flips {
			must(t, rotate(b.org, i%2 == 1))
			time.Sleep(3 * time.Hour)
			if err := use(t.Context(), m, b.s, key(0)); err != nil {
				failed++
			}
		}
		a = b.s.since(0)
	})
	r.must(failed == 0 && a.replays == 0 && a.rotations == flips, "%d lost, %d replays, %d refreshes", failed, a.replays, a.rotations)
	r.saw("%d refreshes, %d lost, %d replays", a.rotations, failed, a.replays)
}
