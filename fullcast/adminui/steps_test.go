package adminui_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/fullcast/fullcasttest"
	"github.com/fullcast/sfauth/oauthflow"
)

func TestConnectingBeginsWithTheOrgThenItsGuideThenTheCredentials(t *testing.T) {
	o := newOffice(t, asItIs)
	o.get(home).has(t, "Step 1: which org", `action="/salesforce/guide"`, `name="host"`, "<title>Not connected · Salesforce connection")
	for host, says := range map[string][]string{
		"acme.my.salesforce.com":                        {"By its name this is a production org.", `href="https://acme.my.salesforce.com/lightning/setup/ManageExternalClientApplication/home"`},
		" https://acme--uat.sandbox.my.salesforce.com/": {"By its name this is a sandbox."},
		"acme-dev-ed.develop.my.salesforce.com":         {"By its name this is a Developer Edition org."},
		"login.salesforce.com":                          {"Its name does not tell which type of org it is."},
	} {
		p := o.get("/salesforce/guide?" + url.Values{"host": {host}}.Encode())
		p.has(t, says...)
		to := regexp.MustCompile(`href="([^"]+#connect)"`).FindStringSubmatch(p.text)
		if to == nil {
			t.Fatalf("%s leads nowhere:\n%s", host, p.source)
		}
		plain := strings.Trim(strings.TrimPrefix(strings.TrimSpace(host), "https://"), "/")
		o.get(strings.TrimSuffix(to[1], "#connect")).has(t, `<input id="login-host" name="login-host" type="text" value="`+plain+`"`)
	}
	for _, host := range []string{"", "acme.example.com", "acme"} {
		p := o.get("/salesforce/guide?" + url.Values{"host": {host}}.Encode())
		p.has(t, `id="my-domain-wrong"`, `href="#my-domain"`, "autofocus", `value="`+host+`"`)
		if p.status != http.StatusUnprocessableEntity || strings.Count(p.source, `aria-invalid="true"`) != 1 {
			t.Errorf("%q: %d", host, p.status)
		}
	}
}

func TestTheGuideCopiesTheCallbackURLsAtOnceAndNothingThatIsChosen(t *testing.T) {
	p := newOffice(t, asItIs).get("/salesforce/guide")
	p.has(t, `<code class="copy">`+strings.Join(fullcast.Production.CallbackURLs(), "\n")+"</code>")
	if n := strings.Count(p.source, `class="copy"`); n < 2 || n > 5 {
		t.Errorf("%d values to copy", n)
	}
	if ticks := strings.Count(p.source, `type="checkbox"`); ticks != strings.Count(p.source, "<label class=\"tick\">") || ticks < 5 {
		t.Errorf("%d ticks", ticks)
	}
}

// The API tells its advice with the redirect; a page that leaves at once has to tell it before.
func TestWhatToDoWhereSalesforceShowsAnErrorIsSaidBefore(t *testing.T) {
	o := newOffice(t, asItIs)
	api, err := o.sf.AdminAPI(fullcast.AdminConfig{Session: func(*http.Request) (fullcast.AdminUser, error) { return o.user, nil }})
	if err != nil {
		t.Fatal(err)
	}
	in := o.form("")
	text, _ := json.Marshal(map[string]string{"loginHost": in.Get("login-host"), "consumerKey": in.Get("consumer-key"), "consumerSecret": in.Get("consumer-secret")})
	r := httptest.NewRequest("POST", site+"/connections/main/login", strings.NewReader(string(text)))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	api.ServeHTTP(w, r)
	var answer struct{ Advice []string }
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || len(answer.Advice) == 0 {
		t.Fatalf("%v: %s", err, w.Body)
	}
	o.get(home).has(t, answer.Advice...)
}

func TestATenantWithAConnectedAppIsLedToTheMigration(t *testing.T) {
	o := newOfficeOf(t, asItIs, fullcasttest.ConnectedApp())
	client, token := o.org.FormerConnection()
	if _, err := o.sf.Adopt(t.Context(), oauthflow.Key{Tenant: "acme", Name: "main"}, client, token); err != nil {
		t.Fatal(err)
	}
	o.get(home).has(t, "<title>Active · ", "Migrate to an external client app", "/salesforce/guide?kind=ConnectedApp")
	o.get("/salesforce/guide").has(t, `href="/salesforce/migrate">The app is created: migrate</a>`)
	o.get("/salesforce/guide?kind=ConnectedApp").has(t, "onnected app")
	p := o.get("/salesforce/migrate")
	p.has(t, "Summer '27", "30 minutes old", "Afterwards", "Require Proof Key for Code Exchange (PKCE)")
	p.lacks(t, "/salesforce/migrate/resume")
	o.post("/salesforce/migrate", o.form("")).has(t, "The connection now uses the external client app.", "Connected Apps OAuth Usage", "External client app", "Active")
	o.get("/salesforce/migrate").has(t, "uses an external client app already")
}

func TestASessionThatIsLostDuringTheLoginIsToldAfterSigningInAgain(t *testing.T) {
	o := newOffice(t, asItIs)
	back := o.back(o.begun(o.form("")))
	was := o.user
	o.user, o.ended = fullcast.AdminUser{}, true
	if p := o.get(back); p.header.Get("Location") != home {
		t.Errorf("%d, to %q", p.status, p.header.Get("Location"))
	}
	if p := o.get(home); p.header.Get("Location") != "/sign-in" {
		t.Errorf("%d, to %q", p.status, p.header.Get("Location"))
	}
	o.user, o.ended = was, false
	o.get(home).has(t, "Nobody was signed in to Fullcast when the browser came back", "Not connected")
	o.get(home).lacks(t, "Nobody was signed in")
}

func TestTheTitleSaysWhatHasHappenedThenTheState(t *testing.T) {
	o := newOffice(t, asItIs)
	o.connect("").has(t, "<title>Connected · Active · Salesforce connection")
	o.get(home).has(t, "<title>Active · Salesforce connection", "(production org)", `rel="noreferrer">Open the org</a>`, "<time datetime=")
	if err := o.org.RevokeAll("Fullcast"); err != nil {
		t.Fatal(err)
	}
	o.get("/salesforce/check").has(t, "<title>The app cannot be checked · Broken · Salesforce connection")
}
