package oauthflow

import (
	"crypto/tls"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync"
)

// guards keeps the copies that requests to the API travel by instead of an *http.Transport of the caller's: with the checks
// of token requests, but with connections that are kept. The zero value is ready, and reaches public addresses.
type guards struct {
	to reach

	mu sync.Mutex
	of map[*http.Transport]*http.Transport
}

// maxGuards is how many transports a manager keeps copies of. Who makes more loses kept connections only.
const maxGuards = 64

// guard is a transport and the copy that is used in its place.
type guard struct{ from, to *http.Transport }

// get returns the guarded copy of t, or an error of [KindInvalid] where t would undo a check.
func (g *guards) get(t *http.Transport) (*guard, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if to := g.of[t]; to != nil {
		return &guard{t, to}, nil
	}
	if problem := weakens(t); problem != "" {
		return nil, invalid(opRequest, "Transport", problem)
	}
	for old, to := range g.of {
		if len(g.of) < maxGuards {
			break
		}
		delete(g.of, old)
		to.CloseIdleConnections()
	}
	if g.of == nil {
		g.of = map[*http.Transport]*http.Transport{}
	}
	g.of[t] = protect(t, g.to)
	return &guard{t, g.of[t]}, nil
}

// close ends the connections that nothing uses.
func (g *guards) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, to := range g.of {
		to.CloseIdleConnections()
	}
}

// protect returns a copy of t that reaches only the addresses that it may, but for proxies and what t's own DialTLSContext dials,
// speaks TLS 1.2 at least, and uses no connection that shows that no certificate was verified.
func protect(t *http.Transport, to reach) *http.Transport {
	own := t == http.DefaultTransport || t.DialContext == nil
	http2 := t.ForceAttemptHTTP2 || t.DialContext == nil && t.DialTLSContext == nil &&
		(t.TLSClientConfig == nil || slices.Contains(t.TLSClientConfig.NextProtos, "h2"))
	c := t.Clone()
	c.ForceAttemptHTTP2 = http2 // net/http gives it up for who sets a dial function
	if c.TLSClientConfig == nil {
		c.TLSClientConfig = new(tls.Config)
	}
	c.TLSClientConfig.MinVersion = max(c.TLSClientConfig.MinVersion, tls.VersionTLS12)
	shelter(c)
	var proxies sync.Map // addresses of proxies that were used
	if proxy := c.Proxy; proxy != nil {
		c.Proxy = func(r *http.Request) (*url.URL, error) {
			u, err := proxy(r)
			if u != nil {
				proxies.LoadOrStore(dialed(u), true)
			}
			return u, err
		}
	}
	c.DialContext = sheltered(guarded(t, own, to, func(addr string) bool {
		_, is := proxies.Load(addr)
		return is
	}))
	if t.DialTLSContext != nil {
		c.DialTLSContext = sheltered(shaken(t.DialTLSContext))
	}
	if c.TLSHandshakeTimeout == 0 {
		c.TLSHandshakeTimeout = dialTimeout
	}
	return c
}

// dialed returns the address that net/http dials for a proxy.
func dialed(proxy *url.URL) string {
	port := proxy.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443", "socks5": "1080", "socks5h": "1080"}[proxy.Scheme]
	}
	return net.JoinHostPort(proxy.Hostname(), port)
}
