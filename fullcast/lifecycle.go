package fullcast

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/oauthflow"
)

// Filter selects connections: those that every field which is set selects.
type Filter struct {
	Tenant      string
	Kind        metadata.Kind
	Status      oauthflow.Status
	OlderThan   time.Duration // since the connection was authorized or adopted
	YoungerThan time.Duration // the same; one that is exactly of an age is not younger
}

func (f Filter) selects(c oauthflow.Connection) bool {
	age := time.Since(c.ConnectedAt)
	return (f.Kind == "" || f.Kind == metadata.Kind(c.Kind)) &&
		(f.Status == "" || f.Status == c.Status) &&
		(f.OlderThan == 0 || age > f.OlderThan) &&
		(f.YoungerThan == 0 || age < f.YoungerThan)
}

// List yields the connections that the filter selects. A record that cannot be opened yields an error and does not end
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

// LegacyLeft counts the connections that still use a connected app and have to migrate sooner or later. With an error,
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
	kind := metadata.Kind(now.Kind)
	if kind == metadata.KindConnectedApp {
		return nil, &Error{Op: op, Key: k, Remedy: Migrate, Err: ErrMigrationRequired}
	}
	if client.Kind == "" {
		client.Kind = now.Kind
	}
	if client.Kind != now.Kind {
		return nil, invalid(op, k, "Client.Kind", "must stay "+now.Kind)
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
