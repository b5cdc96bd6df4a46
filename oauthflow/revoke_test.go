package oauthflow_test

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

func TestARevocationSendsTheRefreshTokenFirstAndNoCredentials(t *testing.T) {
	for _, c := range []struct {
		name, want string
		token      *oauthflow.Token
	}{
		{"the refresh token, which ends its access tokens too", wireRefresh, wireToken()},
		{"the access token where there is no other", wireAccess, &oauthflow.Token{AccessToken: oauthflow.NewSecret(wireAccess)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var form url.Values
			f := wireFlow(t, carrier(func(r *http.Request) (*http.Response, error) {
				body, _ := io.ReadAll(r.Body)
				form, _ = url.ParseQuery(string(body))
				return wireReply(r, 200, "", "Content-Type", ""), nil
			}))
			if err := f.Revoke(t.Context(), wireClient(t, wireHost), c.token); err != nil {
				t.Fatal(err)
			}
			if len(form) != 1 || form.Get("token") != c.want {
				t.Errorf("sent the fields %v", keysOf(form))
			}
		})
	}
	if err := wireFlow(t, says(200, "")).Revoke(t.Context(), wireClient(t, wireHost), new(oauthflow.Token)); err == nil {
		t.Error("a Token without tokens was revoked")
	}
}

func TestATokenThatSalesforceNoLongerKnowsCountsAsRevoked(t *testing.T) {
	for _, c := range []struct {
		name   string
		status int
		body   string
		kind   oauthflow.ErrorKind // empty: revoked
	}{
		{"done", 200, "", ""},
		{"gone, as JSON", 400, `{"error":"invalid_token","error_description":"invalid token"}`, ""},
		{"gone, as a query string", 400, "error=invalid_token&error_description=invalid%20token", ""},
		{"of a kind it does not revoke", 400, "error=unsupported_token_type", oauthflow.KindInvalid},
		{"another refusal, as a query string", 400, "error=invalid_client&error_description=invalid+client+credentials", oauthflow.KindClient},
		{"another refusal, as JSON", 400, `{"error":"invalid_request"}`, oauthflow.KindInvalid},
		{"the right word with another status", 404, "error=invalid_token", oauthflow.KindUnknownAnswer},
		{"a page", 400, "<html>invalid_token</html>", oauthflow.KindUnknownAnswer},
		{"busy", 503, "", oauthflow.KindBusy},
		{"broken", 500, "error=invalid_token", oauthflow.KindInDoubt},
		{"a redirect", 302, "", oauthflow.KindUnknownAnswer},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := wireFlow(t, says(c.status, c.body, "Content-Type", "text/plain")).Revoke(t.Context(), wireClient(t, wireHost), wireToken())
			if c.kind == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if e := wireError(t, err, c.kind); e.Kind.Terminal() {
				t.Errorf("%v ends the connection", e)
			}
		})
	}
}

func TestAnIntrospectionIsReadStrictly(t *testing.T) {
	f := wireFlow(t, says(200, `{"active":true,"scope":"id api","client_id":"3MVG9","username":"u@x.org","sub":"`+wireID+`","token_type":"access_token","exp":1528502109,"iat":1528494909}`))
	got, err := f.Introspect(t.Context(), wireClient(t, wireHost), wireToken())
	if err != nil || !got.Active || got.Username != "u@x.org" || got.Subject != wireID || len(got.Scopes) != 2 || !got.ExpiresAt.Equal(time.Unix(1528502109, 0)) || !got.IssuedAt.Equal(time.Unix(1528494909, 0)) {
		t.Errorf("got %+v, %v", got, err)
	}
	for _, c := range []struct {
		name   string
		status int
		body   string
		kind   oauthflow.ErrorKind // empty: inactive
	}{
		{"inactive", 200, `{"active":false}`, ""},
		{"no word about it", 200, `{}`, oauthflow.KindBadAnswer},
		{"a number", 200, `{"active":1}`, oauthflow.KindBadAnswer},
		{"both", 200, `{"active":true,"active":false}`, oauthflow.KindBadAnswer},
		{"another case", 200, `{"Active":true}`, oauthflow.KindBadAnswer},
		{"cut off", 200, `{"active":true`, oauthflow.KindBadAnswer},
		{"wrong credentials, with a body", 401, `{"error":"invalid_client","error_description":"invalid client credentials"}`, oauthflow.KindClient},
		{"somebody else's 401", 401, ``, oauthflow.KindUnknownAnswer},
		{"no token", 400, `{"error":"invalid_request"}`, oauthflow.KindInvalid},
		{"broken", 500, ``, oauthflow.KindInDoubt},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := wireFlow(t, says(c.status, c.body)).Introspect(t.Context(), wireClient(t, wireHost), wireToken())
			if got.Active {
				t.Error("the token counts as active")
			}
			if c.kind == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			wireError(t, err, c.kind)
		})
	}
}

