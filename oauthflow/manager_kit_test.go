package oauthflow_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

const (
	callbackPath   = "/app/admin/motion"
	callbackURL    = "https://app.fullcast.io" + callbackPath
	appName        = "Fullcast"
	browser        = "a-cookie-of-the-signed-in-user"
	tokenEndpoint  = "/services/oauth2/token"
	revokeEndpoint = "/services/oauth2/revoke"
)

var mainKey = oauthflow.Key{Tenant: "acme", Name: "main"}

// world is an org with the app, a store that outlives managers, and a count of what was sent.
type world struct {
	t       *testing.T
	org     *orgtest.Org
	store   tokenstore.Store
	keys    *tokenstore.Keyring
	sealing tokenstore.SealingKey
	wire    *wiretap
	user    string

	adopted oauthflow.Secret // a refresh token that a test has adopted
}

func newWorld(t *testing.T, cfg orgtest.Config) *world {
	t.Helper()
	existing := installedApp()
	maps.Copy(existing, cfg.Existing)
	cfg.Existing = existing
	if cfg.MyDomain == "" {
		cfg.MyDomain = "acme"
	}
	org, err := orgtest.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	sealing := tokenstore.GenerateSealingKey("k1")
	keys, err := tokenstore.NewKeyring(sealing)
	if err != nil {
		t.Fatal(err)
	}
	return &world{
		t: t, org: org, store: tokenstore.NewMemory(), keys: keys, sealing: sealing, wire: &wiretap{base: org.RoundTripper(), said: t.Output()},
		user: "admin@acme.example",
	}
}

// rotating is an org whose refresh tokens are good for one use.
func rotating(t *testing.T) *world { return newWorld(t, orgtest.Config{RotateRefreshTokens: true}) }

func installedApp() map[string]string { return appFiles(appName) }

// appFiles is the metadata of an app of that name.
func appFiles(name string) map[string]string {
	const ns = ` xmlns="http://soap.sforce.com/2006/04/metadata"`
	wrap := func(typ, body string) string { return "<" + typ + ns + ">" + body + "</" + typ + ">" }
	of := "<externalClientApplication>" + name + "</externalClientApplication>"
	return map[string]string{
		"externalClientApps/" + name + ".eca": wrap("ExternalClientApplication",
			"<contactEmail>a@acme.example</contactEmail><distributionState>Local</distributionState><label>"+name+"</label>"),
		"extlClntAppOauthSettings/" + name + "_oauth.ecaOauth": wrap("ExtlClntAppOauthSettings",
			"<commaSeparatedOauthScopes>OpenID, Basic, Api, Web, Full, RefreshToken</commaSeparatedOauthScopes>"+of),
		"extlClntAppGlobalOauthSets/" + name + "_glbloauth.ecaGlblOauth": wrap("ExtlClntAppGlobalOauthSettings",
			"<callbackUrl>"+callbackURL+"</callbackUrl>"+of+"<isConsumerSecretOptional>false</isConsumerSecretOptional>"+
				"<isPkceRequired>true</isPkceRequired><isSecretRequiredForRefreshToken>true</isSecretRequiredForRefreshToken>"),
		"extlClntAppOauthPolicies/" + name + "_oauthPlcy.ecaOauthPlcy": wrap("ExtlClntAppOauthConfigurablePolicies",
			of+"<ipRelaxationPolicyType>Enforce_RelaxRefresh</ipRelaxationPolicyType>"+
				"<permittedUsersPolicyType>AllSelfAuthorized</permittedUsersPolicyType><refreshTokenPolicyType>Infinite</refreshTokenPolicyType>"),
		"extlClntAppPolicies/" + name + "_plcy.ecaPlcy": wrap("ExtlClntAppConfigurablePolicies",
			of+"<isEnabled>true</isEnabled><startPage>None</startPage>"),
	}
}

// client is the app as its admin made it, on the generic login host.
func (w *world) client() oauthflow.Client { return w.clientOf(appName) }

