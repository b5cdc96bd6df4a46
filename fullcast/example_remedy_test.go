package fullcast_test

import (
	"fmt"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/oauthflow"
)

// A page that lists connections shows what to do about each, without asking Salesforce. Connections come from
// Connector.List.
func ExampleRemedyOf() {
	revoked := &oauthflow.Error{Kind: oauthflow.KindGrantDead}
	for _, c := range []oauthflow.Connection{
		{Kind: metadata.KindExternalClientApp, Status: oauthflow.StatusActive},
		{Kind: metadata.KindExternalClientApp, Status: oauthflow.StatusBroken, Fault: revoked},
		{Kind: metadata.KindConnectedApp, Status: oauthflow.StatusBroken, Fault: revoked},
	} {
		if remedy := fullcast.RemedyOf(c); remedy != 0 {
			fmt.Println(remedy)
		} else {
			fmt.Println("nothing")
		}
	}
	// Output:
	// nothing
	// Connect the org again, as an admin of the org.
	// Create the external client app in the org, and connect with it (support.fullcast.com, "Create an external client app").
}

// A page on which an admin enters login host, consumer key and secret marks the field at fault.
func ExampleWrongEntries() {
	_, err := oauthflow.ParseHost("acme.my.site.com")
	for _, w := range fullcast.WrongEntries(err) {
		fmt.Printf("%s: %s\n", w.Field, w.Text)
	}
	// Output:
	// login host: The login host: acme.my.site.com is an Experience Cloud site, not a login host; use the org's My Domain host, probably acme.my.salesforce.com.
}

// A service that needs a scope sees which of the instructions' scopes a connection lacks.
func ExampleMissingScopes() {
	c := oauthflow.Connection{Kind: metadata.KindExternalClientApp, Scopes: []string{"full"}}
	for _, s := range fullcast.MissingScopes(c) {
		fmt.Println(s.Label())
	}
	// Output:
	// Perform requests at any time (refresh_token, offline_access)
}
