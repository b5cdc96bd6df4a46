package oauthflow_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
)

// What these tests send and receive; each is found again wherever it leaks.
const (
	wireHost    = "acme.my.salesforce.com"
	wireKey     = "3MVG9pQ7kZtHn2.8sV1xQ0_hT5aLr9uYpD2nWc7kBzE4fGmJoXi6RtUvS3"
	wireSecret  = "5E11C0DEwireCanarySecret9A77B04D"
	wireAccess  = "00DWIRE00000001!AQwireCanaryAccess.0123456789abcdefgh"
	wireRefresh = "5Aep861wireCanaryRefresh.0123456789abcdefghijklmnopqrstuv=="
	wireCode    = "aPrxwireCanaryCode_0123456789abcdefghijklm=="
	wireOrg     = "00DWIRE00000001AA2"
	wireUser    = "005WIRE00000002AA2"
	wireID      = "https://login.salesforce.com/id/" + wireOrg + "/" + wireUser
)

// carrier is a RoundTripper of somebody else's.
type carrier func(*http.Request) (*http.Response, error)

func (c carrier) RoundTrip(r *http.Request) (*http.Response, error) { return c(r) }

// says is a carrier that always gives one answer.
func says(status int, body string, header ...string) carrier {
	return func(r *http.Request) (*http.Response, error) { return wireReply(r, status, body, header...), nil }
}

func wireReply(r *http.Request, status int, body string, header ...string) *http.Response {
	h := http.Header{"Content-Type": {"application/json;charset=UTF-8"}}
	for i := 0; i < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	return &http.Response{
		StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: h, Request: r,
		Body: io.NopCloser(strings.NewReader(body)),
	}
}

// tokenAnswer is a success of the token endpoint, with some members changed or ("") left out.
func tokenAnswer(change map[string]string) string {
	m := map[string]string{
		"access_token": wireAccess, "refresh_token": wireRefresh, "instance_url": "https://" + wireHost, "id": wireID,
		"scope": "api refresh_token", "token_type": "Bearer", "issued_at": "1558553873237",
	}
	maps.Copy(m, change)
	maps.DeleteFunc(m, func(_, v string) bool { return v == "" })
	body, err := json.Marshal(m)
	if err != nil {
		panic(err)
	}
	return string(body)
}

