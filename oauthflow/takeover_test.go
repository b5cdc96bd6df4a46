package oauthflow_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

func TestConnectionsAreTakenOverIntoAnotherStoreUnderLoad(t *testing.T) {
	const logins, callers = 4, 4
	const connections = logins + 1 // the last one is adopted
	w := newWorld(t, orgtest.Config{RotateRefreshTokens: true, ApprovalLimit: 20})
	v := w.unlocked()
	before := w.manager()
	for i := range logins {
		if _, err := before.Complete(t.Context(), w.begin(before, numbered(i))); err != nil {
			t.Fatal(err)
		}
	}
	inherited := w.inherited()
	adopted := w.manager() // of the same user
	if _, err := adopted.Adopt(t.Context(), numbered(logins), w.client(), inherited); err != nil {
		t.Fatal(err)
	}
	pending := w.begin(before, numbered(connections))
	former, after := w.newStore()

	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for i := range connections {
		for range callers {
			wg.Go(func() {
				s := after.Source(numbered(i))
				for ctx.Err() == nil {
					tok, err := s.TokenContext(t.Context())
					if err == nil && !w.alive(tok.AccessToken) {
						_, err = s.Replace(t.Context(), tok.AccessToken)
					}
					if err != nil {
						t.Errorf("connection %d: %v", i, err)
						return
					}
				}
			})
		}
	}
	told := 0
	for range 5 {
		w.org.ExpireSessions()
		if err := after.TakeOver(t.Context(), func(done, total int) { told = total - done }); err != nil {
			t.Error(err)
		}
		time.Sleep(20 * time.Millisecond)
	}
	stop()
	wg.Wait()
	if told != 0 {
		t.Errorf("progress ended %d records before the end", told)
	}
	if _, err := after.Complete(t.Context(), pending); err != nil {
		t.Errorf("the login that was begun before: %v", err)
	}
	w.wantNothingOfWorth(v, former)
	for _, e := range w.org.Ledger() {
		if e.Outcome == "reuse" {
			t.Errorf("a refresh token was used twice: %+v", e)
		}
	}
	for i := range connections + 1 {
		conn, err := after.Load(t.Context(), numbered(i))
		if err != nil || conn.Status != oauthflow.StatusActive {
			t.Errorf("connection %d is %v, %v", i, conn.Status, err)
		}
	}
	if _, err := after.Complete(t.Context(), w.begin(after, numbered(0))); err != nil {
		t.Errorf("a login again: %v", err)
	}
	sent := w.wire.refreshes()
	other := oauthflow.Key{Tenant: "acme", Name: "other"}
	for name, m := range map[string]*oauthflow.Manager{"here": after, "by a process with the former store alone": before} {
		if _, err := m.Adopt(t.Context(), other, w.client(), inherited); !errors.Is(err, oauthflow.ErrConnectedElsewhere) {
			t.Errorf("adopted under another key %s: %v, want ErrConnectedElsewhere", name, err)
		}
	}
	if n := w.wire.refreshes() - sent; n != 0 {
		t.Errorf("%d refreshes were sent for an adopted token", n)
	}
}

func numbered(i int) oauthflow.Key { return oauthflow.Key{Tenant: "acme", Name: fmt.Sprint(i)} }

// newStore gives the world another store, and returns the one before and a manager that takes over from it.
func (w *world) newStore(change ...func(*oauthflow.ManagerConfig)) (former oauthflow.Store, after *oauthflow.Manager) {
	w.t.Helper()
	former = w.store
	w.store = oauthflow.NewMemoryStore()
	return former, w.after(former, change...)
}

// after returns a manager that takes over from the former store.
func (w *world) after(former oauthflow.Store, change ...func(*oauthflow.ManagerConfig)) *oauthflow.Manager {
	w.t.Helper()
	return w.manager(append(change, func(c *oauthflow.ManagerConfig) { c.Former = former })...)
}

// takeOver takes all over.
func (w *world) takeOver(m *oauthflow.Manager) {
	w.t.Helper()
	if err := m.TakeOver(w.t.Context(), nil); err != nil {
		w.t.Error(err)
	}
}

// wantNothingOfWorth checks that a store holds claims, and marks that whoever works with it alone is told of.
func (w *world) wantNothingOfWorth(v foreigner, former oauthflow.Store) {
	w.t.Helper()
	m := w.manager(func(c *oauthflow.ManagerConfig) { c.Store = former })
	for r, err := range former.List(w.t.Context(), "", time.Date(9999, 12, 31, 12, 0, 0, 0, time.UTC)) {
		tenant, name, _ := strings.Cut(strings.TrimPrefix(r.ID, "connection/"), "/")
		switch {
		case err != nil:
			w.t.Error(err)
		case strings.HasPrefix(r.ID, "adopted/"):
		case !isConnection(r.ID):
			w.t.Errorf("the former store still holds %s", r.ID)
		default:
			_, err := m.Load(w.t.Context(), oauthflow.Key{Tenant: tenant, Name: name})
			wantTakenOver(w.t, "Load", err)
			held := v.read(r)
			if held["Refresh"] != "" || held["Access"] != "" || held["Client"].(map[string]any)["Secret"] != "" {
				w.t.Errorf("the former store still holds secrets of %s", r.ID)
			}
		}
	}
}

// wantTakenOver checks what a process that knows the former store alone is told.
func wantTakenOver(t *testing.T, what string, err error) {
	t.Helper()
	if kindOf(err) != oauthflow.KindStore || !strings.Contains(err.Error(), "this process must be given") {
		t.Errorf("%s: got %v, want to be told that it was taken over, and what to do", what, err)
	}
}
