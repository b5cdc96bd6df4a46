package fullcast_test

import (
	"context"
	"fmt"
	"log"
	"net/url"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

func Example() {
	ctx := context.Background()
	org := simulatedOrg() // in production: a customer's org, and no Transport below

	keys, err := oauthflow.NewKeys(oauthflow.GenerateSealingKey("2026-11")) // in production: a key that you keep
	check(err)
	sf, err := fullcast.NewConnector(fullcast.Config{
		Site:      fullcast.Production,
		Store:     oauthflow.NewMemoryStore(), // in production: filestore, sqlstore, redisstore or one of your own
		Keys:      keys,
		Transport: org.RoundTripper(),
	})
	check(err)
	defer sf.Close(ctx)

	// The admin enters login host, consumer key and consumer secret; the browser is sent to Salesforce.
	host, err := oauthflow.ParseHost("https://acme.my.salesforce.com")
	check(err)
	k := oauthflow.Key{Tenant: "acme", Name: "main"}
	consumerKey, consumerSecret, err := org.Credentials("Fullcast") // in production: what the admin has entered
	check(err)
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

// simulatedOrg is the org of a customer whose admin has made the app as the instructions say.
func simulatedOrg() *orgtest.Org {
	pkg, err := fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example").New().Package(66)
	check(err)
	files := map[string]string{}
	for _, f := range pkg.Files {
		files[f.Name] = string(f.Data)
	}
	org, err := orgtest.New(orgtest.Config{Existing: files, RotateRefreshTokens: true})
	check(err)
	return org
}

// browser is the admin's: it follows the redirect, logs in, allows access and lands on a callback page.
func browser(ctx context.Context, org *orgtest.Org, redirect string) *url.URL {
	landed, err := org.Approve(ctx, redirect)
	check(err)
	page, err := url.Parse(landed)
	check(err)
	return page
}
