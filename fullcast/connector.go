package fullcast

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/oauthflow"
)

// Config says what a [Connector] works with.
type Config struct {
	// Site is the Fullcast instance that this service belongs to; it decides the callback URLs. Required.
	Site Site

	// Store keeps the connections. Required; all processes of the instance share one.
	Store oauthflow.Store

	// Keys seal what is stored. Required.
	Keys *oauthflow.Keys

	// Environment names the deployment that owns the store, such as "production-eu"; a copy of the store opens in no
	// other environment. Optional; default the Site.
	Environment string

	// Former, StoreEpoch, IdleLimit, SessionLifetime and AccessTokens are those of [oauthflow.ManagerConfig]. Optional.
	Former          oauthflow.Store
	StoreEpoch      string
	IdleLimit       func(oauthflow.Connection) time.Duration
	SessionLifetime oauthflow.SessionLifetime
	AccessTokens    oauthflow.AccessTokens

	// Transport carries all requests to Salesforce. Optional; default http.DefaultTransport as it is at each call. See
	// [oauthflow.Config] for what becomes of it on token calls.
	Transport http.RoundTripper

	// EgressAddresses are the public addresses and networks that the service calls Salesforce from, such as "203.0.113.7" or
	// "203.0.113.0/28". They are named to the org's admin where Salesforce may restrict addresses; see [Remedy.ForAdmin].
	// Optional; default: the text says that Fullcast tells them.
	EgressAddresses []string

	// Observe is told what happens to connections. Optional; see [oauthflow.ManagerConfig].
	Observe func(oauthflow.Event)

	// Logger gets lines about what goes wrong inside. Optional; default silent. See [oauthflow.ManagerConfig] for their fields.
	Logger *slog.Logger
}

// Connector connects customers' Salesforce orgs to one Fullcast instance and keeps the connections alive. A service
// makes one and closes it at its end. Its methods may be called from many goroutines, and every process of the
// instance may have one over the same store.
type Connector struct {
	site      Site
	transport http.RoundTripper
	egress    []string
	manager   *oauthflow.Manager
}

// NewConnector returns a Connector, or an *[Error] that names every field at fault.
func NewConnector(c Config) (*Connector, error) {
	const op = "new connector"
	var none oauthflow.Key
	var bad []error
	if err := c.Site.Validate(); err != nil {
		bad = append(bad, err)
	}
	egress, err := parseEgress(c.EgressAddresses)
	if err != nil {
		bad = append(bad, fmt.Errorf("EgressAddresses: %w", err))
	}
	if len(bad) > 0 {
		return nil, &Error{Op: op, Remedy: FixConfiguration, Err: errors.Join(bad...)}
	}
	if c.Environment == "" {
		c.Environment = string(c.Site)
	}
	flow, err := oauthflow.NewFlow(oauthflow.Config{RedirectURLs: c.Site.CallbackURLs(), Transport: c.Transport})
	if err != nil {
		return nil, wrap(op, none, "", err)
	}
	m, err := oauthflow.NewManager(oauthflow.ManagerConfig{
		Flow: flow, Store: c.Store, Keys: c.Keys, Environment: c.Environment, Observe: c.Observe, Logger: c.Logger,
		Former: c.Former, StoreEpoch: c.StoreEpoch, IdleLimit: c.IdleLimit, SessionLifetime: c.SessionLifetime,
		AccessTokens: c.AccessTokens, RefuseSecondKey: true,
	})
	if err != nil {
		return nil, wrap(op, none, "", err)
	}
	return &Connector{site: c.Site, transport: c.Transport, egress: egress, manager: m}, nil
}

// Manager returns the connector's manager, for what services rarely do: [oauthflow.Manager.Reseal],
// [oauthflow.Manager.TakeOver], [oauthflow.Manager.Renew].
func (c *Connector) Manager() *oauthflow.Manager { return c.manager }

