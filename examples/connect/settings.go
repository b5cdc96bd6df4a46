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

const usage = `connect [-site SITE] [-dir DIR] -login-host HOST -consumer-key KEY   connect an org
connect [-site SITE] [-dir DIR] -whoami                              who is connected
connect [-site SITE] [-dir DIR] -query SOQL                          one record a line, as JSON
connect [-site SITE] [-dir DIR] -check                               compare the app with the instructions
connect [-site SITE] [-dir DIR] -disconnect                          revoke and forget

SITE is production or pre-production. In the environment: SFAUTH_KEY (make one with: openssl rand -base64 32),
SFAUTH_CONSUMER_SECRET (else you are asked), and instead of flags SFAUTH_SITE, SFAUTH_DIR, SFAUTH_LOGIN_HOST,
SFAUTH_CONSUMER_KEY.
`

// action is what one call of the program does, by the flag that asks for it.
type action string

const (
	connect    action = ""
	whoami     action = "whoami"
	query      action = "query"
	check      action = "check"
	disconnect action = "disconnect"
)

// settings are what flags and environment say, validated as far as that is possible without the org.
type settings struct {
	action     action
	site       fullcast.Site
	dir        string
	sealingKey string
	soql       string

	// For connecting only.
	client oauthflow.Client // its secret is zero when it is not in the environment
}

func parse(args []string, env func(string) string) (settings, error) {
	var s settings
	flags := flag.NewFlagSet("connect", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	site := flags.String("site", env("SFAUTH_SITE"), "")
	flags.StringVar(&s.dir, "dir", env("SFAUTH_DIR"), "")
	host := flags.String("login-host", env("SFAUTH_LOGIN_HOST"), "")
	key := flags.String("consumer-key", env("SFAUTH_CONSUMER_KEY"), "")
	flags.StringVar(&s.soql, string(query), "", "")
	for _, a := range []action{whoami, check, disconnect} {
		flags.Bool(string(a), false, "")
	}
	if err := flags.Parse(args); err != nil {
		if err == flag.ErrHelp {
			return s, err
		}
		return s, outcome.Input("%v; connect -h shows all flags", err)
	}
	if flags.NArg() > 0 {
		return s, outcome.Input("%q is no flag; connect -h shows all flags", flags.Arg(0))
	}
	var err error
	if s.action, err = chosen(flags); err != nil {
		return s, err
	}
	if s.action == query && strings.TrimSpace(s.soql) == "" {
		return s, outcome.Input("-query is empty; an example is -query \"SELECT Id FROM User\"")
	}
	if s.site, err = given.Site(*site); err != nil {
		return s, err
	}
	s.sealingKey = env("SFAUTH_KEY")
	if s.action != connect {
		return s, nil
	}
	s.client, err = given.Client(*host, *key, env("SFAUTH_CONSUMER_SECRET"))
	return s, err
}

// chosen returns the one action that the flags ask for.
func chosen(flags *flag.FlagSet) (action, error) {
	var asked []string
	var forLogin string
	flags.Visit(func(f *flag.Flag) {
		switch f.Name {
		case string(whoami), string(query), string(check), string(disconnect):
			if f.Value.String() != "false" || f.Name == string(query) {
				asked = append(asked, f.Name)
			}
		case "login-host", "consumer-key":
			forLogin = f.Name
		}
	})
	switch {
	case len(asked) > 1:
		return "", outcome.Input("-%s and -%s exclude each other; give one of them", asked[0], asked[1])
	case len(asked) == 0:
		return connect, nil
	case forLogin != "":
		return "", outcome.Input("-%s is for connecting; with -%s it has no use", forLogin, asked[0])
	}
	return action(asked[0]), nil
}
