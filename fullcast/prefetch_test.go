package fullcast_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/metadata"
)

// speculation is a header of a request for a page that nobody has opened yet.
type speculation struct {
	name, header, value string
	speculative         bool
}

var speculations = []speculation{
	{"a prefetch", "Sec-Purpose", "prefetch", true},
	{"a prerender", "Sec-Purpose", "prefetch;prerender", true},
	{"a prerender, written with blanks", "Sec-Purpose", "prefetch; prerender", true},
	{"a prefetch through a proxy", "Sec-Purpose", "prefetch;anonymous-client-ip", true},
	{"a prefetch in capitals", "Sec-Purpose", "Prefetch", true},
	{"a prefetch of several purposes", "Sec-Purpose", "other, prefetch", true},
	{"an older prefetch", "Purpose", "prefetch", true},
	{"a preview", "X-Purpose", "preview", true},
	{"a prefetch of Firefox", "X-Moz", "prefetch", true},
	{"no purpose", "Sec-Purpose", "", false},
	{"another purpose", "Sec-Purpose", "prefetched-before", false},
}

func TestAPrefetchOfACallbackSpendsNothingAndTheRealRequestIsCompleted(t *testing.T) {
	for _, row := range speculations {
		for _, static := range []bool{false, true} {
			name := row.name
			if static {
				name += ", posted by a static page"
			}
			t.Run(name, func(t *testing.T) {
				w := newWorld(t, config{})
				u := approved(t, w)
				h := callbackPages(t, w, new(error))
				request := func() *http.Request {
					r := httptest.NewRequest("GET", u.String(), nil)
					if static {
						r = httptest.NewRequest("POST", "/api/salesforce", strings.NewReader(`{"path":"`+u.Path+`","query":"?`+u.RawQuery+`"}`))
						r.Header.Set("Origin", "https://app.fullcast.io")
						r.Header.Set("Content-Type", "application/json")
					}
					r.Header.Set("Signed-In", main.Tenant)
					return r
				}
				r := request()
				r.Header.Set(row.header, row.value)
				rec := httptest.NewRecorder()
				h.ServeHTTP(rec, r)
				exchanged := w.rec.count("/services/oauth2/token")
				if row.speculative != (rec.Code == http.StatusNoContent) || row.speculative != (exchanged == 0) {
					t.Errorf("%d after %d token requests", rec.Code, exchanged)
				}
				if row.speculative && (rec.Header().Get("Cache-Control") != "no-store" || rec.Body.Len() > 0 || rec.Header().Get("Location") != "") {
					t.Errorf("the answer %v %q may be kept or says something", rec.Header(), rec.Body)
				}
				rec = httptest.NewRecorder()
				h.ServeHTTP(rec, request())
				if n := w.rec.count("/services/oauth2/token"); rec.Code >= 400 || n != 1 {
					t.Errorf("the real request: %d %s after %d token requests, want the login completed by one", rec.Code, rec.Body, n)
				}
				if _, err := w.sf.Open(t.Context(), main); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

func TestOnlyAnOpenedPageSpendsItsLogin(t *testing.T) {
	w := newWorld(t, config{})
	u := approved(t, w)
	var done error
	h := callbackPages(t, w, &done)
	for _, row := range []struct {
		name, method, header, target string
		status                       int
		body                         string
	}{
		{"a HEAD of a callback", "HEAD", "", u.String(), http.StatusNoContent, ""},
		{"a prefetch of an error callback", "GET", "prefetch", u.Path + "?error=access_denied&state=" + u.Query().Get("state"), http.StatusNoContent, ""},
		{"a HEAD of the page", "HEAD", "", u.Path, http.StatusOK, "the page"},
		{"a prefetch of the page", "GET", "prefetch", u.Path, http.StatusOK, "the page"},
		{"a prefetch of another page", "GET", "prefetch", "/app/other?" + u.RawQuery, http.StatusOK, "the page"},
	} {
		r := httptest.NewRequest(row.method, row.target, nil)
		r.Header.Set("Signed-In", main.Tenant)
		if row.header != "" {
			r.Header.Set("Sec-Purpose", row.header)
		}
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		if rec.Code != row.status || rec.Body.String() != row.body {
			t.Errorf("%s: %d %q, want %d %q", row.name, rec.Code, rec.Body, row.status, row.body)
		}
		if row.status == http.StatusNoContent && rec.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: the answer may be kept: %v", row.name, rec.Header())
		}
	}
	if n := w.rec.count("/services/oauth2/token"); n != 0 || done != nil {
		t.Errorf("%d token requests, %v", n, done)
	}
	r := httptest.NewRequest("GET", u.String(), nil)
	r.Header.Set("Signed-In", main.Tenant)
	if h.ServeHTTP(httptest.NewRecorder(), r); done != nil {
		t.Errorf("the page that was opened: %v", done)
	}
}

func TestTheScriptOfAPrerenderedPageWaitsUntilThePageIsOpened(t *testing.T) {
	s := fullcast.CallbackScript("/api/salesforce")
	wait := strings.Index(s, `document.prerendering) return document.addEventListener("prerenderingchange", complete`)
	post := strings.Index(s, "fetch(")
	address := strings.Index(s, "history.replaceState")
	if wait < 0 || post < wait || address < wait {
		t.Errorf("it posts before the page is opened:\n%s", s)
	}
}

func TestACallbackThatIsLoadedAgainIsToldTheSameRemedy(t *testing.T) {
	for name, refusal := range map[string]string{
		"connected":                    "",
		"the app is not installed":     `{"error":"invalid_client_id","error_description":"client identifier invalid"}`,
		"the secret is wrong":          `{"error":"invalid_client","error_description":"invalid client credentials"}`,
		"the user may not use the app": `{"error":"OAUTH_APP_ACCESS_DENIED","error_description":"user is not admin approved to access this app"}`,
		"the verifier does not fit":    `{"error":"invalid_grant","error_description":"invalid code verifier"}`,
		"something never seen":         `{"error":"something_never_seen","error_description":"nobody knows why"}`,
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, config{})
			u := approved(t, w)
			if refusal != "" {
				w.refuse(t, refusal)
			}
			var told []string
			for range 3 {
				var done error
				r := httptest.NewRequest("GET", u.String(), nil)
				r.Header.Set("Signed-In", main.Tenant)
				callbackPages(t, w, &done).ServeHTTP(httptest.NewRecorder(), r)
				if (done == nil) != (refusal == "") {
					t.Fatalf("got %v", done)
				}
				if done != nil {
					e := done.(*fullcast.Error)
					told = append(told, e.Error()+w.sf.ForAdmin(done))
				}
			}
			for _, again := range told {
				if again != told[0] {
					t.Errorf("told\n%s\nand then\n%s", told[0], again)
				}
			}
			if n := w.rec.count("/services/oauth2/token"); n != 1 {
				t.Errorf("%d token requests, want 1", n)
			}
		})
	}
}

func TestTheCallbackOfAMigrationThatIsDeliveredAgainHasTheMigratedConnection(t *testing.T) {
	w, c := migrationWorld(t)
	redirect, err := w.sf.BeginMigration(t.Context(), main, fullcast.BeginOptions{Client: c, Binding: session})
	if err != nil {
		t.Fatal(err)
	}
	cb := w.approved(t, redirect)
	posts := w.rec.count("/services/oauth2/token")
	second := w.connector(t, w.store) // another process
	var all sync.WaitGroup
	for _, sf := range []*fullcast.Connector{w.sf, second, w.sf, second} {
		all.Go(func() {
			if conn, err := sf.Complete(t.Context(), cb); err != nil || conn.Key() != main || conn.Kind() != metadata.KindExternalClientApp {
				t.Errorf("at once: %v", err)
			}
		})
	}
	all.Wait()
	conn, err := second.Complete(t.Context(), cb)
	if err != nil || conn.Key() != main || conn.Kind() != metadata.KindExternalClientApp {
		t.Fatalf("again: %v", err)
	}
	if status, err := query(t.Context(), conn); status != 200 || err != nil {
		t.Errorf("a query answers %d, %v", status, err)
	}
	if n := w.rec.count("/services/oauth2/token") - posts; n != 1 {
		t.Errorf("%d token requests, want the one exchange", n)
	}
}
