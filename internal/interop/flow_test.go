package interop_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/oauthflow"
)

// newFlow is a Flow as a service makes one; only its transport leads to the provider instead of to Salesforce.
func newFlow(t *testing.T, p provider) (*oauthflow.Flow, oauthflow.Client) {
	t.Helper()
	flow, err := oauthflow.NewFlow(oauthflow.Config{RedirectURLs: fullcast.Production.CallbackURLs(), Transport: p.transport()})
	if err != nil {
		t.Fatal(err)
	}
	host, err := oauthflow.ParseHost(myDomain)
	if err != nil {
		t.Fatal(err)
	}
	return flow, oauthflow.Client{Host: host, ID: consumerKey, Secret: oauthflow.NewSecret(consumerSecret)}
}

// login runs one login in the browser, after letting the test change the link.
func login(t *testing.T, p provider, flow *oauthflow.Flow, c oauthflow.Client, change func(url.Values)) (oauthflow.Pending, url.Values) {
	t.Helper()
	link, pending, err := flow.Authorize(c, oauthflow.AuthorizeOptions{RedirectURL: fullcast.Production.CallbackURLs()[0]})
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		u, err := url.Parse(link)
		if err != nil {
			t.Fatal(err)
		}
		q := u.Query()
		change(q)
		u.RawQuery = q.Encode()
		link = u.String()
	}
	callback, err := p.admin.follow(link)
	if err != nil {
		t.Fatal(err)
	}
	return pending, callback.Query()
}

func exchange(t *testing.T, p provider, flow *oauthflow.Flow, c oauthflow.Client) *oauthflow.Token {
	t.Helper()
	pending, callback := login(t, p, flow, c, nil)
	token, err := flow.Exchange(t.Context(), pending, callback)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// apiStatus is what the REST API answers to an access token.
func apiStatus(t *testing.T, p provider, token *oauthflow.Token) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, token.InstanceURL+"/services/data/v66.0/query?q=SELECT+Id+FROM+Organization", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token.AccessToken.Reveal())
	resp, err := p.transport().RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

func wantKind(t *testing.T, err error, want oauthflow.ErrorKind) {
	t.Helper()
	var e *oauthflow.Error
	if !errors.As(err, &e) || e.Kind != want {
		t.Errorf("got error %v, want one of kind %q", err, want)
	}
}

func TestFlowLivesThroughAGrantAtTheCertifiedProvider(t *testing.T) {
	for _, tt := range []struct {
		name   string
		policy rotation
	}{
		{"with rotation", rotatesToken},
		{"without rotation", keepsToken},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := startProvider(t, tt.policy, fullcast.Production.CallbackURLs())
			flow, client := newFlow(t, p)
			first := exchange(t, p, flow, client)
			if first.OrgID != orgID || first.UserID != userID || first.InstanceURL != "https://"+myDomain || first.SignatureMismatch {
				t.Errorf("got org %s, user %s at %s, signature mismatch %v", first.OrgID, first.UserID, first.InstanceURL, first.SignatureMismatch)
			}
			if got := apiStatus(t, p, first); got != http.StatusOK {
				t.Errorf("the API answers %d to a fresh token", got)
			}
			who, err := flow.Identity(t.Context(), first)
			if err != nil || who.Username != adminLogin || who.OrgID != orgID {
				t.Errorf("identity: got %+v, %v", who, err)
			}
			info, err := flow.UserInfo(t.Context(), first)
			if want := (oauthflow.Identity{
				OrgID: orgID, UserID: userID, Username: adminLogin, DisplayName: "Ada Admin", Email: adminLogin, Active: true,
			}); err != nil || info != want {
				t.Errorf("userinfo: got %+v, %v, want %+v", info, err, want)
			}
			seen, err := flow.Introspect(t.Context(), client, first)
			if err != nil || !seen.Active || seen.ClientID != consumerKey {
				t.Errorf("introspection of a living grant: got %+v, %v", seen, err)
			}

			second, err := flow.Refresh(t.Context(), client, first)
			if err != nil {
				t.Fatal(err)
			}
			if second.AccessToken.Reveal() == first.AccessToken.Reveal() {
				t.Error("a refresh answered the old access token")
			}
			if got := apiStatus(t, p, second); got != http.StatusOK {
				t.Errorf("the API answers %d to a refreshed token", got)
			}
			living := second
			if tt.policy == rotatesToken {
				if got := second.RefreshToken.Reveal(); got == "" || got == first.RefreshToken.Reveal() {
					t.Fatal("no new refresh token although the provider rotates")
				}
			} else if living.RefreshToken.IsZero() {
				living.RefreshToken = first.RefreshToken
			}

			if err := flow.Revoke(t.Context(), client, living); err != nil {
				t.Fatal(err)
			}
			if got := apiStatus(t, p, living); got != http.StatusUnauthorized {
				t.Errorf("the API answers %d after the grant was revoked", got)
			}
			_, err = flow.UserInfo(t.Context(), living)
			wantKind(t, err, oauthflow.KindSession)
			seen, err = flow.Introspect(t.Context(), client, living)
			if err != nil || seen.Active {
				t.Errorf("introspection of a revoked grant: got %+v, %v", seen, err)
			}
			_, err = flow.Refresh(t.Context(), client, living)
			wantKind(t, err, oauthflow.KindGrantDead)
			if err := flow.Revoke(t.Context(), client, living); err != nil {
				t.Errorf("revoking twice: %v", err)
			}
		})
	}
}