// BeginOptions say how one login is to run.
type BeginOptions struct {
	// Client is the org's app. Required; an empty Kind means an external client app.
	Client oauthflow.Client

	// Binding ties the login to the browser session that begins it: 16 to 512 bytes that only that session knows.
	// Required; see [oauthflow.Manager.Begin].
	Binding string

	// CallbackURL is the page that Salesforce sends the browser back to, one of the Site's callback URLs. Optional;
	// default the page /app/admin/motion.
	CallbackURL string

	// LoginHint is the Salesforce user name to fill in. Optional.
	LoginHint string

	// ExpectOrg is the id of the org that is to be connected, 15 or 18 characters; a login by another org is refused with
	// [oauthflow.ErrOrgChanged], and an *[oauthflow.StrangerError] that names who has logged in. Optional; default the org
	// of the connection that exists, else any. An id other than that org's accepts that the new org takes its place, as
	// after a sandbox refresh: let a person confirm it.
	ExpectOrg string

	// SecondKey accepts a login of an org, user and app that another key is connected to, which is refused with
	// [oauthflow.ErrConnectedElsewhere] otherwise: such connections push each other out. Optional.
	SecondKey bool
}

// String shows no secret: the binding is as good as a session.
func (o BeginOptions) String() string {
	return "login of app " + o.Client.ID + " at " + o.Client.Host.String()
}

// Format writes [BeginOptions.String] for every verb.
func (o BeginOptions) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, o.String()) }

// MarshalText returns [BeginOptions.String].
func (o BeginOptions) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// LogValue returns [BeginOptions.String].
func (o BeginOptions) LogValue() slog.Value { return slog.StringValue(o.String()) }

const adminPage = "/app/admin/motion"

// Begin starts a login for the connection k and returns the URL to send the user's browser to, top-level or in a
// pop-up. A connected app is refused with [ErrMigrationRequired]: it can only be adopted. Where a migration of k waits for
// [Connector.ResumeMigration], this login takes the place of its login, and the migration ends with it.
func (c *Connector) Begin(ctx context.Context, k oauthflow.Key, o BeginOptions) (redirect string, err error) {
	if isMigration(k) {
		return "", reserved("begin", k)
	}
	if _, err := c.manager.Load(ctx, migrationKey(k)); err == nil { // it holds org, user and app against a login under k
		return c.beginStaged(ctx, "begin", k, o)
	}
	return c.begin(ctx, k, o)
}

func reserved(op string, k oauthflow.Key) error {
	return invalid(op, k, "Key.Name", "must not begin with \""+migrationMark+"\"")
}

