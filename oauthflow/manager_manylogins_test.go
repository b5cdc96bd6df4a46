package oauthflow_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"iter"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/internal/needs"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

const manyLogins = 64 // what the documentation says a tenant has

func TestATenantHasSixtyFourLoginsHoweverManyItBegins(t *testing.T) {
	begins := needs.Size(20_000, 2000)
	if raced {
		begins = 2000
	}
	w := rotating(t)
	managers := make([]*oauthflow.Manager, 4)
	for i := range managers {
		managers[i] = w.manager(silent)
	}
	others := w.begin(managers[0], mainKey)
	var all sync.WaitGroup
	for i, m := range managers {
		all.Go(func() {
			var some sync.WaitGroup
			for j := range 8 {
				some.Go(func() {
					for n := range begins / 32 {
						k := oauthflow.Key{Tenant: rival, Name: fmt.Sprint(i, j, n)}
						if _, err := m.Begin(t.Context(), k, w.client(), browser, oauthflow.AuthorizeOptions{}); err != nil {
							t.Error(err)
						}
					}
				})
			}
			some.Wait()
		})
	}
	all.Wait()
	if n := len(w.records("login/")); n > manyLogins+1 {
		t.Fatalf("the store holds %d logins, want at most %d and the other tenant's", n, manyLogins)
	}
	if _, err := managers[1].Complete(t.Context(), others); err != nil {
		t.Errorf("the other tenant's login: %v", err)
	}
}

func TestTheNewestLoginsOfATenantStay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		m := w.manager()
		var began []oauthflow.Callback
		for i := range manyLogins + 10 {
			time.Sleep(time.Second) // so that one is the oldest
			began = append(began, w.begin(m, rivalKey(i)))
		}
		for i, cb := range began[10:] {
			if i%7 != 0 && i != manyLogins-1 { // Salesforce keeps five approvals
				continue
			}
			if _, err := m.Complete(t.Context(), cb); err != nil {
				t.Errorf("login %d of the newest %d: %v", i, manyLogins, err)
			}
		}
		for i, cb := range began[:10] {
			if _, err := m.Complete(t.Context(), cb); kindOf(err) != oauthflow.KindState {
				t.Errorf("the login %d, which newer ones have replaced: %v", i, err)
			}
		}
	})
}

func TestWhatALoginCostsTheStore(t *testing.T) {
	w := rotating(t)
	g := &gauge{}
	w.store = &gauged{w.store, g}
	m := w.manager()
	client := w.client()
	begin := func(i int) string {
		redirect, err := m.Begin(t.Context(), rivalKey(i), client, browser, oauthflow.AuthorizeOptions{LoginHint: w.user})
		if err != nil {
			t.Fatal(err)
		}
		return redirect
	}
	redirect := begin(0)
	g.want(t, "the first login", 2, 1, 0) // one whether all was copied to another store
	cb := w.approve(rivalKey(0), redirect)
	g.reset()
	if _, err := m.Complete(t.Context(), cb); err != nil {
		t.Fatal(err)
	}
	g.want(t, "its callback", 3, 3, 0)
	for i := range 2 * manyLogins {
		begin(i)
	}
	for i := range 20 {
		g.reset()
		begin(i)
		g.want(t, "a login where every place is taken", 4, 1, 1)
	}
}

// gauged is a store whose calls are counted.
type gauged struct {
	tokenstore.Store
	*gauge
}

func (s *gauged) Load(ctx context.Context, id string) (tokenstore.Record, error) {
	s.loads.Add(1)
	return s.Store.Load(ctx, id)
}

func (s *gauged) Save(ctx context.Context, r tokenstore.Record) error {
	s.saves.Add(1)
	return s.Store.Save(ctx, r)
}

func (s *gauged) Delete(ctx context.Context, id string, version uint64) error {
	s.deletes.Add(1)
	return s.Store.Delete(ctx, id, version)
}

func (s *gauged) List(ctx context.Context, prefix string, before time.Time) iter.Seq2[tokenstore.Record, error] {
	s.lists.Add(1)
	return s.Store.List(ctx, prefix, before)
}

// An earlier version stored a login under the hash of its state.
func TestALoginThatAnEarlierVersionBeganIsCompletedAndAnsweredAgain(t *testing.T) {
	w := rotating(t)
	v := w.unlocked()
	m := w.manager()
	cb := w.begin(m, mainKey)
	r, err := w.store.Load(t.Context(), w.records("login/")[0])
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(cb.Query.Get("state")))
	v.write(w.store, tokenstore.Record{ID: "login/" + base64.RawURLEncoding.EncodeToString(sum[:]), Due: r.Due}, v.read(r))
	if err := w.store.Delete(t.Context(), r.ID, r.Version); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := m.Complete(t.Context(), cb); err != nil {
			t.Error(err)
		}
	}
	if n := w.wire.exchanges(); n != 1 {
		t.Errorf("%d codes sent, want 1", n)
	}
}

// While a code is on its way, newer logins of the tenant take every place.
func TestTheEndOfALoginIsNotWrittenOverTheOneThatHasItsPlace(t *testing.T) {
	w := rotating(t)
	m := w.manager()
	cb := w.begin(m, rivalKey(0))
	var newest oauthflow.Callback
	w.wire.tap(nil, func(resp *http.Response) (*http.Response, error) {
		w.wire.tap(nil, nil)
		for i := range 3 * manyLogins {
			if _, err := m.Begin(t.Context(), rivalKey(i+1), w.client(), browser, oauthflow.AuthorizeOptions{}); err != nil {
				t.Error(err)
			}
		}
		newest = w.begin(m, oauthflow.Key{Tenant: rival, Name: "newest"})
		return resp, nil
	})
	if _, err := m.Complete(t.Context(), cb); err != nil {
		t.Fatal(err)
	}
	if n := len(w.records("login/")); n != manyLogins {
		t.Errorf("%d logins, want %d", n, manyLogins)
	}
	if _, err := m.Complete(t.Context(), newest); err != nil {
		t.Errorf("the newest login: %v", err)
	}
	if _, err := m.Complete(t.Context(), cb); kindOf(err) != oauthflow.KindState {
		t.Errorf("the replaced login again: %v", err)
	}
}
