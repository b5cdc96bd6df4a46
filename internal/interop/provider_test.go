package interop_test

import (
	"encoding/json"
	"testing"
)

const (
	myDomain    = "acme.my.salesforce.com"
	loginHost   = "login.salesforce.com"
	consumerKey = "3MVG9acme.key_of.the.external.client.app"
	// Characters that differ between form encoding, URL encoding and none; long enough to be looked for in all output.
	consumerSecret = `S3cret+/=&%: "x7Zq4vT9wK1`
	orgID          = "00D000000000001EAA"
	userID         = "005000000000001AAA"
	adminLogin     = "ada@acme.example"
)

// scopes are those of the External Client App.
var scopes = []string{"id", "full", "api", "web", "refresh_token", "openid"}

// A provider is the certified OpenID provider in the part of acme's login host, with an app registered for the callbacks.
type provider struct {
	*front
	admin *browser
}

// rotation says what the provider does with a refresh token that was used.
type rotation bool

const (
	keepsToken   rotation = false // Salesforce's default
	rotatesToken rotation = true  // one replay ends the grant
)

func startProvider(t *testing.T, r rotation, callbacks []string) provider {
	t.Helper()
	settings, err := json.Marshal(map[string]any{
		"issuer":       "https://" + myDomain,
		"clientID":     consumerKey,
		"clientSecret": consumerSecret,
		"redirectURIs": callbacks,
		"scopes":       scopes,
		"rotate":       bool(r),
	})
	if err != nil {
		t.Fatal(err)
	}
	var ready struct{ Port int }
	startNode(t, &ready, "provider.mjs", string(settings))
	f := newFront(t, onLoopback(ready.Port), myDomain, loginHost)
	admin, err := newBrowser(f, map[string]string{"login": adminLogin, "password": "not checked"})
	if err != nil {
		t.Fatal(err)
	}
	return provider{f, admin}
}
