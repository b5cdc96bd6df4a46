// Deploy puts the external client app of Fullcast's instructions into a Salesforce org, or corrects the one that is there.
//
// What to set, in the environment: either an admin's session,
//
//	SF_INSTANCE_URL  such as https://acme.my.salesforce.com
//	SF_ACCESS_TOKEN  an access token fit for the Metadata API
//
// or, where those are missing, SFAUTH_KEY and SFAUTH_DIR as for examples/connect: then its connection is used, if the
// connected user may change metadata. And as flags:
//
//	-site        production (default) or pre-production: the Fullcast instance the app is for
//	-email       Contact Email of the app; required for a new one
//	-check-only  let the org validate the deployment, and change nothing
//	-dir         where examples/connect keeps its connection
//
// What you will see: what differs, the deployment's progress (a bar on a terminal), the consumer key, and a question
// before the consumer secret is shown. Run it again: it finds nothing to do, says so and changes nothing.
//
// Exit status: 0 done; 1 the org refused, with file, line and advice; 2 bad input.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"

	"github.com/fullcast/sfauth/examples/internal/console"
	"github.com/fullcast/sfauth/examples/internal/outcome"
	"github.com/fullcast/sfauth/metadata"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code := run(ctx, os.Args[1:], os.Getenv, os.Stdin, os.Stdout, os.Stderr, nil)
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args []string, env func(string) string, stdin io.Reader, stdout, stderr io.Writer, transport http.RoundTripper) int {
	s, err := parse(args, env)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(stdout, usage)
		return 0
	}
	if err == nil {
		err = s.act(ctx, console.New(stdin, stderr), stdout, transport)
	}
	if problems := componentErrors(err); len(problems) > 0 {
		fmt.Fprintf(stderr, "deploy: the org refused the deployment; nothing was changed\n")
		for _, p := range problems {
			fmt.Fprintf(stderr, "  %v\n", p)
		}
		return 1
	}
	return outcome.Report(stderr, "deploy", err)
}

func (s settings) act(ctx context.Context, person *console.Console, stdout io.Writer, transport http.RoundTripper) (err error) {
	org, done, err := s.source.Open(ctx, apiVersion, transport)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	app, err := s.deploy(ctx, org, stdout)
	if err != nil || s.checkOnly {
		return err
	}
	return show(ctx, org, app, person, stdout)
}

// componentErrors returns what the org said about each file, in its order.
func componentErrors(err error) []*metadata.ComponentError {
	switch e := err.(type) {
	case *metadata.ComponentError:
		return []*metadata.ComponentError{e}
	case interface{ Unwrap() []error }:
		var all []*metadata.ComponentError
		for _, one := range e.Unwrap() {
			all = append(all, componentErrors(one)...)
		}
		return all
	}
	if cause := errors.Unwrap(err); cause != nil {
		return componentErrors(cause)
	}
	return nil
}
