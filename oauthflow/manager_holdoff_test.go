package oauthflow_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// refusing answers the refreshes of the rival's connections itself, so that they are told to come back later, and counts them.
func (w *world) refusing(status int, asked *atomic.Int32) func(*oauthflow.ManagerConfig) {
	return func(c *oauthflow.ManagerConfig) {
		c.Flow = w.flow(carrier(func(req *http.Request) (*http.Response, error) {
			if req.URL.Path != tokenEndpoint {
				return w.wire.RoundTrip(req)
			}
			body, err := io.ReadAll(req.Body)
			if err != nil {
				return nil, err
			}
			if bytes.Contains(body, []byte("of-the-rival-0815")) {
				asked.Add(1)
				return wireReply(req, status, "<html>Service not available</html>"), nil
			}
			req = req.Clone(req.Context())
			req.Body = io.NopCloser(bytes.NewReader(body))
			return w.wire.RoundTrip(req)
		}))
	}
}

// The rival's org is in maintenance for hours: the generic login host answers 503 for it, and for nobody else.
func TestATenantWhoseOrgIsInMaintenanceDoesNotStallTheOthersAtTheGenericLoginHost(t *testing.T) {
	const connections = 20
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, orgtest.Config{})
		v := w.unlocked()
		w.connect(w.manager(silent), mainKey)
		v.copied(w.store, mainRecord, connections, time.Now(), func(_ int, fields map[string]any) { fields["Refresh"] = "of-the-rival-0815" })
		var asked atomic.Int32
		managers := []*oauthflow.Manager{w.manager(silent, w.refusing(503, &asked)), w.manager(silent, w.refusing(503, &asked))}
		dead := w.token(managers[0].Source(mainKey))
		w.org.ExpireSessions()
		ctx, stop := context.WithCancel(t.Context())
		var all sync.WaitGroup
		for i := range connections {
			all.Go(func() {
				for ctx.Err() == nil {
					_, err := managers[i%2].Source(rivalKey(i)).Replace(ctx, dead)
					if e := new(oauthflow.Error); !errors.As(err, &e) || e.RetryAfter <= 0 && ctx.Err() == nil {
						t.Errorf("the rival is told %v, want when to come back", err)
					}
					time.Sleep(time.Second)
				}
			})
		}
		time.Sleep(time.Minute)
		for i := range 20 {
			began := time.Now()
			s := managers[i%2].Source(mainKey)
			tok, err := s.TokenContext(t.Context())
			if err == nil {
				tok, err = s.Replace(t.Context(), tok.AccessToken)
			}
			if err != nil || !w.alive(tok.AccessToken) {
				t.Errorf("minute %d: acme's token, %v", i, err)
			}
			if took := time.Since(began); took > time.Second {
				t.Errorf("minute %d: acme waited %v", i, took)
			}
			time.Sleep(time.Minute)
		}
		stop()
		all.Wait()
		if n := asked.Load(); n > 20*30 {
			t.Errorf("%d refreshes of the rival's were sent in 20 minutes, want at most 30 a minute", n)
		}
	})
}

// The generic login host puts everybody off.
func TestAGenericLoginHostThatPutsAllTenantsOffIsAskedOnceASecond(t *testing.T) {
	const tenants, minutes = 100, 3
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, orgtest.Config{})
		v := w.unlocked()
		w.connect(w.manager(silent), mainKey)
		original, err := w.store.Load(t.Context(), mainRecord)
		if err != nil {
			t.Fatal(err)
		}
		key := func(i int) oauthflow.Key { return oauthflow.Key{Tenant: fmt.Sprint("t", i), Name: "main"} }
		for i := range tenants {
			fields := v.read(original)
			fields["Key"], fields["Refresh"] = key(i), "of-the-rival-0815"
			v.write(w.store, tokenstore.Record{ID: fmt.Sprintf("connection/t%d/main", i), Due: time.Now()}, fields)
		}
		var asked atomic.Int32
		m := w.manager(silent, w.refusing(429, &asked))
		dead := w.token(m.Source(mainKey))
		ctx, cancel := withTimeout(t, minutes*time.Minute)
		defer cancel()
		var all sync.WaitGroup
		for i := range tenants {
			all.Go(func() {
				for ctx.Err() == nil {
					_, _ = m.Source(key(i)).Replace(ctx, dead)
					time.Sleep(time.Second)
				}
			})
		}
		all.Wait()
		if n := asked.Load(); n > minutes*60+40 {
			t.Errorf("%d requests in %d minutes, want one a second", n, minutes)
		}
	})
}
