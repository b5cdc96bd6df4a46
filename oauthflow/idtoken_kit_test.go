package oauthflow_test

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
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
		if !strings.HasSuffix(s.host, ".com") { // a host of another cloud names hosts of that
			change["instance_url"], change["id"] = "https://"+s.host, "https://"+s.host+"/id/"+wireOrg+"/"+wireUser
		}
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
