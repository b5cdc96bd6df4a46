package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"

	"github.com/fullcast/sfauth/examples/internal/console"
	"github.com/fullcast/sfauth/examples/internal/given"
	"github.com/fullcast/sfauth/examples/internal/outcome"
	"github.com/fullcast/sfauth/examples/internal/stored"
	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/oauthflow"
)

// login sends the person to Salesforce and takes back where the browser landed. In a web app the two halves are two
// requests, maybe to two processes, and the binding is a cookie; here it is a value that only this process knows.
func (s settings) login(ctx context.Context, sf *stored.Opened, person *console.Console, stdout io.Writer) (err error) {
	if s.client.Secret.IsZero() {
		if s.client.Secret, err = person.AskSecret(ctx, "Consumer secret (not shown): "); err != nil {
			return given.Answer(err, "SFAUTH_CONSUMER_SECRET is not set, and no consumer secret was typed")
		}
	}
	binding := rand.Text()
	redirect, err := sf.Begin(ctx, stored.Key, fullcast.BeginOptions{Client: s.client, Binding: binding})
	if err != nil {
		return err
	}
	if advice := s.client.Host.Advisory(); advice != "" {
		fmt.Fprintf(stdout, "Note: %s\n", advice)
	}
	fmt.Fprintf(stdout, "Open this address in a browser, log in to the org and allow access:\n\n%s\n\n", redirect)
	pasted, err := person.Ask(ctx, "Paste the address of the page you land on: ")
	if err != nil {
		return given.Answer(err, "no address was pasted; nothing is connected")
	}
	callback, err := given.Callback(pasted, s.site)
	if err != nil {
		return err
	}
	callback.Tenant, callback.Binding = stored.Key.Tenant, binding
	conn, err := sf.Complete(ctx, callback)
	if errors.Is(err, oauthflow.ErrOrgChanged) {
		return outcome.Input("%s keeps a connection to another org: end it with -disconnect first, or name another -dir", sf.Dir)
	} else if err != nil {
		return err
	}
	now, err := conn.Status(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "Connected to org %s as user %s; kept in %s.\nNext: connect -whoami, -query \"SELECT Id FROM User\", -check, -disconnect\n",
		now.OrgID, now.UserID, sf.Dir)
	return nil
}
