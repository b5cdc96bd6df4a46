// Appcheck compares Salesforce apps with Fullcast's setup instructions, and says what is wrong, why it matters and which
// clicks correct it. It reads metadata files, or a live org.
//
//	appcheck [flags] PATH…   files: a source tree, any folder, a zip, single files
//	appcheck [flags]         the org that the environment names
//
// The org: SF_INSTANCE_URL and SF_ACCESS_TOKEN, an admin's session; or SFAUTH_KEY and SFAUTH_DIR as for examples/connect:
// then its connection is used. Flags:
//
//	-format   text (default), markdown, html, json or sarif
//	-rules    baseline (default), hardening, partner2026, prerequisites; several, separated by commas
//	-site     production (default) or pre-production: the Fullcast instance the app is for
//	-app      API name of the app to judge; '*' for all. Default: the apps of Fullcast, or the only one there is
//	-correct  correct the files: shows what changes and asks, or with -write writes at once
//	-diff     compare the app with the one in another PATH, in the "org", or of the "instructions"
//	-migrate  plan how a connected app becomes an external client app
//	-dir      where examples/connect keeps its connection
//
// A tree may be somebody else's: a symbolic link that leads out of it is bad input, and -correct writes through no link.
//
// A tree may hold an app twice, as a copy: both are judged. Where it holds switches of two orgs, neither is.
//
// What you will see: a report for each app, in colour only on a terminal, the totals last. Reports hold no secret.
//
// Exit status: 0 nothing wrong; 1 findings of severity error, listed settings that differ, or an org that refused; 2 bad
// input.
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
	"slices"

	"github.com/fullcast/sfauth/examples/internal/console"
	"github.com/fullcast/sfauth/examples/internal/outcome"
	"github.com/fullcast/sfauth/policy"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code := run(ctx, os.Args[1:], os.Getenv, os.Stdin, os.Stdout, os.Stderr, nil)
	stop()
	os.Exit(code)
}

// errFound means that the program has done its work and found something.
var errFound = errors.New("findings of severity error, or listed settings that differ")

func run(ctx context.Context, args []string, env func(string) string, stdin io.Reader, stdout, stderr io.Writer, transport http.RoundTripper) int {
	s, err := parse(args, env)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(stdout, usage)
		return 0
	}
	if err == nil {
		s.transport = transport
		err = s.act(ctx, console.New(stdin, stderr), stdout, stderr)
	}
	if err == errFound {
		return 1
	}
	return outcome.Report(stderr, "appcheck", err)
}

func (s settings) act(ctx context.Context, person *console.Console, stdout, stderr io.Writer) error {
	subjects, err := s.read(ctx, stderr)
	if err != nil {
		return err
	}
	switch {
	case s.diff != "":
		return s.compare(ctx, subjects, stdout, stderr)
	case s.migrate:
		return s.plan(subjects, stdout)
	case s.correct:
		written, err := s.correctFiles(ctx, subjects, person, stderr)
		if err != nil {
			return err
		}
		if written {
			if subjects, err = s.read(ctx, stderr); err != nil {
				return err
			}
		}
	}
	return s.judge(subjects, stdout)
}

// read returns the apps to work on.
func (s settings) read(ctx context.Context, stderr io.Writer) ([]subject, error) {
	var in input
	var err error
	if len(s.paths) > 0 {
		in, err = readPaths(s.paths)
	} else {
		in, err = s.readOrg(ctx, stderr)
	}
	if err != nil {
		return nil, err
	}
	if len(in.second) > 0 {
		fmt.Fprintf(stderr, "appcheck: %s\n", in.ofSecond())
	}
	if slices.Contains(s.rules, "prerequisites") {
		for _, doubt := range in.doubts {
			fmt.Fprintf(stderr, "appcheck: %s\n", doubt)
		}
	}
	return s.choose(in)
}

func (s settings) judge(subjects []subject, stdout io.Writer) error {
	var result error
	reports := make([]policy.Report, len(subjects))
	for i, sub := range subjects {
		reports[i] = s.report(sub)
		if reports[i].Worst() == policy.SeverityError {
			result = errFound
		}
	}
	if err := policy.Write(stdout, s.format, reports...); err != nil {
		return err
	}
	return result
}
