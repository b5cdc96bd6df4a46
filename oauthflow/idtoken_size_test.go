package oauthflow_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/oauthflow"
)

// What an issuer publishes is kept, and a signature without a key id is tried with each key.
func TestKeysOfMoreThan64KiBAreNotRead(t *testing.T) {
	sim := newIssuerSim(wireHost)
	filler := strings.Repeat(`{"kty":"oct","k":"AAAA"},`, 3000)
	flow := wireFlow(t, carrier(func(r *http.Request) (*http.Response, error) {
		if strings.HasSuffix(r.URL.Path, "/id/keys") {
			return wireReply(r, 200, strings.Replace(sim.jwks(), `"keys":[`, `"keys":[`+filler, 1)), nil
		}
		return sim.RoundTrip(r)
	}))
	client := wireClient(t, wireHost)
	token := sim.login(t, flow, client, func(nonce string) string {
		return jwt(goodHeader(), goodClaims(wireHost, nonce), rs256(rsaKeys()[0]))
	})
	wireError(t, flow.VerifyIDToken(t.Context(), client, token), oauthflow.KindBadAnswer)
}
