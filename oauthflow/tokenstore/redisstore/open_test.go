package redisstore_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/fullcast/sfauth/oauthflow/tokenstore/redisstore"
	"github.com/redis/go-redis/v9"
)

func contains(text, part string) bool { return strings.Contains(text, part) }

func TestOpenNamesTheFieldAtFault(t *testing.T) {
	c := client(t, &redis.Options{Addr: "127.0.0.1:1"})
	ring := redis.NewRing(&redis.RingOptions{Addrs: map[string]string{"a": "127.0.0.1:1"}})
	defer ring.Close()
	lagging := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{"127.0.0.1:1"}, ReadOnly: true})
	defer lagging.Close()
	sharded := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{"127.0.0.1:1"}})
	defer sharded.Close()
	tests := []struct {
		name   string
		config redisstore.Config
		want   string
	}{
		{"no client", redisstore.Config{}, "Config.Client"},
		{"a ring", redisstore.Config{Client: ring}, "Config.Client"},
		{"a cluster client that reads from replicas", redisstore.Config{Client: lagging}, "Config.Client"},
		{"a prefix with braces", redisstore.Config{Client: c, Prefix: "a}b"}, "Config.Prefix"},
		{"a long prefix", redisstore.Config{Client: c, Prefix: strings.Repeat("x", 65)}, "Config.Prefix"},
		{"a durability that is none", redisstore.Config{Client: c, Durability: -1}, "Config.Durability"},
		{"less than no replicas", redisstore.Config{Client: c, Replicas: -1}, "Config.Replicas"},
		{"replicas of a cluster", redisstore.Config{Client: sharded, Replicas: 1}, "Config.Replicas"},
		{"a server that is down", redisstore.Config{Client: c}, "connecting"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := redisstore.Open(t.Context(), test.config)
			if err == nil || !contains(err.Error(), test.want) {
				t.Errorf("got %v, want an error that names %s", err, test.want)
			}
		})
	}
}

func TestOpenReturnsItsContextsError(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := redisstore.Open(ctx, redisstore.Config{Client: client(t, &redis.Options{Addr: "127.0.0.1:1"})})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want an error wrapping context.Canceled", err)
	}
}

func TestSettingsThatLoseAcknowledgedWritesAreRefusedUnlessAskedFor(t *testing.T) {
	srv := start(t)
	admin := srv.client()
	tests := []struct {
		name     string
		settings map[string]string
		want     string // part of the error; empty when it is accepted
	}{
		{"as Redis is made", nil, "appendonly"},
		{"with a file that is written every second", map[string]string{"appendfsync": "everysec"}, "appendfsync"},
		{"with a file that is written at leisure", map[string]string{"appendfsync": "no"}, "appendfsync"},
		{"without a file", map[string]string{"appendonly": "no"}, "appendonly"},
		{"not synchronous during a rewrite", map[string]string{"no-appendfsync-on-rewrite": "yes"}, "no-appendfsync-on-rewrite"},
		{"with eviction of the least recently used", map[string]string{"maxmemory-policy": "allkeys-lru"}, "maxmemory-policy"},
		{"with eviction at random", map[string]string{"maxmemory-policy": "allkeys-random"}, "maxmemory-policy"},
		{"with eviction of what expires", map[string]string{"maxmemory-policy": "volatile-lru"}, ""},
		{"as it should be", map[string]string{}, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			settings := map[string]string{"appendonly": "yes", "appendfsync": "always", "no-appendfsync-on-rewrite": "no", "maxmemory-policy": "noeviction"}
			if test.settings == nil {
				settings = map[string]string{"appendonly": "no", "appendfsync": "everysec"}
			}
			for name, value := range test.settings {
				settings[name] = value
			}
			for name, value := range settings {
				if err := admin.ConfigSet(t.Context(), name, value).Err(); err != nil {
					t.Fatal(err)
				}
			}
			_, err := redisstore.Open(t.Context(), redisstore.Config{Client: admin})
			if test.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if !errors.Is(err, redisstore.ErrVolatile) || !contains(err.Error(), ": "+test.want+" is ") {
				t.Errorf("got %v, want an error wrapping ErrVolatile that names %s", err, test.want)
			}
			openWith(t, redisstore.Config{Client: admin, Durability: redisstore.AcknowledgedWritesMayBeLost})
		})
	}
}

