package fullcast_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/fullcast/fullcasttest"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

func Example() {
	ctx := context.Background()
	org := fullcasttest.NewOrg(log.Default(), fullcast.Production) // in production: a customer's org, and no Transport below

	keys, err := tokenstore.NewKeyring(tokenstore.GenerateSealingKey("2026-11")) // in production: a key that you keep
	check(err)
	sf, err := fullcast.NewConnector(fullcast.Config{
		Site:      fullcast.Production,
		Store:     tokenstore.NewMemory(), // in production: filestore, sqlstore, redisstore or one of your own
		Keyring:   keys,
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
	login, err := sf.Connect(ctx, k, fullcast.BeginOptions{ // begins, reconnects or migrates, by what is stored of k
		Client:  oauthflow.Client{Host: host, ID: consumerKey, Secret: oauthflow.NewSecret(consumerSecret)},
		Binding: sessionCookie,
	})
	check(err)

	// The browser comes back to a callback page.
	page := org.Login(ctx, login.Redirect) // the admin's browser: it follows the redirect, logs in and allows access
	_, err = sf.Complete(ctx, oauthflow.Callback{Tenant: "acme", Path: page.Path, Binding: sessionCookie, Query: page.Query()})
	check(err)

	// From now on, in any process over the same store:
	conn, err := sf.Open(ctx, k)
	check(err)
	var answer struct{ TotalSize int }
	_, err = conn.Resty().R().SetResult(&answer).SetQueryParam("q", "SELECT Id FROM User").Get("/services/data/v" + fullcast.APIVersion.String() + "/query")
	if e := (*fullcast.Error)(nil); errors.As(err, &e) && e.Actor() == fullcast.ActorAdmin { // Salesforce refuses the call
		fmt.Println("To the org's admin:", sf.ForAdmin(err))
	}
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
