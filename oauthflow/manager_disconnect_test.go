package oauthflow_test

import (
	"errors"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// nameless is a network in which no host has a name while gone is set, but for one.
type nameless struct {
	http.RoundTripper
	gone atomic.Bool
	but  string
}

func (n *nameless) RoundTrip(req *http.Request) (*http.Response, error) {
	if n.gone.Load() && req.URL.Host != n.but {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: req.URL.Host, IsNotFound: true}}
	}
	return n.RoundTripper.RoundTrip(req)
}

func TestADisconnectionEndsWhenTheLoginHostHasNotExistedForAWeek(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		names := &nameless{RoundTripper: w.wire.base, but: "login.salesforce.com"}
		w.wire.base = names
		var told []oauthflow.Event
		m := w.manager(func(c *oauthflow.ManagerConfig) {
			c.Observe = func(e oauthflow.Event) { told = append(told, e) }
		})
		w.connectAtMyDomain(m, mainKey)
		names.gone.Store(true)
		if err := m.Disconnect(t.Context(), mainKey); !errors.Is(err, oauthflow.ErrNoSuchHost) {
			t.Fatalf("Disconnect: %v, want an error wrapping ErrNoSuchHost", err)
		}
		w.keptAlive(5*day, m)
		if err := w.org.Inject(orgtest.Fault{Path: revokeEndpoint, Status: http.StatusInternalServerError}); err != nil {
			t.Fatal(err)
		}
		names.gone.Store(false) // there is the host, and out of order
		if err := m.Disconnect(t.Context(), mainKey); errors.Is(err, oauthflow.ErrNoSuchHost) || err == nil {
			t.Fatalf("Disconnect: %v, want the status 500", err)
		}
		names.gone.Store(true)
		w.keptAlive(6*day, m, m)
		if c, err := m.Load(t.Context(), mainKey); err != nil || c.Status != oauthflow.StatusDisconnecting {
			t.Fatalf("six days after the host was there: %v, %v; want disconnecting", c.Status, err)
		}
		w.keptAlive(30*time.Hour, m)
		if _, err := m.Load(t.Context(), mainKey); kindOf(err) != oauthflow.KindNotConnected {
			t.Errorf("Load: %v, want not connected", err)
		}
		synctest.Wait()
		if last := told[len(told)-1]; last.Type != oauthflow.EventRevoked || !errors.Is(last.Err, oauthflow.ErrNoSuchHost) {
			t.Errorf("told last: %v, want that the revocation is not confirmed", last)
		}
	})
}

// connectAtMyDomain connects with the org's own login host.
func (w *world) connectAtMyDomain(m *oauthflow.Manager, k oauthflow.Key) {
	w.t.Helper()
	client := w.client()
	host, err := oauthflow.ParseHost(w.org.InstanceURL())
	if err != nil {
		w.t.Fatal(err)
	}
	client.Host = host
	if _, err := m.Complete(w.t.Context(), w.beginWith(m, k, client)); err != nil {
		w.t.Fatal(err)
	}
}

// That no name is resolved says nothing of an org, however long it lasts: the token still works.
func TestADisconnectionGoesOnWhileTheServicesOwnDNSIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		names := &nameless{RoundTripper: w.wire.base}
		w.wire.base = names
		m := w.manager()
		w.connectAtMyDomain(m, mainKey)
		names.gone.Store(true)
		if err := m.Disconnect(t.Context(), mainKey); !errors.Is(err, oauthflow.ErrOwnNetwork) {
			t.Fatalf("Disconnect: %v, want an error wrapping ErrOwnNetwork", err)
		}
		w.keptAlive(10*day, m)
		if c, err := m.Load(t.Context(), mainKey); err != nil || c.Status != oauthflow.StatusDisconnecting {
			t.Fatalf("ten days later: %v, %v; want disconnecting", c.Status, err)
		}
		names.gone.Store(false)
		w.keptAlive(day, m)
		if _, err := m.Load(t.Context(), mainKey); kindOf(err) != oauthflow.KindNotConnected {
			t.Errorf("Load: %v, want not connected", err)
		}
	})
}

