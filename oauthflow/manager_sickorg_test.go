package oauthflow_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// The generic login host fails for the rival's orgs, and for nobody else. The rival's callers ask again and again.
func sickOrgs(t *testing.T, status, tenants, connections int) (w *world, m *oauthflow.Manager, dead string, asked *atomic.Int32, stop func()) {
	w, asked = newWorld(t, orgtest.Config{}), new(atomic.Int32)
	v := w.unlocked()
	w.connect(w.manager(silent), mainKey)
	original, err := w.store.Load(t.Context(), mainRecord)
	if err != nil {
		t.Fatal(err)
	}
	key := func(i int) oauthflow.Key {
		return oauthflow.Key{Tenant: fmt.Sprint(rival, i%tenants), Name: fmt.Sprint("c", i)}
	}
	for i := range connections {
		fields := v.read(original)
		fields["Key"], fields["Refresh"] = key(i), "of-the-rival-0815"
		v.write(w.store, tokenstore.Record{ID: fmt.Sprintf("connection/%s/%s", key(i).Tenant, key(i).Name), Due: time.Now()}, fields)
	}
	m = w.manager(silent, w.refusing(status, asked))
	dead = w.token(m.Source(mainKey))
	w.org.ExpireSessions()
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for i := range connections {
		all.Go(func() {
			for ctx.Err() == nil {
				_, _ = m.Source(key(i)).Replace(ctx, dead)
				time.Sleep(200 * time.Millisecond)
			}
		})
	}
	return w, m, dead, asked, func() { cancel(); all.Wait() }
}

func TestATenantWhoseOrgFailsDoesNotStopTheRefreshesOfOthersAtTheGenericLoginHost(t *testing.T) {
	for _, status := range []int{500, 502} {
		for _, connections := range []int{50} {
			t.Run(fmt.Sprintf("%d for %d connections", status, connections), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					const minutes = 2
					w, m, _, asked, stop := sickOrgs(t, status, 1, connections)
					defer stop()
					time.Sleep(time.Minute)
					before := asked.Load()
					for i := range 6 * minutes {
						s := m.Source(mainKey)
						tok, err := s.TokenContext(t.Context())
						if err == nil {
							tok, err = s.Replace(t.Context(), tok.AccessToken)
						}
						if err != nil || !w.alive(tok.AccessToken) {
							t.Errorf("try %d: acme's token, %v", i, err)
						}
						time.Sleep(10 * time.Second)
					}
					if n := asked.Load() - before; n > minutes*60+40 {
						t.Errorf("%d refreshes of the rival's were sent in %d minutes, want one a second at most", n, minutes)
					}
				})
			})
		}
	}
}

func TestTenantsTakeTurnsAtAskingAHostThatAnswersNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const tenants, seconds = 10, 20
		w, m, dead, asked, stop := sickOrgs(t, 502, tenants, 8*tenants)
		defer stop()
		time.Sleep(10 * time.Second) // there are connections that have not asked yet
		before := asked.Load()
		time.Sleep(seconds * time.Second)
		if n := asked.Load() - before; n > seconds+20 || n < seconds/4 {
			t.Errorf("%d requests in %d seconds, want one a second", n, seconds)
		}
		began, refused := time.Now(), 0
		for {
			tok, err := m.Source(mainKey).Replace(t.Context(), dead)
			if err == nil && w.alive(tok.AccessToken) {
				break
			}
			e := new(oauthflow.Error)
			if !errors.As(err, &e) || e.RetryAfter <= 0 || e.RetryAfter > 2*time.Second {
				t.Fatalf("acme is told %v, want when to come back", err)
			}
			refused++
			time.Sleep(e.RetryAfter)
		}
		if took := time.Since(began); took > 3*time.Second {
			t.Errorf("acme was refused %d times in %v, want its turn at the next question", refused, took)
		}
	})
}
