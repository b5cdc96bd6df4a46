package oauthflow_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

// tunnel is a connection that names no remote address, or panics where it is asked for it.
type tunnel struct {
	net.Conn
	panics any
}

func (c tunnel) RemoteAddr() net.Addr {
	if c.panics != nil {
		panic(c.panics)
	}
	return nil
}

// lateTLS is a connection of a TLS library that panics in its handshake.
type lateTLS struct{ net.Conn }

func (lateTLS) HandshakeContext(context.Context) error { panic("handshake") }

func brokenDials() map[string]func(context.Context, string, string) (net.Conn, error) {
	pipe := func() net.Conn {
		ours, theirs := net.Pipe()
		theirs.Close()
		return ours
	}
	return map[string]func(context.Context, string, string) (net.Conn, error){
		"neither a connection nor an error": func(context.Context, string, string) (net.Conn, error) { return nil, nil },
		"a panic":                           func(context.Context, string, string) (net.Conn, error) { panic("dial") },
		"a panic with an error":             func(context.Context, string, string) (net.Conn, error) { panic(errors.New("dial")) },
		"a nil pointer":                     func(context.Context, string, string) (net.Conn, error) { return (*struct{ net.Conn })(nil), nil },
		"a connection without an address": func(context.Context, string, string) (net.Conn, error) {
			return tunnel{Conn: pipe()}, nil
		},
		"a connection whose address panics": func(context.Context, string, string) (net.Conn, error) {
			return tunnel{pipe(), "address"}, nil
		},
		"a connection whose handshake panics": func(context.Context, string, string) (net.Conn, error) { return lateTLS{pipe()}, nil },
	}
}

func brokenTransports(t *testing.T) map[string]*http.Transport {
	all := map[string]*http.Transport{}
	for name, dial := range brokenDials() {
		if name != "a connection whose handshake panics" {
			all["DialContext: "+name] = &http.Transport{DialContext: dial}
		}
		if name != "a connection without an address" && name != "a connection whose address panics" {
			all["DialTLSContext: "+name] = &http.Transport{DialTLSContext: dial}
		}
	}
	all["Proxy: a panic"] = &http.Transport{Proxy: func(*http.Request) (*url.URL, error) { panic("proxy") }}
	addr, _ := wireListen(t, func(raw net.Conn) {
		_ = tls.Server(raw, &tls.Config{Certificates: []tls.Certificate{wireCA().issue(wireHost, time.Now().Add(time.Hour))}, ClientAuth: tls.RequestClientCert}).Handshake()
		raw.Close()
	})
	for name, set := range map[string]func(*http.Transport){
		"VerifyConnection: a panic": func(t *http.Transport) {
			t.TLSClientConfig.VerifyConnection = func(tls.ConnectionState) error { panic("tls") }
		},
		"VerifyPeerCertificate: a panic": func(t *http.Transport) {
			t.TLSClientConfig.VerifyPeerCertificate = func([][]byte, [][]*x509.Certificate) error { panic("tls") }
		},
		"GetClientCertificate: a panic": func(t *http.Transport) {
			t.TLSClientConfig.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { panic("tls") }
		},
		"GetProxyConnectHeader: a panic": func(t *http.Transport) {
			t.GetProxyConnectHeader = func(context.Context, *url.URL, string) (http.Header, error) { panic("proxy") }
		},
		"OnProxyConnectResponse: a panic": func(t *http.Transport) {
			t.OnProxyConnectResponse = func(context.Context, *url.URL, *http.Request, *http.Response) error { panic("proxy") }
		},
	} {
		rt := wireProxy(t, addr, "200 OK")
		set(rt)
		all[name] = rt
	}
	return all
}

func TestAFunctionOfTheTransportThatPanicsOrReturnsNothingIsAnErrorOfARequestThatWasNotSent(t *testing.T) {
	for name, rt := range brokenTransports(t) {
		for call, do := range wireCalls(t) {
			t.Run(name+", "+call, func(t *testing.T) {
				wireError(t, do(wireFlow(t, rt)), oauthflow.KindNotSent)
			})
		}
	}
}

func TestAFunctionOfTheTransportThatPanicsOrReturnsNothingIsAnErrorOfAnAPICall(t *testing.T) {
	w := newWorld(t, orgtest.Config{})
	m := w.manager()
	w.connect(m, mainKey)
	base, err := m.Source(mainKey).InstanceURL(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name, rt := range brokenTransports(t) {
		t.Run(name, func(t *testing.T) {
			req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/services/data", nil)
			resp, err := m.Source(mainKey).Transport(rt).RoundTrip(req)
			if err == nil {
				resp.Body.Close()
				t.Fatal("it was answered")
			}
			if e := (*oauthflow.Error)(nil); rt.TLSClientConfig == nil && (!errors.As(err, &e) || e.Kind != oauthflow.KindNotSent) {
				t.Errorf("got %v, want a request that was not sent", err)
			}
		})
	}
}
