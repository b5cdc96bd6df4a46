package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/fullcast/sfauth/examples/internal/console"
	"github.com/fullcast/sfauth/examples/internal/outcome"
	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/policy"
)

// change is a file that correcting changes.
type change struct {
	at          file
	was, become []byte
}

// correctFiles shows what correcting changes and why the rest stays, asks, and writes. It reports whether it has written.
func (s settings) correctFiles(ctx context.Context, subjects []subject, person *console.Console, stderr io.Writer) (bool, error) {
	var all []change
	for _, sub := range subjects {
		report := s.report(sub)
		corrected := report.Correct(sub.app)
		changes, added, err := sub.changes(corrected)
		if err != nil {
			return false, err
		}
		fmt.Fprintf(stderr, "%s:\n", printable(concealed(sub.app.Name)))
		for _, d := range policy.Diff(sub.app, corrected) {
			fmt.Fprintf(stderr, "  %s: %s -> %s\n", printable(d.Field), inOneLine(d.A), inOneLine(d.B))
		}
		for _, f := range report.Findings {
			if f.Correct == nil {
				fmt.Fprintf(stderr, "  %s stays: %s\n", printable(f.Field), printable(f.NoCorrection))
			}
		}
		for _, c := range changes {
			fmt.Fprintf(stderr, "  changes %s\n", printable(c.at.path))
		}
		for _, name := range added {
			fmt.Fprintf(stderr, "  does not add %s, which was not read\n", printable(name))
		}
		all = append(all, changes...)
	}
	if len(all) == 0 {
		fmt.Fprintln(stderr, "There is nothing to write.")
		return false, nil
	}
	if !s.write {
		answer, err := person.Ask(ctx, fmt.Sprintf("Write %s? [y/N] ", count(len(all), "file")))
		if err != nil && !errors.Is(err, console.ErrNoAnswer) {
			return false, err
		}
		if !slices.Contains([]string{"y", "yes"}, strings.ToLower(answer)) {
			fmt.Fprintln(stderr, "Nothing was written.")
			return false, nil
		}
	}
	for _, c := range all {
		if err := c.write(); err != nil {
			return false, err
		}
	}
	return true, nil
}

// changes are the files that correcting changes, and the names of those that it would add: they may exist elsewhere, and are
// not written.
func (sub subject) changes(corrected metadata.App) (all []change, added []string, err error) {
	was, err := sub.app.Files()
	if err != nil {
		return nil, nil, err
	}
	become, err := corrected.Files()
	if err != nil {
		return nil, nil, err
	}
	before := map[string][]byte{}
	for _, f := range was {
		before[f.Name] = f.Data
	}
	for _, f := range become {
		at, read := sub.files[f.Name]
		switch {
		case !read:
			added = append(added, f.Name)
		case bytes.Equal(before[f.Name], f.Data):
		case at.inside:
			return nil, nil, outcome.Input("%s is inside a zip, which -correct does not write; unpack it first", printable(at.path))
		default:
			all = append(all, change{at, before[f.Name], f.Data})
		}
	}
	return all, added, nil
}
