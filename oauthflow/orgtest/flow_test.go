package orgtest_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

func TestACodeExchangeAnswersAsSalesforceDoes(t *testing.T) {
	w := withDemo(t, orgtest.Config{})
	q := w.approve("nonce", "n1")
	if q.Get("state") != "s1" || !strings.HasSuffix(q.Get("code"), "==") {
		t.Errorf("callback query %v: want the state back and a code that ends in ==", q)
	}
	a := w.exchange(q.Get("code"))
	if a.status != http.StatusOK {
		t.Fatalf("got %d %s", a.status, a.body)
	}
	for field, shape := range map[string]string{
		"access_token":  `^00DTEST[0-9A-Za-z]{8}!AQ[\w.]{80,}$`,
		"refresh_token": `^5Aep861[\w.]{80,}$`,
		"issued_at":     `^\d{13}$`,
		"id":            `^https://login\.salesforce\.com/id/00DTEST[0-9A-Za-z]{11}/005[0-9A-Za-z]{15}$`,
		"instance_url":  `^https://acme\.my\.salesforce\.com$`,
		"token_type":    `^Bearer$`,
		"scope":         `^api full id openid refresh_token web$`,
	} {
		if !regexp.MustCompile(shape).MatchString(a.field(field)) {
			t.Errorf("%s = %q, want %s", field, a.field(field), shape)
		}
	}
	if strings.Contains(a.body, "expires_in") {
		t.Error("the answer has an expires_in")
	}
	if strings.Count(a.field("access_token"), ".") >= 2 {
		t.Error("the access token looks like a JWT")
	}
	_, secret := w.credentials("Demo")
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(a.field("id") + a.field("issued_at")))
	if a.field("signature") != base64.StdEncoding.EncodeToString(mac.Sum(nil)) {
		t.Error("the signature is not the HMAC of id and issued_at under the consumer secret")
	}
	if a.header.Get("Cache-Control") != "no-cache, no-store" {
		t.Errorf("Cache-Control = %q", a.header.Get("Cache-Control"))
	}
	if got := w.api(a.field("access_token")); got != http.StatusOK {
		t.Errorf("the API answers %d to the new token", got)
	}
}

func TestTheAuthorizeEndpointRedirectsALoggedInUserAtOnce(t *testing.T) {
	w := withDemo(t, orgtest.Config{})
	a := w.get(w.authorizeURL(), "")
	if a.status != http.StatusFound || !strings.HasPrefix(a.header.Get("Location"), callback+"?code=") || !strings.Contains(a.header.Get("Location"), "%3D%3D") {
		t.Errorf("got %d to %q, want 302 to the callback with a percent-encoded code", a.status, a.header.Get("Location"))
	}
}

func TestDenyingComesBackAsAccessDenied(t *testing.T) {
	w := withDemo(t, orgtest.Config{})
	landed, err := w.org.Deny(t.Context(), w.authorizeURL())
	if err != nil {
		t.Fatal(err)
	}
	u, _ := url.Parse(landed)
	if q := u.Query(); q.Get("error") != "access_denied" || q.Get("error_description") != "end-user denied authorization" || q.Get("state") != "s1" {
		t.Errorf("landed with %v", q)
	}
}

func TestAnAuthorizeRequestIsRefusedInTheCallback(t *testing.T) {
	for _, c := range []struct {
		name, param, value, code, description string
	}{
		{"without a challenge when the app requires PKCE", "code_challenge", "", "invalid_request", "missing required code challenge"},
		{"with a challenge method other than S256", "code_challenge_method", "plain", "invalid_request", "code challenge method not supported"},
		{"with a scope the app does not have", "scope", "api chatter_api", "invalid_scope", "the requested scope is invalid, unknown, or malformed"},
		{"with another response type", "response_type", "nonsense", "unsupported_response_type", "response type must be code"},
		{"by the headless flow, which needs a site", "response_type", "code_credentials", "unsupported_response_type", "response type must be code"},
		{"immediately, when nobody approved before", "immediate", "true", "immediate_unsuccessful", "immediate approval unsuccessful"},
	} {
		t.Run(c.name, func(t *testing.T) {
			q := withDemo(t, orgtest.Config{}).approve(c.param, c.value)
			if q.Get("error") != c.code || q.Get("error_description") != c.description || q.Get("code") != "" {
				t.Errorf("got %v", q)
			}
		})
	}
}

