package fullcast_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

// apiRefusals is what an org's APIs answer to a user or an app that may not, and who corrects it.
var apiRefusals = []struct {
	status int
	body   string
	kind   oauthflow.ErrorKind
	remedy fullcast.Remedy
}{
	{401, `[{"message":"This session is not valid for use with the REST API","errorCode":"INVALID_SESSION_ID"}]`, oauthflow.KindAppPolicy, fullcast.AdminAllowsAPIAccess},
	{403, `[{"message":"not enabled","errorCode":"API_DISABLED_FOR_ORG"}]`, oauthflow.KindUserPolicy, fullcast.AdminEnablesAPI},
	{403, `[{"message":"TotalRequests Limit exceeded.","errorCode":"REQUEST_LIMIT_EXCEEDED"}]`, oauthflow.KindLimit, fullcast.Retry},
	{404, `[{"message":"Destination URL not reset","errorCode":"URL_NOT_RESET"}]`, oauthflow.KindInvalid, fullcast.FixConfiguration},
	{503, "<html>maintenance</html>", oauthflow.KindBusy, fullcast.Retry},
}

func TestEveryRefusalOfTheOrgsAPIsHasItsRemedyHoweverItIsMet(t *testing.T) {
	for _, c := range apiRefusals {
		t.Run(fmt.Sprint(c.status, " ", c.kind), func(t *testing.T) {
			w := newWorld(t, orgtest.Config{})
			w.deploy(t, fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example"))
			conn := w.connect(t)
			header := http.Header{"Content-Type": {"application/json"}}
			if err := w.org.Inject(
				orgtest.Fault{Path: "/services/data/", Times: -1, Status: c.status, Body: c.body, Header: header},
				orgtest.Fault{Path: "/services/Soap/", Times: -1, Status: c.status, Body: c.body, Header: header},
				orgtest.Fault{Path: "/services/oauth2/userinfo", Times: -1, Status: c.status, Body: c.body, Header: header},
			); err != nil {
				t.Fatal(err)
			}

			base, err := conn.InstanceURL(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/services/data/v66.0/limits", http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := conn.HTTPClient().Do(req)
			if err != nil {
				t.Fatalf("a refusal did not come back as a response: %v", err)
			}
			defer resp.Body.Close()
			wantError(t, conn.ResponseError(resp), c.kind, c.remedy)
			if body, err := io.ReadAll(resp.Body); err != nil || string(body) != c.body {
				t.Errorf("the body is %q (%v) afterwards", body, err)
			}

			var e *fullcast.Error
			if _, err := conn.Check(t.Context()); !errors.As(err, &e) || e.Remedy != c.remedy {
				t.Errorf("Check: got %v, want the remedy %q", err, c.remedy)
			}
			for _, l := range conn.Diagnose(t.Context()).Lines {
				if l.Subject == "Session" && (l.Outcome != fullcast.OutcomeProblem || l.Remedy != c.remedy || l.Text == "") {
					t.Errorf("Diagnose: got %+v, want the remedy %q", l, c.remedy)
				}
			}
		})
	}
}

// A host that does not exist will not exist in a minute either.
func TestAHostThatIsGoneIsNotTriedAgain(t *testing.T) {
	w := newWorld(t, orgtest.Config{})
	w.deploy(t, fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example"))
	conn := w.connect(t)
	w.rec.next = noNames{"acme.my.salesforce.com"}
	_, err := query(t.Context(), conn)
	wantError(t, err, oauthflow.KindNotSent, fullcast.FixConfiguration)
	for _, l := range conn.Diagnose(context.Background()).Lines {
		if (l.Subject == "Network" || l.Subject == "Session") && (l.Remedy != fullcast.FixConfiguration || !strings.Contains(l.Text, "renamed")) {
			t.Errorf("Diagnose: got %+v", l)
		}
	}
}

// noNames is a network in which a host does not exist, and no other answers.
type noNames struct{ host string }

func (n noNames) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host != n.host {
		return nil, errors.New("connection refused")
	}
	return nil, &net.DNSError{Err: "no such host", Name: r.URL.Host, IsNotFound: true}
}

func TestALoginThatFailsNamesItsConnectionOnceItIsFound(t *testing.T) {
	w, client := migrationWorld(t)
	for _, c := range []struct {
		name  string
		begin beginner
		spoil func(*oauthflow.Callback)
		want  oauthflow.Key
	}{
		{"a login", (*fullcast.Connector).Begin, func(*oauthflow.Callback) {}, main},
		{"a migration", (*fullcast.Connector).BeginMigration, func(*oauthflow.Callback) {}, main},
		{"a login that nobody began", (*fullcast.Connector).Begin, func(cb *oauthflow.Callback) { cb.Query.Set("state", "other") },
			oauthflow.Key{Tenant: main.Tenant}},
	} {
		t.Run(c.name, func(t *testing.T) {
			to, err := c.begin(w.sf, t.Context(), main, fullcast.BeginOptions{Client: client, Binding: session})
			if err != nil {
				t.Fatal(err)
			}
			cb := w.approved(t, to)
			c.spoil(&cb)
			w.refuse(t, `{"error":"invalid_client","error_description":"invalid client credentials"}`)
			_, err = w.sf.Complete(t.Context(), cb)
			var e *fullcast.Error
			if !errors.As(err, &e) || e.Key != c.want {
				t.Errorf("got %v, want an error with the key %v", err, c.want)
			}
		})
	}
}

func TestTheKeyOfAStagedMigrationIsNotForLogins(t *testing.T) {
	w, client := migrationWorld(t)
	if _, err := w.sf.StagedMigration(t.Context(), main); err == nil {
		t.Fatal("there is a migration before one was begun")
	}
	k := oauthflow.Key{Tenant: main.Tenant, Name: "migration of " + main.Name}
	o := fullcast.BeginOptions{Client: client, Binding: session}
	for name, call := range map[string]func() error{
		"Begin":          func() error { _, err := w.sf.Begin(t.Context(), k, o); return err },
		"BeginMigration": func() error { _, err := w.sf.BeginMigration(t.Context(), k, o); return err },
		"Reconnect": func() error {
			_, err := w.sf.Reconnect(t.Context(), k, fullcast.BeginOptions{Binding: session})
			return err
		},
		"Adopt":             func() error { _, err := w.sf.Adopt(t.Context(), k, client, oauthflow.NewSecret("5Aep")); return err },
		"UpdateCredentials": func() error { _, err := w.sf.UpdateCredentials(t.Context(), k, client); return err },
	} {
		if err := call(); err == nil || !strings.Contains(err.Error(), "Key.Name: must not begin with") {
			t.Errorf("%s: %v, want a refusal of the key", name, err)
		}
	}
}
