package oauthflow_test

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// late is a pool in which the first change of a connection waits for a connection to the server, as sqlstore's does.
type late struct {
	tokenstore.TimelineStore
	once      atomic.Bool
	of        func(r tokenstore.Record) bool // whether it is a change that waits
	by        time.Duration
	conflicts atomic.Int32
}

func (l *late) wait(r tokenstore.Record) {
	if isConnection(r.ID) && l.of(r) && l.once.CompareAndSwap(false, true) {
		time.Sleep(l.by)
	}
}

func (l *late) count(err error) error {
	if errors.Is(err, tokenstore.ErrConflict) {
		l.conflicts.Add(1)
	}
	return err
}

func (l *late) Save(ctx context.Context, r tokenstore.Record) error {
	l.wait(r)
	return l.count(l.TimelineStore.Save(ctx, r))
}

func (l *late) Delete(ctx context.Context, id string, version uint64) error {
	return l.DeleteIn(ctx, "", id, version)
}

func (l *late) DeleteIn(ctx context.Context, timeline, id string, version uint64) error {
	l.wait(tokenstore.Record{ID: id, Version: version, Timeline: timeline})
	return l.count(l.TimelineStore.DeleteIn(ctx, timeline, id, version))
}

func anyChange(tokenstore.Record) bool { return true }

// slowAnswers is a manager that gets the answers of the token endpoint late.
func (w *world) slowAnswers(by time.Duration) *oauthflow.Manager {
	return w.manager(func(cfg *oauthflow.ManagerConfig) {
		cfg.Flow = w.flow(carrier(func(req *http.Request) (*http.Response, error) {
			resp, err := w.wire.RoundTrip(req)
			if req.URL.Path == tokenEndpoint {
				time.Sleep(by)
			}
			return resp, err
		}))
	})
}

// A failover loses the intent of one process while the intent of another, for the same version, waits in the pool.
func TestAnIntentThatWaitsThroughAFailoverIsNotSavedOverAnotherHistory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		c := &switched{}
		c.put(&history{w.store, "00000001"})
		w.store = c
		first := w.manager()
		w.connect(first, mainKey)
		w.renewed(first, mainKey) // the timeline is known
		dead := w.token(first.Source(mainKey))
		w.org.ExpireSessions()
		replica := w.backup().restored(t)
		slow := w.slowAnswers(5 * time.Second)
		waits := &late{TimelineStore: c, of: anyChange, by: 3 * time.Second}
		w.store = waits
		other := w.manager()
		time.AfterFunc(100*time.Millisecond, func() { _, _ = slow.Source(mainKey).Replace(context.Background(), dead) })
		time.AfterFunc(time.Second, func() { c.put(&history{replica, "00000002"}) })
		if _, err := other.Source(mainKey).Replace(t.Context(), dead); err != nil {
			t.Error("the process whose save has waited:", err)
		}
		if waits.conflicts.Load() == 0 {
			t.Error("no save met another history: nothing was tried")
		}
		time.Sleep(time.Minute)
		w.wantEvents("refresh", "reuse", 0)
		if err := first.Renew(t.Context(), mainKey); err != nil {
			t.Error("the connection is lost:", err)
		}
	})
}

// The version of a tombstone is, after a failover that has lost the disconnection, that of a connection.
func TestATombstonesDeletionThatWaitsThroughAFailoverLeavesTheNewConnectionAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		c := &switched{}
		c.put(&history{w.store, "00000001"})
		w.store = c
		m := w.manager()
		w.connect(m, mainKey)
		replica := w.backup().restored(t)
		if err := m.Disconnect(t.Context(), mainKey); err != nil {
			t.Fatal(err)
		}
		waits := &late{TimelineStore: c, of: func(r tokenstore.Record) bool { return r.Version > 2 }, by: 3 * time.Second}
		w.store = waits
		sweeper := w.manager()
		w.store = c
		ctx, cancel := context.WithCancel(t.Context())
		swept := make(chan error)
		go func() { swept <- sweeper.KeepAlive(ctx) }()
		for !waits.once.Load() {
			time.Sleep(time.Second)
		}
		after := &history{replica, "00000002"}
		c.put(after)
		again := w.manager()
		w.connect(again, mainKey) // over what the failover has brought back
		client := w.client()
		client.Kind = oauthflow.ConnectedAppKind
		if err := again.SetClient(t.Context(), mainKey, client); err != nil {
			t.Fatal(err)
		}
		if r, err := after.Load(t.Context(), "connection/"+mainKey.Tenant+"/"+mainKey.Name); err != nil || r.Version != 3 {
			t.Fatalf("the connection has version %d, %v; want that of the tombstone, 3", r.Version, err)
		}
		time.Sleep(10 * time.Second)
		cancel()
		<-swept
		if waits.conflicts.Load() == 0 {
			t.Error("no deletion met another history: nothing was tried")
		}
		if _, err := again.Load(t.Context(), mainKey); err != nil {
			t.Error("the connection that was made after the failover:", err)
		}
	})
}

// What every change of a connection is decided over, the store is told: a change without a history would be no different from
// one that was decided after a failover.
func TestEachChangeOfAConnectionSaysInWhichHistoryItWasDecided(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		var seen atomic.Int32 // the keep-alive changes several records at once
		w.store = &late{TimelineStore: &history{w.store, "00000001"}, of: func(r tokenstore.Record) bool {
			if seen.Add(1); r.Timeline != "00000001" {
				t.Errorf("%s is changed at version %d with the timeline %q", r.ID, r.Version, r.Timeline)
			}
			return false
		}}
		m := w.manager()
		w.connect(m, mainKey)
		w.renewed(m, mainKey)
		w.connect(m, mainKey)
		c := w.client()
		c.Kind = oauthflow.ConnectedAppKind
		if err := m.SetClient(t.Context(), mainKey, c); err != nil {
			t.Fatal(err)
		}
		if _, err := m.Adopt(t.Context(), oauthflow.Key{Tenant: mainKey.Tenant, Name: "adopted"}, w.client(), w.inherited()); err != nil {
			t.Fatal(err)
		}
		if err := m.Move(t.Context(), mainKey, targetKey); err != nil {
			t.Fatal(err)
		}
		if err := m.Disconnect(t.Context(), targetKey); err != nil {
			t.Fatal(err)
		}
		w.keptAlive(2*day, m)
		if n := seen.Load(); n < 10 {
			t.Errorf("only %d changes were seen", n)
		}
	})
}
