package oauthflow_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// spoofed is a host whose certificate nobody vouches for. It answers like Salesforce, and counts the bytes that it gets.
func spoofed(t *testing.T) (addr string, got *atomic.Int64) {
	t.Helper()
	got = new(atomic.Int64)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body)
		got.Add(1 + n)
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, tokenAnswer(nil))
	}))
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{newWireCA().issue(wireHost, time.Now().Add(time.Hour))}}
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.Listener.Addr().String(), got
}

// unchecked dials addr whatever the name, and checks no certificate; wrap may dress the connection up.
func unchecked(addr string, wrap func(*tls.Conn) net.Conn) *http.Transport {
	return &http.Transport{DialTLSContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		raw, err := new(net.Dialer).DialContext(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return wrap(tls.Client(raw, &tls.Config{InsecureSkipVerify: true})), nil
	}}
}

type dressed struct{ *tls.Conn } // as connections that count bytes are

type hidden struct {
	net.Conn
	inner net.Conn
}

func (h hidden) NetConn() net.Conn { return h.inner }

func TestAConnectionThatHasVerifiedNoCertificateGetsNothing(t *testing.T) {
	addr, got := spoofed(t)
	honest := newInternet(t).transport()
	for name, wrap := range map[string]func(*tls.Conn) net.Conn{
		"a TLS connection":            func(c *tls.Conn) net.Conn { return c },
		"one in a wrapper":            func(c *tls.Conn) net.Conn { return dressed{c} },
		"one inside of another type":  func(c *tls.Conn) net.Conn { return hidden{c, c} },
		"one whose handshake is done": func(c *tls.Conn) net.Conn { c.Handshake(); return c },
	} {
		t.Run(name, func(t *testing.T) {
			rt := unchecked(addr, wrap)
			for call, do := range wireCalls(t) {
				if e := wireError(t, do(wireFlow(t, rt)), oauthflow.KindNotSent); !errors.Is(e, oauthflow.ErrTransport) || got.Load() != 0 {
					t.Errorf("%s: %v; %d bytes arrived", call, e, got.Load())
				}
			}
			client := careful(adoptedAt(t, honest, ownHost).Transport(rt))
			_, err := client.Post("https://"+ownHost+"/services/data", "text/plain", strings.NewReader("body"))
			if e := wantKind(t, err, oauthflow.KindNotSent); !errors.Is(e, oauthflow.ErrTransport) || got.Load() != 0 {
				t.Errorf("an API call: %v; %d bytes arrived", e, got.Load())
			}
		})
	}
}

func TestATransportThatWouldWeakenTheConnectionIsRefused(t *testing.T) {
	dial := func(string, string) (net.Conn, error) { t.Error("dialled"); return nil, io.EOF }
	addr, got := spoofed(t)
	honest := newInternet(t).transport()
	own := func(ctx context.Context, network, _ string) (net.Conn, error) {
		c, err := new(net.Dialer).DialContext(ctx, network, addr)
		return addressed{c, &net.TCPAddr{IP: net.IPv4(13, 108, 0, 9), Port: 443}}, err
	}
	for name, rt := range map[string]*http.Transport{
		"InsecureSkipVerify": {DialContext: own, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}},
		"ServerName":         {DialContext: own, TLSClientConfig: &tls.Config{ServerName: "evil.example"}},
		"Dial":               {Dial: dial},
		"DialTLS":            {DialTLS: dial},
	} {
		_, err := oauthflow.NewFlow(oauthflow.Config{RedirectURLs: []string{"https://app.fullcast.io/app/admin/motion"}, Transport: rt})
		if e := wireError(t, err, oauthflow.KindInvalid); !strings.Contains(e.Error(), name) {
			t.Errorf("NewFlow: %v does not name %s", e, name)
		}
		_, err = careful(adoptedAt(t, honest, ownHost).Transport(rt)).Get("https://" + ownHost + "/services/data")
		if e := wantKind(t, err, oauthflow.KindInvalid); !strings.Contains(e.Error(), name) {
			t.Errorf("an API call: %v does not name %s", e, name)
		}
	}
	late := &http.Transport{DialContext: own} // is changed after it was looked at
	flow := wireFlow(t, late)
	late.TLSClientConfig = &tls.Config{InsecureSkipVerify: true}
	for _, call := range []string{"exchange", "refresh", "revoke", "introspect"} {
		wireError(t, wireCalls(t)[call](flow), oauthflow.KindInvalid)
	}
	if got.Load() != 0 {
		t.Errorf("%d bytes arrived", got.Load())
	}
}

