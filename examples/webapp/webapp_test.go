package main

import (
	"context"
	"errors"
	"html"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/fullcast/fullcasttest"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

const site = fullcast.Production

// office is the app with a simulated org that allows everything, and a person's browser that runs no script.
type office struct {
	t       *testing.T
	org     *orgtest.Org
	sf      *fullcast.Connector
	wire    *wire
	handler http.Handler
	jar     *cookiejar.Jar
	header  http.Header // sent with each request
}

func newOffice(t *testing.T) *office { return officeOf(t, orgtest.Config{}) }

func officeOf(t *testing.T, cfg orgtest.Config) *office {
	t.Helper()
	org := fullcasttest.NewOrg(t, site, fullcasttest.Config(func(all *orgtest.Config) { *all = cfg }))
	wire := &wire{next: org.RoundTripper()}
	config := org.Config()
	config.Transport, config.EgressAddresses = wire, []string{"203.0.113.0/28"}
	sf, err := fullcast.NewConnector(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sf.Close(context.Background()) })
	a, err := newApp(site, sf, people{code: "open sesame", tenants: []string{"acme", "globex"}})
	if err != nil {
		t.Fatal(err)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &office{t, org.Org, sf, wire, a.handler(), jar, http.Header{"Sec-Fetch-Site": {"same-origin"}}}
}

// wire is the way to the org; requests of the path fail.
type wire struct {
	next http.RoundTripper
	fail string
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	if w.fail != "" && r.URL.Path == w.fail {
		return nil, errors.New("the network is down")
	}
	return w.next.RoundTrip(r)
}

// ask makes one request. It follows no redirect.
func (o *office) ask(method, target string, form url.Values) *http.Response {
	o.t.Helper()
	r := httptest.NewRequest(method, target, strings.NewReader(form.Encode()))
	for name, values := range o.header {
		r.Header[name] = values
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	here, _ := url.Parse(string(site))
	for _, c := range o.jar.Cookies(here) {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	o.handler.ServeHTTP(w, r)
	answer := w.Result()
	o.jar.SetCookies(here, answer.Cookies())
	return answer
}

func (o *office) page(path string) string {
	o.t.Helper()
	answer := o.ask("GET", string(site)+path, nil)
	if answer.StatusCode != http.StatusOK {
		o.t.Fatalf("GET %s: %s", path, answer.Status)
	}
	return read(o.t, answer)
}

func (o *office) signIn() {
	o.t.Helper()
	answer := o.ask("POST", string(site)+"/sign-in", url.Values{"tenant": {"acme"}, "code": {"open sesame"}})
	if answer.StatusCode != http.StatusSeeOther {
		o.t.Fatalf("signing in: %s", answer.Status)
	}
}

// connectForm is the form as an admin fills it in.
func (o *office) connectForm() url.Values {
	o.t.Helper()
	key, secret, err := o.org.Credentials("Fullcast")
	if err != nil {
		o.t.Fatal(err)
	}
	return url.Values{"page": {"admin"}, "login-host": {o.org.InstanceURL()}, "consumer-key": {key}, "consumer-secret": {secret}}
}

func read(t *testing.T, answer *http.Response) string {
	t.Helper()
	var b strings.Builder
	if err := answer.Write(&b); err != nil {
		t.Fatal(err)
	}
	_, body, _ := strings.Cut(b.String(), "\r\n\r\n")
	t.Log(body) // what is printed is looked through for secrets
	return html.UnescapeString(body)
}

func TestNothingIsShownToWhoIsNotSignedIn(t *testing.T) {
	o := newOffice(t)
	for _, target := range []struct{ method, path string }{
		{"GET", "/app/admin/motion"}, {"GET", "/app/motion/segments"}, {"GET", "/app/admin/export-import"}, {"GET", "/salesforce/guide"},
		{"GET", "/salesforce/check"}, {"GET", "/salesforce/diagnose"}, {"GET", "/salesforce/migrate"}, {"GET", "/salesforce/disconnect"},
		{"POST", "/salesforce/connect"}, {"POST", "/salesforce/reconnect"}, {"POST", "/salesforce/migrate"},
		{"POST", "/salesforce/migrate/resume"}, {"POST", "/salesforce/disconnect"}, {"POST", "/salesforce/diagnose"},
	} {
		answer := o.ask(target.method, string(site)+target.path, url.Values{})
		if answer.StatusCode != http.StatusSeeOther || answer.Header.Get("Location") != "/sign-in" {
			t.Errorf("%s %s: %s, to %q", target.method, target.path, answer.Status, answer.Header.Get("Location"))
		}
	}
}

func TestSigningIn(t *testing.T) {
	tests := []struct {
		name, tenant, code string
		want               int
	}{
		{"with the code", "acme", "open sesame", http.StatusSeeOther},
		{"with another code", "acme", "open", http.StatusUnprocessableEntity},
		{"without a code", "acme", "", http.StatusUnprocessableEntity},
		{"for a tenant of nobody's", "initech", "open sesame", http.StatusUnprocessableEntity},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			answer := newOffice(t).ask("POST", string(site)+"/sign-in", url.Values{"tenant": {tt.tenant}, "code": {tt.code}})
			if answer.StatusCode != tt.want {
				t.Errorf("got %s, want %d", answer.Status, tt.want)
			}
			if tt.want == http.StatusSeeOther != (len(answer.Cookies()) == 1) {
				t.Errorf("got %d cookies", len(answer.Cookies()))
			}
		})
	}
}

func TestTheCookieIsForTheBrowserAlone(t *testing.T) {
	tests := []struct {
		site   fullcast.Site
		name   string
		secure bool
	}{
		{fullcast.Production, "__Host-session", true},
		{"http://localhost:8080", "session", false},
	}
	for _, tt := range tests {
		w := httptest.NewRecorder()
		newSessions(tt.site).begin(w, httptest.NewRequest("POST", "/", nil), "acme")
		cookies := w.Result().Cookies()
		if len(cookies) != 1 {
			t.Fatalf("%s: %d cookies", tt.site, len(cookies))
		}
		c := cookies[0]
		if c.Name != tt.name || c.Secure != tt.secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" {
			t.Errorf("%s: %s", tt.site, c.Raw)
		}
	}
}

