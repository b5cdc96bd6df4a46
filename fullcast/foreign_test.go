package fullcast_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/internal/needs"
	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/oauthflow"
)

// firewall answers token requests in Salesforce's place while it blocks.
type firewall struct {
	next   http.RoundTripper
	blocks atomic.Bool
	status int
	body   string
}

func (f *firewall) RoundTrip(r *http.Request) (*http.Response, error) {
	if !f.blocks.Load() || !strings.HasPrefix(r.URL.Path, "/services/oauth2/") {
		return f.next.RoundTrip(r)
	}
	return &http.Response{StatusCode: f.status, Header: http.Header{"Content-Type": {"text/html"}}, Body: io.NopCloser(strings.NewReader(f.body)), Request: r}, nil
}

// A firewall, a proxy or a captive portal answers token requests for half an hour. No word of it is Salesforce's.
func TestAFirewallThatAnswersTokenRequestsBreaksNoConnection(t *testing.T) {
	bodies := map[string]string{
		"nothing": "", "a page": "<!DOCTYPE html><html><body>Access denied by policy 0815. invalid_client</body></html>", "JSON": `{"message":"Unauthorized","status":401}`,
	}
	number := 0
	for _, app := range []metadata.Kind{metadata.KindExternalClientApp, metadata.KindConnectedApp} {
		for _, status := range []int{200, 400, 401, 403, 404, 407, 420, 429, 451, 502, 503, 511} {
			for what, body := range bodies {
				if number++; !needs.OneIn(10, number) {
					continue
				}
				t.Run(fmt.Sprint(app, " ", status, " ", what), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) { blocked(t, app, &firewall{status: status, body: body}) })
				})
			}
		}
	}
}

func blocked(t *testing.T, app metadata.Kind, wall *firewall) {
	w, conn := bubbleConnection(t, app)
	wall.next, w.rec.next = w.rec.next, wall
	w.org.ExpireSessions()
	wall.blocks.Store(true)
	before := w.rec.count("/services/oauth2/token")
	for range 30 {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		_, err := query(ctx, conn)
		cancel()
		var e *fullcast.Error
		if !errors.As(err, &e) || e.Remedy != fullcast.Retry || e.Actor() != fullcast.ActorNobody {
			t.Fatalf("got %v, want the remedy Retry", err)
		}
		now, err := conn.Status(t.Context())
		if err != nil || now.Status == oauthflow.StatusBroken || now.Fault != nil && now.Fault.Kind == oauthflow.KindClient {
			t.Fatalf("it is %q, %v, %v", now.Status, now.Fault, err)
		}
		time.Sleep(time.Minute)
	}
	if n := w.rec.count("/services/oauth2/token") - before; n > 40 {
		t.Errorf("%d token requests within half an hour", n)
	}
	wall.blocks.Store(false)
	time.Sleep(15 * time.Minute)
	if status, err := query(t.Context(), conn); status != 200 || err != nil {
		t.Errorf("afterwards a query answers %d, %v", status, err)
	}
	if now, err := conn.Status(t.Context()); err != nil || now.Status != oauthflow.StatusActive {
		t.Errorf("afterwards it is %q, %v", now.Status, err)
	}
}

// A revocation that a firewall answers, with whatever status, has not happened.
func TestAFirewallThatAnswersARevocationConfirmsNothing(t *testing.T) {
	for _, status := range []int{200, 400, 401, 403, 404, 407, 420, 511} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, conn := bubbleConnection(t, metadata.KindExternalClientApp)
				wall := &firewall{next: w.rec.next, status: status, body: "<html><body>Access denied by policy 0815</body></html>"}
				w.rec.next = wall
				wall.blocks.Store(true)
				if err := w.sf.Disconnect(t.Context(), main); err == nil {
					t.Error("the revocation counts as confirmed")
				}
				if now, err := conn.Status(t.Context()); err != nil || now.Status != oauthflow.StatusDisconnecting {
					t.Errorf("it is %q, %v", now.Status, err)
				}
				wall.blocks.Store(false)
				if err := w.sf.Disconnect(t.Context(), main); err != nil {
					t.Errorf("afterwards: %v", err)
				}
				revoked := 0
				for _, e := range w.org.Ledger() {
					if e.Event == "revoke" {
						revoked++
					}
				}
				if revoked != 1 {
					t.Errorf("the org has seen %d revocations, want 1", revoked)
				}
			})
		})
	}
}

// bubbleConnection is a connection of either kind of app inside of a bubble.
func bubbleConnection(t *testing.T, app metadata.Kind) (*world, *fullcast.Connection) {
	t.Helper()
	if app == metadata.KindExternalClientApp {
		w := bubbleWorld(t, config{RotateRefreshTokens: true})
		w.deploy(t, fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example"))
		return w, w.connect(t)
	}
	w := bubbleWorld(t, config{Existing: existing(t, fullcast.ConnectedApp(fullcast.Production, "admin@acme.example").New())})
	conn := w.adopted(t, "Fullcast_Motion_Package")
	return w, conn
}
