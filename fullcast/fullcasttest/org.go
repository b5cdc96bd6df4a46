package fullcasttest

import (
	"context"
	"crypto/rand"
	"maps"
	"net/http"
	"net/url"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// T has the method of *testing.T that this package needs. In an Example, which has no *testing.T, use a *log.Logger.
type T interface {
	Fatalf(format string, args ...any)
}

// test is a T that can name the line of the test in a failure, where it is a *testing.T.
type test interface {
	T
	Helper()
}

func testOf(t T) test {
	if t, ok := t.(test); ok {
		return t
	}
	return noTest{t}
}

type noTest struct{ T }

func (noTest) Helper() {}

// Org is the simulated org of a customer. Its admin has created the app by the instructions. To act on the org, use the methods
// of the embedded orgtest.Org, such as ExpireSessions, Inject or Ledger.
type Org struct {
	*orgtest.Org
	t             test
	site          fullcast.Site
	administrator string // user name
}

// Option changes an org of [NewOrg].
type Option func(*plan)

// plan is an org before it is made.
type plan struct {
	config orgtest.Config
	specs  []metadata.AppSpec
	site   fullcast.Site
}

// NewOrg returns an org with the external client app for a Site. The default is a production org at
// https://acme.my.salesforce.com, of the newest release, with one administrator. Each refresh replaces the refresh token, as for
// apps of that release.
func NewOrg(t T, site fullcast.Site, options ...Option) *Org {
	tb := testOf(t)
	tb.Helper()
	p := plan{site: site, config: orgtest.Config{RotateRefreshTokens: true}}
	p.specs = []metadata.AppSpec{fullcast.ExternalClientApp(site, contact)}
	for _, o := range options {
		o(&p)
	}
	files := map[string]string{}
	maps.Copy(files, p.config.Existing)
	for _, spec := range p.specs {
		pkg, err := spec.New().Package(fullcast.APIVersion)
		if err != nil {
			tb.Fatalf("fullcasttest: %v", err)
		}
		for _, f := range pkg.Files {
			files[f.Name] = string(f.Data)
		}
	}
	p.config.Existing = files
	org, err := orgtest.New(p.config)
	if err != nil {
		tb.Fatalf("fullcasttest: %v", err)
	}
	administrator := contact
	if users := p.config.Users; len(users) > 0 {
		administrator = users[0].Username
	}
	return &Org{org, tb, site, administrator}
}

// contact is the app's contact, and the user name of the administrator of an org whose users are not configured.
const contact = "admin@acme.example"

// Config changes the configuration of the simulator, for example its users, its My Domain or a session timeout. Metadata in
// Existing are added to the app.
func Config(change func(*orgtest.Config)) Option {
	return func(p *plan) { change(&p.config) }
}

// ConnectedApp adds the connected app of older connections; see [Org.FormerConnection].
func ConnectedApp() Option {
	return func(p *plan) { p.specs = append(p.specs, fullcast.ConnectedApp(p.site, contact)) }
}

// Config returns the configuration of a Connector: the Site, a memory store, a sealing key of its own, and the org as Transport.
// Change the fields that your test is about. If several Connectors stand for processes of one service, give them the same Config.
func (o *Org) Config() fullcast.Config {
	o.t.Helper()
	return newConfig(o.t, o.site, o.RoundTripper())
}

// Client returns the values that the admin enters in the service: the login host, and the consumer key and consumer secret of the
// external client app.
func (o *Org) Client() oauthflow.Client {
	o.t.Helper()
	return o.client(fullcast.ExternalClientApp(o.site, ""))
}

// FormerConnection returns the values that older software has stored of a connection with the connected app, for
// fullcast.Connector.Adopt. Each call is one more approval by the org's administrator. The org needs the option [ConnectedApp].
func (o *Org) FormerConnection() (client oauthflow.Client, refreshToken oauthflow.Secret) {
	o.t.Helper()
	spec := fullcast.ConnectedApp(o.site, "")
	client = o.client(spec)
	token, err := o.UserApproved(spec.APIName, o.administrator)
	if err != nil {
		o.t.Fatalf("fullcasttest: %v", err)
	}
	return client, oauthflow.NewSecret(token)
}

func (o *Org) client(spec metadata.AppSpec) oauthflow.Client {
	o.t.Helper()
	host, err := oauthflow.ParseHost(o.InstanceURL())
	if err != nil {
		o.t.Fatalf("fullcasttest: %v", err)
	}
	key, secret, err := o.Credentials(spec.APIName)
	if err != nil {
		o.t.Fatalf("fullcasttest: %v", err)
	}
	return oauthflow.Client{Kind: spec.Kind, Host: host, ID: key, Secret: oauthflow.NewSecret(secret)}
}

// Login does what the admin's browser does at Salesforce. It follows a redirect of fullcast.Connector.Begin, logs in, and allows
// access. It returns the URL of the callback page, with its query. The user is the one of LoginHint, or the administrator if
// there is none.
func (o *Org) Login(ctx context.Context, redirect string) *url.URL {
	o.t.Helper()
	landed, err := o.Approve(ctx, redirect)
	if err != nil {
		o.t.Fatalf("fullcasttest: %v", err)
	}
	page, err := url.Parse(landed)
	if err != nil {
		o.t.Fatalf("fullcasttest: %v", err)
	}
	return page
}

// Connect creates the connection k. The administrator logs in, from fullcast.Connector.Begin to fullcast.Connector.Complete.
func (o *Org) Connect(ctx context.Context, sf *fullcast.Connector, k oauthflow.Key) *fullcast.Connection {
	o.t.Helper()
	binding := rand.Text()
	redirect, err := sf.Begin(ctx, k, fullcast.BeginOptions{Client: o.Client(), Binding: binding})
	if err != nil {
		o.t.Fatalf("fullcasttest: %v", err)
	}
	page := o.Login(ctx, redirect)
	conn, err := sf.Complete(ctx, oauthflow.Callback{Tenant: k.Tenant, Path: page.Path, Binding: binding, Query: page.Query()})
	if err != nil {
		o.t.Fatalf("fullcasttest: %v", err)
	}
	return conn
}

// newConfig is the configuration of a test's Connector over a transport.
func newConfig(t test, site fullcast.Site, transport http.RoundTripper) fullcast.Config {
	t.Helper()
	keys, err := tokenstore.NewKeyring(tokenstore.GenerateSealingKey("test"))
	if err != nil {
		t.Fatalf("fullcasttest: %v", err)
	}
	return fullcast.Config{Site: site, Store: tokenstore.NewMemory(), Keyring: keys, Transport: transport}
}
