package orgtest_test

import (
	"testing"

	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

func TestAnAuthorizeRequestForWhatIsNotSimulatedIsRefusedInTheCallback(t *testing.T) {
	w := withDemo(t, orgtest.Config{})
	for _, c := range []struct{ name, value, code, text string }{
		{"display", "popup", "invalid_request", "not simulated: display=popup"},
		{"display", "page", "", ""},
		{"prompt", "none", "invalid_request", "not simulated: prompt=none"},
		{"prompt", "login consent", "", ""},
		{"prompt", "select_account", "", ""},
		{"immediate", "maybe", "invalid_request", "not simulated: immediate=maybe"},
		{"immediate", "false", "", ""},
		{"max_age", "0", "invalid_request", "not simulated: max_age"},
		{"claims", "{}", "invalid_request", "not simulated: claims"},
		{"request", "x.y.z", "invalid_request", "not simulated: request"},
		{"response_mode", "form_post", "invalid_request", "not simulated: response_mode"},
		{"response_type", "token", "unsupported_response_type", "not simulated: response_type=token"},
		{"response_type", "token id_token", "unsupported_response_type", "not simulated: response_type=token id_token"},
		{"response_type", "id_token code", "unsupported_response_type", "not simulated: response_type=id_token code"},
		{"response_type", "hybrid_token", "unsupported_response_type", "not simulated: response_type=hybrid_token"},
		{"utm_campaign", "x", "", ""},
	} {
		q := w.approve(c.name, c.value)
		if q.Get("error") != c.code || q.Get("error_description") != c.text || (q.Get("code") != "") != (c.code == "") {
			t.Errorf("%s=%s: got %v", c.name, c.value, q)
		}
	}
}

func TestATokenRequestForWhatIsNotSimulatedIsRefused(t *testing.T) {
	w := withDemo(t, orgtest.Config{})
	_, refresh := w.connect()
	for _, c := range []struct{ name, value, code, text string }{
		{"grant_type", "password", "unsupported_grant_type", "not simulated: grant_type=password"},
		{"grant_type", "client_credentials", "unsupported_grant_type", "not simulated: grant_type=client_credentials"},
		{"grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer", "unsupported_grant_type", "not simulated: grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer"},
		{"grant_type", "urn:ietf:params:oauth:grant-type:token-exchange", "unsupported_grant_type", "not simulated: grant_type=urn:ietf:params:oauth:grant-type:token-exchange"},
		{"client_assertion", "x.y.z", "invalid_request", "not simulated: client_assertion"},
		{"assertion", "x.y.z", "invalid_request", "not simulated: assertion"},
		{"format", "html", "invalid_request", "not simulated: format=html"},
	} {
		wantError(t, w.refresh(refresh, c.name, c.value), c.code, c.text)
	}
}
