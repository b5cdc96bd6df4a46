package oauthflow

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"
)

const (
	maxHeaderBytes = 64 << 10
	dialTimeout    = 10 * time.Second
)

var errOldDial = errors.New("Config.Transport sets Dial or DialTLS; set DialContext or DialTLSContext instead")

var errInsecureTLS = errors.New("Config.Transport switches certificate checks off (InsecureSkipVerify); trust a certificate authority in RootCAs instead")

type dialFunc func(ctx context.Context, network, addr string) (net.Conn, error)

// harden returns a clone of t for the one request r, which must not be sent twice: a connection of its own (one that
// the server has closed meanwhile would leave the outcome in doubt), HTTP/1.1, the fence in front of every write.
func harden(t *http.Transport, r *http.Request, f *fence) (*http.Transport, error) {
	//lint:ignore SA1019 it can still be set, and would dial past the guard
	if t.Dial != nil || t.DialTLS != nil {
		return nil, errOldDial
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
	if t.TLSClientConfig.InsecureSkipVerify {
		return nil, errInsecureTLS
	}
	t.TLSClientConfig.MinVersion = max(t.TLSClientConfig.MinVersion, tls.VersionTLS12)
	t.TLSClientConfig.NextProtos = []string{"http/1.1"}

	proxied, err := usesProxy(t, r)
	if err != nil {
		return nil, err
	}
	t.DialContext = fenced(guarded(t, own, proxied), f)
	if t.DialTLSContext != nil {
		t.DialTLSContext = fenced(shaken(t.DialTLSContext), f)
	}
	if t.TLSHandshakeTimeout == 0 {
		t.TLSHandshakeTimeout = dialTimeout
	}
	return t, nil
}

// shaken ends the handshake of dial's connections, which otherwise waits for the first write: a handshake that fails
// has sent nothing.
func shaken(dial dialFunc) dialFunc {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := dial(ctx, network, addr)
		if t, ok := c.(*tls.Conn); ok && err == nil {
			if err := t.HandshakeContext(ctx); err != nil {
				t.Close()
				return nil, err
			}
		}
		return c, err
	}
}

func usesProxy(t *http.Transport, r *http.Request) (bool, error) {
	if t.Proxy == nil {
		return false, nil
	}
	u, err := t.Proxy(r)
	return u != nil, err
}

// guarded returns t's dial function (or one of our own) so that it reaches public addresses only; what a proxy may
// reach is the proxy's affair.
func guarded(t *http.Transport, own, proxied bool) dialFunc {
	if own {
		d := &net.Dialer{Timeout: dialTimeout}
		if !proxied {
			d.Control = func(_, addr string, _ syscall.RawConn) error { return publicAddress(addr) }
		}
		return d.DialContext
	}
	dial := dialFunc(t.DialContext)
	if proxied {
		return dial
	}
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		if err := publicAddress(c.RemoteAddr().String()); err != nil {
			c.Close()
			return nil, err
		}
		return c, nil
	}
}

// sharedAddresses are not global although net/netip counts them as such.
var sharedAddresses = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("100.64.0.0/10"), // carrier-grade NAT
	netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"), // benchmarks
	netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("64:ff9b::/96"), // NAT64: the inner address is not looked at
	netip.MustParsePrefix("2002::/16"),    // 6to4
}

// publicAddress refuses addresses inside a network: a name that resolves there is either rebound or misconfigured, and
// a consumer secret must not follow it.
func publicAddress(addr string) error {
	ap, err := netip.ParseAddrPort(addr)
	if err != nil {
		return fmt.Errorf("address %q is not an IP address and port", addr)
	}
	ip := ap.Addr().Unmap().WithZone("")
	shared := false
	for _, p := range sharedAddresses {
		shared = shared || p.Contains(ip)
	}
	if shared || !ip.IsGlobalUnicast() || ip.IsPrivate() {
		return fmt.Errorf("the host resolves to %s, which is not a public address", ip)
	}
	return nil
}
