package browser_test

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

func TestAnAdminConnectsInSteps(t *testing.T) {
	s := startService(t)
	x := s.browser.open(t)
	s.signIn(t, x, "acme")
	x.fill("#my-domain", "acme.example.com")
	x.press(`form[action="/salesforce/guide"] button`)
	x.shows("This is not the My Domain of an org", "Problem:")
	x.until(`document.activeElement.matches(".note.problem")`) // who does not see the page hears first what is wrong
	x.titled(t, "This is not the My Domain of an org")

	x.fill("#my-domain", s.org.InstanceURL())
	x.press(`form[action="/salesforce/guide"] button`)
	x.shows("By its name this is a ", "External Client App Manager")
	x.press(`a[href$="#connect"]`)
	var host string
	x.do(chromedp.Value("#login-host", &host, chromedp.ByQuery))
	if want := strings.TrimPrefix(s.org.InstanceURL(), "https://"); host != want {
		t.Errorf("the form has %q, want %q", host, want)
	}
	key, secret, err := s.org.Credentials(s.external.APIName)
	if err != nil {
		t.Fatal(err)
	}
	x.fill("#consumer-key", key)
	x.fill("#consumer-secret", strings.Repeat("A", 64))
	x.press(`form[action="/salesforce/connect"] button`)
	s.atSalesforce(t, x, "#oaapprove")
	x.shows("The org is not connected by this login")
	x.until(`document.activeElement.matches(".note.problem") && document.querySelector("[aria-invalid]").id === "consumer-secret"`)
	var kept string
	x.do(chromedp.Value("#consumer-key", &kept, chromedp.ByQuery))
	if kept != key {
		t.Errorf("the consumer key is %q after the refusal", kept)
	}
	x.titled(t, "The org is not connected by this login · Not connected")
	x.fill("#consumer-secret", secret)
	x.press(`form[action="/salesforce/connect"] button`)
	s.atSalesforce(t, x, "#oaapprove")
	x.shows("Connected", "Active")
	x.titled(t, "Connected · Active")
	x.keepsNoCode()
	x.calm()
}

// titled fails the test unless the page's title begins with the words.
func (x *tab) titled(t *testing.T, want string) {
	t.Helper()
	var title string
	x.do(chromedp.Title(&title))
	if !strings.HasPrefix(title, want) {
		t.Errorf("the title is %q, want it to begin with %q", title, want)
	}
}
