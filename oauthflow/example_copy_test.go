package oauthflow_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// A service changes its store. Its processes are stopped; then all records are copied, and it is started with the new store.
func ExampleCopy() {
	ctx := context.Background()
	former, next := tokenstore.NewMemory(), tokenstore.NewMemory() // such as files, and a database
	flow, err := oauthflow.NewFlow(oauthflow.Config{RedirectURLs: []string{"https://app.fullcast.io/app/admin/motion"}, Transport: &goodMood{}})
	if err != nil {
		fmt.Println(err)
		return
	}
	keys, err := tokenstore.NewKeyring(tokenstore.GenerateSealingKey("2026-11"))
	if err != nil {
		fmt.Println(err)
		return
	}
	service := func(store tokenstore.Store) *oauthflow.Manager {
		m, err := oauthflow.NewManager(oauthflow.ManagerConfig{Flow: flow, Store: store, Keyring: keys, Environment: "production"})
		if err != nil {
			panic(err)
		}
		return m
	}
	acme := oauthflow.Key{Tenant: "acme", Name: "main"}
	host, err := oauthflow.ParseHost("acme.my.salesforce.com")
	if err != nil {
		fmt.Println(err)
		return
	}
	client := oauthflow.Client{Kind: oauthflow.ConnectedAppKind, Host: host, ID: "key", Secret: oauthflow.NewSecret("secret")}
	before := service(former)
	if _, err := before.Adopt(ctx, acme, client, oauthflow.NewSecret("refresh-token")); err != nil {
		fmt.Println(err)
		return
	}
	if err := before.Close(ctx); err != nil {
		fmt.Println(err)
		return
	}

	err = oauthflow.Copy(ctx, oauthflow.CopyConfig{
		From: former, To: next, Keyring: keys, Environment: "production",
		Progress: func(done, total int) { fmt.Println(done, "of", total) },
	})
	if err != nil { // says what was not copied; repeat it
		fmt.Println(err)
		return
	}

	after := service(next)
	defer after.Close(ctx)
	c, err := after.Load(ctx, acme)
	fmt.Println(c.Key, c.Status, err)

	forgotten := service(former) // a process whose configuration was not changed
	defer forgotten.Close(ctx)
	_, err = forgotten.Load(ctx, acme)
	fmt.Println(errors.Is(err, oauthflow.ErrRelocated))
	// Output:
	// 1 of 2
	// 2 of 2
	// acme/main active <nil>
	// true
}
