package oauthflow_test

import (
	"context"
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

var rsaKeys = sync.OnceValue(func() [3]*rsa.PrivateKey {
	var keys [3]*rsa.PrivateKey
	for i := range keys {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic(err)
		}
		keys[i] = key
	}
	return keys
})

// issuerSim is a login host that issues id_tokens, with everything about it open to change.
type issuerSim struct {
	host      string
	discovery func(*http.Request) (*http.Response, error)
	keys      map[string]*rsa.PublicKey // published, by key id
	mu        sync.Mutex
	fetches   map[string]int // by host and path
	idToken   func() string
}

func newIssuerSim(host string) *issuerSim {
	s := newKeylessIssuer(host)
	s.keys["220"] = &rsaKeys()[0].PublicKey
	return s
}

func newKeylessIssuer(host string) *issuerSim {
	return &issuerSim{host: host, keys: map[string]*rsa.PublicKey{}, fetches: map[string]int{}}
}

func (s *issuerSim) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	s.fetches[r.URL.Host+r.URL.Path]++
	s.mu.Unlock()
	switch r.URL.Path {
	case "/services/oauth2/token":
		change := map[string]string{"scope": "api openid refresh_token"}
		if s.idToken != nil {
			change["id_token"] = s.idToken()
		}
		return wireReply(r, 200, tokenAnswer(change)), nil
	case "/.well-known/openid-configuration":
		if s.discovery != nil {
			return s.discovery(r)
		}
		return wireReply(r, 200, fmt.Sprintf(`{"issuer":"https://%s","jwks_uri":"https://%s/id/keys"}`, r.URL.Host, r.URL.Host)), nil
	case "/id/keys":
		return wireReply(r, 200, s.jwks()), nil
	}
	return wireReply(r, 404, ""), nil
}

func (s *issuerSim) jwks() string {
	var list []map[string]string
	for kid, k := range s.keys {
		list = append(list, map[string]string{
			"kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid, "e": "AQAB", "n": base64.RawURLEncoding.EncodeToString(k.N.Bytes()),
		})
	}
	b, _ := json.Marshal(map[string]any{"keys": list})
	return string(b)
}

// jwt signs claims with RS256 unless the header says something else; part makes other signatures.
func jwt(header, claims map[string]any, sign func(text string) []byte) string {
	h, _ := json.Marshal(header)
	c, _ := json.Marshal(claims)
	text := base64.RawURLEncoding.EncodeToString(h) + "." + base64.RawURLEncoding.EncodeToString(c)
	return text + "." + base64.RawURLEncoding.EncodeToString(sign(text))
}

func rs256(key *rsa.PrivateKey) func(string) []byte {
	return func(text string) []byte {
		sum := sha256.Sum256([]byte(text))
		sig, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:])
		if err != nil {
			panic(err)
		}
		return sig
	}
}

// login exchanges a code at the simulated host and returns the token and the nonce it is bound to.
func (s *issuerSim) login(t testing.TB, f *oauthflow.Flow, c oauthflow.Client, token func(nonce string) string) *oauthflow.Token {
	t.Helper()
	p, authorize, q := wireBegin(t, f, c, oauthflow.AuthorizeOptions{})
	s.idToken = func() string { return token(authorize.Get("nonce")) }
	tok, err := f.Exchange(context.Background(), p, q)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

func goodHeader() map[string]any { return map[string]any{"alg": "RS256", "typ": "JWT", "kid": "220"} }

func goodClaims(host, nonce string) map[string]any {
	now := time.Now()
	return map[string]any{
		"iss": "https://" + host, "sub": wireID, "aud": wireKey, "iat": now.Unix(), "exp": now.Add(2 * time.Minute).Unix(), "nonce": nonce,
		"at_hash": "x",
	}
}

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
		for began := time.Now(); time.Since(began) < 10*time.Minute; time.Sleep(time.Second) {
			wireError(t, verify("forged", 2), oauthflow.KindIDToken)
		}
		if n := sim.fetches[wireHost+"/id/keys"]; n > 2+21 {
			t.Errorf("600 forged tokens in ten minutes caused %d requests for keys", n-2)
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
		kind      oauthflow.Kind
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
		kind oauthflow.Kind
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
