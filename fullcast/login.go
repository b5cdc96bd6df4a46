package fullcast

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"

	"github.com/fullcast/sfauth/internal/scrub"
	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/oauthflow"
)

// BeginOptions say how one login is to run.
type BeginOptions struct {
	// Client is the org's app, an external client app. Required.
	Client oauthflow.Client

	// Binding ties the login to the browser session that begins it: 16 to 512 bytes that only that session knows.
	// Required; see [oauthflow.Manager.Begin].
	Binding string

	// CallbackURL is the page that Salesforce sends the browser back to, one of the Site's callback URLs. Optional;
	// default the page /app/admin/motion.
	CallbackURL string

	// LoginHint is the Salesforce user name to fill in. Optional.
	LoginHint string

	// Prompt asks the login host for a page that it would leave out: "login" to enter user name and password, "consent" to allow the
	// app once more, "select_account" to choose among users, or several with blanks between. Optional; default what the host does. "login" is the
	// way out for a browser that is signed in to another org, which allows access at once.
	Prompt string

	// ExpectUser is the id of the user who is to log in, 15 characters in their own case or 18 in any; a login by another is refused with
	// [oauthflow.ErrUserChanged], and an *[oauthflow.StrangerError] that names who has logged in. Optional; default any user.
	ExpectUser string

	// ExpectOrg is the id of the org that is to be connected, 15 characters in their own case or 18 in any; a login by another org is refused with
	// [oauthflow.ErrOrgChanged], and an *[oauthflow.StrangerError] that names who has logged in. Optional; default the org
	// of the connection that exists, else any. An id other than that org's accepts that the new org takes its place, as
	// after a sandbox refresh: let a person confirm it.
	ExpectOrg string
}

// String shows no secret: the binding is as good as a session.
func (o BeginOptions) String() string {
	return "login of app " + scrub.Word(o.Client.ID) + " at " + o.Client.Host.String()
}

// Format writes [BeginOptions.String] for every verb.
func (o BeginOptions) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, o.String()) }

// MarshalText returns [BeginOptions.String].
func (o BeginOptions) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// MarshalBinary always fails: gob and other binary encoders would write what is not shown.
func (o BeginOptions) MarshalBinary() ([]byte, error) {
	return nil, errors.New("fullcast: BeginOptions are not encoded")
}

// LogValue returns [BeginOptions.String].
func (o BeginOptions) LogValue() slog.Value { return slog.StringValue(o.String()) }

const adminPage = "/app/admin/motion"

// Begin starts a login for the connection k and returns the URL to send the user's browser to, top-level or in a
// pop-up. Another key may be connected to the same org, user and app: Fullcast asks for two logins of one integration
// user. Salesforce keeps five approvals of one user and app, and each connection is one (of an external client app that is
// assumed); the next login ends the oldest. A connected app is refused with [ErrMigrationRequired]: it can only be adopted. Where a migration of k waits for
// [Connector.ResumeMigration], this login takes the place of its login, and the migration ends with it.
func (c *Connector) Begin(ctx context.Context, k oauthflow.Key, o BeginOptions) (redirect string, err error) {
	if isMigration(k) {
		return "", reserved("begin", k)
	}
	if _, err := c.manager.Load(ctx, migrationKey(k)); err == nil { // else it would take the place of the new login later
		return c.beginStaged(ctx, "begin", k, o)
	}
	return c.begin(ctx, k, o)
}

func reserved(op string, k oauthflow.Key) error {
	return invalid(op, k, "Key.Name", "must not begin with \""+migrationMark+"\"")
}

func (c *Connector) begin(ctx context.Context, k oauthflow.Key, o BeginOptions) (redirect string, err error) {
	const op = "begin"
	switch o.Client.Kind.OrDefault() {
	case metadata.KindExternalClientApp:
	case metadata.KindConnectedApp:
		return "", &Error{Op: op, Key: k, Remedy: Migrate, Err: ErrMigrationRequired}
	default:
		return "", invalid(op, k, "BeginOptions.Client.Kind", "must be ExternalClientApp")
	}
	a, err := c.authorizeOptions(op, k, o)
	if err != nil {
		return "", err
	}
	redirect, err = c.manager.Begin(ctx, k, o.Client, o.Binding, a)
	return redirect, wrap(op, k, metadata.KindExternalClientApp, err)
}

func (c *Connector) authorizeOptions(op string, k oauthflow.Key, o BeginOptions) (oauthflow.AuthorizeOptions, error) {
	if o.CallbackURL == "" {
		o.CallbackURL = string(c.site) + adminPage
	}
	if !slices.Contains(c.site.CallbackURLs(), o.CallbackURL) {
		return oauthflow.AuthorizeOptions{}, invalid(op, k, "BeginOptions.CallbackURL", "is not one of the callback URLs of "+string(c.site))
	}
	return oauthflow.AuthorizeOptions{RedirectURL: o.CallbackURL, LoginHint: o.LoginHint, Prompt: o.Prompt, ExpectOrg: o.ExpectOrg, ExpectUser: o.ExpectUser}, nil
}

// Reconnect is [Connector.Begin] for a connection that exists, with the app that it has: for a broken one whose app is
// as it was. BeginOptions.Client stays empty. A connected app is not authorized again: [ErrMigrationRequired].
func (c *Connector) Reconnect(ctx context.Context, k oauthflow.Key, o BeginOptions) (redirect string, err error) {
	const op = "reconnect"
	if isMigration(k) {
		return "", reserved(op, k)
	}
	now, err := c.manager.Load(ctx, k)
	if err != nil {
		return "", wrap(op, k, "", err)
	}
	if now.Kind == metadata.KindConnectedApp {
		return "", &Error{Op: op, Key: k, Remedy: Migrate, Err: ErrMigrationRequired}
	}
	if o.Client.ID != "" || !o.Client.Host.IsZero() || !o.Client.Secret.IsZero() {
		return "", invalid(op, k, "BeginOptions.Client", "must be empty; Begin takes another app")
	}
	a, err := c.authorizeOptions(op, k, o)
	if err != nil {
		return "", err
	}
	redirect, err = c.manager.BeginAgain(ctx, k, o.Binding, a)
	return redirect, wrap(op, k, metadata.KindExternalClientApp, err)
}

// Complete ends a login with what reached the callback page, and returns the connection, which is stored by then. A
// login of [Connector.BeginMigration] ends with the migrated connection; when that fails after the login,
// [Connector.ResumeMigration] takes it up again. Once the code has been sent the rest is finished even when ctx ends. A
// callback that comes again within ten minutes has the result of the first. See [oauthflow.Manager.Complete]. Who calls
// this from a page of its own must not do so for a HEAD request or a prefetch (Sec-Purpose), as [Connector.CallbackMiddleware]
// does not.
func (c *Connector) Complete(ctx context.Context, cb oauthflow.Callback) (*Connection, error) {
	conn, _, err := c.complete(ctx, cb)
	return conn, err
}

// complete tells besides whether the login was one of a migration.
func (c *Connector) complete(ctx context.Context, cb oauthflow.Callback) (conn *Connection, migration bool, err error) {
	got, err := c.manager.Complete(ctx, cb)
	migration = isMigration(got.Key)
	if err != nil {
		return nil, migration, wrap("complete", migrated(cmp.Or(got.Key, oauthflow.Key{Tenant: cb.Tenant})), metadata.KindExternalClientApp, err)
	}
	if migration {
		conn, err := c.ResumeMigration(context.WithoutCancel(ctx), migrated(got.Key))
		return conn, migration, err
	}
	return c.connection(got), migration, nil
}

const opAdopt = "adopt"
