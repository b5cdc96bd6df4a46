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

// The keep-alive runs as long as the service does. Close ends it.
func ExampleConnector_KeepAlive() {
	ctx, stop := context.WithCancel(context.Background())
	org := fullcasttest.NewOrg(log.Default(), fullcast.Production)
	sf, err := fullcast.NewConnector(org.Config())
	check(err)

	ended := make(chan error)
	go func() { ended <- sf.KeepAlive(ctx) }()
	stop() // on SIGTERM
	err = <-ended
	fmt.Println(errors.Is(err, context.Canceled))
	check(sf.Close(context.Background()))
	// Output: true
}

// What the support looks at when a customer says that it does not work.
func ExampleConnection_Diagnose() {
	ctx := context.Background()
	org := fullcasttest.NewOrg(log.Default(), fullcast.Production)
	sf, err := fullcast.NewConnector(org.Config())
	check(err)
	defer sf.Close(ctx)
	conn := org.Connect(ctx, sf, acme)
	check(org.RevokeAll("Fullcast")) // what the customer's admin has done
	fmt.Println(sf.Manager().Renew(ctx, acme) != nil)

	for _, line := range conn.Diagnose(ctx).Lines {
		if line.Outcome == fullcast.OutcomeProblem {
			fmt.Printf("%s (%s): %s\n", line.Subject, line.Remedy.Actor(), line.Remedy)
		}
	}
	// Output:
	// true
	// Stored connection (admin): Connect the org again, as an admin of the org.
}

// The admin has replaced consumer key and secret ("Stage Consumer Details", then "Rotate"), and enters the new ones. The tokens
// belong to the former key, which serves on until the next login.
func ExampleConnector_UpdateCredentials() {
	ctx := context.Background()
	org := fullcasttest.NewOrg(log.Default(), fullcast.Production)
	sf, err := fullcast.NewConnector(org.Config())
	check(err)
	defer sf.Close(ctx)
	org.Connect(ctx, sf, acme)
	_, _, err = org.StageCredentials("Fullcast")
	check(err)
	check(org.RotateCredentials("Fullcast"))
	entered := org.Client()

	_, err = sf.UpdateCredentials(ctx, acme, entered)
	if e := (*fullcast.Error)(nil); errors.Is(err, fullcast.ErrCredentialsUnproved) && errors.As(err, &e) {
		fmt.Println(e.Remedy)
	}
	login, err := sf.Connect(ctx, acme, fullcast.BeginOptions{Binding: sessionCookie}) // with what is kept of the new ones
	check(err)
	page := org.Login(ctx, login.Redirect)
	_, err = sf.Complete(ctx, oauthflow.Callback{Tenant: "acme", Path: page.Path, Binding: sessionCookie, Query: page.Query()})
	check(err)
	now, err := sf.Load(ctx, acme)
	check(err)
	fmt.Println(login.Choice, now.Status, now.ConsumerKey == entered.ID)
	// Output:
	// Connect the org again, as an admin of the org.
	// reconnect active true
}

// The sealing key is rotated: the former one opens until every record is sealed with the current one.
func ExampleConnector_Manager_reseal() {
	ctx := context.Background()
	org := fullcasttest.NewOrg(log.Default(), fullcast.Production)
	config := org.Config()
	former, current := tokenstore.GenerateSealingKey("2025-11"), tokenstore.GenerateSealingKey("2026-11")
	var err error
	config.Keyring, err = tokenstore.NewKeyring(former)
	check(err)
	sf, err := fullcast.NewConnector(config)
	check(err)
	org.Connect(ctx, sf, acme)
	check(sf.Close(ctx))

	config.Keyring, err = tokenstore.NewKeyring(current, former) // in every process, before Reseal
	check(err)
	sf, err = fullcast.NewConnector(config)
	check(err)
	check(sf.Manager().Reseal(ctx, nil))
	check(sf.Close(ctx))

	config.Keyring, err = tokenstore.NewKeyring(current) // the former one is not needed any more
	check(err)
	sf, err = fullcast.NewConnector(config)
	check(err)
	defer sf.Close(ctx)
	now, err := sf.Load(ctx, acme)
	check(err)
	fmt.Println(now.Key, now.Status)
	// Output: acme/main active
}

// The worst day: everything of one tenant is revoked. The same call goes on where it was interrupted.
func ExampleConnector_DisconnectAll() {
	ctx := context.Background()
	org := fullcasttest.NewOrg(log.Default(), fullcast.Production)
	sf, err := fullcast.NewConnector(org.Config())
	check(err)
	defer sf.Close(ctx)
	for _, name := range []string{"main", "second"} {
		org.Connect(ctx, sf, oauthflow.Key{Tenant: "acme", Name: name})
	}

	fmt.Println(sf.DisconnectAll(ctx, fullcast.Filter{}, nil) != nil) // whose? a handler that lost its session disconnects nobody
	err = sf.DisconnectAll(ctx, fullcast.Filter{Tenant: "acme"}, func(p fullcast.Progress) { fmt.Println(p.Done, "of", p.Total, p.Err) })
	check(err)
	for range sf.List(ctx, fullcast.Filter{}) {
		fmt.Println("something is left")
	}
	// Output:
	// true
	// 1 of 2 <nil>
	// 2 of 2 <nil>
}
