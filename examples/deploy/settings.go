package main

import (
	"flag"
	"io"

	"github.com/fullcast/sfauth/examples/internal/given"
	"github.com/fullcast/sfauth/examples/internal/outcome"
	"github.com/fullcast/sfauth/examples/internal/session"
	"github.com/fullcast/sfauth/examples/internal/stored"
	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/metadata"
)

const usage = `deploy [-site SITE] [-email ADDRESS] [-check-only] [-dir DIR]

SITE is production or pre-production. In the environment: SF_INSTANCE_URL and SF_ACCESS_TOKEN, or SFAUTH_KEY and SFAUTH_DIR
of a connection that examples/connect made. -email is required for a new app.
`

const apiVersion = fullcast.APIVersion

// settings are what flags and environment say, validated as far as that is possible without the org.
type settings struct {
	spec      metadata.AppSpec
	checkOnly bool
	source    session.Source
}

func parse(args []string, env func(string) string) (settings, error) {
	var s settings
	flags := flag.NewFlagSet("deploy", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	siteName := flags.String("site", env("SFAUTH_SITE"), "")
	email := flags.String("email", "", "")
	flags.BoolVar(&s.checkOnly, "check-only", false, "")
	dir := flags.String("dir", "", "")
	if err := flags.Parse(args); err != nil {
		if err == flag.ErrHelp {
			return s, err
		}
		return s, outcome.Input("%v; deploy -h shows all flags", err)
	}
	if flags.NArg() > 0 {
		return s, outcome.Input("%q is no flag; deploy -h shows all flags", flags.Arg(0))
	}
	site, err := given.Site(*siteName)
	if err != nil {
		return s, err
	}
	s.spec = fullcast.ExternalClientApp(site, *email)
	if err := s.spec.Validate(); err != nil {
		return s, outcome.Input("-email: %v", err)
	}
	s.source, err = session.Find(env, stored.Place{Dir: *dir, Site: site})
	return s, err
}
