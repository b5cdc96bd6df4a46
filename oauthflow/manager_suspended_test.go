package oauthflow_test

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// clocks is a machine: its monotonic clock is the test's, and stands still while it is suspended; its wall clock goes on.
type clocks struct{ ahead atomic.Int64 }

func (c *clocks) now() time.Time          { return time.Now().Add(time.Duration(c.ahead.Load())) }
func (c *clocks) suspend(d time.Duration) { c.ahead.Add(int64(d)) }
func (c *clocks) flow(w *world, rt http.RoundTripper) func(*oauthflow.ManagerConfig) {
	return func(cfg *oauthflow.ManagerConfig) {
		f, err := oauthflow.NewFlow(oauthflow.Config{RedirectURLs: []string{callbackURL}, Transport: rt, Now: c.now})
		if err != nil {
			w.t.Fatal(err)
		}
		cfg.Flow = f
	}
}

// At no request may the lease be over by either clock: another process may have been told that the token is unspent.
func TestNoFirstByteLeavesAfterTheLeaseByEitherClock(t *testing.T) {
	const lease = 10 * time.Second
	type machine struct {
		*clocks
		w *world
	}
	for name, tt := range map[string]struct {
		save, dial func(*machine) // what happens once, while the intent is saved and before the connection stands
	}{
		"suspended in the save of the intent":                 {save: func(m *machine) { m.suspend(time.Hour) }},
		"suspended in the dial":                               {dial: func(m *machine) { m.suspend(time.Hour) }},
		"suspended for just the lease":                        {dial: func(m *machine) { m.suspend(lease) }},
		"suspended for less than the lease":                   {dial: func(m *machine) { m.suspend(lease - 2*time.Second) }},
		"suspended in the save and in the dial":               {save: func(m *machine) { m.suspend(6 * time.Second) }, dial: func(m *machine) { m.suspend(6 * time.Second) }},
		"the wall clock is set back, and the dial takes long": {save: func(m *machine) { m.suspend(-time.Hour) }, dial: func(*machine) { time.Sleep(lease + time.Second) }},
		"the wall clock is set back":                          {dial: func(m *machine) { m.suspend(-time.Hour) }},
		"the wall clock is set by a year":                     {save: func(m *machine) { m.suspend(365 * 24 * time.Hour) }},
		"the dial takes long":                                 {dial: func(*machine) { time.Sleep(lease + time.Second) }},
		"nothing happens":                                     {},
	} {
		for _, network := range []bool{true, false} {
			if !network && tt.dial != nil {
				continue // a foreign transport dials where nobody sees it
			}
			t.Run(fmt.Sprintf("%s, a network transport %v", name, network), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := rotating(t)
					h := &hooked{Store: w.store}
					w.store = h
					c := &machine{new(clocks), w}
					w.connect(w.manager(), mainKey)
					var mu sync.Mutex
					var run, wall time.Time // both clocks before the last intent was saved
					saved, dialed := sync.OnceFunc(func() {
						if tt.save != nil {
							tt.save(c)
						}
					}), sync.OnceFunc(func() {
						if tt.dial != nil {
							tt.dial(c)
						}
					})
					h.onSave(func(r tokenstore.Record, do func() error) error {
						if !isConnection(r.ID) {
							return do()
						}
						mu.Lock()
						run, wall = time.Now(), c.now()
						mu.Unlock()
						defer saved()
						return do()
					})
					w.wire.tap(func(*http.Request) error {
						mu.Lock()
						defer mu.Unlock()
						if d := time.Since(run); d >= lease {
							t.Errorf("a request left %v after its intent, by the monotonic clock", d)
						}
						if d := c.now().Sub(wall); d >= lease {
							t.Errorf("a request left %v after its intent, by the wall clock", d)
						}
						return nil
					}, nil)
					var rt http.RoundTripper = w.wire
					if network {
						rt = w.pipedWith(func(context.Context) { dialed() }, 0)
					}
					m := w.manager(c.flow(w, rt))
					s := m.Source(mainKey)
					dead := w.token(s)
					w.org.ExpireSessions()
					ctx, cancel := withTimeout(t, 5*time.Minute)
					defer cancel()
					tok, err := s.Replace(ctx, dead)
					for err != nil && ctx.Err() == nil {
						time.Sleep(time.Second)
						tok, err = s.Replace(ctx, dead)
					}
					if err != nil || !w.alive(tok.AccessToken) {
						t.Fatalf("%v, want a token", err)
					}
					if n := w.wire.refreshes(); n != 1 {
						t.Errorf("%d requests, want 1", n)
					}
					w.wantEvents("introspect", "", 0)
				})
			})
		}
	}
}

func TestAJumpOfTheWallClockCostsARetryAndNoError(t *testing.T) {
	for _, jump := range []time.Duration{time.Minute, time.Hour, 365 * 24 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			w := rotating(t)
			c := new(clocks)
			set := sync.OnceFunc(func() { c.suspend(jump) })
			w.connect(w.manager(), mainKey)
			m := w.manager(c.flow(w, w.pipedWith(func(context.Context) { set() }, 0)))
			s := m.Source(mainKey)
			dead := w.token(s)
			w.org.ExpireSessions()
			began := time.Now()
			if tok, err := s.Replace(t.Context(), dead); err != nil || !w.alive(tok.AccessToken) {
				t.Errorf("a jump of %v: %v, want a token", jump, err)
			}
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("a jump of %v: it took %v", jump, took)
			}
		})
	}
}

func TestAfterASuspensionTheStoreIsAskedBeforeATokenIsHandedOut(t *testing.T) {
	for name, get := range map[string]func(*oauthflow.Source) error{
		"TokenContext": func(s *oauthflow.Source) error { _, err := s.TokenContext(context.Background()); return err },
		"Present":      func(s *oauthflow.Source) error { _, err := s.Present(context.Background()); return err },
		"InstanceURL":  func(s *oauthflow.Source) error { _, err := s.InstanceURL(context.Background()); return err },
		"Replace":      func(s *oauthflow.Source) error { _, err := s.Replace(context.Background(), "another"); return err },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := rotating(t)
				c := new(clocks)
				m, other := w.manager(c.flow(w, w.wire)), w.manager()
				w.connect(other, mainKey)
				s := m.Source(mainKey)
				for range 3 { // a clock that is set back first hides nothing
					c.suspend(-time.Hour)
					if err := get(s); err != nil {
						t.Fatal(err)
					}
					time.Sleep(time.Second)
				}
				w.token(s)
				if err := other.Disconnect(t.Context(), mainKey); err != nil {
					t.Fatal(err)
				}
				if err := get(s); err != nil {
					t.Fatalf("within seconds the store is not asked: %v", err)
				}
				c.suspend(time.Hour)
				time.Sleep(50 * time.Millisecond)
				wantKind(t, get(s), oauthflow.KindNotConnected)
			})
		})
	}
}