func TestTheCertifiedProviderRefusesWhatItMust(t *testing.T) {
	p := startProvider(t, rotatesToken, fullcast.Production.CallbackURLs())
	flow, client := newFlow(t, p)

	t.Run("a verifier that does not fit the challenge", func(t *testing.T) {
		pending, callback := login(t, p, flow, client, func(q url.Values) {
			q.Set("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM")
		})
		_, err := flow.Exchange(t.Context(), pending, callback)
		wantKind(t, err, oauthflow.KindPKCE)
	})
	t.Run("a login without a challenge", func(t *testing.T) {
		pending, callback := login(t, p, flow, client, func(q url.Values) {
			q.Del("code_challenge")
			q.Del("code_challenge_method")
		})
		before := len(p.calls("authorization_code"))
		_, err := flow.Exchange(t.Context(), pending, callback)
		if err == nil || callback.Get("error") != "invalid_request" {
			t.Errorf("got callback %v and error %v, want invalid_request", callback, err)
		}
		if got := len(p.calls("authorization_code")); got != before {
			t.Errorf("a refused login cost %d token requests", got-before)
		}
	})
	t.Run("a callback URL that the app does not list", func(t *testing.T) {
		_, err := p.admin.follow("https://" + myDomain + "/services/oauth2/authorize?response_type=code&client_id=" +
			url.QueryEscape(consumerKey) + "&redirect_uri=https%3A%2F%2Fapp.fullcast.io%2Fapp%2Fother")
		if err == nil || !strings.Contains(err.Error(), "status 400") {
			t.Errorf("got %v, want an error page instead of a redirect", err)
		}
	})
	t.Run("a wrong secret", func(t *testing.T) {
		wrong := client
		wrong.Secret = oauthflow.NewSecret("another secret")
		pending, callback := login(t, p, flow, wrong, nil)
		_, err := flow.Exchange(t.Context(), pending, callback)
		wantKind(t, err, oauthflow.KindClient)
	})
	t.Run("a code that was used", func(t *testing.T) {
		pending, callback := login(t, p, flow, client, nil)
		first, err := flow.Exchange(t.Context(), pending, callback)
		if err != nil {
			t.Fatal(err)
		}
		_, err = flow.Exchange(t.Context(), pending, callback)
		wantKind(t, err, oauthflow.KindGrantDead)
		if got := apiStatus(t, p, first); got != http.StatusUnauthorized {
			t.Errorf("the API answers %d although the code was used twice", got)
		}
	})
	t.Run("a refresh token that was rotated away, and then the whole grant", func(t *testing.T) {
		first := exchange(t, p, flow, client)
		second, err := flow.Refresh(t.Context(), client, first)
		if err != nil {
			t.Fatal(err)
		}
		_, err = flow.Refresh(t.Context(), client, first)
		wantKind(t, err, oauthflow.KindGrantDead)
		_, err = flow.Refresh(t.Context(), client, second)
		wantKind(t, err, oauthflow.KindGrantDead)
	})
}
