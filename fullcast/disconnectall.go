package fullcast

import (
	"context"
	"errors"

	"github.com/fullcast/sfauth/oauthflow"
)

// Progress is one step of [Connector.DisconnectAll].
type Progress struct {
	Done, Total int           // connections dealt with, this one included, and all that were selected
	Key         oauthflow.Key // the connection
	Err         error         // why it is not disconnected yet; nil when it is
}

// DisconnectAll disconnects every connection that the filter selects, for the day when nothing else helps. Progress is
// told each of them, from the calling goroutine; nil for nobody. One that fails does not stop the others.
//
// It is resumable: whenever it ends early, and however its process ends, the same call goes on with what is left. What
// an earlier call has begun to disconnect is selected whatever Filter.Status says.
//
// The error joins those of single connections.
func (c *Connector) DisconnectAll(ctx context.Context, f Filter, progress func(Progress)) error {
	const op = "disconnect all"
	keys, faults := c.selected(ctx, f)
	for i, k := range keys {
		if err := ctx.Err(); err != nil {
			return &Error{Op: op, Remedy: Retry, Err: errors.Join(append(faults, err)...)}
		}
		err := c.Disconnect(ctx, k)
		if err != nil {
			faults = append(faults, err)
		}
		if progress != nil {
			progress(Progress{Done: i + 1, Total: len(keys), Key: k, Err: err})
		}
	}
	if len(faults) > 0 {
		return &Error{Op: op, Remedy: Retry, Err: errors.Join(faults...)}
	}
	return nil
}

// selected returns the keys that are to be disconnected. A migration goes with its connection, and by itself where that
// is gone.
func (c *Connector) selected(ctx context.Context, f Filter) (keys []oauthflow.Key, faults []error) {
	var staged []oauthflow.Key
	there := map[oauthflow.Key]bool{}
	for conn, err := range c.manager.List(ctx, f.Tenant) {
		if err != nil {
			faults = append(faults, wrap("list", conn.Key, "", err))
			continue
		}
		there[conn.Key] = true
		g := f
		if conn.Status == oauthflow.StatusDisconnecting {
			g.Status = ""
		}
		switch {
		case !g.selects(conn):
		case isMigration(conn.Key):
			staged = append(staged, conn.Key)
		default:
			keys = append(keys, conn.Key)
		}
	}
	for _, k := range staged {
		if !there[migrated(k)] {
			keys = append(keys, migrated(k))
		}
	}
	return keys, faults
}