func TestAnUntrustedAuthorizeRequestNeverLeavesSalesforce(t *testing.T) {
	for _, c := range []struct{ name, param, value, page string }{
		{"unknown client", "client_id", "3MVG9nobody", "invalid_client_id"},
		{"redirect URI with another case", "redirect_uri", "https://app.example.com/Done", "redirect_uri_mismatch"},
		{"no redirect URI", "redirect_uri", "", "redirect_uri_mismatch"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := withDemo(t, orgtest.Config{})
			a := w.get(w.authorizeURL(c.param, c.value), "")
			if a.status != http.StatusBadRequest || !strings.Contains(a.body, c.page) || a.header.Get("Location") != "" {
				t.Errorf("got %d %q", a.status, a.body)
			}
			if _, err := w.org.Approve(t.Context(), w.authorizeURL(c.param, c.value)); err == nil || !strings.Contains(err.Error(), c.page) {
				t.Errorf("Approve: %v", err)
			}
		})
	}
}

func TestALoopbackCallbackMayLeaveThePortOpen(t *testing.T) {
	for redirect, ok := range map[string]bool{
		"http://localhost:8080/cb": true, "http://localhost:1/cb": true, "http://localhost/cb": false, "http://localhost:8080/other": false,
		"http://localhost:80a/cb": false, "http://localhost:8080@evil.example/cb": false, "https://localhost:8080/cb": false,
	} {
		w := withDemo(t, orgtest.Config{})
		w.set(globalSettings, "callbackUrl", "http://localhost:*/cb\nhttps://app.example.com/done")
		_, err := w.org.Approve(t.Context(), w.authorizeURL("redirect_uri", redirect))
		if (err == nil) != ok {
			t.Errorf("%s: %v", redirect, err)
		}
	}
}

func TestACodeExchangeIsRefused(t *testing.T) {
	wrong := strings.Repeat("w", 64)
	for _, c := range []struct{ name, param, value, code, description string }{
		{"with a wrong secret", "client_secret", "nope", "invalid_client", "invalid client credentials"},
		{"without the secret the app requires", "client_secret", "", "invalid_client", "invalid client credentials"},
		{"by an unknown client", "client_id", "3MVG9nobody", "invalid_client_id", "client identifier invalid"},
		{"with a wrong verifier", "code_verifier", wrong, "invalid_grant", "invalid code verifier"},
		{"without a verifier", "code_verifier", "", "invalid_grant", "invalid code verifier"},
		{"with a tilde in the verifier", "code_verifier", verifier[:50] + "~", "invalid_grant", "invalid code verifier"},
		{"with another registered redirect URI", "redirect_uri", "https://app.example.com/other", "redirect_uri_mismatch", "redirect_uri must match configuration"},
		{"with a code nobody issued", "code", "aPrxnothing==", "invalid_grant", "invalid authorization code"},
		{"with an unknown grant type", "grant_type", "nonsense", "unsupported_grant_type", "grant type not supported"},
		{"without a grant type", "grant_type", "", "invalid_request", "must supply grant type"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := withDemo(t, orgtest.Config{})
			wantError(t, w.exchange(w.approve().Get("code"), c.param, c.value), c.code, c.description)
		})
	}
}

func TestACodeIsGoodOnce(t *testing.T) {
	w := withDemo(t, orgtest.Config{})
	code := w.approve().Get("code")
	if a := w.exchange(code); a.status != http.StatusOK {
		t.Fatal(a.body)
	}
	wantError(t, w.exchange(code), "invalid_grant", "expired authorization code")
}

func TestAVerifierWithoutAChallengeIsRefused(t *testing.T) {
	w := withDemo(t, orgtest.Config{})
	if err := w.org.SetAppField("ExtlClntAppGlobalOauthSettings", "Demo_glbloauth", "isPkceRequired", "false"); err != nil {
		t.Fatal(err)
	}
	wantError(t, w.exchange(w.approve("code_challenge", "").Get("code")), "invalid_grant", "unexpected code verifier")
	if a := w.exchange(w.approve("code_challenge", "").Get("code"), "code_verifier", ""); a.status != http.StatusOK {
		t.Errorf("without either, an app that does not require PKCE should get its token: %s", a.body)
	}
}

func TestASecretIsNeededWhereTheAppSaysSo(t *testing.T) {
	w := withDemo(t, orgtest.Config{})
	w.set(globalSettings, "isConsumerSecretOptional", "true")
	a := w.exchange(w.approve().Get("code"), "client_secret", "")
	if a.status != http.StatusOK {
		t.Fatalf("optional, and not sent: %s", a.body)
	}
	wantError(t, w.exchange(w.approve().Get("code"), "client_secret", "wrong"), "invalid_client", "invalid client credentials")
	wantError(t, w.refresh(a.field("refresh_token"), "client_secret", ""), "invalid_client", "invalid client credentials")
	w.set(globalSettings, "isSecretRequiredForRefreshToken", "false")
	if a := w.refresh(a.field("refresh_token"), "client_secret", ""); a.status != http.StatusOK {
		t.Errorf("not required for a refresh: %s", a.body)
	}
}

