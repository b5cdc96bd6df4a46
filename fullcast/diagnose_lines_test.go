package fullcast_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// written counts what changes a store.
type written struct {
	tokenstore.Store
	times atomic.Int64
}

func (w *written) Save(ctx context.Context, r tokenstore.Record) error {
	w.times.Add(1)
	return w.Store.Save(ctx, r)
}

func (w *written) Delete(ctx context.Context, id string, version uint64) error {
	w.times.Add(1)
	return w.Store.Delete(ctx, id, version)
}

type failing struct{ err error }

func (f failing) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host == "login.salesforce.com" { // that its name is resolved tells a host that is gone from DNS that is down
		return nil, errors.New("connection refused")
	}
	return nil, f.err
}

// A diagnosis has a line for each look. Whatever it finds, it sends no refresh token and writes nothing.
func TestEachLineOfADiagnosisCanBeOkAProblemOrNotVisibleAndNothingIsTouched(t *testing.T) {
	const ok, problem, notVisible = fullcast.OutcomeOK, fullcast.OutcomeProblem, fullcast.OutcomeNotVisible
	nothing := func(*testing.T, *world) {}
	answer := func(path string, status int, body string) func(*testing.T, *world) {
		return func(t *testing.T, w *world) {
			header := http.Header{"Content-Type": {"application/json"}}
			if err := w.org.Inject(orgtest.Fault{Path: path, Times: -1, Status: status, Body: body, Header: header}); err != nil {
				t.Fatal(err)
			}
		}
	}
	network := func(err error) func(*testing.T, *world) {
		return func(_ *testing.T, w *world) { w.rec.next = failing{err} }
	}
	field := func(typ, name, element, value string) func(*testing.T, *world) {
		return func(t *testing.T, w *world) {
			if err := w.org.SetAppField(typ, name, element, value); err != nil {
				t.Fatal(err)
			}
		}
	}
	refused := func(body string) func(*testing.T, *world) {
		return func(t *testing.T, w *world) {
			w.org.ExpireSessions()
			w.refuse(t, body)
			conn, err := w.sf.Open(t.Context(), main)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := query(t.Context(), conn); err == nil {
				t.Fatal("it was not refused")
			}
		}
	}
	ended := func(_ *testing.T, w *world) { w.org.ExpireSessions() }
	revoked := func(t *testing.T, w *world) {
		if err := w.org.RevokeAll("Fullcast"); err != nil {
			t.Fatal(err)
		}
	}
	disconnecting := func(t *testing.T, w *world) {
		w.rec.fail = "/services/oauth2/revoke"
		if err := w.sf.Disconnect(t.Context(), main); err == nil {
			t.Fatal("it is disconnected")
		}
		w.rec.fail = ""
	}
	same := func(more string) func(*testing.T, *world) { // the user who connected
		return func(t *testing.T, w *world) {
			now, err := w.sf.Load(t.Context(), main)
			if err != nil {
				t.Fatal(err)
			}
			answer("/services/oauth2/userinfo", 200, `{"organization_id":"`+now.OrgID+`","user_id":"`+now.UserID+`"`+more+`}`)(t, w)
		}
	}
	for _, tt := range []struct {
		name    string
		cause   func(*testing.T, *world)
		subject string
		outcome fullcast.Outcome
		text    string // part of the line
		remedy  fullcast.Remedy
	}{
		{"a My Domain", nothing, "Login host", ok, "is the org's My Domain", 0},

		{"a host that answers", nothing, "Network", ok, "answers over TLS", 0},
		{"a name that does not exist", network(&net.DNSError{Name: "acme", IsNotFound: true}), "Network", problem, "no such host", fullcast.FixConfiguration},
		{"a name that is not resolved now", network(&net.DNSError{Name: "acme", IsTemporary: true}), "Network", problem, "cannot be resolved", fullcast.Retry},
		{"a certificate of somebody else", network(&tls.CertificateVerificationError{Err: errors.New("unknown authority")}), "Network", problem, "certificate is not trusted", fullcast.Retry},
		{"a host that is silent", network(context.DeadlineExceeded), "Network", problem, "no answer in the time", fullcast.Retry},
		{"a host that refuses", network(errors.New("connection refused")), "Network", problem, "no connection", fullcast.Retry},
		{"a host in maintenance", answer("/.well-known/openid-configuration", 503, ""), "Network", problem, "HTTP 503", fullcast.Retry},

		{"an active connection", nothing, "Stored connection", ok, "active", 0},
		{"a suspended one", refused(`{"error":"invalid_grant","error_description":"ip restricted"}`), "Stored connection", problem, "network address", fullcast.AdminAllowsAddresses},
		{"a broken one", refused(`{"error":"invalid_grant","error_description":"expired access/refresh token"}`), "Stored connection", problem, "no longer accepts", fullcast.Reauthorize},
		{"one whose secret was changed", refused(`{"error":"invalid_client","error_description":"invalid client credentials"}`), "Stored connection", problem, "consumer secret", fullcast.FixConfiguration},
		{"one that is being disconnected", disconnecting, "Stored connection", problem, "disconnecting", fullcast.Retry},

		{"the right key and secret", nothing, "Consumer key and secret", ok, "accepts them", 0},
		{"a changed secret", answer("/services/oauth2/introspect", 400, `{"error":"invalid_client"}`), "Consumer key and secret", problem, "consumer secret", fullcast.FixConfiguration},
		{"introspection that is down", answer("/services/oauth2/introspect", 503, ""), "Consumer key and secret", notVisible, "does not say", 0},

		{"a live refresh token", nothing, "Refresh token", ok, "active", 0},
		{"a dead one", revoked, "Refresh token", notVisible, "proves nothing", 0},
		{"one that cannot be asked about", answer("/services/oauth2/introspect", 400, `{"error":"invalid_client"}`), "Refresh token", notVisible, "right key and secret", 0},

		{"a live session", nothing, "Session", ok, "accepts it", 0},
		{"a session that has ended", ended, "Session", notVisible, "has ended", 0},
		{"a session of a grant that was revoked", revoked, "Session", problem, "revoked", fullcast.Reauthorize},
		{"an API that is off", answer("/services/oauth2/userinfo", 403, `[{"errorCode":"API_DISABLED_FOR_ORG","message":"off"}]`), "Session", problem, "may not use the API", fullcast.AdminEnablesAPI},

		{"the user who connected", nothing, "Identity", ok, "who connected", 0},
		{"another user", answer("/services/oauth2/userinfo", 200, `{"active":true,"organization_id":"00DTESTnobody00","user_id":"005TESTnobody00"}`), "Identity", problem, "another user", fullcast.Reauthorize},
		{"an answer without ids", answer("/services/oauth2/userinfo", 200, `{"active":true}`), "Identity", notVisible, "does not say", 0},
		{"a user who is not active", same(`,"active":false`), "Identity", problem, "not active", fullcast.AdminActivatesUser},
		{"an answer that does not say whether the user is active", same(""), "Identity", ok, "who connected", 0},
		{"no session to ask with", ended, "Identity", notVisible, "Without a session", 0},

		{"an app as the instructions say", nothing, "App", ok, "as the instructions say", 0},
		{"a setting that was changed", field("ExtlClntAppConfigurablePolicies", "Fullcast_plcy", "startPage", "OAuth"), "App", problem, "Start Page", fullcast.AdminFixesApp},
		{"an app that cannot be read", answer("/services/Soap/", 500, ""), "App", notVisible, "cannot be read", 0},

		{"an org that lets the app work", nothing, "Org", ok, "let the app work", 0},
		{"switches that cannot be read", answer("/services/Soap/", 500, ""), "Org", notVisible, "cannot be read", 0},

		{"requests enough", nothing, "API limits", ok, "are left", 0},
		{"few requests left", answer("/services/data/v66.0/limits", 200, `{"DailyApiRequests":{"Max":1000,"Remaining":3}}`), "API limits", problem, "Only 3 of 1000", fullcast.Retry},
		{"limits that are not told", answer("/services/data/v66.0/limits", 403, `[{"errorCode":"INSUFFICIENT_ACCESS","message":"no"}]`), "API limits", notVisible, "does not tell", 0},
	} {
		t.Run(tt.name+" in "+tt.subject, func(t *testing.T) {
			w := newWorld(t, config{RotateRefreshTokens: true})
			w.deploy(t, fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example"))
			w.connect(t)
			tt.cause(t, w)
			d := w.diagnosed(t)
			var lines []fullcast.DiagnosisLine
			for _, l := range d.Lines {
				if l.Subject == tt.subject {
					lines = append(lines, l)
				}
				if strings.Contains(l.Text, "Setup >") {
					t.Errorf("%s holds clicks beside those of its remedy: %s", l.Subject, l.Text)
				}
				if l.Outcome == problem && strings.Contains(l.ForAdmin, "Setup > ") && strings.Contains(l.ForAdmin, ": set ") && !strings.Contains(d.String(), l.ForAdmin[strings.Index(l.ForAdmin, "Setup > "):]) {
					t.Errorf("the text of the diagnosis lacks the clicks %q:\n%s", l.ForAdmin, d)
				}
				if (l.Remedy != 0) != (l.Outcome == problem) {
					t.Errorf("%s is %s with remedy %q", l.Subject, l.Outcome, l.Remedy)
				}
			}
			if len(lines) == 0 {
				t.Fatalf("there is no line:\n%s", d)
			}
			if l := lines[0]; l.Outcome != tt.outcome || !strings.Contains(l.Text, tt.text) || l.Remedy != tt.remedy {
				t.Errorf("got %q %q %q, want %q with %q and %q", l.Outcome, l.Text, l.Remedy, tt.outcome, tt.text, tt.remedy)
			}
		})
	}
}

// diagnosed diagnoses the connection in another process, and checks that this has touched nothing.
func (w *world) diagnosed(t *testing.T) fullcast.Diagnosis {
	t.Helper()
	store := &written{Store: w.store}
	sf := w.connector(t, store)
	conn, err := sf.Open(t.Context(), main)
	if err != nil {
		t.Fatal(err)
	}
	posts := w.rec.count("POST acme.my.salesforce.com/services/oauth2/token")
	d := conn.Diagnose(t.Context())
	if n := w.rec.count("POST acme.my.salesforce.com/services/oauth2/token") - posts; n != 0 {
		t.Errorf("the diagnosis sent %d token requests", n)
	}
	if n := store.times.Load(); n != 0 {
		t.Errorf("the diagnosis wrote %d times", n)
	}
	return d
}

func TestADiagnosisTellsThatSetupHasMigratedTheAppAndLeavesTheRecordAlone(t *testing.T) {
	w, c, token := legacyWorld(t)
	conn, err := w.sf.Adopt(t.Context(), main, c, token)
	if err != nil {
		t.Fatal(err)
	}
	if d := w.diagnosed(t); !strings.Contains(d.String(), "should be moved to an external client app") {
		t.Errorf("a legacy connection is not advised to migrate:\n%s", d)
	}
	if err := w.org.MigrateConnectedApp("Fullcast_Motion_Package"); err != nil {
		t.Fatal(err)
	}
	d := w.diagnosed(t)
	if outcomes(d)["Kind of app"] != fullcast.OutcomeOK || !strings.Contains(d.String(), "same consumer key") {
		t.Errorf("it is not told:\n%s", d)
	}
	if conn.Kind() != metadata.KindConnectedApp {
		t.Errorf("before a check the open connection is of kind %s", conn.Kind())
	}
	if _, err := conn.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	if conn.Kind() != metadata.KindExternalClientApp {
		t.Errorf("after the check the open connection is of kind %s", conn.Kind())
	}
	if _, err := w.sf.Reconnect(t.Context(), main, fullcast.BeginOptions{Binding: session}); err != nil {
		t.Errorf("Reconnect after the check: %v", err)
	}
	if outcomes(w.diagnosed(t))["Kind of app"] != "" {
		t.Error("it is told after the check, too")
	}
}

// A check takes time; a connection that works with another app by the time it ends is of that app's kind.
func TestACheckThatIsOvertakenByAMigrationChangesNoKind(t *testing.T) {
	w, c := migrationWorld(t)
	conn, err := w.sf.Open(t.Context(), main)
	if err != nil {
		t.Fatal(err)
	}
	now, err := conn.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.migrate(t, c); err != nil {
		t.Fatal(err)
	}
	if err := w.sf.Manager().SetKind(t.Context(), main, now.ConsumerKey, metadata.KindConnectedApp); err != nil {
		t.Fatal(err)
	}
	if now, err = conn.Status(t.Context()); err != nil || now.Kind != metadata.KindExternalClientApp {
		t.Errorf("the connection is of kind %s, %v", now.Kind, err)
	}
	if err := w.sf.Close(t.Context()); err != nil { // all events are delivered
		t.Fatal(err)
	}
	if n := w.told[oauthflow.EventKind]; n != 0 {
		t.Errorf("told %d times of another kind", n)
	}
}

// A transport of the service's own may quote the request in its errors; a diagnosis must not.
func TestADiagnosisQuotesNoTransport(t *testing.T) {
	w := newWorld(t, config{})
	w.deploy(t, fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example"))
	conn := w.connect(t)
	token, err := conn.TokenSource().Token()
	if err != nil {
		t.Fatal(err)
	}
	w.rec.next = quoting{w.rec.next}
	d := conn.Diagnose(t.Context())
	if outcomes(d)["App"] != fullcast.OutcomeNotVisible {
		t.Errorf("the app was read:\n%s", d)
	}
	if strings.Contains(d.String(), token.AccessToken) {
		t.Error("the diagnosis shows the access token")
	}
}

// quoting fails where the app is read, which a diagnosis tells in the error's own words.
type quoting struct{ next http.RoundTripper }

func (q quoting) RoundTrip(r *http.Request) (*http.Response, error) {
	if !strings.HasPrefix(r.URL.Path, "/services/Soap/") {
		return q.next.RoundTrip(r)
	}
	return nil, errors.New("cannot send " + r.Header.Get("Authorization"))
}