func (c *Connector) begin(ctx context.Context, k oauthflow.Key, o BeginOptions) (redirect string, err error) {
	const op = "begin"
	switch o.Client.Kind {
	case "":
		o.Client.Kind = string(metadata.KindExternalClientApp)
	case string(metadata.KindExternalClientApp):
	case string(metadata.KindConnectedApp):
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
	return oauthflow.AuthorizeOptions{RedirectURL: o.CallbackURL, LoginHint: o.LoginHint, ExpectOrg: o.ExpectOrg, SecondKey: o.SecondKey}, nil
}

// Reconnect is [Connector.Begin] for a connection that exists, with the app that it has: for a broken one whose app is
// as it was. BeginOptions.Client stays empty. A connected app is not authorized anew: [ErrMigrationRequired].
func (c *Connector) Reconnect(ctx context.Context, k oauthflow.Key, o BeginOptions) (redirect string, err error) {
	const op = "reconnect"
	if isMigration(k) {
		return "", reserved(op, k)
	}
	now, err := c.manager.Load(ctx, k)
	if err != nil {
		return "", wrap(op, k, "", err)
	}
	if now.Kind == string(metadata.KindConnectedApp) {
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
// [Connector.ResumeMigration] takes it up again. Once the code has been sent the rest is finished even when ctx ends. See
// [oauthflow.Manager.Complete].
func (c *Connector) Complete(ctx context.Context, cb oauthflow.Callback) (*Connection, error) {
	got, err := c.manager.Complete(ctx, cb)
	if err != nil {
		return nil, wrap("complete", migrated(cmp.Or(got.Key, oauthflow.Key{Tenant: cb.Tenant})), metadata.KindExternalClientApp, err)
	}
	if isMigration(got.Key) {
		return c.ResumeMigration(context.WithoutCancel(ctx), migrated(got.Key))
	}
	return c.connection(got), nil
}

// Adopt takes over a connection that was made before this SDK, of either kind of app, with its refresh token. The
// former owner must have stopped refreshing first, and for good: with rotation, each use of a refresh token by one of two
// owners ends the other's. See [oauthflow.Manager.Adopt].
func (c *Connector) Adopt(ctx context.Context, k oauthflow.Key, client oauthflow.Client, refreshToken oauthflow.Secret) (*Connection, error) {
	const op = "adopt"
	if err := adoptable(op, k, client); err != nil {
		return nil, err
	}
	got, err := c.manager.Adopt(ctx, k, client, refreshToken)
	if err != nil {
		return nil, wrap(op, k, metadata.Kind(client.Kind), err)
	}
	return c.connection(got), nil
}

// AdoptDryRun tells what [Connector.Adopt] would meet, and spends and writes nothing: whether the input is usable, the key
// free, and whether Salesforce accepts consumer key and secret and calls the refresh token active. The former owner may go
// on refreshing meanwhile. See [oauthflow.Manager.AdoptDryRun].
func (c *Connector) AdoptDryRun(ctx context.Context, k oauthflow.Key, client oauthflow.Client, refreshToken oauthflow.Secret) (oauthflow.Introspection, error) {
	const op = "adopt (dry run)"
	if err := adoptable(op, k, client); err != nil {
		return oauthflow.Introspection{}, err
	}
	is, err := c.manager.AdoptDryRun(ctx, k, client, refreshToken)
	return is, wrap(op, k, metadata.Kind(client.Kind), err)
}

func adoptable(op string, k oauthflow.Key, client oauthflow.Client) error {
	if isMigration(k) {
		return reserved(op, k)
	}
	if client.Kind != string(metadata.KindExternalClientApp) && client.Kind != string(metadata.KindConnectedApp) {
		return invalid(op, k, "Client.Kind", "must be ExternalClientApp or ConnectedApp")
	}
	return nil
}

// Open returns a connection that exists. It makes no request to Salesforce, except for one that was adopted and has
// never been refreshed.
func (c *Connector) Open(ctx context.Context, k oauthflow.Key) (*Connection, error) {
	const op = "open"
	got, err := c.manager.Load(ctx, k)
	if err != nil {
		return nil, wrap(op, k, "", err)
	}
	if got.InstanceURL == "" {
		if _, err := c.manager.Source(k).InstanceURL(ctx); err != nil {
			return nil, wrap(op, k, metadata.Kind(got.Kind), err)
		}
		if got, err = c.manager.Load(ctx, k); err != nil {
			return nil, wrap(op, k, "", err)
		}
	}
	return c.connection(got), nil
}

// Disconnect revokes the connection at Salesforce and forgets it, and with it a migration that has not come to its end. It
// is safe to repeat. See [oauthflow.Manager.Disconnect].
func (c *Connector) Disconnect(ctx context.Context, k oauthflow.Key) error {
	const op = "disconnect"
	if !isMigration(k) { // first, so that what is left of an interrupted call is still listed
		if err := c.manager.Disconnect(ctx, migrationKey(k)); err != nil && !unusable(err) {
			return wrap(op, k, metadata.KindExternalClientApp, err)
		}
	}
	return wrap(op, k, "", c.manager.Disconnect(ctx, k))
}

// unusable reports whether a key is none: a name may be too long to have had a migration.
func unusable(err error) bool {
	var e *oauthflow.Error
	return errors.As(err, &e) && e.Kind == oauthflow.KindInvalid && !errors.Is(err, oauthflow.ErrClosed)
}

// Close waits until every refresh that is under way has been stored. See [oauthflow.Manager.Close].
func (c *Connector) Close(ctx context.Context) error {
	if err := c.manager.Close(ctx); err != nil {
		return &Error{Op: "close", Remedy: Retry, Err: errors.Join(errors.New("refreshes were abandoned"), err)}
	}
	return nil
}
