// Quickstart connects a Salesforce org from beginning to end: app, check, login, API call, an ended session, a policy
// that somebody changes, and goodbye. It needs nothing: the org is a simulated one, in this process.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"

	"golang.org/x/oauth2"

	"github.com/fullcast/sfauth/examples/internal/outcome"
	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
	"github.com/fullcast/sfauth/policy"
)

func main() {
	err := run(context.Background(), os.Args[1:], os.Stdout)
	os.Exit(outcome.Report(os.Stderr, "quickstart", err))
}

func run(ctx context.Context, args []string, out io.Writer) error {
	if len(args) > 0 && (args[0] == "-h" || args[0] == "-help" || args[0] == "--help") {
		fmt.Fprintln(out, "quickstart   the life of a connection, as a story; it takes no flags, needs nothing, and keeps nothing")
		return nil
	}
	if len(args) > 0 {
		return outcome.Input("%q: it takes no flags and no arguments", args[0])
	}
	s := &story{out: out}
	org, err := orgtest.New(orgtest.Config{})
	if err != nil {
		return err
	}
	server, err := org.Start()
	if err != nil {
		return err
	}
	defer server.Close()
	s.print("Fullcast, a sales planning service, works with data in its customers' Salesforce orgs. Each customer's admin")
	s.print("creates an \"external client app\" in the org, which lets Fullcast in. This is the life of one such connection;")
	s.print("org, admin and browser are simulated, in this process. All else is what a service does.")
	s.say("A Salesforce org", "A customer's org answers at %s.", org.InstanceURL())

	spec := fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example")
	admin, err := adminOf(org, server.Transport())
	if err != nil {
		return err
	}
	if err := s.deploy(ctx, admin, spec); err != nil {
		return err
	}
	app, err := admin.Read(ctx, spec.Kind, spec.APIName)
	if err != nil {
		return err
	}
	rules := policy.Baseline(fullcast.ExternalClientApp(fullcast.Production, "")) // any contact address is right
	report := policy.Check(policy.Subject{App: app, Version: apiVersion}, rules...)
	s.note("Read back and compared with the instructions: %d findings, %d settings right.", len(report.Findings), len(report.Passed))

	keys, err := tokenstore.NewKeyring(tokenstore.GenerateSealingKey("quickstart"))
	if err != nil {
		return err
	}
	events := make(chan oauthflow.Event, 16)
	sf, err := fullcast.NewConnector(fullcast.Config{
		Site: fullcast.Production, Store: tokenstore.NewMemory(), Keyring: keys, Transport: server.Transport(),
		Observe: func(e oauthflow.Event) { events <- e },
	})
	if err != nil {
		return err
	}
	defer sf.Close(ctx)
	conn, err := s.connect(ctx, sf, org, spec.APIName)
	if err != nil {
		return err
	}
	users, err := countUsers(ctx, conn)
	if err != nil {
		return err
	}
	s.say("Call", "A query over the connection: the org has %d user.", users)

	org.ExpireSessions()
	if users, err = countUsers(ctx, conn); err != nil {
		return err
	}
	s.say("A session ends", "All sessions of the org have ended. The same query again: %d user.", users)
	for e := range events {
		if e.Type == oauthflow.EventRefreshed {
			s.note("Nobody noticed: the access token was refreshed on the way (event %q).", e.Type)
			break
		}
	}

	if admin, err = adminOf(org, server.Transport()); err != nil { // the admin's session has ended, too
		return err
	}
	if err := s.driftAndCorrect(ctx, org, admin, conn, spec); err != nil {
		return err
	}
	if err := sf.Disconnect(ctx, conn.Key()); err != nil {
		return err
	}
	_, err = sf.Open(ctx, conn.Key())
	var cause *oauthflow.Error
	if !errors.As(err, &cause) || cause.Kind != oauthflow.KindNotConnected {
		return fmt.Errorf("the connection outlived its end: %v", err)
	}
	s.say("Goodbye", "Disconnected: Salesforce has revoked the tokens, the store has forgotten them.\n   Opening it now says: %s", cause.Sentence())
	return nil
}

const apiVersion = fullcast.APIVersion

