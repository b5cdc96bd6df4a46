package main

import (
	"flag"
	"io"
	"strings"

	"github.com/fullcast/sfauth/examples/internal/given"
	"github.com/fullcast/sfauth/examples/internal/outcome"
	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/oauthflow"
)

const usage = `orgprobe                                                      list what is unproved, and why it matters
orgprobe -login-host HOST -consumer-key KEY [-site SITE] [-app NAME] [-old-host HOST] [-destructive] > table.md

SITE is production or pre-production, NAME the app's API name (default Fullcast). -old-host is a My Domain host that the org had
before, if it was renamed. The consumer secret comes from
SFAUTH_CONSUMER_SECRET, or you are asked. Instead of flags: SFAUTH_LOGIN_HOST, SFAUTH_CONSUMER_KEY, SFAUTH_SITE, SFAUTH_APP,
SFAUTH_OLD_HOST.
`

// settings are what flags and environment say. Without a client there is no org to ask.
type settings struct {
	site        fullcast.Site
	client      oauthflow.Client
	app         string
	oldHost     oauthflow.Host // that the org had before; zero when none was named
	destructive bool
}

func parse(args []string, env func(string) string) (settings, error) {
	var s settings
	flags := flag.NewFlagSet("orgprobe", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	site := flags.String("site", env("SFAUTH_SITE"), "")
	host := flags.String("login-host", env("SFAUTH_LOGIN_HOST"), "")
	key := flags.String("consumer-key", env("SFAUTH_CONSUMER_KEY"), "")
	flags.StringVar(&s.app, "app", env("SFAUTH_APP"), "")
	old := flags.String("old-host", env("SFAUTH_OLD_HOST"), "")
	flags.BoolVar(&s.destructive, "destructive", false, "")
	if err := flags.Parse(args); err != nil {
		if err == flag.ErrHelp {
			return s, err
		}
		return s, outcome.Input("%v; orgprobe -h shows all flags", err)
	}
	if flags.NArg() > 0 {
		return s, outcome.Input("%q is no flag; orgprobe -h shows all flags", flags.Arg(0))
	}
	var err error
	if s.site, err = given.Site(*site); err != nil {
		return s, err
	}
	if s.app == "" {
		s.app = fullcast.ExternalClientApp(s.site, "").APIName
	}
	if strings.ContainsFunc(s.app, func(r rune) bool {
		return r != '_' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	}) {
		return s, outcome.Input("-app must be an API name: letters, digits and underscores")
	}
	if *old != "" {
		if s.oldHost, err = oauthflow.ParseHost(*old); err != nil || s.oldHost.Generic() {
			return s, outcome.Input("-old-host must be a My Domain host that the org had before, such as acme.my.salesforce.com")
		}
	}
	if *host == "" && *key == "" {
		if s.destructive {
			return s, outcome.Input("-destructive needs an org: -login-host and -consumer-key")
		}
		return s, nil
	}
	s.client, err = given.Client(*host, *key, env("SFAUTH_CONSUMER_SECRET"))
	return s, err
}
