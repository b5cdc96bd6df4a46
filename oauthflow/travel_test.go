package oauthflow_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"strings"
	"sync"
	"testing"

	"github.com/fullcast/sfauth/oauthflow"
)

const (
	ownHost    = "acme.my.salesforce.com"
	ownAccess  = "00DTEST000000001!AQEowned0123456789token"
	ownRefresh = "5Aepowned0123456789refresh"
)

// arrival is a request as a server has got it.
type arrival struct {
	host string
	tls  bool
	text string // with its body
}

// internet is every host of the world, on two servers of this machine: the org's own host, which redirects, and all others.
type internet struct {
	tls, plain *httptest.Server

	mu       sync.Mutex
	arrivals []arrival
	status   int    // of redirects
	to       string // where the org's host redirects
	then     string // where other hosts redirect; empty for an answer
}

func newInternet(t testing.TB) *internet {
	t.Helper()
	n := new(internet)
	n.tls, n.plain = httptest.NewTLSServer(n), httptest.NewServer(n)
	t.Cleanup(n.tls.Close)
	t.Cleanup(n.plain.Close)
	return n
}

func (n *internet) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	text, _ := httputil.DumpRequest(r, true)
	n.mu.Lock()
	defer n.mu.Unlock()
	if r.URL.Path == tokenEndpoint {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"access_token":%q,"refresh_token":%q,"instance_url":"https://%s","token_type":"Bearer",
			"id":"https://login.salesforce.com/id/00DTEST000000001AA/005TEST000000001AA"}`, ownAccess, ownRefresh, ownHost)
		return
	}
	n.arrivals = append(n.arrivals, arrival{r.Host, r.TLS != nil, string(text)})
	to := n.then
	if strings.EqualFold(r.Host, ownHost) && r.TLS != nil && r.URL.Path != "/back" {
		to = n.to
	}
	if to == "" || r.URL.Path == "/back" {
		io.WriteString(w, "{}")
		return
	}
	w.Header().Set("Location", to)
	w.WriteHeader(n.status)
}

// next forgets what has arrived and says where redirects lead.
func (n *internet) next(status int, to, then string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.arrivals, n.status, n.to, n.then = nil, status, to, then
}

func (n *internet) seen() []arrival {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]arrival(nil), n.arrivals...)
}

// transport reaches every name at the two servers; a plain one is claimed to have a public address.
func (n *internet) transport() *http.Transport {
	pool := x509.NewCertPool()
	pool.AddCert(n.tls.Certificate())
	return &http.Transport{
		DialTLSContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			d := tls.Dialer{Config: &tls.Config{RootCAs: pool, ServerName: "example.com"}}
			return d.DialContext(ctx, network, n.tls.Listener.Addr().String())
		},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			c, err := new(net.Dialer).DialContext(ctx, network, n.plain.Listener.Addr().String())
			return addressed{c, &net.TCPAddr{IP: net.IPv4(13, 108, 0, 9), Port: 80}}, err
		},
	}
}

// sessions are the forms in which a request carries a session, and what must not be found elsewhere.
var sessions = map[string]struct {
	header, value string
	query, body   string
	canary        string
}{
	"the bearer alone":          {canary: "owned0123456789token"},
	"Authorization":             {header: "Authorization", value: "Bearer callerA0123456789", canary: "callerA0123456789"},
	"X-SFDC-Session":            {header: "X-SFDC-Session", value: "callerB0123456789", canary: "callerB0123456789"},
	"a lower-case header":       {header: "x-sfdc-session", value: "callerC0123456789", canary: "callerC0123456789"},
	"a cookie":                  {header: "Cookie", value: "sid=callerD0123456789", canary: "callerD0123456789"},
	"a header of its own":       {header: "Sforce-Session", value: "callerE0123456789", canary: "callerE0123456789"},
	"an odd User-Agent":         {header: "User-Agent", value: "x " + ownAccess, canary: "owned0123456789token"},
	"Proxy-Authorization":       {header: "Proxy-Authorization", value: "Basic callerF0123456789", canary: "callerF0123456789"},
	"access_token in the query": {query: "access_token=callerG0123456789", canary: "callerG0123456789"},
	"sid in the query":          {query: "sid=callerH0123456789", canary: "callerH0123456789"},
	"oauth_token in the query":  {query: "oauth_token=callerI0123456789", canary: "callerI0123456789"},
	"a SOAP header": {header: "SOAPAction", value: `""`, canary: "callerJ0123456789",
		body: "<Envelope><Header><SessionHeader><sessionId>callerJ0123456789</sessionId></SessionHeader></Header></Envelope>"},
	"a Bulk job": {header: "X-SFDC-Session", value: "callerK0123456789", body: `{"secret":"callerK0123456789"}`, canary: "callerK0123456789"},
}

// strangers are where a redirect may lead out of the org.
var strangers = []string{
	"https://evil.example/x", "http://acme.my.salesforce.com/x", "https://other.my.salesforce.com/x", "https://acme.file.force.com/x",
	"http://evil.example/x", "https://acme.my.salesforce.com:8443/x", "https://u:p@evil.example/x", "https://acme.my.salesforce.com@evil.example/x", "https://sub.acme.my.salesforce.com/x", "https://acme.my.salesforce.com./x",
	"https://login.salesforce.com/x", "https://acme.my.site.com/x",
	"https://acme.my.salesforce.mil/x", "//evil.example/x",
}

// everyForm is to how many of them, the classes that the table knows, each form of a session is tried.
const everyForm = 4

// outside returns what hosts other than the org's, or the org's after another was asked, have got of a session.
func outside(seen []arrival, canary string) (out []string) {
	beyond := false
	for _, a := range seen {
		if !a.tls || !strings.EqualFold(a.host, ownHost) {
			beyond = true
		}
		if beyond && (strings.Contains(a.text, canary) || strings.Contains(a.text, "owned0123456789") || strings.Contains(a.text, "Authorization")) {
			out = append(out, a.host+" got\n"+a.text)
		}
	}
	return out
}

func TestNoSessionLeavesTheOrgWithARedirect(t *testing.T) {
	n := newInternet(t)
	s := adoptedAt(t, n.transport(), ownHost)
	clients := map[string]*http.Client{"net/http's own client": {Transport: s.Transport(n.transport())}, "a client with CheckRedirect": careful(s.Transport(n.transport()))}
	methods := []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}
	for name, client := range clients {
		for _, status := range []int{301, 302, 303, 307, 308} {
			for _, method := range methods {
				for form, session := range sessions {
					if session.body != "" && (method == http.MethodGet || method == http.MethodHead) && status != 307 {
						continue
					}
					for i, to := range strangers {
						if i >= everyForm && form != "X-SFDC-Session" && form != "a SOAP header" {
							continue
						}
						then := ""
						if i == 0 {
							then = "https://" + ownHost + "/back"
						}
						n.next(status, to, then)
						var body io.Reader
						if session.body != "" {
							body = strings.NewReader(session.body)
						}
						req, err := http.NewRequestWithContext(t.Context(), method, "https://"+ownHost+"/services/data?"+session.query, body)
						if err != nil {
							t.Fatal(err)
						}
						if session.header != "" {
							req.Header[session.header] = []string{session.value}
						}
						resp, err := client.Do(req)
						if err == nil {
							resp.Body.Close()
						}
						seen := n.seen()
						if len(seen) == 0 || !strings.Contains(seen[0].text, "owned0123456789token") {
							t.Fatalf("the org did not get the token: %v", err)
						}
						for _, leak := range outside(seen, session.canary) {
							t.Errorf("%s, %s, %d, %s, to %s: %s", name, method, status, form, to, leak)
						}
						for _, a := range seen[1:] {
							if !strings.EqualFold(a.host, ownHost) && !strings.HasPrefix(a.text, "GET ") && !strings.HasPrefix(a.text, "HEAD ") {
								t.Errorf("%s, %s, %d, to %s: another host was sent %.20q", name, method, status, to, a.text)
							}
						}
					}
				}
			}
		}
	}
}

func TestAHostOutsideOfTheOrgDoesNotChooseWhatTheTokenDoes(t *testing.T) {
	n := newInternet(t)
	s := adoptedAt(t, n.transport(), ownHost)
	for name, client := range map[string]*http.Client{"net/http's own client": {Transport: s.Transport(n.transport())}, "a client with CheckRedirect": careful(s.Transport(n.transport()))} {
		for _, out := range []string{"https://evil.example/x", "https://acme.file.force.com/x", "https://login.salesforce.com/x", "http://acme.my.salesforce.com/x"} {
			for _, back := range []string{"https://" + ownHost + "/back", "https://ACME.my.salesforce.com:443/back"} {
				n.next(307, out, back)
				resp, err := client.Get("https://" + ownHost + "/services/data")
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				resp.Body.Close()
				for _, leak := range outside(n.seen(), "owned") {
					t.Errorf("%s, by way of %s: %s", name, out, leak)
				}
				if seen := n.seen(); name != "net/http's own client" && strings.EqualFold(seen[len(seen)-1].host, ownHost) && len(seen) > 1 {
					t.Errorf("%s went back to the org", name)
				}
			}
		}
	}
}

func TestARedirectWithinTheOrgCarriesEverything(t *testing.T) {
	n := newInternet(t)
	s := adoptedAt(t, n.transport(), ownHost)
	for _, to := range []string{"/back", "https://" + ownHost + "/back", "https://ACME.my.salesforce.com:443/back"} {
		n.next(302, to, "")
		req := mustRequest(t, "https://"+ownHost+"/services/data")
		req.Header.Set("X-Mine", "1")
		resp, err := careful(s.Transport(n.transport())).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		seen := n.seen()
		if len(seen) != 2 || !strings.Contains(seen[1].text, "Bearer "+ownAccess) || !strings.Contains(seen[1].text, "X-Mine: 1") {
			t.Errorf("%s: got %v", to, seen)
		}
	}
}

func TestAFileIsReadWhereTheOrgRedirectsTo(t *testing.T) {
	n := newInternet(t)
	s := adoptedAt(t, n.transport(), ownHost)
	for _, status := range []int{301, 302, 303, 307, 308} {
		n.next(status, "https://acme.file.force.com/sfc/servlet.shepherd/version/download/068?ticket=1", "")
		req := mustRequest(t, "https://"+ownHost+"/services/data/v66.0/sobjects/ContentVersion/068/VersionData")
		for name, value := range map[string]string{"Range": "bytes=0-9", "Accept": "text/plain", "User-Agent": "service/1", "Traceparent": "00-4bf9-00f0-01"} {
			req.Header.Set(name, value)
		}
		resp, err := careful(s.Transport(n.transport())).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		seen := n.seen()
		if err != nil || string(body) != "{}" || len(seen) != 2 {
			t.Fatalf("%d: %q, %v, %d requests", status, body, err, len(seen))
		}
		for _, want := range []string{"Range: bytes=0-9", "Accept: text/plain", "User-Agent: service/1", "Traceparent: 00-4bf9-00f0-01"} {
			if !strings.Contains(seen[1].text, want) {
				t.Errorf("%d: the file's host did not get %s", status, want)
			}
		}
	}
}

func TestABodyThatARedirectWouldTakeOutOfTheOrgIsATypedError(t *testing.T) {
	n := newInternet(t)
	s := adoptedAt(t, n.transport(), ownHost)
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		for _, status := range []int{307, 308} {
			n.next(status, "https://evil.example/x", "")
			req, err := http.NewRequestWithContext(t.Context(), method, "https://"+ownHost+"/services/Soap/m/66.0", strings.NewReader("<sessionId>s</sessionId>"))
			if err != nil {
				t.Fatal(err)
			}
			_, err = (&http.Client{Transport: s.Transport(n.transport())}).Do(req)
			if e := wantKind(t, err, oauthflow.KindInvalid); !strings.Contains(e.Error(), "CheckRedirect") || len(n.seen()) != 1 {
				t.Errorf("%s %d: %v after %d requests", method, status, e, len(n.seen()))
			}
			req.Body, _ = req.GetBody()
			resp, err := careful(s.Transport(n.transport())).Do(req)
			if err != nil || resp.StatusCode != status {
				t.Fatalf("%s %d: %v, %v", method, status, resp, err)
			}
			resp.Body.Close()
		}
	}
}

func TestCheckRedirectHandsBackWhatWouldCarryASession(t *testing.T) {
	for to, followed := range map[string]bool{
		"https://acme.file.force.com/x":              true,
		"https://acme.file.force.com/x?ticket=1":     true,
		"https://acme.file.force.com/x?sid=1":        false,
		"https://evil.example/x?access_token=1":      false,
		"https://evil.example/x?OAuth_Token=1":       false,
		"https://evil.example/x?a=1;sid=1":           false, // which net/url drops, and servers read
		"https://evil.example/x?%zz;s%69d=1":         false,
		"https://evil.example/frontdoor.jsp?otp=1":   false, // a login of Salesforce's single access
		"https://u@evil.example/x":                   false,
		"http://acme.file.force.com/x":               false,
		"http://acme.my.salesforce.com/x":            false,
		"https://acme.my.salesforce.com/x?sid=1":     true,
		"https://evil.example/" + ownAccess:          false,
		"https://evil.example/owned0123456789token/": false,
	} {
		last, next := mustRequest(t, "https://"+ownHost+"/services/data"), mustRequest(t, to)
		for _, r := range []*http.Request{last, next} {
			r.Header = http.Header{"Authorization": {"Bearer " + ownAccess}, "X-Sfdc-Session": {ownAccess}, "Accept": {"text/plain"}, "Referer": {"https://x/?sid=1"}}
		}
		err := oauthflow.CheckRedirect(next, []*http.Request{last})
		if (err == nil) != followed {
			t.Errorf("%s: %v", to, err)
		}
		if own := next.URL.Host == ownHost; followed && !own && (len(next.Header) != 1 || next.Header.Get("Accept") == "") {
			t.Errorf("%s: the headers are %v", to, next.Header)
		}
	}
}
