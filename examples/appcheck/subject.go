package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/fullcast/sfauth/examples/internal/outcome"
	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/policy"
)

// input is all that was read.
type input struct {
	subjects []subject
	settings *metadata.OrgSettings // nil where there are none
	doubts   []string              // about the settings: what was not read, and why
	second   []string              // files with what an app of their tree has already
	from     string                // what was read, in words

	known map[identity][]int // where in subjects an app is; more than once where it was read a second time
}

// identity tells one app from another.
type identity struct {
	kind metadata.Kind
	name string
}

// subject is one app and where it is from.
type subject struct {
	app     metadata.App
	version metadata.APIVersion // 0 where nothing tells it
	files   map[string]file     // by the name that the app has for them; empty for an org

	settings *metadata.OrgSettings
	before   *metadata.App // the old app beside a new one, as it was read or as the instructions have it
}

// file is one that an app was read from.
type file struct {
	path   string // as a person would write it from here
	tree   string // the folder that it was read from; see openTree
	name   string // below the tree
	inside bool   // of a zip: it cannot be written alone
}

// instructions are what Fullcast says of the kind of app.
func (s settings) instructions(kind metadata.Kind) metadata.AppSpec {
	if kind == metadata.KindConnectedApp {
		return fullcast.ConnectedApp(s.site, "")
	}
	return fullcast.ExternalClientApp(s.site, "")
}

func (s settings) report(sub subject) policy.Report {
	var rules []policy.Rule
	for _, name := range s.rules {
		if set := ruleSets[name]; set != nil {
			rules = append(rules, set()...)
		} else {
			rules = append(rules, policy.Baseline(s.instructions(sub.app.Kind))...)
		}
	}
	report := policy.Check(policy.Subject{App: sub.app, Version: sub.version, Settings: sub.settings, Before: sub.before}, rules...)
	for i, f := range report.Findings {
		if from, ok := sub.files[f.File]; ok {
			report.Findings[i].File = concealed(from.path)
		}
	}
	return report
}

// choose picks the apps that were asked for. Where nobody asked, these are Fullcast's, and in their absence the only one.
func (s settings) choose(in input) ([]subject, error) {
	var names []string
	var chosen []subject
	seen := map[string]bool{}
	for _, sub := range in.subjects {
		if name := fmt.Sprintf("%.80q", sub.app.Name); !seen[name] {
			seen[name] = true
			names = append(names, name)
		}
		if s.app == "*" || s.app == sub.app.Name || s.app == "" && (len(in.subjects) == 1 || ofFullcast(sub.app)) {
			chosen = append(chosen, sub)
		}
	}
	switch {
	case len(names) == 0:
		return nil, outcome.Input("%s: there is no app in it", in.from)
	case len(chosen) == 0 && s.app == "":
		return nil, outcome.Input("%s: no app of Fullcast is in it; name one with -app, or -app '*' for all of %s", in.from, enumerate(names))
	case len(chosen) == 0:
		return nil, outcome.Input("-app: %s has no app %.80q, only %s", in.from, s.app, enumerate(names))
	}
	before := s.before(in.subjects)
	for i := range chosen {
		chosen[i].settings = in.settings
		if chosen[i].app.Kind == metadata.KindExternalClientApp {
			chosen[i].before = before
		}
	}
	return chosen, nil
}

// enumerate lists a few names.
func enumerate(names []string) string {
	const few = 8
	if len(names) > few {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:few], ", "), len(names)-few)
	}
	return strings.Join(names, ", ")
}

// ofFullcast tells an app of Fullcast by its API name or a callback URL.
func ofFullcast(app metadata.App) bool {
	spec := app.Spec()
	return app.Name == fullcast.ExternalClientApp(fullcast.Production, "").APIName || isOldApp(app) ||
		slices.ContainsFunc(spec.CallbackURLs, func(u string) bool { _, err := fullcast.SiteOf(u); return err == nil })
}

func isOldApp(app metadata.App) bool {
	return app.Name == fullcast.ConnectedApp(fullcast.Production, "").APIName
}

// before returns the old app, which tells whether Setup's migration has made the new one. Where it is not among those that
// were read, its names have to do.
func (s settings) before(all []subject) *metadata.App {
	for _, sub := range all {
		if sub.app.Kind == metadata.KindConnectedApp && isOldApp(sub.app) {
			return &sub.app
		}
	}
	old := fullcast.ConnectedApp(s.site, "").New()
	return &old
}
