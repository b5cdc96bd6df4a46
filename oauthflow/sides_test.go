package oauthflow_test

import (
	"testing"

	"github.com/fullcast/sfauth/oauthflow"
)

// OAuth's words are those of every product that speaks OAuth: of an API's answer they say nothing of the grant or the app.
func TestOAuthsWordsInAnAPIsAnswerAreNotSalesforces(t *testing.T) {
	for _, code := range []string{"access_denied", "invalid_client", "invalid_grant", "invalid_client_id", "app_not_found", "wrong_version", "redirect_uri_mismatch"} {
		for _, status := range []int{400, 401, 403} {
			e := oauthflow.Refusal(status, code, "Blocked by policy")
			if e.Kind == oauthflow.KindGrantDead || e.Kind == oauthflow.KindClient || e.Kind == oauthflow.KindDenied || e.Kind == oauthflow.KindAppMissing || e.Kind == oauthflow.KindRedirect {
				t.Errorf("%d %s is %q", status, code, e.Kind)
			}
		}
	}
}

func TestARefusalOfAMomentIsNotTheProgrammers(t *testing.T) {
	for _, c := range []struct {
		status int
		code   string
		kind   oauthflow.ErrorKind
	}{
		{400, "QUERY_TIMEOUT", oauthflow.KindBusy},
		{400, "SERVER_UNAVAILABLE", oauthflow.KindBusy},
		{400, "TXN_SECURITY_METERING_ERROR", oauthflow.KindBusy},
		{400, "UNABLE_TO_LOCK_ROW", oauthflow.KindBusy},
		{400, "ExceededQuota", oauthflow.KindLimit},
		{403, "Wrong_Org", oauthflow.KindInvalid},
		{403, "ORG_LOCKED", oauthflow.KindUserPolicy},
		{400, "MALFORMED_QUERY", oauthflow.KindInvalid},
		{404, "NOT_FOUND", oauthflow.KindInvalid},
	} {
		if e := oauthflow.Refusal(c.status, c.code, "m"); e.Kind != c.kind {
			t.Errorf("%d %s is %q, want %q", c.status, c.code, e.Kind, c.kind)
		}
	}
}
