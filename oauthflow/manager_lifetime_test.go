package oauthflow_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

func TestAnAssumedLifetimeRefreshesAheadAndServesTheOldTokenWhileThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		m := w.manager(func(c *oauthflow.ManagerConfig) { c.SessionLifetime.Assume = 2 * time.Hour })
		w.connect(m, mainKey)
		s := m.Source(mainKey)
		first := w.token(s)
		time.Sleep(100 * time.Minute)
		if w.token(s) != first || w.wire.refreshes() != 0 {
			t.Error("the token was refreshed long before its end")
		}
		if err := w.org.Inject(orgtest.Fault{Path: tokenEndpoint, Times: -1, Status: http.StatusBadRequest,
			Header: http.Header{"Content-Type": {"application/json"}}, Body: `{"error":"invalid_app_access","error_description":"this app is blocked by admin"}`}); err != nil {
			t.Fatal(err)
		}
		for range 60 { // it can still be used for a while
			time.Sleep(15 * time.Second)
			if tok, err := s.TokenContext(t.Context()); err != nil || tok.AccessToken != first {
				t.Fatalf("while the refresh fails: %v", err)
			}
		}
		if n := w.wire.refreshes(); n == 0 || n > 30 {
			t.Errorf("%d refreshes were tried in 15 minutes, want some and not many", n)
		}
	})
}

func TestAnAssumedLifetimeSavesTheRefusedRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		set := func(c *oauthflow.ManagerConfig) { c.SessionLifetime.Assume = 2 * time.Hour }
		managers := []*oauthflow.Manager{w.manager(set), w.manager(set)}
		w.connect(managers[0], mainKey)
		for i := range 60 { // a token of two hours that nobody uses in between
			time.Sleep(110 * time.Minute)
			if !w.alive(w.token(managers[i%2].Source(mainKey))) {
				t.Errorf("round %d: the token is dead", i)
			}
		}
		if n := w.wire.refreshes(); n != 60 {
			t.Errorf("%d refreshes, want 60", n)
		}
		w.wantEvents("refresh", "reuse", 0)
	})
}

func TestALearnedLifetimeIsAskedForOnceARefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, orgtest.Config{RotateRefreshTokens: true, SessionTimeout: time.Hour})
		m := w.manager(func(c *oauthflow.ManagerConfig) { c.SessionLifetime.Learn = true })
		w.connect(m, mainKey)
		s := m.Source(mainKey)
		for range 3 {
			if err := m.Renew(t.Context(), mainKey); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		w.wantEvents("introspect", "", 3)
		for range 10 {
			time.Sleep(55 * time.Minute) // of the hour that was learned
			if !w.alive(w.token(s)) {
				t.Error("a dead token was handed out although its lifetime is known")
			}
		}
		synctest.Wait()
		refreshes := w.events("refresh", "ok")
		if refreshes != 13 {
			t.Errorf("%d refreshes, want 13", refreshes)
		}
		w.wantEvents("introspect", "", refreshes)
		w.wantEvents("refresh", "reuse", 0)
	})
}
