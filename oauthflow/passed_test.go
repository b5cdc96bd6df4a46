package oauthflow_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/fullcast/sfauth/oauthflow"
)

// rawServer is a server that keeps what arrives, byte by byte: the parser of a server would leave out what is wrong with it.
type rawServer struct {
	to  *http.Transport
	mu  sync.Mutex
	got []string
}

func newRawServer(t *testing.T, n *internet) *rawServer {
	t.Helper()
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: n.tls.TLS.Certificates})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	w := new(rawServer)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go w.hear(c)
		}
	}()
	pool := x509.NewCertPool()
	pool.AddCert(n.tls.Certificate())
	dialer := tls.Dialer{Config: &tls.Config{RootCAs: pool, ServerName: "example.com"}}
	w.to = &http.Transport{DialTLSContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return dialer.DialContext(ctx, network, l.Addr().String())
	}}
	t.Cleanup(w.to.CloseIdleConnections)
	return w
}

// hear reads one request: its head, and where it announces trailers all up to their end.
func (w *rawServer) hear(c net.Conn) {
	defer c.Close()
	r, text := bufio.NewReader(c), new(strings.Builder)
	for ends, blanks := 1, 0; blanks < ends; {
		line, err := r.ReadString('\n')
		if text.WriteString(line); err != nil {
			break
		}
		if strings.HasPrefix(line, "Trailer:") {
			ends = 2
		}
		if line == "\r\n" {
			blanks++
		}
	}
	w.mu.Lock()
	w.got = append(w.got, text.String())
	w.mu.Unlock()
	io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
}

// heard returns what has arrived since the last call.
func (w *rawServer) heard() (got []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	got, w.got = w.got, nil
	return got
}

// Who makes a request that the service passes on chooses its path and its headers, and none of them says who is to answer it, where
// it ends, or whose it is.
func TestARequestThatIsPassedOnIsReadForNoOtherHostUserOrLength(t *testing.T) {
	n := newInternet(t)
	s := adoptedAt(t, n.transport(), ownHost)
	w := newRawServer(t, n)
	client := careful(s.Transport(w.to))
	const evil = "https://evil.my.salesforce.com/services/data"
	for name, change := range map[string]func(*http.Request){
		"an opaque URL":                func(r *http.Request) { r.URL.Opaque = evil },
		"an opaque URL without scheme": func(r *http.Request) { r.URL.Opaque = strings.TrimPrefix(evil, "https:") },
		"a path that is a URL":         func(r *http.Request) { r.URL.Path = evil },
		"a path without a slash":       func(r *http.Request) { r.URL.Path = "evil.my.salesforce.com:443" },
		"an escaped path":              func(r *http.Request) { r.URL.Path, r.URL.RawPath = "/x", "%2Fx" },
		"host":                         func(r *http.Request) { r.Header["host"] = []string{"evil.my.salesforce.com"} },
		"HOST":                         func(r *http.Request) { r.Header["HOST"] = []string{"evil.my.salesforce.com"} },
		"content-length":               func(r *http.Request) { r.Header["content-length"] = []string{"80"} },
		"transfer-encoding":            func(r *http.Request) { r.Header["transfer-encoding"] = []string{"chunked"} },
		"trailer":                      func(r *http.Request) { r.Header["trailer"] = []string{"Authorization"} },
		"an Authorization behind the body": func(r *http.Request) {
			r.Body, r.ContentLength = io.NopCloser(strings.NewReader("{}")), -1
			r.Trailer = http.Header{"Authorization": {"Bearer of another"}}
		},
		"an authorization behind the body": func(r *http.Request) {
			r.Body, r.ContentLength = io.NopCloser(strings.NewReader("{}")), -1
			r.Trailer = http.Header{"authorization": {"Bearer of another"}}
		},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://"+ownHost+"/services/data", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		change(req)
		before := fmt.Sprint(req.Header, req.Trailer, *req.URL)
		resp, err := client.Do(req)
		if err == nil {
			resp.Body.Close()
		} else if e := wantKind(t, err, oauthflow.KindInvalid); !strings.Contains(e.Error(), "URL.") && !strings.Contains(e.Error(), "Trailer") {
			t.Errorf("%s: %v", name, err)
		}
		if after := fmt.Sprint(req.Header, req.Trailer, *req.URL); after != before {
			t.Errorf("%s: the caller's request was changed from %s to %s", name, before, after)
		}
		for _, text := range w.heard() {
			if problem := misread(text); problem != "" {
				t.Errorf("%s: %s:\n%s", name, problem, text)
			}
		}
	}
}

