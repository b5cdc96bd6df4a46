package oauthflow_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

// noAnswers are answers that say nothing of what Salesforce has done with a refresh.
var noAnswers = map[string]orgtest.Fault{
	"500":                         {Status: 500, Body: `{"error":"server_error"}`},
	"502":                         {Status: 502, Body: "<html>bad gateway</html>"},
	"503 with a page":             {Status: 503, Body: "<html>unavailable</html>"},
	"503 without a body":          {Status: 503},
	"503 that asks to wait":       {Status: 503, Header: http.Header{"Retry-After": {"5"}}},
	"503 with an OAuth code":      {Status: 503, Body: `{"error":"temporarily_unavailable"}`},
	"504":                         {Status: 504},
	"520 of a CDN":                {Status: 520, Body: "<html>unknown error</html>"},
	"429 with a page":             {Status: 429, Body: "<html>slow down</html>"},
	"429 with a gateway's JSON":   {Status: 429, Body: `{"message":"API rate limit exceeded"}`},
	"408":                         {Status: 408, Body: "<html>timeout</html>"},
	"202":                         {Status: 202},
	"204":                         {Status: 204},
	"a success that is no JSON":   {Status: 200, Body: "<html>welcome</html>"},
	"a success that is empty":     {Status: 200},
	"an answer that is cut":       {Drop: orgtest.CutBody, Keep: 10},
	"a connection that is broken": {Drop: orgtest.DropAfter},
}

// The first refresh of a connection is the one of which nobody knows yet whether the org rotates.
func TestAnAnswerThatIsNotSalesforcesOwnIsNeverPaidForWithAReplay(t *testing.T) {
	for name, fault := range noAnswers {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := rotating(t)
				m := w.manager()
				w.connect(m, mainKey)
				s := m.Source(mainKey)
				session := w.token(s)
				fault.Path, fault.Acts = tokenEndpoint, fault.Status != 0
				w.inject(fault)
				for range 20 { // nobody needs another token: the session lives
					_ = m.Renew(t.Context(), mainKey)
					time.Sleep(time.Minute)
				}
				if n := w.wire.refreshes(); n != 1 {
					t.Errorf("%d requests while a session lives, want 1", n)
				}
				w.wantEvents("refresh", "reuse", 0)
				if w.token(s) != session || !w.alive(session) {
					t.Error("the session was ended")
				}
				if c, err := m.Load(t.Context(), mainKey); err != nil || c.Status != oauthflow.StatusInDoubt {
					t.Errorf("status %q (%v), want in doubt", c.Status, err)
				}
			})
		})
	}
}

func TestAnAnswerThatIsNotSalesforcesOwnCostsAtMostAMinute(t *testing.T) {
	for name, fault := range noAnswers {
		for _, rotates := range []bool{false, true} {
			acts := !rotates // where nothing rotates it makes no difference
			t.Run(fmt.Sprintf("%s, rotation %v", name, rotates), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t, orgtest.Config{RotateRefreshTokens: rotates})
					m := w.manager()
					w.connect(m, mainKey)
					s := m.Source(mainKey)
					dead := w.token(s)
					w.org.ExpireSessions()
					if fault.Status == 0 && !acts {
						fault = orgtest.Fault{Drop: orgtest.DropBefore}
					}
					fault.Path, fault.Acts = tokenEndpoint, acts && fault.Status != 0
					w.inject(fault)
					began := time.Now()
					tok, err := s.Replace(t.Context(), dead)
					if e := new(oauthflow.Error); errors.As(err, &e) && e.Kind == oauthflow.KindBusy { // who is asked to wait is told
						if time.Since(began) > time.Second || e.RetryAfter <= 0 {
							t.Errorf("told %v after %v, want when to come back, and at once", e, time.Since(began))
						}
						time.Sleep(e.RetryAfter)
						tok, err = s.Replace(t.Context(), dead)
					}
					if err != nil || !w.alive(tok.AccessToken) {
						t.Fatalf("%v, want a token", err)
					}
					if took := time.Since(began); took > time.Minute {
						t.Errorf("it took %v", took)
					}
					w.wantEvents("refresh", "reuse", 0)
					if c, err := m.Load(t.Context(), mainKey); err != nil || c.Status != oauthflow.StatusActive {
						t.Errorf("status %q (%v), want active", c.Status, err)
					}
				})
			})
		}
	}
}

func TestSalesforcesOwnRequestToWaitIsNoDoubt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		m := w.manager()
		w.connect(m, mainKey)
		s := m.Source(mainKey)
		dead := w.token(s)
		w.org.ExpireSessions()
		w.inject(orgtest.Fault{Path: tokenEndpoint, Status: 429, Body: busyWords})
		_, err := s.Replace(t.Context(), dead)
		wantKind(t, err, oauthflow.KindBusy)
		if c, err := m.Load(t.Context(), mainKey); err != nil || c.Status != oauthflow.StatusActive {
			t.Errorf("status %q (%v), want active", c.Status, err)
		}
		time.Sleep(5 * time.Minute)
		if _, err := s.Replace(t.Context(), dead); err != nil {
			t.Error(err)
		}
		w.wantEvents("introspect", "", 0)
	})
}

