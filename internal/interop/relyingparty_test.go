package interop_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

// A strict OpenID Connect client (go-oidc) meets the in-process org: what it discovers, verifies and reads must fit.
func TestGoOIDCAcceptsTheOrg(t *testing.T) {
	existing := map[string]string{}
	for _, file := range appPackage(t).Files[1:] { // the first one is package.xml
		existing[file.Name] = string(file.Data)
	}
	org, f := startOrg(t, orgtest.Config{Existing: existing})
	key, secret, err := org.Credentials("Fullcast")
	if err != nil {
		t.Fatal(err)
	}
	ctx := oidc.ClientContext(t.Context(), &http.Client{Transport: f.transport()})

	// Discovery fails when the document names another issuer than the one it was fetched from.
	provider, err := oidc.NewProvider(ctx, org.InstanceURL())
	if err != nil {
		t.Fatal(err)
	}
	var discovered struct {
		Revocation    string   `json:"revocation_endpoint"`
		Introspection string   `json:"introspection_endpoint"`
		Algorithms    []string `json:"id_token_signing_alg_values_supported"`
	}
	if err := provider.Claims(&discovered); err != nil {
		t.Fatal(err)
	}
	for name, endpoint := range map[string]string{
		"authorization": provider.Endpoint().AuthURL,
		"token":         provider.Endpoint().TokenURL,
		"userinfo":      provider.UserInfoEndpoint(),
		"revocation":    discovered.Revocation,
		"introspection": discovered.Introspection,
	} {
		if u, err := url.Parse(endpoint); err != nil || u.Scheme+"://"+u.Host != org.InstanceURL() || !strings.HasPrefix(u.Path, "/services/oauth2/") {
			t.Errorf("the %s endpoint is %q, want one of Salesforce's paths at %s", name, endpoint, org.InstanceURL())
		}
	}
	if len(discovered.Algorithms) != 1 || discovered.Algorithms[0] != oidc.RS256 {
		t.Errorf("id_token algorithms: got %q, want RS256 alone", discovered.Algorithms)
	}

	config := oauth2.Config{
		ClientID:     key,
		ClientSecret: secret,
		Endpoint:     provider.Endpoint(),
		RedirectURL:  fullcast.Production.CallbackURLs()[2],
		Scopes:       []string{oidc.ScopeOpenID, "id", "api", "refresh_token"},
	}
	config.Endpoint.AuthStyle = oauth2.AuthStyleInParams
	connect := func(t *testing.T, nonce string) *oauth2.Token {
		t.Helper()
		verifier := oauth2.GenerateVerifier()
		landed, err := org.Approve(ctx, config.AuthCodeURL("state", oidc.Nonce(nonce), oauth2.S256ChallengeOption(verifier)))
		if err != nil {
			t.Fatal(err)
		}
		callback, err := url.Parse(landed)
		if err != nil {
			t.Fatal(err)
		}
		token, err := config.Exchange(ctx, callback.Query().Get("code"), oauth2.VerifierOption(verifier))
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	token := connect(t, "a nonce of this login")
	raw, _ := token.Extra("id_token").(string)
	identity, _ := token.Extra("id").(string)

	t.Run("its id_token is of this org, app, user and login", func(t *testing.T) {
		idToken, err := provider.Verifier(&oidc.Config{ClientID: key}).Verify(ctx, raw)
		if err != nil {
			t.Fatal(err)
		}
		if idToken.Nonce != "a nonce of this login" {
			t.Errorf("nonce: got %q", idToken.Nonce)
		}
		if idToken.Subject != identity || identity == "" {
			t.Errorf("subject: got %q, want the identity URL %q", idToken.Subject, identity)
		}
		if err := idToken.VerifyAccessToken(token.AccessToken); err != nil {
			t.Errorf("at_hash: %v", err)
		}
	})
	t.Run("its userinfo is of the id_token's user", func(t *testing.T) {
		info, err := provider.UserInfo(ctx, oauth2.StaticTokenSource(token))
		if err != nil {
			t.Fatal(err)
		}
		var claims struct {
			Org      string `json:"organization_id"`
			User     string `json:"user_id"`
			Username string `json:"preferred_username"`
		}
		if err := info.Claims(&claims); err != nil {
			t.Fatal(err)
		}
		if info.Subject != identity || claims.Org != org.ID() || !strings.HasSuffix(identity, "/"+claims.Org+"/"+claims.User) || claims.Username != "admin@acme.example" {
			t.Errorf("got subject %s and claims %+v", info.Subject, claims)
		}
	})
	t.Run("its id_token is nobody else's", func(t *testing.T) {
		if _, err := provider.Verifier(&oidc.Config{ClientID: "another app"}).Verify(ctx, raw); err == nil {
			t.Error("another app may use it")
		}
		other, err := oidc.NewProvider(ctx, "https://"+loginHost)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := other.Verifier(&oidc.Config{ClientID: key}).Verify(ctx, raw); err == nil {
			t.Error("another issuer stands for it")
		}
	})
	t.Run("its signature covers what it says", func(t *testing.T) {
		second, _ := connect(t, "another nonce").Extra("id_token").(string)
		a, b := strings.Split(raw, "."), strings.Split(second, ".")
		if len(a) != 3 || len(b) != 3 {
			t.Fatal("an id_token has three parts")
		}
		mixed := strings.Join([]string{a[0], b[1], a[2]}, ".")
		if _, err := provider.Verifier(&oidc.Config{ClientID: key}).Verify(ctx, mixed); err == nil {
			t.Error("claims of one login under the signature of another are accepted")
		}
	})
	t.Run("a dead access token reads no userinfo", func(t *testing.T) {
		org.ExpireSessions()
		if _, err := provider.UserInfo(ctx, oauth2.StaticTokenSource(token)); err == nil {
			t.Error("userinfo answers a dead token")
		}
	})
}
