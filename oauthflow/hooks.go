package oauthflow

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
)

// What a function of the caller's *http.Transport did. The first two have sent nothing.
var (
	errPanicked     = fmt.Errorf("%w has a function (a dial function, Proxy or another one for proxies) that panicked", ErrTransport)
	errNoConn       = fmt.Errorf("%w has a dial function that returned neither a connection nor an error", ErrTransport)
	errConnPanicked = fmt.Errorf("%w has a dial function whose connection panicked", ErrTransport)
	errTLSPanicked  = fmt.Errorf("%w has a function of its TLSClientConfig that panicked", ErrTransport)
)

// dialFault returns which fault of a transport's functions made that a request was not sent, or nil.
func dialFault(err error) error {
	for _, fault := range []error{errUnverified, errPanicked, errNoConn} {
		if errors.Is(err, fault) {
			return fault
		}
	}
	return nil
}

// caught turns a panic into an error.
func caught(err *error, fault error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("%w (%T)", fault, r)
	}
}

// connecting is a dial function of the caller's that returns a connection or an error.
func connecting(dial dialFunc) dialFunc {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := dial(ctx, network, addr)
		switch {
		case err != nil:
			return nil, err
		case c == nil:
			return nil, errNoConn
		}
		_ = c.RemoteAddr() // a nil pointer panics here rather than in net/http
		return c, nil
	}
}

// sheltered contains the panics of all that a dial function calls. net/http calls it in a goroutine of its own, where one would
// end the process.
func sheltered(dial dialFunc) dialFunc {
	return func(ctx context.Context, network, addr string) (c net.Conn, err error) {
		defer caught(&err, errPanicked)
		return dial(ctx, network, addr)
	}
}

// shelter contains the panics of the other functions of t, a copy of the caller's, that net/http calls before it sends a request.
func shelter(t *http.Transport) {
	if proxy := t.Proxy; proxy != nil {
		t.Proxy = func(r *http.Request) (u *url.URL, err error) {
			defer caught(&err, errPanicked)
			return proxy(r)
		}
	}
	if header := t.GetProxyConnectHeader; header != nil {
		t.GetProxyConnectHeader = func(ctx context.Context, u *url.URL, target string) (h http.Header, err error) {
			defer caught(&err, errPanicked)
			return header(ctx, u, target)
		}
	}
	if answered := t.OnProxyConnectResponse; answered != nil {
		t.OnProxyConnectResponse = func(ctx context.Context, u *url.URL, r *http.Request, resp *http.Response) (err error) {
			defer caught(&err, errPanicked)
			return answered(ctx, u, r, resp)
		}
	}
	c := t.TLSClientConfig
	if certificate := c.GetClientCertificate; certificate != nil {
		c.GetClientCertificate = func(info *tls.CertificateRequestInfo) (own *tls.Certificate, err error) {
			defer caught(&err, errTLSPanicked)
			return certificate(info)
		}
	}
	if verify := c.VerifyPeerCertificate; verify != nil {
		c.VerifyPeerCertificate = func(raw [][]byte, chains [][]*x509.Certificate) (err error) {
			defer caught(&err, errTLSPanicked)
			return verify(raw, chains)
		}
	}
	if verify := c.VerifyConnection; verify != nil {
		c.VerifyConnection = func(state tls.ConnectionState) (err error) {
			defer caught(&err, errTLSPanicked)
			return verify(state)
		}
	}
	if refused := c.EncryptedClientHelloRejectionVerify; refused != nil {
		c.EncryptedClientHelloRejectionVerify = func(state tls.ConnectionState) (err error) {
			defer caught(&err, errTLSPanicked)
			return refused(state)
		}
	}
	shelterHandshake(c)
}