func TestSigningInAgainBeginsANewSession(t *testing.T) {
	o := newOffice(t)
	here, _ := url.Parse(string(site))
	o.signIn()
	first := o.jar.Cookies(here)[0].Value
	o.signIn()
	if second := o.jar.Cookies(here)[0].Value; second == first {
		t.Error("the id stayed")
	}
	o.jar.SetCookies(here, []*http.Cookie{{Name: "__Host-session", Value: first, Secure: true, Path: "/"}})
	if answer := o.ask("GET", string(site)+adminPage, nil); answer.Header.Get("Location") != "/sign-in" {
		t.Error("the first session goes on")
	}
}

func TestFormsOfOtherSitesAreRefused(t *testing.T) {
	o := newOffice(t)
	o.signIn()
	for _, header := range []http.Header{
		{"Sec-Fetch-Site": {"cross-site"}},
		{"Sec-Fetch-Site": {"same-site"}},
		{"Origin": {"https://evil.example"}},
		{"Origin": {"null"}},
	} {
		o.header = header
		if answer := o.ask("POST", string(site)+"/salesforce/connect", o.connectForm()); answer.StatusCode != http.StatusForbidden {
			t.Errorf("%v: %s", header, answer.Status)
		}
	}
}

func TestOtherHostNamesAreRefused(t *testing.T) {
	o := newOffice(t)
	if answer := o.ask("GET", "https://evil.example/sign-in", nil); answer.StatusCode != http.StatusMisdirectedRequest {
		t.Errorf("got %s", answer.Status)
	}
}

var inline = regexp.MustCompile(`(?i)<style|<script>|<script [^>]*>[^<]|\sstyle=|\son[a-z]+=|javascript:`)

