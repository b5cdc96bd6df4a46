package fullcast

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/fullcast/sfauth/internal/badfields"
	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// Config says what a [Connector] works with.
type Config struct {
	// Site is the Fullcast instance that this service belongs to; it decides the callback URLs. Required.
	Site Site

	// Store keeps the connections. Required; all processes of the instance share one.
	Store tokenstore.Store

	// Keyring seals what is stored. Required.
	Keyring *tokenstore.Keyring

	// Environment names the deployment that owns the store, such as "production-eu"; a copy of the store opens in no
	// other environment. Optional; default the Site.
	Environment string

	// StoreCalls, StoreEpoch and IdleLimit are those of [oauthflow.ManagerConfig]. Optional.
	// [Connection.Check] reads an app's own shorter period and stores it, so that IdleLimit is needed only where nobody
	// checks.
	StoreCalls int
	StoreEpoch string
	IdleLimit  func(oauthflow.Connection) time.Duration

	// Crew is how many connections [Connector.AdoptAll], [Connector.DisconnectAll] and [Connector.DisconnectEveryTenant] deal with at
	// once in this process; and that of [oauthflow.ManagerConfig]. Optional, 1 to 256; default 16.
	Crew int

	// Transport carries the requests to Salesforce's login hosts. Optional; default http.DefaultTransport as it is at each
	// call. See [oauthflow.Config] for what becomes of it.
	Transport http.RoundTripper

	// APITransport carries the requests to the orgs: those of [Connection.HTTPClient] and [Connection.Resty], and of what this
	// package calls there, so that it can be traced, limited or kept alive in another way than what carries the secrets. The rules
	// are the same: an *http.Transport that undoes a check is refused, of any other such a guarded copy is used; see
	// [oauthflow.Source.Transport]. Optional; default Transport.
	APITransport http.RoundTripper

	// PrivateNetworks are networks that are not public and in which the service reaches Salesforce all the same, as through a
	// service mesh (240.0.0.0/4) or a private link (10.0.0.0/8); see [oauthflow.Config].PrivateNetworks. Optional; default: public
	// addresses only.
	PrivateNetworks []netip.Prefix

	// EgressAddresses are the public addresses and networks that the service calls Salesforce from, such as "203.0.113.7" or
	// "203.0.113.0/28". They are named to the org's admin where Salesforce may restrict addresses; see [Remedy.ForAdmin].
	// Optional; default: the text says that Fullcast tells them.
	EgressAddresses []string

	// PermissionSets are the labels of the permission sets that the user of a connection needs, for [Connection.Diagnose]; one of any
	// namespace will do, and a user who may modify all data needs none. Optional; default those that Fullcast's instructions name, "Fullcast
	// Import", "Fullcast Export" and "Fullcast Motion". An empty list that is not nil asks for none.
	PermissionSets []string

	// Packages are the installed packages that the service works with, for [Connection.Diagnose]. Optional; default "Fullcast Motion" from
	// version 2.177. An empty list that is not nil asks for none.
	Packages []InstalledPackage

	// Observe is told what happens to connections. Optional; see [oauthflow.ManagerConfig].
	Observe func(oauthflow.Event)

	// Logger gets lines about what goes wrong inside. Optional; default silent. See [oauthflow.ManagerConfig] for their fields.
	Logger *slog.Logger
}

// Connector connects customers' Salesforce orgs to one Fullcast instance and keeps the connections alive. A service
// makes one and closes it at its end. Its methods may be called from many goroutines, and every process of the
// instance may have one over the same store.
type Connector struct {
	site    Site
	login   http.RoundTripper // carries requests to login hosts that need no session
	api     http.RoundTripper // as configured
	open    http.RoundTripper // carries requests to orgs that need no session
	egress  []string
	needs   userNeeds
	manager *oauthflow.Manager
	crew    int
}

