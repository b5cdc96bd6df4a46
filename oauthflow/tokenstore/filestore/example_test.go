//go:build linux || darwin

package filestore_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/fullcast/sfauth/oauthflow/tokenstore"
	"github.com/fullcast/sfauth/oauthflow/tokenstore/filestore"
)

func ExampleOpen() {
	parent, err := os.MkdirTemp("", "example") // a service takes a place that stays, such as /var/lib/myservice
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(parent)

	store, err := filestore.Open(filestore.Config{Dir: filepath.Join(parent, "salesforce")})
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()

	ctx := context.Background()
	r := tokenstore.Record{ID: "connection/acme/main", Due: time.Date(2026, 8, 1, 0, 0, 0, 0, time.UTC), Data: []byte("sealed")}
	fmt.Println("first:", store.Save(ctx, r))
	fmt.Println("again:", errors.Is(store.Save(ctx, r), tokenstore.ErrConflict))
	r, err = store.Load(ctx, r.ID)
	fmt.Println("stored:", r.Version, string(r.Data), err)
	// Output:
	// first: <nil>
	// again: true
	// stored: 1 sealed <nil>
}

// A directory that others have access to is not used.
func ExampleFileError() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil {
		log.Fatal(err)
	}

	_, err = filestore.Open(filestore.Config{Dir: dir})
	var refused *filestore.FileError
	if errors.As(err, &refused) {
		fmt.Println(refused.Problem)
		fmt.Println(errors.Is(err, filestore.ErrUnsafe))
	}
	// Output:
	// has mode 0755; find out who used that, and chmod go= it
	// true
}
