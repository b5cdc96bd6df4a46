package oauthflow_test

import (
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/internal/needs"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// stuckObserver is an observer that returns from no event until it is let go.
func stuckObserver(e *eventLog) (observe func(*oauthflow.ManagerConfig), let func()) {
	hold := make(chan struct{})
	return func(c *oauthflow.ManagerConfig) {
		e.observe(c)
		tell := c.Observe
		c.Observe = func(e oauthflow.Event) { <-hold; tell(e) }
		c.Logger = nil
	}, func() { close(hold) }
}

func TestAFloodOfLoginsOfOneTenantKeepsNoEventOfAnotherOut(t *testing.T) {
	begins := needs.Size(5000, 1200)
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		e := newEventLog()
		observe, let := stuckObserver(e)
		m := w.manager(observe)
		w.connect(m, mainKey)
		w.token(m.Source(mainKey))
		for i := range begins {
			if _, err := m.Begin(t.Context(), rivalKey(i), w.client(), browser, oauthflow.AuthorizeOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(20 * time.Minute)
		w.keptAlive(time.Minute, m) // which tells of those that nobody completed
		if err := m.Renew(t.Context(), mainKey); err != nil {
			t.Fatal(err)
		}
		if err := w.org.RevokeAll(appName); err != nil {
			t.Fatal(err)
		}
		if err := m.Renew(t.Context(), mainKey); err == nil {
			t.Fatal("a revoked grant was refreshed")
		}
		let()
		synctest.Wait()
		var acme []oauthflow.EventType
		abandoned := 0
		for _, e := range e.all() {
			switch {
			case e.Key == mainKey:
				acme = append(acme, e.Type)
			case e.Type == oauthflow.EventAbandoned, e.Type == oauthflow.EventMissed && e.Missed == oauthflow.EventAbandoned:
				abandoned += e.Count
			default:
				t.Errorf("told of %+v", e)
			}
		}
		want := []oauthflow.EventType{oauthflow.EventConnected, oauthflow.EventRefreshed, oauthflow.EventRotated, oauthflow.EventReplay, oauthflow.EventBroken}
		if fmt.Sprint(acme) != fmt.Sprint(want) {
			t.Errorf("of acme, told of %q, want %q", acme, want)
		}
		if abandoned != begins {
			t.Errorf("told of %d logins that were abandoned, or that it missed them, want %d", abandoned, begins)
		}
	})
}

func TestAlertsOfOneTenantKeepNoneOfAnotherOutAndAreAllTold(t *testing.T) {
	foreign := needs.Size(3000, 1200)
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		for i := range foreign {
			r := tokenstore.Record{ID: fmt.Sprintf("connection/%s/c%d", rival, i), Due: time.Now(), Data: []byte("sealed elsewhere")}
			if err := w.store.Save(t.Context(), r); err != nil {
				t.Fatal(err)
			}
		}
		e := newEventLog()
		observe, let := stuckObserver(e)
		m := w.manager(observe)
		w.keptAlive(5*time.Minute, m)
		if err := w.store.Save(t.Context(), tokenstore.Record{ID: "connection/acme/main", Due: time.Now(), Data: []byte("sealed elsewhere")}); err != nil {
			t.Fatal(err)
		}
		w.keptAlive(5*time.Minute, m)
		let()
		synctest.Wait()
		told := map[oauthflow.Key]int{}
		for _, e := range e.all() {
			if e.Type == oauthflow.EventForeign {
				told[e.Key]++
			}
		}
		if told[mainKey] != 1 {
			t.Errorf("acme's foreign record was told %d times", told[mainKey])
		}
		for range 3 {
			w.keptAlive(5*time.Minute, m)
		}
		synctest.Wait()
		for _, e := range e.all() {
			if e.Type == oauthflow.EventForeign {
				told[e.Key] = 1
			}
		}
		if len(told) != foreign+1 {
			t.Errorf("told of %d foreign records, want %d: what found no room is told later", len(told), foreign+1)
		}
	})
}

func TestRepeatedRoutineEventsBecomeOneThatCountsThem(t *testing.T) {
	const logins = 100
	refreshes := needs.Size(300, 40)
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, orgtest.Config{})
		e := newEventLog()
		observe, let := stuckObserver(e)
		m := w.manager(observe)
		w.connect(m, mainKey)
		for i := range logins {
			w.begin(m, rivalKey(i))
		}
		time.Sleep(20 * time.Minute)
		w.keptAlive(time.Minute, m)
		renew := func(n int) {
			for range n {
				time.Sleep(time.Minute)
				if err := m.Renew(t.Context(), mainKey); err != nil {
					t.Fatal(err)
				}
			}
		}
		renew(refreshes)
		if err := w.org.Inject(orgtest.Fault{Path: tokenEndpoint, Status: http.StatusBadRequest, Header: http.Header{"Content-Type": {"application/json"}},
			Body: `{"error":"invalid_app_access","error_description":"this app is blocked by admin"}`}); err != nil {
			t.Fatal(err)
		}
		if err := m.Renew(t.Context(), mainKey); err == nil {
			t.Fatal("a refused refresh succeeded")
		}
		time.Sleep(time.Hour)
		renew(refreshes)
		let()
		synctest.Wait()
		var got []string
		for _, e := range e.all() {
			if e.Key == mainKey {
				got = append(got, fmt.Sprint(e.Type, " ", e.Count))
			}
		}
		want := fmt.Sprintf("[connected 1 refreshed %d suspended 1 refreshed 1 repaired 1 refreshed %d]", refreshes, refreshes-1)
		if fmt.Sprint(got) != want {
			t.Errorf("told of %q, want %s", got, want)
		}
	})
}
