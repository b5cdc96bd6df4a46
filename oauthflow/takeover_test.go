package oauthflow_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
)

func TestConnectionsAreTakenOverIntoAnotherStoreUnderLoad(t *testing.T) {
	const connections, callers = 4, 4 // one user keeps five approvals
	w := rotating(t)
	former := w.store
	before := w.manager()
	for i := range connections {
		w.connect(before, oauthflow.Key{Tenant: "acme", Name: fmt.Sprint(i)})
	}
	w.store = oauthflow.NewMemoryStore()
	after := w.manager(func(c *oauthflow.ManagerConfig) { c.Former = former })

	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for i := range connections {
		for range callers {
			wg.Go(func() {
				s := after.Source(oauthflow.Key{Tenant: "acme", Name: fmt.Sprint(i)})
				for ctx.Err() == nil {
					tok, err := s.TokenContext(t.Context())
					if err == nil && !w.alive(tok.AccessToken) {
						_, err = s.Replace(t.Context(), tok.AccessToken)
					}
					if err != nil {
						t.Errorf("connection %d: %v", i, err)
						return
					}
				}
			})
		}
	}
	told := 0
	for range 5 {
		w.org.ExpireSessions()
		if err := after.TakeOver(t.Context(), func(done, total int) { told = total - done }); err != nil {
			t.Error(err)
		}
		time.Sleep(20 * time.Millisecond)
	}
	stop()
	wg.Wait()
	if told != 0 {
		t.Errorf("progress ended %d records before the end", told)
	}
	for r, err := range former.List(t.Context(), "", time.Date(9999, 12, 31, 12, 0, 0, 0, time.UTC)) {
		t.Errorf("the former store still holds %s, %v", r.ID, err)
	}
	for _, e := range w.org.Ledger() {
		if e.Outcome == "reuse" {
			t.Errorf("a refresh token was used twice: %+v", e)
		}
	}
	for i := range connections {
		conn, err := after.Load(t.Context(), oauthflow.Key{Tenant: "acme", Name: fmt.Sprint(i)})
		if err != nil || conn.Status != oauthflow.StatusActive {
			t.Errorf("connection %d is %v, %v", i, conn.Status, err)
		}
	}
	// Who works with the former store alone cannot refresh what has left it.
	if err := before.Renew(t.Context(), oauthflow.Key{Tenant: "acme", Name: "0"}); err == nil {
		t.Error("the former store's manager still refreshes")
	}
}
