package oauthflow_test

import (
	"context"
	"errors"
	"iter"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/internal/needs"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// history is a store that tells in which timeline it is.
type history struct {
	tokenstore.Store
	timeline string
}

func (h *history) Load(ctx context.Context, id string) (tokenstore.Record, error) {
	r, err := h.Store.Load(ctx, id)
	r.Timeline = h.timeline
	return r, err
}

// Save compares the history in which it was decided.
func (h *history) Save(ctx context.Context, r tokenstore.Record) error {
	if r.Timeline != "" && r.Timeline != h.timeline {
		return tokenstore.ErrConflict
	}
	return h.Store.Save(ctx, r)
}

// DeleteIn implements [tokenstore.TimelineStore].
func (h *history) DeleteIn(ctx context.Context, timeline, id string, version uint64) error {
	if timeline != "" && timeline != h.timeline {
		return tokenstore.ErrConflict
	}
	return h.Store.Delete(ctx, id, version)
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

func TestAStoreThatTellsNoOtherTimelineIsNotDoubted(t *testing.T) {
	for name, timelines := range map[string][2]string{
		"never": {"", ""}, "not any more": {"00000001", ""}, "the same": {"00000001", "00000001"},
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
		w.store = &history{tokenstore.NewMemory(), "00000001"}
		if err := w.copied(former); err != nil {
			t.Fatal(err)
		}
		s := w.manager().Source(mainKey)
		if _, err := s.Replace(t.Context(), w.token(s)); err != nil {
			t.Fatal(err)
		}
		if n := w.events("introspect", ""); n != 0 {
			t.Errorf("the org was asked %d times about a connection that was copied", n)
		}
	})
}

// lives are ways for a connection to come to the record that a failover brings back. Each returns that record's store, and
// the key, whose refresh token has been spent since.
var lives = map[string]func(t *testing.T, w *world, h *history) (backup, oauthflow.Key){
	"a login that was never refreshed": func(t *testing.T, w *world, _ *history) (backup, oauthflow.Key) {
		m := w.manager()
		w.connect(m, mainKey)
		return w.backup(), w.renewed(m, mainKey)
	},
	"a login over another one": func(t *testing.T, w *world, _ *history) (backup, oauthflow.Key) {
		m := w.manager()
		w.connect(m, mainKey)
		w.renewed(m, mainKey)
		w.connect(m, mainKey)
		return w.backup(), w.renewed(m, mainKey)
	},
	"an adoption whose proof is lost": func(t *testing.T, w *world, h *history) (old backup, k oauthflow.Key) {
		base := &hooked{Store: h.Store}
		h.Store = base
		base.onSave(func(r tokenstore.Record, do func() error) error {
			err := do()
			if isConnection(r.ID) && r.Version == 0 {
				old = w.backup()
			}
			return err
		})
		w.adopted = w.inherited()
		if _, err := w.manager().Adopt(t.Context(), mainKey, w.client(), w.adopted); err != nil {
			t.Fatal(err)
		}
		return old, mainKey
	},
	"a login that was moved": func(t *testing.T, w *world, _ *history) (backup, oauthflow.Key) {
		m := w.manager()
		w.connect(m, mainKey)
		if err := m.Move(t.Context(), mainKey, targetKey); err != nil {
			t.Fatal(err)
		}
		return w.backup(), w.renewed(m, targetKey)
	},
	"a login that was copied": func(t *testing.T, w *world, h *history) (backup, oauthflow.Key) {
		former := &history{tokenstore.NewMemory(), "00000002"}
		m := w.manager(func(c *oauthflow.ManagerConfig) { c.Store = former })
		w.connect(m, mainKey)
		if err := w.copied(former); err != nil {
			t.Fatal(err)
		}
		return w.backup(), w.renewed(w.manager(), mainKey)
	},
	"a record of a time when no timeline was told": func(t *testing.T, w *world, h *history) (backup, oauthflow.Key) {
		h.timeline = ""
		m := w.manager()
		w.connect(m, mainKey)
		w.renewed(m, mainKey)
		old := w.backup()
		h.timeline = "00000001"
		return old, w.renewed(m, mainKey)
	},
}

func (w *world) renewed(m *oauthflow.Manager, k oauthflow.Key) oauthflow.Key {
	w.t.Helper()
	if err := m.Renew(w.t.Context(), k); err != nil {
		w.t.Fatal(err)
	}
	return k
}

// wantGuarded has a fresh process refresh a connection whose stored refresh token is spent.
func (w *world) wantGuarded(m *oauthflow.Manager, k oauthflow.Key) {
	w.t.Helper()
	w.org.ExpireSessions()
	seen := len(w.org.Ledger())
	s := m.Source(k)
	ctx, cancel := withTimeout(w.t, 2*time.Minute)
	defer cancel()
	tok, err := s.TokenContext(ctx) // the dead one, where there is one
	if err == nil {
		_, err = s.Replace(ctx, tok.AccessToken)
	}
	if err == nil {
		w.t.Error("a lost connection is refreshed")
	}
	w.wantEvents("refresh", "reuse", 0)
	if n := w.events("introspect", ""); n < 2 || w.beforeIntrospection(seen) != 0 {
		w.t.Errorf("the org was asked %d times, and sent %d tokens before", n, w.beforeIntrospection(seen))
	}
}

func TestEveryFirstRefreshAfterAFailoverIsGuarded(t *testing.T) {
	for name, live := range lives {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := rotating(t)
				h := &history{w.store, "00000001"}
				w.store = h
				old, k := live(t, w, h)
				h.Store, h.timeline = old.restored(t), "00000002"
				w.wantGuarded(w.manager(), k)
			})
		})
	}
}

