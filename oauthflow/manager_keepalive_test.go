package oauthflow_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/internal/needs"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

const day = 24 * time.Hour

func person(i int) string { return fmt.Sprintf("user%02d@acme.example", i) }

func personsKey(i int) oauthflow.Key {
	return oauthflow.Key{Tenant: "acme", Name: fmt.Sprintf("conn%02d", i)}
}

// peopled is a rotating org with n people, each connected once.
func peopled(t *testing.T, n int) *world {
	t.Helper()
	cfg := orgtest.Config{RotateRefreshTokens: true}
	for i := range n {
		cfg.Users = append(cfg.Users, orgtest.User{Username: person(i)})
	}
	w := newWorld(t, cfg)
	m := w.manager()
	for i := range n {
		w.user = person(i)
		w.connect(m, personsKey(i))
	}
	return w
}

// keptAlive runs the keep-alive of some managers for a while.
func (w *world) keptAlive(d time.Duration, managers ...*oauthflow.Manager) {
	ctx, cancel := context.WithTimeout(w.t.Context(), d)
	defer cancel()
	ended := make(chan error)
	for _, m := range managers {
		go func() { ended <- m.KeepAlive(ctx) }()
	}
	for range managers {
		if err := <-ended; err != context.DeadlineExceeded {
			w.t.Errorf("KeepAlive returned %v, want its context's error", err)
		}
	}
}

// records are the ids in the store with a prefix.
func (w *world) records(prefix string) []string {
	w.t.Helper()
	var ids []string
	for r, err := range w.store.List(w.t.Context(), prefix, time.Date(9999, 12, 31, 12, 0, 0, 0, time.UTC)) {
		if err != nil {
			w.t.Fatal(err)
		}
		ids = append(ids, r.ID)
	}
	return ids
}

func TestKeepAliveRefreshesEachConnectionOnceAPeriodAndSpreadsThem(t *testing.T) {
	needs.Patience(t)
	synctest.Test(t, func(t *testing.T) {
		const people = 50
		w := peopled(t, people)
		connected := time.Now()
		w.keptAlive(35*day, w.manager(), w.manager(), w.manager())

		used := map[string][]time.Time{}
		hours := map[int]int{}
		for _, e := range w.org.Ledger() {
			if e.Event != "refresh" {
				continue
			}
			if e.Outcome != "ok" {
				t.Errorf("a refresh of %s ended %q", e.User, e.Outcome)
			}
			used[e.User] = append(used[e.User], e.Time)
			hours[int(e.Time.Sub(connected)/time.Hour)]++
		}
		for i := range people {
			last := connected
			for _, at := range append(used[person(i)], connected.Add(40*day)) {
				if idle := at.Sub(last); idle > 25*day || idle < 15*day && at.Sub(connected) < 40*day {
					t.Errorf("%s was refreshed after %v; want every 15 to 25 days", person(i), idle)
				}
				last = at
			}
		}
		for hour, n := range hours {
			if n > 5 {
				t.Errorf("%d connections were refreshed in hour %d, want a few", n, hour)
			}
		}
	})
}

func TestKeepAliveDeletesLoginsThatNobodyCompleted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		m := w.manager()
		w.begin(m, mainKey)
		w.keptAlive(10*time.Minute, m)
		if left := w.records("login/"); len(left) != 1 {
			t.Fatalf("after ten minutes there are %d logins, want the one that may still be completed", len(left))
		}
		w.keptAlive(10*time.Minute, m, w.manager())
		if left := w.records("login/"); len(left) != 0 {
			t.Errorf("left: %v", left)
		}
	})
}

