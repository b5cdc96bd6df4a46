package faults

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

const (
	appName      = "Fullcast"
	userName     = "admin@acme.example"
	callbackPath = "/app/admin/motion"
	callbackURL  = "https://app.fullcast.io" + callbackPath
	browser      = "a-cookie-of-the-signed-in-user"
	environment  = "drill"

	tokenPath      = "/services/oauth2/token"
	introspectPath = "/services/oauth2/introspect"
)

// scene is an org on a socket, a store in a directory, and connections in it.
type scene struct {
	t       *testing.T
	org     *orgtest.Org
	server  *orgtest.Server
	roots   *x509.CertPool
	place   place
	sealing tokenstore.SealingKey
	conns   []oauthflow.Key
	grants  map[oauthflow.Key]string // the refresh token each connection was made with
	timing  oauthflow.Timing
	host    string // login host of the connections that are made; empty for the generic one
}

// rotate switches the app's refresh token rotation.
func rotate(org *orgtest.Org, on bool) error {
	return org.SetAppField("ExtlClntAppGlobalOauthSettings", appName+"_glbloauth", "isRefreshTokenRotationEnabled", fmt.Sprint(on))
}

// newScene sets up an org with strict rotation and n connections, kept in files.
func newScene(t *testing.T, n int, cfg orgtest.Config) *scene {
	t.Helper()
	return newSceneOn(t, chosen(), n, cfg)
}

// newSceneOn is newScene with its records in a store of that kind.
func newSceneOn(t *testing.T, on backEnd, n int, cfg orgtest.Config) *scene {
	t.Helper()
	return newSceneAt(t, newPlace(t, on), n, cfg)
}

// newSceneAt is newScene with its records in a place that is there.
func newSceneAt(t *testing.T, at place, n int, cfg orgtest.Config) *scene {
	t.Helper()
	ranOn(t, string(at.On))
	cfg.Existing = installedApp()
	if cfg.ApprovalLimit == 0 {
		cfg.ApprovalLimit = n + 1000
	}
	org, err := orgtest.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	must(t, rotate(org, true))
	server, err := org.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	roots := x509.NewCertPool()
	ca, err := x509.ParseCertificate(server.CA())
	if err != nil {
		t.Fatal(err)
	}
	roots.AddCert(ca)
	s := &scene{t: t, org: org, server: server, roots: roots, place: at, sealing: tokenstore.GenerateSealingKey("k1"), grants: map[oauthflow.Key]string{}, timing: calm()}
	s.connect(n)
	return s
}

// connect makes n connections more, each with a login of its own, without sockets.
func (s *scene) connect(n int) {
	s.t.Helper()
	tap := &tokenTap{base: s.org.RoundTripper(), issued: map[string]string{}}
	m := s.manager(s.open(), func(c *oauthflow.ManagerConfig) { c.Flow = s.flow(tap) })
	from := len(s.conns)
	for i := range n {
		s.conns = append(s.conns, oauthflow.Key{Tenant: "acme", Name: fmt.Sprint("c", from+i)})
	}
	var all sync.WaitGroup
	var mu sync.Mutex
	queue := make(chan oauthflow.Key)
	for range 8 {
		all.Go(func() {
			for k := range queue {
				c, err := m.Complete(context.Background(), s.login(m, k))
				if err != nil {
					s.t.Errorf("connect %v: %v", k, err)
					continue
				}
				tok, err := m.Source(k).Token()
				if err != nil || c.Status != oauthflow.StatusActive {
					s.t.Errorf("connect %v: %v", k, err)
					continue
				}
				mu.Lock()
				s.grants[k] = tap.refreshOf(tok.AccessToken)
				mu.Unlock()
			}
		})
	}
	for _, k := range s.conns[from:] {
		queue <- k
	}
	close(queue)
	all.Wait()
}

// login begins a login, has the user allow it, and returns what reaches the callback page.
func (s *scene) login(m *oauthflow.Manager, k oauthflow.Key) oauthflow.Callback {
	redirect, err := m.Begin(context.Background(), k, s.client(), browser, oauthflow.AuthorizeOptions{LoginHint: userName})
	if err != nil {
		s.t.Errorf("begin: %v", err)
		return oauthflow.Callback{}
	}
	back, err := s.org.Approve(context.Background(), redirect)
	if err != nil {
		s.t.Errorf("approve: %v", err)
		return oauthflow.Callback{}
	}
	u, err := url.Parse(back)
	if err != nil {
		s.t.Errorf("callback: %v", err)
		return oauthflow.Callback{}
	}
	return oauthflow.Callback{Tenant: k.Tenant, Path: u.Path, Binding: browser, Query: u.Query()}
}

