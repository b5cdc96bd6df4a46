package oauthflow

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"syscall"
	"time"
)

const (
	maxHeaderBytes = 64 << 10
	dialTimeout    = 10 * time.Second
)

// What of a transport would undo a check.
const (
	setsOldDial    = "sets Dial or DialTLS; set DialContext or DialTLSContext instead"
	setsInsecure   = "switches certificate checks off (InsecureSkipVerify); trust a certificate authority in RootCAs instead"
	setsServerName = "expects another host's certificate of every host (TLSClientConfig.ServerName); leave it empty"
)

var errUnverified = fmt.Errorf("%w has made a connection (DialTLSContext) that has verified no certificate; trust a certificate authority in RootCAs instead", ErrTransport)

type dialFunc func(ctx context.Context, network, addr string) (net.Conn, error)

// harden returns a clone of t for the one request r, which must not be sent twice: a connection of its own (one that
// the server has closed meanwhile would leave the outcome in doubt), HTTP/1.1, the fence in front of every write.
func harden(t *http.Transport, r *http.Request, f *fence, to reach) (*http.Transport, error) {
	if problem := weakens(t); problem != "" {
		return nil, &FieldError{Field: "Config.Transport", Problem: problem}
	}
	own := t == http.DefaultTransport || t.DialContext == nil
	t = t.Clone()
	t.DisableKeepAlives = true
	t.DisableCompression = true
	t.ForceAttemptHTTP2 = false
	t.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{}
	t.Protocols = new(http.Protocols)
	t.Protocols.SetHTTP1(true)
	t.MaxResponseHeaderBytes = maxHeaderBytes
	t.ResponseHeaderTimeout = 0 // an answer to a request that has left is always waited for
	if t.TLSClientConfig == nil {
		t.TLSClientConfig = new(tls.Config)
	} // else Clone has copied it
	t.TLSClientConfig.MinVersion = max(t.TLSClientConfig.MinVersion, tls.VersionTLS12)
	t.TLSClientConfig.NextProtos = []string{"http/1.1"}

	shelter(t)
	proxied, err := usesProxy(t, r)
	if err != nil {
		return nil, err
	}
	t.DialContext = sheltered(fenced(guarded(t, own, to, func(string) bool { return proxied }), f))
	if t.DialTLSContext != nil {
		t.DialTLSContext = sheltered(fenced(shaken(t.DialTLSContext), f))
	}
	if t.TLSHandshakeTimeout == 0 {
		t.TLSHandshakeTimeout = dialTimeout
	}
	return t, nil
}

// weakens says what of t would undo a check that every request to Salesforce is to pass; empty for nothing, and for
// a RoundTripper that is used as it is.
func weakens(rt http.RoundTripper) (problem string) {
	if rt == nil {
		return "" // http.DefaultTransport is looked at when it is used
	}
	l, ok := apart(rt)
	if !ok {
		return ""
	}
	t := l.network
	//lint:ignore SA1019 it can still be set, and would dial past the guard
	if t.Dial != nil || t.DialTLS != nil {
		return setsOldDial
	}
	switch c := t.TLSClientConfig; {
	case c != nil && c.InsecureSkipVerify:
		return setsInsecure
	case c != nil && c.ServerName != "":
		return setsServerName
	}
	return ""
}

// shaken ends the handshake of dial's connections, which otherwise waits for the first write: a handshake that fails
// has sent nothing. A TLS connection that shows that it has verified no certificate gets nothing, either.
func shaken(dial dialFunc) dialFunc {
	dial = connecting(dial)
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := dial(ctx, network, addr)
		if err != nil {
			return c, err
		}
		if t, ok := c.(interface{ HandshakeContext(context.Context) error }); ok {
			if err := t.HandshakeContext(ctx); err != nil {
				c.Close()
				return nil, err
			}
		}
		if unverified(c) {
			c.Close()
			return nil, errUnverified
		}
		return c, nil
	}
}

// unverified reports whether a connection of a caller's dial function is known to have verified no certificate. Nobody can
// tell of a connection that is no *tls.Conn and holds none.
func unverified(c net.Conn) bool {
	for range 8 {
		if t, ok := c.(interface{ ConnectionState() tls.ConnectionState }); ok {
			return len(t.ConnectionState().VerifiedChains) == 0
		}
		inner, ok := c.(interface{ NetConn() net.Conn })
		if !ok {
			return false
		}
		c = inner.NetConn()
	}
	return false
}

func usesProxy(t *http.Transport, r *http.Request) (bool, error) {
	if t.Proxy == nil {
		return false, nil
	}
	u, err := t.Proxy(r)
	return u != nil, err
}

// guarded returns t's dial function (or one of our own) so that it reaches only the addresses that it may; what a proxy may
// reach is the proxy's affair. isProxy tells of the address that is dialed whether it is a proxy's.
func guarded(t *http.Transport, own bool, to reach, isProxy func(addr string) bool) dialFunc {
	if own {
		return func(ctx context.Context, network, addr string) (net.Conn, error) {
			d := net.Dialer{Timeout: dialTimeout}
			if !isProxy(addr) {
				d.Control = func(_, ip string, _ syscall.RawConn) error { return to.check(addr, ip) }
			}
			return d.DialContext(ctx, network, addr)
		}
	}
	dial := connecting(t.DialContext)
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := dial(ctx, network, addr)
		if err != nil {
			return c, err
		}
		if c = (shelteredConn{c}); isProxy(addr) {
			return c, nil
		}
		remote := "" // some tunnels name none
		if a := c.RemoteAddr(); a != nil {
			remote = a.String()
		}
		if err := to.check(addr, remote); err != nil {
			c.Close()
			return nil, err
		}
		return c, nil
	}
}
