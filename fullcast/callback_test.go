package fullcast_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/oauthflow"
)

// callbackPages is a program that serves the callback pages; who is signed in stands in a header.
func callbackPages(t *testing.T, w *world, done *error) http.Handler {
	t.Helper()
	cfg := fullcast.CallbackConfig{
		Session: func(r *http.Request) (string, string, error) {
			if r.Header.Get("Signed-In") == "" {
				return "", "", errors.New("no cookie")
			}
			return r.Header.Get("Signed-In"), session, nil
		},
		Done: func(_ http.ResponseWriter, _ *http.Request, conn *fullcast.Connection, err error) {
			if (conn == nil) == (err == nil) {
				t.Errorf("Done was told %v and %v", conn, err)
			}
			*done = err
		},
	}
	middleware, err := w.sf.CallbackMiddleware(cfg)
	if err != nil {
		t.Fatal(err)
	}
	api, err := w.sf.CallbackAPI(cfg)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/api/salesforce", api)
	mux.Handle("/", middleware(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "the page")
	})))
	return mux
}

func approved(t *testing.T, w *world) *url.URL {
	t.Helper()
	w.deploy(t, fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example"))
	landed, err := w.org.Approve(t.Context(), w.begin(t, w.client(t, "Fullcast")))
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(landed)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestACallbackPageCompletesTheLoginAndDropsTheQuery(t *testing.T) {
	w := newWorld(t, config{})
	u := approved(t, w)
	var done error
	h := callbackPages(t, w, &done)
	get := func(target, tenant string) *http.Response {
		r := httptest.NewRequest("GET", target, nil)
		r.Header.Set("Signed-In", tenant)
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		return rec.Result()
	}
	resp := get(u.String(), main.Tenant)
	if resp.StatusCode != http.StatusSeeOther || resp.Header.Get("Location") != u.Path || done != nil {
		t.Fatalf("%d to %q, %v; want 303 to %s", resp.StatusCode, resp.Header.Get("Location"), done, u.Path)
	}
	if resp.Header.Get("Referrer-Policy") != "no-referrer" || resp.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("headers: %v", resp.Header)
	}
	if body, _ := io.ReadAll(resp.Body); strings.Contains(string(body), "code=") {
		t.Errorf("the answer holds the code: %s", body)
	}
	if _, err := w.sf.Open(t.Context(), main); err != nil {
		t.Error(err)
	}
	posts := w.rec.count("/services/oauth2/token")
	if get(u.String(), main.Tenant); done != nil || w.rec.count("/services/oauth2/token") != posts {
		t.Errorf("the same callback again: %v after %d more token requests, want the same connection after none",
			done, w.rec.count("/services/oauth2/token")-posts)
	}
}

func TestACallbackPageIsAnOrdinaryPageOtherwise(t *testing.T) {
	w := newWorld(t, config{})
	u := approved(t, w)
	var done error
	h := callbackPages(t, w, &done)
	for name, r := range map[string]*http.Request{
		"without a query":    httptest.NewRequest("GET", u.Path, nil),
		"with another query": httptest.NewRequest("GET", u.Path+"?tab=2", nil),
		"with a state alone": httptest.NewRequest("GET", u.Path+"?state=x", nil),
		"on another path":    httptest.NewRequest("GET", "/app/other?"+u.RawQuery, nil),
		"as a POST":          httptest.NewRequest("POST", u.Path, strings.NewReader(u.RawQuery)),
		"with a longer name": httptest.NewRequest("GET", u.Path+"?codes=1&xcode=2&error_count=3&state=x", nil),
		"with it as a value": httptest.NewRequest("GET", u.Path+"?sort=code&by=error&x=%26code%3D1", nil),
	} {
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		if rec.Code != 200 || rec.Body.String() != "the page" || done != nil {
			t.Errorf("%s: %d %q, %v", name, rec.Code, rec.Body, done)
		}
	}
}

func TestACallbackOfAnotherSessionIsNotCompleted(t *testing.T) {
	w := newWorld(t, config{})
	u := approved(t, w)
	posts := w.rec.count("/services/oauth2/token")
	for _, tenant := range []string{"", "other"} {
		var done error
		r := httptest.NewRequest("GET", u.String(), nil)
		r.Header.Set("Signed-In", tenant)
		rec := httptest.NewRecorder()
		callbackPages(t, w, &done).ServeHTTP(rec, r)
		if done == nil || rec.Code != http.StatusSeeOther {
			t.Errorf("tenant %q: %d, %v; want a refusal and a clean address", tenant, rec.Code, done)
		}
	}
	if w.rec.count("/services/oauth2/token") != posts {
		t.Error("a token request was sent")
	}
}

func TestAStaticPagePostsTheQueryFromItsOwnOriginOnly(t *testing.T) {
	w := newWorld(t, config{})
	u := approved(t, w)
	var done error
	h := callbackPages(t, w, &done)
	post := func(origin, fetchSite, media, body string) *httptest.ResponseRecorder {
		r := httptest.NewRequest("POST", "/api/salesforce", strings.NewReader(body))
		r.Header.Set("Signed-In", main.Tenant)
		r.Header.Set("Origin", origin)
		r.Header.Set("Content-Type", media)
		if fetchSite != "" {
			r.Header.Set("Sec-Fetch-Site", fetchSite)
		}
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		return rec
	}
	good := `{"path":"` + u.Path + `","query":"?` + u.RawQuery + `"}`
	for _, c := range []struct {
		name, origin, site, media, body string
		status                          int
	}{
		{"another origin", "https://evil.example", "", "application/json", good, 403},
		{"no origin", "", "same-origin", "application/json", good, 403},
		{"a cross-site request", "https://app.fullcast.io", "cross-site", "application/json", good, 403},
		{"a form", "https://app.fullcast.io", "same-origin", "application/x-www-form-urlencoded", good, 400},
		{"no JSON", "https://app.fullcast.io", "same-origin", "application/json", "{", 400},
		{"a page that is no callback", "https://app.fullcast.io", "same-origin", "application/json", strings.Replace(good, u.Path, "/app/other", 1), 400},
		{"a body without end", "https://app.fullcast.io", "same-origin", "application/json", good + strings.Repeat(" ", 1<<20), 400},
	} {
		if rec := post(c.origin, c.site, c.media, c.body); rec.Code != c.status {
			t.Errorf("%s: %d %s, want %d", c.name, rec.Code, rec.Body, c.status)
		}
	}
	if rec := post("https://app.fullcast.io", "same-origin", "application/json; charset=utf-8", good); rec.Code != 200 ||
		strings.TrimSpace(rec.Body.String()) != `{"connected":true}` || done != nil {
		t.Errorf("the page's own post: %d %s, %v", rec.Code, rec.Body, done)
	}
	if _, err := w.sf.Open(t.Context(), main); err != nil {
		t.Error(err)
	}
}

func TestADeniedLoginIsToldWithItsRemedy(t *testing.T) {
	w := newWorld(t, config{})
	w.deploy(t, fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example"))
	landed, err := w.org.Deny(t.Context(), w.begin(t, w.client(t, "Fullcast")))
	if err != nil {
		t.Fatal(err)
	}
	var done error
	r := httptest.NewRequest("GET", landed, nil)
	r.Header.Set("Signed-In", main.Tenant)
	callbackPages(t, w, &done).ServeHTTP(httptest.NewRecorder(), r)
	wantError(t, done, oauthflow.KindDenied, fullcast.Reauthorize)
}

func TestTheScriptCannotBeBrokenOutOf(t *testing.T) {
	s := fullcast.CallbackScript(`/api"</script><script>alert(1)//`)
	if strings.Contains(s, "</script>") || strings.Contains(s, `"</`) {
		t.Errorf("the script can be left: %s", s)
	}
	if n := strings.Count(s, "\n"); n > 14 {
		t.Errorf("the script has %d lines", n)
	}
}

// elsewhere are payloads that have led redirects away from their origin.
var elsewhere = []string{
	"https://evil.example", "http://evil.example/", "//evil.example", "///evil.example", "////evil.example", `/\evil.example`, `\\evil.example`,
	`\/evil.example`, `/\/evil.example`, "https:evil.example", "https:/evil.example", "https:///evil.example", `https:\\evil.example`,
	"https://app.fullcast.io@evil.example", "https://app.fullcast.io.evil.example", "https://evil.example#app.fullcast.io",
	"https://evil.example?app.fullcast.io", `https://evil.example\@app.fullcast.io`, "https://user:pass@evil.example", "//evil.example/app/admin/motion",
	"/%2Fevil.example", "/%2F%2Fevil.example", "%2F%2Fevil.example", "/%5Cevil.example", "/%09/evil.example", "/\t/evil.example", "\t//evil.example",
	"/%0d%0aLocation:%20https://evil.example", "/\r\nLocation: https://evil.example", "/.evil.example", "/..//evil.example", "/app/..//evil.example",
	"/;@evil.example", "/@evil.example", "javascript:alert(1)", "data:text/html,evil", "ftp://evil.example", "//[::1]/", "//2130706433/", "//xn--vil-9na.example",
	"/app/admin/motion//evil.example", "//evil。example", "http://[::ffff:127.0.0.1]", "blob:https://evil.example/x", "view-source:https://evil.example",
}

func TestACallbackPageNeverSendsTheBrowserElsewhere(t *testing.T) {
	if len(elsewhere) < 40 {
		t.Fatalf("only %d payloads", len(elsewhere))
	}
	w := newWorld(t, config{})
	u := approved(t, w)
	middleware, err := w.sf.CallbackMiddleware(fullcast.CallbackConfig{
		// Of another tenant, so that the login stays and each payload meets it.
		Session: func(*http.Request) (string, string, error) { return "rival", session, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	h := middleware(http.NotFoundHandler())
	sentTo := func(path, query string) string {
		r := httptest.NewRequest("GET", "https://app.fullcast.io/", nil)
		r.URL = &url.URL{Path: path, RawQuery: query}
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		return rec.Header().Get("Location")
	}
	for _, payload := range elsewhere {
		plain, err := url.PathUnescape(payload)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{payload, plain, payload + u.Path, plain + u.Path, u.Path + payload, u.Path + plain} {
			if to := sentTo(path, u.RawQuery); path != u.Path && to != "" {
				t.Errorf("%q: sent to %q", path, to)
			}
		}
		for _, name := range []string{"next", "return_to", "redirect_uri", "RelayState", "startURL", "retURL", "sfdc_community_url"} {
			query := u.RawQuery + "&" + url.Values{name: {payload}}.Encode()
			if to := sentTo(u.Path, query); to != u.Path {
				t.Errorf("%s=%q: sent to %q", name, payload, to)
			}
		}
		query := u.Query()
		query.Set("state", payload)
		if to := sentTo(u.Path, query.Encode()); to != u.Path {
			t.Errorf("state %q: sent to %q", payload, to)
		}
	}
	for _, path := range []string{u.Path + "/", strings.ToUpper(u.Path), u.Path + "\x00", u.Path + "/../motion"} {
		if to := sentTo(path, u.RawQuery); to != "" {
			t.Errorf("%q counts as the callback page", path)
		}
	}
}

func TestACompletedCallbackIgnoresWhereItsQueryWouldSendTheBrowser(t *testing.T) {
	for name, payload := range map[string]string{
		"another origin": "https://evil.example", "another host": "//evil.example", "another page": "/app/other", "a script": "javascript:alert(1)",
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, config{})
			u := approved(t, w)
			var done error
			r := httptest.NewRequest("GET", u.String()+"&"+url.Values{"next": {payload}, "RelayState": {payload}}.Encode(), nil)
			r.Header.Set("Signed-In", main.Tenant)
			rec := httptest.NewRecorder()
			callbackPages(t, w, &done).ServeHTTP(rec, r)
			if _, err := w.sf.Open(t.Context(), main); err != nil || done != nil {
				t.Errorf("the login was not completed: %v, %v", err, done)
			}
			if to := rec.Header().Get("Location"); rec.Code != http.StatusSeeOther || to != u.Path || strings.Contains(rec.Body.String(), payload) {
				t.Errorf("%d to %q: %s", rec.Code, to, rec.Body)
			}
		})
	}
}

func TestOnlyOrgIDsAreTakenForOrgIDs(t *testing.T) {
	w := newWorld(t, config{})
	for _, id := range []string{
		"00D", "00DTEST0000000", "00DTEST0000000012", "00DTEST00000000123456", "005TEST00000001", "00DTEST000' OR'", "00DTEST0000000é", "00DTEST000/000/1",
	} {
		_, err := w.sf.Begin(t.Context(), main, fullcast.BeginOptions{
			Client: oauthflow.Client{Host: w.host, ID: "key", Secret: oauthflow.NewSecret("secret")}, Binding: session, ExpectOrg: id,
		})
		wantError(t, err, oauthflow.KindInvalid, fullcast.FixCode)
	}
}

func TestTheCallbackAPITakesAPOSTAlone(t *testing.T) {
	w := newWorld(t, config{})
	u := approved(t, w)
	var done error
	h := callbackPages(t, w, &done)
	for _, method := range []string{"GET", "HEAD", "PUT", "DELETE"} {
		r := httptest.NewRequest(method, "/api/salesforce?"+u.RawQuery, nil)
		r.Header.Set("Signed-In", main.Tenant)
		r.Header.Set("Origin", "https://app.fullcast.io")
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		if rec.Code != http.StatusMethodNotAllowed || rec.Header().Get("Allow") != "POST" {
			t.Errorf("%s: %d, %v", method, rec.Code, rec.Header())
		}
	}
	if _, err := w.sf.Open(t.Context(), main); err == nil {
		t.Error("the login is complete")
	}
}
