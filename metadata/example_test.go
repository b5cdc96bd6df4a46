package metadata_test

import (
	"context"
	"fmt"
	"net/http"
	"testing/fstest"

	"github.com/fullcast/sfauth/metadata"
)

func ExampleAppSpec_New() {
	spec := metadata.AppSpec{
		Kind: metadata.KindExternalClientApp, Name: "Acme", APIName: "Acme", ContactEmail: "admin@example.com",
		Distribution: metadata.DistributionLocal,
		EnableOAuth:  metadata.Selected,
		CallbackURLs: []string{"https://app.example.com/callback"},
		Scopes:       []metadata.Scope{metadata.ScopeAPI, metadata.ScopeRefreshToken},
		RequirePKCE:  metadata.Selected,
	}
	pkg, err := spec.New().Package(66)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, f := range pkg.Files {
		fmt.Println(f.Name)
	}
	fmt.Println()
	fmt.Printf("%s", pkg.Files[3].Data)
	// Output:
	// package.xml
	// externalClientApps/Acme.eca
	// extlClntAppGlobalOauthSets/Acme_glbloauth.ecaGlblOauth
	// extlClntAppOauthSettings/Acme_oauth.ecaOauth
	// extlClntAppPolicies/Acme_plcy.ecaPlcy
	//
	// <?xml version="1.0" encoding="UTF-8"?>
	// <ExtlClntAppOauthSettings xmlns="http://soap.sforce.com/2006/04/metadata">
	//     <commaSeparatedOauthScopes>Api, RefreshToken</commaSeparatedOauthScopes>
	//     <externalClientApplication>Acme</externalClientApplication>
	// </ExtlClntAppOauthSettings>
}

func ExampleAppSpec_Merge() {
	live, err := metadata.ParseFile("Acme.connectedApp", []byte(`<ConnectedApp xmlns="http://soap.sforce.com/2006/04/metadata">
  <contactEmail>admin@example.com</contactEmail>
  <label>Acme</label>   <!-- do not rename -->
  <newInWinter>unknown to this package</newInWinter>
</ConnectedApp>`))
	if err != nil {
		fmt.Println(err)
		return
	}
	spec := metadata.AppSpec{Kind: metadata.KindConnectedApp, APIName: "Acme", ContactEmail: "new@example.com"}
	pkg, err := spec.Merge(live).Package(66)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s", pkg.Files[1].Data)
	// Output:
	// <ConnectedApp xmlns="http://soap.sforce.com/2006/04/metadata">
	//   <contactEmail>new@example.com</contactEmail>
	//   <label>Acme</label>   <!-- do not rename -->
	//   <newInWinter>unknown to this package</newInWinter>
	// </ConnectedApp>
}

func ExampleParse() {
	tree := fstest.MapFS{
		"externalClientApps/Acme.eca-meta.xml": {Data: []byte(`<ExternalClientApplication xmlns="http://soap.sforce.com/2006/04/metadata">
    <contactEmail>admin@example.com</contactEmail>
    <label>Acme</label>
</ExternalClientApplication>`)},
	}
	apps, err := metadata.Parse(tree)
	if err != nil {
		fmt.Println(err)
	}
	for _, app := range apps {
		fmt.Println(app.Kind, app.Name, app.Spec().ContactEmail)
	}
	// Output:
	// ExternalClientApp Acme admin@example.com
}

func ExampleNewOrg() {
	token := "00DTEST!session" // in earnest, from a connection
	_, err := metadata.NewOrg(metadata.OrgConfig{
		HTTPClient:  &http.Client{Transport: bearer(token)},
		InstanceURL: func(context.Context) (string, error) { return "https://acme.my.salesforce.com", nil },
		Session:     func(context.Context, string) (string, error) { return token, nil },
	})
	fmt.Println(err)
	// Output: metadata: configure: OrgConfig.Version: 0 is not between 57 and 99
}

// bearer sends a token with every request.
type bearer string

func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+string(b))
	return http.DefaultTransport.RoundTrip(r)
}
