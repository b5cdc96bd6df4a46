package redisstore_test

import (
	"testing"

	"github.com/fullcast/sfauth/oauthflow/tokenstore/redisstore"
	"github.com/redis/go-redis/v9"
)

func TestTheStoreTellsThePoolOfItsClient(t *testing.T) {
	o, prefix := shared(t)
	o.PoolSize = 7
	cfg := redisstore.Config{Client: client(t, o), Prefix: prefix, Durability: redisstore.AcknowledgedWritesMayBeLost}
	if n := openWith(t, cfg).Pool(); n != 7 {
		t.Errorf("a pool of %d, want 7", n)
	}
	c := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{cluster(t)}, PoolSize: 5})
	t.Cleanup(func() { c.Close() })
	if n := openWith(t, redisstore.Config{Client: c, Prefix: prefix}).Pool(); n != 5 {
		t.Errorf("a pool of %d for each server of a cluster, want 5", n)
	}
}
