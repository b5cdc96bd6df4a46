package fullcast

import (
	"context"

	"github.com/fullcast/sfauth/oauthflow"
)

// DisconnectAll disconnects every connection of one tenant that the store lists and the filter selects, for the day when nothing
// else helps: [Config].Crew of them at once, but no more than 12 at a generic login host and 4 at any other. A host that asks to
// be left alone for two minutes at most is waited for, while the others go on.
// Progress is told each of them, from the calling goroutine; nil for nobody. One that fails does not stop the others.
//
// Filter.Tenant is required: where it is empty, as in a handler whose session is lost, nothing is disconnected, and the error
// names the field. [Connector.DisconnectEveryTenant] is for all tenants.
//
// It is resumable: whenever it ends early, and however its process ends, the same call goes on with what is left. What
// an earlier call has begun to disconnect is selected also where Filter.Status and Filter.Condition exclude it. When ctx ends nothing more is
// begun.
//
// The error holds an *[oauthflow.BulkError], which tells of single connections and of ctx's end. One of [FixConfiguration] names a
// field of the filter that cannot be meant: a Tenant, Kind, Status or Condition that no connection can have, or an age below 0. Then
// nothing was disconnected.
func (c *Connector) DisconnectAll(ctx context.Context, f Filter, progress func(Progress)) error {
	const op = "disconnect all"
	if f.Tenant == "" {
		return invalid(op, oauthflow.Key{}, "Filter.Tenant", "is required; DisconnectEveryTenant disconnects those of all tenants")
	}
	return c.disconnect(ctx, op, f, progress)
}

// DisconnectEveryTenant is [Connector.DisconnectAll] for the connections of all tenants that the filter selects: with the zero
// Filter for every connection that the store lists. Filter.Tenant must be empty. Do not call it from what a tenant's user can reach.
func (c *Connector) DisconnectEveryTenant(ctx context.Context, f Filter, progress func(Progress)) error {
	const op = "disconnect every tenant"
	if f.Tenant != "" {
		return invalid(op, oauthflow.Key{}, "Filter.Tenant", "must be empty; DisconnectAll disconnects those of one tenant")
	}
	return c.disconnect(ctx, op, f, progress)
}

func (c *Connector) disconnect(ctx context.Context, op string, f Filter, progress func(Progress)) error {
	if err := f.validate(op); err != nil {
		return err
	}
	all, faults := c.selected(ctx, f)
	b := bulk{op: op, total: len(all), told: progress}
	for _, err := range faults {
		b.tally.Add(kindOf(err), err)
	}
	next := 0
	left := crewOf(c, &b, func(ctx context.Context, t target) error { return c.Disconnect(ctx, t.key) }).Run(ctx, func() (target, bool) {
		if next == len(all) {
			return target{}, false
		}
		next++
		return all[next-1], true
	})
	return b.result(ctx, left+len(all)-next, nil)
}

// selected returns what is to be disconnected. A migration goes with its connection, and by itself where that is gone.
func (c *Connector) selected(ctx context.Context, f Filter) (all []target, faults []error) {
	var staged []target
	there := map[oauthflow.Key]bool{}
	for conn, err := range c.manager.List(ctx, f.Tenant) {
		if err != nil {
			faults = append(faults, wrap("list", conn.Key, "", err))
			continue
		}
		there[conn.Key] = true
		to := target{conn.Key, conn.TokenHost}
		if to.host.IsZero() {
			to.host = conn.Host
		}
		g := f
		if conn.Status == oauthflow.StatusDisconnecting {
			g.Status, g.Condition = "", ""
		}
		switch {
		case !g.selects(conn):
		case isMigration(conn.Key):
			staged = append(staged, to)
		default:
			all = append(all, to)
		}
	}
	for _, to := range staged {
		if to.key = migrated(to.key); !there[to.key] {
			all = append(all, to)
		}
	}
	return all, faults
}