func TestKeepAliveFinishesAnInterruptedDisconnectionAndSweepsItsTombstone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		m := w.manager()
		w.connect(m, mainKey)
		if err := w.org.Inject(orgtest.Fault{Path: revokeEndpoint, Status: http.StatusInternalServerError, Times: 3}); err != nil {
			t.Fatal(err)
		}
		if err := m.Disconnect(t.Context(), mainKey); err == nil {
			t.Fatal("Disconnect succeeded although Salesforce did not confirm")
		}
		if c, err := m.Load(t.Context(), mainKey); err != nil || c.Status != oauthflow.StatusDisconnecting {
			t.Fatalf("got %+v, %v; want disconnecting", c.Status, err)
		}
		w.keptAlive(30*time.Minute, w.manager(), w.manager())
		if left := w.liveApprovals(); len(left) != 0 {
			t.Errorf("approvals %v are alive", left)
		}
		if _, err := m.Load(t.Context(), mainKey); kindOf(err) != oauthflow.KindNotConnected {
			t.Errorf("Load: %v", err)
		}
		w.keptAlive(22*time.Hour, m)
		if left := w.records("connection/"); len(left) != 1 {
			t.Errorf("before a day has passed there are %d records, want the tombstone", len(left))
		}
		w.keptAlive(3*time.Hour, m)
		if left := w.records("connection/"); len(left) != 0 {
			t.Errorf("after a day there is %v", left)
		}
		w.connect(m, mainKey) // the key can be used again
		if !w.alive(w.token(m.Source(mainKey))) {
			t.Error("the connection made afterwards does not work")
		}
	})
}

func TestKeepAliveFinishesAnInterruptedMove(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		h := &hooked{Store: w.store}
		w.store = h
		m := w.manager()
		w.connect(m, mainKey)
		to := oauthflow.Key{Tenant: "acme", Name: "target"}
		h.onSave(func(r tokenstore.Record, do func() error) error {
			if strings.HasSuffix(r.ID, "/target") {
				return errStoreDown
			}
			return do()
		})
		if err := m.Move(t.Context(), mainKey, to); kindOf(err) != oauthflow.KindStore {
			t.Fatalf("Move: %v, want the store's error", err)
		}
		h.onSave(nil)
		other := w.manager()
		w.keptAlive(10*time.Minute, other)
		if !w.alive(w.token(m.Source(to))) || !w.alive(w.token(other.Source(to))) {
			t.Error("the moved connection does not work")
		}
		if _, err := m.Source(mainKey).TokenContext(t.Context()); kindOf(err) != oauthflow.KindNotConnected {
			t.Errorf("the first key: %v, want not connected", err)
		}
		if n := w.wire.refreshes(); n != 0 {
			t.Errorf("%d refreshes, want 0", n)
		}
	})
}

func TestOneFailureAtSalesforceDoesNotEndTheKeepAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		w.connect(w.manager(), mainKey)
		if err := w.org.Inject(orgtest.Fault{Path: tokenEndpoint, Times: 20, Status: http.StatusBadRequest,
			Header: http.Header{"Content-Type": {"application/json"}},
			Body:   `{"error":"unknown_error","error_description":"retry your request"}`}); err != nil {
			t.Fatal(err)
		}
		w.keptAlive(29*day, w.manager(), w.manager())
		w.wantEvents("refresh", "ok", 1)
		if n := w.wire.refreshes(); n != 21 {
			t.Errorf("%d requests, want 21", n)
		}
	})
}

func TestRecordsThatCannotBeOpenedDoNotStarveTheOthers(t *testing.T) {
	needs.Patience(t)
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		daily := func(c *oauthflow.ManagerConfig) {
			c.IdleLimit = func(oauthflow.Connection) time.Duration { return day }
		}
		w.connect(w.manager(daily), mainKey)
		for i := range 300 { // of another deployment, say, and due
			r := tokenstore.Record{ID: fmt.Sprintf("connection/acme/%d", i), Due: time.Now().Add(time.Hour), Data: []byte("sealed elsewhere")}
			if err := w.store.Save(t.Context(), r); err != nil {
				t.Fatal(err)
			}
		}
		var told atomic.Int32
		m := w.manager(daily, func(c *oauthflow.ManagerConfig) {
			c.Observe = func(e oauthflow.Event) {
				if e.Type == oauthflow.EventForeign {
					told.Add(1)
				}
			}
		})
		w.keptAlive(day, m)
		if n := w.wire.refreshes(); n != 1 {
			t.Errorf("the connection was refreshed %d times in a day, want once", n)
		}
		if told.Load() == 0 {
			t.Error("nobody was told of the records that cannot be opened")
		}
	})
}
