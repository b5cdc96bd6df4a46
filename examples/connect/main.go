// Connect makes a connection to a real Salesforce org, keeps it sealed in files, and uses it.
//
// What to set, in the environment:
//
//	SFAUTH_KEY              seals what is kept; make one with: openssl rand -base64 32
//	SFAUTH_CONSUMER_SECRET  consumer secret of the org's external client app; without it you are asked
//
// and as flags, or in the environment in their stead:
//
//	-login-host    SFAUTH_LOGIN_HOST    the org's My Domain, such as acme.my.salesforce.com
//	-consumer-key  SFAUTH_CONSUMER_KEY  consumer key of the org's external client app
//	-site          SFAUTH_SITE          production (default) or pre-production: the Fullcast instance the app was made for
//	-dir           SFAUTH_DIR           where the connection is kept; default sfauth-example in your configuration
//
// What you will see: a URL to open in a browser. Log in, allow access, and paste the address of the page you land on.
// From then on -whoami, -query "SELECT Id FROM User", -check and -disconnect work without any of the first two flags.
//
// Exit status: 0 done; 1 Salesforce refused, or -check has findings; 2 bad input.
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
	"github.com/fullcast/sfauth/examples/internal/stored"
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
	return outcome.Report(stderr, "connect", err)
}

func (s settings) act(ctx context.Context, person *console.Console, stdout io.Writer, transport http.RoundTripper) (err error) {
	sf, err := stored.Place{Dir: s.dir, SealingKey: s.sealingKey, Site: s.site, Transport: transport}.Open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, sf.Close()) }()
	switch s.action {
	case connect:
		return s.login(ctx, sf, person, stdout)
	case disconnect:
		return goodbye(ctx, sf, stdout)
	}
	conn, err := sf.Connection(ctx)
	if err != nil {
		return err
	}
	switch s.action {
	case whoami:
		return identify(ctx, conn, stdout)
	case query:
		return records(ctx, conn, s.soql, stdout)
	default:
		return examine(ctx, conn, stdout)
	}
}
