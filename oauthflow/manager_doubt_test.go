package oauthflow_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

var errCut = errors.New("connection reset by peer")

func TestARequestThatSalesforceNeverActedOnIsFoundOutAndRepeated(t *testing.T) {
	for _, tt := range []struct {
		name  string
		fault orgtest.Fault
	}{
		{"the connection breaks before the org acts", orgtest.Fault{Drop: orgtest.DropBefore}},
		{"a gateway answers 502", orgtest.Fault{Status: 502, Body: "<html>bad gateway</html>"}},
		{"a gateway answers 504", orgtest.Fault{Status: 504}},
		{"the server fails with 500", orgtest.Fault{Status: 500, Body: `{"error":"server_error"}`}},
		{"the success is no JSON", orgtest.Fault{Status: 200, Body: "<html>maintenance</html>"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := rotating(t)
				m := w.manager()
				w.connect(m, mainKey)
				dead := w.token(m.Source(mainKey))
				w.org.ExpireSessions()
				tt.fault.Path = tokenEndpoint
				if err := w.org.Inject(tt.fault); err != nil {
					t.Fatal(err)
				}
				began := time.Now()
				tok, err := m.Source(mainKey).Replace(t.Context(), dead)
				if err != nil || !w.alive(tok.AccessToken) {
					t.Fatalf("%v, want a fresh token", err)
				}
				if took := time.Since(began); took < 10*time.Second || took > time.Minute {
					t.Errorf("it took %v, want at least 10 s and at most a minute", took)
				}
				w.wantEvents("refresh", "ok", 1)
				w.wantEvents("refresh", "reuse", 0)
				if n := w.events("introspect", "active"); n < 2 {
					t.Errorf("asked %d times whether the token is unspent, want at least 2", n)
				}
				if n := w.wire.refreshes(); n != 2 {
					t.Errorf("%d requests, want 2", n)
				}
			})
		})
	}
}

func TestALostOutcomeEndsAfterOneLastTryWithATypedError(t *testing.T) {
	lostOutcomeEnds(t, func(*world) {})
}

// An app may lack the permission to introspect; the time in which an answer can still arrive is then all there is to wait
// for.
func TestWithoutIntrospectionALostOutcomeEndsAfterOneLastTryToo(t *testing.T) {
	for _, status := range []int{403, 404, 500} {
		lostOutcomeEnds(t, func(w *world) {
			if err := w.org.Inject(orgtest.Fault{Path: "/services/oauth2/introspect", Times: -1, Status: status}); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func lostOutcomeEnds(t *testing.T, prepare func(*world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		prepare(w)
		var mu sync.Mutex
		seen := map[oauthflow.EventType]int{}
		m := w.manager(func(c *oauthflow.ManagerConfig) {
			c.Observe = func(e oauthflow.Event) { mu.Lock(); seen[e.Type]++; mu.Unlock() }
		})
		other := w.manager()
		w.connect(m, mainKey)
		dead := w.token(m.Source(mainKey))
		w.org.ExpireSessions()
		if err := w.org.Inject(orgtest.Fault{Path: tokenEndpoint, Drop: orgtest.DropAfter}); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		_, err := m.Source(mainKey).Replace(t.Context(), dead)
		e := wantKind(t, err, oauthflow.KindGrantDead)
		if e.Err == nil {
			t.Error("the error does not tell that the outcome was lost")
		}
		if took := time.Since(began); took < 150*time.Second || took > 3*time.Minute {
			t.Errorf("given up after %v, want 2:30, when no answer can arrive any more, or soon after", took)
		}
		for range 50 {
			_, err := other.Source(mainKey).Replace(t.Context(), dead)
			if e := wantKind(t, err, oauthflow.KindGrantDead); e.Err == nil {
				t.Error("another process is not told that the outcome was lost")
			}
			time.Sleep(time.Minute)
		}
		if n := w.wire.refreshes(); n != 2 {
			t.Errorf("%d requests, want the lost one and one last try", n)
		}
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		if seen[oauthflow.EventInDoubt] != 1 || seen[oauthflow.EventBroken] != 1 {
			t.Errorf("events %v, want one in doubt and one broken", seen)
		}
	})
}

func TestALastTryThatWasNeverSentLeavesTheDoubt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		m := w.manager()
		w.connect(m, mainKey)
		dead := w.token(m.Source(mainKey))
		w.org.ExpireSessions()
		w.loseNextAnswer()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := m.Source(mainKey).Replace(ctx, dead); err == nil {
			t.Fatal("a token came out of nothing")
		}
		if err := m.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		away := w.manager(func(c *oauthflow.ManagerConfig) {
			c.Flow = w.flow(&http.Transport{DialTLSContext: func(context.Context, string, string) (net.Conn, error) {
				return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
			}})
		})
		_, err := away.Source(mainKey).Replace(t.Context(), dead)
		wantKind(t, err, oauthflow.KindNotSent)
		time.Sleep(time.Minute)

		var mu sync.Mutex
		var seen []oauthflow.EventType
		asked := w.events("introspect", "")
		other := w.manager(func(c *oauthflow.ManagerConfig) {
			c.Observe = func(e oauthflow.Event) { mu.Lock(); seen = append(seen, e.Type); mu.Unlock() }
		})
		_, err = other.Source(mainKey).Replace(t.Context(), dead)
		if e := wantKind(t, err, oauthflow.KindGrantDead); e.Err == nil {
			t.Error("the error does not tell that the outcome was lost")
		}
		if w.events("introspect", "") == asked {
			t.Error("the token was sent again before Salesforce was asked about it")
		}
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		if slices.Contains(seen, oauthflow.EventReplay) {
			t.Errorf("events %v: nobody else has used the token", seen)
		}
	})
}