func TestClientsMayAuthenticateByBasic(t *testing.T) {
	w := withDemo(t, orgtest.Config{})
	key, secret := w.credentials("Demo")
	r := w.form(w.host+"/services/oauth2/token", url.Values{
		"grant_type": {"authorization_code"}, "code": {w.approve().Get("code")}, "redirect_uri": {callback}, "code_verifier": {verifier},
	})
	r.SetBasicAuth(url.QueryEscape(key), url.QueryEscape(secret))
	if a := w.send(r); a.status != http.StatusOK {
		t.Errorf("got %d %s", a.status, a.body)
	}
}

func TestARefreshWithoutRotationKeepsTheRefreshToken(t *testing.T) {
	w := withDemo(t, orgtest.Config{})
	first, refresh := w.connect()
	for range 3 {
		a := w.refresh(refresh)
		if a.status != http.StatusOK || a.field("refresh_token") != "" || a.field("access_token") == first || a.field("id_token") == "" {
			t.Fatalf("got %d %s, want a new access token, an id_token and no refresh token", a.status, a.body)
		}
	}
	if got := w.api(first); got != http.StatusOK {
		t.Errorf("the first access token died of a refresh: %d", got)
	}
}

func TestARotatedRefreshTokenKillsTheWholeFamilyWhenUsedAgain(t *testing.T) {
	w := withDemo(t, orgtest.Config{})
	if err := w.org.SetAppField("ExtlClntAppGlobalOauthSettings", "Demo_glbloauth", "isRefreshTokenRotationEnabled", "true"); err != nil {
		t.Fatal(err)
	}
	access, first := w.connect()
	a := w.refresh(first)
	second := a.field("refresh_token")
	if second == "" || second == first {
		t.Fatalf("rotation is on, but the answer is %s", a.body)
	}
	wantError(t, w.refresh(first), "invalid_grant", "expired access/refresh token")
	wantError(t, w.refresh(second), "invalid_grant", "expired access/refresh token")
	for _, token := range []string{access, a.field("access_token")} {
		if got := w.api(token); got != http.StatusUnauthorized {
			t.Errorf("an access token of the family still works: %d", got)
		}
	}
}

func TestARefreshIsRefused(t *testing.T) {
	for _, c := range []struct{ name, param, value, code, description string }{
		{"with a scope", "scope", "api", "invalid_request", "scope parameter not supported"},
		{"with a token nobody issued", "refresh_token", "5Aep861none", "invalid_grant", "expired access/refresh token"},
		{"without the secret the app requires", "client_secret", "", "invalid_client", "invalid client credentials"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := withDemo(t, orgtest.Config{})
			_, refresh := w.connect()
			wantError(t, w.refresh(refresh, c.param, c.value), c.code, c.description)
		})
	}
}

func TestAVerifierOnARefreshIsIgnored(t *testing.T) {
	w := withDemo(t, orgtest.Config{})
	_, refresh := w.connect()
	if a := w.refresh(refresh, "code_verifier", verifier); a.status != http.StatusOK {
		t.Errorf("got %d %s", a.status, a.body)
	}
}

func TestRevokingARefreshTokenKillsItsAccessTokens(t *testing.T) {
	w := withDemo(t, orgtest.Config{})
	access, refresh := w.connect()
	a := w.post(w.host+"/services/oauth2/revoke", url.Values{"token": {refresh}})
	if a.status != http.StatusOK || a.body != "" {
		t.Fatalf("got %d %q, want 200 and nothing", a.status, a.body)
	}
	if got := w.api(access); got != http.StatusUnauthorized {
		t.Errorf("the API answers %d", got)
	}
	wantError(t, w.refresh(refresh), "invalid_grant", "expired access/refresh token")
	a = w.post(w.host+"/services/oauth2/revoke", url.Values{"token": {refresh}})
	if q, err := url.ParseQuery(a.body); a.status != http.StatusBadRequest || err != nil || q.Get("error") != "invalid_token" {
		t.Errorf("a second time: %d %q", a.status, a.body)
	}
}

func TestExpiredSessionsLeaveTheRefreshTokenAlive(t *testing.T) {
	w := withDemo(t, orgtest.Config{})
	access, refresh := w.connect()
	w.org.ExpireSessions()
	a := w.get(w.org.InstanceURL()+"/services/data/v66.0/query?q=SELECT+Id+FROM+Account", access)
	if a.status != http.StatusUnauthorized || a.body != `[{"errorCode":"INVALID_SESSION_ID","message":"Session expired or invalid"}]` {
		t.Errorf("got %d %s", a.status, a.body)
	}
	if got := w.api(w.refresh(refresh).field("access_token")); got != http.StatusOK {
		t.Errorf("after a refresh the API answers %d", got)
	}
}

