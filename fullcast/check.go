package fullcast

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/policy"
)

// checkVersion is the API version that Check reads with: the newest that holds every setting the instructions name
// and that every org answers.
const checkVersion = metadata.APIVersion(66)

// Check reads the connection's app from the org and holds it against the setup instructions for its kind. The report
// says what differs and which clicks mend it; what no metadata holds is reported as not visible.
//
// Setup's "Migrate to External Client App" leaves an external client app of the connected app's API name, reported to
// keep its consumer key. It is found by that name, held against the instructions for external client apps, and the
// report's Note says so. A legacy connection whose key is found on it is one to an external client app from then on:
// [oauthflow.EventKind] tells.
func (c *Connection) Check(ctx context.Context) (policy.Report, error) {
	report, moved, err := c.judge(ctx)
	if err != nil || moved == "" {
		return report, err
	}
	if err := c.connector.manager.SetKind(ctx, c.Key(), moved, string(report.Kind)); err != nil {
		return policy.Report{}, c.wrap("check", err)
	}
	_, err = c.Status(ctx)
	return report, err
}

// judge makes Check's report. Moved is the consumer key that was found on an app of another kind than the connection's.
func (c *Connection) judge(ctx context.Context) (report policy.Report, moved string, err error) {
	now, err := c.Status(ctx)
	if err != nil {
		return policy.Report{}, "", err
	}
	org, err := c.Org(checkVersion)
	if err != nil {
		return policy.Report{}, "", err
	}
	app, err := c.app(ctx, org, now)
	if err != nil {
		return policy.Report{}, "", c.wrap("check", err)
	}
	want, before := ConnectedApp(c.connector.site, ""), ConnectedApp(c.connector.site, "").New()
	if app.Kind == metadata.KindExternalClientApp {
		want = ExternalClientApp(c.connector.site, "")
	}
	if app.Kind != metadata.Kind(now.Kind) && externalKey(app) == now.ConsumerKey {
		moved = now.ConsumerKey
	}
	return policy.Check(policy.Subject{App: app, Version: checkVersion, Before: &before}, policy.Baseline(want)...), moved, nil
}

// app reads the connection's app: the one that the instructions name, unless that has another consumer key, or what
// Setup has made of the connected app.
func (c *Connection) app(ctx context.Context, org *metadata.Org, now oauthflow.Connection) (metadata.App, error) {
	connected := ConnectedApp(c.connector.site, "").APIName
	kind, name := metadata.KindConnectedApp, connected
	if metadata.Kind(now.Kind) == metadata.KindExternalClientApp {
		kind, name = metadata.KindExternalClientApp, ExternalClientApp(c.connector.site, "").APIName
	}
	app, err := org.Read(ctx, kind, name)
	if err != nil && !errors.Is(err, metadata.ErrNotFound) {
		return app, err
	}
	known := []string{"", now.ConsumerKey, now.NextKey} // a user may not see the key
	if err == nil && kind == metadata.KindExternalClientApp && slices.Contains(known, externalKey(app)) {
		return app, nil
	}
	made, madeErr := org.Read(ctx, metadata.KindExternalClientApp, connected)
	switch {
	case madeErr == nil && externalKey(made) == now.ConsumerKey, madeErr == nil && err != nil && externalKey(made) == "":
		return made, nil
	case err != nil && madeErr != nil && !errors.Is(madeErr, metadata.ErrNotFound):
		return made, madeErr
	}
	return app, err
}

// externalKey is the consumer key of an external client app, where the org shows it.
func externalKey(a metadata.App) string {
	if a.GlobalOAuthSettings == nil {
		return ""
	}
	return strings.TrimSpace(a.GlobalOAuthSettings.ConsumerKey)
}
