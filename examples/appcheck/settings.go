package main

import (
	"flag"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/fullcast/sfauth/examples/internal/given"
	"github.com/fullcast/sfauth/examples/internal/outcome"
	"github.com/fullcast/sfauth/examples/internal/session"
	"github.com/fullcast/sfauth/examples/internal/stored"
	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/policy"
)

const usage = `appcheck [-format FORM] [-rules SET,…] [-site SITE] [-app NAME] PATH…   compare apps in files with the instructions
appcheck -correct [-write] … PATH…                                      and correct the files
appcheck -diff OTHER … PATH…                                            what differs; OTHER is a PATH, org or instructions
appcheck -migrate … PATH…                                               how a connected app becomes an external client app
appcheck …                                                              the same without PATH: an org

FORM is text, markdown, html, json or sarif (-diff and -migrate: text or json). SET is baseline, hardening, partner2026 or
prerequisites. SITE is production or pre-production. NAME is an app's API name, or '*' for all apps.
The org, in the environment: SF_INSTANCE_URL and SF_ACCESS_TOKEN, or SFAUTH_KEY and SFAUTH_DIR (or -dir) of a connection
that examples/connect made.
Exit status: 0 nothing wrong, 1 findings of severity error or listed settings that differ, 2 bad input.
`

// What -diff takes instead of a path.
const (
	diffOrg          = "org"
	diffInstructions = "instructions"
)

// settings are what flags and environment say.
type settings struct {
	paths   []string // empty: the org
	format  policy.Format
	rules   []string // names of ruleSets
	site    fullcast.Site
	app     string // API name; empty for the default choice
	correct bool
	write   bool
	diff    string // empty: no comparison
	migrate bool

	org       session.Source // where paths are empty or diff is diffOrg
	transport http.RoundTripper
}

// ruleSets are the names of the sets that do not depend on the kind of app, and the set itself.
var ruleSets = map[string]func() []policy.Rule{
	"baseline":      nil, // made for each app
	"hardening":     policy.Hardening,
	"partner2026":   policy.PartnerRequirements2026,
	"prerequisites": policy.Prerequisites,
}

func parse(args []string, env func(string) string) (settings, error) {
	var s settings
	flags := flag.NewFlagSet("appcheck", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	format := flags.String("format", string(policy.Text), "")
	flags.Func("rules", "", func(list string) error { s.rules = append(s.rules, strings.Split(list, ",")...); return nil })
	siteName := flags.String("site", env("SFAUTH_SITE"), "")
	flags.StringVar(&s.app, "app", "", "")
	flags.BoolVar(&s.correct, "correct", false, "")
	flags.BoolVar(&s.write, "write", false, "")
	flags.StringVar(&s.diff, "diff", "", "")
	flags.BoolVar(&s.migrate, "migrate", false, "")
	dir := flags.String("dir", "", "")
	for rest := args; ; { // flags may stand after a path, too
		if err := flags.Parse(rest); err != nil {
			if err == flag.ErrHelp {
				return s, err
			}
			return s, outcome.Input("%v; appcheck -h shows all flags", err)
		}
		if flags.NArg() == 0 {
			break
		}
		s.paths, rest = append(s.paths, flags.Arg(0)), flags.Args()[1:]
	}
	s.format = policy.Format(*format)
	var err error
	if s.site, err = given.Site(*siteName); err != nil {
		return s, err
	}
	if err := s.validate(); err != nil {
		return s, err
	}
	if len(s.paths) > 0 && s.diff != diffOrg {
		if *dir != "" {
			return s, outcome.Input("-dir is for an org; with a path it has no use")
		}
		return s, nil
	}
	s.org, err = session.Find(env, stored.Place{Dir: *dir, Site: s.site})
	if err != nil && len(s.paths) == 0 {
		err = outcome.Input("no path is given, and as to an org: %w", err)
	}
	return s, err
}

func (s *settings) validate() error {
	if len(s.rules) == 0 {
		s.rules = []string{"baseline"}
	}
	slices.Sort(s.rules) // the set named baseline comes first
	s.rules = slices.Compact(s.rules)
	for _, name := range s.rules {
		if _, known := ruleSets[name]; !known {
			return outcome.Input("-rules: %.40q is none of baseline, hardening, partner2026, prerequisites", name)
		}
	}
	forms := []policy.Format{policy.Text, policy.Markdown, policy.HTML, policy.JSON, policy.SARIF}
	switch {
	case !slices.Contains(forms, s.format):
		return outcome.Input("-format: %.40q is none of text, markdown, html, json, sarif", s.format)
	case s.correct && s.diff != "", s.correct && s.migrate, s.migrate && s.diff != "":
		return outcome.Input("-correct, -diff and -migrate exclude each other; give one of them")
	case s.write && !s.correct:
		return outcome.Input("-write is for -correct; alone it has no use")
	case s.correct && len(s.paths) == 0:
		return outcome.Input("-correct is for files; examples/deploy brings an org's app in line")
	case (s.diff != "" || s.migrate) && s.format != policy.Text && s.format != policy.JSON:
		return outcome.Input("-diff and -migrate write text or json, not %s", s.format)
	case s.diff == diffOrg && len(s.paths) == 0:
		return outcome.Input("-diff org compares files with an org; name a path")
	}
	return nil
}
