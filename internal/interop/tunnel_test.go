package interop_test

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

// startTunnel starts an HTTP proxy for clients that resolve names themselves: a CONNECT to one of the front's names
// reaches the front, anything else is refused. TLS goes through it untouched, so the client still verifies the name.
func startTunnel(t *testing.T, f *front) (proxyURL string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, isTLS := strings.CutSuffix(r.Host, ":443")
		if r.Method != http.MethodConnect || !isTLS || !slices.Contains(f.names, name) {
			http.Error(w, r.Host+" is not served here", http.StatusForbidden)
			return
		}
		up, err := net.Dial("tcp", f.addr)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer up.Close()
		down, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		defer down.Close()
		if _, err := io.WriteString(down, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
			return
		}
		go func() {
			io.Copy(up, down)
			up.(*net.TCPConn).CloseWrite()
		}()
		io.Copy(down, up)
	}))
	t.Cleanup(server.Close)
	return server.URL
}
