package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/fullcast/sfauth/metadata"
)

// readOrg reads the apps that the org has, as far as the question is about them, and the org's settings, with the newest API version
// that the org serves, 66 to 68, and where the org refuses that with the one before.
func (s settings) readOrg(ctx context.Context, stderr io.Writer) (input, error) {
	versions, err := s.org.Versions(ctx, s.transport)
	in := input{from: "the org"}
	for _, version := range versions {
		if in, err = s.readOrgWith(ctx, version, stderr); !metadata.VersionRefused(err) {
			break
		}
	}
	return in, err
}

func (s settings) readOrgWith(ctx context.Context, version metadata.APIVersion, stderr io.Writer) (in input, err error) {
	in.from = "the org"
	org, done, err := s.org.Open(ctx, version, s.transport)
	if err != nil {
		return in, err
	}
	defer func() { err = errors.Join(err, done()) }()
	listed, err := org.List(ctx)
	if err != nil {
		return in, err
	}
	for _, l := range listed {
		if s.app != "" && s.app != "*" && s.app != l.Name {
			in.subjects = append(in.subjects, subject{app: metadata.App{Kind: l.Kind, Name: l.Name}}) // to be named, not judged
			continue
		}
		app, err := org.Read(ctx, l.Kind, l.Name)
		if errors.Is(err, metadata.ErrNotFound) { // an app of another org is listed and cannot be read
			fmt.Fprintf(stderr, "appcheck: the app %+.80q cannot be read: %v\n", l.Name, err)
			continue
		}
		if err != nil {
			return in, err
		}
		if s.diff != "" && l.Kind == metadata.KindExternalClientApp { // no rule looks at these
			if app.Other, err = org.ReadOther(ctx, app.Name); err != nil {
				return in, err
			}
		}
		in.subjects = append(in.subjects, subject{app: app, version: version})
	}
	switches, err := org.Settings(ctx)
	in.settings = &switches
	return in, err
}