// What is written after the failover over what it has brought back is no newer than that.
func TestWhatIsWrittenAfterAFailoverDoesNotHideIt(t *testing.T) {
	deeds := map[string]struct {
		live string
		do   func(w *world, m *oauthflow.Manager) oauthflow.Key
	}{
		"a move": {"a login that was never refreshed", func(w *world, m *oauthflow.Manager) oauthflow.Key {
			if err := m.Move(w.t.Context(), mainKey, targetKey); err != nil {
				w.t.Fatal(err)
			}
			return targetKey
		}},
		"new credentials": {"a login that was never refreshed", func(w *world, m *oauthflow.Manager) oauthflow.Key {
			c := w.client()
			c.Kind = oauthflow.ConnectedAppKind
			if err := m.SetClient(w.t.Context(), mainKey, c); err != nil {
				w.t.Fatal(err)
			}
			return mainKey
		}},
		"an adoption with another client": {"an adoption whose proof is lost", func(w *world, m *oauthflow.Manager) oauthflow.Key {
			c := w.client()
			c.Kind = oauthflow.ConnectedAppKind
			ctx, cancel := withTimeout(w.t, time.Second)
			defer cancel()
			if _, err := m.Adopt(ctx, mainKey, c, w.adopted); err == nil {
				w.t.Error("a token that is spent was adopted")
			}
			return mainKey
		}},
	}
	for name, deed := range deeds {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := rotating(t)
				h := &history{w.store, "00000001"}
				w.store = h
				old, _ := lives[deed.live](t, w, h)
				h.Store, h.timeline = old.restored(t), "00000002"
				m := w.manager()
				w.wantGuarded(m, deed.do(w, m))
			})
		})
	}
}

