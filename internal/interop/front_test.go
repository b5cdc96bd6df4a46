package interop_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"
)

// A front answers under production names: it ends TLS with a certificate of a CA made for this run and hands the
// request on. It keeps a record of what passed the token endpoint.
type front struct {
	names []string
	ca    *x509.Certificate
	addr  string // on loopback

	mu     sync.Mutex
	tokens []tokenCall
}

// A tokenCall is one POST to the token endpoint and its answer.
type tokenCall struct {
	Form   url.Values
	Status int
	Answer []byte
}

func newFront(t *testing.T, behind http.Handler, names ...string) *front {
	t.Helper()
	certificate, ca := runCertificate(t, names)
	f := &front{names: names, ca: ca}
	server := httptest.NewUnstartedServer(f.record(behind))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
	server.StartTLS()
	t.Cleanup(server.Close)
	f.addr = server.Listener.Addr().String()
	return f
}

// onLoopback is a server of another process that is told the name and scheme its client used.
func onLoopback(port int) http.Handler {
	target := &url.URL{Scheme: "http", Host: fmt.Sprintf("127.0.0.1:%d", port)}
	return &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.Host = r.In.Host
		r.Out.Header.Set("X-Forwarded-Proto", "https")
	}}
}

// transport reaches the front, and nothing else, as a service reaches Salesforce: by name, over verified TLS.
func (f *front) transport() *http.Transport {
	pool := x509.NewCertPool()
	pool.AddCert(f.ca)
	return &http.Transport{
		DialTLSContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			name, port, err := net.SplitHostPort(addr)
			if err != nil {
				return nil, err
			}
			if port != "443" || !slices.Contains(f.names, name) {
				return nil, fmt.Errorf("%s is not served here", addr)
			}
			d := tls.Dialer{Config: &tls.Config{ServerName: name, RootCAs: pool}}
			return d.DialContext(ctx, network, f.addr)
		},
		DialContext: func(_ context.Context, _, addr string) (net.Conn, error) {
			return nil, fmt.Errorf("%s is not reached without TLS", addr)
		},
	}
}

func (f *front) record(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || r.URL.Path != "/services/oauth2/token" {
			next.ServeHTTP(w, r)
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		form, err := url.ParseQuery(string(body))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		answer := httptest.NewRecorder()
		next.ServeHTTP(answer, r)

		f.mu.Lock()
		defer f.mu.Unlock()
		f.tokens = append(f.tokens, tokenCall{form, answer.Code, answer.Body.Bytes()})
		for k, v := range answer.Header() {
			w.Header()[k] = v
		}
		w.WriteHeader(answer.Code)
		w.Write(answer.Body.Bytes())
	})
}

// calls returns the POSTs to the token endpoint of one grant type ("" = any), in order.
func (f *front) calls(grantType string) []tokenCall {
	f.mu.Lock()
	defer f.mu.Unlock()
	var calls []tokenCall
	for _, c := range f.tokens {
		if grantType == "" || c.Form.Get("grant_type") == grantType {
			calls = append(calls, c)
		}
	}
	return calls
}

// runCertificate makes a CA that nobody trusts but this run, and a certificate of it for the names.
func runCertificate(t *testing.T, names []string) (tls.Certificate, *x509.Certificate) {
	t.Helper()
	now := time.Now()
	authority := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "CA of one test run"},
		NotBefore: now.Add(-time.Minute), NotAfter: now.Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: names[0]}, DNSNames: names,
		NotBefore: authority.NotBefore, NotAfter: authority.NotAfter,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	authorityKey, leafKey := newKey(t), newKey(t)
	root, err := x509.CreateCertificate(rand.Reader, authority, authority, authorityKey.Public(), authorityKey)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := x509.CreateCertificate(rand.Reader, leaf, authority, leafKey.Public(), authorityKey)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(root)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{signed}, PrivateKey: leafKey}, parsed
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}
