package fullcast_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/url"

	"golang.org/x/oauth2"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

func Example() {
	ctx := context.Background()
	org := simulatedOrg(ctx) // in production: a customer's org, and no Transport below
	sf, err := fullcast.NewConnector(fullcast.Config{
		Site:      fullcast.Production,
		Store:     oauthflow.NewMemoryStore(), // in production: a database or a directory
		Keys:      sealingKeys(),              // in production: oauthflow.NewKeys with a key from your secret manager
		Transport: org.RoundTripper(),
	})
	check(err)
	defer sf.Close(ctx)

	// The admin has entered the login host, consumer key and consumer secret; the browser goes to Salesforce.
	host, err := oauthflow.ParseHost("https://acme.my.salesforce.com")
	check(err)
	k := oauthflow.Key{Tenant: "acme", Name: "main"}
	consumerKey, consumerSecret := enteredByAdmin(org)
	redirect, err := sf.Begin(ctx, k, fullcast.BeginOptions{
		Client:  oauthflow.Client{Host: host, ID: consumerKey, Secret: oauthflow.NewSecret(consumerSecret)},
		Binding: sessionCookie,
	})
	check(err)

	// The browser comes back to a callback page.
	page := browser(ctx, org, redirect)
	_, err = sf.Complete(ctx, oauthflow.Callback{Tenant: "acme", Path: page.Path, Binding: sessionCookie, Query: page.Query()})
	check(err)

	// From now on, in any process over the same store:
	conn, err := sf.Open(ctx, k)
	check(err)
	var answer struct{ TotalSize int }
	_, err = conn.Resty().R().SetResult(&answer).SetQueryParam("q", "SELECT Id FROM User").Get("/services/data/v66.0/query")
	check(err)
	report, err := conn.Check(ctx)
	check(err)
	fmt.Println(answer.TotalSize, "user,", len(report.Findings), "findings")
	// Output: 1 user, 0 findings
}

const sessionCookie = "a random value in a cookie"

func check(err error) {
	if err != nil {
		log.Panic(err)
	}
}

func sealingKeys() *oauthflow.Keys {
	keys, err := oauthflow.NewKeys(oauthflow.GenerateSealingKey("2026-11"))
	check(err)
	return keys
}

// simulatedOrg is an org whose admin has created the external client app as the instructions say.
func simulatedOrg(ctx context.Context) *orgtest.Org {
	org, err := orgtest.New(orgtest.Config{})
	check(err)
	instance, token := org.AdminSession()
	admin, err := metadata.NewOrg(metadata.OrgConfig{
		HTTPClient: &http.Client{Transport: &oauth2.Transport{
			Source: oauth2.StaticTokenSource(&oauth2.Token{AccessToken: token}), Base: org.RoundTripper(),
		}},
		InstanceURL: func(context.Context) (string, error) { return instance, nil },
		Session:     func(context.Context, string) (string, error) { return token, nil },
		Version:     66,
	})
	check(err)
	pkg, err := fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example").New().Package(66)
	check(err)
	_, err = admin.Deploy(ctx, pkg, metadata.DeployOptions{})
	check(err)
	return org
}

func enteredByAdmin(org *orgtest.Org) (consumerKey, consumerSecret string) {
	consumerKey, consumerSecret, err := org.Credentials("Fullcast")
	check(err)
	return consumerKey, consumerSecret
}

// browser is the admin's browser: it follows the redirect, logs in, allows access, and lands on the callback page.
func browser(ctx context.Context, org *orgtest.Org, redirect string) *url.URL {
	landed, err := org.Approve(ctx, redirect)
	check(err)
	u, err := url.Parse(landed)
	check(err)
	return u
}
