package adminhttp_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/fullcast/internal/adminhttp"
)

// serve answers one request by a handler whose only route tells the segment of its path.
func serve(t *testing.T, r *http.Request, right adminhttp.Right) *httptest.ResponseRecorder {
	t.Helper()
	h, err := adminhttp.New(adminhttp.Handler{
		Routes: []adminhttp.Route{{Method: "GET", Path: "/of/{name}", Right: adminhttp.Connect, Do: func(r adminhttp.Request) adminhttp.Answer {
			return adminhttp.OK(r.Name)
		}}},
		Session: func(*http.Request) (adminhttp.User, error) { return adminhttp.User{Tenant: "acme", Right: right}, nil },
		Rate:    adminhttp.NewRate(1),
	})
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestASegmentIsOneNameHoweverItIsWritten(t *testing.T) {
	for _, name := range []string{"main", "a/b", "a b", "ü", "..", "%", "a?b", "a%2Fb", "{name}"} {
		r := httptest.NewRequest("GET", "/of/"+url.PathEscape(name), nil)
		if w := serve(t, r, adminhttp.Operate); w.Code != 200 || !strings.Contains(w.Body.String(), `"`+name+`"`) {
			t.Errorf("%q: %d %s", name, w.Code, w.Body)
		}
	}
}

func TestEachRightIncludesThoseBeforeIt(t *testing.T) {
	for right, want := range map[adminhttp.Right]int{0: 403, adminhttp.View: 403, adminhttp.Connect: 200, adminhttp.Operate: 200} {
		if w := serve(t, httptest.NewRequest("GET", "/of/main", nil), right); w.Code != want {
			t.Errorf("right %d: %d", right, w.Code)
		}
	}
}

func TestAnAnswerThatCannotBeWrittenIsAnError(t *testing.T) {
	h, err := adminhttp.New(adminhttp.Handler{
		Routes: []adminhttp.Route{{Method: "GET", Path: "/", Right: adminhttp.View, Do: func(adminhttp.Request) adminhttp.Answer {
			return adminhttp.OK(func() {})
		}}},
		Session: func(*http.Request) (adminhttp.User, error) {
			return adminhttp.User{Tenant: "acme", Right: adminhttp.View}, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	if w.Code != 500 || !strings.Contains(w.Body.String(), adminhttp.CodeInternal) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestACookieIsKeptWhileLoginsAreUnderWay(t *testing.T) {
	c := adminhttp.Cookie{Secure: true}
	r := httptest.NewRequest("GET", "/", nil)
	w := httptest.NewRecorder()
	first := c.Give(w, r)
	given := w.Result().Cookies()[0]
	if len(first) < 16 || given.Value != first || c.Of(r) != "" {
		t.Fatalf("%q, %s", first, given.Raw)
	}
	r.AddCookie(given)
	if second := c.Give(httptest.NewRecorder(), r); second != first || c.Of(r) != first {
		t.Errorf("%q, then %q", first, second)
	}
	r.AddCookie(given) // two of one name: one of them may be somebody else's
	if c.Of(r) != "" {
		t.Error("one of two is taken")
	}
}
