package oauthflow_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// besieged is a store with a pool of one, in which loads of some tenants take two seconds each. It makes one list at a time, in a
// fifth of a second.
type besieged struct {
	tokenstore.Store
	pool, lists chan struct{}
}

func newBesieged(s tokenstore.Store) *besieged {
	return &besieged{s, make(chan struct{}, 1), make(chan struct{}, 1)}
}

func take(ctx context.Context, pool chan struct{}, d time.Duration) (leave func(), err error) {
	select {
	case pool <- struct{}{}:
		leave = func() { <-pool }
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	select {
	case <-time.After(d):
		return leave, nil
	case <-ctx.Done():
		leave()
		return nil, ctx.Err()
	}
}

func (b *besieged) Load(ctx context.Context, id string) (tokenstore.Record, error) {
	takes := time.Duration(0)
	if strings.HasPrefix(id, "connection/besieger") {
		takes = 2 * time.Second
	}
	leave, err := take(ctx, b.pool, takes)
	if err != nil {
		return tokenstore.Record{}, err
	}
	defer leave()
	return b.Store.Load(ctx, id)
}

func (b *besieged) Save(ctx context.Context, r tokenstore.Record) error {
	leave, err := take(ctx, b.pool, 0)
	if err != nil {
		return err
	}
	defer leave()
	return b.Store.Save(ctx, r)
}

func (b *besieged) List(ctx context.Context, prefix string, before time.Time) iter.Seq2[tokenstore.Record, error] {
	return func(yield func(tokenstore.Record, error) bool) {
		leave, err := take(ctx, b.lists, 200*time.Millisecond)
		if err != nil {
			yield(tokenstore.Record{}, err)
			return
		}
		defer leave()
		b.Store.List(ctx, prefix, before)(yield)
	}
}

// besiege has 20 tenants load all the time, so that a call of the store has its turn after 40 seconds.
func (w *world) besiege() (m *oauthflow.Manager, lift func()) {
	w.t.Helper()
	m = w.manager(silent, func(c *oauthflow.ManagerConfig) { c.Store, c.StoreCalls = newBesieged(w.store), 1 })
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			for ctx.Err() == nil {
				_, _ = m.Load(ctx, oauthflow.Key{Tenant: fmt.Sprint("besieger", i), Name: "main"})
			}
		})
	}
	time.Sleep(time.Second)
	return m, func() { cancel(); all.Wait() }
}

// What a call of the store waits for its turn is no part of the time in which something has to be done.
func TestALongQueueBeforeTheStoreFailsNothing(t *testing.T) {
	t.Run("the result of a login", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := rotating(t)
			end := loginEnds[2] // with a refused code
			cb := end.answered(w, w.manager())
			m, lift := w.besiege()
			c, first := m.Complete(t.Context(), cb)
			lift()
			end.wantEnd(t, "the first time", c, first, first)
			c, err := w.manager().Complete(t.Context(), cb)
			end.wantEnd(t, "again", c, err, first)
		})
	})
	t.Run("the adoption of a disconnected connection", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := rotating(t)
			if _, err := w.manager().Adopt(t.Context(), mainKey, w.client(), w.inherited()); err != nil {
				t.Fatal(err)
			}
			m, lift := w.besiege()
			err := m.Disconnect(t.Context(), mainKey)
			lift()
			if left := w.records("adopted/"); err != nil || len(left) != 0 {
				t.Errorf("%v; of the adoption %v is left", err, left)
			}
		})
	})
	t.Run("a refresh", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := rotating(t)
			w.connect(w.manager(), mainKey)
			m, lift := w.besiege()
			defer lift()
			dead := w.token(m.Source(mainKey))
			w.org.ExpireSessions()
			sent := w.wire.refreshes()
			tok, err := m.Source(mainKey).Replace(t.Context(), dead)
			if err != nil || !w.alive(tok.AccessToken) {
				t.Errorf("%v", err)
			}
			if n := w.wire.refreshes() - sent; n != 1 {
				t.Errorf("%d refreshes were sent, want 1", n)
			}
			w.wantEvents("refresh", "reuse", 0)
		})
	})
	t.Run("the way of a request to an org that was renamed", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f := &far{}
			w := rotating(t)
			w.connect(w.manager(), mainKey)
			m, lift := w.besiege()
			defer lift()
			s := m.Source(mainKey)
			w.token(s)
			rename(t, w, orgtest.Rename{Gone: true})
			resp, err := careful(s.Transport(vanishing{f, true})).Get("https://" + oldName + "/services/data")
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if f.to() != newName {
				t.Errorf("asked %s", f.to())
			}
		})
	})
	t.Run("the logins of many tenants at once", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := rotating(t)
			m := w.manager(silent)
			const tenants = 40
			begin := func(m *oauthflow.Manager, tenant, n int) error {
				_, err := m.Begin(t.Context(), oauthflow.Key{Tenant: fmt.Sprint("t", tenant), Name: fmt.Sprint(n)}, w.client(), browser, oauthflow.AuthorizeOptions{})
				return err
			}
			for i := range tenants {
				for n := range manyLogins {
					if err := begin(m, i, n); err != nil {
						t.Fatal(err)
					}
				}
			}
			narrow := w.manager(silent, func(c *oauthflow.ManagerConfig) { c.Store, c.StoreCalls = newBesieged(w.store), 1 })
			var all sync.WaitGroup
			for i := range tenants {
				all.Go(func() {
					if err := begin(narrow, i, manyLogins); err != nil {
						t.Errorf("%d: %v", i, err)
					}
				})
			}
			all.Wait()
		})
	})
}

