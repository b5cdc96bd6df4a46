package interop_test

import (
	"testing"

	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

func TestOauth4webapiLivesThroughAConnection(t *testing.T) {
	l := startRelier(t, orgtest.Config{})
	var saw struct {
		Discovery struct{ Issuer, Token string }
		Token     struct {
			Subject, ID, Type string
			RefreshToken      bool
		}
		Userinfo      struct{ Org, Username string }
		Refresh       struct{ Another, Works bool }
		Introspection struct{ Active, AfterRevocation bool }

		CodeAgain, WrongSecret, WrongVerifier, WrongNonce, RefreshAfterRevoke, DeadToken string
	}
	talk(t, l.front, "oauth4webapi.mjs", map[string]string{
		"address": l.front.addr, "issuer": l.org.InstanceURL(), "clientID": l.key, "clientSecret": l.secret, "redirectURI": l.callback,
	}, &saw, map[string]func(string) (any, error){
		"approve": func(link string) (any, error) { return l.org.Approve(t.Context(), link) },
	})
	for _, check := range []struct {
		name      string
		got, want any
	}{
		{"the issuer is the org's", saw.Discovery.Issuer, l.org.InstanceURL()},
		{"the token endpoint is the org's", saw.Discovery.Token, l.org.InstanceURL() + "/services/oauth2/token"},
		{"the subject is the identity URL", saw.Token.Subject, saw.Token.ID},
		{"the token is a bearer's", saw.Token.Type, "bearer"},
		{"a refresh token comes with its scope", saw.Token.RefreshToken, true},
		{"userinfo is of this org", saw.Userinfo.Org, l.org.ID()},
		{"userinfo is of this user", saw.Userinfo.Username, "admin@acme.example"},
		{"a refresh gives another access token", saw.Refresh.Another, true},
		{"which works", saw.Refresh.Works, true},
		{"a refresh token is active", saw.Introspection.Active, true},
		{"a revoked one is not", saw.Introspection.AfterRevocation, false},
		{"a code works once", saw.CodeAgain, "invalid_grant"},
		{"a wrong secret is refused", saw.WrongSecret, "invalid_client"},
		{"a wrong verifier is refused", saw.WrongVerifier, "invalid_grant"},
		{"another nonce is refused by the client", saw.WrongNonce, "OAUTH_JWT_CLAIM_COMPARISON_FAILED"},
		{"a revoked refresh token is dead", saw.RefreshAfterRevoke, "invalid_grant"},
	} {
		if check.got != check.want {
			t.Errorf("%s: got %v, want %v", check.name, check.got, check.want)
		}
	}
	if saw.DeadToken == "" {
		t.Error("userinfo answers a dead token")
	}
}
