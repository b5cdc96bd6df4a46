package metadata_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

// An app is put into an org, or what is listed is changed in the one that is there.
func ExampleOrg() {
	sim, err := orgtest.New(orgtest.Config{}) // stands for the customer's org
	if err != nil {
		fmt.Println(err)
		return
	}
	org, err := metadata.NewOrg(metadata.OrgConfig{
		HTTPClient:  &http.Client{Transport: admin{sim, io.Discard}},
		InstanceURL: func(context.Context) (string, error) { return sim.InstanceURL(), nil },
		Session:     func(context.Context, string) (string, error) { _, token := sim.AdminSession(); return token, nil },
		Version:     66,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	spec := metadata.AppSpec{
		Kind: metadata.KindExternalClientApp, Name: "Acme", APIName: "Acme", ContactEmail: "admin@example.com",
		EnableOAuth:  metadata.Selected,
		CallbackURLs: []string{"https://app.example.com/callback"},
		Scopes:       []metadata.Scope{metadata.ScopeAPI, metadata.ScopeRefreshToken},
	}
	ctx := context.Background()
	app := spec.New()
	live, err := org.Read(ctx, spec.Kind, spec.APIName)
	switch {
	case err == nil:
		app = spec.Merge(live)
	case errors.Is(err, metadata.ErrNotFound):
		fmt.Println("a new app")
	default:
		fmt.Println(err)
		return
	}
	pkg, err := app.Package(66)
	if err != nil {
		fmt.Println(err)
		return
	}
	result, err := org.Deploy(ctx, pkg, metadata.DeployOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(result.Status)
	live, err = org.Read(ctx, spec.Kind, spec.APIName)
	fmt.Println(live.Spec().Scopes, err)
	// Output:
	// a new app
	// Succeeded
	// [Api RefreshToken] <nil>
}
