package orgtest_test

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

var hidden = regexp.MustCompile(`<input type="hidden" name="(\w+)" value="([^"]*)">`)

// submit fills a page's form in and presses a button.
func (w *wire) submit(page reply, button string, fields ...string) reply {
	w.t.Helper()
	form := url.Values{"step": {button}}
	for _, m := range hidden.FindAllStringSubmatch(page.body, -1) {
		form.Set(m[1], html.UnescapeString(m[2]))
	}
	return w.post(w.host+"/services/oauth2/authorize", with(form, fields))
}

func TestABrowserLogsInAndAllows(t *testing.T) {
	w := withDemo(t, orgtest.Config{Interactive: true})
	login := w.get(w.authorizeURL(), "")
	if login.status != http.StatusOK || !strings.HasPrefix(login.header.Get("Content-Type"), "text/html") {
		t.Fatalf("got %d %s", login.status, login.body)
	}
	if again := w.submit(login, "login", "un", "admin@acme.example", "pw", "wrong"); !strings.Contains(again.body, "check your username and password") {
		t.Errorf("a wrong password: %s", again.body)
	}
	consent := w.submit(login, "login", "un", "admin@acme.example", "pw", "password")
	if !strings.Contains(consent.body, "Demo is asking to") {
		t.Fatalf("got %d %s", consent.status, consent.body)
	}
	done := w.submit(consent, "allow")
	u, _ := url.Parse(done.header.Get("Location"))
	if done.status != http.StatusFound || u.Query().Get("state") != "s1" {
		t.Fatalf("got %d %q", done.status, done.header.Get("Location"))
	}
	if a := w.exchange(u.Query().Get("code")); a.status != http.StatusOK {
		t.Errorf("the code: %s", a.body)
	}
	if replay := w.submit(consent, "allow"); replay.status != http.StatusOK || !strings.Contains(replay.body, "Log in again") {
		t.Errorf("a consent page is good once: %d %s", replay.status, replay.body)
	}
}

func TestABrowserDenies(t *testing.T) {
	w := withDemo(t, orgtest.Config{Interactive: true})
	consent := w.submit(w.get(w.authorizeURL(), ""), "login", "un", "admin@acme.example", "pw", "password")
	done := w.submit(consent, "deny")
	if u, _ := url.Parse(done.header.Get("Location")); u.Query().Get("error") != "access_denied" {
		t.Errorf("got %d %q", done.status, done.header.Get("Location"))
	}
}
