package redisstore_test

import (
	"context"
	"fmt"
	"log"

	"github.com/fullcast/sfauth/oauthflow/redisstore"
	"github.com/redis/go-redis/v9"
)

func ExampleOpen() {
	ctx := context.Background()
	client := redis.NewClient(&redis.Options{Addr: "redis.internal:6379"})
	defer client.Close()
	store, err := redisstore.Open(ctx, redisstore.Config{Client: client, Replicas: 1})
	if err != nil {
		log.Fatal(err) // which says what to change in the server's configuration
	}
	fmt.Println(store.Load(ctx, "connection/acme/main"))
}

// What is wrong is said at once, before a server is asked.
func ExampleConfig() {
	_, err := redisstore.Open(context.Background(), redisstore.Config{Prefix: "my service"})
	fmt.Println(err)
	// Output:
	// redisstore: Config.Client is required; redis.NewClient makes one
	// redisstore: Config.Prefix is "my service", must be 1 to 64 letters, digits and characters ._:/-
}
