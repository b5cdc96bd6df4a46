package oauthflow_test

import (
	"context"
	"crypto"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

func TestAnIDTokenIsAcceptedOrRefused(t *testing.T) {
	pem, err := x509.MarshalPKIXPublicKey(&rsaKeys()[0].PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	type change func(h, c map[string]any)
	set := func(name string, v any) change { return func(_, c map[string]any) { c[name] = v } }
	header := func(name string, v any) change { return func(h, _ map[string]any) { h[name] = v } }
	ago := func(d time.Duration) int64 { return time.Now().Add(-d).Unix() }
	for _, c := range []struct {
		name   string
		change change
		sign   func(string) []byte
		ok     bool
		word   string
	}{
		{"as Salesforce makes it", nil, nil, true, ""},
		{"without a key id, with one key", func(h, _ map[string]any) { delete(h, "kid") }, nil, true, ""},
		{"with a list of one audience", set("aud", []string{wireKey}), nil, true, ""},
		{"with azp", set("azp", wireKey), nil, true, ""},
		{"with several audiences and azp", func(_, c map[string]any) { c["aud"], c["azp"] = []string{"other", wireKey}, wireKey }, nil, true, ""},
		{"of the generic production host", set("iss", "https://login.salesforce.com"), nil, true, ""},
		{"of the generic sandbox host", set("iss", "https://test.salesforce.com"), nil, true, ""},
		{"expired four minutes ago", set("exp", ago(4*time.Minute)), nil, true, ""},
		{"issued four minutes ahead", set("iat", ago(-4*time.Minute)), nil, true, ""},

		{"of another issuer", set("iss", "https://evil.io"), nil, false, "iss"},
		{"of another org's host", set("iss", "https://evil.my.salesforce.com"), nil, false, "iss"},
		{"of the host with a slash", set("iss", "https://"+wireHost+"/"), nil, false, "iss"},
		{"of the host in plain http", set("iss", "http://"+wireHost), nil, false, "iss"},
		{"of no issuer", func(_, c map[string]any) { delete(c, "iss") }, nil, false, "malformed"},
		{"of an issuer that is a number", set("iss", 7), nil, false, "malformed"},
		{"without a subject", func(_, c map[string]any) { delete(c, "sub") }, nil, false, "sub"},
		{"of another user", set("sub", "https://login.salesforce.com/id/"+wireOrg+"/005WIRE00000009AA2"), nil, false, "sub"},
		{"of another org", set("sub", "https://login.salesforce.com/id/00DWIRE00000009AA2/"+wireUser), nil, false, "sub"},
		{"of a user on another host", set("sub", "https://evil.io/id/"+wireOrg+"/"+wireUser), nil, false, "sub"},
		{"for another app", set("aud", "3MVG9other"), nil, false, "aud"},
		{"for nobody", func(_, c map[string]any) { delete(c, "aud") }, nil, false, "aud"},
		{"for several without azp", set("aud", []string{"other", wireKey}), nil, false, "azp"},
		{"with another azp", set("azp", "other"), nil, false, "azp"},
		{"with an empty azp", set("azp", ""), nil, false, "azp"},
		{"expired six minutes ago", set("exp", ago(6*time.Minute)), nil, false, "exp"},
		{"without an end", func(_, c map[string]any) { delete(c, "exp") }, nil, false, "exp"},
		{"issued six minutes ahead", set("iat", ago(-6*time.Minute)), nil, false, "iat"},
		{"without a beginning", func(_, c map[string]any) { delete(c, "iat") }, nil, false, "iat"},
		{"good from six minutes on", set("nbf", ago(-6*time.Minute)), nil, false, "nbf"},
		{"with another nonce", set("nonce", strings.Repeat("A", 43)), nil, false, "nonce"},
		{"without a nonce", func(_, c map[string]any) { delete(c, "nonce") }, nil, false, "nonce"},
		{"signed by another key of the same name", nil, rs256(rsaKeys()[1]), false, "signed"},
		{"signed by a key that nobody published", header("kid", "999"), rs256(rsaKeys()[1]), false, "signed"},
		{"naming a key that nobody published", header("kid", "999"), nil, false, "signed"},
		{"not signed", header("alg", "none"), func(string) []byte { return nil }, false, "RS256"},
		{"signed with nothing", nil, func(string) []byte { return nil }, false, "signed"},
		{"signed with HS256 by the public key", header("alg", "HS256"), func(text string) []byte {
			mac := hmac.New(sha256.New, pem)
			mac.Write([]byte(text))
			return mac.Sum(nil)
		}, false, "RS256"},
		{"signed with HS256 by the consumer secret", header("alg", "HS256"), func(text string) []byte {
			mac := hmac.New(sha256.New, []byte(wireSecret))
			mac.Write([]byte(text))
			return mac.Sum(nil)
		}, false, "RS256"},
		{"signed with RS512", header("alg", "RS512"), func(text string) []byte {
			sum := sha512.Sum512([]byte(text))
			sig, _ := rsa.SignPKCS1v15(nil, rsaKeys()[0], crypto.SHA512, sum[:])
			return sig
		}, false, "RS256"},
		{"naming an algorithm in another case", header("alg", "rs256"), nil, false, "RS256"},
		{"with a critical header that nobody knows", header("crit", []string{"x"}), nil, false, ""},
		{"with a key of its own", header("jwk", map[string]string{"kty": "RSA", "e": "AQAB", "n": base64.RawURLEncoding.EncodeToString(rsaKeys()[1].N.Bytes())}), rs256(rsaKeys()[1]), false, "signed"},
		{"with the address of keys of its own", header("jku", "https://evil.io/keys"), rs256(rsaKeys()[1]), false, "signed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			sim := newIssuerSim(wireHost)
			f, client := wireFlow(t, sim), wireClient(t, wireHost)
			tok := sim.login(t, f, client, func(nonce string) string {
				h, claims := goodHeader(), goodClaims(wireHost, nonce)
				if c.change != nil {
					c.change(h, claims)
				}
				if c.sign == nil {
					c.sign = rs256(rsaKeys()[0])
				}
				return jwt(h, claims, c.sign)
			})
			err := f.VerifyIDToken(t.Context(), client, tok)
			if c.ok {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if e := wireError(t, err, oauthflow.KindIDToken); !strings.Contains(e.Error(), c.word) || e.Kind.Terminal() {
				t.Errorf("got %v, want %q named", e, c.word)
			}
			for at := range sim.fetches {
				if !strings.HasPrefix(at, wireHost) {
					t.Errorf("%s was asked", at)
				}
			}
		})
	}
}

func TestAnIDTokenIsTimelyByOurClockOrBySalesforces(t *testing.T) {
	now := time.Now()
	for _, c := range []struct {
		name   string
		ours   time.Time // our clock
		issued time.Time // issued_at of the answer; the id_token is made at now and good for two minutes
		ok     bool
	}{
		{"both clocks right", now, now, true},
		{"our clock an hour ahead", now.Add(time.Hour), now, true},
		{"our clock ten years behind", now.AddDate(-10, 0, 0), now, true},
		{"an answer that names no time", now, time.Time{}, true},
		{"our clock an hour ahead, and no other", now.Add(time.Hour), time.Time{}, false},
		{"an old id_token in a new answer", now.Add(time.Hour), now.Add(time.Hour), false},
		{"an id_token from the future", now.Add(-time.Hour), now.Add(-time.Hour), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			sim := newIssuerSim(wireHost)
			f, err := oauthflow.NewFlow(oauthflow.Config{
				RedirectURLs: []string{callbackURL}, Transport: sim, Now: func() time.Time { return c.ours },
			})
			if err != nil {
				t.Fatal(err)
			}
			client := wireClient(t, wireHost)
			tok := sim.login(t, f, client, func(n string) string {
				return jwt(goodHeader(), goodClaims(wireHost, n), rs256(rsaKeys()[0]))
			})
			tok.IssuedAt = c.issued
			if err := f.VerifyIDToken(t.Context(), client, tok); (err == nil) != c.ok {
				t.Error(err)
			}
		})
	}
}

func TestAnIDTokenWhoseShapeIsWrongIsRefusedBeforeAnybodyIsAsked(t *testing.T) {
	good := jwt(goodHeader(), goodClaims(wireHost, "n"), rs256(rsaKeys()[0]))
	for _, raw := range []string{
		"x", "a.b", "a.b.c.d", "..", good + ".x", "!.!.!", "e30.e30.e30", strings.Repeat("A", 20<<10), "\x00.\x00.\x00",
		`{"payload":"e30","signatures":[]}`, strings.Split(good, ".")[0] + "." + base64.RawURLEncoding.EncodeToString([]byte(`{"iss":`)) + ".x",
	} {
		sim := newIssuerSim(wireHost)
		f, client := wireFlow(t, sim), wireClient(t, wireHost)
		tok := wireToken()
		tok.IDToken = oauthflow.NewSecret(raw)
		wireError(t, f.VerifyIDToken(t.Context(), client, tok), oauthflow.KindIDToken)
		if len(sim.fetches) != 0 {
			t.Errorf("%.20q: asked %v", raw, sim.fetches)
		}
	}
}

// OpenID's tests for relying parties let one refuse a token without kid, or try each published key. This one tries, and
// accepts no other.
func TestAnIDTokenWithoutAKeyIDIsTriedWithEveryPublishedKey(t *testing.T) {
	for name, c := range map[string]struct {
		signer int
		ok     bool
	}{
		"signed by the first": {0, true}, "signed by the second": {1, true}, "signed by a key that nobody published": {2, false},
	} {
		t.Run(name, func(t *testing.T) {
			sim := newIssuerSim(wireHost)
			sim.keys["222"] = &rsaKeys()[1].PublicKey
			f, client := wireFlow(t, sim), wireClient(t, wireHost)
			tok := sim.login(t, f, client, func(nonce string) string {
				h := goodHeader()
				delete(h, "kid")
				return jwt(h, goodClaims(wireHost, nonce), rs256(rsaKeys()[c.signer]))
			})
			err := f.VerifyIDToken(t.Context(), client, tok)
			if c.ok && err != nil {
				t.Error(err)
			} else if !c.ok {
				wireError(t, err, oauthflow.KindIDToken)
			}
		})
	}
}

func TestAHostOutsideThePublicCloudIsItsOwnOnlyIssuer(t *testing.T) {
	for host, generic := range map[string]bool{"agency.my.salesforce.mil": false, "acme.my.salesforce.com": true} {
		h, err := oauthflow.ParseHost(host, oauthflow.GovernmentCloud)
		if err != nil {
			t.Fatal(err)
		}
		client := wireClient(t, wireHost)
		client.Host = h
		sim := newIssuerSim(host)
		f := wireFlow(t, sim)
		tok := sim.login(t, f, client, func(n string) string {
			return jwt(goodHeader(), goodClaims("login.salesforce.com", n), rs256(rsaKeys()[0]))
		})
		if err := f.VerifyIDToken(t.Context(), client, tok); (err == nil) != generic {
			t.Errorf("%s: %v", host, err)
		}
	}
	client := wireClient(t, "login.salesforce.com")
	sim := newIssuerSim("login.salesforce.com")
	f := wireFlow(t, sim)
	tok := sim.login(t, f, client, func(n string) string {
		return jwt(goodHeader(), goodClaims("test.salesforce.com", n), rs256(rsaKeys()[0]))
	})
	wireError(t, f.VerifyIDToken(t.Context(), client, tok), oauthflow.KindIDToken)
}

func TestATokenWithoutAnIDToken(t *testing.T) {
	sim := newIssuerSim(wireHost)
	f, client := wireFlow(t, sim), wireClient(t, wireHost)
	if err := f.VerifyIDToken(t.Context(), client, wireToken()); err != nil {
		t.Errorf("a refresh without one: %v", err)
	}
	tok := sim.login(t, f, client, func(string) string { return "" })
	wireError(t, f.VerifyIDToken(t.Context(), client, tok), oauthflow.KindIDToken)
	tok.Scopes = []string{"api", "refresh_token"} // openid was not granted
	if err := f.VerifyIDToken(t.Context(), client, tok); err != nil {
		t.Errorf("a login without openid: %v", err)
	}
	wireError(t, f.VerifyIDToken(t.Context(), client, nil), oauthflow.KindInvalid)
	wireError(t, f.VerifyIDToken(t.Context(), oauthflow.Client{}, tok), oauthflow.KindInvalid)
}

func TestARefreshedIDTokenNeedsNoNonce(t *testing.T) {
	sim := newIssuerSim(wireHost)
	f, client := wireFlow(t, sim), wireClient(t, wireHost)
	for _, nonce := range []string{"", "of the login long ago"} {
		sim.idToken = func() string {
			c := goodClaims(wireHost, nonce)
			if nonce == "" {
				delete(c, "nonce")
			}
			return jwt(goodHeader(), c, rs256(rsaKeys()[0]))
		}
		tok, err := f.Refresh(t.Context(), client, wireToken())
		if err != nil {
			t.Fatal(err)
		}
		if err := f.VerifyIDToken(t.Context(), client, tok); err != nil {
			t.Errorf("nonce %q: %v", nonce, err)
		}
	}
}

func TestTheOrgsOwnIDTokensPass(t *testing.T) {
	for _, host := range []string{"login.salesforce.com", "acme.my.salesforce.com"} {
		w := newWorld(t, orgtest.Config{})
		f, c := w.flow(w.org.RoundTripper()), w.client()
		c.Host, _ = oauthflow.ParseHost(host)
		tok := w.login(t, f, host)
		if tok.IDToken.IsZero() {
			t.Fatal("the org gave no id_token")
		}
		if err := f.VerifyIDToken(t.Context(), c, tok); err != nil {
			t.Errorf("%s: %v", host, err)
		}
		fresh, err := f.Refresh(t.Context(), c, tok)
		if err != nil {
			t.Fatal(err)
		}
		if err := f.VerifyIDToken(t.Context(), c, fresh); err != nil {
			t.Errorf("%s, refreshed: %v", host, err)
		}
	}
}

func TestGoOIDCDoesNotCheckTheNonceAndQuotesBodies(t *testing.T) {
	sim := newIssuerSim(wireHost)
	client := &http.Client{Transport: sim}
	ctx := oidc.ClientContext(t.Context(), client)
	raw := jwt(goodHeader(), goodClaims(wireHost, "anything"), rs256(rsaKeys()[0]))
	v := oidc.NewVerifier("https://"+wireHost, oidc.NewRemoteKeySet(ctx, "https://"+wireHost+"/id/keys"), &oidc.Config{ClientID: wireKey})
	if _, err := v.Verify(ctx, raw); err != nil {
		t.Errorf("go-oidc checks the nonce by itself now? %v", err)
	}
	sim.discovery = says(503, "<html>"+wireRefresh)
	if _, err := oidc.NewProvider(ctx, "https://"+wireHost); err == nil || !strings.Contains(err.Error(), wireRefresh) {
		t.Errorf("go-oidc quotes no body any more: %v", err)
	}
	big := strings.Repeat(" ", 4<<20) + `{"issuer":"https://` + wireHost + `"}`
	sim.discovery = says(200, big)
	if _, err := oidc.NewProvider(ctx, "https://"+wireHost); err != nil {
		t.Errorf("go-oidc limits what it reads now: %v", err)
	}
}

func FuzzIDToken(f *testing.F) {
	// A public key that nobody has the private half of: whatever is made up, it must not pass.
	modulus := new(big.Int).SetBit(new(big.Int).SetBytes([]byte(strings.Repeat("nobody's key ", 19))), 2047, 1)
	sim := newKeylessIssuer(wireHost)
	sim.keys = map[string]*rsa.PublicKey{"220": {N: modulus.SetBit(modulus, 0, 1), E: 65537}}
	flow, client := wireFlow(f, sim), wireClient(f, wireHost)
	nothing := func(string) []byte { return nil }
	none := goodHeader()
	none["alg"] = "none"
	good := jwt(goodHeader(), goodClaims(wireHost, "n"), func(string) []byte { return make([]byte, 256) })
	for _, s := range []string{good, jwt(none, goodClaims(wireHost, "n"), nothing), jwt(goodHeader(), goodClaims(wireHost, "n"), nothing), "a.b.c", "..", "e30.e30.", good[:len(good)-4], `{"payload":""}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		tok := wireToken()
		tok.IDToken = oauthflow.NewSecret(raw)
		err := flow.VerifyIDToken(context.Background(), client, tok)
		if err == nil && raw != "" {
			t.Fatalf("%q was never signed and is accepted", raw)
		}
		if err != nil && len(raw) > 30 && strings.Contains(err.Error(), raw) {
			t.Fatalf("the error quotes the token: %v", err)
		}
	})
}
