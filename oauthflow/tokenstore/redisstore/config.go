package redisstore

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/fullcast/sfauth/internal/badfields"
)

// Config names the server and the keys for the records.
type Config struct {
	// Client is the client of the server. Required: a *redis.Client, also one that uses sentinels, or a *redis.ClusterClient. The
	// caller closes it. It must not read from replicas.
	Client redis.UniversalClient

	// Prefix begins every key: 1 to 64 letters, digits and characters ._:/- in any order. Optional; the default is "sfauth".
	Prefix string

	// Durability says whether Open accepts a server that may lose acknowledged writes. Optional; the default is that Open refuses
	// it.
	Durability Durability

	// Replicas is the number of replicas that must have received a change before Save or Delete returns nil. Save and Delete wait
	// for up to two seconds for them, and then return [ErrReplicas]: the change is made, but a Manager refreshes nothing.
	// Optional; the default is 0, and negative values are refused. With a cluster client it must be 0.
	Replicas int
}

// Durability says which settings of the server Open accepts.
type Durability int

const (
	// AcknowledgedWritesSurvive refuses a server that may lose an acknowledged write when it stops, or that evicts records.
	// Required settings: appendonly yes, appendfsync always, no-appendfsync-on-rewrite no, and a maxmemory-policy other than
	// allkeys-*. A server that has replicas, or that sentinels choose, also needs Config.Replicas, because a failover loses the
	// writes that the new master does not have. Open checks the settings once; in a cluster it checks all masters.
	AcknowledgedWritesSurvive Durability = iota

	// AcknowledgedWritesMayBeLost accepts all settings and does not ask for them; hosted servers may forbid that question. With
	// refresh token rotation, a lost write is a lost connection.
	AcknowledgedWritesMayBeLost
)

var validPrefix = regexp.MustCompile(`^[A-Za-z0-9._:/-]{1,64}$`)

// Open connects to the server, checks its settings, and returns the store for the prefix. The caller may open several stores with
// one prefix. Open is safe for concurrent use.
//
// If fields of c are wrong, the error wraps a *tokenstore.FieldError for each. If the server may lose acknowledged writes, it
// wraps [ErrVolatile]. If the server cannot be reached, it wraps the client's error. When ctx is done, it wraps the error of ctx.
func Open(ctx context.Context, c Config) (*Store, error) {
	if c.Prefix == "" {
		c.Prefix = "sfauth"
	}
	var bad badfields.List
	if problem := clientProblem(c.Client); problem != "" {
		bad.Add("Config.Client", problem)
	}
	if !validPrefix.MatchString(c.Prefix) {
		bad.Add("Config.Prefix", fmt.Sprintf("is %+q, must be 1 to 64 letters, digits and characters ._:/-", c.Prefix))
	}
	if c.Durability != AcknowledgedWritesSurvive && c.Durability != AcknowledgedWritesMayBeLost {
		bad.Add("Config.Durability", fmt.Sprintf("is %d, must be one of its constants", c.Durability))
	}
	if _, cluster := c.Client.(*redis.ClusterClient); c.Replicas < 0 || c.Replicas > 0 && cluster {
		bad.Add("Config.Replicas", fmt.Sprintf("is %d, must be 0 with a cluster client and not negative", c.Replicas))
	}
	if err := bad.Err(); err != nil {
		return nil, fmt.Errorf("redisstore: %w", err)
	}
	s := &Store{client: c.Client, prefix: "{" + c.Prefix + "}:", replicas: c.Replicas}
	_, err := within(ctx, func() (struct{}, error) { return struct{}{}, examine(ctx, c) })
	if err != nil {
		return nil, err
	}
	return s, nil
}

