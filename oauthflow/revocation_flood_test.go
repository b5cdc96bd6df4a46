package oauthflow_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
)

// A tenant may end as many connections at once as it has.
func TestAtMostTwelveRevocationsOfATenantAreUnderWayAtOneHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		m := w.manager(silent)
		keys := make([]oauthflow.Key, 60)
		for i := range keys {
			keys[i] = oauthflow.Key{Tenant: "acme", Name: fmt.Sprintf("c%d", i)}
			w.connectAtMyDomain(m, keys[i])
		}
		hangs := make(chan struct{})
		var requests crowd
		org := w.wire.base
		w.wire.base = carrier(func(r *http.Request) (*http.Response, error) {
			if r.URL.Path == revokeEndpoint {
				defer requests.enter()()
				<-hangs
			}
			return org.RoundTrip(r)
		})
		ctx, leave := context.WithCancel(t.Context())
		var all sync.WaitGroup
		var mu sync.Mutex
		left := 0
		for i, k := range keys {
			all.Go(func() {
				with := t.Context()
				if i%2 == 0 {
					with = ctx
				}
				if err := m.Disconnect(with, k); errors.Is(err, context.Canceled) {
					mu.Lock()
					left++
					mu.Unlock()
				} else if err != nil {
					t.Errorf("%v: %v", k, err)
				}
			})
		}
		synctest.Wait()
		if n := requests.now.Load(); n != 12 {
			t.Errorf("%d requests of one tenant at once, want 12", n)
		}
		leave() // who waits for a turn need not wait for those that hang
		time.Sleep(time.Second)
		synctest.Wait()
		mu.Lock()
		if left < 30-12 {
			t.Errorf("%d of those whose callers have gone were given up, want 18 at least", left)
		}
		mu.Unlock()
		close(hangs)
		all.Wait()
		if n := requests.most.Load(); n != 12 {
			t.Errorf("%d requests of one tenant at once, want 12", n)
		}
	})
}
