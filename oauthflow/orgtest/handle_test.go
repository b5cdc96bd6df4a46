package orgtest_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

func TestAResourceOfATestIsServedBehindTheOrgsSession(t *testing.T) {
	w := withDemo(t, orgtest.Config{})
	calls := 0
	err := w.org.Handle("POST /services/apexrest/things/{id}", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		calls++
		body, _ := io.ReadAll(r.Body)
		rw.Header().Set("X-Test", r.Host)
		rw.WriteHeader(http.StatusAccepted)
		fmt.Fprint(rw, r.PathValue("id"), " ", string(body), " ", r.URL.Query().Get("q"))
	}))
	if err != nil {
		t.Fatal(err)
	}
	access, refresh := w.connect()
	post := func(token, path string) reply {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.org.InstanceURL()+path, strings.NewReader("hello"))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+token)
		return w.send(r)
	}
	const path = "/services/apexrest/things/7?q=x"
	a := post(access, path)
	if a.status != http.StatusAccepted || a.body != "7 hello x" || a.header.Get("X-Test") != "acme.my.salesforce.com" || a.header.Get("Sforce-Limit-Info") == "" ||
		a.header.Get("Content-Type") != "text/plain; charset=utf-8" {
		t.Errorf("got %d %s %v", a.status, a.body, a.header)
	}
	if a := post(access, "/"+path); a.status != http.StatusAccepted { // with a double slash, as some clients send it
		t.Errorf("got %d %s", a.status, a.body)
	}
	if code, _ := refused(t, post("nonsense", path)); code != "INVALID_SESSION_ID" {
		t.Errorf("without a session: %s", code)
	}
	if code, _ := refused(t, w.get(w.org.InstanceURL()+path, access)); code != "METHOD_NOT_ALLOWED" {
		t.Errorf("another method: %s", code)
	}
	w.org.ExpireSessions()
	if code, _ := refused(t, post(access, path)); code != "INVALID_SESSION_ID" {
		t.Errorf("an ended session: %s", code)
	}
	access = w.refresh(refresh).field("access_token")
	if err := w.org.Inject(orgtest.Fault{Path: "/services/apexrest/", Status: http.StatusServiceUnavailable}); err != nil {
		t.Fatal(err)
	}
	if a := post(access, path); a.status != http.StatusServiceUnavailable {
		t.Errorf("a fault: %d", a.status)
	}
	if calls != 2 {
		t.Errorf("the handler ran %d times", calls)
	}
	if a := post(access, strings.Replace(path, "things", "others", 1)); a.status != http.StatusNotFound {
		t.Errorf("a path of nobody: %d", a.status)
	}
	entries := 0
	for _, e := range w.org.Ledger() {
		if e.Event == "api" && e.Detail == "/services/apexrest/things/7" && e.Outcome == "ok" && e.User == "admin@acme.example" {
			entries++
		}
	}
	if entries != 3 { // the two answers, and the method that is not allowed
		t.Errorf("the ledger has %d calls of it", entries)
	}
}

func TestAResourceOfATestComesBeforeTheOrgsOwn(t *testing.T) {
	w := withDemo(t, orgtest.Config{})
	err := w.org.Handle("/services/data/v66.0/analytics/{rest...}", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		fmt.Fprint(rw, r.PathValue("rest"))
	}))
	if err != nil {
		t.Fatal(err)
	}
	if err := w.org.Handle("/services/data/v66.0/limits", http.NotFoundHandler()); err != nil {
		t.Fatal(err)
	}
	access, _ := w.connect()
	if a := w.get(w.org.InstanceURL()+"/services/data/v66.0/analytics/reports/1", access); a.status != http.StatusOK || a.body != "reports/1" {
		t.Errorf("got %d %s", a.status, a.body)
	}
	if status := w.api(access); status != http.StatusNotFound {
		t.Errorf("got %d", status)
	}
	if a := w.get("https://login.salesforce.com/services/data/v66.0/analytics/reports/1", access); !strings.Contains(a.body, "URL_NOT_RESET") {
		t.Errorf("a login host has no API: %d %s", a.status, a.body)
	}
}