func TestAnAPICallReachesPublicAddressesOnly(t *testing.T) {
	addr, got := spoofed(t)
	s := adoptedAt(t, newInternet(t).transport(), ownHost)
	call := func(rt http.RoundTripper) error {
		resp, err := careful(s.Transport(rt)).Get("https://" + ownHost + "/services/data")
		if err == nil {
			resp.Body.Close()
		}
		return err
	}
	for _, ip := range []string{"127.0.0.1", "10.1.2.3", "192.168.1.1", "169.254.169.254", "100.64.0.1"} {
		resolveTo(t, net.ParseIP(ip))
		for name, rt := range map[string]http.RoundTripper{"the default transport": nil, "a transport of its own": &http.Transport{}} {
			if e := wantKind(t, call(rt), oauthflow.KindNotSent); !strings.Contains(e.Error(), "not a public address") {
				t.Errorf("%s with %s: %v", name, ip, e)
			}
		}
	}
	err := call(&http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, addr)
	}})
	if e := wantKind(t, err, oauthflow.KindNotSent); !strings.Contains(e.Error(), "not a public address") || got.Load() != 0 {
		t.Errorf("a dial function of the caller's: %v", e)
	}
}

func TestAnAPICallGoesThroughAProxyInsideTheNetworkOverConnectionsThatAreKept(t *testing.T) {
	var conns atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Proto) }))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{wireCA().issue(ownHost, time.Now().Add(time.Hour))}}
	server.EnableHTTP2 = true
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			conns.Add(1)
		}
	}
	server.StartTLS()
	t.Cleanup(server.Close)
	s := adoptedAt(t, newInternet(t).transport(), ownHost)
	for name, tt := range map[string]struct {
		http2 bool
		proto string
	}{"HTTP/1.1": {false, "HTTP/1.1"}, "HTTP/2": {true, "HTTP/2.0"}} {
		conns.Store(0)
		rt := wireProxy(t, server.Listener.Addr().String(), "200 OK")
		rt.ForceAttemptHTTP2 = tt.http2
		for range 3 { // clients share the connections of one base
			resp, err := careful(s.Transport(rt)).Get("https://" + ownHost + "/services/data")
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			body, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if err != nil || string(body) != tt.proto {
				t.Errorf("%s: spoke %q, %v", name, body, err)
			}
		}
		if conns.Load() != 1 {
			t.Errorf("%s: 3 requests took %d connections", name, conns.Load())
		}
	}
}

// alerts are the events of type transport that a manager has told.
type alerts struct {
	mu   sync.Mutex
	told []oauthflow.Event
	log  bytes.Buffer
}