func TestTheUserBehindATokenIsTold(t *testing.T) {
	w := newWorld(t, orgtest.Config{})
	for name, host := range map[string]string{"by the generic login host": w.org.LoginHost(), "by the org's My Domain": "acme.my.salesforce.com"} {
		t.Run(name, func(t *testing.T) {
			f := w.flow(w.org.RoundTripper())
			tok := w.login(t, f, host)
			id, err := f.Identity(t.Context(), tok)
			if err != nil {
				t.Fatal(err)
			}
			info, err := f.UserInfo(t.Context(), tok)
			if err != nil {
				t.Fatal(err)
			}
			if id.OrgID != w.org.ID() || id.UserID != tok.UserID || id.Username != w.user || !id.Active || id.Email == "" || id.DisplayName == "" {
				t.Errorf("the identity URL says %+v", id)
			}
			if info != id {
				t.Errorf("userinfo says %+v, the identity URL %+v", info, id)
			}
			w.org.ExpireSessions()
			for _, ask := range []func() error{
				func() error { _, err := f.Identity(t.Context(), tok); return err },
				func() error { _, err := f.UserInfo(t.Context(), tok); return err },
			} {
				wireError(t, ask(), oauthflow.KindSession)
			}
		})
	}
}

// login completes a login at a host of the world's org.
func (w *world) login(t *testing.T, f *oauthflow.Flow, host string) *oauthflow.Token {
	t.Helper()
	c := w.client()
	h, err := oauthflow.ParseHost(host)
	if err != nil {
		t.Fatal(err)
	}
	c.Host = h
	link, p, err := f.Authorize(c, oauthflow.AuthorizeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	back, err := w.org.Approve(t.Context(), link)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(back)
	if err != nil {
		t.Fatal(err)
	}
	tok, err := f.Exchange(t.Context(), p, u.Query())
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

const userinfoBody = `{"sub":"` + wireID + `","user_id":"` + wireUser + `","organization_id":"` + wireOrg + `","preferred_username":"u@x.org","active":true}`

func TestAnAnswerAboutAnotherUserIsRefused(t *testing.T) {
	const identityBody = `{"id":"` + wireID + `","user_id":"` + wireUser + `","organization_id":"` + wireOrg + `","username":"u@x.org","active":true}`
	for _, c := range []struct {
		name, from, to string
		kind           oauthflow.ErrorKind
	}{
		{"the right one", "", "", ""},
		{"another user", wireUser, "005WIRE00000009AA2", oauthflow.KindBadAnswer},
		{"another org", wireOrg, "00DWIRE00000009AA2", oauthflow.KindBadAnswer},
		{"no user", "user_id", "someone", oauthflow.KindBadAnswer},
		{"no org", "organization_id", "somewhere", oauthflow.KindBadAnswer},
		{"cut off", "}", "", oauthflow.KindBadAnswer},
	} {
		t.Run(c.name, func(t *testing.T) {
			for call, body := range map[string]string{"identity": identityBody, "userinfo": userinfoBody} {
				if c.from != "" {
					body = strings.ReplaceAll(body, c.from, c.to)
				}
				err := wireCalls(t)[call](wireFlow(t, says(200, body)))
				if c.kind == "" {
					if err != nil {
						t.Errorf("%s: %v", call, err)
					}
					continue
				}
				wireError(t, err, c.kind)
			}
		})
	}
	for name, sub := range map[string]string{
		"sub of another org":   "https://login.salesforce.com/id/00DWIRE00000009AA2/" + wireUser,
		"sub that is no URL":   wireUser,
		"sub on another host":  "https://evil.io/id/" + wireOrg + "/" + wireUser,
		"sub that is left out": "",
	} {
		err := wireCalls(t)["userinfo"](wireFlow(t, says(200, strings.ReplaceAll(userinfoBody, wireID, sub))))
		if e := wireError(t, err, oauthflow.KindBadAnswer); e.Op != "userinfo" {
			t.Errorf("%s: %v", name, e)
		}
	}
}

func TestAnIdentityRedirectIsFollowedToTheOrgsOwnHostOnlyAndOnce(t *testing.T) {
	path := "/id/" + wireOrg + "/" + wireUser
	for _, c := range []struct {
		name, location string
		requests       int
		ok             bool
	}{
		{"to the same path of the instance", "https://" + wireHost + path, 2, true},
		{"to another path", "https://" + wireHost + "/other", 1, false},
		{"with a query", "https://" + wireHost + path + "?sid=1", 1, false},
		{"to another org", "https://evil.my.salesforce.com" + path, 1, false},
		{"to another host", "https://evil.io" + path, 1, false},
		{"to plain http", "http://" + wireHost + path, 1, false},
		{"with a user", "https://a@" + wireHost + path, 1, false},
		{"to itself", wireID, 1, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			requests := 0
			f := wireFlow(t, carrier(func(r *http.Request) (*http.Response, error) {
				requests++
				if r.URL.Host == "login.salesforce.com" {
					return wireReply(r, 302, "", "Location", c.location), nil
				}
				if r.URL.Host != wireHost || r.Header.Get("Authorization") != "Bearer "+wireAccess {
					t.Errorf("asked %s", r.URL)
				}
				return wireReply(r, 200, userinfoBody), nil
			}))
			if _, err := f.Identity(t.Context(), wireToken()); (err == nil) != c.ok || requests != c.requests {
				t.Errorf("%d requests, %v", requests, err)
			}
		})
	}
}
