// Orgprobe asks a real Salesforce org what no document settles, one question after the other, and writes the answers as
// a dated Markdown table. Run it against a Developer Edition or a sandbox, with the external client app of the
// instructions in it and an admin at the browser.
//
// What to set, in the environment or, but for the secret, as flags:
//
//	-login-host    SFAUTH_LOGIN_HOST       the org's My Domain, such as acme--uat.sandbox.my.salesforce.com
//	-consumer-key  SFAUTH_CONSUMER_KEY     consumer key of the app
//	               SFAUTH_CONSUMER_SECRET  its consumer secret; without it you are asked
//	-site          SFAUTH_SITE             production (default) or pre-production: the instance the app was made for
//	-app           SFAUTH_APP              API name of the app; default Fullcast
//	-old-host      SFAUTH_OLD_HOST         a My Domain host that the org had before, if it was renamed
//	-destructive                           also ask what costs a grant or changes the org, after a typed confirmation
//
// With none of it set it lists what is unproved and why that matters, and needs no org.
//
// Log in as a user of whom Fullcast holds no connection to this org: Salesforce lets go of a user's oldest one when there
// are too many. What you will see: a login as in examples/connect, then a line for each question on standard error, and the table on
// standard output. It holds no token, code, secret, host or name. The tokens are revoked at the end.
//
// Exit status: 0 done, whatever the answers; 1 no login or no report; 2 bad input.
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
	"time"

	"github.com/fullcast/sfauth/examples/internal/console"
	"github.com/fullcast/sfauth/examples/internal/outcome"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code := run(ctx, os.Args[1:], os.Getenv, os.Stdin, os.Stdout, os.Stderr, http.DefaultTransport)
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args []string, env func(string) string, stdin io.Reader, stdout, stderr io.Writer, transport http.RoundTripper) int {
	s, err := parse(args, env)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(stdout, usage)
		return 0
	case err == nil && s.client.ID == "":
		err = unproved(stdout)
	case err == nil:
		err = s.probe(ctx, console.New(stdin, stderr), stdout, stderr, transport)
	}
	return outcome.Report(stderr, "orgprobe", err)
}

// probe logs in, asks all questions and writes the table. A question that fails is an answer, too.
func (s settings) probe(ctx context.Context, person *console.Console, stdout, stderr io.Writer, transport http.RoundTripper) (err error) {
	org, err := s.visit(ctx, person, stderr, transport)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, org.leave(ctx)) }()
	kind, throwAway := org.edition(ctx)
	destroy := false
	if s.destructive {
		if !throwAway {
			return outcome.Input("-destructive is for a sandbox or a Developer Edition; this org is: %s", kind)
		}
		if destroy, err = confirmed(ctx, person); err != nil {
			return err
		}
	}
	r := report{Date: time.Now(), Org: kind}
	for _, p := range questions() {
		if p.ask == nil || p.destructive && !destroy {
			r.left = append(r.left, p)
			continue
		}
		a, err := p.ask(ctx, org)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			a.Found, a.Evidence = "no answer", err.Error()
		}
		a.probe, a.Evidence = p, org.hide(a.Evidence)
		fmt.Fprintf(stderr, "%-3s %s: %s\n", p.id, p.question, a.Found)
		r.answers = append(r.answers, a)
	}
	return r.write(stdout)
}

// confirmed asks for the word that nobody types by accident.
func confirmed(ctx context.Context, person *console.Console) (bool, error) {
	const word = "destroy"
	typed, err := person.Ask(ctx, "The destructive questions may end every grant of your user for this app, and deploy and delete an app\n"+
		"named "+throwAwayApp+". Type "+word+" to ask them: ")
	if errors.Is(err, console.ErrNoAnswer) || err == nil && typed != word {
		return false, outcome.Input("the destructive questions were not confirmed; nothing was asked")
	}
	return err == nil, err
}
