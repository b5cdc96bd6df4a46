package oauthflow_test

import (
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
)

// A tenant's user may begin logins and send callbacks as fast as he likes.
func TestAtMostSixteenCodesAreUnderWayAtOneHost(t *testing.T) {
	w := rotating(t)
	m := w.manager(silent)
	var requests crowd
	w.wire.tap(func(*http.Request) error {
		defer requests.enter()()
		time.Sleep(300 * time.Millisecond)
		return nil
	}, nil)
	var all sync.WaitGroup
	for i := range 100 {
		all.Go(func() {
			binding := fmt.Sprintf("a binding of a session %d", i)
			redirect, err := m.Begin(t.Context(), mainKey, w.client(), binding, oauthflow.AuthorizeOptions{})
			if err != nil {
				return
			}
			u, _ := url.Parse(redirect)
			_, _ = m.Complete(t.Context(), oauthflow.Callback{
				Tenant: mainKey.Tenant, Path: "/app/admin/motion", Binding: binding,
				Query: url.Values{"code": {"aPrxOfNobody"}, "state": {u.Query().Get("state")}},
			})
		})
	}
	all.Wait()
	if n := requests.most.Load(); n > 16 {
		t.Errorf("%d requests at once, want at most 16", n)
	}
}
