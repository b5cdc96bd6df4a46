package fullcast_test

import (
	"context"
	"fmt"
	"log"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/fullcast/fullcasttest"
	"github.com/fullcast/sfauth/oauthflow"
)

// One handler serves the connect form, for a first login and for a repeated one.
func ExampleConnector_Connect() {
	ctx := context.Background()
	org := fullcasttest.NewOrg(log.Default(), fullcast.Production, fullcasttest.ConnectedApp())
	sf, err := fullcast.NewConnector(org.Config())
	check(err)
	defer sf.Close(ctx)
	connect := func(entered oauthflow.Client) {
		login, err := sf.Connect(ctx, acme, fullcast.BeginOptions{Client: entered, Binding: sessionCookie})
		check(err)
		page := org.Login(ctx, login.Redirect) // the browser, which the handler sends to login.Redirect
		conn, err := sf.Complete(ctx, oauthflow.Callback{Tenant: "acme", Path: page.Path, Binding: sessionCookie, Query: page.Query()})
		check(err)
		fmt.Println(login.Choice, "-", conn.Kind())
	}

	former, refreshToken := org.FormerConnection()
	_, err = sf.Adopt(ctx, acme, former, refreshToken)
	check(err)
	connect(org.Client())       // the admin has made the external client app
	connect(oauthflow.Client{}) // the button "connect again"
	check(sf.Disconnect(ctx, acme))
	connect(org.Client())
	// Output:
	// migration - ExternalClientApp
	// reconnect - ExternalClientApp
	// begin - ExternalClientApp
}

// A migration keeps the old connection at work until the new one is proved.
func ExampleConnector_BeginMigration() {
	ctx := context.Background()
	org := fullcasttest.NewOrg(log.Default(), fullcast.Production, fullcasttest.ConnectedApp())
	sf, err := fullcast.NewConnector(org.Config())
	check(err)
	defer sf.Close(ctx)
	former, refreshToken := org.FormerConnection()
	_, err = sf.Adopt(ctx, acme, former, refreshToken)
	check(err)
	left, err := sf.LegacyLeft(ctx)
	check(err)
	fmt.Println(left, "to migrate")

	redirect, err := sf.BeginMigration(ctx, acme, fullcast.BeginOptions{Client: org.Client(), Binding: sessionCookie})
	check(err)
	page := org.Login(ctx, redirect)
	now, err := sf.Load(ctx, acme)
	check(err)
	fmt.Println("until the callback:", now.Kind, now.Status)
	_, err = sf.Complete(ctx, oauthflow.Callback{Tenant: "acme", Path: page.Path, Binding: sessionCookie, Query: page.Query()})
	check(err)
	now, err = sf.Load(ctx, acme)
	check(err)
	fmt.Println("then:", now.Kind, now.Status)
	// Output:
	// 1 to migrate
	// until the callback: ConnectedApp active
	// then: ExternalClientApp active
}
