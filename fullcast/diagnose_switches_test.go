package fullcast_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

// A switch of the org that can refuse an app is a problem where it does, and where the service cannot live with it. Elsewhere it is
// told, for the next address that the service calls from.
func TestADiagnosisTellsOfTheOrgsSessionAndAddressSwitchesWithoutFalseAlarm(t *testing.T) {
	const ok, problem, notVisible = fullcast.OutcomeOK, fullcast.OutcomeProblem, fullcast.OutcomeNotVisible
	on := func(typ, name, element string) func(*testing.T, *world) {
		return func(t *testing.T, w *world) {
			if err := w.org.SetAppField(typ, name, element, "true"); err != nil {
				t.Fatal(err)
			}
		}
	}
	lock := on("SecuritySettings", "Security", "sessionSettings/lockSessionsToIp")
	ranges := on("SecuritySettings", "Security", "sessionSettings/enforceIpRangesEveryRequest")
	access := on("ConnectedAppSettings", "ConnectedApp", "enableAdminApprovedAppsOnly")
	// refused has a refresh refused, and leaves the connection with a session that works.
	refused := func(description string) func(*testing.T, *world) {
		return func(t *testing.T, w *world) {
			conn, err := w.sf.Open(t.Context(), main)
			if err != nil {
				t.Fatal(err)
			}
			if err := w.org.Inject(orgtest.Fault{Path: "/services/oauth2/token", Status: 400, Body: `{"error":"invalid_grant","error_description":"` + description + `"}`,
				Header: http.Header{"Content-Type": {"application/json"}}}); err != nil {
				t.Fatal(err)
			}
			if err := w.sf.Manager().Renew(t.Context(), conn.Key()); err == nil {
				t.Fatal("it was not refused")
			}
		}
	}
	denied := func(t *testing.T, w *world) {
		header := http.Header{"Content-Type": {"text/xml"}}
		const fault = `<?xml version="1.0"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body><soapenv:Fault><faultcode>sf:INSUFFICIENT_ACCESS</faultcode><faultstring>INSUFFICIENT_ACCESS: use of the Metadata API requires a user with the ModifyAllData or ModifyMetadata permissions</faultstring></soapenv:Fault></soapenv:Body></soapenv:Envelope>`
		if err := w.org.Inject(orgtest.Fault{Path: "/services/Soap/", Times: -1, Status: 500, Body: fault, Header: header}); err != nil {
			t.Fatal(err)
		}
	}
	const lockLabel, rangesLabel, accessLabel = "Lock sessions to the IP address", "Enforce login IP ranges on every request", "API Access Control"
	for _, tt := range []struct {
		name    string
		egress  []string
		causes  []func(*testing.T, *world)
		outcome fullcast.Outcome
		text    string // in a line of that outcome
		remedy  fullcast.Remedy
		clicks  string // in the text for the admin
	}{
		{"nothing is on", nil, nil, ok, "let the app work", 0, ""},
		{"sessions are tied to an address, from which the service calls", []string{"203.0.113.7"}, []func(*testing.T, *world){lock}, ok, lockLabel, 0, ""},
		{"they are, and nobody has said where the service calls from", nil, []func(*testing.T, *world){lock}, ok, lockLabel, 0, ""},
		{"they are, and the service has two addresses", []string{"203.0.113.7", "203.0.113.8"}, []func(*testing.T, *world){lock}, problem, lockLabel, fullcast.AdminFixesSessions, "Session Settings"},
		{"they are, and the service has a network", []string{"203.0.113.0/28"}, []func(*testing.T, *world){lock}, problem, lockLabel, fullcast.AdminFixesSessions, "203.0.113.0/28"},
		{"ranges count at each request, and this one is in them", []string{"203.0.113.0/28"}, []func(*testing.T, *world){ranges}, ok, rangesLabel, 0, ""},
		{"ranges count at each request, and a refresh was refused for them", nil, []func(*testing.T, *world){ranges, refused("ip restricted")}, problem, rangesLabel, fullcast.AdminFixesSessions, "Session Settings"},
		{"ranges count, and a refresh was refused for something else", nil, []func(*testing.T, *world){ranges, refused("inactive user")}, ok, rangesLabel, 0, ""},
		{"only approved apps, and this one is", nil, []func(*testing.T, *world){access}, ok, accessLabel, 0, ""},
		{"the user may not see them", nil, []func(*testing.T, *world){lock, denied}, notVisible, lockLabel, 0, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, config{})
			w.deploy(t, fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example"))
			w.connect(t)
			for _, cause := range tt.causes {
				cause(t, w)
			}
			sf := w.connector(t, w.store, func(c *fullcast.Config) { c.EgressAddresses = tt.egress })
			conn, err := sf.Open(t.Context(), main)
			if err != nil {
				t.Fatal(err)
			}
			d := conn.Diagnose(t.Context())
			found := false
			for _, l := range d.Lines {
				if l.Subject != "Org" {
					continue
				}
				if l.Outcome == problem && tt.outcome != problem {
					t.Errorf("a false alarm: %+v", l)
				}
				if l.Outcome == tt.outcome && strings.Contains(l.Text, tt.text) {
					found = true
					if l.Remedy != tt.remedy || !strings.Contains(l.ForAdmin, tt.clicks) {
						t.Errorf("the remedy is %q: %s", l.Remedy.ID(), l.ForAdmin)
					}
				}
			}
			if !found {
				t.Errorf("no line is %s with %q:\n%s", tt.outcome, tt.text, d)
			}
		})
	}
}