func TestWhereTheSettingsAreSecretTheErrorSaysWhatToDo(t *testing.T) {
	srv := start(t, safe...)
	if err := srv.client().Do(t.Context(), "acl", "setuser", "app", "on", "nopass", "~*", "+@all", "-config").Err(); err != nil {
		t.Fatal(err)
	}
	c := client(t, &redis.Options{Addr: srv.Addr(), Username: "app", Password: "any"})
	_, err := redisstore.Open(t.Context(), redisstore.Config{Client: c})
	if !errors.Is(err, redisstore.ErrVolatile) || !contains(err.Error(), "+config|get") || !contains(err.Error(), "Config.Durability") {
		t.Errorf("got %v, want an error wrapping ErrVolatile that says what to allow or to set", err)
	}
	openWith(t, redisstore.Config{Client: c, Durability: redisstore.AcknowledgedWritesMayBeLost})
}

func TestAServerThatAFailoverReplacesIsRefusedWithoutReplicas(t *testing.T) {
	master := start(t, safe...)
	replica := start(t, append([]string{"--replicaof", "127.0.0.1", master.Port()}, safe...)...)
	for c := master.client(); c.Do(t.Context(), "wait", 1, 1000).Val() != int64(1); {
		time.Sleep(10 * time.Millisecond)
	}
	single := start(t, safe...)
	if err := single.client().Do(t.Context(), "acl", "setuser", "app", "on", "nopass", "~*", "+@all", "-info").Err(); err != nil {
		t.Fatal(err)
	}
	sentinels := redis.NewFailoverClient(&redis.FailoverOptions{MasterName: "main", SentinelAddrs: []string{"127.0.0.1:1"}})
	defer sentinels.Close()
	sentinels.AddHook(settings{"appendonly": "yes", "appendfsync": "always", "no-appendfsync-on-rewrite": "no", "maxmemory-policy": "noeviction"})
	for name, test := range map[string]struct {
		client *redis.Client
		want   string
	}{
		"a master with a replica":             {master.client(), "it has replicas"},
		"a replica":                           {replica.client(), "it is no master"},
		"a server that sentinels choose":      {sentinels, "sentinels choose"},
		"a server that does not tell":         {client(t, &redis.Options{Addr: single.Addr(), Username: "app", Password: "any"}), "+info"},
		"a server that nobody is to stand in": {single.client(), ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := redisstore.Open(t.Context(), redisstore.Config{Client: test.client})
			if test.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if !errors.Is(err, redisstore.ErrVolatile) || !contains(err.Error(), test.want) || !contains(err.Error(), "Config.Replicas") {
				t.Errorf("got %v, want an error wrapping ErrVolatile that says %q and names Config.Replicas", err, test.want)
			}
			openWith(t, redisstore.Config{Client: test.client, Replicas: 1})
			openWith(t, redisstore.Config{Client: test.client, Durability: redisstore.AcknowledgedWritesMayBeLost})
		})
	}
}

func TestEveryMasterOfAClusterIsAsked(t *testing.T) {
	addr := cluster(t)
	c := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{addr}})
	defer c.Close()
	open(t, c)
	other := ""
	err := c.ForEachMaster(t.Context(), func(ctx context.Context, master *redis.Client) error {
		if a := master.Options().Addr; a != addr {
			other = a
		}
		return nil
	})
	if err != nil || other == "" {
		t.Fatal(other, err)
	}
	if err := client(t, &redis.Options{Addr: other}).ConfigSet(t.Context(), "appendfsync", "everysec").Err(); err != nil {
		t.Fatal(err)
	}
	if _, err := redisstore.Open(t.Context(), redisstore.Config{Client: c}); !errors.Is(err, redisstore.ErrVolatile) {
		t.Errorf("got %v, want an error wrapping ErrVolatile", err)
	}
}
