package fullcast_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/fullcast/fullcasttest"
	"github.com/fullcast/sfauth/internal/canary/search"
	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

const adminAt = "https://app.fullcast.io/api/salesforce"

// desk is an org with both apps, the admin API over a connector, and the browser of a person at one of its pages. It holds every
// answer against the document.
type desk struct {
	t   *testing.T
	org *fullcasttest.Org
	sf  *fullcast.Connector
	api http.Handler
	doc *adminDocument

	user   fullcast.AdminUser // who is signed in; without a tenant nobody
	jar    *cookiejar.Jar
	header http.Header // of each request; a value of "" takes a usual one away

	mu   sync.Mutex
	seen map[string]bool // operation and status
}

func newDesk(t *testing.T, change ...func(*fullcast.AdminConfig)) *desk {
	t.Helper()
	org := fullcasttest.NewOrg(t, fullcast.Production, fullcasttest.ConnectedApp(),
		fullcasttest.Config(func(c *orgtest.Config) { c.ApprovalLimit = 20 }))
	config := org.Config()
	config.EgressAddresses = []string{"203.0.113.0/28"}
	sf := opened(t, config)
	d := &desk{t: t, org: org, sf: sf, doc: readAdminDocument(t), header: http.Header{}, seen: map[string]bool{},
		user: fullcast.AdminUser{Tenant: "acme", Right: fullcast.RightOperate}}
	cfg := fullcast.AdminConfig{LoginsPerHour: 1000, Session: func(*http.Request) (fullcast.AdminUser, error) {
		if d.user.Tenant == "" {
			return fullcast.AdminUser{Tenant: "acme", Right: fullcast.RightOperate}, errors.New("no session; secret words")
		}
		return d.user, nil
	}}
	for _, c := range change {
		c(&cfg)
	}
	api, err := sf.AdminAPI(cfg)
	if err != nil {
		t.Fatal(err)
	}
	d.api = http.StripPrefix("/api/salesforce", api)
	if d.jar, err = cookiejar.New(nil); err != nil {
		t.Fatal(err)
	}
	return d
}

// reply is an answer of the API.
type reply struct {
	t      *testing.T
	status int
	header http.Header
	text   string
	value  any
}

