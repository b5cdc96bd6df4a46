package main

import (
	"hash/maphash"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/fullcast"
)

// try is one try to sign in from an address, as the proxy hands it on.
func try(h http.Handler, code, remote string, forwarded ...string) *http.Response {
	form := url.Values{"tenant": {"acme"}, "code": {code}}
	r := httptest.NewRequest("POST", string(site)+"/sign-in", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.RemoteAddr = remote
	r.Header["X-Forwarded-For"] = forwarded
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

// The attacker guesses the code, from one address, and makes up what stands before it in X-Forwarded-For.
func TestTriesToSignInAreLimitedForEachClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newOffice(t).handler
		judged := 0
		var last *http.Response
		for i := range 1000 {
			made := strconv.Itoa(i)
			if last = try(h, "wrong", "127.0.0.1:"+made, "198.51.100."+made+", 203.0.113.7"); last.StatusCode == http.StatusUnprocessableEntity {
				judged++
			}
		}
		if judged != 10 || last.StatusCode != http.StatusTooManyRequests {
			t.Errorf("%d of 1000 tries were judged, want 10; the last got %s", judged, last.Status)
		}
		if wait, err := strconv.Atoi(last.Header.Get("Retry-After")); err != nil || wait < 1 || wait > 6 {
			t.Errorf("Retry-After %q", last.Header.Get("Retry-After"))
		}
		if answer := try(h, "open sesame", "127.0.0.1:1", "203.0.113.7"); answer.StatusCode != http.StatusTooManyRequests {
			t.Errorf("the right code tells the guesser that it is right: %s", answer.Status)
		}
		if answer := try(h, "open sesame", "127.0.0.1:1", "203.0.113.8"); answer.StatusCode != http.StatusSeeOther {
			t.Errorf("another client cannot sign in: %s", answer.Status)
		}
		time.Sleep(6 * time.Second)
		if answer := try(h, "open sesame", "127.0.0.1:1", "203.0.113.7"); answer.StatusCode != http.StatusSeeOther {
			t.Errorf("after the wait: %s", answer.Status)
		}
		for range 50 {
			if answer := try(h, "open sesame", "127.0.0.1:1", "203.0.113.9"); answer.StatusCode != http.StatusSeeOther {
				t.Fatalf("who knows the code is limited: %s", answer.Status)
			}
		}
	})
}

func TestOneNetworkOfIPv6IsOneClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newOffice(t).handler
		for i := range 10 {
			try(h, "wrong", "[::1]:1", "2001:db8::"+strconv.Itoa(i))
		}
		if answer := try(h, "wrong", "[::1]:1", "2001:db8::ffff"); answer.StatusCode != http.StatusTooManyRequests {
			t.Errorf("got %s", answer.Status)
		}
	})
}

func TestAPortThatTheProxyAppendsMakesNoOtherClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, client := range []string{"203.0.113.7:", "[2001:db8::1]:"} {
			h := newOffice(t).handler
			for i := range 10 {
				try(h, "wrong", "127.0.0.1:1", client+strconv.Itoa(40000+i))
			}
			if answer := try(h, "wrong", "127.0.0.1:1", client+"50000"); answer.StatusCode != http.StatusTooManyRequests {
				t.Errorf("from %s…: got %s", client, answer.Status)
			}
		}
	})
}

func TestWithoutAProxyNoHeaderTellsTheClient(t *testing.T) {
	l := &limit{seed: maphash.MakeSeed()}
	for i := range 10 {
		r := httptest.NewRequest("POST", "/", nil)
		r.RemoteAddr = "203.0.113.7:" + strconv.Itoa(i)
		r.Header.Set("X-Forwarded-For", "198.51.100."+strconv.Itoa(i))
		if wait := l.take(r); wait != 0 {
			t.Fatalf("try %d waits %s", i, wait)
		}
	}
	r := httptest.NewRequest("POST", "/", nil)
	r.RemoteAddr = "203.0.113.7:99"
	r.Header.Set("X-Forwarded-For", "192.0.2.1")
	if l.take(r) <= 0 {
		t.Error("a header of the client's own makes it another client")
	}
}

func TestBrowsersAreToldToKeepToTLSWhereTheSiteSpeaksIt(t *testing.T) {
	o := newOffice(t)
	for _, path := range []string{"/sign-in", adminPage, "/assets/style.css", "/nowhere"} {
		answer := o.ask("GET", string(site)+path, nil)
		if got := answer.Header.Get("Strict-Transport-Security"); got != "max-age=31536000" {
			t.Errorf("%s: %q", path, got)
		}
		if answer.Header.Get("X-Content-Type-Options") != "nosniff" || answer.Header.Get("Referrer-Policy") == "" {
			t.Errorf("%s: %v", path, answer.Header)
		}
	}
	a := &app{site: fullcast.Site("http://localhost:8080")}
	w := httptest.NewRecorder()
	a.guarded(http.NotFoundHandler()).ServeHTTP(w, httptest.NewRequest("GET", "http://localhost:8080/", nil))
	if got := w.Header().Get("Strict-Transport-Security"); got != "" {
		t.Errorf("over plain HTTP: %q", got)
	}
}

func TestASessionThatTheBrowserBroughtIsNotTheOneThatIsSignedIn(t *testing.T) {
	o := newOffice(t)
	here, _ := url.Parse(string(site))
	o.jar.SetCookies(here, []*http.Cookie{{Name: "__Host-session", Value: "planted4711", Secure: true, Path: "/"}})
	o.signIn()
	if got := o.jar.Cookies(here)[0].Value; got == "planted4711" {
		t.Error("the planted id was signed in")
	}
	o.jar.SetCookies(here, []*http.Cookie{{Name: "__Host-session", Value: "planted4711", Secure: true, Path: "/"}})
	if answer := o.ask("GET", string(site)+adminPage, nil); answer.Header.Get("Location") != "/sign-in" {
		t.Errorf("the planted id is a session: %s", answer.Status)
	}
}
