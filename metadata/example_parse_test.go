package metadata_test

import (
	"fmt"

	"github.com/fullcast/sfauth/metadata"
)

func ExampleParseFile() {
	app, err := metadata.ParseFile("Old.connectedApp", []byte(`<?xml version="1.0" encoding="UTF-8"?>
<ConnectedApp xmlns="http://soap.sforce.com/2006/04/metadata">
    <contactEmail>admin@example.com</contactEmail>
    <label>Old</label>
    <oauthConfig>
        <callbackUrl>https://app.example.com/callback</callbackUrl>
        <scopes>Api</scopes>
    </oauthConfig>
</ConnectedApp>
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	spec := app.Spec()
	fmt.Println(spec.Name, spec.CallbackURLs, spec.Scopes[0].Label())
	// Output: Old [https://app.example.com/callback] Manage user data via APIs (api)
}

// A package that was made, read back: as an org sends it, or as it lies in an archive.
func ExampleParseZip() {
	spec := metadata.AppSpec{
		Kind: metadata.KindExternalClientApp, Name: "Acme", APIName: "Acme", ContactEmail: "admin@example.com",
		EnableOAuth:  metadata.Selected,
		CallbackURLs: []string{"https://app.example.com/callback"}, Scopes: []metadata.Scope{metadata.ScopeAPI},
	}
	pkg, err := spec.New().Package(66)
	if err != nil {
		fmt.Println(err)
		return
	}
	data, err := pkg.Zip()
	if err != nil {
		fmt.Println(err)
		return
	}
	apps, err := metadata.ParseZip(data)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(apps), apps[0].Name, apps[0].Spec().Scopes)
	// Output: 1 Acme [Api]
}
