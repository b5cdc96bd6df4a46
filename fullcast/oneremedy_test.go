package fullcast_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

// What Salesforce answers to a refresh, and what helps. The words of the first group are from public reports and vendors' documents.
var refusals = []struct {
	code, description string
	remedy            fullcast.Remedy
}{
	{"invalid_grant", "ip restricted by app developer", fullcast.AdminAllowsAppAddresses},
	{"invalid_grant", "IP restricted or invalid login hours", fullcast.AdminFixesLoginHours},
	{"invalid_grant", "ip restricted", fullcast.AdminAllowsAddresses},
	{"invalid_app_access", "this app is blocked by admin", fullcast.AdminUnblocksApp},
	{"invalid_app_access", "user is not admin approved to access this app", fullcast.AdminAssignsApp},
	{"invalid_client", "app must be installed into org", fullcast.AdminInstallsApp},
	{"invalid_grant", "inactive user", fullcast.AdminActivatesUser},
	{"inactive_org", "organization is locked, closed, or suspended", fullcast.AdminConnectsOtherOrg},
	{"invalid_grant", "expired access/refresh token", fullcast.Reauthorize},
	{"invalid_client", "invalid client credentials", fullcast.FixConfiguration},
	{"app_not_found", "External client app is not installed in this org", fullcast.RecreateApp},
	{"invalid_grant", "authentication failure", fullcast.AdminFixesPolicy},
	{"invalid_dpop_proof", "DPoP proof is missing", fullcast.AdminClearsDPoP},
	{"use_dpop_nonce", "Authorization server requires nonce in DPoP proof", fullcast.AdminClearsDPoP},
	{"invalid_client", "mutual TLS client certificate is required", fullcast.AdminClearsMTLS},
	{"unsupported_grant_type", "grant type not supported", fullcast.AdminFixesApp},
	{"login_rate_exceeded", "login rate exceeded", fullcast.Retry},
}

func TestAFailureHasOneRemedyWhereverItIsTold(t *testing.T) {
	for _, r := range refusals {
		t.Run(r.code+" "+r.description, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := bubbleWorld(t, config{})
				w.deploy(t, fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example"))
				conn := w.connect(t)
				w.org.ExpireSessions()
				body, err := json.Marshal(map[string]string{"error": r.code, "error_description": r.description})
				if err != nil {
					t.Fatal(err)
				}
				if err := w.org.Inject(orgtest.Fault{Path: "/services/oauth2/token", Times: -1, Status: 400, Body: string(body), Header: http.Header{"Content-Type": {"application/json"}}}); err != nil {
					t.Fatal(err)
				}
				_, err = query(t.Context(), conn)
				var e *fullcast.Error
				if !errors.As(err, &e) || e.Remedy != r.remedy {
					t.Fatalf("the error is %v, want the remedy %s", err, r.remedy.ID())
				}
				now, err := conn.Status(t.Context())
				if err != nil || fullcast.RemedyOf(now) != r.remedy {
					t.Errorf("the status has the remedy %s, %v", fullcast.RemedyOf(now).ID(), err)
				}
				for about, text := range map[string]string{"the error": w.sf.ForAdmin(e), "the status": conn.ForAdmin(now.Fault)} {
					if !strings.Contains(text, r.remedy.ForAdmin(nil)) {
						t.Errorf("the admin is told about %s: %s", about, text)
					}
				}
				found := false
				for _, l := range conn.Diagnose(t.Context()).Lines {
					if l.Subject != "Stored connection" {
						continue
					}
					if found = true; l.Remedy != r.remedy || !strings.HasPrefix(l.ForAdmin, r.remedy.ForAdmin(nil)) {
						t.Errorf("the diagnosis has the remedy %s: %s", l.Remedy.ID(), l.ForAdmin)
					}
				}
				if !found {
					t.Error("the diagnosis has no line about it")
				}
			})
		})
	}
}

// A sentence and a remedy that contradict each other help nobody: a connected app cannot leave its login host.
func TestABrokenConnectedAppAtAGenericHostIsToldOneThing(t *testing.T) {
	w := newWorld(t, config{})
	cause := &oauthflow.Error{Op: "refresh", Host: "test.salesforce.com", Code: "invalid_client_id", Description: "client identifier invalid", Status: 400, Kind: oauthflow.KindAppMissing}
	for op, want := range map[string]fullcast.Remedy{"request": fullcast.Migrate, "adopt": fullcast.FixConfiguration, "adopt (dry run)": fullcast.FixConfiguration} {
		r := fullcast.RemedyIn(op, cause, metadata.KindConnectedApp)
		text := w.sf.ForAdmin(&fullcast.Error{Op: op, Key: main, Remedy: r, Err: cause})
		if r != want || strings.Contains(text, "My Domain") != (want == fullcast.FixConfiguration) || strings.Contains(text, "create the external client app") != (want == fullcast.Migrate) {
			t.Errorf("%s: %s: %s", op, r.ID(), text)
		}
	}
}
