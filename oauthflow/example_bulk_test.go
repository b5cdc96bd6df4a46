package oauthflow_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// A sealing key is replaced. One record was damaged, which the error counts, and which stops no other.
func ExampleBulkError() {
	ctx := context.Background()
	store := tokenstore.NewMemory()
	damaged := tokenstore.Record{ID: "connection/acme/main", Due: time.Now(), Data: []byte("not sealed")}
	if err := store.Save(ctx, damaged); err != nil {
		fmt.Println(err)
		return
	}
	flow, err := oauthflow.NewFlow(oauthflow.Config{RedirectURLs: []string{"https://app.fullcast.io/app/admin/motion"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	keys, err := tokenstore.NewKeyring(tokenstore.GenerateSealingKey("2027"), tokenstore.GenerateSealingKey("2026"))
	if err != nil {
		fmt.Println(err)
		return
	}
	m, err := oauthflow.NewManager(oauthflow.ManagerConfig{Flow: flow, Store: store, Keyring: keys, Environment: "production"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer m.Close(ctx)

	err = m.Reseal(ctx, func(done, total int) { fmt.Println(done, "of", total) })
	var failed *oauthflow.BulkError
	if errors.As(err, &failed) {
		fmt.Println(failed.Failed, "of", failed.Done, "failed:", failed.Kinds[oauthflow.KindForeign], "do not open")
	}
	// Output:
	// 1 of 1
	// 1 of 1 failed: 1 do not open
}
