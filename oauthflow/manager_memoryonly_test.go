package oauthflow_test

import (
	"errors"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/internal/needs"
	"github.com/fullcast/sfauth/oauthflow"
)

func memoryOnly(c *oauthflow.ManagerConfig) { c.AccessTokens = oauthflow.AccessTokenInMemoryOnly }

func TestAnAccessTokenKeptInMemoryIsInNoRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		h := &hooked{Store: w.store}
		w.store = h
		m := w.manager(memoryOnly)
		// Whatever was ever saved is opened by a manager that stores access tokens and finds none: it has to refresh.
		var saved []oauthflow.Record
		h.onSave(func(r oauthflow.Record, do func() error) error {
			err := do()
			if err == nil && isConnection(r.ID) {
				r.Version++
				saved = append(saved, r)
			}
			return err
		})
		w.connect(m, mainKey)
		if err := m.Renew(t.Context(), mainKey); err != nil {
			t.Fatal(err)
		}
		if err := m.SetClient(t.Context(), mainKey, w.client()); err != nil {
			t.Fatal(err)
		}
		h.onSave(nil)
		if len(saved) < 4 {
			t.Fatalf("%d saves were seen, want those of login, refresh and new client", len(saved))
		}
		offline := errors.New("no network here")
		for i, r := range saved {
			copied := oauthflow.NewMemoryStore()
			for version := range r.Version {
				r.Version = version
				if err := copied.Save(t.Context(), r); err != nil {
					t.Fatal(err)
				}
			}
			reader := w.manager(func(c *oauthflow.ManagerConfig) {
				c.Store = copied
				c.Flow = w.flow(carrier(func(*http.Request) (*http.Response, error) { return nil, offline }))
				c.Timing = oauthflow.Timing{Lease: time.Second, Quiet: time.Second, Confirm: time.Second, LastTry: time.Second}
			})
			if _, err := reader.Load(t.Context(), mainKey); err != nil {
				t.Fatal(err)
			}
			wait, cancel := withTimeout(t, 20*time.Second)
			if _, err := reader.Source(mainKey).TokenContext(wait); err == nil {
				t.Errorf("save %d of %d holds an access token", i+1, len(saved))
			}
			cancel()
		}
	})
}

func TestTwoProcessesThatKeepTokensInMemoryDoNotRefreshInTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		managers := []*oauthflow.Manager{w.manager(memoryOnly), w.manager(memoryOnly)}
		w.connect(managers[0], mainKey)
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() {
				s := managers[i%2].Source(mainKey)
				client := &http.Client{Transport: s.Transport(w.org.RoundTripper())}
				for began := time.Now(); time.Since(began) < 10*time.Minute; time.Sleep(time.Second) {
					resp, err := client.Get(w.org.InstanceURL() + "/services/data/v66.0/limits")
					if err != nil {
						t.Error(err)
						return
					}
					resp.Body.Close()
					if resp.StatusCode == http.StatusUnauthorized {
						t.Error("a request was refused in the end")
					}
				}
			})
		}
		time.Sleep(5 * time.Minute)
		w.org.ExpireSessions()
		all.Wait()
		if n := w.wire.refreshes(); n < 2 || n > 4 { // one for the second process, one each for the ended session
			t.Errorf("%d refreshes in ten minutes, want 2 to 4", n)
		}
		w.wantEvents("refresh", "reuse", 0)
	})
}

func TestDisconnectRevokesAConnectionWhoseAccessTokenIsInMemory(t *testing.T) {
	for name, who := range map[string]func(mine, other *oauthflow.Manager) *oauthflow.Manager{
		"by the process that has the token": func(mine, _ *oauthflow.Manager) *oauthflow.Manager { return mine },
		"by a process that has none":        func(_, other *oauthflow.Manager) *oauthflow.Manager { return other },
	} {
		t.Run(name, func(t *testing.T) {
			w := rotating(t)
			mine, other := w.manager(memoryOnly), w.manager(memoryOnly)
			w.connect(mine, mainKey)
			access := w.token(mine.Source(mainKey))
			if err := who(mine, other).Disconnect(t.Context(), mainKey); err != nil {
				t.Fatal(err)
			}
			if w.alive(access) || len(w.liveApprovals()) != 0 {
				t.Error("a token is alive")
			}
		})
	}
}

func TestAMoveTakesATokenKeptInMemoryAlong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		m := w.manager(memoryOnly)
		w.connect(m, mainKey)
		to := oauthflow.Key{Tenant: "acme", Name: "target"}
		if err := m.Move(t.Context(), mainKey, to); err != nil {
			t.Fatal(err)
		}
		if !w.alive(w.token(m.Source(to))) {
			t.Error("the moved connection does not work")
		}
		w.wantEvents("refresh", "reuse", 0)
	})
}

func TestARestartedProcessRefreshesOnceForItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		w.connect(w.manager(memoryOnly), mainKey)
		for restart := range 5 {
			s := w.manager(memoryOnly).Source(mainKey)
			for range 10 {
				if !w.alive(w.token(s)) {
					t.Error("the token is dead")
				}
				time.Sleep(time.Minute)
			}
			if n := w.wire.refreshes(); n != restart+1 {
				t.Errorf("after %d restarts there were %d refreshes", restart+1, n)
			}
		}
	})
}

func TestKeepAliveOfProcessesThatKeepTokensInMemoryRefreshesOnce(t *testing.T) {
	needs.Patience(t)
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		m := w.manager(memoryOnly)
		w.connect(m, mainKey)
		w.keptAlive(27*day, m, w.manager(memoryOnly), w.manager(memoryOnly))
		w.wantEvents("refresh", "ok", 1)
		w.wantEvents("refresh", "", 1)
	})
}
