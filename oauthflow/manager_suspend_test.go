package oauthflow_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

func withTimeout(t *testing.T, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(t.Context(), d)
}

// refusing is an API that accepts no session, as with sessions locked to another address, until it is healed.
type refusing struct {
	base   http.RoundTripper
	healed bool
}

func (r *refusing) RoundTrip(req *http.Request) (*http.Response, error) {
	if r.healed {
		return r.base.RoundTrip(req)
	}
	return answered(http.StatusUnauthorized, `[{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}]`), nil
}

func ask(t *testing.T, w *world, m *oauthflow.Manager, api http.RoundTripper) (int, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.org.InstanceURL()+"/services/data/v66.0/limits", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := m.Source(mainKey).Transport(api).RoundTrip(req)
	if err != nil {
		return 0, err
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	return resp.StatusCode, nil
}

func TestAGenerationThatIsRefusedIsCountedOnceHoweverOftenItsRefreshFails(t *testing.T) {
	busy := orgtest.Fault{Path: tokenEndpoint, Times: 12, Status: http.StatusBadRequest, Header: http.Header{"Content-Type": {"application/json"}},
		Body: `{"error":"invalid_grant","error_description":"token request is already being processed"}`}
	unknown := busy
	unknown.Body = `{"error":"unknown_error","error_description":"retry your request"}`
	for name, fault := range map[string]orgtest.Fault{"busy": busy, "unknown": unknown} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := rotating(t)
				m := w.manager()
				w.connect(m, mainKey)
				if err := w.org.Inject(fault); err != nil {
					t.Fatal(err)
				}
				api := &refusing{base: w.org.RoundTripper()}
				for began := time.Now(); w.events("refresh", "ok") == 0; time.Sleep(time.Second) {
					if _, err := ask(t, w, m, api); err != nil && kindOf(err) == oauthflow.KindFreshRefused {
						t.Fatalf("one generation was counted often: %v", err)
					}
					if time.Since(began) > time.Hour {
						t.Fatal("no refresh within an hour")
					}
				}
			})
		})
	}
}

func TestRenewIsNoRefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		m := w.manager()
		w.connect(m, mainKey)
		for i := range 12 {
			if err := m.Renew(t.Context(), mainKey); err != nil {
				t.Fatalf("renewal %d: %v", i, err)
			}
		}
		if c, err := m.Load(t.Context(), mainKey); err != nil || c.Status != oauthflow.StatusActive {
			t.Errorf("it is %v, %v", c.Status, err)
		}
		if n := w.wire.refreshes(); n != 12 {
			t.Errorf("%d refreshes, want 12", n)
		}
	})
}

func TestAHostThatAsksToWaitIsLeftAloneByAllConnectionsOfTheProcess(t *testing.T) {
	for name, after := range map[string]string{"seconds": "90", "a date": "date", "an absurd time": "999999999"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := peopled(t, 2)
				if after == "date" {
					after = time.Now().Add(90 * time.Second).UTC().Format(http.TimeFormat)
				}
				m := w.manager()
				sources := []*oauthflow.Source{m.Source(personsKey(0)), m.Source(personsKey(1))}
				dead := []string{w.token(sources[0]), w.token(sources[1])}
				w.org.ExpireSessions()
				if err := w.org.Inject(orgtest.Fault{Path: tokenEndpoint, Times: 1, Status: http.StatusTooManyRequests, Body: busyWords, Header: http.Header{"Retry-After": {after}}}); err != nil {
					t.Fatal(err)
				}
				_, err := sources[0].Replace(t.Context(), dead[0])
				e := wantKind(t, err, oauthflow.KindBusy)
				least, most := 89*time.Second, 91*time.Second
				if strings.HasPrefix(after, "999") {
					least, most = time.Minute, 15*time.Minute
				}
				if e.RetryAfter < least || e.RetryAfter > most {
					t.Errorf("RetryAfter is %v, want %v to %v", e.RetryAfter, least, most)
				}
				began := time.Now()
				for time.Since(began) < e.RetryAfter-time.Second {
					for i, s := range sources {
						if _, err := s.Replace(t.Context(), dead[i]); kindOf(err) != oauthflow.KindBusy {
							t.Fatalf("inside the window: %v", err)
						}
					}
					time.Sleep(time.Second)
				}
				if n := w.wire.refreshes(); n != 1 {
					t.Errorf("%d requests inside the window, want the one that was refused", n)
				}
				time.Sleep(2 * time.Second)
				for i, s := range sources {
					if tok, err := s.Replace(t.Context(), dead[i]); err != nil || !w.alive(tok.AccessToken) {
						t.Errorf("after the window: %v", err)
					}
				}
			})
		})
	}
}