// NewConnector returns a Connector, or an *[Error] that names every field at fault.
func NewConnector(c Config) (*Connector, error) {
	const op = "new connector"
	var bad badfields.List
	if problem := c.Site.problem(); problem != "" {
		bad.Add("Config.Site", problem)
	}
	parseEgress(c.EgressAddresses, &bad)
	needsOf(c).validate(&bad)
	hidden := []string{"ManagerConfig.Flow"}
	if c.Environment == "" {
		c.Environment = string(c.Site)
		hidden = append(hidden, "ManagerConfig.Environment")
	}
	if c.APITransport == nil {
		c.APITransport = c.Transport
		hidden = append(hidden, "ManagerConfig.APITransport")
	}
	flow, err := oauthflow.NewFlow(oauthflow.Config{
		RedirectURLs: c.Site.CallbackURLs(), Transport: c.Transport, PrivateNetworks: c.PrivateNetworks,
	})
	bad = append(bad, faults(err, "Config.RedirectURLs")...) // those are the Site's
	if len(bad) > 0 {
		flow = nil // so that no manager is made beside the error
	}
	m, err := oauthflow.NewManager(oauthflow.ManagerConfig{
		Flow: flow, Store: c.Store, Keyring: c.Keyring, Environment: c.Environment, Observe: c.Observe, Logger: c.Logger,
		StoreCalls: c.StoreCalls, StoreEpoch: c.StoreEpoch, IdleLimit: c.IdleLimit,
		Crew: c.Crew, APITransport: c.APITransport,
	})
	bad = append(bad, faults(err, hidden...)...)
	if err := bad.Err(); err != nil {
		return nil, &Error{Op: op, Remedy: FixService, Err: err}
	} else if m == nil {
		return nil, wrap(op, oauthflow.Key{}, "", err)
	}
	return &Connector{
		site: c.Site, login: m.Sessionless(c.Transport), api: c.APITransport, open: m.Sessionless(c.APITransport),
		egress: slices.Clone(c.EgressAddresses), needs: needsOf(c), manager: m, crew: cmp.Or(c.Crew, defaultCrew),
	}, nil
}

// faults returns the fields that a constructor of package oauthflow refuses, under the names that they have in [Config], without
// those that the caller of NewConnector does not set.
func faults(err error, hidden ...string) (bad badfields.List) {
	var all badfields.List
	errors.As(err, &all)
	for _, f := range all {
		if slices.ContainsFunc(hidden, func(field string) bool { return f.Field == field || strings.HasPrefix(f.Field, field+"[") }) {
			continue
		}
		bad.Add("Config."+f.Field[strings.Index(f.Field, ".")+1:], f.Problem)
	}
	return bad
}

// Manager returns the connector's manager, for what services rarely do: [oauthflow.Manager.Reseal],
// [oauthflow.Manager.Renew].
func (c *Connector) Manager() *oauthflow.Manager { return c.manager }

// Adopt takes over a connection that was made before this SDK, of either kind of app, with its refresh token; of a connected app
// client.Kind has to say so. The
// former owner must have stopped refreshing first, and for good: with rotation, each use of a refresh token by one of two
// owners ends the other's. See [oauthflow.Manager.Adopt].
func (c *Connector) Adopt(ctx context.Context, k oauthflow.Key, client oauthflow.Client, refreshToken oauthflow.Secret) (*Connection, error) {
	const op = opAdopt
	if err := adoptable(op, k, client); err != nil {
		return nil, err
	}
	got, err := c.manager.Adopt(ctx, k, client, refreshToken)
	if err != nil {
		return nil, wrap(op, k, client.Kind, err)
	}
	return c.connection(got), nil
}

// AdoptDryRun tells what [Connector.Adopt] would meet, and spends and writes nothing: whether the input is usable, the key
// free, and whether Salesforce accepts consumer key and secret and calls the refresh token active. The former owner may go
// on refreshing meanwhile. See [oauthflow.Manager.AdoptDryRun].
func (c *Connector) AdoptDryRun(ctx context.Context, k oauthflow.Key, client oauthflow.Client, refreshToken oauthflow.Secret) (oauthflow.Introspection, error) {
	const op = opAdopt + " (dry run)"
	if err := adoptable(op, k, client); err != nil {
		return oauthflow.Introspection{}, err
	}
	is, err := c.manager.AdoptDryRun(ctx, k, client, refreshToken)
	return is, wrap(op, k, client.Kind, err)
}

func adoptable(op string, k oauthflow.Key, client oauthflow.Client) error {
	if isMigration(k) {
		return reserved(op, k)
	}
	if !client.Kind.Known() {
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
			return nil, wrap(op, k, got.Kind, err)
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
