package oauthflow_test

import (
	"context"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
)

// The keys of an id_token are asked for where nobody else would recover a panic, and where an answer that never comes would be waited for.
func TestATransportThatPanicsOrEndsItsGoroutineAtTheKeysOfAnIDTokenIsAnErrorOfThatCheck(t *testing.T) {
	for name, fail := range map[string]func(){"panics": func() { panic("keys") }, "ends": runtime.Goexit} {
		t.Run(name, func(t *testing.T) {
			sim, failing := newIssuerSim(wireHost), true
			flow := wireFlow(t, carrier(func(r *http.Request) (*http.Response, error) {
				if failing && strings.HasSuffix(r.URL.Path, "/id/keys") {
					fail()
				}
				return sim.RoundTrip(r)
			}))
			client := wireClient(t, wireHost)
			token := sim.login(t, flow, client, func(nonce string) string {
				return jwt(goodHeader(), goodClaims(wireHost, nonce), rs256(rsaKeys()[0]))
			})
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			wireError(t, flow.VerifyIDToken(ctx, client, token), oauthflow.KindNotSent)
			if failing = false; flow.VerifyIDToken(ctx, client, token) != nil {
				t.Error("the next check fails, too")
			}
		})
	}
}