func TestALateAnswerIsTakenWhileItsSenderStillWaits(t *testing.T) {
	for _, late := range []time.Duration{time.Second, 30 * time.Second, 110 * time.Second} {
		t.Run(late.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := rotating(t)
				slow, taker := w.manager(), w.manager()
				w.connect(slow, mainKey)
				dead := w.token(slow.Source(mainKey))
				w.org.ExpireSessions()
				w.wire.tap(nil, slowly(late))
				ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
				_, err := slow.Source(mainKey).Replace(ctx, dead)
				cancel()
				if !errors.Is(err, context.DeadlineExceeded) {
					t.Fatalf("the caller did not leave on its deadline: %v", err)
				}
				ctx, cancel = context.WithTimeout(t.Context(), 10*time.Minute)
				defer cancel()
				tok, err := taker.Source(mainKey).Replace(ctx, dead) // meanwhile another process wants the token, too
				if err != nil || !w.alive(tok.AccessToken) {
					t.Fatalf("%v, want the late result", err)
				}
				if n := w.wire.refreshes(); n != 1 {
					t.Errorf("%d requests, want 1", n)
				}
				w.wantEvents("refresh", "reuse", 0)
			})
		})
	}
}

func TestALateResultWinsOverAVerdict(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		slow := w.manager()
		hasty := w.manager(func(c *oauthflow.ManagerConfig) { c.Timing.LastTry = 20 * time.Second })
		w.connect(slow, mainKey)
		dead := w.token(slow.Source(mainKey))
		w.org.ExpireSessions()
		first := true
		w.wire.tap(func(req *http.Request) error {
			w.wire.mu.Lock()
			defer w.wire.mu.Unlock()
			if !first { // the last try: refused by something in between, so that the org sees no replay
				return errCut
			}
			first = false
			return nil
		}, slowly(100*time.Second))
		done := make(chan error, 1)
		go func() { _, err := slow.Source(mainKey).Replace(t.Context(), dead); done <- err }()
		time.Sleep(time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := hasty.Source(mainKey).Replace(ctx, dead); err == nil {
			t.Fatal("the taker got a token before there was one")
		}
		if err := <-done; err != nil {
			t.Fatalf("the late result was dropped: %v", err)
		}
		tok, err := hasty.Source(mainKey).Replace(t.Context(), dead)
		if err != nil || !w.alive(tok.AccessToken) {
			t.Errorf("%v, want the late result", err)
		}
		w.wantEvents("refresh", "reuse", 0)
	})
}

func TestARefreshTokenInAnUnusableAnswerIsKept(t *testing.T) {
	spoil := map[string]func(body []byte) []byte{
		"instance_url is somebody else's": func(b []byte) []byte {
			return bytes.ReplaceAll(b, []byte("https://acme.my.salesforce.com"), []byte("https://acme.evil.example"))
		},
		"the access token is missing": func(b []byte) []byte { return bytes.Replace(b, []byte(`"access_token"`), []byte(`"Access_Token"`), 1) },
	}
	for name, change := range spoil {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := rotating(t)
				m := w.manager()
				w.connect(m, mainKey)
				s := m.Source(mainKey)
				dead := w.token(s)
				w.org.ExpireSessions()
				w.wire.tap(nil, func(r *http.Response) (*http.Response, error) {
					body, err := io.ReadAll(r.Body)
					if err != nil {
						return nil, err
					}
					w.wire.tap(nil, nil)
					r.Body = io.NopCloser(bytes.NewReader(change(body)))
					return r, nil
				})
				_, err := s.Replace(t.Context(), dead)
				wantKind(t, err, oauthflow.KindBadAnswer)
				tok, err := s.Replace(t.Context(), dead)
				if err != nil || !w.alive(tok.AccessToken) {
					t.Fatalf("the connection was lost with the answer: %v", err)
				}
				w.wantEvents("refresh", "ok", 2)
				w.wantEvents("refresh", "reuse", 0)
			})
		})
	}
}

