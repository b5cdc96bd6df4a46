package interop_test

import (
	"context"
	"net/http"
	"net/url"
	"testing"
	"time"

	hashicorp "github.com/hashicorp/cap/oidc"
	"github.com/zitadel/oidc/v3/pkg/client/rp"
	zitadel "github.com/zitadel/oidc/v3/pkg/oidc"
	"golang.org/x/oauth2"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

// A relier relies on the in-process org: what a client of OpenID Connect has of it.
type relier struct {
	org         *orgtest.Org
	front       *front
	http        *http.Client
	key, secret string
	callback    string
}

// startRelier starts an org with Fullcast's app, which was there before the release that has every new one replace refresh tokens.
func startRelier(t *testing.T, c orgtest.Config) relier {
	t.Helper()
	c.Existing = map[string]string{}
	for _, file := range appPackage(t).Files[1:] { // the first one is package.xml
		c.Existing[file.Name] = string(file.Data)
	}
	org, f := startOrg(t, c)
	key, secret, err := org.Credentials("Fullcast")
	if err != nil {
		t.Fatal(err)
	}
	return relier{org, f, &http.Client{Transport: f.transport()}, key, secret, fullcast.Production.CallbackURLs()[2]}
}

// approved is the query with which the browser comes back once the user has allowed the app.
func (l relier) approved(t *testing.T, link string) url.Values {
	t.Helper()
	landed, err := l.org.Approve(t.Context(), link)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(landed)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query()
}

var askedScopes = []string{"openid", "id", "api", "refresh_token"}

// The relying party of zitadel/oidc discovers the org, proves its key, verifies the id_token and its at_hash, compares the subject
// of userinfo with it, refreshes and revokes.
func TestZitadelsRelyingPartyLivesThroughAConnection(t *testing.T) {
	for name, c := range map[string]orgtest.Config{"the refresh token stays": {}, "it is replaced": {RotateRefreshTokens: true}} {
		t.Run(name, func(t *testing.T) {
			l := startRelier(t, c)
			const nonce, verifier = "a nonce of this login", "a-verifier-of-forty-three-characters-or-more-0123"
			party := func(secret string) rp.RelyingParty {
				t.Helper()
				p, err := rp.NewRelyingPartyOIDC(t.Context(), l.org.InstanceURL(), l.key, secret, l.callback, askedScopes,
					rp.WithHTTPClient(l.http), rp.WithAuthStyle(oauth2.AuthStyleInParams), rp.WithSigningAlgsFromDiscovery(),
					rp.WithVerifierOpts(rp.WithNonce(func(context.Context) string { return nonce })))
				if err != nil {
					t.Fatal(err)
				}
				return p
			}
			client, forger := party(l.secret), party("wrong")
			link := func() string {
				return rp.AuthURL("the state", client, rp.WithCodeChallenge(oauth2.S256ChallengeFromVerifier(verifier)),
					func() []oauth2.AuthCodeOption { return []oauth2.AuthCodeOption{oauth2.SetAuthURLParam("nonce", nonce)} })
			}
			callback := l.approved(t, link())
			if callback.Get("state") != "the state" {
				t.Errorf("the state is %q", callback.Get("state"))
			}
			tokens, err := rp.CodeExchange[*zitadel.IDTokenClaims](t.Context(), callback.Get("code"), client, rp.WithCodeVerifier(verifier))
			if err != nil {
				t.Fatal(err)
			}
			identity, _ := tokens.Extra("id").(string)
			if tokens.IDTokenClaims.GetSubject() != identity || identity == "" {
				t.Errorf("the subject is %q, the identity URL %q", tokens.IDTokenClaims.GetSubject(), identity)
			}
			info, err := rp.Userinfo[*zitadel.UserInfo](t.Context(), tokens.AccessToken, tokens.TokenType, identity, client)
			if err != nil {
				t.Fatal(err)
			}
			if info.PreferredUsername != "admin@acme.example" || info.Claims["organization_id"] != l.org.ID() {
				t.Errorf("userinfo: %+v", info)
			}
			if _, err := rp.Userinfo[*zitadel.UserInfo](t.Context(), "dead", tokens.TokenType, identity, client); err == nil {
				t.Error("userinfo answers an unknown token")
			}

			client.OAuthConfig().Scopes = nil // Salesforce takes no scope with a refresh
			forger.OAuthConfig().Scopes = nil
			if _, err := rp.RefreshTokens[*zitadel.IDTokenClaims](t.Context(), forger, tokens.RefreshToken, "", ""); err == nil {
				t.Error("a wrong secret refreshes")
			}
			fresh, err := rp.RefreshTokens[*zitadel.IDTokenClaims](t.Context(), client, tokens.RefreshToken, "", "")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := rp.Userinfo[*zitadel.UserInfo](t.Context(), fresh.AccessToken, fresh.TokenType, identity, client); err != nil {
				t.Errorf("after a refresh: %v", err)
			}
			if replaced := fresh.RefreshToken != "" && fresh.RefreshToken != tokens.RefreshToken; replaced != c.RotateRefreshTokens {
				t.Errorf("the refresh token is replaced: %t", replaced)
			}

			client.OAuthConfig().Scopes = askedScopes
			other := l.approved(t, link())
			if _, err := rp.CodeExchange[*zitadel.IDTokenClaims](t.Context(), other.Get("code"), client, rp.WithCodeVerifier(verifier+"x")); err == nil {
				t.Error("another verifier is accepted")
			}
		})
	}
}

// The provider of hashicorp/cap goes the same way, and refuses tokens that are not those of its request.
func TestHashicorpsCapLivesThroughAConnection(t *testing.T) {
	l := startRelier(t, orgtest.Config{})
	provider := func(secret string) *hashicorp.Provider {
		t.Helper()
		config, err := hashicorp.NewConfig(l.org.InstanceURL(), l.key, hashicorp.ClientSecret(secret), []hashicorp.Alg{hashicorp.RS256}, []string{l.callback}, hashicorp.WithRoundTripper(l.http.Transport))
		if err != nil {
			t.Fatal(err)
		}
		p, err := hashicorp.NewProvider(config)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(p.Done)
		return p
	}
	request := func() *hashicorp.Req {
		t.Helper()
		verifier, err := hashicorp.NewCodeVerifier()
		if err != nil {
			t.Fatal(err)
		}
		r, err := hashicorp.NewRequest(time.Minute, l.callback, hashicorp.WithPKCE(verifier), hashicorp.WithScopes(askedScopes...))
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	p, r := provider(l.secret), request()
	ask := func(p *hashicorp.Provider, r *hashicorp.Req) url.Values {
		t.Helper()
		link, err := p.AuthURL(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		return l.approved(t, link)
	}
	callback := ask(p, r)
	token, err := p.Exchange(t.Context(), r, callback.Get("state"), callback.Get("code"))
	if err != nil {
		t.Fatal(err)
	}
	var claims struct {
		Subject string `json:"sub"`
		User    string `json:"user_id"`
		Org     string `json:"organization_id"`
	}
	if err := token.IDToken().Claims(&claims); err != nil {
		t.Fatal(err)
	}
	var info struct {
		Org      string `json:"organization_id"`
		Username string `json:"preferred_username"`
	}
	if err := p.UserInfo(t.Context(), token.StaticTokenSource(), claims.Subject, &info); err != nil {
		t.Fatal(err)
	}
	if info.Org != l.org.ID() || info.Username != "admin@acme.example" {
		t.Errorf("userinfo: %+v", info)
	}

	// It has no refresh of its own: x/oauth2, on which it builds, refreshes, and it judges what comes.
	discovered, err := p.DiscoveryInfo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	config := oauth2.Config{ClientID: l.key, ClientSecret: l.secret, Endpoint: oauth2.Endpoint{TokenURL: discovered.TokenURL, AuthStyle: oauth2.AuthStyleInParams}}
	ctx, err := p.HTTPClientContext(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	fresh, err := config.TokenSource(ctx, &oauth2.Token{RefreshToken: string(token.RefreshToken())}).Token()
	if err != nil {
		t.Fatal(err)
	}
	if fresh.AccessToken == string(token.AccessToken()) {
		t.Error("a refresh gave the former access token")
	}
	if err := p.UserInfo(t.Context(), oauth2.StaticTokenSource(fresh), claims.Subject, &info); err != nil {
		t.Errorf("after a refresh: %v", err)
	}

	t.Run("a code works once", func(t *testing.T) {
		if _, err := p.Exchange(t.Context(), r, callback.Get("state"), callback.Get("code")); err == nil {
			t.Error("accepted")
		}
	})
	t.Run("a wrong secret is refused", func(t *testing.T) {
		forger, r := provider("wrong"), request()
		callback := ask(forger, r)
		if _, err := forger.Exchange(t.Context(), r, callback.Get("state"), callback.Get("code")); err == nil {
			t.Error("accepted")
		}
	})
	t.Run("an id_token of another login is refused", func(t *testing.T) {
		if _, err := p.VerifyIDToken(t.Context(), token.IDToken(), request()); err == nil {
			t.Error("accepted")
		}
	})
	t.Run("a verifier of another login is refused", func(t *testing.T) {
		mine, theirs := request(), request()
		callback := ask(p, mine)
		if _, err := p.Exchange(t.Context(), theirs, theirs.State(), callback.Get("code")); err == nil {
			t.Error("accepted")
		}
	})
}
