package byhand_test

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"database/sql"
	"errors"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/oauth2"
	_ "modernc.org/sqlite"

	"github.com/fullcast/sfauth/examples/byhand"
	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/fullcast/fullcasttest"
	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// client is what both sides do for a service.
type client interface {
	Begin(ctx context.Context, tenant, session string, a byhand.App) (string, error)
	Complete(ctx context.Context, tenant, session string, query url.Values) error
	Get(ctx context.Context, tenant, path string, into any) error
	SetApp(ctx context.Context, tenant string, a byhand.App) error
	ForAdmin(err error) string
}

// side is one of the two: it starts a process of a service over a database.
type side func(t *testing.T, w *scene, db *sql.DB, transport http.RoundTripper) (c client, end func())

// scene is a customer's org, the database of a service, and what has happened since the fault began.
type scene struct {
	t        *testing.T
	org      *fullcasttest.Org
	side     side
	database string
	aead     cipher.AEAD
	keys     *tokenstore.Keyring

	requests atomic.Int64 // to Salesforce
	failed   int          // calls of the service
	told     string       // to the admin, of the last of them
}

const tenant, session = "acme", "a random value of the session"

// newScene connects the org over the app, and makes the first call.
func newScene(t *testing.T, s side, change func(*orgtest.Config), login func(*fullcasttest.Org) byhand.App) *scene {
	t.Helper()
	key := make([]byte, 32)
	_, _ = rand.Read(key)
	block, err := aes.NewCipher(key)
	must(t, err)
	w := &scene{t: t, side: s, database: filepath.Join(t.TempDir(), "service.db")}
	w.aead, err = cipher.NewGCMWithRandomNonce(block)
	must(t, err)
	w.keys, err = tokenstore.NewKeyring(tokenstore.GenerateSealingKey("test"))
	must(t, err)
	w.org = fullcasttest.NewOrg(t, fullcast.Production, fullcasttest.Config(change))
	p := w.start()
	redirect, err := p.Begin(t.Context(), tenant, session, login(w.org))
	must(t, err)
	must(t, p.Complete(t.Context(), tenant, session, w.org.Login(t.Context(), redirect).Query()))
	p.call()
	p.end()
	if w.failed > 0 {
		t.Fatalf("the first call failed: %s", w.told)
	}
	return w
}

// process is one of the service.
type process struct {
	client
	w    *scene
	dead atomic.Bool
	hold func(*http.Request)               // is asked before a request is sent
	lose func(*http.Request) (answer bool) // an answer that never arrives, because the process ends
	stop func()
}

func (w *scene) start() *process {
	w.t.Helper()
	p := &process{w: w}
	db, err := sql.Open("sqlite", "file:"+w.database+"?_txlock=immediate&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(1000)")
	must(w.t, err)
	var end func()
	p.client, end = w.side(w.t, w, db, p)
	p.stop = func() {
		end()
		must(w.t, db.Close())
	}
	return p
}

// RoundTrip is the process's way to Salesforce.
func (p *process) RoundTrip(req *http.Request) (*http.Response, error) {
	if p.dead.Load() {
		return nil, errors.New("the process has ended")
	}
	if p.hold != nil {
		p.hold(req)
	}
	p.w.requests.Add(1)
	resp, err := p.w.org.RoundTripper().RoundTrip(req)
	if p.lose != nil && p.lose(req) {
		p.dead.Store(true)
		return nil, io.ErrUnexpectedEOF
	}
	return resp, err
}

// end ends the process in good order, where it has not died.
func (p *process) end() {
	p.dead.Store(true)
	p.stop()
}

// call is a call of the service, which waits a minute at most.
func (p *process) call() {
	ctx, cancel := context.WithTimeout(p.w.t.Context(), time.Minute)
	defer cancel()
	var answer struct{ TotalSize int }
	err := p.Get(ctx, tenant, "/services/data/v66.0/query?q=SELECT+Id+FROM+User", &answer)
	if err == nil && answer.TotalSize != 1 {
		err = errors.New("it is no answer of the org")
	}
	if err != nil {
		p.w.failed++
		p.w.told = p.ForAdmin(err)
	}
}

// work makes a call every ten minutes.
func (p *process) work(d time.Duration) {
	for range int(d / (10 * time.Minute)) {
		p.call()
		time.Sleep(10 * time.Minute)
	}
}

// lost reports whether an admin has to connect again: what caused the fault is over, and a call after an hour still fails.
func (w *scene) lost(p *process) bool {
	time.Sleep(time.Hour)
	before, told, requests := w.failed, w.told, w.requests.Load()
	p.call()
	lost := w.failed > before
	w.failed = before
	if !lost {
		w.told = told
	}
	w.requests.Store(requests)
	return lost
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func byHand(t *testing.T, w *scene, db *sql.DB, transport http.RoundTripper) (client, func()) {
	c, err := byhand.NewClient(t.Context(), db, w.aead, transport, "https://app.fullcast.io/app/admin/motion")
	must(t, err)
	return c, func() {}
}

func withSDK(t *testing.T, w *scene, db *sql.DB, transport http.RoundTripper) (client, func()) {
	c, err := byhand.NewSDK(t.Context(), db, w.keys, transport)
	must(t, err)
	ctx, stop := context.WithCancel(context.Background())
	kept := make(chan struct{})
	go func() {
		defer close(kept)
		_ = c.KeepAlive(ctx)
	}()
	return c, func() {
		stop()
		<-kept
		_ = c.Close(ctx) // whose end gives up what is under way
	}
}

func isToken(req *http.Request) bool {
	return strings.HasSuffix(req.URL.Path, "/services/oauth2/token")
}

// changeSecret replaces the app's consumer secret at once, as an admin may.
func (w *scene) changeSecret() {
	instance, token := w.org.AdminSession()
	admin, err := metadata.NewOrg(metadata.OrgConfig{
		HTTPClient: &http.Client{Transport: &oauth2.Transport{
			Source: oauth2.StaticTokenSource(&oauth2.Token{AccessToken: token}), Base: w.org.RoundTripper(),
		}},
		InstanceURL: func(context.Context) (string, error) { return instance, nil },
		Session:     func(context.Context, string) (string, error) { return token, nil }, Version: 66,
	})
	must(w.t, err)
	pkg, err := fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example").New().Package(66)
	must(w.t, err)
	for i, f := range pkg.Files {
		text := strings.Replace(string(f.Data), "</"+globalOAuth+">", "<shouldRotateConsumerSecret>true</shouldRotateConsumerSecret></"+globalOAuth+">", 1)
		pkg.Files[i].Data = []byte(text)
	}
	_, err = admin.Deploy(w.t.Context(), pkg, metadata.DeployOptions{IgnoreWarnings: true})
	must(w.t, err)
}