// The Bulk API 1.0 has its session in a header of its own.
func TestAHandlerOfTheBulkAPIIsBehindItsSessionHeader(t *testing.T) {
	w := withDemo(t, orgtest.Config{})
	access, _ := w.connect()
	if err := w.org.Handle("POST /services/async/66.0/job", http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { fmt.Fprint(rw, "a job") })); err != nil {
		t.Fatal(err)
	}
	for token, want := range map[string]int{access: http.StatusOK, "nonsense": http.StatusUnauthorized} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.org.InstanceURL()+"/services/async/66.0/job", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-SFDC-Session", token)
		if a := w.send(r); a.status != want {
			t.Errorf("got %d %s, want %d", a.status, a.body, want)
		}
		r, err = http.NewRequestWithContext(t.Context(), http.MethodGet, w.org.InstanceURL()+"/services/data/v66.0/limits", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-SFDC-Session", token)
		if a := w.send(r); a.status != http.StatusUnauthorized {
			t.Errorf("the header opens the REST API: %d", a.status)
		}
	}
}

func TestAHandlerMayCallTheOrg(t *testing.T) {
	w := withDemo(t, orgtest.Config{})
	if err := w.org.Handle("/services/apexrest/end", http.HandlerFunc(func(http.ResponseWriter, *http.Request) { w.org.ExpireSessions() })); err != nil {
		t.Fatal(err)
	}
	access, _ := w.connect()
	if a := w.get(w.org.InstanceURL()+"/services/apexrest/end", access); a.status != http.StatusOK || w.api(access) != http.StatusUnauthorized {
		t.Errorf("got %d", a.status)
	}
}

func TestAPatternThatCannotBeIsAnError(t *testing.T) {
	org, err := orgtest.New(orgtest.Config{})
	if err != nil {
		t.Fatal(err)
	}
	ok := http.NotFoundHandler()
	if err := org.Handle("/services/apexrest/a", ok); err != nil {
		t.Fatal(err)
	}
	for pattern, h := range map[string]http.Handler{
		"": ok, "nonsense": ok, "/services/apexrest/{": ok, "/services/apexrest/a": ok, "/services/apexrest/b": nil,
		"/services/oauth2/token": ok, "POST /services/oauth2/{rest...}": ok, "/id/keys": ok, "/services/Soap/m/66.0": ok, "/.well-known/x": ok,
	} {
		if err := org.Handle(pattern, h); err == nil || !strings.HasPrefix(err.Error(), "orgtest: Handle: ") {
			t.Errorf("%q: %v", pattern, err)
		}
	}
}

func TestRESTAnswersTellTheAPIRequestsOfTheLastDay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := withDemo(t, orgtest.Config{DailyAPIRequests: 3})
		access, _ := w.connect()
		limits := w.org.InstanceURL() + "/services/data/v66.0/limits"
		for i := 1; i <= 3; i++ {
			a := w.get(limits, access)
			if want := fmt.Sprintf("api-usage=%d/3", i); a.header.Get("Sforce-Limit-Info") != want {
				t.Errorf("got %q, want %q", a.header.Get("Sforce-Limit-Info"), want)
			}
			if want := fmt.Sprintf(`"DailyApiRequests":{"Max":3,"Remaining":%d}`, 3-i); !strings.Contains(a.body, want) {
				t.Errorf("no %s in %s", want, a.body)
			}
			time.Sleep(time.Hour)
		}
		a := w.get(limits, access)
		if code, message := refused(t, a); a.status != http.StatusForbidden || code != "REQUEST_LIMIT_EXCEEDED" || message != "TotalRequests Limit exceeded." {
			t.Errorf("got %d %s", a.status, a.body)
		}
		if s := w.soap("66.0", "<describeMetadata/>"); !strings.Contains(s.body, "sf:REQUEST_LIMIT_EXCEEDED") {
			t.Errorf("SOAP: %s", s.body)
		}
		time.Sleep(22 * time.Hour)
		fresh, _ := w.connect()
		if a := w.get(limits, fresh); a.header.Get("Sforce-Limit-Info") != "api-usage=2/3" {
			t.Errorf("a day after the second: %d %v", a.status, a.header)
		}
	})
}
