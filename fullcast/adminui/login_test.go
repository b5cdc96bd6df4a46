package adminui_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/fullcast/adminui"
	"github.com/fullcast/sfauth/oauthflow"
)

// begun is where the browser is sent with the form.
func (o *office) begun(in url.Values) string {
	o.t.Helper()
	o.ended = true
	defer func() { o.ended = false }()
	p := o.post("/salesforce/connect", in)
	if p.status != http.StatusSeeOther {
		o.t.Fatalf("%d\n%s", p.status, p.source)
	}
	return p.header.Get("Location")
}

// back is the callback that Salesforce sends the browser to.
func (o *office) back(redirect string) string {
	o.t.Helper()
	back, err := o.org.Approve(o.t.Context(), redirect)
	if err != nil {
		o.t.Fatal(err)
	}
	return strings.TrimPrefix(back, site)
}

func (o *office) connected() bool {
	o.t.Helper()
	_, err := o.sf.Load(o.t.Context(), oauthflow.Key{Tenant: "acme", Name: "main"})
	return err == nil
}

func TestACallbackIsAnsweredWithItsPageWithoutTheQueryBeforeAnyPageIsShown(t *testing.T) {
	for _, path := range []string{home, "/app/motion/segments", "/app/admin/export-import"} {
		t.Run(path, func(t *testing.T) {
			shown := false
			o := newOffice(t, func(c *adminui.Config) {
				c.Next = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { shown = true; fmt.Fprint(w, r.URL.RawQuery) })
				c.Others = []adminui.Entry{{Path: "/app/motion/segments", Title: "Segments"}}
			})
			back := o.back(o.begun(o.form("")))
			_, query, _ := strings.Cut(back, "?")
			if path != home { // a code at another page than its login's completes none, and does not reach the page either
				back = path + "?" + query
			}
			answer := o.raw("GET", back, http.Header{"Sec-Fetch-Site": {"cross-site"}})
			if answer.StatusCode != http.StatusSeeOther || answer.Header.Get("Location") != path || shown {
				t.Errorf("%s, to %q; the service's page was shown: %t", answer.Status, answer.Header.Get("Location"), shown)
			}
			if got := answer.Header; got.Get("Referrer-Policy") != "no-referrer" || got.Get("Cache-Control") != "no-store" {
				t.Errorf("%v", got)
			}
			if o.connected() != (path == home) {
				t.Errorf("connected: %t", o.connected())
			}
		})
	}
}

func TestWhatNobodyOpenedSpendsNoLogin(t *testing.T) {
	o := newOffice(t, asItIs)
	back := o.back(o.begun(o.form("")))
	for _, header := range []http.Header{{"Sec-Purpose": {"prefetch;prerender"}}, {"X-Purpose": {"preview"}}, {"Purpose": {"prefetch"}}} {
		if answer := o.raw("GET", back, header); answer.StatusCode != http.StatusNoContent || answer.Header.Get("Set-Cookie") != "" {
			t.Errorf("%v: %s, %q", header, answer.Status, answer.Header.Get("Set-Cookie"))
		}
	}
	if answer := o.raw("HEAD", back, nil); answer.StatusCode != http.StatusNoContent {
		t.Errorf("HEAD: %s", answer.Status)
	}
	if answer := o.raw("POST", back, nil); answer.StatusCode != http.StatusSeeOther || o.connected() {
		t.Errorf("POST: %s, connected: %t", answer.Status, o.connected())
	}
	o.get(back).has(t, "The login at Salesforce is complete")
}

func TestAnAddressThatIsNoCallbackCompletesNothing(t *testing.T) {
	o := newOffice(t, asItIs)
	for _, query := range []string{"code=planted", "code=planted&state=", "code=planted&state=a&state=b", "%63ode=planted", "code=%zz", "tab=2&code=planted", "code=a;b"} {
		p := o.get(home + "?" + query)
		p.has(t, "The org is not connected by this login", "Nothing was changed", "Not connected")
		p.lacks(t, "planted")
		if p.at != home {
			t.Errorf("%s: at %s", query, p.at)
		}
	}
}

