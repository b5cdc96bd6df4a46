package main

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

// says checks what the admin page tells.
func (o *office) says(want ...string) string {
	o.t.Helper()
	body := o.page(adminPage)
	for _, s := range want {
		if !strings.Contains(body, s) {
			o.t.Fatalf("the page lacks %q:\n%s", s, body)
		}
	}
	return body
}

// through sends a form, logs in at Salesforce and comes back.
func (o *office) through(form string, in url.Values) {
	o.t.Helper()
	answer := o.ask("POST", string(site)+form, in)
	back, err := o.org.Approve(o.t.Context(), answer.Header.Get("Location"))
	if err != nil {
		o.t.Fatalf("%s: %s: %v", form, answer.Status, err)
	}
	if answer = o.ask("GET", back, nil); answer.StatusCode != http.StatusSeeOther {
		o.t.Fatalf("the callback: %s", answer.Status)
	}
}

func TestAnotherOrgTakesTheConnectionsPlaceOnlyWhenAPersonConfirmsIt(t *testing.T) {
	o := officeOf(t, orgtest.Config{Sandbox: true})
	o.signIn()
	o.connected()
	old := o.org.ID()
	if err := o.org.RefreshSandbox(); err != nil {
		t.Fatal(err)
	}
	conn, err := o.sf.Open(t.Context(), oauthflow.Key{Tenant: "acme", Name: "main"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Check(t.Context()); err == nil {
		t.Fatal("the app is still there")
	}
	if body := o.says("Broken", fullcast.RecreateApp.String(), "sandbox refresh"); strings.Contains(body, "accept-org") {
		t.Error("an org is offered before anybody has logged in to it")
	}
	if err := deploy(t.Context(), o.org, fullcast.ExternalClientApp(site, "admin@acme.example")); err != nil {
		t.Fatal(err)
	}
	in := o.connectForm()
	in.Set("accept-org", o.org.ID()) // before it was offered
	o.through("/salesforce/connect", in)
	o.says("This is another org", o.org.ID(), old, `name="accept-org"`)
	in.Set("accept-org", "00DTESTother0001")
	o.through("/salesforce/connect", in)
	o.says("This is another org", old)
	in.Set("accept-org", o.org.ID())
	o.through("/salesforce/connect", in)
	body := o.says("Connected", "Active", o.org.ID())
	if strings.Contains(body, old) || strings.Contains(body, "accept-org") {
		t.Errorf("the former org is still shown, or another offered:\n%s", body)
	}
}

// legacyOffice has the connection that was made with a connected app, years ago.
func legacyOffice(t *testing.T) *office {
	t.Helper()
	o := officeOf(t, orgtest.Config{AllowConnectedApps: true})
	spec := fullcast.ConnectedApp(site, "admin@acme.example")
	if err := deploy(t.Context(), o.org, spec); err != nil {
		t.Fatal(err)
	}
	s := &simulation{org: o.org, connected: spec.APIName}
	if err := s.adoptAs(t.Context(), o.sf, oauthflow.Key{Tenant: "acme", Name: "main"}); err != nil {
		t.Fatal(err)
	}
	o.signIn()
	return o
}

func TestAMigrationThatWasInterruptedIsFinishedByItsForm(t *testing.T) {
	o := legacyOffice(t)
	if body := o.says("Connected app", "Migrate"); strings.Contains(body, "/salesforce/migrate/resume") {
		t.Error("a migration is to be finished before one has begun")
	}
	o.wire.fail = "/services/data/v66.0/query" // the proof
	o.through("/salesforce/migrate", o.connectForm())
	o.wire.fail = ""
	o.says("Connected app", "Finish the migration", `action="/salesforce/migrate/resume"`)
	if answer := o.ask("POST", string(site)+"/salesforce/migrate/resume", url.Values{}); answer.StatusCode != http.StatusSeeOther {
		t.Fatal(answer.Status)
	}
	if body := o.says("Migrated", "External client app", "Active"); strings.Contains(body, "Finish the migration") {
		t.Error("the migration is still to be finished")
	}
}

func TestALoginWithAConnectedAppIsRefusedAndSaysWhereToReadOn(t *testing.T) {
	o := legacyOffice(t)
	if answer := o.ask("POST", string(site)+"/salesforce/reconnect", url.Values{}); answer.Header.Get("Location") != adminPage {
		t.Fatalf("%s, to %q", answer.Status, answer.Header.Get("Location"))
	}
	o.says("not authorized again", "support.fullcast.com", "Create an external client app")
	key, secret, err := o.org.Credentials("Fullcast_Motion_Package")
	if err != nil {
		t.Fatal(err)
	}
	host, err := oauthflow.ParseHost(o.org.InstanceURL())
	if err != nil {
		t.Fatal(err)
	}
	_, err = o.sf.Begin(t.Context(), oauthflow.Key{Tenant: "acme", Name: "second"}, fullcast.BeginOptions{
		Client:  oauthflow.Client{Kind: metadata.KindConnectedApp, Host: host, ID: key, Secret: oauthflow.NewSecret(secret)},
		Binding: "0123456789abcdef",
	})
	if err == nil || !strings.Contains(err.Error(), "support.fullcast.com") {
		t.Errorf("Begin: %v", err)
	}
}

func TestARestrictedAddressIsToldWithTheAddressesToAllow(t *testing.T) {
	o := newOffice(t)
	o.signIn()
	o.connected()
	err := o.org.SetAppField("ExtlClntAppOauthConfigurablePolicies", "Fullcast_oauthPlcy", "ipRelaxationPolicyType", "Enforce")
	if err == nil {
		err = o.org.SetUser(orgtest.User{Username: "admin@acme.example", LoginRanges: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}})
	}
	if err != nil {
		t.Fatal(err)
	}
	o.org.ExpireSessions()
	o.ask("GET", string(site)+"/salesforce/check", nil)
	const text = "addresses are 203.0.113.0/28. Please allow them in Salesforce Setup: in Login IP Ranges"
	o.says("Suspended", text)
	if body := o.page("/salesforce/diagnose"); !strings.Contains(body, text) {
		t.Errorf("the diagnosis lacks it:\n%s", body)
	}
}

func TestTheCheckPageKeepsApartWhatIsWrongAndWhatIsOnlyToBeKnown(t *testing.T) {
	const policies = "ExtlClntAppOauthConfigurablePolicies"
	for name, c := range map[string]struct {
		cfg    orgtest.Config
		clicks [][2]string
		says   []string
		not    string
	}{
		"a policy that ends the connection": {orgtest.Config{}, [][2]string{{"refreshTokenPolicyType", "Zero"}},
			[]string{"1 to correct", "To correct", "Expire refresh token if not used for"}, "To know"},
		"30 days where the limit is off": {orgtest.Config{Release: orgtest.Summer26}, [][2]string{
			{"refreshTokenPolicyType", ""}, {"refreshTokenValidityPeriod", "30"}, {"refreshTokenPolicyType", "SpecificInactivity"},
		}, []string{"As the instructions say", "0 to correct", "To know", "was read as off"}, "To correct"},
		"nothing": {orgtest.Config{}, nil, []string{"As the instructions say", "0 to correct", "was read as on"}, "To know"},
	} {
		t.Run(name, func(t *testing.T) {
			o := officeOf(t, c.cfg)
			o.signIn()
			o.connected()
			for _, click := range c.clicks {
				if err := o.org.SetAppField(policies, "Fullcast_oauthPlcy", click[0], click[1]); err != nil {
					t.Fatal(err)
				}
			}
			body := o.page("/salesforce/check")
			for _, part := range c.says {
				if !strings.Contains(body, part) {
					t.Errorf("%q is not on the page:\n%s", part, body)
				}
			}
			if strings.Contains(body, c.not) {
				t.Errorf("%q is on the page:\n%s", c.not, body)
			}
		})
	}
}

func TestAnAPIThatIsOffIsToldUntilACallWorks(t *testing.T) {
	o := newOffice(t)
	o.signIn()
	o.connected()
	if err := o.org.Inject(orgtest.Fault{Path: "/services/", Status: 403, Times: -1, Body: `[{"errorCode":"API_DISABLED_FOR_ORG","message":"off"}]`}); err != nil {
		t.Fatal(err)
	}
	o.ask("GET", string(site)+"/salesforce/check", nil)
	for began := time.Now(); !strings.Contains(o.page(adminPage), "Suspended") && time.Since(began) < time.Minute; {
		time.Sleep(10 * time.Millisecond) // it is stored in the background
	}
	o.says("Suspended", "may not use the API", fullcast.AdminEnablesAPI.String())
}

func TestADiagnosisOfAnEndedSessionSeesTheRestAfterACall(t *testing.T) {
	o := newOffice(t)
	o.signIn()
	o.connected()
	o.org.ExpireSessions()
	if body := o.page("/salesforce/diagnose"); !strings.Contains(body, "Session: not visible") {
		t.Errorf("the session has ended:\n%s", body)
	}
	answer := o.ask("POST", string(site)+"/salesforce/diagnose", url.Values{})
	if answer.Header.Get("Location") != "/salesforce/diagnose" {
		t.Fatalf("%s, to %q", answer.Status, answer.Header.Get("Location"))
	}
	if body := o.page("/salesforce/diagnose"); !strings.Contains(body, "Session: ok") || !strings.Contains(body, "API limits: ok") {
		t.Errorf("after the call:\n%s", body)
	}
}