func TestARefreshThatOurOwnDisconnectionEndsIsNoAlarm(t *testing.T) {
	for _, confirmed := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			w := rotating(t)
			e := newEventLog()
			m, other := w.manager(e.observe), w.manager(e.observe)
			w.connect(m, mainKey)
			w.renewed(m, mainKey) // it rotates
			h := &hooked{Store: w.store}
			leaving := w.manager(e.observe, func(c *oauthflow.ManagerConfig) { c.Store = h })
			h.onSave(func(r tokenstore.Record, do func() error) error {
				if !confirmed && isConnection(r.ID) && w.events("revoke", "") > 0 {
					return errStoreDown
				}
				return do()
			})
			w.wire.tap(func(*http.Request) error { // the refresh is on its way
				w.wire.tap(nil, nil)
				if err := leaving.Disconnect(t.Context(), mainKey); confirmed != (err == nil) {
					t.Errorf("Disconnect: %v, want success %v", err, confirmed)
				}
				return nil
			}, nil)
			wantKind(t, other.Renew(t.Context(), mainKey), oauthflow.KindNotConnected)
			synctest.Wait()
			for _, alarm := range []oauthflow.EventType{oauthflow.EventReplay, oauthflow.EventBroken} {
				if n := e.count(alarm); n != 0 {
					t.Errorf("the disconnection was confirmed %v: told %d times %q, want never", confirmed, n, alarm)
				}
			}
		})
	}
}

// What Salesforce or something on the way says to a revocation that was not carried out.
func TestARefusedRevocationThatDoesNotProveThatTheTokenIsGoneEndsNothingAtOnce(t *testing.T) {
	for _, c := range []struct {
		name   string
		status int
		body   string
		ends   bool // after a week
	}{
		{"the app is not there", 400, `{"error":"app_not_found","error_description":"External client app is not installed in this org"}`, true},
		{"the consumer key is not known", 400, `{"error":"invalid_client_id","error_description":"client identifier invalid"}`, true},
		{"the secret is wrong", 400, `{"error":"invalid_client","error_description":"invalid client credentials"}`, true},
		{"the secret is wrong, as RFC 6749 says it", 401, `{"error":"invalid_client"}`, true},
		{"it is no such token", 400, `{"error":"unsupported_token_type","error_description":"this token type is not supported"}`, true},
		{"the org is closed", 400, `{"error":"inactive_org","error_description":"inactive organization"}`, true},
		{"the user is frozen", 400, `{"error":"invalid_grant","error_description":"inactive user"}`, false},
		{"the request is not understood", 400, `{"error":"invalid_request"}`, false},
		{"a page", 404, `not found`, false},
		{"a page that has the word", 400, `<html>invalid_token</html>`, false},
		{"out of order", 503, ``, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := rotating(t)
			var told []oauthflow.Event
			m := w.manager(func(c *oauthflow.ManagerConfig) {
				c.Observe = func(e oauthflow.Event) { told = append(told, e) }
			})
			w.connect(m, mainKey)
			access := w.token(m.Source(mainKey))
			fault := orgtest.Fault{Path: revokeEndpoint, Times: -1, Status: c.status, Header: http.Header{"Content-Type": {"application/json"}}, Body: c.body}
			if err := w.org.Inject(fault); err != nil {
				t.Fatal(err)
			}
			if err := m.Disconnect(t.Context(), mainKey); err == nil {
				t.Errorf("%s: Disconnect says that it is done, and the token works: %v", c.name, w.alive(access))
			}
			if l, err := m.Load(t.Context(), mainKey); err != nil || l.Status != oauthflow.StatusDisconnecting {
				t.Errorf("%s: %v, %v; want disconnecting", c.name, l.Status, err)
			}
			w.keptAlive(9*day, m)
			_, err := m.Load(t.Context(), mainKey)
			if ended := kindOf(err) == oauthflow.KindNotConnected; ended != c.ends {
				t.Errorf("%s: ended after nine days %v, %v", c.name, ended, err)
			}
			synctest.Wait()
			if last := told[len(told)-1]; c.ends && (last.Type != oauthflow.EventRevoked || last.Err == nil) {
				t.Errorf("%s: told last: %v, want that the revocation is not confirmed", c.name, last)
			}
		})
	}
}

func TestATokenThatSalesforceSaysIsGoneIsDisconnectedAtOnce(t *testing.T) {
	for _, body := range []string{`{"error":"invalid_token","error_description":"invalid token"}`, `{"error":"invalid_grant","error_description":"expired access/refresh token"}`} {
		w := rotating(t)
		m := w.manager()
		w.connect(m, mainKey)
		fault := orgtest.Fault{Path: revokeEndpoint, Status: 400, Header: http.Header{"Content-Type": {"application/json"}}, Body: body}
		if err := w.org.Inject(fault); err != nil {
			t.Fatal(err)
		}
		if err := m.Disconnect(t.Context(), mainKey); err != nil {
			t.Errorf("%s: %v", body, err)
		}
	}
}
