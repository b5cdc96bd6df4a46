package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/fullcast/sfauth/examples/internal/console"
	"github.com/fullcast/sfauth/examples/internal/outcome"
	"github.com/fullcast/sfauth/internal/scrub"
	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/policy"
)

// deploy brings the listed settings into the org, and returns the app as it then is there. What nobody listed stays as
// the admin has it.
func (s settings) deploy(ctx context.Context, org *metadata.Org, stdout io.Writer) (metadata.App, error) {
	live, err := org.Read(ctx, s.spec.Kind, s.spec.APIName)
	isNew := errors.Is(err, metadata.ErrNotFound)
	if err != nil && !isNew {
		return live, err
	}
	app := s.spec.New()
	if isNew {
		if s.spec.ContactEmail == "" {
			return live, outcome.Input("the org has no external client app %q yet, and a new one needs -email, its Contact Email", s.spec.APIName)
		}
		fmt.Fprintf(stdout, "The org has no external client app %q yet.\n", s.spec.APIName)
	} else {
		app = s.spec.Merge(live)
	}
	pkg, err := app.Package(apiVersion)
	if err != nil {
		return live, err
	}
	if !isNew {
		same, err := unchanged(live, pkg)
		if err != nil {
			return live, err
		}
		if same {
			fmt.Fprintf(stdout, "The external client app %q is as the instructions say; nothing was changed.\n", s.spec.APIName)
			return live, nil
		}
		for _, d := range policy.Diff(live, app) {
			fmt.Fprintf(stdout, "%s: %s -> %s\n", scrub.Printable(d.Field), inOneLine(d.A), inOneLine(d.B))
		}
	}
	result, err := org.Deploy(ctx, pkg, metadata.DeployOptions{CheckOnly: s.checkOnly, Progress: progress(stdout)})
	if err != nil {
		if result.ID != "" && ctx.Err() != nil {
			return live, fmt.Errorf("interrupted: the deployment %s goes on in the org", result.ID)
		}
		return live, err
	}
	for _, w := range result.Warnings {
		fmt.Fprintf(stdout, "warning: %s\n", scrub.Printable(w.Error()))
	}
	if s.checkOnly {
		fmt.Fprintf(stdout, "The org would accept it: %d components. Nothing was changed.\n", result.Components.Total)
		return live, nil
	}
	fmt.Fprintf(stdout, "Deployed: %d components.\n", result.Components.Finished)
	return s.readBack(ctx, org, stdout)
}

// readBack sees to it that the org now has what was asked for, and says which of its own switches stand in the way.
func (s settings) readBack(ctx context.Context, org *metadata.Org, stdout io.Writer) (metadata.App, error) {
	app, err := org.Read(ctx, s.spec.Kind, s.spec.APIName)
	if err != nil {
		return app, err
	}
	switches, err := org.Settings(ctx)
	if err != nil {
		return app, err
	}
	subject := policy.Subject{App: app, Version: apiVersion, Settings: &switches}
	report := policy.Check(subject, policy.Baseline(s.spec)...)
	if worst := report.Worst(); worst != "" && worst != policy.SeverityNote {
		fmt.Fprint(stdout, report)
		return app, fmt.Errorf("the org has taken the app and yet has it otherwise: %d findings", len(report.Findings))
	}
	fmt.Fprintln(stdout, "Read back: every listed setting is as the instructions say.")
	for _, f := range append(report.Findings, policy.Check(subject, policy.Prerequisites()...).Findings...) {
		fmt.Fprintf(stdout, "note: %s; %s\n", scrub.Printable(f.Message), f.Fix)
	}
	return app, nil
}

// unchanged reports whether deploying pkg would leave the live app as it is.
func unchanged(live metadata.App, pkg *metadata.Package) (bool, error) {
	now, err := live.Package(apiVersion)
	if err != nil {
		return false, err
	}
	return slices.EqualFunc(now.Files, pkg.Files, func(a, b metadata.File) bool {
		return a.Name == b.Name && string(a.Data) == string(b.Data)
	}), nil
}

// show prints what the Fullcast side needs to connect: the consumer key, and the secret if the person wants that.
func show(ctx context.Context, org *metadata.Org, app metadata.App, person *console.Console, stdout io.Writer) error {
	const setup = "Setup shows it: External Client App Manager > Fullcast > Settings > OAuth Settings > Consumer Key and Secret"
	if app.GlobalOAuthSettings != nil && app.GlobalOAuthSettings.ConsumerKey != "" {
		fmt.Fprintf(stdout, "Consumer key: %s\n", scrub.Printable(app.GlobalOAuthSettings.ConsumerKey))
	} else {
		fmt.Fprintf(stdout, "Consumer key: the org does not tell it as metadata. %s.\n", setup)
	}
	answer, err := person.Ask(ctx, "Show the consumer secret here? [y/N] ")
	if errors.Is(err, console.ErrNoAnswer) {
		answer = ""
	} else if err != nil {
		return err
	}
	if !slices.Contains([]string{"y", "yes"}, strings.ToLower(answer)) {
		fmt.Fprintf(stdout, "Consumer secret: not shown. %s.\n", setup)
		return nil
	}
	credentials, err := org.Credentials(ctx, app.Name)
	if err != nil {
		return fmt.Errorf("the app is deployed; its secret cannot be read: %w; %s", err, setup)
	}
	fmt.Fprintf(stdout, "Consumer key: %s\nConsumer secret: %s\n", scrub.Printable(credentials.Key), scrub.Printable(credentials.Secret.Reveal()))
	return nil
}

func inOneLine(s string) string {
	if s == "" {
		return "(nothing)"
	}
	return scrub.Printable(strings.ReplaceAll(s, "\n", ", "))
}
