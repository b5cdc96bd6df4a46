package fullcast_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"golang.org/x/oauth2"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

const session = "0123456789abcdef, a cookie of the signed-in user"

var main = oauthflow.Key{Tenant: "acme", Name: "main"}

// recorder counts what is sent and to where.
type recorder struct {
	next http.RoundTripper
	said io.Writer           // each URL; what is printed is looked through for secrets
	fail string              // a path whose requests fail
	seen func(*http.Request) // told each request before it is sent; nil for nobody

	mu    sync.Mutex
	quiet bool     // record nothing
	sent  []string // method, host and path; for SOAP the operation
}

func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	fmt.Fprintln(r.said, req.Method, req.URL)
	line := req.Method + " " + req.URL.Host + req.URL.Path
	if strings.Contains(req.URL.Path, "/Soap/") && req.GetBody != nil {
		body, err := req.GetBody()
		if err != nil {
			return nil, err
		}
		b, err := io.ReadAll(body)
		if err != nil {
			return nil, err
		}
		for _, op := range []string{"readMetadata", "listMetadata"} {
			if strings.Contains(string(b), op) {
				line += " " + op
			}
		}
	}
	r.mu.Lock()
	if !r.quiet {
		r.sent = append(r.sent, line)
	}
	r.mu.Unlock()
	if r.seen != nil {
		r.seen(req)
	}
	if r.fail != "" && req.URL.Path == r.fail {
		return nil, errors.New("the network is down")
	}
	return r.next.RoundTrip(req)
}

func (r *recorder) count(part string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for _, s := range r.sent {
		if strings.Contains(s, part) {
			n++
		}
	}
	return n
}

type config = orgtest.Config

// world is an org with the app of the spec deployed, and a connector of the production instance.
type world struct {
	org  *orgtest.Org
	rec  *recorder
	sf   *fullcast.Connector
	host oauthflow.Host

	store tokenstore.Store
	keys  *tokenstore.Keyring

	out  io.Writer
	mu   sync.Mutex
	told map[oauthflow.EventType]int
}

func (w *world) observe(e oauthflow.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	fmt.Fprintf(w.out, "%+v\n", e)
	w.told[e.Type]++
}

func newWorld(t *testing.T, cfg orgtest.Config) *world {
	t.Helper()
	t.Parallel()
	return bubbleWorld(t, cfg)
}

// bubbleWorld is newWorld inside of a bubble, where tests are not parallel.
func bubbleWorld(t *testing.T, cfg orgtest.Config) *world {
	t.Helper()
	org, err := orgtest.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{org: org, rec: &recorder{next: org.RoundTripper(), said: t.Output()}, out: t.Output(), told: map[oauthflow.EventType]int{}}
	w.store = tokenstore.NewMemory()
	if w.keys, err = tokenstore.NewKeyring(tokenstore.GenerateSealingKey("test")); err != nil {
		t.Fatal(err)
	}
	w.sf = w.connector(t, w.store)
	if w.host, err = oauthflow.ParseHost(org.InstanceURL()); err != nil {
		t.Fatal(err)
	}
	return w
}