func (s *scene) client() oauthflow.Client {
	key, secret, err := s.org.Credentials(appName)
	if err != nil {
		s.t.Error(err)
	}
	host, err := oauthflow.ParseHost(cmp.Or(s.host, s.org.LoginHost()))
	if err != nil {
		s.t.Error(err)
	}
	return oauthflow.Client{Host: host, ID: key, Secret: oauthflow.NewSecret(secret)}
}

// open opens the place as one more process would.
func (s *scene) open() tokenstore.Store {
	s.t.Helper()
	return s.openAt(s.place)
}

func (s *scene) openAt(p place) tokenstore.Store {
	s.t.Helper()
	store, closer, err := p.open(s.t.Context(), 2)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { closer.Close() })
	return store
}

// calm are times that a loaded machine keeps without a take-over. Nothing is ever given up for lost.
func calm() oauthflow.Timing {
	return oauthflow.Timing{Lease: 5 * time.Second, Quiet: 500 * time.Millisecond, Confirm: 50 * time.Millisecond, LastTry: time.Hour}
}

// hasty makes a scene in which processes take over from each other all the time.
func (s *scene) hasty() *scene {
	s.timing = scaled()
	return s
}

// scaled are times that let a drill see many take-overs; nothing is ever given up for lost.
func scaled() oauthflow.Timing {
	return oauthflow.Timing{Lease: 300 * time.Millisecond, Quiet: 200 * time.Millisecond, Confirm: 50 * time.Millisecond, LastTry: time.Hour, Recheck: 30 * time.Second}
}

// manager returns a Manager in this process, over TLS, which is closed at the end.
func (s *scene) manager(store tokenstore.Store, change ...func(*oauthflow.ManagerConfig)) *oauthflow.Manager {
	s.t.Helper()
	keys, err := tokenstore.NewKeyring(s.sealing)
	if err != nil {
		s.t.Fatal(err)
	}
	cfg := oauthflow.ManagerConfig{Store: store, Keyring: keys, Environment: environment, Timing: s.timing, Logger: debugTo(said())}
	if s.server != nil {
		cfg.Flow = s.flow(s.server.Transport())
	}
	for _, f := range change {
		f(&cfg)
	}
	m, err := oauthflow.NewManager(cfg)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := m.Close(ctx); err != nil {
			s.t.Errorf("close: %v", err)
		}
	})
	return m
}

// said is where secrets are looked for when the tests are to say all: as the gate has them.
func said() io.Writer {
	if testing.Verbose() {
		return os.Stderr
	}
	return io.Discard
}

func (s *scene) flow(rt http.RoundTripper) *oauthflow.Flow {
	s.t.Helper()
	f, err := oauthflow.NewFlow(oauthflow.Config{RedirectURLs: []string{callbackURL}, Transport: rt})
	if err != nil {
		s.t.Fatal(err)
	}
	return f
}

// accepted reports whether the org accepts an access token.
func (s *scene) accepted(access string) bool {
	req, err := http.NewRequest(http.MethodGet, s.org.InstanceURL()+apiPath, http.NoBody)
	if err != nil {
		return false
	}
	req.Header.Set("Authorization", "Bearer "+access)
	resp, err := s.org.RoundTripper().RoundTrip(req)
	if err != nil {
		return false
	}
	resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// healthy counts the connections that a fresh process can use within the time, which is stretched.
func (s *scene) healthy(within time.Duration) (int, []error) {
	m := s.manager(s.open())
	ctx, cancel := context.WithTimeout(context.Background(), stretched(within))
	defer cancel()
	var all sync.WaitGroup
	var mu sync.Mutex
	good := 0
	var bad []error
	for _, k := range s.conns {
		all.Go(func() {
			err := use(ctx, m, s, k)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				good++
			} else {
				bad = append(bad, err)
			}
		})
	}
	all.Wait()
	return good, bad
}

// use gets a token that the org accepts, coming back as often as it is told to.
func use(ctx context.Context, m *oauthflow.Manager, s *scene, k oauthflow.Key) error {
	rejected := ""
	for {
		tok, err := m.Source(k).Replace(ctx, rejected)
		if err == nil && s.accepted(tok.AccessToken) {
			return nil
		}
		var e *oauthflow.Error
		switch {
		case err == nil:
			rejected = tok.AccessToken
		case ctx.Err() != nil || !errors.As(err, &e) || e.RetryAfter == 0:
			return err
		default:
			select {
			case <-time.After(min(e.RetryAfter, 200*time.Millisecond)):
			case <-ctx.Done():
				return err
			}
		}
	}
}
