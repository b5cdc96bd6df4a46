package oauthflow_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/internal/needs"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// backup is what a store held.
type backup struct{ records []tokenstore.Record }

func (w *world) backup() backup {
	w.t.Helper()
	var b backup
	for r, err := range w.store.List(w.t.Context(), "", time.Date(9999, 12, 31, 12, 0, 0, 0, time.UTC)) {
		if err != nil {
			w.t.Fatal(err)
		}
		b.records = append(b.records, r)
	}
	return b
}

// restored returns a store that holds what the backup holds.
func (b backup) restored(t *testing.T) tokenstore.Store {
	t.Helper()
	s := tokenstore.NewMemory()
	for _, r := range b.records {
		r.Data = append([]byte(nil), r.Data...)
		for version, was := r.Version, uint64(0); was < version; was++ {
			r.Version = was
			if err := s.Save(t.Context(), r); err != nil {
				t.Fatal(err)
			}
		}
	}
	return s
}

// swapped is a store whose content can be exchanged under its managers.
type swapped struct{ tokenstore.Store }

func (w *world) swappable() *swapped {
	s := &swapped{w.store}
	w.store = s
	return s
}

// beforeIntrospection are the refreshes that the org saw since a moment before it was asked about the token.
func (w *world) beforeIntrospection(seen int) int {
	n := 0
	for _, e := range w.org.Ledger()[seen:] {
		switch e.Event {
		case "introspect":
			return n
		case "refresh":
			n++
		}
	}
	return n
}

func TestARestoredStoreNeverCostsAReplay(t *testing.T) {
	first := map[string]func(*testing.T, *world, *oauthflow.Manager){
		"nothing":    func(*testing.T, *world, *oauthflow.Manager) {},
		"set client": func(t *testing.T, w *world, m *oauthflow.Manager) { w.setClients(m, 1) },
		"renew": func(t *testing.T, w *world, m *oauthflow.Manager) {
			ctx, cancel := withTimeout(t, 10*time.Minute)
			defer cancel()
			_ = m.Renew(ctx, mainKey)
		},
		"reseal": func(t *testing.T, w *world, m *oauthflow.Manager) {
			if err := m.Reseal(t.Context(), nil); err != nil {
				t.Error(err)
			}
		},
		"keep-alive": func(t *testing.T, w *world, m *oauthflow.Manager) { w.keptAlive(40*day, m) },
		"a refresh that is not sent": func(t *testing.T, w *world, m *oauthflow.Manager) {
			if err := w.org.Inject(orgtest.Fault{Path: "/services/oauth2/introspect", Drop: orgtest.DropBefore, Times: 3}); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := withTimeout(t, 10*time.Second)
			defer cancel()
			_, _ = m.Source(mainKey).TokenContext(ctx)
		},
	}
	for announced, epoch := range map[string]string{"announced": "after the restoration", "not announced": ""} {
		for name, act := range first {
			t.Run(announced+", first "+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := rotating(t)
					store := w.swappable()
					m := w.manager()
					w.connect(m, mainKey)
					for range 3 {
						if err := m.Renew(t.Context(), mainKey); err != nil {
							t.Fatal(err)
						}
					}
					old := w.backup()
					for range 3 {
						if err := m.Renew(t.Context(), mainKey); err != nil {
							t.Fatal(err)
						}
					}
					time.Sleep(time.Minute)
					store.Store = old.restored(t)
					if epoch != "" { // everything was restarted
						m = w.manager(func(c *oauthflow.ManagerConfig) { c.StoreEpoch = epoch })
					}
					w.org.ExpireSessions()
					seen := len(w.org.Ledger())
					act(t, w, m)
					for range 20 {
						ctx, cancel := withTimeout(t, 10*time.Minute)
						tok, err := m.Source(mainKey).TokenContext(ctx)
						if err == nil && !w.alive(tok.AccessToken) {
							_, err = m.Source(mainKey).Replace(ctx, tok.AccessToken)
						}
						cancel()
						if kindOf(err) == oauthflow.KindGrantDead {
							break
						}
						time.Sleep(10 * time.Minute)
					}
					w.wantEvents("refresh", "reuse", 0)
					if n := w.beforeIntrospection(seen); n != 0 {
						t.Errorf("%d stale tokens were sent before the org was asked about them", n)
					}
				})
			})
		}
	}
}

