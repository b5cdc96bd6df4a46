package oauthflow_test

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

// hanging has the requests of one process hang before they arrive, and fail in the end.
func hanging(w *world, d time.Duration) http.RoundTripper {
	return carrier(func(r *http.Request) (*http.Response, error) {
		if r.URL.Path != tokenEndpoint {
			return w.wire.RoundTrip(r)
		}
		time.Sleep(d)
		return nil, errCut
	})
}

func TestWhoWaitsForAHungRefreshIsGivenWhatAnotherProcessHasStored(t *testing.T) {
	for name, of := range map[string]struct {
		elsewhere func(w *world, other *oauthflow.Manager, dead string) error
		most      time.Duration // until the callers are served, from when it is stored
	}{
		"another process has taken over": {func(w *world, other *oauthflow.Manager, dead string) error {
			_, err := other.Source(mainKey).Replace(w.t.Context(), dead)
			return err
		}, 10 * time.Second},
		"an admin has logged in": {func(w *world, other *oauthflow.Manager, _ string) error {
			_, err := other.Complete(w.t.Context(), w.begin(other, mainKey))
			return err
		}, 15 * time.Second},
		"an admin has logged in late": {func(w *world, other *oauthflow.Manager, _ string) error {
			time.Sleep(80 * time.Second)
			_, err := other.Complete(w.t.Context(), w.begin(other, mainKey))
			return err
		}, 15 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := rotating(t)
				hung := w.manager(func(c *oauthflow.ManagerConfig) { c.Flow = w.flow(hanging(w, 115*time.Second)) })
				other := w.manager()
				w.connect(other, mainKey)
				s := hung.Source(mainKey)
				dead := w.token(s)
				w.org.ExpireSessions()
				var stored time.Time
				var all sync.WaitGroup
				all.Go(func() {
					time.Sleep(time.Second)
					if err := of.elsewhere(w, other, dead); err != nil {
						t.Error(err)
					}
					stored = time.Now()
				})
				served := make([]time.Time, 5)
				for i := range served {
					all.Go(func() {
						tok, err := s.Replace(t.Context(), dead)
						if err != nil || !w.alive(tok.AccessToken) {
							t.Errorf("%v, want the other's token", err)
						}
						served[i] = time.Now()
					})
				}
				all.Wait()
				for _, at := range served {
					if took := at.Sub(stored); took > of.most {
						t.Errorf("served %v after it was stored", took)
					}
				}
				time.Sleep(5 * time.Minute) // the request that hung has failed
				if tok := w.token(s); !w.alive(tok) {
					t.Error("afterwards a dead token is handed out")
				}
				if c, err := other.Load(t.Context(), mainKey); err != nil || c.Status != oauthflow.StatusActive {
					t.Errorf("afterwards: status %q (%v), want active", c.Status, err)
				}
				w.wantEvents("refresh", "reuse", 0)
			})
		})
	}
}

func TestWhoWaitsForAHungRefreshIsToldOfADisconnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		hung := w.manager(func(c *oauthflow.ManagerConfig) { c.Flow = w.flow(hanging(w, 115*time.Second)) })
		other := w.manager()
		w.connect(other, mainKey)
		s := hung.Source(mainKey)
		dead := w.token(s)
		w.org.ExpireSessions()
		go func() {
			time.Sleep(time.Second)
			if err := other.Disconnect(t.Context(), mainKey); err != nil {
				t.Error(err)
			}
		}()
		began := time.Now()
		_, err := s.Replace(t.Context(), dead)
		wantKind(t, err, oauthflow.KindNotConnected)
		if took := time.Since(began); took > 15*time.Second {
			t.Errorf("told after %v", took)
		}
	})
}

// The late answer is the only copy of its tokens, or of a grant that somebody has replaced.
func TestALateAnswerIsSettledAlsoWhenNobodyWaitsForItAnyMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		hung, other := w.manager(), w.manager()
		w.connect(other, mainKey)
		s := hung.Source(mainKey)
		dead := w.token(s)
		w.org.ExpireSessions()
		w.wire.tap(nil, slowly(100*time.Second)) // the org has acted at once
		var all sync.WaitGroup
		all.Go(func() {
			time.Sleep(time.Second)
			w.wire.tap(nil, nil)
			if _, err := other.Complete(t.Context(), w.begin(other, mainKey)); err != nil {
				t.Error(err)
			}
		})
		if tok, err := s.Replace(t.Context(), dead); err != nil || !w.alive(tok.AccessToken) {
			t.Errorf("%v, want the new login's token", err)
		}
		all.Wait()
		time.Sleep(5 * time.Minute)
		if live := w.liveApprovals(); len(live) != 1 {
			t.Errorf("approvals %v are alive, want the new login's", live)
		}
		if tok := w.token(s); !w.alive(tok) {
			t.Error("afterwards a dead token is handed out")
		}
		if err := other.Renew(t.Context(), mainKey); err != nil {
			t.Error(err)
		}
	})
}

func TestWhoWaitsForItsTurnIsGivenWhatAnotherProcessHasStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const hungOnes = 16
		w := peopled(t, hungOnes+1)
		hung := w.manager(func(c *oauthflow.ManagerConfig) { c.Flow = w.flow(hanging(w, 115*time.Second)) })
		other := w.manager()
		dead := make([]string, hungOnes+1)
		for i := range dead {
			dead[i] = w.token(hung.Source(personsKey(i)))
		}
		w.org.ExpireSessions()
		for i := range hungOnes {
			go func() {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				_, _ = hung.Source(personsKey(i)).Replace(ctx, dead[i])
			}()
		}
		time.Sleep(2 * time.Second)
		last := personsKey(hungOnes)
		go func() {
			time.Sleep(time.Second)
			if _, err := other.Source(last).Replace(t.Context(), dead[hungOnes]); err != nil {
				t.Error(err)
			}
		}()
		began := time.Now()
		tok, err := hung.Source(last).Replace(t.Context(), dead[hungOnes])
		if err != nil || !w.alive(tok.AccessToken) {
			t.Errorf("%v, want the other's token", err)
		}
		if took := time.Since(began); took > 20*time.Second {
			t.Errorf("served after %v", took)
		}
	})
}

// A refresh that goes well costs the store nothing more.
func TestARefreshThatIsAnsweredInTimeIsNotWatched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, orgtest.Config{RotateRefreshTokens: true, RefreshTime: 9 * time.Second})
		store := &counted{Store: w.store}
		w.store = store
		m := w.manager()
		w.connect(m, mainKey)
		before := store.loads.Load()
		if err := m.Renew(t.Context(), mainKey); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Minute)
		if n := store.loads.Load() - before; n > 4 {
			t.Errorf("%d loads, want at most 4", n)
		}
	})
}
