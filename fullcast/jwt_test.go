package fullcast_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
	"github.com/fullcast/sfauth/policy"
)

// jwtWorld is a connection whose app issues JWT-based access tokens.
func jwtWorld(t *testing.T) (*world, *fullcast.Connection) {
	t.Helper()
	w := newWorld(t, config{RotateRefreshTokens: true})
	w.deploy(t, fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example"))
	if err := w.org.SetAppField("ExtlClntAppGlobalOauthSettings", "Fullcast_glbloauth", "isNamedUserJwtEnabled", "true"); err != nil {
		t.Fatal(err)
	}
	return w, w.connect(t)
}

func TestAnExpiredJWTIsRefreshedAsAnEndedSessionIs(t *testing.T) {
	w, conn := jwtWorld(t)
	before := w.rec.count("/services/oauth2/token")
	for round := 1; round <= 3; round++ {
		w.org.ExpireSessions()
		if status, err := query(t.Context(), conn); status != 200 || err != nil {
			t.Fatalf("round %d: %d, %v", round, status, err)
		}
		if n := w.rec.count("/services/oauth2/token") - before; n != round {
			t.Errorf("round %d: %d refreshes", round, n)
		}
	}
}

func TestACheckSaysWhichRowsItCouldNotSeeForAJWT(t *testing.T) {
	w, conn := jwtWorld(t)
	before := w.rec.count("/services/oauth2/token")
	report, err := conn.Check(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	rules := policy.Baseline(fullcast.ExternalClientApp(fullcast.Production, ""))
	if len(report.Passed)+len(report.Findings) != 0 || len(report.NotVisible) != len(rules) || report.App != "Fullcast" || report.Kind != metadata.KindExternalClientApp {
		t.Errorf("%d rows passed, %d differ, %d of %d were not visible:\n%v", len(report.Passed), len(report.Findings), len(report.NotVisible), len(rules), report)
	}
	for _, f := range report.NotVisible {
		if !strings.Contains(f.Message, "REST only") || !strings.Contains(f.Message, "has ended") || f.Screen == "" {
			t.Errorf("%s: %q, %q", f.Rule, f.Message, f.Screen)
		}
	}
	if n := w.rec.count("/services/Soap/"); n != 2 {
		t.Errorf("%d calls over SOAP, want one with the token and one with a fresh one", n)
	}
	if n := w.rec.count("/services/oauth2/token") - before; n != 1 {
		t.Errorf("%d refreshes, want 1", n)
	}
	if status, err := query(t.Context(), conn); status != 200 || err != nil {
		t.Errorf("a query answers %d, %v", status, err)
	}
	for _, l := range conn.Diagnose(t.Context()).Lines {
		if (l.Subject == "App" || l.Subject == "Org") && (l.Outcome != fullcast.OutcomeNotVisible || !strings.Contains(l.Text, "REST only")) {
			t.Errorf("the diagnosis says %+v", l)
		}
	}
	org, err := conn.Org(66)
	if err != nil {
		t.Fatal(err)
	}
	_, err = org.List(t.Context())
	if remedy := fullcast.RemedyFor(err, metadata.KindExternalClientApp); remedy != fullcast.AdminClearsJWT {
		t.Errorf("the remedy is %q for %v", remedy, err)
	}
}

// The SOAP endpoint may refuse a JWT in the words of the REST API, before it reads the request.
func TestACheckSaysThatSOAPTakesNoJWTHoweverItsEndpointRefusesIt(t *testing.T) {
	for name, body := range map[string]string{"in the words for a JWT": malformedJWT, "as an ended session": `[{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}]`, "without a word": ""} {
		t.Run(name, func(t *testing.T) {
			w, conn := jwtWorld(t)
			before := w.rec.count("/services/oauth2/token")
			fault := orgtest.Fault{Path: "/services/Soap/m/66.0", Times: -1, Status: 401, Body: body, Header: http.Header{"Content-Type": {"application/json"}}}
			if err := w.org.Inject(fault); err != nil {
				t.Fatal(err)
			}
			org, err := conn.Org(66)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := org.Read(t.Context(), metadata.KindExternalClientApp, "Fullcast"); !errors.Is(err, metadata.ErrJWTSession) {
				t.Errorf("a read says %v", err)
			}
			if n := w.rec.count("/services/oauth2/token") - before; n != 1 {
				t.Errorf("%d refreshes, want 1", n)
			}
			report, err := conn.Check(t.Context())
			if err != nil || len(report.NotVisible) == 0 || len(report.Passed)+len(report.Findings) != 0 {
				t.Errorf("%d rows were not visible, %d were, %v", len(report.NotVisible), len(report.Passed)+len(report.Findings), err)
			}
			if now, err := conn.Status(t.Context()); err != nil || now.Status != oauthflow.StatusActive {
				t.Errorf("it is %q, %v", now.Status, err)
			}
		})
	}
}
