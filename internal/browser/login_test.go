package browser_test

import (
	"testing"

	"github.com/chromedp/cdproto/emulation"
)

func TestAnAdminConnectsAnOrg(t *testing.T) {
	s := startService(t)
	for _, script := range []struct {
		name     string
		disabled bool
	}{{"with scripts", false}, {"without scripts", true}} {
		t.Run(script.name, func(t *testing.T) {
			x := s.browser.open(t)
			x.do(emulation.SetScriptExecutionDisabled(script.disabled))
			s.signIn(t, x, "acme")
			s.connect(t, x)
			x.shows(s.org.ID(), "External client app")
			x.press(`a[href="/salesforce/check"]`)
			x.shows("As the instructions say")
			x.press(`a[href="/app/admin/motion"]`)
			x.press(`a[href="/salesforce/diagnose"]`)
			x.shows("Login host: ok", "Session: ok")
			x.visit(string(site) + "/app/motion/segments")
			x.press(`form[action="/salesforce/reconnect"] button`)
			s.atSalesforce(t, x, "#oaapprove")
			if got := x.address(); got != string(site)+"/app/motion/segments" {
				t.Errorf("the browser came back to %s, not to the page it left", got)
			}
			x.shows("Connected", "Active")
			x.keepsNoCode()
			x.visit(adminPage)
			x.press(`a[href="/salesforce/disconnect"]`)
			x.press(`form[action="/salesforce/disconnect"] button`)
			x.shows("Disconnected", "Not connected")
			x.calm()
		})
	}
}

func TestAnAdminDenies(t *testing.T) {
	s := startService(t)
	x := s.browser.open(t)
	s.signIn(t, x, "acme")
	s.enter(t, x, "/salesforce/connect")
	s.atSalesforce(t, x, "#oadeny")
	x.shows("The org is not connected by this login", "What to do: Connect the org again", "Not connected")
	if n := s.happened("exchange"); n != 0 {
		t.Errorf("%d codes were exchanged", n)
	}
	x.keepsNoCode()
	x.calm()
}

func TestACallbackIsReplayed(t *testing.T) {
	s := startService(t)
	x := s.browser.open(t)
	s.signIn(t, x, "acme")
	s.connect(t, x)
	x.follow(s.front.callback(t))
	x.shows("The login at Salesforce is complete", "Active")
	if got := x.address(); got != adminPage {
		t.Errorf("the browser is at %s", got)
	}
	if n := s.happened("exchange"); n != 1 {
		t.Errorf("%d requests to exchange a code, want 1", n)
	}
	x.keepsNoCode()
	x.calm()
}

func TestACallbackComesBackElsewhere(t *testing.T) {
	s := startService(t)
	tests := []struct {
		name string
		to   func(t *testing.T, began *tab) *tab
	}{
		{"in the browser of another who looks after the same tenant", func(t *testing.T, _ *tab) *tab {
			x := s.browser.open(t)
			s.signIn(t, x, "acme")
			return x
		}},
		{"in the same browser, signed in for another tenant since", func(t *testing.T, began *tab) *tab {
			s.signIn(t, began, "globex")
			return began
		}},
		{"in a browser where nobody is signed in", func(t *testing.T, _ *tab) *tab { return s.browser.open(t) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			began := s.browser.open(t)
			s.signIn(t, began, "acme")
			s.enter(t, began, "/salesforce/connect")
			s.logIn(t, began)
			before := s.happened("exchange")

			s.front.hold(true) // the browser that began it comes back, and is kept from the program
			began.press("#oaapprove")
			s.front.hold(false)
			x := tt.to(t, began)
			x.follow(s.front.callback(t))
			if n := s.happened("exchange") - before; n != 0 {
				t.Errorf("%d codes were exchanged", n)
			}
			if x.address() == string(site)+"/sign-in" {
				s.signIn(t, x, "acme")
			} else {
				x.shows("The org is not connected by this login")
			}
			x.shows("Not connected")
			if x != began { // which keeps the page that did not come
				x.keepsNoCode()
			}
		})
	}
}
