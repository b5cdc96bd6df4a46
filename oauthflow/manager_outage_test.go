package oauthflow_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// overPipes carries one request of each connection to the org.
func (w *world) overPipes(c net.Conn) {
	req, err := http.ReadRequest(bufio.NewReader(c))
	if err != nil {
		return
	}
	req.URL.Scheme, req.URL.Host, req.RequestURI = "https", req.Host, ""
	resp, err := w.wire.RoundTrip(req)
	if err != nil {
		return
	}
	defer resp.Body.Close()
	_ = resp.Write(c)
}

func TestAHostThatIsDownIsAskedOnceASecondHoweverManyConnectionsItHas(t *testing.T) {
	const connections, outage = 150, 10 * time.Minute
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, orgtest.Config{RotateRefreshTokens: true, ApprovalLimit: connections})
		var down atomic.Bool
		var dials atomic.Int32
		flow := w.flow(piped(func(context.Context) error {
			dials.Add(1)
			if down.Load() {
				return &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
			}
			return nil
		}, w.overPipes))
		m := w.manager(func(c *oauthflow.ManagerConfig) { c.Flow = flow })
		sources := make([]*oauthflow.Source, connections)
		dead := make([]string, connections)
		for i := range sources {
			k := oauthflow.Key{Tenant: "acme", Name: fmt.Sprint(i)}
			w.connect(m, k)
			sources[i] = m.Source(k)
			dead[i] = w.token(sources[i])
		}
		w.org.ExpireSessions()
		down.Store(true)
		before, began := dials.Load(), time.Now()
		healed := make([]time.Duration, connections)
		var all sync.WaitGroup
		for i, s := range sources {
			all.Go(func() {
				for {
					if _, err := s.Replace(t.Context(), dead[i]); err == nil {
						healed[i] = time.Since(began) - outage
						return
					}
					time.Sleep(20 * time.Second)
				}
			})
		}
		time.Sleep(outage)
		during := int(dials.Load() - before)
		down.Store(false)
		all.Wait()
		if most := int(outage/time.Second) + 8 + 16; during > most { // until it is held to be down, and those under way then
			t.Errorf("%d dials during the outage, want at most %d", during, most)
		}
		if during < 20 {
			t.Errorf("%d dials during the outage: nobody looked whether it was over", during)
		}
		if last := slices.Max(healed); last > 5*time.Minute {
			t.Errorf("the last connection healed %v after the outage", last)
		}
		w.wantEvents("refresh", "reuse", 0)
		t.Logf("%d dials, the last healed after %v", during, slices.Max(healed))
	})
}

func TestAtMostSixteenRequestsAreUnderWayAtOneHost(t *testing.T) {
	const connections = 60
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, orgtest.Config{RotateRefreshTokens: true, ApprovalLimit: connections})
		var requests, swaps crowd
		var asked atomic.Int32
		h := &hooked{Store: w.store}
		w.store = h
		slow := carrier(func(req *http.Request) (*http.Response, error) {
			defer requests.enter()()
			time.Sleep(300 * time.Millisecond)
			if req.URL.Path == "/services/oauth2/introspect" {
				asked.Add(1)
			}
			return w.wire.RoundTrip(req)
		})
		sources := make([]*oauthflow.Source, connections)
		dead := make([]string, connections)
		calm := w.manager()
		m := w.manager(func(c *oauthflow.ManagerConfig) { c.Flow = w.flow(slow) })
		for i := range sources {
			k := oauthflow.Key{Tenant: "acme", Name: fmt.Sprint(i)}
			w.connect(calm, k)
			sources[i] = m.Source(k)
			dead[i] = w.token(sources[i])
		}
		w.org.ExpireSessions()
		h.onSave(func(_ tokenstore.Record, do func() error) error { // whose lease begins here must not stand in a queue
			defer swaps.enter()()
			time.Sleep(100 * time.Millisecond)
			return do()
		})
		w.wire.tap(func(*http.Request) error { return errors.New("the connection breaks") }, nil) // so that all are in doubt
		time.AfterFunc(time.Minute, func() { w.wire.tap(nil, nil) })
		var all sync.WaitGroup
		for i, s := range sources {
			all.Go(func() {
				for {
					if _, err := s.Replace(t.Context(), dead[i]); err == nil {
						return
					}
					time.Sleep(time.Second)
				}
			})
		}
		all.Wait()
		if n := requests.most.Load(); n > 16 || n < 10 {
			t.Errorf("%d requests at once, want at most 16 and about so many", n)
		}
		if n := swaps.most.Load(); n > 16 || n < 10 {
			t.Errorf("%d compare-and-swaps at once, want at most 16 and about so many", n)
		}
		if asked.Load() < connections {
			t.Errorf("Salesforce was asked %d times about %d refresh tokens", asked.Load(), connections)
		}
		w.wantEvents("refresh", "reuse", 0)
	})
}

// crowd counts who is inside at once.
type crowd struct{ now, most atomic.Int32 }

func (c *crowd) enter() (leave func()) {
	for n := c.now.Add(1); ; {
		most := c.most.Load()
		if n <= most || c.most.CompareAndSwap(most, n) {
			break
		}
	}
	return func() { c.now.Add(-1) }
}
