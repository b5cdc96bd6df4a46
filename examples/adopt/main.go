// Adopt takes over connections that were made before this SDK, many at a time, and keeps them sealed in files.
//
// The former owner must have stopped refreshing first: with rotation, the second use of a refresh token ends the grant.
//
// What to set, in the environment: SFAUTH_KEY (seals what is kept; make one with: openssl rand -base64 32), SFAUTH_DIR
// (where; default sfauth-example in your configuration).
//
// What to give on standard input: a JSON object a line, such as
//
//	{"tenant":"acme","name":"main","kind":"ConnectedApp","host":"acme.my.salesforce.com","consumerKey":"…","consumerSecret":"…","refreshToken":"…"}
//
// What you will see: a line for each, and a last one with the totals. With -dry-run everything is checked that can be
// checked without spending anything, with Salesforce, too: no connection is stored and no token refreshed, and the former
// owner may go on meanwhile. Running it again with the same lines is safe; what was adopted is not refreshed again.
//
// Flags: -dry-run, and -site (SFAUTH_SITE), production (default) or pre-production, the Fullcast instance that adopts.
//
// Exit status: 0 all are adopted, or would be; 1 Salesforce refused some; 2 bad input.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"strings"

	"github.com/fullcast/sfauth/examples/internal/given"
	"github.com/fullcast/sfauth/examples/internal/outcome"
	"github.com/fullcast/sfauth/examples/internal/stored"
	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/oauthflow"
)

const usage = `adopt [-site SITE] < connections   take them over: a line for each, and the totals
adopt -dry-run … < connections     ask Salesforce about them; store and spend nothing

Each line of the input is a JSON object with tenant, name, kind (ConnectedApp or ExternalClientApp), host, consumerKey,
consumerSecret and refreshToken. SITE is production or pre-production. In the environment: SFAUTH_KEY (make one with:
openssl rand -base64 32), SFAUTH_DIR, and instead of the flag SFAUTH_SITE.
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code := run(ctx, os.Args[1:], os.Getenv, os.Stdin, os.Stdout, os.Stderr, nil)
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args []string, env func(string) string, stdin io.Reader, stdout, stderr io.Writer, transport http.RoundTripper) int {
	flags := flag.NewFlagSet("adopt", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	dryRun := flags.Bool("dry-run", false, "")
	site := flags.String("site", env("SFAUTH_SITE"), "")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(stdout, usage)
		return 0
	case err != nil:
		return outcome.Report(stderr, "adopt", outcome.Input("%v; adopt -h shows all flags", err))
	case flags.NArg() > 0:
		return outcome.Report(stderr, "adopt", outcome.Input("%q: the connections are read from standard input", flags.Arg(0)))
	}
	s, err := given.Site(*site)
	if err == nil {
		var lines []connection
		if lines, err = read(stdin); err == nil {
			place := stored.Place{Dir: env("SFAUTH_DIR"), SealingKey: env("SFAUTH_KEY"), Site: s, Transport: transport}
			if *dryRun {
				err = try(ctx, lines, place, stdout)
			} else {
				err = adopt(ctx, lines, place, stdout)
			}
		}
	}
	return outcome.Report(stderr, "adopt", err)
}

// connection is one line of the input, as far as it could be checked.
type connection struct {
	key          oauthflow.Key
	client       oauthflow.Client
	refreshToken oauthflow.Secret
}

// read reads and checks every line before any is acted on. Its errors name the line and the field, never a value.
func read(r io.Reader) ([]connection, error) {
	var all []connection
	seen := map[oauthflow.Key]int{}
	in := bufio.NewScanner(r)
	in.Buffer(nil, 1<<20)
	for n := 1; in.Scan(); n++ {
		if strings.TrimSpace(in.Text()) == "" {
			continue
		}
		var l struct {
			Tenant, Name                                    string
			Kind                                            oauthflow.AppKind
			Host, ConsumerKey, ConsumerSecret, RefreshToken string
		}
		d := json.NewDecoder(strings.NewReader(in.Text()))
		d.DisallowUnknownFields()
		if err := d.Decode(&l); err != nil {
			return nil, outcome.Input("line %d: not a JSON object with tenant, name, kind, host, consumerKey, consumerSecret and refreshToken", n)
		}
		for _, f := range []struct{ name, value string }{
			{"tenant", l.Tenant}, {"name", l.Name}, {"host", l.Host}, {"consumerKey", l.ConsumerKey},
			{"consumerSecret", l.ConsumerSecret}, {"refreshToken", l.RefreshToken},
		} {
			if f.value == "" {
				return nil, outcome.Input("line %d: %s is missing", n, f.name)
			}
		}
		if l.Kind == "" || !l.Kind.Known() {
			return nil, outcome.Input("line %d: kind must be ConnectedApp or ExternalClientApp", n)
		}
		c, err := given.Client(l.Host, l.ConsumerKey, l.ConsumerSecret)
		if err != nil {
			return nil, outcome.Input("line %d: %v", n, err)
		}
		c.Kind = l.Kind
		k := oauthflow.Key{Tenant: l.Tenant, Name: l.Name}
		if first, twice := seen[k]; twice {
			return nil, outcome.Input("line %d: %s is in line %d already", n, k, first)
		}
		seen[k] = n
		all = append(all, connection{k, c, oauthflow.NewSecret(l.RefreshToken)})
	}
	if err := in.Err(); err != nil {
		return nil, outcome.Input("standard input: %v", err)
	}
	if len(all) == 0 {
		return nil, outcome.Input("standard input holds no connection")
	}
	return all, nil
}

func adopt(ctx context.Context, lines []connection, place stored.Place, stdout io.Writer) (err error) {
	sf, err := place.Open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, sf.Close()) }()
	refused := 0
	for _, l := range lines {
		conn, err := sf.Adopt(ctx, l.key, l.client, l.refreshToken)
		var e *fullcast.Error
		switch {
		case errors.As(err, &e):
			refused++
			fmt.Fprintf(stdout, "refused  %s: %v. %s\n", l.key, e.Err, e.Remedy)
		case err != nil:
			return err
		default:
			now, err := conn.Status(ctx)
			if err != nil {
				return err
			}
			fmt.Fprintf(stdout, "adopted  %s: org %s, user %s, %s\n", l.key, now.OrgID, now.UserID, now.Kind)
		}
	}
	fmt.Fprintf(stdout, "%d adopted, %d refused\n", len(lines)-refused, refused)
	if refused > 0 {
		return fmt.Errorf("%d of %d connections were refused", refused, len(lines))
	}
	return nil
}

// try says of each line what its adoption would meet.
func try(ctx context.Context, lines []connection, place stored.Place, stdout io.Writer) (err error) {
	sf, err := place.Open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, sf.Close()) }()
	fine := 0
	for _, l := range lines {
		is, err := sf.AdoptDryRun(ctx, l.key, l.client, l.refreshToken)
		var e *fullcast.Error
		switch {
		case errors.As(err, &e):
			fmt.Fprintf(stdout, "refused  %s: %v. %s\n", l.key, e.Err, e.Remedy)
		case err != nil:
			return err
		case !is.Active:
			fmt.Fprintf(stdout, "doubtful %s: Salesforce does not call the refresh token active\n", l.key)
		default:
			fine++
			fmt.Fprintf(stdout, "fine     %s\n", l.key)
		}
	}
	fmt.Fprintf(stdout, "%d of %d connections are fine; nothing was stored or spent\n", fine, len(lines))
	if fine < len(lines) {
		return fmt.Errorf("%d of %d connections need a look", len(lines)-fine, len(lines))
	}
	return nil
}
