package oauthflow_test

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

// skewed returns a flow whose wall clock is off by what off holds.
func (w *world) skewed(off *atomic.Int64) *oauthflow.Flow {
	w.t.Helper()
	f, err := oauthflow.NewFlow(oauthflow.Config{
		RedirectURLs: []string{callbackURL}, Transport: w.wire,
		Now: func() time.Time { return time.Now().Add(time.Duration(off.Load())) },
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return f
}

func TestWallClocksThatAreWrongHaveNoEffectOnRefreshes(t *testing.T) {
	const year = 365 * 24 * time.Hour
	for _, jump := range []time.Duration{time.Hour, -time.Hour, 10 * year, -10 * year} {
		t.Run(jump.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, orgtest.Config{RotateRefreshTokens: true, RefreshTime: time.Second})
				var first, second atomic.Int64
				managers := []*oauthflow.Manager{
					w.manager(func(c *oauthflow.ManagerConfig) { c.Flow = w.skewed(&first) }),
					w.manager(func(c *oauthflow.ManagerConfig) { c.Flow = w.skewed(&second) }),
				}
				w.connect(managers[0], mainKey)
				for round := range 10 {
					dead := w.token(managers[round%2].Source(mainKey))
					w.org.ExpireSessions()
					var all sync.WaitGroup
					for i := range 16 {
						all.Go(func() {
							tok, err := managers[i%2].Source(mainKey).Replace(t.Context(), dead)
							if err != nil || !w.alive(tok.AccessToken) {
								t.Errorf("round %d: %v", round, err)
							}
						})
					}
					time.Sleep(500 * time.Millisecond)
					first.Store(int64(jump) * int64(round%2)) // there and back, during the refresh
					all.Wait()
					time.Sleep(time.Minute)
				}
				if n := w.wire.refreshes(); n != 10 {
					t.Errorf("%d requests, want 10", n)
				}
			})
		})
	}
}

func TestABackOffThatAWrongClockWroteDoesNotLastForYears(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		var off atomic.Int64
		off.Store(int64(10 * 365 * 24 * time.Hour))
		wrong := w.manager(func(c *oauthflow.ManagerConfig) { c.Flow = w.skewed(&off) })
		right := w.manager()
		w.connect(right, mainKey)
		dead := w.token(wrong.Source(mainKey))
		w.org.ExpireSessions()
		if err := w.org.Inject(orgtest.Fault{Path: tokenEndpoint, Status: 503}); err != nil {
			t.Fatal(err)
		}
		_, err := wrong.Source(mainKey).Replace(t.Context(), dead)
		wantKind(t, err, oauthflow.KindBusy)
		off.Store(0)
		for began := time.Now(); time.Since(began) < 16*time.Minute; time.Sleep(10 * time.Second) {
			if _, err := right.Source(mainKey).Replace(t.Context(), dead); err == nil {
				return
			}
		}
		t.Error("the connection waits for a time that one wrong clock wrote")
	})
}

func TestATakerThatMeetsTheFirstSenderDoesNotReplay(t *testing.T) {
	for _, takes := range []time.Duration{22 * time.Second, 24 * time.Second, 25 * time.Second, 40 * time.Second, 70 * time.Second} {
		t.Run(takes.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, orgtest.Config{RotateRefreshTokens: true, RefreshTime: takes})
				slow, taker := w.manager(), w.manager()
				w.connect(slow, mainKey)
				dead := w.token(slow.Source(mainKey))
				w.org.ExpireSessions()
				var mu sync.Mutex
				seen := 0
				w.wire.tap(nil, func(r *http.Response) (*http.Response, error) {
					mu.Lock()
					seen++
					mu.Unlock()
					if r.StatusCode == 200 {
						time.Sleep(2 * time.Second) // the answer is on its way while the org has rotated
					}
					return r, nil
				})
				var all sync.WaitGroup
				for _, m := range []*oauthflow.Manager{slow, taker} {
					all.Go(func() {
						ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
						defer cancel()
						if tok, err := m.Source(mainKey).Replace(ctx, dead); err != nil || !w.alive(tok.AccessToken) {
							t.Errorf("%v", err)
						}
					})
				}
				all.Wait()
				w.wantEvents("refresh", "reuse", 0)
				w.wantEvents("refresh", "ok", 1)
			})
		})
	}
}

// meeting answers refreshes as if another one were being processed, until a time.
type meeting struct {
	base  http.RoundTripper
	until time.Time
}

func (m *meeting) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Path == tokenEndpoint && time.Now().Before(m.until) {
		return answered(400, `{"error":"invalid_grant","error_description":"token request is already being processed"}`), nil
	}
	return m.base.RoundTrip(r)
}
func TestARefreshThatMeetsAnotherIsRepeatedUntilTheOtherIsDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		m := w.manager()
		w.connect(m, mainKey)
		dead := w.token(m.Source(mainKey))
		w.org.ExpireSessions()
		began := time.Now()
		w.wire.tap(nil, func(r *http.Response) (*http.Response, error) { return r, nil })
		busy := &meeting{base: w.wire.base, until: began.Add(5 * time.Second)}
		w.wire.base = busy
		tok, err := m.Source(mainKey).Replace(t.Context(), dead)
		if err != nil || !w.alive(tok.AccessToken) {
			t.Fatalf("%v after %v, want a token", err, time.Since(began))
		}
		if took := time.Since(began); took > 6500*time.Millisecond {
			t.Errorf("it took %v, want at most 1.5 s longer than the other refresh", took)
		}
		if n := w.wire.refreshes(); n > 5 {
			t.Errorf("%d requests, want at most 5", n)
		}
	})
}