// setClients gives the connection other credentials, often, and in the end its own.
func (w *world) setClients(m *oauthflow.Manager, times int) {
	w.t.Helper()
	for range times {
		wrong := w.client()
		wrong.Secret = oauthflow.NewSecret("a-secret-that-was-mistyped")
		for _, c := range []oauthflow.Client{wrong, w.client()} {
			if err := m.SetClient(w.t.Context(), mainKey, c); err != nil {
				w.t.Fatal(err)
			}
		}
	}
}

func TestARestoredStoreWhoseTokensAreUnspentGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		store := w.swappable()
		m := w.manager()
		w.connect(m, mainKey)
		if err := m.Renew(t.Context(), mainKey); err != nil {
			t.Fatal(err)
		}
		store.Store = w.backup().restored(t)
		after := w.manager(func(c *oauthflow.ManagerConfig) { c.StoreEpoch = "2" })
		w.org.ExpireSessions()
		seen := len(w.org.Ledger())
		for round := range 3 {
			s := after.Source(mainKey)
			dead := w.token(s)
			if tok, err := s.Replace(t.Context(), dead); err != nil || !w.alive(tok.AccessToken) {
				t.Fatalf("round %d: %v", round, err)
			}
		}
		if n := w.beforeIntrospection(seen); n != 0 {
			t.Errorf("%d tokens were sent before the org was asked about them", n)
		}
		if n := w.events("introspect", ""); n != 2 {
			t.Errorf("the org was asked %d times, want twice after the restoration and never again", n)
		}
		w.wantEvents("refresh", "reuse", 0)
	})
}

func TestARestoredEarlierGrantIsAskedAboutFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		store := w.swappable()
		m := w.manager()
		w.connect(m, mainKey)
		if err := m.Renew(t.Context(), mainKey); err != nil {
			t.Fatal(err)
		}
		old := w.backup()
		if err := m.Renew(t.Context(), mainKey); err != nil {
			t.Fatal(err)
		}
		w.connect(m, mainKey) // authorized again
		time.Sleep(time.Minute)
		store.Store = old.restored(t)
		seen := len(w.org.Ledger())
		ctx, cancel := withTimeout(t, 20*time.Minute)
		defer cancel()
		s := m.Source(mainKey)
		if tok, err := s.TokenContext(ctx); err == nil {
			_, _ = s.Replace(ctx, tok.AccessToken)
		}
		if n := w.beforeIntrospection(seen); n != 0 {
			t.Errorf("%d stale tokens were sent before the org was asked about them", n)
		}
		w.wantEvents("refresh", "reuse", 0)
	})
}

func TestACopyOfTheStoreInAnotherEnvironmentSendsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		w.connect(w.manager(), mainKey)
		w.store = w.backup().restored(t)
		e := newEventLog()
		staging := w.manager(e.observe, func(c *oauthflow.ManagerConfig) { c.Environment = "staging" })
		calls := map[string]func() error{
			"Token":  func() error { _, err := staging.Source(mainKey).TokenContext(t.Context()); return err },
			"Renew":  func() error { return staging.Renew(t.Context(), mainKey) },
			"Load":   func() error { _, err := staging.Load(t.Context(), mainKey); return err },
			"Reseal": func() error { return staging.Reseal(t.Context(), nil) },
			"Move": func() error {
				return staging.Move(t.Context(), mainKey, oauthflow.Key{Tenant: "acme", Name: "other"})
			},
			"Disconnect": func() error { return staging.Disconnect(t.Context(), mainKey) },
			"SetClient":  func() error { return staging.SetClient(t.Context(), mainKey, w.client()) },
			"BeginAgain": func() error {
				_, err := staging.BeginAgain(t.Context(), mainKey, browser, oauthflow.AuthorizeOptions{})
				return err
			},
			"List": func() error {
				var all error
				for _, err := range staging.List(t.Context(), "") {
					all = errors.Join(all, err)
				}
				return all
			},
		}
		sent := len(w.org.Ledger())
		for name, f := range calls {
			if err := f(); name != "Reseal" && kindOf(err) != oauthflow.KindForeign {
				t.Errorf("%s: got %v, want a foreign record", name, err)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(needs.Size(40, 3))*day)
		defer cancel()
		_ = staging.KeepAlive(ctx)
		if n := len(w.org.Ledger()); n != sent {
			t.Errorf("the copy sent %d requests", n-sent)
		}
		if len(w.records("connection/")) != 1 {
			t.Error("the copy's record is gone")
		}
	})
}
