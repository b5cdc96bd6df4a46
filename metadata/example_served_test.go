package metadata_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

// A tool that reads an org's apps first asks which API versions the org serves.
func ExampleServedVersions() {
	org, err := orgtest.New(orgtest.Config{MyDomain: "acme", Release: orgtest.Summer26})
	if err != nil {
		fmt.Println(err)
		return
	}
	served := metadata.ServedVersions(context.Background(), org.RoundTripper(), org.InstanceURL())
	fmt.Println("the newest of", len(served) > 1, "is", served[len(served)-1])
	// Output:
	// the newest of true is 67.0
}

// An org may list a version and still refuse a type of it.
func ExampleVersionRefused() {
	err := fmt.Errorf("reading: %w", &metadata.Error{Op: "read", Name: "Fullcast", Code: "INVALID_TYPE", Err: errors.New("unknown type")})
	fmt.Println(metadata.VersionRefused(err))
	// Output:
	// true
}