func (w *world) clientOf(app string) oauthflow.Client {
	w.t.Helper()
	key, secret, err := w.org.Credentials(app)
	if err != nil {
		w.t.Fatal(err)
	}
	host, err := oauthflow.ParseHost(w.org.LoginHost())
	if err != nil {
		w.t.Fatal(err)
	}
	return oauthflow.Client{Host: host, ID: key, Secret: oauthflow.NewSecret(secret)}
}

// loudly is a logger at debug level: what is printed is looked through for secrets.
func loudly(t testing.TB) *slog.Logger {
	return slog.New(slog.NewJSONHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// manager returns a Manager over the world's store, which is closed at the end.
func (w *world) manager(change ...func(*oauthflow.ManagerConfig)) *oauthflow.Manager {
	w.t.Helper()
	cfg := oauthflow.ManagerConfig{
		Store: w.store, Keyring: w.keys, Environment: "test", Flow: w.flow(w.wire), Logger: loudly(w.t),
		Observe: func(e oauthflow.Event) { fmt.Fprintf(w.t.Output(), "%+v\n", e) },
	}
	for _, f := range change {
		f(&cfg)
	}
	m, err := oauthflow.NewManager(cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		patience := 10 * time.Minute
		if w.t.Failed() {
			patience = 5 * time.Second // a result that cannot be saved, as when the store is down, is tried for ever
		}
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := m.Close(ctx); err != nil {
			w.t.Errorf("Close: %v", err)
		}
	})
	return m
}

func (w *world) flow(rt http.RoundTripper) *oauthflow.Flow {
	w.t.Helper()
	f, err := oauthflow.NewFlow(oauthflow.Config{RedirectURLs: []string{callbackURL}, Transport: rt})
	if err != nil {
		w.t.Fatal(err)
	}
	return f
}

// begin starts a login and has the user allow it; what comes back is the callback that reaches the page.
func (w *world) begin(m *oauthflow.Manager, k oauthflow.Key) oauthflow.Callback {
	w.t.Helper()
	return w.beginWith(m, k, w.client())
}

func (w *world) beginWith(m *oauthflow.Manager, k oauthflow.Key, c oauthflow.Client) oauthflow.Callback {
	w.t.Helper()
	redirect, err := m.Begin(w.t.Context(), k, c, browser, oauthflow.AuthorizeOptions{LoginHint: w.user})
	if err != nil {
		w.t.Fatal(err)
	}
	return w.approve(k, redirect)
}

func (w *world) approve(k oauthflow.Key, redirect string) oauthflow.Callback {
	w.t.Helper()
	back, err := w.org.Approve(w.t.Context(), redirect)
	if err != nil {
		w.t.Fatal(err)
	}
	u, err := url.Parse(back)
	if err != nil {
		w.t.Fatal(err)
	}
	return oauthflow.Callback{Tenant: k.Tenant, Path: u.Path, Binding: browser, Query: u.Query()}
}

func (w *world) connect(m *oauthflow.Manager, k oauthflow.Key) oauthflow.Connection {
	w.t.Helper()
	c, err := m.Complete(w.t.Context(), w.begin(m, k))
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// token is what the source hands out now.
func (w *world) token(s *oauthflow.Source) string {
	w.t.Helper()
	tok, err := s.TokenContext(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return tok.AccessToken
}

// alive reports whether the org accepts an access token.
func (w *world) alive(access string) bool {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, w.org.InstanceURL()+"/services/data/v66.0/limits", nil)
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+access)
	resp, err := w.org.RoundTripper().RoundTrip(req)
	if err != nil {
		w.t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode != http.StatusUnauthorized
}

// events counts entries of the org's ledger, the simulator's own account of what happened.
func (w *world) events(event, outcome string) int {
	n := 0
	for _, e := range w.org.Ledger() {
		if e.Event == event && (outcome == "" || e.Outcome == outcome) {
			n++
		}
	}
	return n
}

func (w *world) wantEvents(event, outcome string, want int) {
	w.t.Helper()
	if got := w.events(event, outcome); got != want {
		w.t.Errorf("the org's ledger holds %d entries %q %q, want %d", got, event, outcome, want)
	}
}

// wiretap counts token requests by grant type and lets a test stand on the wire.
type wiretap struct {
	base http.RoundTripper
	said io.Writer // each URL; what is printed is looked through for secrets

	mu      sync.Mutex
	posts   map[string]int
	revoked []string                                     // tokens, in the order in which their revocation was asked for
	before  func(*http.Request) error                    // may hold or refuse a request of the token endpoint
	after   func(*http.Response) (*http.Response, error) // may hold or replace its answer
}

func (w *wiretap) RoundTrip(req *http.Request) (*http.Response, error) {
	fmt.Fprintln(w.said, req.Method, req.URL)
	if req.URL.Path != tokenEndpoint && req.URL.Path != revokeEndpoint {
		return w.base.RoundTrip(req)
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	if w.posts == nil {
		w.posts = map[string]int{}
	}
	req = req.Clone(req.Context())
	req.Body = io.NopCloser(bytes.NewReader(body))
	if req.URL.Path == revokeEndpoint {
		w.revoked = append(w.revoked, form.Get("token"))
		w.mu.Unlock()
		return w.base.RoundTrip(req)
	}
	w.posts[form.Get("grant_type")]++
	before, after := w.before, w.after
	w.mu.Unlock()
	if before != nil {
		if err := before(req); err != nil {
			return nil, err
		}
	}
	resp, err := w.base.RoundTrip(req)
	if err == nil && after != nil {
		resp, err = after(resp)
	}
	return resp, err
}

func (w *wiretap) refreshes() int { return w.count("refresh_token") }
func (w *wiretap) exchanges() int { return w.count("authorization_code") }

// revokes reports whether the revocation of a token was asked for.
func (w *wiretap) revokes(token string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Contains(w.revoked, token)
}

func (w *wiretap) count(grantType string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.posts[grantType]
}

func (w *wiretap) tap(before func(*http.Request) error, after func(*http.Response) (*http.Response, error)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.before, w.after = before, after
}

// hooked is a store whose calls a test can watch, hold, refuse or follow.
type hooked struct {
	tokenstore.Store

	mu   sync.Mutex
	load func(id string) error                            // instead of the load when it returns an error
	save func(r tokenstore.Record, do func() error) error // around the save
}

func (h *hooked) hooks() (func(string) error, func(tokenstore.Record, func() error) error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.load, h.save
}

func (h *hooked) onLoad(f func(string) error) { h.mu.Lock(); h.load = f; h.mu.Unlock() }

func (h *hooked) onSave(f func(tokenstore.Record, func() error) error) {
	h.mu.Lock()
	h.save = f
	h.mu.Unlock()
}

func (h *hooked) Load(ctx context.Context, id string) (tokenstore.Record, error) {
	if f, _ := h.hooks(); f != nil {
		if err := f(id); err != nil {
			return tokenstore.Record{}, err
		}
	}
	return h.Store.Load(ctx, id)
}

func (h *hooked) Save(ctx context.Context, r tokenstore.Record) error {
	do := func() error { return h.Store.Save(ctx, r) }
	if _, f := h.hooks(); f != nil {
		return f(r, do)
	}
	return do()
}

// busyWords is a refusal of Salesforce's own, which a gateway's is not.
const busyWords = `{"error":"rate_limit_exceeded","error_description":"too many requests"}`

var errStoreDown = errors.New("the disk is on fire")

// wantKind fails the test unless err is an oauthflow.Error of the kind.
func wantKind(t *testing.T, err error, kind oauthflow.ErrorKind) *oauthflow.Error {
	t.Helper()
	var e *oauthflow.Error
	if !errors.As(err, &e) {
		t.Fatalf("got error %v (%T), want an oauthflow.Error of kind %q", err, err, kind)
	}
	if e.Kind != kind {
		t.Fatalf("got kind %q (%v), want %q", e.Kind, err, kind)
	}
	return e
}

func isConnection(id string) bool { return strings.HasPrefix(id, "connection/") }

func join(words []string) string { return strings.Join(words, " ") }
