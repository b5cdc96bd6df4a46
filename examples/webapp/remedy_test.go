package main

import (
	"encoding/json"
	"html"
	"net/http"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

// The page of a connection and its diagnosis tell of a failure what its remedy says, and of no other.
func TestThePagesTellOfAFailureWhatItsRemedySays(t *testing.T) {
	for _, c := range []struct {
		code, description string
		want              fullcast.Remedy
	}{
		{"invalid_app_access", "this app is blocked by admin", fullcast.AdminUnblocksApp},
		{"invalid_app_access", "user is not admin approved to access this app", fullcast.AdminAssignsApp},
		{"invalid_grant", "ip restricted by app developer", fullcast.AdminAllowsAppAddresses},
		{"invalid_grant", "IP restricted or invalid login hours", fullcast.AdminFixesLoginHours},
		{"invalid_grant", "expired access/refresh token", fullcast.Reauthorize},
		{"invalid_client", "invalid client credentials", fullcast.FixConfiguration},
		{"app_not_found", "", fullcast.RecreateApp},
	} {
		t.Run(c.code+" "+c.description, func(t *testing.T) {
			o := newOffice(t)
			o.signIn()
			o.connected()
			o.org.ExpireSessions()
			body, err := json.Marshal(map[string]string{"error": c.code, "error_description": c.description})
			if err != nil {
				t.Fatal(err)
			}
			if err := o.org.Inject(orgtest.Fault{Path: "/services/oauth2/token", Times: -1, Status: 400, Body: string(body), Header: http.Header{"Content-Type": {"application/json"}}}); err != nil {
				t.Fatal(err)
			}
			o.ask("GET", string(site)+"/salesforce/check", nil) // makes a call
			stored, err := o.sf.Load(t.Context(), oauthflow.Key{Tenant: "acme", Name: "main"})
			if err != nil || fullcast.RemedyOf(stored) != c.want {
				t.Fatalf("the remedy is %s, %v", fullcast.RemedyOf(stored).ID(), err)
			}
			text := c.want.ForAdmin([]string{"203.0.113.0/28"})
			for path, page := range map[string]string{"the connection": o.says(), "the diagnosis": o.page("/salesforce/diagnose")} {
				page = html.UnescapeString(page)
				if !strings.Contains(page, c.want.String()) || !strings.Contains(page, text) {
					t.Errorf("%s does not say %q, %q:\n%s", path, c.want, text, page)
				}
				for r := fullcast.Reauthorize; r.String() != ""; r++ {
					if r != c.want && strings.Contains(page, r.ForAdmin([]string{"203.0.113.0/28"})) {
						t.Errorf("%s tells of %s, too", path, r.ID())
					}
				}
			}
		})
	}
}
