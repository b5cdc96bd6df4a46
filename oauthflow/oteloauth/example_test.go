package oteloauth_test

import (
	"context"
	"fmt"
	"iter"
	"log"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
	"github.com/fullcast/sfauth/oauthflow/oteloauth"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// What List gives is watched as it is: that of a manager, or of a fullcast.Connector with a fullcast.Filter.
func ExampleWatch() {
	reader := sdkmetric.NewManualReader()
	bridge, err := oteloauth.New(oteloauth.Config{MeterProvider: sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))})
	check(err)
	stored := func(_ context.Context, tenant string) iter.Seq2[oauthflow.Connection, error] { // stands for manager.List
		return func(yield func(oauthflow.Connection, error) bool) {
			yield(oauthflow.Connection{Kind: oauthflow.ExternalClientAppKind, Status: oauthflow.StatusInDoubt}, nil)
		}
	}
	check(oteloauth.Watch(bridge, stored, ""))
	fmt.Println(points(reader, "sfauth.connection.count"))
	// Output: map[sfauth.app.kind=external_client_app,sfauth.connection.status=in_doubt:1]
}

// A connection is adopted, which takes one refresh; a program's own exporter would send the metrics on.
func ExampleNew() {
	ctx := context.Background()
	reader := sdkmetric.NewManualReader()
	bridge, err := oteloauth.New(oteloauth.Config{MeterProvider: sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))})
	check(err)

	org, client, refreshToken := orgWithApp()
	flow, err := oauthflow.NewFlow(oauthflow.Config{RedirectURLs: []string{"https://app.fullcast.io/app/admin/motion"}, Transport: org.RoundTripper()})
	check(err)
	keys, err := tokenstore.NewKeyring(tokenstore.GenerateSealingKey("example"))
	check(err)
	manager, err := oauthflow.NewManager(oauthflow.ManagerConfig{
		Flow: flow, Store: tokenstore.NewMemory(), Keyring: keys, Environment: "example", Observe: bridge.Observe,
	})
	check(err)
	check(oteloauth.Watch(bridge, manager.List, ""))
	_, err = manager.Adopt(ctx, oauthflow.Key{Tenant: "acme", Name: "main"}, client, refreshToken)
	check(err)

	fmt.Println(points(reader, "sfauth.connection.count"))
	check(manager.Close(ctx)) // every event is delivered when it returns
	fmt.Println(points(reader, "sfauth.events"))
	// Output:
	// map[sfauth.app.kind=connected_app,sfauth.connection.status=active:1]
	// map[sfauth.event.type=connected:1 sfauth.event.type=refreshed:1]
}

// orgWithApp is an org with a connected app that its admin allowed access once.
func orgWithApp() (*orgtest.Org, oauthflow.Client, oauthflow.Secret) {
	org, err := orgtest.New(orgtest.Config{Existing: map[string]string{"connectedApps/Demo.connectedApp": `<?xml version="1.0" encoding="UTF-8"?>
<ConnectedApp xmlns="http://soap.sforce.com/2006/04/metadata"><contactEmail>admin@acme.example</contactEmail><label>Demo</label>
<oauthConfig><callbackUrl>https://app.fullcast.io/app/admin/motion</callbackUrl><scopes>Api</scopes><scopes>RefreshToken</scopes></oauthConfig>
</ConnectedApp>`}})
	check(err)
	refresh, err := org.UserApproved("Demo", "admin@acme.example")
	check(err)
	key, secret, err := org.Credentials("Demo")
	check(err)
	host, err := oauthflow.ParseHost(org.InstanceURL())
	check(err)
	client := oauthflow.Client{Kind: oauthflow.ConnectedAppKind, Host: host, ID: key, Secret: oauthflow.NewSecret(secret)}
	return org, client, oauthflow.NewSecret(refresh)
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
