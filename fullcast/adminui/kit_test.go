package adminui_test

import (
	"errors"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/fullcast/adminui"
	"github.com/fullcast/sfauth/fullcast/fullcasttest"
)

const (
	site = string(fullcast.Production)
	home = "/app/admin/motion"
)

// office is the pages in front of a service, with a customer's org, and the browser of somebody who is signed in.
type office struct {
	t       *testing.T
	org     *fullcasttest.Org
	sf      *fullcast.Connector
	user    fullcast.AdminUser // an empty tenant: nobody is signed in
	pages   http.Handler
	browser *http.Client
	ended   bool // the browser stays at redirects
}

// newOffice serves the pages as the change wants them.
func newOffice(t *testing.T, change func(*adminui.Config)) *office {
	t.Helper()
	return newOfficeOf(t, change)
}

func newOfficeOf(t *testing.T, change func(*adminui.Config), options ...fullcasttest.Option) *office {
	t.Helper()
	o := &office{t: t, org: fullcasttest.NewOrg(t, fullcast.Production, options...), user: fullcast.AdminUser{Tenant: "acme", Right: fullcast.RightOperate}}
	var err error
	if o.sf, err = fullcast.NewConnector(o.org.Config()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { o.sf.Close(t.Context()) })
	session := func(*http.Request) (fullcast.AdminUser, error) {
		if o.user.Tenant == "" {
			return o.user, errors.New("signed out")
		}
		return o.user, nil
	}
	api, err := o.sf.AdminAPI(fullcast.AdminConfig{Session: session})
	if err != nil {
		t.Fatal(err)
	}
	cfg := adminui.Config{API: api, Session: session, Site: fullcast.Production, SignIn: "/sign-in"}
	change(&cfg)
	if o.pages, err = adminui.New(cfg); err != nil {
		t.Fatal(err)
	}
	o.browser = o.org.Browser(o.pages)
	o.browser.CheckRedirect = func(*http.Request, []*http.Request) error {
		if o.ended {
			return http.ErrUseLastResponse
		}
		return nil
	}
	return o
}

func asItIs(*adminui.Config) {}

// page is what a browser ends at.
type page struct {
	status int
	at     string // path and query
	source string
	text   string // without escapes
	header http.Header
}

func (o *office) page(resp *http.Response, err error) page {
	o.t.Helper()
	if err != nil {
		o.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		o.t.Fatal(err)
	}
	return page{resp.StatusCode, resp.Request.URL.RequestURI(), string(body), html.UnescapeString(string(body)), resp.Header}
}

func (o *office) get(path string) page {
	o.t.Helper()
	return o.page(o.browser.Get(site + path))
}

func (o *office) post(path string, form url.Values) page {
	o.t.Helper()
	return o.page(o.browser.PostForm(site+path, form))
}

// form is what an admin enters for a connection; an empty name is the one that is meant where none is named.
func (o *office) form(name string) url.Values {
	o.t.Helper()
	key, secret, err := o.org.Credentials("Fullcast")
	if err != nil {
		o.t.Fatal(err)
	}
	in := url.Values{"login-host": {o.org.InstanceURL()}, "consumer-key": {key}, "consumer-secret": {secret}}
	if name != "" {
		in.Set("connection", name)
	}
	return in
}

func (o *office) connect(name string) page {
	o.t.Helper()
	p := o.post("/salesforce/connect", o.form(name))
	p.has(o.t, "The login at Salesforce is complete", "Active")
	return p
}

func (p page) has(t *testing.T, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(p.text, part) {
			t.Errorf("%s: %d lacks %q:\n%s", p.at, p.status, part, p.source)
		}
	}
}

func (p page) lacks(t *testing.T, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if strings.Contains(p.text, part) {
			t.Errorf("%s: %d has %q:\n%s", p.at, p.status, part, p.source)
		}
	}
}

// raw is one request as a server receives it.
func (o *office) raw(method, target string, header http.Header) *http.Response {
	o.t.Helper()
	r := httptest.NewRequest(method, site+target, nil)
	for name, values := range header {
		r.Header[name] = values
	}
	here, _ := url.Parse(site)
	for _, c := range o.browser.Jar.Cookies(here) {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	o.pages.ServeHTTP(w, r)
	return w.Result()
}
