package oauthflow_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// A store that has lost its last saves holds a login whose code was sent as one that waits for its callback. A browser that
// loads the page again must not have the code sent again: Salesforce may revoke what it gave for it.
//
// Source: RFC 6749 §4.1.2; RFC 9700 §4.5.
func TestAReloadSendsNoCodeAgainAfterTheStoreHasLostThatItWasSent(t *testing.T) {
	for name, lose := range map[string]func(h *history, old tokenstore.Store, c *oauthflow.ManagerConfig){
		"in a failover": func(h *history, old tokenstore.Store, _ *oauthflow.ManagerConfig) {
			h.Store, h.timeline = old, "00000002"
		},
		"in a failover of which a store that told none begins to tell": func(h *history, old tokenstore.Store, _ *oauthflow.ManagerConfig) {
			h.Store, h.timeline = old, "00000001"
		},
		"restored from a backup": func(h *history, old tokenstore.Store, c *oauthflow.ManagerConfig) {
			h.Store, c.StoreEpoch = old, "restored"
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := rotating(t)
				h := &history{w.store, "00000001"}
				if name == "in a failover of which a store that told none begins to tell" {
					h.timeline = ""
				}
				w.store = h
				m := w.manager()
				cb := w.begin(m, mainKey)
				old := w.backup()
				if _, err := m.Complete(t.Context(), cb); err != nil {
					t.Fatal(err)
				}
				after := w.manager(func(c *oauthflow.ManagerConfig) { lose(h, old.restored(t), c) })
				for range 2 {
					_, err := after.Complete(t.Context(), cb)
					wantKind(t, err, oauthflow.KindState)
				}
				if n := w.wire.exchanges(); n != 1 {
					t.Errorf("the code was sent %d times, want once", n)
				}
				w.connect(after, mainKey) // a login that begins after it
			})
		})
	}
}

// The store loses the save that is under way, and says that it is made.
func TestALoginWhoseSavesAreNotComparedWithTheHistoryTheyWereDecidedInIsNotBegun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		h := &history{w.store, "00000001"}
		base := &hooked{Store: h}
		w.store = base
		m := w.manager()
		base.onSave(func(_ tokenstore.Record, do func() error) error {
			base.onSave(nil)
			h.timeline = "00000002" // between what Begin has read and its save
			return do()
		})
		if _, err := m.Complete(t.Context(), w.begin(m, mainKey)); err != nil {
			t.Errorf("a login that was begun during a failover: %v", err)
		}
	})
}

func TestALoginInAStoreWhoseHistoryGoesOnIsCompleted(t *testing.T) {
	for _, timeline := range []string{"", "00000001"} {
		synctest.Test(t, func(t *testing.T) {
			w := rotating(t)
			w.store = &history{w.store, timeline}
			epoch := func(c *oauthflow.ManagerConfig) { c.StoreEpoch = "2026" }
			cb := w.begin(w.manager(epoch), mainKey)
			if _, err := w.manager(epoch).Complete(t.Context(), cb); err != nil {
				t.Errorf("timeline %q: %v", timeline, err)
			}
		})
	}
}

// A version that knows nothing of a login's history has begun it.
func TestALoginOfAnEarlierVersionIsCompleted(t *testing.T) {
	w := rotating(t)
	v := w.unlocked()
	w.store = &history{w.store, "00000001"}
	m := w.manager()
	cb := w.begin(m, mainKey)
	v.change(w.store, w.records("login/")[0], func(fields map[string]any) {
		if fields["History"] == nil {
			t.Error("a login does not say in which history it was begun")
		}
		delete(fields, "History")
	})
	if _, err := m.Complete(t.Context(), cb); err != nil {
		t.Error(err)
	}
}

// inHistory is a store that changes its history just before it deletes.
type inHistory struct {
	*history
	deleted int
}

func (s *inHistory) Delete(ctx context.Context, id string, version uint64) error {
	return s.DeleteIn(ctx, "", id, version)
}

func (s *inHistory) DeleteIn(ctx context.Context, timeline, id string, version uint64) error {
	s.history.timeline = "00000002"
	s.deleted++
	return s.history.DeleteIn(ctx, timeline, id, version)
}

// A failover comes between the load of a record and its deletion: in the new history the same version is another record.
func TestNoRecordIsDeletedInAnotherHistoryThanItWasLoadedIn(t *testing.T) {
	sweep := func(t *testing.T, m *oauthflow.Manager) {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		_ = m.KeepAlive(ctx)
	}
	for name, row := range map[string]struct {
		prefix string
		put    func(w *world, v foreigner)
		do     func(t *testing.T, m *oauthflow.Manager)
	}{
		"a login whose time is over": {"login/", func(w *world, _ foreigner) {
			w.begin(w.manager(), mainKey)
			time.Sleep(time.Hour)
		}, sweep},
		"a wait for a host that is over": {"host/", func(w *world, v foreigner) {
			v.write(w.store, tokenstore.Record{ID: "host/login.salesforce.com", Due: time.Now()}, map[string]any{"Format": 1})
			time.Sleep(time.Hour)
		}, sweep},
		"a record that nothing reads": {"subject/", func(w *world, v foreigner) {
			v.write(w.store, tokenstore.Record{ID: userRecord, Due: time.Now()}, map[string]any{"Format": 1})
		}, func(t *testing.T, m *oauthflow.Manager) {
			if err := m.Reseal(t.Context(), nil); err != nil {
				t.Error(err)
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := rotating(t)
				v := w.unlocked()
				h := &history{w.store, "00000001"}
				w.store = h
				row.put(w, v)
				s := &inHistory{history: h}
				w.store = s
				row.do(t, w.manager())
				if left := w.records(row.prefix); len(left) != 1 || s.deleted == 0 {
					t.Errorf("%d records are left after %d tries to delete one, want the one of the new history", len(left), s.deleted)
				}
			})
		})
	}
}