func TestALoginThatAFailoverMayHaveLostIsGivenUpAndTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		h := &history{w.store, "00000001"}
		base := &hooked{Store: h}
		w.store = base
		m, other := w.manager(), w.manager()
		back := w.begin(m, mainKey)
		old := w.backup()
		base.onSave(func(r tokenstore.Record, do func() error) error {
			err := do()
			if isConnection(r.ID) {
				base.onSave(nil)
				w.renewed(other, mainKey)
				h.Store, h.timeline = old.restored(t), "00000002"
				return errStoreDown
			}
			return err
		})
		if _, err := m.Complete(t.Context(), back); !errors.Is(err, oauthflow.ErrSuperseded) {
			t.Fatalf("got %v, want ErrSuperseded", err)
		}
		time.Sleep(time.Minute)
		if _, err := m.Load(t.Context(), mainKey); kindOf(err) != oauthflow.KindNotConnected {
			t.Errorf("got %v, want not connected", err)
		}
		if live := w.liveApprovals(); len(live) != 0 {
			t.Errorf("approvals %v are alive, want none", live)
		}
	})
}

func TestAFirstRefreshWithoutAFailoverCostsNoQuestion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		w.store = &history{w.store, "00000001"}
		m := w.manager()
		w.connect(m, mainKey)
		w.renewed(m, mainKey)
		if _, err := m.Adopt(t.Context(), targetKey, w.client(), w.inherited()); err != nil {
			t.Fatal(err)
		}
		w.wantEvents("introspect", "", 0)
	})
}

func TestACopyTakesTheDoubtAlong(t *testing.T) {
	stores := map[string]string{"a store with a timeline of the same name": "00000001", "a store that tells none": ""}
	for name, timeline := range stores {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := rotating(t)
				former := &history{w.store, "00000001"}
				w.store = former
				m := w.manager()
				w.connect(m, mainKey)
				old := w.backup()
				w.renewed(m, mainKey)
				former.Store, former.timeline = old.restored(t), "00000002"
				w.store = &history{tokenstore.NewMemory(), timeline}
				if err := w.copied(former); err != nil {
					t.Fatal(err)
				}
				w.wantGuarded(w.manager(), mainKey)
			})
		})
	}
}

func TestAFailoverThatHasLostTheTokenIsToldAsThat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _, _ := failover(t, "00000001", "00000002", true)
		dead := w.token(w.manager().Source(mainKey))
		away := w.manager(func(c *oauthflow.ManagerConfig) {
			c.Flow = w.flow(piped(func(context.Context) error {
				return &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
			}, nil))
		})
		_, err := away.Source(mainKey).Replace(t.Context(), dead) // the last try does not leave, and the doubt stays
		wantKind(t, err, oauthflow.KindNotSent)
		asked := w.events("introspect", "")
		time.Sleep(time.Minute)
		e := newEventLog()
		_, err = w.manager(e.observe).Source(mainKey).Replace(t.Context(), dead)
		if e := wantKind(t, err, oauthflow.KindGrantDead); !strings.Contains(e.Error(), "its answer was lost") || !strings.Contains(e.Sentence(), "was lost") {
			t.Errorf("got %q, want the reason", e)
		}
		if w.events("introspect", "") == asked {
			t.Error("the second process sent the token without a question")
		}
		synctest.Wait()
		if n := e.count(oauthflow.EventReplay); n != 0 {
			t.Errorf("%d times somebody else is said to use the token", n)
		}
	})
}

// A process that is in doubt when the failover comes cannot know who else has sent since what it sees.
func TestADoubtBeginsAnewWithTheTimeline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		const failed = 14 * time.Second // the doubt would be over a second later
		c, under := &switched{}, w.store
		c.put(&history{under, "00000001"})
		w.store = c
		m := w.manager()
		w.connect(m, mainKey)
		if err := w.org.Inject(orgtest.Fault{Path: tokenEndpoint, Drop: orgtest.DropBefore}); err != nil {
			t.Fatal(err)
		}
		s := m.Source(mainKey)
		dead := w.token(s)
		w.org.ExpireSessions()
		began := time.Now()
		time.AfterFunc(failed, func() { c.put(&history{under, "00000002"}) })
		if _, err := s.Replace(t.Context(), dead); err != nil && !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
		if took := time.Since(began); took < failed+15*time.Second {
			t.Errorf("the token was sent again after %v, want lease and quiet after the failover", took)
		}
	})
}

