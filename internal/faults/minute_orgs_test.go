package faults

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"
)

// orgs are many orgs, each with a My Domain host of its own, a connection, and refresh tokens that are good for one use.
type orgs struct {
	addr string
	ca   []byte

	mu      sync.Mutex
	takes   time.Duration // a refresh
	good    map[int]int   // generation of the refresh token that is good, by org
	posts   int
	replays int
}

// newOrgs listens until the test ends.
func newOrgs(t *testing.T) *orgs {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "orgs"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		DNSNames: []string{"*.my.salesforce.com", "login.salesforce.com"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	must(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	o := &orgs{addr: l.Addr().String(), ca: der, good: map[int]int{}}
	server := &http.Server{
		Handler: o, ErrorLog: log.New(io.Discard, "", 0), ReadHeaderTimeout: time.Minute,
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12},
	}
	go func() { _ = server.ServeTLS(l, "", "") }()
	t.Cleanup(func() { server.Close() })
	return o
}

func orgHost(i int) string { return fmt.Sprintf("org%d.my.salesforce.com", i) }

func refreshToken(i, generation int) string { return fmt.Sprintf("refresh-%d-%d", i, generation) }

// ServeHTTP answers at the token endpoint of each org.
func (o *orgs) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var i, generation int
	if _, err := fmt.Sscanf(r.PostFormValue("refresh_token")+r.PostFormValue("token"), "refresh-%d-%d", &i, &generation); err != nil {
		http.Error(w, `{"error":"invalid_request"}`, http.StatusBadRequest)
		return
	}
	o.mu.Lock()
	takes := o.takes
	o.mu.Unlock()
	time.Sleep(takes)
	o.mu.Lock()
	defer o.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	good := o.good[i] == generation
	if r.URL.Path != tokenPath {
		_ = json.NewEncoder(w).Encode(map[string]bool{"active": good})
		return
	}
	if o.posts++; !good {
		o.replays++
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"error":"invalid_grant","error_description":"expired access/refresh token"}`)
		return
	}
	o.good[i]++
	_ = json.NewEncoder(w).Encode(map[string]string{
		"access_token": fmt.Sprintf("00D%012dAAA!access-%d", i, generation+1), "refresh_token": refreshToken(i, generation+1),
		"instance_url": "https://" + orgHost(i), "id": fmt.Sprintf("https://login.salesforce.com/id/00D%012dAAA/005%012dAAA", i, i),
		"scope": "api refresh_token", "token_type": "Bearer", "issued_at": fmt.Sprint(time.Now().UnixMilli()),
	})
}

// RoundTrip is ServeHTTP without a socket.
func (o *orgs) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	in := req.Clone(req.Context())
	in.Body, in.Form, in.PostForm = io.NopCloser(bytes.NewReader(body)), nil, url.Values(nil)
	w := httptest.NewRecorder()
	o.ServeHTTP(w, in)
	resp := w.Result()
	resp.Request = req
	return resp, nil
}

// mark begins to count, with refreshes that take so long.
func (o *orgs) mark(takes time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.takes, o.posts, o.replays = takes, 0, 0
}

func (o *orgs) seen() (posts, replays int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.posts, o.replays
}