// The limits hold for what runs, however many tries and calls it is made of.
func TestWhatHangsInTheStoreOrAtSalesforceIsGivenUpAllTheSame(t *testing.T) {
	t.Run("the result of a login", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := rotating(t)
			end := loginEnds[2]
			h := &hooked{Store: w.store}
			m := w.manager(silent, func(c *oauthflow.ManagerConfig) { c.Store = h })
			cb := end.answered(w, w.manager())
			w.wire.tap(nil, func(resp *http.Response) (*http.Response, error) {
				h.onSave(func(tokenstore.Record, func() error) error { time.Sleep(4 * time.Second); return errStoreDown })
				return resp, nil
			})
			began := time.Now()
			if _, err := m.Complete(t.Context(), cb); err == nil {
				t.Error("a refused code makes a connection")
			}
			if took := time.Since(began); took > 10*time.Second {
				t.Errorf("the callback is answered after %v, want ten seconds at most", took)
			}
		})
	})
	t.Run("a request to an org that is gone, whose refresh hangs", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f := &far{}
			w, s, _ := call(t, orgtest.Config{}, f)
			w.wire.tap(nil, func(resp *http.Response) (*http.Response, error) { time.Sleep(time.Minute); return resp, nil })
			began := time.Now()
			_, err := careful(s.Transport(vanishing{f, true})).Get("https://" + oldName + "/services/data")
			if took := time.Since(began); err == nil || took < 9*time.Second || took > 11*time.Second {
				t.Errorf("after %v: %v; want an error after ten seconds", took, err)
			}
			if e := new(oauthflow.Error); errors.As(err, &e) && e.Kind == oauthflow.KindInDoubt {
				t.Errorf("got %v", err)
			}
		})
	})
}

// relived is a store that has lost what a record was, in a failover that it does not tell of: another one has its version.
type relived struct {
	tokenstore.Store
	mu  sync.Mutex
	now *tokenstore.Record
}

func (s *relived) Load(ctx context.Context, id string) (tokenstore.Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.now != nil && s.now.ID == id {
		return *s.now, nil
	}
	return s.Store.Load(ctx, id)
}

func (s *relived) Save(ctx context.Context, r tokenstore.Record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.now != nil && s.now.ID == r.ID {
		s.now = nil
	}
	return s.Store.Save(ctx, r)
}

func TestAnIntentThatWaitsForItsTurnIsNotPutOverARecordThatWasLostMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		v := w.unlocked()
		w.connect(w.manager(), mainKey)
		old := w.record(mainKey)
		fields := v.read(old)
		newer := w.inherited().Reveal()
		fields["Refresh"] = newer
		other := tokenstore.Record{ID: old.ID, Due: old.Due}
		for scratch := tokenstore.NewMemory(); other.Version < old.Version; {
			other = v.write(scratch, other, fields)
		}
		store := &relived{Store: w.store}
		w.store = store
		var mu sync.Mutex
		var sent []string
		w.wire.tap(func(req *http.Request) error {
			text, err := io.ReadAll(req.Body)
			if err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			sent = append(sent, string(text))
			req.Body = io.NopCloser(bytes.NewReader(text))
			return nil
		}, nil)
		m, lift := w.besiege()
		defer lift()
		dead := w.token(m.Source(mainKey))
		w.org.ExpireSessions()
		time.AfterFunc(70*time.Second, func() { // loaded after 40 s, to be saved after 80 s
			store.mu.Lock()
			defer store.mu.Unlock()
			store.now = &other
		})
		if _, err := m.Source(mainKey).Replace(t.Context(), dead); err != nil {
			t.Error(err)
		}
		if len(sent) != 1 || !strings.Contains(sent[0], url.QueryEscape(newer)) {
			t.Errorf("%d refreshes were sent, want one of the token that is stored", len(sent))
		}
	})
}
