package fullcast

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/policy"
)

// Check reads the connection's app from the org and compares it with the setup instructions for its kind. The report
// says what differs and which clicks correct it; what no metadata holds is reported as not visible. It reads with the newest
// API version that the org serves, 66 to 68, and where the org refuses that with the next one. Where the org refuses the connection's JWT-based access token for SOAP
// ([metadata.ErrJWTSession]), the report says so of each setting, and none has passed.
//
// Setup's "Migrate to External Client App" leaves an external client app of the connected app's API name, reported to
// keep its consumer key. It is found by that name, compared with the instructions for external client apps, and the
// report's Note says so. A legacy connection whose key is found on it is one to an external client app from then on:
// [oauthflow.EventKind] tells.
//
// For how long the app's Refresh Token Policy lets a refresh token stay unused is stored with the connection, so that the
// keep-alive refreshes in time also where that is less than 30 days; see [oauthflow.Manager.SetIdlePeriod]. A lifetime that
// use does not prolong is a finding: no refresh helps against it.
func (c *Connection) Check(ctx context.Context) (policy.Report, error) {
	j, err := c.judge(ctx)
	if err != nil {
		return j.report, err
	}
	if j.moved != "" {
		if err := c.connector.manager.SetKind(ctx, c.Key(), j.moved, j.report.Kind); err != nil {
			return policy.Report{}, c.wrap("check", err)
		}
	}
	if period, known := j.idlePeriod(); known {
		if err := c.connector.manager.SetIdlePeriod(ctx, c.Key(), j.now.ConsumerKey, period); err != nil {
			return policy.Report{}, c.wrap("check", err)
		}
	}
	if j.moved != "" {
		_, err = c.Status(ctx)
	}
	return j.report, err
}

// judgement is what [Connection.Check] found.
type judgement struct {
	now     oauthflow.Connection
	app     metadata.App
	version metadata.APIVersion // that app was read with
	report  policy.Report
	moved   string // the consumer key that was found on an app of another kind than the connection's
}

// judge makes Check's report.
func (c *Connection) judge(ctx context.Context) (j judgement, err error) {
	if j.now, err = c.Status(ctx); err != nil {
		return j, err
	}
	versions, err := c.apiVersions(ctx)
	if err != nil {
		return j, c.wrap("check", err)
	}
	for _, j.version = range versions {
		if j.app, err = c.read(ctx, j.version, j.now); !metadata.VersionRefused(err) {
			break
		}
	}
	if errors.Is(err, metadata.ErrJWTSession) {
		j.report = c.unseen(j.now.Kind, err)
		return j, nil
	}
	if err != nil {
		return j, c.wrap("check", err)
	}
	want, before := ConnectedApp(c.connector.site, ""), ConnectedApp(c.connector.site, "").New()
	if j.app.Kind == metadata.KindExternalClientApp {
		want = ExternalClientApp(c.connector.site, "")
	}
	if j.app.Kind != j.now.Kind && externalKey(j.app) == j.now.ConsumerKey {
		j.moved = j.now.ConsumerKey
	}
	j.report = policy.Check(policy.Subject{App: j.app, Version: j.version, Before: &before}, policy.Baseline(want)...)
	return j, nil
}

// idlePeriod is for how long the app lets a refresh token stay unused, 0 for no less than the org does; not known where the
// app is not seen to be the connection's, or its policy cannot be read.
func (j judgement) idlePeriod() (period time.Duration, known bool) {
	key := externalKey(j.app)
	if c := j.app.Connected; c != nil && c.OAuthConfig != nil {
		key = strings.TrimSpace(c.OAuthConfig.ConsumerKey)
	}
	if !slices.Contains([]string{"", j.now.ConsumerKey, j.now.NextKey}, key) {
		return 0, false
	}
	p := j.app.Spec().RefreshTokenPolicy
	switch {
	case p.Rule == metadata.ExpireIfUnused:
		return p.Duration(), p.Duration() > 0
	case p.OutlastsUse(), p.Rule == metadata.ExpireAfter, p.Rule == metadata.ExpireImmediately:
		return 0, true
	}
	return 0, false
}

// read reads the connection's app with an API version.
func (c *Connection) read(ctx context.Context, v metadata.APIVersion, now oauthflow.Connection) (metadata.App, error) {
	org, err := c.Org(v)
	if err != nil {
		return metadata.App{}, err
	}
	return c.app(ctx, org, now)
}

// app reads the connection's app: the one that the instructions name, unless that has another consumer key, or what
// Setup has made of the connected app.
func (c *Connection) app(ctx context.Context, org *metadata.Org, now oauthflow.Connection) (metadata.App, error) {
	connected := ConnectedApp(c.connector.site, "").APIName
	kind, name := metadata.KindConnectedApp, connected
	if now.Kind == metadata.KindExternalClientApp {
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
