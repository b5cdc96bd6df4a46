package browser_test

import (
	"bufio"
	"context"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
	"github.com/fullcast/sfauth/oauthflow/tokenstore/filestore"
)

const site = fullcast.Production

const (
	adminPage = string(site) + "/app/admin/motion"
	username  = "admin@acme.example"
)

// program builds examples/webapp once.
var program = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "webapp")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "webapp")
	build := exec.Command("go", "build", "-o", path, "./webapp")
	build.Dir = "../../examples"
	build.Env = append(os.Environ(), "GOWORK=") // the workspace is what knows this tree's modules
	build.Stderr = os.Stderr
	return path, build.Run()
})

func TestMain(m *testing.M) {
	status := m.Run()
	if built != "" {
		os.RemoveAll(filepath.Dir(built))
	}
	os.Exit(status)
}

var built string // what TestMain removes

func build(t *testing.T) string {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatalf("the web app does not build: %v", err)
	}
	built = path
	return path
}

// service is the program at work under https://app.fullcast.io, with a simulated org, and a browser that reaches both.
type service struct {
	org      *orgtest.Org
	server   *orgtest.Server
	front    *front
	browser  *browser
	code     string // for signing in
	dir      string
	keys     *tokenstore.Keyring
	external metadata.AppSpec
}

func startService(t *testing.T) *service {
	t.Helper()
	chromium(t)
	s := &service{dir: filepath.Join(t.TempDir(), "connections"), external: fullcast.ExternalClientApp(site, username)}
	s.org, s.server = startOrg(t)
	s.deploy(t, s.external)

	key := tokenstore.GenerateSealingKey("webapp")
	keys, err := tokenstore.NewKeyring(key)
	if err != nil {
		t.Fatal(err)
	}
	s.keys = keys
	authority := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(authority, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.server.CA()}), 0o600); err != nil {
		t.Fatal(err)
	}
	addr := freeAddr(t)
	run := exec.Command(build(t), "-site", string(site), "-listen", addr, "-dir", s.dir, "-tenant", "acme,globex")
	run.Env = []string{"SFAUTH_KEY=" + key.Key.Reveal(), "SSL_CERT_FILE=" + authority, "HTTPS_PROXY=" + startTunnel(t, s.server.Addr()), "HOME=" + t.TempDir(),
		"SFAUTH_CANARY=" + os.Getenv("SFAUTH_CANARY")} // so that its secrets, too, are known to who looks for them in its log
	s.code = started(t, run)["Sign-in code"]

	s.front = startFront(t, &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(&url.URL{Scheme: "http", Host: addr})
		r.Out.Host = r.In.Host
	}})
	s.browser = startBrowser(t, s.reaches()...)
	return s
}

func (s *service) reaches() []reach {
	org := reach{strings.TrimPrefix(s.org.InstanceURL(), "https://"), s.server.Addr(), authorityOf(s.server)}
	return append(s.front.reaches(), org)
}

// started runs the program and returns what it prints first, by the words before the colon.
func started(t *testing.T, run *exec.Cmd) map[string]string {
	t.Helper()
	out, err := run.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	run.Stderr = &log
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		run.Process.Signal(os.Interrupt)
		if err := run.Wait(); err != nil {
			t.Errorf("the program ended with %v\n%s", err, &log)
		}
		t.Logf("the program's log:\n%s", &log)
	})
	said := map[string]string{}
	lines := bufio.NewScanner(out)
	for len(said) < 2 && lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), ":")
		value, _, _ = strings.Cut(strings.TrimSpace(value), " ")
		said[name] = value
	}
	go io.Copy(io.Discard, out)
	if len(said) < 2 {
		t.Fatal("the program did not start")
	}
	return said
}

func startOrg(t *testing.T) (*orgtest.Org, *orgtest.Server) {
	t.Helper()
	org, err := orgtest.New(orgtest.Config{Interactive: true, RotateRefreshTokens: true, AllowConnectedApps: true})
	if err != nil {
		t.Fatal(err)
	}
	server, err := org.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	return org, server
}

func (s *service) deploy(t *testing.T, spec metadata.AppSpec) {
	t.Helper()
	instance, token := s.org.AdminSession()
	admin, err := metadata.NewOrg(metadata.OrgConfig{
		HTTPClient:  &http.Client{Transport: &oauth2.Transport{Source: oauth2.StaticTokenSource(&oauth2.Token{AccessToken: token}), Base: s.server.Transport()}},
		InstanceURL: func(context.Context) (string, error) { return instance, nil },
		Session:     func(context.Context, string) (string, error) { return token, nil },
		Version:     66,
	})
	if err != nil {
		t.Fatal(err)
	}
	pkg, err := spec.New().Package(66)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := admin.Deploy(t.Context(), pkg, metadata.DeployOptions{}); err != nil {
		t.Fatal(err)
	}
}

// adoptLegacy gives the tenant a connection that was made with a connected app, as another process of the same service
// would: over the same files.
func (s *service) adoptLegacy(t *testing.T, tenant string) (app string) {
	t.Helper()
	spec := fullcast.ConnectedApp(site, username)
	s.deploy(t, spec)
	refresh, err := s.org.UserApproved(spec.APIName, username)
	if err != nil {
		t.Fatal(err)
	}
	key, secret, err := s.org.Credentials(spec.APIName)
	if err != nil {
		t.Fatal(err)
	}
	host, err := oauthflow.ParseHost(s.org.InstanceURL())
	if err != nil {
		t.Fatal(err)
	}
	store, err := filestore.Open(filestore.Config{Dir: s.dir})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	sf, err := fullcast.NewConnector(fullcast.Config{Site: site, Store: store, Keyring: s.keys, Transport: s.server.Transport()})
	if err != nil {
		t.Fatal(err)
	}
	defer sf.Close(context.Background())
	client := oauthflow.Client{Kind: spec.Kind, Host: host, ID: key, Secret: oauthflow.NewSecret(secret)}
	if _, err := sf.Adopt(t.Context(), oauthflow.Key{Tenant: tenant, Name: "main"}, client, oauthflow.NewSecret(refresh)); err != nil {
		t.Fatal(err)
	}
	return spec.APIName
}

// happened counts the org's ledger entries of an event.
func (s *service) happened(event string) (n int) {
	for _, e := range s.org.Ledger() {
		if e.Event == event {
			n++
		}
	}
	return n
}

// freeAddr is an address that nobody listens on now.
func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// startTunnel starts an HTTP proxy whose every tunnel ends at addr.
func startTunnel(t *testing.T, addr string) (proxyURL string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodConnect || !strings.HasSuffix(r.Host, ".salesforce.com:443") {
			http.Error(w, r.Host+" is not served here", http.StatusForbidden)
			return
		}
		up, err := net.DialTimeout("tcp", addr, 5*time.Second)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer up.Close()
		down, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
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
