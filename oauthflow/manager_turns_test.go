package oauthflow_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/internal/needs"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

// All are at the generic login host, where the rival has thousands of ended sessions.
func TestOneTenantsStormAtTheGenericLoginHostDoesNotHoldUpAnother(t *testing.T) {
	for _, tt := range []struct {
		name        string
		connections int
		takes       time.Duration // a refresh of the rival's
		most        int32         // refreshes of the rival's that begin while acme waits
		wait        time.Duration // of acme
	}{
		{"with thousands of them", 5000, 500 * time.Millisecond, 16, time.Second},
		{"whose refreshes take nine seconds", 500, 9 * time.Second, 16, time.Second},
	} {
		connections := needs.Size(tt.connections, 500)
		if raced {
			connections = min(connections, 500)
		}
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, orgtest.Config{})
				v := w.unlocked()
				w.connect(w.manager(silent), mainKey)
				v.copied(w.store, "connection/acme/main", connections, time.Now(), func(_ int, fields map[string]any) {
					fields["Refresh"] = "of-the-rival-0815"
				})
				var began atomic.Int32
				m := w.manager(silent, func(c *oauthflow.ManagerConfig) {
					c.Flow = w.flow(carrier(func(req *http.Request) (*http.Response, error) {
						if req.URL.Path != tokenEndpoint {
							return w.wire.RoundTrip(req)
						}
						body, err := io.ReadAll(req.Body)
						if err != nil {
							return nil, err
						}
						if !bytes.Contains(body, []byte("of-the-rival-0815")) {
							req = req.Clone(req.Context())
							req.Body = io.NopCloser(bytes.NewReader(body))
							return w.wire.RoundTrip(req)
						}
						began.Add(1)
						time.Sleep(tt.takes)
						return wireReply(req, http.StatusBadRequest, `{"error":"invalid_grant","error_description":"expired access/refresh token"}`,
							"Content-Type", "application/json"), nil
					}))
				})
				dead := w.token(m.Source(mainKey))
				w.org.ExpireSessions()
				var all sync.WaitGroup
				for i := range connections {
					all.Go(func() { _, _ = m.Source(rivalKey(i)).Replace(t.Context(), dead) })
				}
				time.Sleep(100 * time.Millisecond)
				synctest.Wait()
				before, asked := began.Load(), time.Now()
				if _, err := m.Source(mainKey).Replace(t.Context(), dead); err != nil {
					t.Errorf("acme: %v", err)
				}
				if n, took := began.Load()-before, time.Since(asked); n > tt.most || took > tt.wait {
					t.Errorf("acme waited %v, and %d refreshes of the rival's began meanwhile; want at most %v and %d", took, n, tt.wait, tt.most)
				}
				all.Wait()
				if n := began.Load(); int(n) != connections {
					t.Errorf("%d refreshes of the rival's were sent, want %d", n, connections)
				}
			})
		})
	}
}

// Each of the rival's connections has a login host of its own, which never answers.
func TestOneTenantsHangingHostsDoNotHoldUpTheKeepAliveOfAnother(t *testing.T) {
	connections := needs.Size(10_000, 1000)
	if raced {
		connections = 1000
	}
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, orgtest.Config{})
		v := w.unlocked()
		w.connect(w.manager(silent), mainKey)
		v.copied(w.store, "connection/acme/main", connections, time.Now(), func(i int, fields map[string]any) {
			fields["Client"].(map[string]any)["Host"] = fmt.Sprintf("rival%d.my.salesforce.com", i)
		})
		time.Sleep(time.Second)
		r, err := w.store.Load(t.Context(), "connection/acme/main")
		if err != nil {
			t.Fatal(err)
		}
		r.Due = time.Now() // later than all of the rival's
		v.write(w.store, r, v.read(r))
		refreshed := make(chan struct{}, 1)
		m := w.manager(silent, func(c *oauthflow.ManagerConfig) {
			c.Observe = func(e oauthflow.Event) {
				if e.Type == oauthflow.EventRefreshed && e.Key == mainKey {
					refreshed <- struct{}{}
				}
			}
			c.Flow = w.flow(carrier(func(req *http.Request) (*http.Response, error) {
				if strings.HasPrefix(req.URL.Host, rival) {
					<-req.Context().Done()
					return nil, req.Context().Err()
				}
				return w.wire.RoundTrip(req)
			}))
		})
		time.Sleep(time.Second)
		began := time.Now()
		ended := make(chan struct{})
		go func() { defer close(ended); w.keptAlive(time.Hour, m) }()
		select {
		case <-refreshed:
			if took := time.Since(began); took > 2*time.Minute {
				t.Errorf("acme's connection was refreshed after %v, want two minutes at most", took)
			}
		case <-time.After(50 * time.Minute):
			t.Error("acme's connection was not refreshed for 50 minutes")
		}
		<-ended
	})
}