// clientProblem says why a client cannot keep the contract, or nothing.
func clientProblem(client redis.UniversalClient) string {
	switch c := client.(type) {
	case nil:
		return "is required; redis.NewClient makes one"
	case *redis.Ring:
		return "is a ring, which moves keys to another server, without the records, when one is down; use a single server or a cluster"
	case *redis.ClusterClient:
		if o := c.Options(); o.ReadOnly || o.RouteByLatency || o.RouteRandomly {
			return "reads from replicas, which lag; leave ReadOnly, RouteByLatency and RouteRandomly false"
		}
	}
	return ""
}

// examine asks the servers that may hold records.
func examine(ctx context.Context, c Config) error {
	if err := c.Client.Ping(ctx).Err(); err != nil {
		return fmt.Errorf("redisstore: connecting to the server: %w", err)
	}
	if c.Durability == AcknowledgedWritesMayBeLost {
		return nil
	}
	if cluster, ok := c.Client.(*redis.ClusterClient); ok {
		return cluster.ForEachMaster(ctx, func(ctx context.Context, master *redis.Client) error {
			return errors.Join(durable(ctx, master), alone(ctx, master, "a cluster without replicas, a single server with Config.Replicas"))
		})
	}
	if err := durable(ctx, c.Client); err != nil || c.Replicas > 0 {
		return err
	}
	return alone(ctx, c.Client, "Config.Replicas")
}

// durable refuses a server that may lose acknowledged writes.
func durable(ctx context.Context, server redis.Cmdable) error {
	for _, want := range []struct {
		setting string
		fits    func(string) bool
		words   string
	}{
		{"appendonly", is("yes"), "yes"},
		{"appendfsync", is("always"), "always"},
		{"no-appendfsync-on-rewrite", is("no"), "no"},
		{"maxmemory-policy", func(v string) bool { return !strings.HasPrefix(v, "allkeys-") }, "noeviction"},
	} {
		got, err := server.ConfigGet(ctx, want.setting).Result()
		var refused redis.Error
		switch {
		case errors.As(err, &refused):
			return fmt.Errorf("redisstore: %w, as far as it tells: CONFIG GET %s is refused (%w); allow the user +config|get, "+
				"or make sure of the settings and set Config.Durability to AcknowledgedWritesMayBeLost", ErrVolatile, want.setting, err)
		case err != nil:
			return fmt.Errorf("redisstore: asking the server for its settings: %w", err)
		case !want.fits(got[want.setting]):
			return fmt.Errorf("redisstore: %w: %s is %q; make it %q in the server's configuration, "+
				"or set Config.Durability to AcknowledgedWritesMayBeLost", ErrVolatile, want.setting, got[want.setting], want.words)
		}
	}
	return nil
}

// alone refuses a server whose place another one may take, without what no replica has. Instead names what to use then.
func alone(ctx context.Context, server redis.UniversalClient, instead string) error {
	found := ""
	if c, ok := server.(*redis.Client); ok && c.Options().Addr == sentinelAddr {
		found = "sentinels choose the server"
	} else {
		info, err := server.Info(ctx, "replication").Result()
		var refused redis.Error
		switch {
		case errors.As(err, &refused):
			return fmt.Errorf("redisstore: %w, as far as it tells: INFO replication is refused (%w); allow the user +info, use %s, "+
				"or make sure that it has no replica and set Config.Durability to AcknowledgedWritesMayBeLost", ErrVolatile, err, instead)
		case err != nil:
			return fmt.Errorf("redisstore: asking the server for its replicas: %w", err)
		case !strings.Contains(info, "role:master\r\n"):
			found = "it is no master"
		case !strings.Contains(info, "connected_slaves:0\r\n"):
			found = "it has replicas"
		default:
			return nil
		}
	}
	return fmt.Errorf("redisstore: %w: %s, and a failover loses what they lack; use %s, "+
		"or set Config.Durability to AcknowledgedWritesMayBeLost", ErrVolatile, found, instead)
}

// sentinelAddr is what the client that follows sentinels has for an address.
const sentinelAddr = "FailoverClient"

func is(want string) func(string) bool { return func(got string) bool { return got == want } }
