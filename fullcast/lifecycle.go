package fullcast

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/oauthflow"
)

// Filter selects connections. A zero field selects all.
type Filter struct {
	Tenant    string
	Kind      metadata.Kind
	Status    oauthflow.Status
	OlderThan time.Duration // since the connection was authorized or adopted
}

func (f Filter) selects(c oauthflow.Connection) bool {
	return (f.Kind == "" || f.Kind == metadata.Kind(c.Kind)) &&
		(f.Status == "" || f.Status == c.Status) &&
		(f.OlderThan == 0 || time.Since(c.ConnectedAt) > f.OlderThan) &&
		!isMigration(c.Key)
}

// List yields the connections that the filter selects. A record that cannot be opened yields an error and does not end
// the sequence. How many legacy connections are left is the length of List(ctx, Filter{Kind: metadata.KindConnectedApp}).
func (c *Connector) List(ctx context.Context, f Filter) iter.Seq2[oauthflow.Connection, error] {
	return func(yield func(oauthflow.Connection, error) bool) {
		for conn, err := range c.manager.List(ctx, f.Tenant) {
			if err == nil && !f.selects(conn) {
				continue
			}
			if !yield(conn, wrap("list", conn.Key, "", err)) {
				return
			}
		}
	}
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

// DisconnectAll disconnects every connection that the filter selects, for the day when nothing else helps. Progress is
// told each key and the error it ended with, from the calling goroutine; nil for nobody. One that fails does not stop
// the others; call it again for what is left.
func (c *Connector) DisconnectAll(ctx context.Context, f Filter, progress func(oauthflow.Key, error)) error {
	var keys []oauthflow.Key
	var faults []error
	for conn, err := range c.List(ctx, f) {
		if err != nil {
			faults = append(faults, err)
			continue
		}
		keys = append(keys, conn.Key)
	}
	for _, k := range keys {
		if err := ctx.Err(); err != nil {
			return &Error{Op: "disconnect all", Remedy: Retry, Err: err}
		}
		err := c.Disconnect(ctx, k)
		if err != nil {
			faults = append(faults, err)
		}
		if progress != nil {
			progress(k, err)
		}
	}
	if len(faults) > 0 {
		return &Error{Op: "disconnect all", Remedy: Retry, Err: errors.Join(faults...)}
	}
	return nil
}
