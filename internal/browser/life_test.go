package browser_test

import (
	"testing"

	"github.com/chromedp/chromedp"
)

func TestAConnectionBreaksAndIsReconnected(t *testing.T) {
	s := startService(t)
	x := s.browser.open(t)
	s.signIn(t, x, "acme")
	s.connect(t, x)
	if err := s.org.RevokeAll(s.external.APIName); err != nil {
		t.Fatal(err)
	}
	x.press(`a[href="/salesforce/check"]`)
	x.shows("The app cannot be checked", "What to do: Connect the org again", "Broken")
	x.press(`a[href="/salesforce/diagnose"]`)
	x.shows("Stored connection: problem", "Connect the org again")
	x.do(chromedp.Click("details:not([open]) > summary", chromedp.ByQuery)) // what is not the cause is folded
	x.until(`document.body.innerText.includes("Session: not visible")`)
	x.visit(adminPage)
	x.press(`form[action="/salesforce/reconnect"] button`)
	s.atSalesforce(t, x, "#oaapprove")
	x.shows("Connected", "Active")
	x.calm()
}

func TestAPolicyChangesAndTheCheckSaysWhatToCorrect(t *testing.T) {
	s := startService(t)
	x := s.browser.open(t)
	s.signIn(t, x, "acme")
	s.connect(t, x)
	if err := s.org.SetAppField("ExtlClntAppOauthConfigurablePolicies", s.external.APIName+"_oauthPlcy", "refreshTokenPolicyType", "Zero"); err != nil {
		t.Fatal(err)
	}
	x.press(`a[href="/salesforce/check"]`)
	x.shows("1 to correct", "Refresh Token Policy", "Expire refresh token if not used for")
	x.calm()
}

func TestAConnectedAppMigrates(t *testing.T) {
	tests := []struct {
		name   string
		broken bool
	}{
		{"that works", false},
		{"that is broken", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := startService(t)
			connected := s.adoptLegacy(t, "acme")
			x := s.browser.open(t)
			s.signIn(t, x, "acme")
			x.shows("Active", "Connected app", "Migrate to an external client app")
			if tt.broken {
				if err := s.org.RevokeAll(connected); err != nil {
					t.Fatal(err)
				}
				x.press(`a[href="/salesforce/check"]`)
				x.shows("Broken", "cannot be authorized again")
			}
			x.press(`a[href="/salesforce/migrate"]`)
			s.enter(t, x, "/salesforce/migrate")
			s.atSalesforce(t, x, "#oaapprove")
			x.shows("Connected", "Active", "External client app")
			x.press(`a[href="/salesforce/check"]`)
			x.shows("As the instructions say")
			if n := s.happened("revoke"); !tt.broken && n == 0 {
				t.Error("the old tokens were not revoked")
			}
			x.keepsNoCode()
			x.calm()
		})
	}
}