// adminOf is what an admin's tooling has on a real org, too: SF_INSTANCE_URL and SF_ACCESS_TOKEN.
func adminOf(org *orgtest.Org, transport http.RoundTripper) (*metadata.Org, error) {
	instance, token := org.AdminSession()
	source := oauth2.StaticTokenSource(&oauth2.Token{AccessToken: token})
	return metadata.NewOrg(metadata.OrgConfig{
		HTTPClient:  &http.Client{Transport: &oauth2.Transport{Source: source, Base: transport}},
		InstanceURL: func(context.Context) (string, error) { return instance, nil },
		Session:     func(context.Context, string) (string, error) { return token, nil },
		Version:     apiVersion,
	})
}

func (s *story) deploy(ctx context.Context, admin *metadata.Org, spec metadata.AppSpec) error {
	pkg, err := spec.New().Package(apiVersion)
	if err != nil {
		return err
	}
	result, err := admin.Deploy(ctx, pkg, metadata.DeployOptions{})
	if err != nil {
		return err
	}
	s.say("The app", "The external client app %q is written as %d metadata files and deployed: %s.", spec.Name, len(pkg.Files)-1, result.Status) // the other is package.xml
	return nil
}

func (s *story) connect(ctx context.Context, sf *fullcast.Connector, org *orgtest.Org, app string) (*fullcast.Connection, error) {
	consumerKey, consumerSecret, err := org.Credentials(app) // what Setup shows the admin
	if err != nil {
		return nil, err
	}
	host, err := oauthflow.ParseHost(org.InstanceURL())
	if err != nil {
		return nil, err
	}
	session := rand.Text() // stands for a cookie of the signed-in user
	redirect, err := sf.Begin(ctx, oauthflow.Key{Tenant: "acme", Name: "main"}, fullcast.BeginOptions{
		Client:  oauthflow.Client{Host: host, ID: consumerKey, Secret: oauthflow.NewSecret(consumerSecret)},
		Binding: session,
	})
	if err != nil {
		return nil, err
	}
	landed, err := org.Approve(ctx, redirect) // the admin's browser: log in, Allow
	if err != nil {
		return nil, err
	}
	page, err := url.Parse(landed)
	if err != nil {
		return nil, err
	}
	conn, err := sf.Complete(ctx, oauthflow.Callback{Tenant: "acme", Path: page.Path, Binding: session, Query: page.Query()})
	if err != nil {
		return nil, err
	}
	now, err := conn.Status(ctx)
	if err != nil {
		return nil, err
	}
	s.say("Connect", "The admin was sent to Salesforce with a proof key (PKCE) and allowed access; the browser came back to\n   %s%s.", page.Host, page.Path)
	s.note("Connected to org %s as user %s; the tokens are stored encrypted.", now.OrgID, now.UserID)
	return conn, nil
}

// countUsers asks the org. A refusal by Salesforce is an error, too: a *fullcast.Error whose Remedy says what to do.
func countUsers(ctx context.Context, conn *fullcast.Connection) (int, error) {
	var answer struct{ TotalSize int }
	_, err := conn.Resty().R().SetContext(ctx).SetResult(&answer).
		SetQueryParam("q", "SELECT Id FROM User").Get("/services/data/v" + fullcast.APIVersion.String() + "/query")
	return answer.TotalSize, err
}

// driftAndCorrect has somebody click in Setup, finds it, and deploys the listed settings again.
func (s *story) driftAndCorrect(ctx context.Context, org *orgtest.Org, admin *metadata.Org, conn *fullcast.Connection, spec metadata.AppSpec) error {
	if err := org.SetAppField("ExtlClntAppOauthConfigurablePolicies", "Fullcast_oauthPlcy", "refreshTokenPolicyType", "Zero"); err != nil {
		return err
	}
	report, err := conn.Check(ctx)
	if err != nil {
		return err
	}
	s.say("Somebody changes a policy", "An admin has clicked in Setup. The check over the connection says:")
	s.print("\n" + indent(report.String()))
	live, err := admin.Read(ctx, spec.Kind, spec.APIName)
	if err != nil {
		return err
	}
	pkg, err := spec.Merge(live).Package(apiVersion)
	if err != nil {
		return err
	}
	if _, err := admin.Deploy(ctx, pkg, metadata.DeployOptions{}); err != nil {
		return err
	}
	if report, err = conn.Check(ctx); err != nil {
		return err
	}
	s.note("Merged into the app as it is and deployed again: %d findings.", len(report.Findings))
	return nil
}