func TestEveryPageKeepsToItsPolicy(t *testing.T) {
	o := newOffice(t)
	o.signIn()
	o.connected()
	for _, path := range []string{"/sign-in", adminPage, "/app/motion/segments", "/app/admin/export-import", "/salesforce/guide",
		"/salesforce/check", "/salesforce/diagnose", "/salesforce/migrate", "/salesforce/disconnect"} {
		answer := o.ask("GET", string(site)+path, nil)
		if answer.StatusCode != http.StatusOK {
			t.Errorf("%s: %s", path, answer.Status)
		}
		csp := answer.Header.Get("Content-Security-Policy")
		if !strings.HasPrefix(csp, "default-src 'none'; ") || strings.Contains(csp, "unsafe") || !strings.Contains(csp, "frame-ancestors 'none'") {
			t.Errorf("%s: policy %q", path, csp)
		}
		if answer.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s may be kept by a cache", path)
		}
		body := read(t, answer)
		if found := inline.FindString(body); found != "" {
			t.Errorf("%s holds %q", path, found)
		}
		if secret := o.connectForm().Get("consumer-secret"); strings.Contains(body, secret) {
			t.Errorf("%s shows the consumer secret", path)
		}
	}
}

// connected goes through the login, as a browser without scripts does.
func (o *office) connected() {
	o.t.Helper()
	answer := o.ask("POST", string(site)+"/salesforce/connect", o.connectForm())
	back, err := o.org.Approve(o.t.Context(), answer.Header.Get("Location"))
	if err != nil {
		o.t.Fatalf("%s: %v", answer.Status, err)
	}
	answer = o.ask("GET", back, nil)
	if answer.StatusCode != http.StatusSeeOther || answer.Header.Get("Location") != adminPage {
		o.t.Fatalf("the callback: %s, to %q", answer.Status, answer.Header.Get("Location"))
	}
	if body := o.page(adminPage); !strings.Contains(body, "Connected") || !strings.Contains(body, o.org.ID()) {
		o.t.Fatalf("after the login the page says\n%s", body)
	}
}

func TestANoteIsShownOnce(t *testing.T) {
	o := newOffice(t)
	o.signIn()
	o.connected()
	if body := o.page(adminPage); strings.Contains(body, "The login at Salesforce is complete") {
		t.Error("the note is shown again")
	}
}

func TestALoginComesBackToThePageItBeganOnAndNowhereElse(t *testing.T) {
	o := newOffice(t)
	o.signIn()
	o.connected()
	for given, want := range map[string]string{
		"/app/motion/segments": "/app/motion/segments", "/app/admin/export-import": "/app/admin/export-import", adminPage: adminPage,
		"": adminPage, "https://evil.example/": adminPage, "//evil.example": adminPage, "/sign-in": adminPage,
	} {
		answer := o.ask("POST", string(site)+"/salesforce/reconnect", url.Values{"page": {given}})
		u, err := url.Parse(answer.Header.Get("Location"))
		if err != nil || u.Host != "acme.my.salesforce.com" {
			t.Fatalf("%q: %s, to %q", given, answer.Status, answer.Header.Get("Location"))
		}
		if got := u.Query().Get("redirect_uri"); got != string(site)+want {
			t.Errorf("%q: comes back to %s", given, got)
		}
	}
}

func TestAFormThatIsWrongSaysWhere(t *testing.T) {
	offices := map[string]*office{"/salesforce/connect": newOffice(t), "/salesforce/migrate": legacyOffice(t)}
	tests := []struct{ name, field, value, want string }{
		{"a host of somebody else's", "login-host", "https://acme.example.com", "is not a Salesforce login host"},
		{"no host", "login-host", " ", "The login host is required: the org's My Domain"},
		{"a key with a blank inside", "consumer-key", "3MVG9 x", "The consumer key is no consumer key"},
		{"no secret", "consumer-secret", "", "The consumer secret is required"},
	}
	for form, o := range offices {
		o.signIn()
		for _, tt := range tests {
			t.Run(tt.name+" at "+form, func(t *testing.T) {
				o.t = t
				in := o.connectForm()
				secret := in.Get("consumer-secret")
				in.Set(tt.field, tt.value)
				answer := o.ask("POST", string(site)+form, in)
				body := read(t, answer)
				if answer.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(body, tt.want) {
					t.Errorf("%s\n%s", answer.Status, body)
				}
				if strings.Contains(body, secret) {
					t.Error("the page shows the consumer secret")
				}
			})
		}
	}
}
