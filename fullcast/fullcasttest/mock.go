package fullcasttest

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/jarcoal/httpmock"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/oauthflow"
)

// Condition changes how a mocked org answers.
type Condition int

const (
	// Rotation makes each refresh return a new refresh token. A second use of an old one ends the grant, as in Salesforce.
	Rotation Condition = iota + 1
	// Refusal makes Salesforce refuse each refresh: the grant was revoked or has expired.
	Refusal
	// EndedSession ends the session of the access token that the next API request carries.
	EndedSession
	// JWT makes new access tokens JWTs. When a JWT has ended, Salesforce answers with other words than for an opaque token.
	JWT
	// MovedHost renames the org's My Domain. The former host redirects all requests to the new host, and all sessions have ended.
	MovedHost
	// RateLimit makes the API refuse requests, because the org has used all its requests of 24 hours.
	RateLimit
)

// The hosts of a mocked org, before and after [MovedHost].
const (
	mockHost  = "acme.my.salesforce.com"
	movedHost = "acme-corp.my.salesforce.com"
)

// Mock is a mocked org. Its answers have the words of Salesforce. It checks the values of the requests: consumer key and secret,
// code and verifier, refresh token, and access token. It is safe for concurrent use.
type Mock struct {
	t      test
	mock   *httpmock.MockTransport
	client oauthflow.Client

	mu         sync.Mutex
	conditions []Condition
	login      url.Values      // the authorize request of the last Login
	code       string          // the code of that login; empty when it is spent
	refresh    string          // the refresh token that works; empty when the grant has ended
	spent      map[string]bool // those that it has replaced
	access     string          // the access token that works
	host       string
}

// Responders registers responders with mock for the token requests of an org: code exchange, refresh, revocation and
// introspection. They answer at the org's My Domain and at login.salesforce.com. The conditions hold from the beginning;
// [Mock.Set] changes them. Register the API calls of the tested code with [Mock.API].
//
// For the transport of httpmock.Activate, give httpmock.DefaultTransport.
func Responders(t T, mock *httpmock.MockTransport, conditions ...Condition) *Mock {
	tb := testOf(t)
	tb.Helper()
	host, err := oauthflow.ParseHost(mockHost)
	if err != nil {
		tb.Fatalf("fullcasttest: %v", err)
	}
	m := &Mock{
		t: tb, mock: mock, host: mockHost, refresh: secretText("5Aep861"), spent: map[string]bool{},
		client: oauthflow.Client{
			Kind: metadata.KindExternalClientApp, Host: host, ID: "3MVG9" + rand.Text(), Secret: oauthflow.NewSecret(rand.Text()),
		},
	}
	m.Set(conditions...)
	for _, h := range []string{mockHost, movedHost, "login.salesforce.com"} {
		m.register(http.MethodPost, h, "/services/oauth2/token", m.token)
		m.register(http.MethodPost, h, "/services/oauth2/introspect", m.introspect)
		m.register(http.MethodPost, h, "/services/oauth2/revoke", m.revoke)
		m.register(http.MethodGet, h, "/.well-known/openid-configuration", func(*http.Request) answer { return answer{status: http.StatusNotFound} })
	}
	return m
}

// Set replaces the conditions from now on. Without conditions, every request succeeds. EndedSession holds for one request. A
// renamed My Domain stays renamed.
func (m *Mock) Set(conditions ...Condition) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.conditions = slices.Clone(conditions)
	if m.has(MovedHost) && m.host != movedHost {
		m.host, m.access = movedHost, ""
	}
}

// API registers responder for requests of a method for a path, such as "/services/data/v66.0/query", with any query. The
// responder is only called for requests that carry the access token. Other requests are refused as Salesforce refuses them.
func (m *Mock) API(method, path string, responder httpmock.Responder) {
	for _, h := range []string{mockHost, movedHost} {
		m.mock.RegisterResponder(method, "https://"+h+path, func(req *http.Request) (*http.Response, error) {
			if a := m.api(req); a != nil {
				return a.response(req), nil
			}
			return responder(req)
		})
	}
}

// Config returns the configuration of a Connector for the Site fullcast.Production, with the mock as Transport; see [Org.Config].
func (m *Mock) Config() fullcast.Config {
	m.t.Helper()
	return newConfig(m.t, fullcast.Production, m.mock)
}

// Client returns the login host, the consumer key and the consumer secret of the app.
func (m *Mock) Client() oauthflow.Client { return m.client }

// RefreshToken returns the refresh token that is valid now, for fullcast.Connector.Adopt. It is empty after the grant has ended.
func (m *Mock) RefreshToken() oauthflow.Secret {
	m.mu.Lock()
	defer m.mu.Unlock()
	return oauthflow.NewSecret(m.refresh)
}

// Login does what the admin's browser does at Salesforce; see [Org.Login]. The mocked org only reads the parts of the request
// that the code exchange must repeat.
func (m *Mock) Login(redirect string) *url.URL {
	m.t.Helper()
	u, err := url.Parse(redirect)
	if err != nil {
		m.t.Fatalf("fullcasttest: %v", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.login, m.code = u.Query(), secretText("aPrx4sgo")
	page, err := url.Parse(m.login.Get("redirect_uri"))
	if err != nil {
		m.t.Fatalf("fullcasttest: %v", err)
	}
	page.RawQuery = url.Values{"code": {m.code}, "state": {m.login.Get("state")}}.Encode()
	return page
}

// has reports whether a condition holds. The caller holds the lock.
func (m *Mock) has(c Condition) bool { return slices.Contains(m.conditions, c) }

// lift ends a condition. The caller holds the lock.
func (m *Mock) lift(c Condition) bool {
	i := slices.Index(m.conditions, c)
	if i >= 0 {
		m.conditions = slices.Delete(m.conditions, i, i+1)
	}
	return i >= 0
}

func secretText(prefix string) string { return prefix + rand.Text() }

// challenge is what an authorize request says of a verifier. Source: RFC 7636 §4.2.
func challenge(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// bearer returns the access token of a request.
func bearer(req *http.Request) string {
	token, _ := strings.CutPrefix(req.Header.Get("Authorization"), "Bearer ")
	return token
}
