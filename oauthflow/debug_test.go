package oauthflow_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// debugged is set in the process that a test starts with a debug switch of net/http.
const debugged = "SFAUTH_TEST_DEBUGGED"

// A switch in the environment makes net/http log the headers of HTTP/2, among them the access token of API calls. Token requests go
// over HTTP/1.1 and show nothing: the refresh token and the consumer secret are in their bodies besides.
func TestADebugSwitchOfNetHTTPLogsTheBearerOfAPICalls(t *testing.T) {
	if os.Getenv(debugged) != "" {
		callByHTTP2(t)
		return
	}
	test := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	test.Env = append(os.Environ(), debugged+"=1", "GODEBUG=http2debug=2")
	out, err := test.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if text := string(out); !strings.Contains(text, "Bearer "+ownAccess) || strings.Contains(text, ownRefresh) || strings.Contains(text, "5Aep0") {
		t.Errorf("say in SECURITY.md what is logged now: %.2000s", out)
	}
}

func callByHTTP2(t *testing.T) {
	n := newInternet(t)
	server := httptest.NewUnstartedServer(n)
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	pool := x509.NewCertPool()
	pool.AddCert(server.Certificate())
	dialer := tls.Dialer{Config: &tls.Config{RootCAs: pool, ServerName: "example.com", NextProtos: []string{"h2"}}}
	s := adoptedAt(t, n.transport(), ownHost)
	resp, err := careful(s.Transport(&http.Transport{
		ForceAttemptHTTP2: true,
		DialTLSContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, network, server.Listener.Addr().String())
		},
	})).Get("https://" + ownHost + "/services/data")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.ProtoMajor != 2 {
		t.Fatalf("%s, %v", resp.Proto, err)
	}
}
