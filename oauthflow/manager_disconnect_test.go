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
)

// nameless is a network in which no host has a name while gone is set.
type nameless struct {
	http.RoundTripper
	gone atomic.Bool
}

func (n *nameless) RoundTrip(req *http.Request) (*http.Response, error) {
	if n.gone.Load() {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: req.URL.Host, IsNotFound: true}}
	}
	return n.RoundTripper.RoundTrip(req)
}

func TestADisconnectionEndsWhenTheLoginHostHasNotExistedForAWeek(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		names := &nameless{RoundTripper: w.wire.base}
		w.wire.base = names
		var told []oauthflow.Event
		m := w.manager(func(c *oauthflow.ManagerConfig) {
			c.Observe = func(e oauthflow.Event) { told = append(told, e) }
		})
		w.connect(m, mainKey)
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