// over returns a manager whose flow has the transport rt, with a connection where the org's own is honest.
func (a *alerts) over(t *testing.T, rt http.RoundTripper) *oauthflow.Manager {
	t.Helper()
	flow, err := oauthflow.NewFlow(oauthflow.Config{RedirectURLs: []string{"https://app.fullcast.io/app/admin/motion"}, Transport: rt})
	if err != nil {
		t.Fatal(err)
	}
	keys, err := tokenstore.NewKeyring(tokenstore.GenerateSealingKey("k1"))
	if err != nil {
		t.Fatal(err)
	}
	m, err := oauthflow.NewManager(oauthflow.ManagerConfig{
		Flow: flow, Store: tokenstore.NewMemory(), Keyring: keys, Environment: "test",
		Logger: slog.New(slog.NewTextHandler(&a.log, nil)),
		Observe: func(e oauthflow.Event) {
			a.mu.Lock()
			defer a.mu.Unlock()
			if e.Type == oauthflow.EventTransport {
				a.told = append(a.told, e)
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// end closes the manager and returns the texts of the alerts, and the log.
func (a *alerts) end(t *testing.T, m *oauthflow.Manager) (texts []string, log string) {
	t.Helper()
	if err := m.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, e := range a.told {
		if !errors.Is(e.Err, oauthflow.ErrTransport) {
			t.Errorf("the event's error is %v", e.Err)
		}
		texts = append(texts, e.Err.Error())
	}
	return texts, a.log.String()
}

func TestWhatNobodyCanSeeOfATransportIsToldOnceAtStart(t *testing.T) {
	n := newInternet(t)
	for name, tt := range map[string]struct {
		rt     http.RoundTripper
		event  string // part of the alert's text; empty for none
		logged string
	}{
		"the default transport":     {nil, "", ""},
		"a transport with a CA":     {&http.Transport{TLSClientConfig: &tls.Config{RootCAs: wireCA().pool}}, "", ""},
		"one with a proxy":          {&http.Transport{Proxy: http.ProxyFromEnvironment}, "", ""},
		"one that makes TLS itself": {n.transport(), "DialTLSContext", "DialTLSContext"},
		"a RoundTripper of its own": {carrier(n.transport().RoundTrip), "", "no *http.Transport"},
		"a wrapper that measures":   {overheard(t, carrier(n.transport().RoundTrip)), "", "no *http.Transport"},
	} {
		t.Run(name, func(t *testing.T) {
			var a alerts
			m := a.over(t, tt.rt)
			m.Source(mainKey).Transport(tt.rt) // is the same one
			texts, log := a.end(t, m)
			if told := len(texts) == 1 && strings.Contains(texts[0], tt.event); told != (tt.event != "") || len(texts) > 1 {
				t.Errorf("the alerts are %q", texts)
			}
			if lines := strings.Count(log, "level=WARN"); lines > 1 || (tt.logged != "") != (lines == 1 && strings.Contains(log, tt.logged)) {
				t.Errorf("the log is %q", log)
			}
		})
	}
}

// follower is a RoundTripper that follows redirects by itself, as an http.Client in a wrapper does.
func follower(rt http.RoundTripper) carrier {
	return func(r *http.Request) (*http.Response, error) {
		body, err := io.ReadAll(orEmpty(r.Body))
		if err != nil {
			return nil, err
		}
		again, err := http.NewRequestWithContext(r.Context(), r.Method, r.URL.String(), bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		again.Header = r.Header.Clone()
		return (&http.Client{Transport: rt}).Do(again)
	}
}

func orEmpty(r io.Reader) io.Reader {
	if r == nil {
		return http.NoBody
	}
	return r
}

func TestAnAnswerFromAnotherURLThanWasAskedIsInDoubt(t *testing.T) {
	for _, to := range []string{"https://evil.example", "https://other.my.salesforce.com", "http://" + wireHost, "https://" + wireHost + ":8443", "https://" + wireHost + "/elsewhere"} {
		attacker := carrier(func(r *http.Request) (*http.Response, error) {
			if r.URL.Scheme == "https" && r.URL.Host == wireHost && !strings.HasPrefix(r.URL.Path, "/elsewhere") || r.URL.Host == "login.salesforce.com" {
				return wireReply(r, 307, "", "Location", to+r.URL.Path), nil
			}
			return wireReply(r, 200, tokenAnswer(map[string]string{"access_token": "00DWIRE!mallorys0123456789"})), nil
		})
		for call, do := range wireCalls(t) {
			err := do(wireFlow(t, follower(attacker)))
			var e *oauthflow.Error
			if !errors.As(err, &e) || !errors.Is(err, oauthflow.ErrTransport) {
				t.Errorf("%s, redirected to %s: %v", call, to, err)
				continue
			}
			if read := call == "identity" || call == "userinfo"; !read && e.Kind != oauthflow.KindInDoubt {
				t.Errorf("%s: kind %q", call, e.Kind)
			}
		}
	}
}

func TestATransportThatFollowsARedirectIsAnAlert(t *testing.T) {
	n := newInternet(t)
	n.next(307, "https://evil.example/x", "")
	var a alerts
	host, err := oauthflow.ParseHost(ownHost)
	if err != nil {
		t.Fatal(err)
	}
	m := a.over(t, carrier(n.transport().RoundTrip))
	if _, err := m.Adopt(t.Context(), mainKey, oauthflow.Client{Host: host, ID: "3MVG9", Secret: oauthflow.NewSecret("secret")}, oauthflow.NewSecret("5Aep0")); err != nil {
		t.Fatal(err)
	}
	client := careful(m.Source(mainKey).Transport(follower(n.transport())))
	for range 3 {
		resp, err := client.Get("https://" + ownHost + "/services/data")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
	if texts, _ := a.end(t, m); len(texts) != 1 || !strings.Contains(texts[0], "followed a redirect") {
		t.Errorf("the alerts are %q", texts)
	}
}

func TestATransportThatRepeatsATokenRequestIsAnAlert(t *testing.T) {
	n := newInternet(t)
	network := n.transport()
	repeats := carrier(func(r *http.Request) (*http.Response, error) {
		body, err := io.ReadAll(orEmpty(r.Body))
		if err != nil {
			return nil, err
		}
		for range 2 {
			again := r.Clone(r.Context())
			again.Body = io.NopCloser(bytes.NewReader(body))
			resp, err := network.RoundTrip(again)
			if err != nil {
				return nil, err
			}
			resp.Body.Close()
		}
		again := r.Clone(r.Context())
		again.Body = io.NopCloser(bytes.NewReader(body))
		return network.RoundTrip(again)
	})
	var a alerts
	host, err := oauthflow.ParseHost(ownHost)
	if err != nil {
		t.Fatal(err)
	}
	m := a.over(t, repeats)
	if _, err := m.Adopt(t.Context(), mainKey, oauthflow.Client{Host: host, ID: "3MVG9", Secret: oauthflow.NewSecret("secret")}, oauthflow.NewSecret("5Aep0")); err != nil {
		t.Fatal(err) // what the server has answered counts
	}
	if texts, _ := a.end(t, m); len(texts) != 1 || !strings.Contains(texts[0], "more than once") {
		t.Errorf("the alerts are %q", texts)
	}
}

func TestAResponseWithoutAVerifiedCertificateIsNotTrusted(t *testing.T) {
	addr, _ := spoofed(t)
	insecure := &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, addr)
		},
	}
	wrapped := carrier(insecure.RoundTrip)
	for _, call := range []string{"exchange", "refresh", "revoke", "introspect"} {
		if e := wireError(t, wireCalls(t)[call](wireFlow(t, wrapped)), oauthflow.KindInDoubt); !errors.Is(e, oauthflow.ErrTransport) {
			t.Errorf("%s: %v", call, e)
		}
	}
	_, err := careful(adoptedAt(t, newInternet(t).transport(), ownHost).Transport(wrapped)).Get("https://" + ownHost + "/services/data")
	if e := wantKind(t, err, oauthflow.KindInDoubt); !errors.Is(e, oauthflow.ErrTransport) {
		t.Errorf("an API call: %v", e)
	}
}

// A gateway of the service's that reaches Salesforce by another way is told of, unless it says that it was asked for
// Salesforce. Its answers count.
func TestARoundTripperMayReachSalesforceInItsOwnWay(t *testing.T) {
	for _, says := range []bool{true, false} {
		ownWay(t, says)
	}
}

func ownWay(t *testing.T, says bool) {
	n := newInternet(t)
	at, err := url.Parse(n.plain.URL)
	if err != nil {
		t.Fatal(err)
	}
	var a alerts
	m := a.over(t, carrier(func(r *http.Request) (*http.Response, error) {
		other := r.Clone(r.Context())
		other.URL.Scheme, other.URL.Host, other.Host = at.Scheme, at.Host, r.URL.Host
		resp, err := new(http.Transport).RoundTrip(other)
		if err == nil && says {
			resp.Request = r
		}
		return resp, err
	}))
	host, err := oauthflow.ParseHost(ownHost)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Adopt(t.Context(), mainKey, oauthflow.Client{Host: host, ID: "3MVG9", Secret: oauthflow.NewSecret("secret")}, oauthflow.NewSecret("5Aep0")); err != nil {
		t.Fatal(err)
	}
	if texts, _ := a.end(t, m); says && len(texts) != 0 || !says && (len(texts) != 1 || !strings.Contains(texts[0], "to another URL")) {
		t.Errorf("it says what was asked: %t; the alerts are %q", says, texts)
	}
}
