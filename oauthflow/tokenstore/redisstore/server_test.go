package redisstore_test

import (
	"context"
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"github.com/fullcast/sfauth/internal/needs"
	"github.com/fullcast/sfauth/internal/servers"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
	"github.com/fullcast/sfauth/oauthflow/tokenstore/redisstore"
	"github.com/redis/go-redis/v9"
)

// safe are the settings by which a server loses nothing that it has acknowledged.
var safe = []string{"--appendonly", "yes", "--appendfsync", "always"}

// server is a Redis server of a test's own.
type server struct {
	*servers.Redis
	t testing.TB
}

// start starts a server with settings, which ends with the test.
func start(t testing.TB, settings ...string) *server {
	t.Helper()
	needs.Patience(t)
	return &server{servers.StartRedis(t, settings...), t}
}

func (s *server) client() *redis.Client { return client(s.t, &redis.Options{Addr: s.Addr()}) }

// client returns a client that is closed at the end.
func client(t testing.TB, o *redis.Options) *redis.Client {
	c := redis.NewClient(o)
	t.Cleanup(func() { c.Close() })
	return c
}

// open opens a store that asks for what a default store asks.
func open(t testing.TB, c redis.UniversalClient) *redisstore.Store {
	t.Helper()
	return openWith(t, redisstore.Config{Client: c})
}

func openWith(t testing.TB, c redisstore.Config) *redisstore.Store {
	t.Helper()
	s, err := redisstore.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// shared returns options for the server that the environment names, however it is set up, and a prefix of which nothing is
// left at the end.
func shared(t testing.TB) (o *redis.Options, prefix string) {
	t.Helper()
	o, err := redis.ParseURL(needs.Service(t, "SFAUTH_REDIS"))
	if err != nil {
		t.Fatal(err)
	}
	c := client(t, o)
	if err := c.Ping(t.Context()).Err(); err != nil {
		t.Fatalf("the Redis server does not answer: %v", err)
	}
	prefix = "sfauth-test:" + strings.ToLower(rand.Text())
	t.Cleanup(func() {
		ctx := context.Background()
		keys := c.Scan(ctx, 0, "{"+prefix+"}*", 1000).Iterator()
		for keys.Next(ctx) {
			if err := c.Del(ctx, keys.Val()).Err(); err != nil {
				t.Error(err)
			}
		}
		if err := keys.Err(); err != nil {
			t.Error(err)
		}
	})
	return o, prefix
}

// record returns a record to be saved for the first time.
func record(id string) tokenstore.Record {
	return tokenstore.Record{ID: id, Due: time.Date(2026, 7, 14, 9, 30, 0, 123456000, time.UTC), Data: []byte("sealed")}
}