func TestRevokingAnAccessTokenEndsThatSessionOnly(t *testing.T) {
	w := withDemo(t, orgtest.Config{})
	access, refresh := w.connect()
	if a := w.get(w.host+"/services/oauth2/revoke?token="+url.QueryEscape(access), ""); a.status != http.StatusOK {
		t.Fatalf("got %d %s", a.status, a.body)
	}
	if got := w.api(access); got != http.StatusUnauthorized {
		t.Errorf("the API answers %d", got)
	}
	if a := w.refresh(refresh); a.status != http.StatusOK {
		t.Errorf("the refresh token: %s", a.body)
	}
}

func TestRevokeErrorsAreJSONForWhoAsksForIt(t *testing.T) {
	w := withDemo(t, orgtest.Config{})
	r := w.form(w.host+"/services/oauth2/revoke", url.Values{"token": {"nonsense"}})
	r.Header.Set("Accept", "application/json")
	wantError(t, w.send(r), "invalid_token", "invalid token")
}

func TestTheTokenEndpointAnswersInTheFormatAskedFor(t *testing.T) {
	w := withDemo(t, orgtest.Config{})
	_, refresh := w.connect()
	if a := w.refresh(refresh, "format", "urlencoded"); !strings.Contains(a.body, "token_type=Bearer") {
		t.Errorf("urlencoded: %s", a.body)
	}
	if a := w.refresh(refresh, "format", "xml"); !strings.Contains(a.body, "<OAuth><access_token>00D") {
		t.Errorf("xml: %s", a.body)
	}
	if a := w.refresh(refresh, "format", "json"); a.field("token_type") != "Bearer" {
		t.Errorf("json: %s", a.body)
	}
}

func TestAMalformedTokenRequestIsRefused(t *testing.T) {
	w := withDemo(t, orgtest.Config{})
	_, refresh := w.connect()
	twice := w.refreshForm(refresh)
	twice.Body, twice.ContentLength = io.NopCloser(strings.NewReader("grant_type=refresh_token&grant_type=refresh_token")), -1
	wantError(t, w.send(twice), "invalid_request", "malformed request")
	typed := w.refreshForm(refresh)
	typed.Header.Set("Content-Type", "application/json")
	wantError(t, w.send(typed), "invalid_request", "malformed request")
	wantError(t, w.get(w.host+"/services/oauth2/token?grant_type=refresh_token&refresh_token="+refresh, ""), "invalid_request", "must use HTTP POST")
	both := w.refreshForm(refresh)
	both.SetBasicAuth("key", "secret")
	wantError(t, w.send(both), "invalid_request", "client authenticated twice")
}

func TestImmediateWorksForWhoApprovedBefore(t *testing.T) {
	w := withDemo(t, orgtest.Config{})
	w.connect()
	if q := w.approve("immediate", "true"); q.Get("code") == "" {
		t.Errorf("got %v", q)
	}
}

func TestAFrozenUserStaysAtTheLoginPage(t *testing.T) {
	w := withDemo(t, orgtest.Config{Users: []orgtest.User{{Username: "admin@acme.example", Frozen: true}}})
	if _, err := w.org.Approve(t.Context(), w.authorizeURL()); err == nil || !strings.Contains(err.Error(), "inactive user") {
		t.Errorf("Approve: %v", err)
	}
	if a := w.get(w.authorizeURL(), ""); a.status != http.StatusOK || !strings.Contains(a.body, "check your username") {
		t.Errorf("got %d %s", a.status, a.body)
	}
}

func TestApproveRefusesALinkThatLeadsElsewhere(t *testing.T) {
	w := withDemo(t, orgtest.Config{})
	for _, link := range []string{"https://other.my.salesforce.com/services/oauth2/authorize", "https://login.salesforce.com/elsewhere", "://"} {
		if _, err := w.org.Approve(t.Context(), link); err == nil {
			t.Errorf("%s was followed", link)
		}
	}
}

func TestJWTAccessTokensServeRESTOnly(t *testing.T) {
	w := withDemo(t, orgtest.Config{})
	w.set(globalSettings, "isNamedUserJwtEnabled", "true")
	a := w.exchange(w.approve().Get("code"))
	token := a.field("access_token")
	if strings.Count(token, ".") != 2 || a.field("token_format") != "jwt" {
		t.Fatalf("got %s", a.body)
	}
	if got := w.api(token); got != http.StatusOK {
		t.Errorf("REST: %d", got)
	}
	soap := w.soapAs(w.org.InstanceURL(), token, "66.0", "<describeMetadata/>")
	if soap.status != http.StatusInternalServerError || !strings.Contains(soap.body, "INVALID_SESSION_ID") {
		t.Errorf("SOAP: %d %s", soap.status, soap.body)
	}
}