func wireFlow(t testing.TB, rt http.RoundTripper) *oauthflow.Flow {
	t.Helper()
	f, err := oauthflow.NewFlow(oauthflow.Config{RedirectURLs: []string{"https://app.fullcast.io/app/admin/motion"}, Transport: overheard(t, rt)})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// overheard prints the URL of each request that rt carries: what is printed is looked through for secrets. A network
// transport stays as it is, since a Flow hardens it; a fuzz target prints nothing.
func overheard(t testing.TB, rt http.RoundTripper) http.RoundTripper {
	_, network := rt.(*http.Transport)
	if _, fuzzed := t.(*testing.F); network || fuzzed || rt == nil {
		return rt
	}
	return carrier(func(r *http.Request) (*http.Response, error) {
		fmt.Fprintln(t.Output(), r.Method, r.URL)
		return rt.RoundTrip(r)
	})
}

func wireClient(t testing.TB, host string) oauthflow.Client {
	t.Helper()
	h, err := oauthflow.ParseHost(host)
	if err != nil {
		t.Fatal(err)
	}
	return oauthflow.Client{Kind: oauthflow.ExternalClientAppKind, Host: h, ID: wireKey, Secret: oauthflow.NewSecret(wireSecret)}
}

func wireToken() *oauthflow.Token {
	return &oauthflow.Token{
		AccessToken: oauthflow.NewSecret(wireAccess), RefreshToken: oauthflow.NewSecret(wireRefresh),
		InstanceURL: "https://" + wireHost, IdentityURL: wireID, OrgID: wireOrg, UserID: wireUser,
	}
}

// wireBegin begins a login and returns it with the query that its callback would carry.
func wireBegin(t testing.TB, f *oauthflow.Flow, c oauthflow.Client, o oauthflow.AuthorizeOptions) (oauthflow.Pending, url.Values, url.Values) {
	t.Helper()
	link, p, err := f.Authorize(c, o)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(link)
	if err != nil {
		t.Fatal(err)
	}
	return p, u.Query(), url.Values{"code": {wireCode}, "state": {u.Query().Get("state")}}
}

// wireError is err as an *oauthflow.Error of the kind wanted.
func wireError(t testing.TB, err error, kind oauthflow.ErrorKind) *oauthflow.Error {
	t.Helper()
	var e *oauthflow.Error
	if !errors.As(err, &e) || e.Kind != kind {
		t.Fatalf("got error %v, want one of kind %q", err, kind)
	}
	fmt.Fprintf(t.Output(), "%v %+v %#v %s\n", err, e, e, e.Sentence()) // what is printed is looked through for secrets
	return e
}

// calls are all requests that a Flow can make, by name.
func wireCalls(t testing.TB) map[string]func(*oauthflow.Flow) error {
	c := wireClient(t, wireHost)
	ctx := context.Background()
	return map[string]func(*oauthflow.Flow) error{
		"exchange": func(f *oauthflow.Flow) error {
			p, _, q := wireBegin(t, f, c, oauthflow.AuthorizeOptions{})
			_, err := f.Exchange(ctx, p, q)
			return err
		},
		"refresh": func(f *oauthflow.Flow) error {
			_, err := f.Refresh(ctx, c, wireToken())
			return err
		},
		"revoke": func(f *oauthflow.Flow) error { return f.Revoke(ctx, c, wireToken()) },
		"introspect": func(f *oauthflow.Flow) error {
			_, err := f.Introspect(ctx, c, wireToken())
			return err
		},
		"identity": func(f *oauthflow.Flow) error {
			_, err := f.Identity(ctx, wireToken())
			return err
		},
		"userinfo": func(f *oauthflow.Flow) error {
			_, err := f.UserInfo(ctx, wireToken())
			return err
		},
	}
}

// authority signs certificates that the transports of these tests trust.
type wireAuthority struct {
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
	pool *x509.CertPool
}

var wireCA = sync.OnceValue(func() *wireAuthority { return newWireCA() })

func newWireCA() *wireAuthority {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "wire tests"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		panic(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return &wireAuthority{key, cert, pool}
}

func (a *wireAuthority) issue(host string, until time.Time) tls.Certificate {
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(2), DNSNames: []string{host}, NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: until,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, a.cert, &a.key.PublicKey, a.key)
	if err != nil {
		panic(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: a.key}
}

// wireListen accepts connections on loopback until the test ends.
func wireListen(t testing.TB, serve func(net.Conn)) (addr string, connects *atomic.Int64) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l.Addr().String(), wireServe(l, serve)
}

func wireServe(l net.Listener, serve func(net.Conn)) *atomic.Int64 {
	connects := new(atomic.Int64)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			connects.Add(1)
			go func() {
				defer c.Close()
				serve(c)
			}()
		}
	}()
	return connects
}

// wireServer is an HTTPS server under a production name; the transport reaches it through its own DialTLSContext.
func wireServer(t testing.TB, h http.HandlerFunc) *http.Transport {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: h, TLSConfig: &tls.Config{Certificates: []tls.Certificate{wireCA().issue(wireHost, time.Now().Add(time.Hour))}}}
	go s.ServeTLS(l, "", "")
	t.Cleanup(func() { s.Close() })
	return &http.Transport{DialTLSContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		d := tls.Dialer{Config: &tls.Config{RootCAs: wireCA().pool, ServerName: wireHost}}
		return d.DialContext(ctx, network, l.Addr().String())
	}}
}

// wireProxy is a proxy that leads every CONNECT to one address, or refuses it with a status.
func wireProxy(t testing.TB, target string, status string) *http.Transport {
	t.Helper()
	addr, _ := wireListen(t, func(c net.Conn) {
		head := make([]byte, 0, 1024)
		for !strings.HasSuffix(string(head), "\r\n\r\n") {
			b := make([]byte, 1)
			if _, err := c.Read(b); err != nil {
				return
			}
			head = append(head, b...)
		}
		io.WriteString(c, "HTTP/1.1 "+status+"\r\n\r\n")
		if !strings.HasPrefix(status, "200") {
			return
		}
		up, err := (&net.Dialer{Resolver: new(net.Resolver)}).Dial("tcp", target) // net's own may be another test's by then
		if err != nil {
			return
		}
		defer up.Close()
		go func() {
			io.Copy(up, c)
			up.Close()
		}()
		io.Copy(c, up)
	})
	return &http.Transport{
		Proxy:           http.ProxyURL(&url.URL{Scheme: "http", Host: addr}),
		TLSClientConfig: &tls.Config{RootCAs: wireCA().pool},
	}
}