// connector is another process over a store.
func (w *world) connector(t *testing.T, store tokenstore.Store, change ...func(*fullcast.Config)) *fullcast.Connector {
	t.Helper()
	cfg := fullcast.Config{
		Site: fullcast.Production, Store: store, Keyring: w.keys, Transport: w.rec, Observe: w.observe,
		// What is printed is looked through for secrets.
		Logger: slog.New(slog.NewJSONHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	return opened(t, cfg, change...)
}

// opened returns a connector that is closed at the end of the test.
func opened(t *testing.T, cfg fullcast.Config, change ...func(*fullcast.Config)) *fullcast.Connector {
	t.Helper()
	for _, f := range change {
		f(&cfg)
	}
	sf, err := fullcast.NewConnector(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := sf.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return sf
}

func (w *world) deploy(t *testing.T, spec metadata.AppSpec) {
	t.Helper()
	instance, token := w.org.AdminSession()
	admin, err := metadata.NewOrg(metadata.OrgConfig{
		HTTPClient: &http.Client{Transport: &oauth2.Transport{
			Source: oauth2.StaticTokenSource(&oauth2.Token{AccessToken: token}), Base: w.org.RoundTripper(),
		}},
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

func (w *world) client(t *testing.T, app string) oauthflow.Client {
	t.Helper()
	key, secret, err := w.org.Credentials(app)
	if err != nil {
		t.Fatal(err)
	}
	return oauthflow.Client{Host: w.host, ID: key, Secret: oauthflow.NewSecret(secret)}
}

func (w *world) begin(t *testing.T, c oauthflow.Client) string {
	t.Helper()
	to, err := w.sf.Begin(t.Context(), main, fullcast.BeginOptions{Client: c, Binding: session})
	if err != nil {
		t.Fatal(err)
	}
	return to
}

// approved lets the admin allow access, and returns what reaches the callback page.
func (w *world) approved(t *testing.T, redirect string) oauthflow.Callback {
	t.Helper()
	landed, err := w.org.Approve(t.Context(), redirect)
	if err != nil {
		t.Fatal(err)
	}
	return callback(t, landed)
}

func callback(t *testing.T, landed string) oauthflow.Callback {
	t.Helper()
	u, err := url.Parse(landed)
	if err != nil {
		t.Fatal(err)
	}
	return oauthflow.Callback{Tenant: main.Tenant, Path: u.Path, Binding: session, Query: u.Query()}
}

// login is a whole login, or as much of it as sf gets to; begin is a method of sf.
func (w *world) login(t *testing.T, sf *fullcast.Connector, begin beginner, o fullcast.BeginOptions) (*fullcast.Connection, error) {
	t.Helper()
	o.Binding = session
	to, err := begin(sf, t.Context(), main, o)
	if err != nil {
		return nil, err
	}
	return sf.Complete(t.Context(), w.approved(t, to))
}

type beginner = func(*fullcast.Connector, context.Context, oauthflow.Key, fullcast.BeginOptions) (string, error)

func (w *world) connect(t *testing.T) *fullcast.Connection {
	t.Helper()
	return w.connectTo(t, "Fullcast")
}

func (w *world) connectTo(t *testing.T, app string) *fullcast.Connection {
	t.Helper()
	conn, err := w.sf.Complete(t.Context(), w.approved(t, w.begin(t, w.client(t, app))))
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

// refuse has the next request of the token endpoint answered with a refusal.
func (w *world) refuse(t *testing.T, body string) {
	t.Helper()
	if err := w.org.Inject(orgtest.Fault{
		Path: "/services/oauth2/token", Status: 400, Body: body, Header: http.Header{"Content-Type": {"application/json"}},
	}); err != nil {
		t.Fatal(err)
	}
}

func query(ctx context.Context, conn *fullcast.Connection) (status int, err error) {
	resp, err := conn.Resty().R().SetContext(ctx).SetQueryParam("q", "SELECT Id FROM User").Get("/services/data/v66.0/query")
	if err != nil {
		return 0, err
	}
	return resp.StatusCode(), nil
}

func TestAnOrgIsConnectedCalledCheckedAndDisconnected(t *testing.T) {
	for name, cfg := range map[string]orgtest.Config{
		"without rotation":             {Release: orgtest.Summer26},
		"as Winter '27 makes an app":   {},
		"with rotation":                {RotateRefreshTokens: true},
		"in a sandbox":                 {Sandbox: true},
		"that renews the same session": {SameToken: true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, cfg)
			w.deploy(t, fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example"))
			conn := w.connect(t)
			now, err := conn.Status(t.Context())
			if err != nil || now.OrgID != w.org.ID() || now.Status != oauthflow.StatusActive {
				t.Fatalf("Status() = %+v, %v; want an active connection to org %s", now, err, w.org.ID())
			}
			if status, err := query(t.Context(), conn); status != 200 || err != nil {
				t.Fatalf("a query answers %d, %v", status, err)
			}
			w.org.ExpireSessions()
			if status, err := query(t.Context(), conn); status != 200 || err != nil {
				t.Fatalf("a query after the session has ended answers %d, %v", status, err)
			}
			report, err := conn.Check(t.Context())
			if err != nil || len(report.Findings) != 0 || len(report.Passed) == 0 {
				t.Fatalf("Check() = %v, %v; want no finding and some settings right", report, err)
			}
			again, err := w.sf.Open(t.Context(), main)
			if err != nil {
				t.Fatal(err)
			}
			if status, err := query(t.Context(), again); status != 200 || err != nil {
				t.Fatalf("a query over the opened connection answers %d, %v", status, err)
			}
			if err := w.sf.Disconnect(t.Context(), main); err != nil {
				t.Fatal(err)
			}
			if err := w.sf.Disconnect(t.Context(), main); err != nil {
				t.Errorf("disconnecting again: %v", err)
			}
			_, err = query(t.Context(), again)
			wantError(t, err, oauthflow.KindNotConnected, fullcast.Reauthorize)
			_, err = w.sf.Open(t.Context(), main)
			wantError(t, err, oauthflow.KindNotConnected, fullcast.Reauthorize)
		})
	}
}

func wantError(t *testing.T, err error, kind oauthflow.ErrorKind, remedy fullcast.Remedy) {
	t.Helper()
	var e *fullcast.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want a *fullcast.Error", err)
	}
	var cause *oauthflow.Error
	if !errors.As(err, &cause) || cause.Kind != kind || e.Remedy != remedy {
		t.Errorf("got kind %v with remedy %q, want %q with %q: %v", cause, e.Remedy, kind, remedy, err)
	}
	fmt.Fprintf(t.Output(), "%+v %#v\n", err, e)
	if e.Op == "" || !strings.HasPrefix(err.Error(), "fullcast: ") && !strings.Contains(err.Error(), ": fullcast: ") {
		t.Errorf("the error does not say what failed: %v", err)
	}
}

// existing are the files of an app that an org has from the beginning.
func existing(t *testing.T, app metadata.App) map[string]string {
	t.Helper()
	pkg, err := app.Package(66)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, f := range pkg.Files[1:] { // the first is package.xml
		files[f.Name] = string(f.Data)
	}
	return files
}

func legacyWorld(t *testing.T) (*world, oauthflow.Client, oauthflow.Secret) {
	t.Helper()
	const app = "Fullcast_Motion_Package"
	w := newWorld(t, orgtest.Config{Existing: existing(t, fullcast.ConnectedApp(fullcast.Production, "admin@acme.example").New())})
	c, token := w.legacy(t, app)
	return w, c, token
}

// legacy returns the credentials of a connected app, and a refresh token that its admin has approved.
func (w *world) legacy(t *testing.T, app string) (oauthflow.Client, oauthflow.Secret) {
	t.Helper()
	c := w.client(t, app)
	c.Kind = metadata.KindConnectedApp
	token, err := w.org.UserApproved(app, "admin@acme.example")
	if err != nil {
		t.Fatal(err)
	}
	return c, oauthflow.NewSecret(token)
}

// adopted adopts the connection that a connected app has.
func (w *world) adopted(t *testing.T, app string) *fullcast.Connection {
	t.Helper()
	c, token := w.legacy(t, app)
	conn, err := w.sf.Adopt(t.Context(), main, c, token)
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

func TestAConnectedAppIsAdoptedAndCheckedButNeverBegun(t *testing.T) {
	w, c, token := legacyWorld(t)
	_, err := w.sf.Begin(t.Context(), main, fullcast.BeginOptions{Client: c, Binding: session})
	var e *fullcast.Error
	if !errors.Is(err, fullcast.ErrMigrationRequired) || !errors.As(err, &e) || e.Remedy != fullcast.Migrate {
		t.Errorf("Begin with a connected app: %v, want ErrMigrationRequired", err)
	}
	conn, err := w.sf.Adopt(t.Context(), main, c, token)
	if err != nil {
		t.Fatal(err)
	}
	posts := w.rec.count("/services/oauth2/token")
	if posts != 1 {
		t.Errorf("adopting sent %d token requests, want 1", posts)
	}
	if _, err := w.sf.Adopt(t.Context(), main, c, token); err != nil || w.rec.count("/services/oauth2/token") != posts {
		t.Errorf("adopting again: %v after %d more token requests, want none", err, w.rec.count("/services/oauth2/token")-posts)
	}
	if status, err := query(t.Context(), conn); status != 200 || err != nil {
		t.Fatalf("a query answers %d, %v", status, err)
	}
	report, err := conn.Check(t.Context())
	if err != nil || len(report.Findings) != 0 || len(report.NotVisible) == 0 {
		t.Errorf("Check() = %v, %v; want no finding, and what no metadata holds as not visible", report, err)
	}
}

func TestARefusalCarriesItsRemedy(t *testing.T) {
	type refusal struct {
		name   string
		kind   oauthflow.ErrorKind
		remedy fullcast.Remedy
		body   string
	}
	for _, r := range []refusal{
		{"a revoked grant", oauthflow.KindGrantDead, fullcast.Reauthorize, `{"error":"invalid_grant","error_description":"expired access/refresh token"}`},
		{"an inactive user", oauthflow.KindUserPolicy, fullcast.AdminActivatesUser, `{"error":"invalid_grant","error_description":"inactive user"}`},
		{"an address that is not allowed", oauthflow.KindIPRestricted, fullcast.AdminAllowsAddresses, `{"error":"invalid_grant","error_description":"ip restricted"}`},
		{"a changed secret", oauthflow.KindClient, fullcast.FixConfiguration, `{"error":"invalid_client","error_description":"invalid client credentials"}`},
		{"an app that is gone", oauthflow.KindAppMissing, fullcast.RecreateApp, `{"error":"app_not_found","error_description":"External client app is not installed in this org"}`},
		{"an org that is gone", oauthflow.KindOrgGone, fullcast.AdminConnectsOtherOrg, `{"error":"invalid_grant","error_description":"inactive organization"}`},
		{"an unknown text", oauthflow.KindUnknownAnswer, fullcast.Retry, `{"error":"brand_new","error_description":"never seen"}`},
	} {
		t.Run(r.name, func(t *testing.T) {
			w := newWorld(t, orgtest.Config{})
			w.deploy(t, fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example"))
			conn := w.connect(t)
			w.org.ExpireSessions()
			if err := w.org.Inject(orgtest.Fault{
				Path: "/services/oauth2/token", Status: 400, Body: r.body,
				Header: http.Header{"Content-Type": {"application/json"}},
			}); err != nil {
				t.Fatal(err)
			}
			_, err := query(t.Context(), conn)
			wantError(t, err, r.kind, r.remedy)
		})
	}
}

func TestABrokenConnectedAppMustMigrate(t *testing.T) {
	w, c, token := legacyWorld(t)
	conn, err := w.sf.Adopt(t.Context(), main, c, token)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.org.RevokeAll("Fullcast_Motion_Package"); err != nil {
		t.Fatal(err)
	}
	_, err = query(t.Context(), conn)
	wantError(t, err, oauthflow.KindGrantDead, fullcast.Migrate)
	_, err = conn.TokenSource().Token()
	wantError(t, err, oauthflow.KindGrantDead, fullcast.Migrate)
}

func TestNamesOfNothingAreNoNeedsOfAUser(t *testing.T) {
	_, err := fullcast.NewConnector(fullcast.Config{
		Site: fullcast.Production, PermissionSets: []string{"Fullcast Import", " "}, Packages: []fullcast.InstalledPackage{{}},
	})
	for _, field := range []string{"Config.PermissionSets[1]", "Config.Packages[0].Name"} {
		if err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%v does not name %s", err, field)
		}
	}
}

func TestNewConnectorNamesEveryFieldAtFault(t *testing.T) {
	_, err := fullcast.NewConnector(fullcast.Config{Site: fullcast.Production})
	for _, field := range []string{"Store", "Keyring"} {
		if err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%v does not name %s", err, field)
		}
	}
	if _, err := fullcast.NewConnector(fullcast.Config{Site: "https://app.fullcast.io/"}); err == nil || !strings.Contains(err.Error(), "Site") {
		t.Errorf("%v does not name Site", err)
	}
}

func TestBeginRefusesWhatDoesNotBelongToTheSite(t *testing.T) {
	w := newWorld(t, orgtest.Config{})
	c := oauthflow.Client{Host: w.host, ID: "key", Secret: oauthflow.NewSecret("secret")}
	for name, tt := range map[string]struct {
		remedy  fullcast.Remedy
		options fullcast.BeginOptions
	}{
		"a callback of the other instance": {fullcast.FixCode, fullcast.BeginOptions{Client: c, Binding: session, CallbackURL: "https://sandbox.fullcast.io/app/admin/motion"}},
		"a callback that is none":          {fullcast.FixCode, fullcast.BeginOptions{Client: c, Binding: session, CallbackURL: "https://app.fullcast.io/app/admin/motion/"}},
		"no binding":                       {fullcast.FixCode, fullcast.BeginOptions{Client: c}},
		"no host":                          {fullcast.FixConfiguration, fullcast.BeginOptions{Client: oauthflow.Client{ID: "key", Secret: oauthflow.NewSecret("secret")}, Binding: session}},
		"no consumer key":                  {fullcast.FixConfiguration, fullcast.BeginOptions{Client: oauthflow.Client{Host: w.host, Secret: oauthflow.NewSecret("secret")}, Binding: session}},
		"no consumer secret":               {fullcast.FixConfiguration, fullcast.BeginOptions{Client: oauthflow.Client{Host: w.host, ID: "key"}, Binding: session}},
		"a foreign kind":                   {fullcast.FixCode, fullcast.BeginOptions{Client: oauthflow.Client{Kind: "Named Credential", Host: w.host, ID: "key", Secret: oauthflow.NewSecret("secret")}, Binding: session}},
		"an org id that is none":           {fullcast.FixCode, fullcast.BeginOptions{Client: c, Binding: session, ExpectOrg: "acme"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := w.sf.Begin(t.Context(), main, tt.options)
			var e *fullcast.Error
			if !errors.As(err, &e) || e.Remedy != tt.remedy {
				t.Errorf("got %v, want %q", err, tt.remedy)
			}
		})
	}
	if len(w.rec.sent) != 0 {
		t.Errorf("requests were sent: %v", w.rec.sent)
	}
}

func TestALoginByAnotherOrgThanTheExpectedOneIsRefused(t *testing.T) {
	w := newWorld(t, orgtest.Config{})
	w.deploy(t, fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example"))
	to, err := w.sf.Begin(t.Context(), main, fullcast.BeginOptions{
		Client: w.client(t, "Fullcast"), Binding: session, ExpectOrg: "00DTESTother001",
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.sf.Complete(t.Context(), w.approved(t, to))
	wantError(t, err, oauthflow.KindOrgChanged, fullcast.AdminSignsIn)
	if _, err := w.sf.Open(t.Context(), main); err == nil {
		t.Error("the connection exists all the same")
	}
}
