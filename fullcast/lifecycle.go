package fullcast

import (
	"context"
	"errors"
	"iter"
	"time"
	"unicode/utf8"

	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/oauthflow"
)

// Filter selects connections: those that every field which is set selects.
type Filter struct {
	Tenant      string // empty selects every tenant where a call reads; [Connector.DisconnectAll] requires it
	Kind        metadata.Kind
	Status      oauthflow.Status
	Condition   Condition
	OlderThan   time.Duration // since the connection was authorized or adopted
	YoungerThan time.Duration // the same; one that is exactly of an age is not younger
}

func (f Filter) selects(c oauthflow.Connection) bool {
	age := time.Since(c.ConnectedAt)
	return (f.Kind == "" || f.Kind == c.Kind) &&
		(f.Status == "" || f.Status == c.Status) &&
		f.Condition.holds(c) &&
		(f.OlderThan == 0 || age > f.OlderThan) &&
		(f.YoungerThan == 0 || age < f.YoungerThan)
}

// validate returns an error that names a field which no connection can have. A reader sees that nothing was selected;
// a caller that changes something must not take that for done.
func (f Filter) validate(op string) error {
	field := func(name, problem string) error { return invalid(op, oauthflow.Key{}, "Filter."+name, problem) }
	switch f.Kind {
	case "", metadata.KindConnectedApp, metadata.KindExternalClientApp:
	default:
		return field("Kind", "is not a kind of app")
	}
	switch f.Status {
	case "", oauthflow.StatusActive, oauthflow.StatusInDoubt, oauthflow.StatusSuspended, oauthflow.StatusBroken, oauthflow.StatusDisconnecting:
	default:
		return field("Status", "is not a status of a connection")
	}
	switch {
	case !f.Condition.known():
		return field("Condition", "is neither Usable nor NeedsAdmin")
	case len(f.Tenant) > 100 || !utf8.ValidString(f.Tenant):
		return field("Tenant", "must be 1 to 100 bytes of UTF-8")
	case f.OlderThan < 0:
		return field("OlderThan", "must not be below 0")
	case f.YoungerThan < 0:
		return field("YoungerThan", "must not be below 0")
	}
	return nil
}

// List yields the connections that the filter selects; with an empty Tenant those of every tenant, so that a page for a
// tenant's user must see that there is one. A record that cannot be opened yields an error and does not end
// the sequence.
func (c *Connector) List(ctx context.Context, f Filter) iter.Seq2[oauthflow.Connection, error] {
	return func(yield func(oauthflow.Connection, error) bool) {
		for conn, err := range c.manager.List(ctx, f.Tenant) {
			if err == nil && (isMigration(conn.Key) || !f.selects(conn)) {
				continue
			}
			if !yield(conn, wrap("list", conn.Key, "", err)) {
				return
			}
		}
	}
}

// Load returns what is stored of one connection, as [Connector.List] yields it, without a request to Salesforce. A key that is
// not connected is an error of [oauthflow.KindNotConnected]; a record that cannot be opened is one of [oauthflow.KindForeign].
// Who wants to call the org opens the connection: [Connector.Open].
func (c *Connector) Load(ctx context.Context, k oauthflow.Key) (oauthflow.Connection, error) {
	const op = "load"
	if isMigration(k) {
		return oauthflow.Connection{}, reserved(op, k)
	}
	got, err := c.manager.Load(ctx, k)
	return got, wrap(op, k, "", err)
}

// LegacyLeft counts the connections that the store lists, still use a connected app and have to migrate sooner or later. With an error,
// which joins those of records that cannot be opened, the count is of the others.
func (c *Connector) LegacyLeft(ctx context.Context) (n int, err error) {
	var faults []error
	for _, err := range c.List(ctx, Filter{Kind: metadata.KindConnectedApp}) {
		if err != nil {
			faults = append(faults, err)
			continue
		}
		n++
	}
	if len(faults) > 0 {
		err = &Error{Op: "count legacy connections", Err: errors.Join(faults...)}
	}
	return n, err
}

// KeepAlive looks after the store until ctx ends: it refreshes connections before Salesforce ends their unused refresh
// tokens, and finishes what was interrupted. Run it in one process or in all. See [oauthflow.Manager.KeepAlive].
func (c *Connector) KeepAlive(ctx context.Context) error {
	return wrap("keep alive", oauthflow.Key{}, "", c.manager.KeepAlive(ctx))
}

// UpdateCredentials gives a connection the consumer key and secret that its app has now, and proves them by a refresh.
// The old ones stay until the new have worked: [ErrCredentialsUnproved] says that they have not, and the connection goes
// on with the old. A new consumer key usually cannot use the old key's tokens; then [Connector.Reconnect] logs in with it.
//
// A connected app whose credentials have changed is broken, and must migrate: [ErrMigrationRequired].
func (c *Connector) UpdateCredentials(ctx context.Context, k oauthflow.Key, client oauthflow.Client) (*Connection, error) {
	const op = "update credentials"
	if isMigration(k) {
		return nil, reserved(op, k)
	}
	now, err := c.manager.Load(ctx, k)
	if err != nil {
		return nil, wrap(op, k, "", err)
	}
	kind := now.Kind
	if kind == metadata.KindConnectedApp {
		return nil, &Error{Op: op, Key: k, Remedy: Migrate, Err: ErrMigrationRequired}
	}
	if client.Kind == "" {
		client.Kind = now.Kind
	}
	if client.Kind != now.Kind {
		return nil, invalid(op, k, "Client.Kind", "must stay "+string(now.Kind))
	}
	if err := c.manager.SetClient(ctx, k, client); err != nil {
		return nil, wrap(op, k, kind, err)
	}
	if err := c.manager.Renew(ctx, k); err != nil {
		return nil, wrap(op, k, kind, err)
	}
	if now, err = c.manager.Load(ctx, k); err != nil {
		return nil, wrap(op, k, kind, err)
	}
	switch now.NextKey {
	case "":
		return c.connection(now), nil
	case now.ConsumerKey:
		return nil, &Error{Op: op, Key: k, Remedy: Retry, Err: ErrCredentialsUnproved}
	}
	return nil, &Error{Op: op, Key: k, Remedy: Reauthorize, Err: ErrCredentialsUnproved}
}

// ErrCredentialsUnproved means that new credentials are kept, but have not worked yet.
var ErrCredentialsUnproved = errors.New("the new credentials have not worked yet; the connection goes on with the old ones")