func TestWhoCannotReachTheOrgDoesNotDoubt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		dials := 0
		away := &http.Transport{DialTLSContext: func(context.Context, string, string) (net.Conn, error) {
			dials++
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
		}}
		m := w.manager(func(c *oauthflow.ManagerConfig) { c.Flow = w.flow(away) })
		w.connect(w.manager(), mainKey)
		s := m.Source(mainKey)
		dead := w.token(s)
		time.Sleep(2 * time.Hour)
		for began := time.Now(); time.Since(began) < 10*time.Minute; time.Sleep(100 * time.Millisecond) {
			_, err := s.Replace(t.Context(), dead)
			var e *oauthflow.Error
			if !errors.As(err, &e) || e.Kind != oauthflow.KindNotSent && e.Kind != oauthflow.KindBusy || e.RetryAfter <= 0 {
				t.Fatalf("got %v, want not sent or busy, and when to come back", err)
			}
		}
		if dials > 60 || dials < 2 {
			t.Errorf("%d tries in ten minutes, want some, at most 6 a minute", dials)
		}
		c, err := m.Load(t.Context(), mainKey)
		if err != nil || c.Status == oauthflow.StatusInDoubt || c.Status == oauthflow.StatusBroken {
			t.Errorf("status %q (%v) after nothing was ever sent", c.Status, err)
		}
	})
}

func TestALostAnswerIsNeverPaidForWithAReplay(t *testing.T) {
	for _, tt := range []struct {
		name  string
		fault orgtest.Fault
	}{
		{"the connection breaks after the org acted", orgtest.Fault{Drop: orgtest.DropAfter}},
		{"the answer is cut before anything of use", orgtest.Fault{Drop: orgtest.CutBody, Keep: 1}},
		{"a gateway replaces the answer by 504", orgtest.Fault{Status: 504, Acts: true}},
		{"a proxy replaces the answer by a page", orgtest.Fault{Status: 200, Body: "<html></html>", Acts: true}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := rotating(t)
				m := w.manager(func(c *oauthflow.ManagerConfig) { c.Timing.LastTry = time.Hour })
				w.connect(m, mainKey)
				dead := w.token(m.Source(mainKey))
				w.org.ExpireSessions()
				tt.fault.Path = tokenEndpoint
				if err := w.org.Inject(tt.fault); err != nil {
					t.Fatal(err)
				}
				for range 10 {
					ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
					_, err := m.Source(mainKey).Replace(ctx, dead)
					cancel()
					if err == nil {
						t.Fatal("a token came out of nothing")
					}
				}
				if n := w.wire.refreshes(); n != 1 {
					t.Errorf("%d requests while something could be lost, want exactly 1", n)
				}
				w.wantEvents("refresh", "reuse", 0)
				c, err := m.Load(t.Context(), mainKey)
				if err != nil || c.Status != oauthflow.StatusInDoubt {
					t.Errorf("status %q (%v), want in doubt", c.Status, err)
				}
			})
		})
	}
}

func TestRefreshesThatWereNeverSentAreNoRefusedSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		away := &http.Transport{DialTLSContext: func(context.Context, string, string) (net.Conn, error) {
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
		}}
		m := w.manager(func(c *oauthflow.ManagerConfig) { c.Flow = w.flow(away) })
		w.connect(w.manager(), mainKey)
		s := m.Source(mainKey)
		dead := w.token(s)
		w.org.ExpireSessions() // a fresh session is ended, once, while the network is down
		for began := time.Now(); time.Since(began) < time.Minute; time.Sleep(100 * time.Millisecond) {
			_, err := s.Replace(t.Context(), dead)
			if kind := kindOf(err); kind != oauthflow.KindNotSent && kind != oauthflow.KindBusy {
				t.Fatalf("got %v, want not sent or busy", err)
			}
		}
	})
}

// slowly has an answer take its time, unless the caller has left.
func slowly(d time.Duration) func(*http.Response) (*http.Response, error) {
	return func(r *http.Response) (*http.Response, error) {
		select {
		case <-time.After(d):
			return r, nil
		case <-r.Request.Context().Done():
			return nil, r.Request.Context().Err()
		}
	}
}
