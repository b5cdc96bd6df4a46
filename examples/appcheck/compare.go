package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"github.com/fullcast/sfauth/examples/internal/outcome"
	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/internal/scrub"
	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/policy"
)

// compare writes what differs between each app and the one of the same kind and name elsewhere. What the instructions do
// not list is the admin's own: it is shown, and does not count.
func (s settings) compare(ctx context.Context, subjects []subject, stdout, stderr io.Writer) error {
	type comparison struct {
		App         string              `json:"app"`
		Differences []policy.Difference `json:"differences"`
	}
	var all []comparison
	var result error
	other, err := s.other(ctx, stderr)
	if err != nil {
		return err
	}
	for _, sub := range subjects {
		b, err := other(sub.app)
		if err != nil {
			return err
		}
		differences := policy.Diff(sub.app, b)
		if slices.ContainsFunc(differences, func(d policy.Difference) bool { return d.Mark == policy.Listed }) {
			result = errFound
		}
		all = append(all, comparison{concealed(sub.app.Name), differences})
	}
	if s.format == policy.JSON {
		if err := writeJSON(stdout, "comparisons", all); err != nil {
			return err
		}
		return result
	}
	total := 0
	for _, c := range all { // a terminal shows the end, so that the counts come last
		for _, d := range c.Differences {
			fmt.Fprintf(stdout, "%s (%s)\n  here:  %s\n  there: %s\n\n", printable(d.Field), d.Mark, inOneLine(d.A), inOneLine(d.B))
		}
		fmt.Fprintf(stdout, "%s: %s\n", printable(c.App), count(len(c.Differences), "difference"))
		total += len(c.Differences)
	}
	if len(all) > 1 {
		fmt.Fprintf(stdout, "\n%s: %s\n", count(len(all), "app"), count(total, "difference"))
	}
	return result
}

// other returns what finds the app to compare one with.
func (s settings) other(ctx context.Context, stderr io.Writer) (func(metadata.App) (metadata.App, error), error) {
	if s.diff == diffInstructions {
		return func(app metadata.App) (metadata.App, error) { return s.instructed(app), nil }, nil
	}
	there := s
	there.paths = nil
	if s.diff != diffOrg {
		there.paths = []string{s.diff}
	}
	found, err := there.read(ctx, stderr)
	if err != nil {
		return nil, err
	}
	byIdentity := map[identity][]metadata.App{}
	for _, sub := range found {
		key := identity{sub.app.Kind, sub.app.Name}
		byIdentity[key] = append(byIdentity[key], sub.app)
	}
	return func(app metadata.App) (metadata.App, error) {
		same := byIdentity[identity{app.Kind, app.Name}]
		if len(found) == 1 && found[0].app.Kind == app.Kind {
			same = []metadata.App{found[0].app}
		}
		if len(same) != 1 {
			return metadata.App{}, outcome.Input("-diff: %s has %d apps to compare %.80q with, and must have one of its kind and name", s.diff, len(same), app.Name)
		}
		return same[0], nil
	}, nil
}

// instructed is the app with all that the instructions list as they say, and the rest as it is.
func (s settings) instructed(app metadata.App) metadata.App {
	spec := s.instructions(app.Kind)
	name := spec.APIName
	spec.APIName = app.Name // a merge renames nothing
	merged := spec.Merge(app)
	merged.Name = name
	return merged
}

// plan writes how each connected app becomes an external client app.
func (s settings) plan(subjects []subject, stdout io.Writer) error {
	type migration struct {
		App string `json:"app"`
		policy.Plan
	}
	var all []migration
	for _, sub := range subjects {
		if sub.app.Kind != metadata.KindConnectedApp {
			continue
		}
		plan, err := policy.PlanMigration(sub.app, fullcast.ExternalClientApp(s.site, ""))
		if err != nil {
			return outcome.Input("%v", err)
		}
		all = append(all, migration{concealed(sub.app.Name), plan})
	}
	if len(all) == 0 {
		return outcome.Input("-migrate is for connected apps, and there is none; -app names the app")
	}
	if s.format == policy.JSON {
		return writeJSON(stdout, "migrations", all)
	}
	for _, m := range all {
		fmt.Fprintln(stdout, m.Plan)
	}
	return nil
}

// writeJSON writes a list under its name, with the version of its form, as reports have one. What could steer a terminal in the
// values of others is written as an escape, which keeps them.
func writeJSON(w io.Writer, name string, list any) error {
	text, err := json.MarshalIndent(map[string]any{"version": 1, name: list}, "", "  ")
	if err != nil {
		return err
	}
	_, err = w.Write(append(scrub.JSON(text), '\n'))
	return err
}
