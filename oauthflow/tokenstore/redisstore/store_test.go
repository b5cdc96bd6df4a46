package redisstore_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fullcast/sfauth/oauthflow/tokenstore"
	"github.com/fullcast/sfauth/oauthflow/tokenstore/redisstore"
	"github.com/fullcast/sfauth/oauthflow/tokenstore/storetest"
	"github.com/redis/go-redis/v9"
)

func TestTheStoreKeepsTheContract(t *testing.T) {
	t.Run("on a server that loses nothing", func(t *testing.T) {
		t.Parallel()
		srv := start(t, safe...)
		each(t, func(prefix string) tokenstore.Store {
			return openWith(t, redisstore.Config{Client: srv.client(), Prefix: prefix})
		})
	})
	t.Run("on the server that the environment names", func(t *testing.T) {
		t.Parallel()
		storetest.Run(t, func(t *testing.T) func() tokenstore.Store {
			o, prefix := shared(t)
			return func() tokenstore.Store {
				c, n := client(t, o), new(atomic.Int64)
				c.AddHook(readCounter{n})
				return counted{openWith(t, redisstore.Config{Client: c, Prefix: prefix, Durability: redisstore.AcknowledgedWritesMayBeLost}), n}
			}
		})
	})
	t.Run("with a replica that has every change", func(t *testing.T) {
		t.Parallel()
		master := start(t, safe...)
		start(t, "--replicaof", "127.0.0.1", master.Port())
		c := master.client()
		for c.Do(t.Context(), "wait", 1, 1000).Val() != int64(1) {
			time.Sleep(10 * time.Millisecond)
		}
		each(t, func(prefix string) tokenstore.Store {
			return openWith(t, redisstore.Config{Client: c, Prefix: prefix, Replicas: 1})
		})
	})
	t.Run("in a cluster", func(t *testing.T) {
		t.Parallel()
		addr := cluster(t)
		each(t, func(prefix string) tokenstore.Store {
			c := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{addr}})
			t.Cleanup(func() { c.Close() })
			return openWith(t, redisstore.Config{Client: c, Prefix: prefix})
		})
	})
}

// each runs the test kit with a prefix for each clause.
func each(t *testing.T, open func(prefix string) tokenstore.Store) {
	n := 0
	storetest.Run(t, func(t *testing.T) func() tokenstore.Store {
		n++
		prefix := fmt.Sprint("clause", n)
		return func() tokenstore.Store { return open(prefix) }
	})
}

// cluster starts two masters that share the slots, and returns the address of one.
func cluster(t *testing.T) string {
	t.Helper()
	args := append([]string{"--cluster-enabled", "yes"}, safe...)
	a, b := start(t, args...), start(t, args...)
	do := func(s *server, args ...any) {
		if err := s.client().Do(t.Context(), args...).Err(); err != nil {
			t.Fatal(err)
		}
	}
	do(a, "cluster", "addslotsrange", 0, 8191)
	do(b, "cluster", "addslotsrange", 8192, 16383)
	do(a, "cluster", "meet", "127.0.0.1", b.Port())
	for _, s := range []*server{a, b} {
		c := s.client()
		for i := 0; ; i++ {
			info, err := c.ClusterInfo(t.Context()).Result()
			if err != nil || i > 1000 {
				t.Fatal("the cluster does not come up: ", info, err)
			}
			if contains(info, "cluster_state:ok") && contains(info, "cluster_known_nodes:2") {
				break
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
	return a.Addr()
}
