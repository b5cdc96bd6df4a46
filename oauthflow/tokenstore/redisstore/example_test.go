package redisstore_test

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/fullcast/sfauth/oauthflow/tokenstore"
	"github.com/fullcast/sfauth/oauthflow/tokenstore/redisstore"
	"github.com/redis/go-redis/v9"
)

// A server that may lose what it acknowledged is refused, with the setting to change; then the store is ready to use.
func ExampleOpen() {
	ctx := context.Background()
	client := redis.NewClient(&redis.Options{Addr: "redis.internal:6379"})
	defer client.Close()
	server := settings{"appendonly": "yes", "appendfsync": "everysec", "no-appendfsync-on-rewrite": "no", "maxmemory-policy": "noeviction"}
	client.AddHook(server) // in place of a real one

	_, err := redisstore.Open(ctx, redisstore.Config{Client: client})
	fmt.Println(errors.Is(err, redisstore.ErrVolatile), err)

	server["appendfsync"] = "always"
	store, err := redisstore.Open(ctx, redisstore.Config{Client: client})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = store.Load(ctx, "connection/acme/main")
	fmt.Println(errors.Is(err, tokenstore.ErrNotFound))
	// Output:
	// true redisstore: the server may lose acknowledged writes: appendfsync is "everysec"; make it "always" in the server's configuration, or set Config.Durability to AcknowledgedWritesMayBeLost
	// true
}

// What is wrong is said at once, before a server is asked.
func ExampleConfig() {
	_, err := redisstore.Open(context.Background(), redisstore.Config{Prefix: "my service"})
	fmt.Println(err)
	// Output:
	// redisstore: Config.Client: is required; redis.NewClient makes one; Config.Prefix: is "my service", must be 1 to 64 letters, digits and characters ._:/-
}

// settings answers as an empty server does that is configured so.
type settings map[string]string

func (s settings) ProcessHook(redis.ProcessHook) redis.ProcessHook {
	return func(_ context.Context, cmd redis.Cmder) error {
		switch cmd := cmd.(type) {
		case *redis.StatusCmd:
			cmd.SetVal("PONG")
		case *redis.MapStringStringCmd:
			name := cmd.Args()[2].(string)
			cmd.SetVal(map[string]string{name: s[name]})
		case *redis.StringCmd:
			cmd.SetVal("role:master\r\nconnected_slaves:0\r\n")
		case *redis.SliceCmd:
			cmd.SetVal(make([]any, len(cmd.Args())-2))
		}
		return nil
	}
}

func (settings) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (settings) DialHook(redis.DialHook) redis.DialHook {
	return func(context.Context, string, string) (net.Conn, error) {
		return nil, errors.New("there is no network here")
	}
}
