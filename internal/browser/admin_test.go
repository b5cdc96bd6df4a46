package browser_test

import (
	"strings"
	"testing"
)

// signIn signs in as an admin of the tenant.
func (s *service) signIn(t *testing.T, x *tab, tenant string) {
	t.Helper()
	x.visit(string(site) + "/sign-in")
	x.fill("#tenant", tenant)
	x.fill("#code", s.code)
	x.press("main button")
	x.shows("Salesforce connection", "Tenant "+tenant)
}

// enter fills the form with the app's credentials in, as an admin copies them from Setup, and leaves for Salesforce.
func (s *service) enter(t *testing.T, x *tab, form string) {
	t.Helper()
	key, secret, err := s.org.Credentials(s.external.APIName)
	if err != nil {
		t.Fatal(err)
	}
	x.fill("#login-host", s.org.InstanceURL())
	x.fill("#consumer-key", key)
	x.fill("#consumer-secret", secret)
	x.press(`form[action="` + form + `"] button`)
}

// atSalesforce logs in and answers the question for consent: "#oaapprove" or "#oadeny".
func (s *service) atSalesforce(t *testing.T, x *tab, answer string) {
	t.Helper()
	s.logIn(t, x)
	x.press(answer)
	if got := x.address(); !strings.HasPrefix(got, string(site)+"/app/") {
		t.Fatalf("the browser came back to %s", got)
	}
}

func (s *service) logIn(t *testing.T, x *tab) {
	t.Helper()
	if got := x.address(); got != s.org.InstanceURL()+"/services/oauth2/authorize" {
		t.Fatalf("the browser is at %s:\n%s", got, x.text())
	}
	x.fill("#username", username)
	x.fill("#password", "password")
	x.press("#Login")
	x.shows("Allow Access?")
}

func (s *service) connect(t *testing.T, x *tab) {
	t.Helper()
	x.visit(adminPage)
	s.enter(t, x, "/salesforce/connect")
	s.atSalesforce(t, x, "#oaapprove")
	x.shows("Connected", "Active")
}
