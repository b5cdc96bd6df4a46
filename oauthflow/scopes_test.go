package oauthflow_test

import (
	"slices"
	"testing"

	"github.com/fullcast/sfauth/oauthflow"
)

func TestAScopeThatIsNoneIsLeftOut(t *testing.T) {
	const said = "api \x1b[2Jweb \u202eipa full\u200b \u009b31m id\x00 \"quoted\" refresh_token"
	token, err := wireFlow(t, says(200, tokenAnswer(map[string]string{"scope": said}))).Refresh(t.Context(), wireClient(t, wireHost), wireToken())
	if err != nil || !slices.Equal(token.Scopes, []string{"api", "refresh_token"}) {
		t.Errorf("Refresh: %q, %v", token.Scopes, err)
	}
	body := tokenAnswer(map[string]string{"active": "true", "scope": said, "access_token": "", "refresh_token": ""})
	is, err := wireFlow(t, says(200, body)).Introspect(t.Context(), wireClient(t, wireHost), &oauthflow.Token{RefreshToken: oauthflow.NewSecret(wireRefresh)})
	if err != nil || !slices.Equal(is.Scopes, []string{"api", "refresh_token"}) {
		t.Errorf("Introspect: %q, %v", is.Scopes, err)
	}
}