// ask makes a request as fetch does: nil for body is none, a string is sent as it is, anything else as JSON.
func (d *desk) ask(method, path string, body any) reply {
	d.t.Helper()
	var text string
	switch b := body.(type) {
	case nil:
	case string:
		text = b
	default:
		all, err := json.Marshal(b)
		if err != nil {
			d.t.Fatal(err)
		}
		text = string(all)
	}
	r := httptest.NewRequest(method, adminAt+path, strings.NewReader(text))
	if method != http.MethodGet && method != http.MethodHead {
		r.Header.Set("Origin", "https://app.fullcast.io")
		r.Header.Set("Content-Type", "application/json")
	}
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	for name, values := range d.header {
		if r.Header[name] = values; values[0] == "" {
			r.Header.Del(name)
		}
	}
	if host := r.Header.Get("Host"); host != "" {
		r.Host = host
	}
	for _, c := range d.jar.Cookies(r.URL) {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	d.api.ServeHTTP(w, r)
	d.jar.SetCookies(r.URL, w.Result().Cookies())
	got := reply{d.t, w.Code, w.Result().Header, w.Body.String(), nil}
	d.document(method, r.URL, &got)
	return got
}

// document holds an answer against the document.
func (d *desk) document(method string, u *url.URL, got *reply) {
	d.t.Helper()
	where := method + " " + u.Path + ": " + strconv.Itoa(got.status)
	for name, want := range map[string]string{"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
		"Cross-Origin-Resource-Policy": "same-origin", "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'"} {
		if got.header.Get(name) != want {
			d.t.Errorf("%s: %s is %q", where, name, got.header.Get(name))
		}
	}
	path := pattern(u)
	call, known := d.doc.call(method, path)
	status := strconv.Itoa(got.status)
	response, listed := call.Responses[status]
	switch {
	case !known && got.status != http.StatusNotFound && got.status != http.StatusMethodNotAllowed:
		d.t.Errorf("%s, and no such request is documented", where)
	case known && !listed && got.status != http.StatusInternalServerError:
		d.t.Errorf("%s, which is not documented: %s", where, got.text)
	}
	if known {
		d.mu.Lock()
		d.seen[call.OperationID+" "+status] = true
		d.mu.Unlock()
	}
	if !listed {
		response = d.doc.Paths["/guide"]["get"].Responses["default"]
	}
	body := response.Content["application/json"]
	switch {
	case method == http.MethodHead && got.text == "":
		return
	case body.Schema == nil && got.text != "":
		d.t.Errorf("%s: %s; nothing is documented", where, got.text)
	case body.Schema == nil:
		return
	}
	var err error
	if got.value, err = parsedJSON([]byte(got.text)); err != nil || got.header.Get("Content-Type") != "application/json" {
		d.t.Fatalf("%s: %v, %s", where, err, got.text)
	}
	for _, wrong := range d.doc.against("", body.Schema, got.value) {
		d.t.Errorf("%s: %s", where, wrong)
	}
	if _, sent := got.header["Retry-After"]; sent != (got.at("error.retryAfter") != "") || response.Headers["Retry-After"] != nil && !sent {
		d.t.Errorf("%s: Retry-After is %q, in the answer %q", where, got.header.Get("Retry-After"), got.at("error.retryAfter"))
	}
	for _, name := range []string{"Fullcast", "Fullcast_Motion_Package"} {
		if _, secret, err := d.org.Credentials(name); err == nil && strings.Contains(got.text, secret) {
			d.t.Errorf("%s: the answer holds the consumer secret", where)
		}
	}
	for _, c := range d.jar.Cookies(u) {
		if strings.Contains(got.text, c.Value) {
			d.t.Errorf("%s: the answer holds the cookie", where)
		}
	}
	if what := search.New(nil).Find(without(got.text, got.at("redirect"))); what != "" {
		d.t.Errorf("%s: the answer holds %s", where, what)
	}
	if call.OperationID != "beginLogin" && call.OperationID != "beginMigration" || got.status != http.StatusOK {
		d.t.Logf("%s %s", where, got.text) // what is printed is looked through for secrets
	}
}

// without takes what ties a login to its callback out of an answer, as JSON writes it.
func without(text, redirect string) string {
	if redirect == "" {
		return text
	}
	written, _ := json.Marshal(redirect) // a string
	return strings.ReplaceAll(text, string(written), "")
}

// pattern is the path of a request as the document has it.
func pattern(u *url.URL) string {
	path := strings.TrimPrefix(u.EscapedPath(), "/api/salesforce")
	parts := strings.Split(path, "/")
	if len(parts) > 2 && parts[1] == "connections" {
		parts[2] = "{name}"
	}
	return strings.Join(parts, "/")
}

// at returns a value of an answer by its names, such as "error.fields.0.field"; empty where there is none.
func (r reply) at(path string) string {
	v := r.value
	for name := range strings.SplitSeq(path, ".") {
		switch of := v.(type) {
		case map[string]any:
			v = of[name]
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i >= len(of) {
				return ""
			}
			v = of[i]
		default:
			return ""
		}
	}
	switch of := v.(type) {
	case string:
		return of
	case bool:
		return strconv.FormatBool(of)
	case json.Number:
		return of.String()
	}
	return ""
}

// is fails the test where an answer has another status, or another code; "" is any.
func (r reply) is(status int, code string) reply {
	r.t.Helper()
	if r.status != status || code != "" && r.at("error.code") != code {
		r.t.Fatalf("%d, want %d %s: %s", r.status, status, code, r.text)
	}
	return r
}

type form = map[string]string

// entries are what an admin enters of an app.
func (d *desk) entries(app string) form {
	d.t.Helper()
	key, secret, err := d.org.Credentials(app)
	if err != nil {
		d.t.Fatal(err)
	}
	return form{"loginHost": d.org.InstanceURL(), "consumerKey": key, "consumerSecret": secret}
}

// approved lets the admin allow access, and returns what the callback page posts.
func (d *desk) approved(begun reply) form {
	d.t.Helper()
	u := d.org.Login(d.t.Context(), begun.is(200, "").at("redirect"))
	return form{"path": u.Path, "query": "?" + u.RawQuery}
}

// connect makes a connection over HTTP alone.
func (d *desk) connect(name string) reply {
	d.t.Helper()
	return d.ask("POST", "/complete", d.approved(d.ask("POST", "/connections/"+name+"/login", d.entries("Fullcast")))).is(200, "")
}

// former makes a connection of before, with the connected app.
func (d *desk) former(name string) {
	d.t.Helper()
	client, token := d.org.FormerConnection()
	client.Kind = metadata.KindConnectedApp
	if _, err := d.sf.Adopt(context.Background(), oauthflow.Key{Tenant: "acme", Name: name}, client, token); err != nil {
		d.t.Fatal(err)
	}
	if _, err := d.sf.Open(context.Background(), oauthflow.Key{Tenant: "acme", Name: name}); err != nil {
		d.t.Fatal(err)
	}
}
