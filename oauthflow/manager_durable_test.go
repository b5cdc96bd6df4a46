package oauthflow_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// errTooFew is what a store says that has made a change and could not pass it on.
var errTooFew = fmt.Errorf("0 of 1 replicas: %w", tokenstore.ErrNotDurable)

// copies is a store that makes every save of a connection, and says of each what a test wants said.
type copies struct {
	tokenstore.Store

	mu    sync.Mutex
	saves int
	says  func(save int) error // of each save since it was set, from 1; nil for what is true
}

func (c *copies) Save(ctx context.Context, r tokenstore.Record) error {
	if err := c.Store.Save(ctx, r); err != nil || !isConnection(r.ID) {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.saves++; c.says == nil {
		return nil
	}
	return c.says(c.saves)
}

func (c *copies) say(says func(int) error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.saves, c.says = 0, says
}

func always(err error) func(int) error { return func(int) error { return err } }

func copiesOf(store tokenstore.Store) *copies {
	behind := &switched{}
	behind.put(store)
	return &copies{Store: behind}
}

// failOver has the store go on with what another has.
func (c *copies) failOver(to tokenstore.Store) { c.Store.(*switched).put(to) }

// copying is a world over such a store.
func copying(t *testing.T) (*world, *copies) {
	t.Helper()
	w := rotating(t)
	c := copiesOf(w.store)
	w.store = c
	return w, c
}

// copied is one in which a session is over.
func copied(t *testing.T) (w *world, c *copies, s *oauthflow.Source, dead string) {
	t.Helper()
	w, c = copying(t)
	m := w.manager()
	w.connect(m, mainKey)
	s = m.Source(mainKey)
	dead = w.token(s)
	w.org.ExpireSessions()
	return w, c, s, dead
}

func TestWithoutASaveThatIsSafeNothingIsSent(t *testing.T) {
	for name, says := range map[string]func(int) error{
		"every save is unsafe": always(errTooFew),
		"the outcome of the first is unknown, and the next is unsafe": func(save int) error {
			if save == 1 {
				return errStoreDown
			}
			return errTooFew
		},
		"the outcome of all is unknown": always(errStoreDown),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, c, s, dead := copied(t)
				c.say(says)
				for range 5 {
					_, err := s.Replace(t.Context(), dead)
					wantKind(t, err, oauthflow.KindStore)
					if !errors.Is(err, errTooFew) && !errors.Is(err, errStoreDown) {
						t.Errorf("%v hides the store's error", err)
					}
				}
				if n := w.wire.refreshes(); n != 0 {
					t.Errorf("%d requests, want 0", n)
				}
				c.say(nil)
				began := time.Now()
				if _, err := w.manager().Source(mainKey).Replace(t.Context(), dead); err != nil {
					t.Fatalf("when there are copies again: %v", err)
				}
				if took := time.Since(began); name == "every save is unsafe" && took > time.Second {
					t.Errorf("the next process waits for %v", took)
				}
				w.wantEvents("refresh", "ok", 1)
				w.wantEvents("introspect", "", 0)
			})
		})
	}
}

func TestAValidTokenIsServedWhileNoSaveIsSafe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, c := copying(t)
		m := w.manager()
		w.connect(m, mainKey)
		s := m.Source(mainKey)
		good := w.token(s)
		c.say(always(errTooFew))
		for range 12 {
			time.Sleep(5 * time.Minute)
			if tok, err := s.TokenContext(t.Context()); err != nil || tok.AccessToken != good {
				t.Fatalf("%v, want the token of before", err)
			}
			if err := m.Renew(t.Context(), mainKey); !errors.Is(err, tokenstore.ErrNotDurable) {
				t.Errorf("a renewal says %v", err)
			}
		}
		if n := w.wire.refreshes(); n != 0 {
			t.Errorf("%d requests, want 0", n)
		}
	})
}

func TestAnIntentThatIsTakenBackLeavesAnEarlierDoubt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, c, s, dead := copied(t)
		if err := w.org.Inject(orgtest.Fault{Path: tokenEndpoint, Drop: orgtest.DropBefore}); err != nil {
			t.Fatal(err)
		}
		c.say(func(save int) error {
			if save == 1 {
				return nil
			}
			return errTooFew
		})
		_, err := s.Replace(t.Context(), dead) // in doubt, confirmed, and then not sent
		wantKind(t, err, oauthflow.KindStore)
		c.say(nil)
		asked := w.events("introspect", "")
		if _, err := w.manager().Source(mainKey).Replace(t.Context(), dead); err != nil {
			t.Fatal(err)
		}
		if n := w.events("introspect", "") - asked; asked != 2 || n != 2 {
			t.Errorf("the org was asked %d times, then %d times, want twice each", asked, n)
		}
	})
}