// introspecting has introspection answered from a list, and by the org when that has ended.
func introspecting(base http.RoundTripper, said ...string) (http.RoundTripper, func() int) {
	var mu sync.Mutex
	asked := 0
	return carrier(func(r *http.Request) (*http.Response, error) {
			if r.URL.Path != "/services/oauth2/introspect" {
				return base.RoundTrip(r)
			}
			mu.Lock()
			asked++
			next := ""
			if len(said) > 0 {
				next, said = said[0], said[1:]
			}
			mu.Unlock()
			switch next {
			case "":
				return base.RoundTrip(r)
			case "error":
				return answered(http.StatusServiceUnavailable, ""), nil
			}
			return answered(http.StatusOK, fmt.Sprintf(`{"active":%v}`, next == "active"), "Content-Type", "application/json"), nil
		}), func() int {
			mu.Lock()
			defer mu.Unlock()
			return asked
		}
}

func TestARefreshTokenIsSentAgainOnlyWhenItWasCalledActiveTwiceInARow(t *testing.T) {
	for name, tt := range map[string]struct {
		said []string
		want int // questions until it is sent again
	}{
		"twice in a row":         {[]string{"active", "active"}, 2},
		"with a no between":      {[]string{"active", "inactive", "active", "active"}, 4},
		"with a failure between": {[]string{"active", "error", "active", "active"}, 4},
		"after one no":           {[]string{"inactive", "active", "active"}, 3},
		"after two noes":         {[]string{"inactive", "inactive", "active", "active"}, 4},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := rotating(t)
				wire, asked := introspecting(w.wire, tt.said...)
				m := w.manager(func(c *oauthflow.ManagerConfig) { c.Flow = w.flow(wire) })
				w.connect(m, mainKey)
				dead := w.token(m.Source(mainKey))
				w.org.ExpireSessions()
				w.inject(orgtest.Fault{Path: tokenEndpoint, Drop: orgtest.DropBefore})
				before := 0
				w.wire.tap(func(*http.Request) error { before = asked(); return nil }, nil)
				tok, err := m.Source(mainKey).Replace(t.Context(), dead)
				if err != nil || !w.alive(tok.AccessToken) {
					t.Fatalf("%v, want a token", err)
				}
				if before != tt.want {
					t.Errorf("sent again after %d questions, want %d", before, tt.want)
				}
			})
		})
	}
}

func TestOneNoIsNotTheEndOfAConnectionWhoseStoreWasRestored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		w.connect(w.manager(), mainKey)
		w.org.ExpireSessions()
		wire, _ := introspecting(w.wire, "inactive")
		m := w.manager(func(c *oauthflow.ManagerConfig) { c.Flow, c.StoreEpoch = w.flow(wire), "restored" })
		s := m.Source(mainKey)
		tok, err := s.Replace(t.Context(), w.token(s))
		if err != nil || !w.alive(tok.AccessToken) {
			t.Errorf("%v, want a token", err)
		}
	})
}

func TestASendersLongerLeaseIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		w.connect(w.manager(), mainKey)
		sender := w.manager(func(c *oauthflow.ManagerConfig) {
			c.Timing.Lease = time.Minute
			c.Flow = w.flow(w.piped(50 * time.Second)) // such is its network
		})
		taker := w.manager()
		dead := w.token(taker.Source(mainKey))
		w.org.ExpireSessions()
		var all sync.WaitGroup
		for _, m := range []*oauthflow.Manager{sender, taker} {
			all.Go(func() {
				if tok, err := m.Source(mainKey).Replace(t.Context(), dead); err != nil || !w.alive(tok.AccessToken) {
					t.Errorf("%v, want a token", err)
				}
			})
			time.Sleep(time.Second)
		}
		all.Wait()
		if n := w.wire.refreshes(); n != 1 {
			t.Errorf("%d requests, want 1", n)
		}
		w.wantEvents("introspect", "", 0)
	})
}

// piped is a network transport to the org whose dial takes that long.
func (w *world) piped(dial time.Duration) *http.Transport {
	return w.pipedWith(func(ctx context.Context) {
		select {
		case <-time.After(dial):
		case <-ctx.Done():
		}
	}, 0)
}

// pipedWith is a network transport to the org that does something at each dial, and whose answers take that long.
func (w *world) pipedWith(dialing func(context.Context), answer time.Duration) *http.Transport {
	return &http.Transport{DialTLSContext: dialOrg(w, dialing, answer)}
}

