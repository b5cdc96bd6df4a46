package oauthflow_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/internal/needs"
	"github.com/fullcast/sfauth/oauthflow"
)

func TestKeysAreKeptAndAskedForAgainOnlyForAKeyThatIsNew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := newIssuerSim(wireHost)
		f, client := wireFlow(t, sim), wireClient(t, wireHost)
		verify := func(kid string, key int) error {
			return f.VerifyIDToken(t.Context(), client, sim.login(t, f, client, func(n string) string {
				h := goodHeader()
				h["kid"] = kid
				return jwt(h, goodClaims(wireHost, n), rs256(rsaKeys()[key]))
			}))
		}
		want := func(fetches, discoveries int) {
			t.Helper()
			if k, d := sim.fetches[wireHost+"/id/keys"], sim.fetches[wireHost+"/.well-known/openid-configuration"]; k != fetches || d != discoveries {
				t.Errorf("%d requests for keys, %d for discovery; want %d and %d", k, d, fetches, discoveries)
			}
		}
		for range 50 {
			if err := verify("220", 0); err != nil {
				t.Fatal(err)
			}
		}
		want(1, 1)
		for range 50 { // somebody makes tokens up
			wireError(t, verify("forged", 1), oauthflow.KindIDToken)
		}
		want(1, 1)

		time.Sleep(time.Minute)
		sim.keys["222"] = &rsaKeys()[1].PublicKey // Salesforce signs with another key from now on
		for range 50 {
			if err := verify("222", 1); err != nil {
				t.Fatal(err)
			}
		}
		want(2, 1)
		for began := time.Now(); time.Since(began) < 10*time.Minute; time.Sleep(time.Duration(needs.Size(1, 10)) * time.Second) {
			wireError(t, verify("forged", 2), oauthflow.KindIDToken)
		}
		if n := sim.fetches[wireHost+"/id/keys"]; n > 2+21 {
			t.Errorf("forged tokens in ten minutes caused %d requests for keys", n-2)
		}

		delete(sim.keys, "220") // withdrawn
		time.Sleep(25 * time.Hour)
		wireError(t, verify("220", 0), oauthflow.KindIDToken)
	})
}

func TestKeysComeFromTheLoginHostsOnlyAndWithinLimits(t *testing.T) {
	doc := func(issuer, keys string) func(*http.Request) (*http.Response, error) {
		return func(r *http.Request) (*http.Response, error) {
			return wireReply(r, 200, fmt.Sprintf(`{"issuer":%q,"jwks_uri":%q}`, issuer, keys)), nil
		}
	}
	self := "https://" + wireHost
	for _, c := range []struct {
		name      string
		discovery func(*http.Request) (*http.Response, error)
		kind      oauthflow.ErrorKind
	}{
		{"keys on another host", doc(self, "https://evil.io/keys"), oauthflow.KindBadAnswer},
		{"keys on another org's host", doc(self, "https://evil.my.salesforce.com/id/keys"), oauthflow.KindBadAnswer},
		{"keys over plain http", doc(self, "http://"+wireHost+"/id/keys"), oauthflow.KindBadAnswer},
		{"keys at a port", doc(self, self+":8443/id/keys"), oauthflow.KindBadAnswer},
		{"keys at a user's address", doc(self, "https://evil@"+wireHost+"/id/keys"), oauthflow.KindBadAnswer},
		{"keys nowhere", doc(self, ""), oauthflow.KindBadAnswer},
		{"another issuer", doc("https://evil.io", self+"/id/keys"), oauthflow.KindBadAnswer},
		{"a page", says(200, "<html>"+wireRefresh), oauthflow.KindBadAnswer},
		{"503", says(503, "<html>"+wireRefresh), oauthflow.KindBusy},
		{"a redirect", says(302, "", "Location", "https://evil.io/x"), oauthflow.KindUnknownAnswer},
		{"nothing", func(*http.Request) (*http.Response, error) { return nil, errors.New("boom") }, oauthflow.KindNotSent},
		{"2 MiB", says(200, `{"issuer":"`+self+`","pad":"`+strings.Repeat("a", 2<<20)+`"}`), oauthflow.KindBadAnswer},
		{"the right keys on the generic host", doc(self, "https://login.salesforce.com/id/keys"), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			sim := newIssuerSim(wireHost)
			sim.discovery = c.discovery
			f, client := wireFlow(t, sim), wireClient(t, wireHost)
			tok := sim.login(t, f, client, func(n string) string {
				return jwt(goodHeader(), goodClaims(wireHost, n), rs256(rsaKeys()[0]))
			})
			err := f.VerifyIDToken(t.Context(), client, tok)
			if c.kind == "" {
				if err != nil {
					t.Error(err)
				}
			} else if e := wireError(t, err, c.kind); strings.Contains(shown(e), "wireCanary") || e.Op != "id_token" || e.Host == "" {
				t.Errorf("%v", e)
			}
			for at := range sim.fetches {
				if strings.Contains(at, "evil") || strings.Contains(at, "8443") {
					t.Errorf("%s was asked", at)
				}
			}
			// What failed for a moment works the next time.
			sim.discovery = nil
			if err := f.VerifyIDToken(t.Context(), client, tok); err != nil {
				t.Errorf("afterwards: %v", err)
			}
		})
	}
}

func TestKeysThatCannotBeReadAreNoVerdict(t *testing.T) {
	for name, answer := range map[string]struct {
		body carrier
		kind oauthflow.ErrorKind
	}{
		"a page":    {says(200, "<html>maintenance"), oauthflow.KindBadAnswer},
		"503":       {says(503, ""), oauthflow.KindBusy},
		"nothing":   {func(*http.Request) (*http.Response, error) { return nil, errors.New("boom") }, oauthflow.KindNotSent},
		"2 MiB":     {says(200, `{"keys":[],"pad":"`+strings.Repeat("a", 2<<20)+`"}`), oauthflow.KindBadAnswer},
		"elsewhere": {says(307, "", "Location", "https://evil.io/keys"), oauthflow.KindUnknownAnswer},
	} {
		t.Run(name, func(t *testing.T) {
			sim := newIssuerSim(wireHost)
			var down atomic.Bool
			down.Store(true)
			f, client := wireFlow(t, carrier(func(r *http.Request) (*http.Response, error) {
				if r.URL.Path == "/id/keys" && down.Load() {
					return answer.body(r)
				}
				return sim.RoundTrip(r)
			})), wireClient(t, wireHost)
			tok := sim.login(t, f, client, func(n string) string {
				return jwt(goodHeader(), goodClaims(wireHost, n), rs256(rsaKeys()[0]))
			})
			wireError(t, f.VerifyIDToken(t.Context(), client, tok), answer.kind)
			down.Store(false)
			err := f.VerifyIDToken(t.Context(), client, tok)
			for try := 0; err != nil && try < 100; try++ { // go-oidc may still be ending the fetch that failed, and share its error
				time.Sleep(10 * time.Millisecond)
				err = f.VerifyIDToken(t.Context(), client, tok)
			}
			if err != nil {
				t.Errorf("afterwards: %v", err)
			}
		})
	}
	sim := newIssuerSim(wireHost)
	f, client := wireFlow(t, sim), wireClient(t, wireHost)
	tok := sim.login(t, f, client, func(n string) string {
		return jwt(goodHeader(), goodClaims(wireHost, n), rs256(rsaKeys()[0]))
	})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := f.VerifyIDToken(ctx, client, tok); !errors.Is(err, context.Canceled) {
		t.Errorf("with a cancelled context: %v", err)
	}
}