func TestAnIdleConnectionIsRefreshedBeforeItsEndAlsoWhereNobodyMayIntrospect(t *testing.T) {
	for i, timelines := range [][2]string{{"", ""}, {"", "1"}, {"1", "2"}} {
		if !needs.OneIn(3, i+1) {
			continue
		}
		synctest.Test(t, func(t *testing.T) {
			w := rotating(t)
			h := &history{w.store, timelines[0]}
			w.store = h
			w.connect(w.manager(), mainKey)
			h.timeline = timelines[1]
			if err := w.org.Inject(orgtest.Fault{Path: "/services/oauth2/introspect", Times: -1, Status: 403}); err != nil {
				t.Fatal(err)
			}
			w.keptAlive(30*day, w.manager())
			if n := w.wire.refreshes(); n != 1 {
				t.Errorf("%q: %d refreshes in 30 days, want one", timelines, n)
			}
		})
	}
}

func TestAfterAFailoverTheKeepAliveLooksAfterManyConnectionsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := peopled(t, 20)
		w.store = &history{w.store, "00000002"}
		time.Sleep(25 * day)
		m := w.manager()
		ctx, cancel := context.WithCancel(t.Context())
		began := time.Now()
		ended := make(chan error)
		go func() { ended <- m.KeepAlive(ctx) }()
		for w.wire.refreshes() < 20 && time.Since(began) < time.Hour {
			time.Sleep(time.Second)
		}
		if took := time.Since(began); took > time.Minute {
			t.Errorf("20 connections, each of which is asked about for 20 s, took %v", took)
		}
		cancel()
		<-ended
	})
}

// switched is a store behind which another can be put at any time.
type switched struct {
	to atomic.Pointer[tokenstore.Store]
}

func (s *switched) put(store tokenstore.Store) { s.to.Store(&store) }

func (s *switched) Load(ctx context.Context, id string) (tokenstore.Record, error) {
	return (*s.to.Load()).Load(ctx, id)
}

func (s *switched) Save(ctx context.Context, r tokenstore.Record) error {
	return (*s.to.Load()).Save(ctx, r)
}

func (s *switched) Delete(ctx context.Context, id string, version uint64) error {
	return (*s.to.Load()).Delete(ctx, id, version)
}

func (s *switched) DeleteIn(ctx context.Context, timeline, id string, version uint64) error {
	if t, ok := (*s.to.Load()).(tokenstore.TimelineStore); ok {
		return t.DeleteIn(ctx, timeline, id, version)
	}
	return s.Delete(ctx, id, version)
}

func (s *switched) List(ctx context.Context, prefix string, before time.Time) iter.Seq2[tokenstore.Record, error] {
	return (*s.to.Load()).List(ctx, prefix, before)
}

// In a failover of a store that tells no timeline, a version that is lost comes again with another's intent.
func TestADoubtKnowsItsRecordByMoreThanTheVersion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		c := &switched{}
		c.put(w.store)
		w.store = c
		w.connect(w.manager(), mainKey)
		dead := w.token(w.manager().Source(mainKey))
		w.org.ExpireSessions()
		replica := w.backup().restored(t)
		slow := w.manager(func(cfg *oauthflow.ManagerConfig) {
			cfg.Flow = w.flow(carrier(func(req *http.Request) (*http.Response, error) {
				if req.URL.Path == tokenEndpoint {
					time.Sleep(7 * time.Second)
				}
				return w.wire.RoundTrip(req)
			}))
		})
		if err := w.org.Inject(orgtest.Fault{Path: tokenEndpoint, Drop: orgtest.DropBefore}); err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(16*time.Second, func() {
			c.put(replica)
			go func() { _, _ = slow.Source(mainKey).Replace(context.Background(), dead) }()
		})
		if _, err := w.manager().Source(mainKey).Replace(t.Context(), dead); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Minute)
		w.wantEvents("refresh", "reuse", 0)
		if err := w.manager().Renew(t.Context(), mainKey); err != nil {
			t.Error(err)
		}
	})
}