func TestAResultIsSavedUntilASaveIsSafe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, c, s, dead := copied(t)
		began := time.Now()
		c.say(func(save int) error {
			if save > 1 && time.Since(began) < 10*time.Second { // the intent is safe, the result is not
				return errTooFew
			}
			return nil
		})
		tok, err := s.Replace(t.Context(), dead)
		if err != nil || !w.alive(tok.AccessToken) {
			t.Fatal(err)
		}
		if took := time.Since(began); took < 10*time.Second || took > 20*time.Second {
			t.Errorf("it was handed out after %v", took)
		}
		if stored := w.token(w.manager().Source(mainKey)); stored != tok.AccessToken || w.wire.refreshes() != 1 {
			t.Errorf("after %d requests another token is stored than the one handed out", w.wire.refreshes())
		}
	})
}

func TestAResultThatAFailoverUndoesIsStoredAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, c, s, dead := copied(t)
		began := time.Now()
		var replica tokenstore.Store
		c.say(func(save int) error {
			switch {
			case save == 1:
				replica = w.backup().restored(t)
			case replica != nil && time.Since(began) > 10*time.Second:
				c.failOver(replica)
				replica = nil
				return errStoreDown
			case replica != nil:
				return errTooFew
			}
			return nil
		})
		tok, err := s.Replace(t.Context(), dead)
		if err != nil {
			t.Fatal(err)
		}
		if stored := w.token(w.manager().Source(mainKey)); stored != tok.AccessToken || replica != nil {
			t.Error("what was handed out is not what is stored")
		}
		w.org.ExpireSessions()
		if _, err := w.manager().Source(mainKey).Replace(t.Context(), tok.AccessToken); err != nil {
			t.Error(err)
		}
		w.wantEvents("refresh", "reuse", 0)
		w.wantEvents("introspect", "", 0)
	})
}

func TestAResultThatIsNeverSafeCountsAsStoredInTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, c, s, dead := copied(t)
		c.say(func(save int) error {
			if save > 1 {
				return errTooFew
			}
			return nil
		})
		began := time.Now()
		tok, err := s.Replace(t.Context(), dead)
		if err != nil || !w.alive(tok.AccessToken) {
			t.Fatal(err)
		}
		if took := time.Since(began); took < 30*time.Second || took > 2*time.Minute {
			t.Errorf("it was handed out after %v, want about a minute", took)
		}
	})
}

func TestARefusalThatIsNotSafeIsToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, c, _, dead := copied(t)
		e := newEventLog()
		m := w.manager(e.observe)
		if err := w.org.RevokeAll(appName); err != nil {
			t.Fatal(err)
		}
		c.say(func(save int) error {
			if save > 1 {
				return errTooFew
			}
			return nil
		})
		for range 3 {
			_, err := m.Source(mainKey).Replace(t.Context(), dead)
			wantKind(t, err, oauthflow.KindGrantDead)
		}
		synctest.Wait()
		if n := e.count(oauthflow.EventBroken); n != 1 || w.wire.refreshes() != 1 {
			t.Errorf("told %d times after %d requests, want once after 1", n, w.wire.refreshes())
		}
	})
}

// A failover takes versions back, which then come again with other content. Who has waited meanwhile must not take one of
// them for the record that he knows.
func TestARecordThatIsOldWhenItsTurnComesIsLookedAtAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, c, _, dead := copied(t)
		replica, other := w.backup().restored(t), w.manager()
		if err := w.manager().SetClient(t.Context(), mainKey, w.client()); err != nil { // a version that the replica lacks
			t.Fatal(err)
		}
		asked := 0
		slow := w.manager(func(cfg *oauthflow.ManagerConfig) {
			cfg.Flow = w.flow(carrier(func(req *http.Request) (*http.Response, error) {
				resp, err := w.wire.RoundTrip(req)
				if req.URL.Path != "/services/oauth2/introspect" {
					return resp, err
				}
				if asked++; asked == 2 { // the replica takes over, and another process refreshes
					c.failOver(replica)
					if _, err := other.Source(mainKey).Replace(t.Context(), dead); err != nil {
						t.Error(err)
					}
					time.Sleep(time.Second)
				}
				return resp, err
			}))
		})
		if err := w.org.Inject(orgtest.Fault{Path: tokenEndpoint, Drop: orgtest.DropBefore}); err != nil {
			t.Fatal(err)
		}
		tok, err := slow.Source(mainKey).Replace(t.Context(), dead)
		if err != nil || !w.alive(tok.AccessToken) {
			t.Error(err)
		}
		w.wantEvents("refresh", "ok", 1)
		w.wantEvents("refresh", "reuse", 0)
	})
}