func TestTheCallersResponseTimeoutIsNotKeptForARefreshThatWasSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		rt := w.pipedWith(func(context.Context) {}, time.Minute)
		rt.ResponseHeaderTimeout = 5 * time.Second
		w.connect(w.manager(), mainKey)
		m := w.manager(func(c *oauthflow.ManagerConfig) { c.Flow = w.flow(rt) })
		s := m.Source(mainKey)
		dead := w.token(s)
		w.org.ExpireSessions()
		ctx, cancel := withTimeout(t, 3*time.Minute)
		defer cancel()
		if tok, err := s.Replace(ctx, dead); err != nil || !w.alive(tok.AccessToken) {
			t.Errorf("%v, want the answer that came after a minute", err)
		}
		if n := w.wire.refreshes(); n != 1 {
			t.Errorf("%d requests, want 1", n)
		}
	})
}

// A refusal that comes late is of a refresh that others have overtaken.
func TestALateRefusalOfAnOldAttemptOrLoginChangesNothing(t *testing.T) {
	for name, overtake := range map[string]func(*world, *oauthflow.Manager, string) error{
		"another process has refreshed": func(w *world, m *oauthflow.Manager, dead string) error {
			_, err := m.Source(mainKey).Replace(w.t.Context(), dead)
			return err
		},
		"an admin has logged in": func(w *world, m *oauthflow.Manager, _ string) error {
			_, err := m.Complete(w.t.Context(), w.begin(m, mainKey))
			return err
		},
	} {
		for _, body := range []string{
			`{"error":"invalid_grant","error_description":"expired access/refresh token"}`,
			`{"error":"invalid_client","error_description":"invalid client credentials"}`,
			`{"error":"inactive_user","error_description":"user is inactive"}`,
		} {
			t.Run(name+": "+body, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := rotating(t)
					e := newEventLog()
					slowly := carrier(func(r *http.Request) (*http.Response, error) {
						if r.URL.Path != tokenEndpoint {
							return w.wire.RoundTrip(r)
						}
						time.Sleep(100 * time.Second)
						return answered(400, body), nil
					})
					slow := w.manager(e.observe, func(c *oauthflow.ManagerConfig) { c.Flow = w.flow(slowly) })
					m := w.manager()
					w.connect(m, mainKey)
					dead := w.token(slow.Source(mainKey))
					w.org.ExpireSessions()
					done := make(chan error, 1)
					go func() { _, err := slow.Source(mainKey).Replace(t.Context(), dead); done <- err }()
					time.Sleep(time.Second)
					if err := overtake(w, m, dead); err != nil {
						t.Fatal(err)
					}
					if err := <-done; err != nil {
						t.Errorf("the caller of the slow process: %v", err)
					}
					time.Sleep(3 * time.Minute)
					for name, m := range map[string]*oauthflow.Manager{"slow": slow, "other": m} {
						if c, err := m.Load(t.Context(), mainKey); err != nil || c.Status != oauthflow.StatusActive {
							t.Errorf("the %s process: status %q, %v; want active", name, c.Status, err)
						}
					}
					if err := m.Renew(t.Context(), mainKey); err != nil {
						t.Errorf("afterwards: %v", err)
					}
					for _, bad := range []oauthflow.EventType{oauthflow.EventBroken, oauthflow.EventSuspended, oauthflow.EventReplay} {
						if n := e.count(bad); n != 0 {
							t.Errorf("told %d times %q", n, bad)
						}
					}
				})
			})
		}
	}
}

// cutIn has the body of an answer end early, with its status as it is.
func cutIn(n int) func(*http.Response) (*http.Response, error) {
	return func(r *http.Response) (*http.Response, error) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		r.Body = io.NopCloser(bytes.NewReader(body[:min(n, len(body))]))
		return r, nil
	}
}

func TestASuccessThatIsCutAnywhereIsNeverPaidForWithAReplay(t *testing.T) {
	for n := 0; n < 600; n += 37 {
		synctest.Test(t, func(t *testing.T) {
			w := rotating(t)
			m := w.manager()
			w.connect(m, mainKey)
			w.wire.tap(nil, cutIn(n))
			_ = m.Renew(t.Context(), mainKey)
			w.wire.tap(nil, nil)
			for range 5 {
				_ = m.Renew(t.Context(), mainKey)
				time.Sleep(time.Minute)
			}
			w.wantEvents("refresh", "reuse", 0)
		})
	}
}

func TestACallerWithoutALimitIsToldOfAnOutageThatLasts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		m := w.manager()
		w.connect(m, mainKey)
		if err := m.Renew(t.Context(), mainKey); err != nil { // so that the connection is known to rotate
			t.Fatal(err)
		}
		s := m.Source(mainKey)
		stale := w.token(s)
		if err := w.org.Inject(orgtest.Fault{Path: tokenEndpoint, Times: -1, Status: http.StatusServiceUnavailable}); err != nil {
			t.Fatal(err)
		}
		began, before := time.Now(), w.wire.refreshes()
		_, err := s.Replace(context.WithoutCancel(t.Context()), stale)
		wantKind(t, err, oauthflow.KindInDoubt)
		var e *oauthflow.Error
		if !errors.As(err, &e) || e.RetryAfter <= 0 || time.Since(began) > 30*time.Minute {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		if n := w.wire.refreshes() - before; n != 8 {
			t.Errorf("%d requests, want 8", n)
		}
	})
}
