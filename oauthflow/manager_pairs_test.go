package oauthflow_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/internal/needs"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

var adoptedKey = oauthflow.Key{Tenant: "acme", Name: "adopted"}

// struck is a store in which something else happens, once, right before one of the calls of its user, who may die of it.
type struck struct {
	tokenstore.Store
	calls   atomic.Int64
	at      int64
	happens func()
	deadly  bool
	dead    atomic.Bool
}

func (s *struck) call() error {
	if s.calls.Add(1) == s.at {
		s.happens()
		s.dead.Store(s.deadly)
	}
	if s.dead.Load() {
		return errStoreDown
	}
	return nil
}

func (s *struck) Load(ctx context.Context, id string) (tokenstore.Record, error) {
	if err := s.call(); err != nil {
		return tokenstore.Record{}, err
	}
	return s.Store.Load(ctx, id)
}

func (s *struck) Save(ctx context.Context, r tokenstore.Record) error {
	if err := s.call(); err != nil {
		return err
	}
	return s.Store.Save(ctx, r)
}

func (s *struck) Delete(ctx context.Context, id string, version uint64) error {
	if err := s.call(); err != nil {
		return err
	}
	return s.Store.Delete(ctx, id, version)
}

// deeds are what can be done to connections, each with what has to be prepared for it.
var deeds = map[string]func(w *world, m *oauthflow.Manager, foreign oauthflow.Secret) func(context.Context) error{
	"move": func(_ *world, m *oauthflow.Manager, _ oauthflow.Secret) func(context.Context) error {
		return func(ctx context.Context) error { return m.Move(ctx, mainKey, targetKey) }
	},
	"login as main":   loginAs(mainKey),
	"login as target": loginAs(targetKey),
	"disconnect main": func(_ *world, m *oauthflow.Manager, _ oauthflow.Secret) func(context.Context) error {
		return func(ctx context.Context) error { return m.Disconnect(ctx, mainKey) }
	},
	"disconnect target": func(_ *world, m *oauthflow.Manager, _ oauthflow.Secret) func(context.Context) error {
		return func(ctx context.Context) error { return m.Disconnect(ctx, targetKey) }
	},
	"renew main": func(_ *world, m *oauthflow.Manager, _ oauthflow.Secret) func(context.Context) error {
		return func(ctx context.Context) error { return m.Renew(ctx, mainKey) }
	},
	"set client of main": func(w *world, m *oauthflow.Manager, _ oauthflow.Secret) func(context.Context) error {
		c := w.client()
		c.Secret = oauthflow.NewSecret("not-the-secret-1")
		return func(ctx context.Context) error { return m.SetClient(ctx, mainKey, c) }
	},
	"adopt by another host": func(w *world, m *oauthflow.Manager, foreign oauthflow.Secret) func(context.Context) error {
		c := w.client()
		host, err := oauthflow.ParseHost("acme.my.salesforce.com")
		if err != nil {
			w.t.Fatal(err)
		}
		c.Host = host
		return func(ctx context.Context) error { _, err := m.Adopt(ctx, adoptedKey, c, foreign); return err }
	},
	"adopt": func(w *world, m *oauthflow.Manager, foreign oauthflow.Secret) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := m.Adopt(ctx, adoptedKey, w.client(), foreign)
			return err
		}
	},
}

func loginAs(k oauthflow.Key) func(*world, *oauthflow.Manager, oauthflow.Secret) func(context.Context) error {
	return func(w *world, m *oauthflow.Manager, _ oauthflow.Secret) func(context.Context) error {
		cb := w.begin(m, k)
		return func(ctx context.Context) error { _, err := m.Complete(ctx, cb); return err }
	}
}

func TestWhateverHappensInTheMidstOfWhateverEndsNoConnection(t *testing.T) {
	for outer := range deeds {
		for inner := range deeds {
			for _, deadly := range []bool{false, true} {
				if n := rand.IntN(8); !needs.OneIn(8, n) || raced && n > 0 { // all of them take minutes under the detector
					continue
				}
				t.Run(fmt.Sprintf("%s, during it %s, deadly %v", outer, inner, deadly), func(t *testing.T) {
					for k, hit := int64(1), true; hit && !t.Failed(); k++ {
						synctest.Test(t, func(t *testing.T) { hit = inTheMidst(t, outer, inner, k, deadly) })
					}
				})
			}
		}
	}
}

// inTheMidst lets the inner deed happen before the k-th store call of the outer, and reports whether there was one.
func inTheMidst(t *testing.T, outer, inner string, k int64, deadly bool) bool {
	w := newWorld(t, orgtest.Config{RotateRefreshTokens: true, ApprovalLimit: 20})
	m := w.manager()
	w.connect(m, mainKey)
	w.connect(m, targetKey)
	foreign := w.inherited()
	s := &struck{Store: w.store, deadly: deadly}
	victim := w.manager(func(c *oauthflow.ManagerConfig) { c.Store = s })
	deed, other := deeds[outer](w, victim, foreign), deeds[inner](w, m, foreign)
	s.happens = func() {
		done := make(chan struct{})
		go func() {
			defer close(done)
			if err := other(t.Context()); err != nil {
				t.Logf("call %d: the inner: %v", k, err)
			}
		}()
		select {
		case <-done:
		case <-time.After(20 * time.Second): // it waits for the outer
		}
	}
	s.calls.Store(0)
	s.at = k
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	if err := deed(ctx); err != nil {
		t.Logf("call %d: the outer: %v", k, err)
	}
	cancel()
	hit := s.calls.Load() >= k
	s.dead.Store(false) // what a late result waits for
	synctest.Wait()
	time.Sleep(5 * time.Minute)
	sweep, stop := context.WithTimeout(t.Context(), 5*time.Minute) // takes up what was interrupted
	_ = m.KeepAlive(sweep)
	stop()
	fresh := w.manager()
	for _, key := range []oauthflow.Key{mainKey, targetKey, adoptedKey} {
		c, err := fresh.Load(t.Context(), key)
		if kindOf(err) == oauthflow.KindNotConnected {
			continue
		}
		if err := fresh.Renew(t.Context(), key); err != nil || !w.alive(w.token(fresh.Source(key))) {
			t.Errorf("call %d: afterwards %s is %v: %v", k, key, c.Status, err)
		}
	}
	w.wantEvents("refresh", "reuse", 0)
	return hit
}
