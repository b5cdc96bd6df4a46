package orgtest

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"strings"
	"time"
)

// Server serves an [Org] over TLS on loopback, under the production host names.
type Server struct {
	org      *Org
	listener net.Listener
	server   *http.Server
	roots    *x509.CertPool
	ca       []byte
	done     chan struct{}
}

// Start opens a TLS server on a free port of 127.0.0.1. Its certificate authority is made for this call and is trusted by
// nobody but [Server.Transport] and a client that takes [Server.CA]. End it with [Server.Close].
func (o *Org) Start() (*Server, error) {
	authority, err := newAuthority()
	if err != nil {
		return nil, fmt.Errorf("orgtest: %w", err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("orgtest: %w", err)
	}
	s := &Server{org: o, listener: listener, roots: x509.NewCertPool(), ca: authority.certificate.Raw, done: make(chan struct{})}
	s.roots.AddCert(authority.certificate)
	s.server = &http.Server{
		Handler:           o,
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          log.New(io.Discard, "", 0),
		TLSConfig: &tls.Config{
			GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
				return authority.issue(hello.ServerName)
			},
			MinVersion: tls.VersionTLS12, // assumed: what a real host still takes was not read anywhere
		},
	}
	go func() {
		defer close(s.done)
		s.server.ServeTLS(listener, "", "")
	}()
	return s, nil
}

// Close ends the server and every connection to it.
func (s *Server) Close() error {
	err := s.server.Close()
	<-s.done
	return err
}

// Addr is the loopback address the server listens on, "127.0.0.1:port".
func (s *Server) Addr() string { return s.listener.Addr().String() }

// CA is the certificate of the run's authority, DER.
func (s *Server) CA() []byte { return s.ca }

// Transport returns a transport that reaches the org under its production host names, with TLS verified against the run's
// authority. Every other host fails like a name that does not resolve.
func (s *Server) Transport() *http.Transport {
	return &http.Transport{
		DialTLSContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			host, _, err := net.SplitHostPort(addr)
			if err != nil {
				return nil, err
			}
			if p := s.org.place(strings.ToLower(host)); p == nowhere || p == foreign {
				return nil, unknownHost(host)
			}
			dialer := tls.Dialer{Config: &tls.Config{RootCAs: s.roots, ServerName: host, MinVersion: tls.VersionTLS12}}
			return dialer.DialContext(ctx, "tcp", s.Addr())
		},
		DialContext: func(_ context.Context, _, addr string) (net.Conn, error) { // assumed: no host of Salesforce's speaks plain HTTP
			host, _, _ := net.SplitHostPort(addr)
			return nil, unknownHost(host)
		},
		TLSHandshakeTimeout: 10 * time.Second,
	}
}

func unknownHost(host string) error {
	return &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}}
}

// authority is a certificate authority for one run.
type authority struct {
	key         *ecdsa.PrivateKey
	certificate *x509.Certificate
}

func newAuthority() (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "orgtest, one run"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(7 * 24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return &authority{key, certificate}, nil
}

// issue makes a certificate for a host name; without one (a client that dials the address) for localhost.
func (a *authority) issue(host string) (*tls.Certificate, error) {
	names, addresses := []string{host}, []net.IP(nil)
	if host == "" {
		names, addresses = []string{"localhost"}, []net.IP{net.IPv4(127, 0, 0, 1)}
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: names[0]}, DNSNames: names, IPAddresses: addresses,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(7 * 24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, &a.key.PublicKey, a.key)
	if err != nil {
		return nil, err
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: a.key}, nil
}