func TestARefusedFormKeepsWhatWasEnteredButTheSecret(t *testing.T) {
	o := newOffice(t, asItIs)
	for field, c := range map[string]struct{ value, mark, says string }{
		"login-host":      {"acme.example.com", "login-host-wrong", "is not a Salesforce login host"},
		"consumer-key":    {"3MVG9 two words", "consumer-key-wrong", "is no consumer key"},
		"consumer-secret": {" ", "consumer-secret-wrong", "is required"},
	} {
		in := o.form("")
		in.Set(field, c.value)
		p := o.post("/salesforce/connect", in)
		p.has(t, `id="`+c.mark+`"`, c.says, `href="#`+field+`"`, "autofocus", in.Get("login-host"), in.Get("consumer-key"))
		p.lacks(t, o.form("").Get("consumer-secret"))
		if p.status != http.StatusUnprocessableEntity || strings.Count(p.source, `aria-invalid="true"`) != 1 {
			t.Errorf("%s: %d\n%s", field, p.status, p.source)
		}
	}
}

func TestAFormWithNothingInItIsNoWishToConnectAgain(t *testing.T) {
	o := newOffice(t, asItIs)
	o.connect("")
	p := o.post("/salesforce/connect", url.Values{"login-host": {""}, "consumer-key": {" "}})
	if p.status != http.StatusUnprocessableEntity || strings.Count(p.source, `aria-invalid="true"`) != 3 {
		t.Errorf("%d\n%s", p.status, p.source)
	}
}

func TestAWrongSecretMarksItsFieldWhenTheBrowserIsBack(t *testing.T) {
	o := newOffice(t, asItIs)
	in := o.form("")
	in.Set("consumer-secret", strings.Repeat("A", 64))
	p := o.post("/salesforce/connect", in)
	p.has(t, "The org is not connected by this login", `id="consumer-secret-wrong"`, in.Get("consumer-key"))
	p.lacks(t, in.Get("consumer-secret"))
	if strings.Count(p.source, `aria-invalid="true"`) != 1 {
		t.Errorf("the fields at fault:\n%s", p.source)
	}
	again := o.get(home) // what is told once is not told again
	again.lacks(t, "aria-invalid", in.Get("consumer-key"))
}

func TestNoCookieHoldsASecretAndNoneIsReadInAnotherSession(t *testing.T) {
	o := newOffice(t, asItIs)
	in := o.form("")
	in.Set("consumer-secret", strings.Repeat("A", 64))
	o.ended = true
	back := o.back(o.begun(in))
	answer := o.raw("GET", back, nil)
	here, _ := url.Parse(site)
	o.browser.Jar.SetCookies(here, answer.Cookies())
	seen := 0
	for _, c := range o.browser.Jar.Cookies(here) {
		_, encoded, _ := strings.Cut(c.Value, ".")
		text, _ := base64.RawURLEncoding.DecodeString(encoded)
		if strings.Contains(c.Value+string(text), in.Get("consumer-secret")) {
			t.Errorf("%s holds the secret", c.Name)
		}
		if strings.Contains(string(text), in.Get("consumer-key")) {
			seen++
		}
	}
	if seen == 0 {
		t.Error("no cookie was looked into")
	}
	for _, c := range answer.Cookies() {
		if !strings.HasPrefix(c.Name, "__Host-") || !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" {
			t.Errorf("%s", c.Raw)
		}
	}
	was := o.user
	for _, other := range []fullcast.AdminUser{{Tenant: "globex", Right: fullcast.RightOperate}, {Tenant: "acme", Right: fullcast.RightOperate, Binding: oauthflow.NewSecret("of another session")}} {
		o.user = other
		p := o.get(home)
		p.lacks(t, "The org is not connected by this login", in.Get("consumer-key"))
	}
	o.user = was
	o.get(home).has(t, "The org is not connected by this login")
}

func TestANewSecretNeedsNoLogin(t *testing.T) {
	o := newOffice(t, asItIs)
	o.connect("")
	secret := o.form("").Get("consumer-secret")
	for given, says := range map[string]string{
		" ":                     "Copy the consumer secret from Setup",
		strings.Repeat("A", 64): "Salesforce has not accepted this consumer secret",
		secret:                  "Salesforce has accepted the new consumer secret",
	} {
		p := o.post("/salesforce/secret", url.Values{"new-secret": {given}})
		p.has(t, says, "Active")
		if strings.TrimSpace(given) != "" {
			p.lacks(t, given)
		}
	}
}