func TestARequestThatIsPassedOnEndsItsLineOnceAndHasNoHeaderTakenAway(t *testing.T) {
	n := newInternet(t)
	s := adoptedAt(t, n.transport(), ownHost)
	w := newRawServer(t, n)
	client := careful(s.Transport(w.to))
	send := func(name string, change func(*http.Request)) ([]string, error) {
		req := mustRequest(t, "https://"+ownHost+"/services/data")
		change(req)
		before := fmt.Sprint(req.Header, *req.URL)
		resp, err := client.Do(req)
		if err == nil {
			resp.Body.Close()
		}
		if after := fmt.Sprint(req.Header, *req.URL); after != before {
			t.Errorf("%s: the caller's request was changed from %s to %s", name, before, after)
		}
		return w.heard(), err
	}
	for _, bad := range []string{"a HTTP/1.1", "a\tb", "a\r\nHost: evil", "a\x00", "a\x7f", " "} {
		for field, change := range map[string]func(*http.Request){
			"URL.RawQuery": func(r *http.Request) { r.URL.RawQuery = bad },
			"URL.Opaque":   func(r *http.Request) { r.URL.Opaque = "/services/data" + bad },
		} {
			got, err := send(fmt.Sprintf("%s %q", field, bad), change)
			if e := wantKind(t, err, oauthflow.KindInvalid); !strings.Contains(e.Error(), field) || len(got) > 0 {
				t.Errorf("%s %q: %v, and %q was sent", field, bad, err, got)
			}
		}
	}
	for want, header := range map[string]http.Header{
		"":                       {"Connection": {"Authorization"}, "proxy-connection": {"AUTHORIZATION"}},
		"close":                  {"connection": {"close, authorization"}},
		"keep-alive":             {"CONNECTION": {"\tX-SFDC-Session ,keep-alive", "Cookie,Host"}},
		"Upgrade,HTTP2-Settings": {"Connection": {"Upgrade, HTTP2-Settings"}, "Upgrade": {"websocket"}},
	} {
		got, err := send(want, func(r *http.Request) { r.Header = header })
		if err != nil || len(got) != 1 {
			t.Fatalf("%q: %v, %q", want, err, got)
		}
		var options []string
		for line := range strings.SplitSeq(got[0], "\r\n") {
			if name, value, _ := strings.Cut(line, ":"); strings.HasSuffix(strings.ToLower(name), "connection") {
				options = append(options, strings.TrimSpace(value))
			}
		}
		if said := strings.Join(options, ","); said != want {
			t.Errorf("Connection says %q, want %q", said, want)
		}
		if problem := misread(got[0]); problem != "" {
			t.Errorf("%q: %s:\n%s", want, problem, got[0])
		}
	}
}

// misread says what in a request somebody could read as being for another host, of another user, or of another length.
func misread(text string) string {
	line, rest, _ := strings.Cut(text, "\r\n")
	if fields := strings.Fields(line); len(fields) != 3 || !strings.HasPrefix(fields[1], "/") {
		return "the request line names more than a path"
	}
	times := map[string]int{}
	for line := range strings.SplitSeq(rest, "\r\n") {
		name, value, ok := strings.Cut(line, ":")
		if times[textproto.CanonicalMIMEHeaderKey(name)]++; ok && strings.Contains(value, "of another") {
			return "it has another Authorization"
		}
	}
	for _, name := range []string{"Host", "Authorization"} {
		if times[name] != 1 {
			return fmt.Sprintf("it has %d headers %s", times[name], name)
		}
	}
	if times["Content-Length"]+times["Transfer-Encoding"] > 1 || times["Trailer"] > 0 {
		return "its length is said twice, or ends in trailers"
	}
	return ""
}

func TestAPathThatIsEscapedOrOpaqueIsSentAsItIs(t *testing.T) {
	n := newInternet(t)
	s := adoptedAt(t, n.transport(), ownHost)
	w := newRawServer(t, n)
	for want, u := range map[string]url.URL{
		"/services/data/a%2Fb": {Path: "/services/data/a/b", RawPath: "/services/data/a%2Fb"},
		"/services/data/a%2fb": {Opaque: "/services/data/a%2fb"},
		"//services?q=1":       {Path: "//services", RawQuery: "q=1"},
		"/":                    {},
	} {
		u.Scheme, u.Host = "https", ownHost
		resp, err := careful(s.Transport(w.to)).Do((&http.Request{Method: http.MethodGet, URL: &u, Header: http.Header{}}).WithContext(t.Context()))
		if err != nil {
			t.Errorf("%s: %v", want, err)
			continue
		}
		resp.Body.Close()
		if got := w.heard(); len(got) != 1 || !strings.HasPrefix(got[0], "GET "+want+" HTTP/1.1\r\n") || misread(got[0]) != "" {
			t.Errorf("%s: %q was sent", want, got)
		}
	}
}

// Unicode's lower case of a letter may be an ASCII one that the names of hosts are not compared with: net/http asks another host.
func TestAHostThatOnlyUnicodesLowerCaseTakesForTheOrgsGetsNothing(t *testing.T) {
	n := newInternet(t)
	answer := fmt.Sprintf(`{"access_token":%q,"refresh_token":%q,"instance_url":"https://insight.my.salesforce.com","token_type":"Bearer",
		"id":"https://login.salesforce.com/id/00DTEST000000001AA/005TEST000000001AA"}`, ownAccess, ownRefresh)
	s := adoptedAt(t, says(200, answer, "Content-Type", "application/json"), "insight.my.salesforce.com")
	const lookalike = "https://\u0130nsight.my.salesforce.com/services/data"
	for _, rt := range []http.RoundTripper{s.Transport(n.transport()), s.PresentTransport(n.transport())} {
		n.next(200, "", "")
		resp, err := careful(rt).Do(mustRequest(t, lookalike))
		if err == nil {
			resp.Body.Close()
		}
		wantKind(t, err, oauthflow.KindInvalid)
		if seen := n.seen(); len(seen) > 0 {
			t.Errorf("%s got\n%s", seen[0].host, seen[0].text)
		}
	}
	next, last := mustRequest(t, lookalike), mustRequest(t, "https://insight.my.salesforce.com/services/data")
	next.Header.Set("X-SFDC-Session", "another0123456789")
	if err := oauthflow.CheckRedirect(next, []*http.Request{last}); err == nil && next.Header.Get("X-SFDC-Session") != "" {
		t.Error("a redirect to it carries a session")
	}
}
