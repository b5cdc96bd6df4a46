package fullcast_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/oauthflow"
)

// A link of the attacker's, or a code of his own login, opened in the victim's browser: the page, its scripts and the sites that it
// links to must not get the code, and no login is spent or completed.
func TestACallbackWithoutExactlyOneStateReachesNoPageAndCompletesNothing(t *testing.T) {
	w := newWorld(t, config{})
	u := approved(t, w)
	q := u.Query()
	code, state := "code="+url.QueryEscape(q.Get("code")), "state="+url.QueryEscape(q.Get("state"))
	for _, c := range []struct{ name, method, query string }{
		{"a code alone", "GET", code},
		{"an error alone", "GET", "error=access_denied"},
		{"an error with its description", "GET", "error=access_denied&error_description=end-user+denied"},
		{"an empty code", "GET", "code="},
		{"a code without a value", "GET", "code"},
		{"a code and an empty state", "GET", code + "&state="},
		{"a code and the state twice", "GET", code + "&" + state + "&" + state},
		{"a code and two states", "GET", code + "&" + state + "&state=x"},
		{"a code and another state", "GET", code + "&state=x"},
		{"a code and a state in other letters", "GET", code + "&" + strings.Replace(state, "state", "State", 1)},
		{"a code whose name is escaped", "GET", strings.Replace(code, "code", "%63ode", 1)},
		{"a code in a pair that is dropped", "GET", code + ";x=1&" + state},
		{"a code behind a semicolon", "GET", "tab=2;" + code + "&" + state},
		{"a code beside a broken pair", "GET", "%zz=1&" + code},
		{"a code with a broken escape", "GET", code + "%zz&" + state},
		{"a code among the page's parameters", "GET", "tab=2&" + code},
		{"a POST with all of it", "POST", u.RawQuery},
		{"a PUT with all of it", "PUT", u.RawQuery},
		{"a DELETE with a code", "DELETE", code},
	} {
		t.Run(c.name, func(t *testing.T) {
			var done error
			r := httptest.NewRequest(c.method, u.Path+"?"+c.query, nil)
			r.Header.Set("Signed-In", main.Tenant)
			rec := httptest.NewRecorder()
			callbackPages(t, w, &done).ServeHTTP(rec, r)
			if rec.Code != http.StatusSeeOther || rec.Header().Get("Location") != u.Path {
				t.Errorf("%d to %q, want 303 to %q: %s", rec.Code, rec.Header().Get("Location"), u.Path, rec.Body)
			}
			if rec.Header().Get("Referrer-Policy") != "no-referrer" || rec.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("headers: %v", rec.Header())
			}
			wantError(t, done, oauthflow.KindState, fullcast.Reauthorize)
		})
	}
	if n := w.rec.count("/services/oauth2/token"); n != 0 {
		t.Errorf("%d token requests, want none", n)
	}
	var done error
	r := httptest.NewRequest("GET", u.String(), nil)
	r.Header.Set("Signed-In", main.Tenant)
	if callbackPages(t, w, &done).ServeHTTP(httptest.NewRecorder(), r); done != nil {
		t.Errorf("the login was spent: %v", done)
	}
}

func TestAPrefetchOfACallbackWithoutAStateReachesNoPageEither(t *testing.T) {
	w := newWorld(t, config{})
	u := approved(t, w)
	for _, method := range []string{"HEAD", "GET"} {
		var done error
		r := httptest.NewRequest(method, u.Path+"?code="+url.QueryEscape(u.Query().Get("code")), nil)
		r.Header.Set("Sec-Purpose", "prefetch;prerender")
		rec := httptest.NewRecorder()
		if callbackPages(t, w, &done).ServeHTTP(rec, r); rec.Code != http.StatusNoContent || done != nil {
			t.Errorf("%s: %d %s, %v", method, rec.Code, rec.Body, done)
		}
	}
}

func TestTheCallbackAPICompletesNothingWithoutExactlyOneState(t *testing.T) {
	w := newWorld(t, config{})
	u := approved(t, w)
	state := "&state=" + url.QueryEscape(u.Query().Get("state"))
	var done error
	h := callbackPages(t, w, &done)
	for _, query := range []string{"?code=a1", "?error=access_denied", "?code=a1&state=", "?code=a1" + state + state, "?code=a1;x" + state, ""} {
		r := httptest.NewRequest("POST", "/api/salesforce", strings.NewReader(`{"path":"`+u.Path+`","query":"`+query+`"}`))
		r.Header.Set("Signed-In", main.Tenant)
		r.Header.Set("Origin", "https://app.fullcast.io")
		r.Header.Set("Content-Type", "application/json")
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		if rec.Code != http.StatusBadRequest || done == nil || !strings.Contains(rec.Body.String(), `"connected":false`) {
			t.Errorf("%q: %d %s, %v", query, rec.Code, rec.Body, done)
		}
	}
	if n := w.rec.count("/services/oauth2/token"); n != 0 {
		t.Errorf("%d token requests, want none", n)
	}
}

// The script runs in a browser only; internal/browser runs it. This is what decides whether it acts.
func TestTheScriptActsOnACodeWithoutAState(t *testing.T) {
	if s := fullcast.CallbackScript("/api"); !strings.Contains(s, `if (!q.has("code") && !q.has("error")) return;`) {
		t.Errorf("a code without a state stays in the address:\n%s", s)
	}
}
