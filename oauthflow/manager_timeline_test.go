package oauthflow_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
)

// history is a store that tells in which timeline it is.
type history struct {
	oauthflow.Store
	timeline string
}

func (h *history) Load(ctx context.Context, id string) (oauthflow.Record, error) {
	r, err := h.Store.Load(ctx, id)
	r.Timeline = h.timeline
	return r, err
}

// failover has the store go on in a timeline, with what it held before or what it holds now, and returns a manager that has
// seen nothing of it, and how much the org had seen. A process has refreshed twice before, once since what was held before.
func failover(t *testing.T, from, to string, loses bool) (w *world, fresh *oauthflow.Manager, seen int) {
	t.Helper()
	w = rotating(t)
	h := &history{w.store, from}
	w.store = h
	m := w.manager()
	w.connect(m, mainKey)
	if err := m.Renew(t.Context(), mainKey); err != nil {
		t.Fatal(err)
	}
	old := w.backup()
	if loses {
		if err := m.Renew(t.Context(), mainKey); err != nil {
			t.Fatal(err)
		}
		h.Store = old.restored(t)
	}
	h.timeline = to
	w.org.ExpireSessions()
	return w, w.manager(), len(w.org.Ledger())
}

func TestAFailoverThatLosesWritesCostsNoReplay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, m, _ := failover(t, "00000001", "00000002", true)
		s := m.Source(mainKey)
		tok, err := s.TokenContext(t.Context())
		if err != nil {
			t.Fatalf("the access token is not served to its end: %v", err)
		}
		ctx, cancel := withTimeout(t, 2*time.Minute)
		defer cancel()
		if _, err := s.Replace(ctx, tok.AccessToken); err == nil {
			t.Error("a lost connection is refreshed")
		}
		w.wantEvents("refresh", "reuse", 0)
		if n := w.events("introspect", ""); n < 2 {
			t.Errorf("the org was asked %d times", n)
		}
	})
}

func TestAFailoverThatLosesNothingCostsAQuestionOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, m, seen := failover(t, "00000001", "00000002", false)
		s := m.Source(mainKey)
		for range 2 {
			if _, err := s.Replace(t.Context(), w.token(s)); err != nil {
				t.Fatal(err)
			}
		}
		if n := w.beforeIntrospection(seen); n != 0 {
			t.Errorf("%d tokens were sent before the org was asked about them", n)
		}
		if n := w.events("introspect", ""); n != 2 {
			t.Errorf("the org was asked %d times, want twice after the failover and never again", n)
		}
	})
}

func TestAStoreThatTellsNoTimelineIsNotDoubted(t *testing.T) {
	for name, timelines := range map[string][2]string{
		"never": {"", ""}, "not any more": {"00000001", ""}, "not before": {"", "00000001"}, "the same": {"00000001", "00000001"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, m, _ := failover(t, timelines[0], timelines[1], false)
				s := m.Source(mainKey)
				if _, err := s.Replace(t.Context(), w.token(s)); err != nil {
					t.Fatal(err)
				}
				if n := w.events("introspect", ""); n != 0 {
					t.Errorf("the org was asked %d times", n)
				}
			})
		})
	}
}

func TestATimelineIsTheStoresOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		former := &history{w.store, "00000007"}
		w.store = former
		m := w.manager()
		w.connect(m, mainKey)
		if err := m.Renew(t.Context(), mainKey); err != nil {
			t.Fatal(err)
		}
		w.store = &history{oauthflow.NewMemoryStore(), "00000001"}
		after := w.manager(func(c *oauthflow.ManagerConfig) { c.Former = former })
		if err := after.TakeOver(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		s := after.Source(mainKey)
		if _, err := s.Replace(t.Context(), w.token(s)); err != nil {
			t.Fatal(err)
		}
		if n := w.events("introspect", ""); n != 0 {
			t.Errorf("the org was asked %d times about a connection that was taken over", n)
		}
	})
}