func TestSessionsThatAreRefusedAtOnceSuspendTheConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		e := newEventLog()
		m, second := w.manager(e.observe), w.manager(e.observe)
		w.connect(m, mainKey)
		api := &refusing{base: w.org.RoundTripper()}
		var last error
		for range 60 {
			if _, last = ask(t, w, m, api); last != nil {
				break
			}
			time.Sleep(100 * time.Millisecond)
		}
		refused := wantKind(t, last, oauthflow.KindFreshRefused)
		if n := w.wire.refreshes(); n > 6 {
			t.Errorf("%d refreshes until the connection was suspended, want 4 or 5", n)
		}
		if refused.RetryAfter <= 0 || refused.RetryAfter > time.Hour {
			t.Errorf("RetryAfter is %v", refused.RetryAfter)
		}
		if c, err := second.Load(t.Context(), mainKey); err != nil || c.Status != oauthflow.StatusSuspended || c.Fault == nil || c.Fault.Kind != oauthflow.KindFreshRefused {
			t.Errorf("the second process sees %v, %v, %v", c.Status, c.Fault, err)
		}
		sent := w.wire.refreshes()
		for began := time.Now(); time.Since(began) < refused.RetryAfter-time.Second; time.Sleep(time.Second) {
			for _, m := range []*oauthflow.Manager{m, second} {
				if _, err := ask(t, w, m, api); err != nil {
					wantKind(t, err, oauthflow.KindFreshRefused)
				}
			}
		}
		if n := w.wire.refreshes(); n != sent {
			t.Errorf("%d refreshes within the pause, want 0", n-sent)
		}
		began := time.Now()
		for time.Since(began) < 24*time.Hour {
			_, _ = ask(t, w, m, api)
			time.Sleep(30 * time.Second)
		}
		if n := w.wire.refreshes() - sent; n > 24*4+10 {
			t.Errorf("%d refreshes in a day of refusals, want at most one in 15 minutes or so", n)
		}
		if n := e.count(oauthflow.EventRepaired); n != 0 {
			t.Errorf("told %d times of the end of a suspension that goes on", n)
		}
		api.healed = true
		for began = time.Now(); ; time.Sleep(30 * time.Second) {
			if status, err := ask(t, w, m, api); err == nil && status != http.StatusUnauthorized {
				break
			}
			if time.Since(began) > time.Hour {
				t.Fatal("the connection did not heal within an hour")
			}
		}
		synctest.Wait() // nobody waits for the suspension's end to be stored
		if c, err := second.Load(t.Context(), mainKey); err != nil || c.Status != oauthflow.StatusActive {
			t.Errorf("afterwards it is %v, %v", c.Status, err)
		}
		w.wantEvents("refresh", "reuse", 0)
		for range 10 { // the whole fleet goes on
			for _, m := range []*oauthflow.Manager{m, second} {
				if _, err := ask(t, w, m, api); err != nil {
					t.Error(err)
				}
			}
			time.Sleep(time.Minute)
		}
		if s, r := e.count(oauthflow.EventSuspended), e.count(oauthflow.EventRepaired); s != 1 || r != 1 {
			t.Errorf("told %d times of the suspension and %d times of its end, want once each", s, r)
		}
	})
}

func TestAWaitWrittenByAWrongClockNeitherBlocksNorHidesALaterOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := peopled(t, 2)
		var off atomic.Int64
		off.Store(int64(10 * 365 * day))
		wrong := w.manager(func(c *oauthflow.ManagerConfig) { c.Flow = w.skewed(&off) })
		busy := orgtest.Fault{Path: tokenEndpoint, Times: 1, Status: http.StatusServiceUnavailable, Header: http.Header{"Retry-After": {"90"}}}
		if err := w.org.Inject(busy); err != nil {
			t.Fatal(err)
		}
		if err := wrong.Renew(t.Context(), personsKey(0)); kindOf(err) != oauthflow.KindBusy {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Minute)
		first, second := w.manager(), w.manager()
		if err := first.Renew(t.Context(), personsKey(0)); err != nil {
			t.Fatalf("a wait of ten years blocks: %v", err)
		}
		if err := w.org.Inject(busy); err != nil {
			t.Fatal(err)
		}
		if err := first.Renew(t.Context(), personsKey(0)); kindOf(err) != oauthflow.KindBusy {
			t.Fatal(err)
		}
		sent := w.wire.refreshes()
		if err := second.Renew(t.Context(), personsKey(0)); kindOf(err) != oauthflow.KindBusy || w.wire.refreshes() != sent {
			t.Errorf("a second process does not know of the later wait: %v", err)
		}
	})
}

// An admin whose app was deleted years after it was made waits in vain when told that it is new.
func TestOnlyANewAppIsSaidToBeNewHoweverOftenItWasRefused(t *testing.T) {
	for _, c := range []struct {
		name string
		age  time.Duration // of the app when it is found to be missing; 0 = unknown
		want string
	}{
		{"an app of unknown age", 0, "is not in the org"},
		{"an app of a year", 365 * 24 * time.Hour, "is not in the org"},
		{"an app of five minutes", 5 * time.Minute, "The app is new"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, orgtest.Config{})
				client := w.client()
				if c.age > 0 {
					client.Created = time.Now().Add(-c.age)
				}
				var err error
				if client.Host, err = oauthflow.ParseHost(w.org.InstanceURL()); err != nil {
					t.Fatal(err)
				}
				m := w.manager()
				if _, err := m.Complete(t.Context(), w.beginWith(m, mainKey, client)); err != nil {
					t.Fatal(err)
				}
				w.wire.base = says(400, oauthBody("app_not_found", "External client app is not installed in this org"))
				for _, asked := range []string{"at once", "while it waits", "after it has waited"} {
					err := m.Renew(t.Context(), mainKey)
					e := wireError(t, err, oauthflow.KindAppMissing)
					if !strings.Contains(e.Sentence(), c.want) || e.RetryAfter == 0 {
						t.Errorf("asked %s: %q, retry after %s", asked, e.Sentence(), e.RetryAfter)
					}
					if asked == "while it waits" {
						time.Sleep(e.RetryAfter)
					}
				}
				if conn, err := m.Load(t.Context(), mainKey); err != nil || !strings.Contains(conn.Fault.Sentence(), c.want) {
					t.Errorf("the status says %+v, %v", conn.Fault, err)
				}
			})
		})
	}
}
