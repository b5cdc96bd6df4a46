package fullcast_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// A refresh is tried again by the service; a login is not.
func TestALoginThatFailsForAMomentIsTheAdminsToRepeat(t *testing.T) {
	for name, fault := range map[string]orgtest.Fault{
		"unavailable":            {Status: 503},
		"a failure":              {Status: 500, Body: "oops"},
		"a page":                 {Status: 200, Body: "<html>welcome</html>", Header: http.Header{"Content-Type": {"text/html"}}},
		"a firewall":             {Status: 401, Body: "<html>blocked</html>", Header: http.Header{"Content-Type": {"text/html"}}},
		"too many logins":        {Status: 403, Body: `{"error":"login_rate_exceeded","error_description":"login rate exceeded"}`, Header: http.Header{"Content-Type": {"application/json"}}},
		"another request's turn": {Status: 400, Body: `{"error":"invalid_grant","error_description":"token request is already being processed"}`, Header: http.Header{"Content-Type": {"application/json"}}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := bubbleWorld(t, config{})
				w.deploy(t, fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example"))
				fault.Path, fault.Times = "/services/oauth2/token", -1
				if err := w.org.Inject(fault); err != nil {
					t.Fatal(err)
				}
				cb := w.approved(t, w.begin(t, w.client(t, "Fullcast")))
				for _, when := range []string{"at once", "when the page is loaded again"} {
					_, err := w.sf.Complete(t.Context(), cb)
					var e *fullcast.Error
					if !errors.As(err, &e) || e.Remedy != fullcast.Reauthorize || e.Actor() != fullcast.ActorAdmin {
						t.Fatalf("%s: %v, want that the admin connects again", when, err)
					}
					if text := w.sf.ForAdmin(err); strings.Contains(text, "by itself") || strings.Contains(text, "tried again") || !strings.Contains(text, "connect Salesforce again") {
						t.Errorf("%s: the admin is told %q", when, text)
					}
				}
			})
		})
	}
	if got := fullcast.RemedyIn("complete", errors.New("x"), ""); got != 0 {
		t.Errorf("nothing is known, and the remedy is %s", got.ID())
	}
}

// The person who logs in cannot help a store that fails, and Salesforce is not to blame for it.
func TestALoginThatTheServicesStoreFailsIsTheOperators(t *testing.T) {
	w := newWorld(t, config{})
	w.deploy(t, fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example"))
	sf := w.connector(t, brokenStore{w.store})
	_, err := sf.Begin(t.Context(), main, fullcast.BeginOptions{Client: w.client(t, "Fullcast"), Binding: session})
	wantError(t, err, oauthflow.KindStore, fullcast.FixService)
	if text := sf.ForAdmin(err); strings.Contains(text, "could not be reached") || !strings.Contains(text, "Nothing needs to be done in Salesforce") {
		t.Errorf("the admin is told %q", text)
	}
}

// brokenStore takes nothing.
type brokenStore struct{ tokenstore.Store }

func (brokenStore) Save(context.Context, tokenstore.Record) error {
	return errors.New("connection refused")
}
