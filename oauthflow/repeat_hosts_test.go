package oauthflow_test

import (
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
)

// A host is a name of Salesforce's domain that an answer may choose, so it may repeat in hex what was sent.
func TestNoHostOfAnAnswerRepeatsWhatWasSent(t *testing.T) {
	client := wireClient(t, wireHost)
	for name, secret := range map[string]string{"the refresh token": wireRefresh, "the consumer secret": wireSecret} {
		said := hex.EncodeToString([]byte(secret))[:48]
		host := "x" + said + ".my.salesforce.com"
		for where, answer := range map[string]carrier{
			"a redirect":       says(302, "", "Location", "https://"+host+"/services/oauth2/token"),
			"the instance URL": says(200, tokenAnswer(map[string]string{"instance_url": "https://" + host})),
			"the identity URL": says(200, tokenAnswer(map[string]string{"id": "https://" + host + "/id/" + wireOrg + "/" + wireUser})),
		} {
			token, err := wireFlow(t, answer).Refresh(t.Context(), client, wireToken())
			shown := fmt.Sprintf("%+v %v", token, err)
			if err == nil || strings.Contains(shown, said) {
				t.Errorf("%s in %s: %s", name, where, shown)
			}
			if where != "a redirect" && (token == nil || token.RefreshToken.Reveal() != wireRefresh) {
				t.Errorf("%s in %s: the new refresh token is lost", name, where)
			}
		}
	}
}
