package orgtest

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// signingKeys are made once per run, each when first needed, and taken in turn.
var signingKeys = [4]func() *rsa.PrivateKey{
	sync.OnceValue(newSigningKey), sync.OnceValue(newSigningKey), sync.OnceValue(newSigningKey), sync.OnceValue(newSigningKey),
}

func newSigningKey() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic("orgtest: " + err.Error())
	}
	return key
}

// keyID names a key in the manner of real ones, which are small even numbers.
func keyID(turn int) string { return strconv.Itoa(220 + 2*turn) }

// RotateSigningKey makes the org sign id_tokens with its next key. Two keys are published at a time, the one that signs and
// the next; tokens signed with an earlier one cannot be verified any more (assumed).
func (o *Org) RotateSigningKey() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.keyTurn++
	o.record(Entry{Event: "signing key rotated"})
}

// idToken signs who the user is for the client. The issuer is the host that was asked, as discovery says there; the subject
// is the identity URL. Default life two minutes (docs, idTokenValidityInMinutes).
func (o *Org) idToken(in *request, s *session, c client, app settings) string {
	now := o.now()
	life := app.idTokenLife
	if life == 0 {
		life = 2 * time.Minute
	}
	hash := sha256.Sum256([]byte(s.token))
	claims := map[string]any{
		"iss": in.origin, "sub": s.approval.host + "/id/" + o.id + "/" + s.user.id, "aud": c.key,
		"iat": now.Unix(), "exp": now.Add(life).Unix(),
		"at_hash": base64.RawURLEncoding.EncodeToString(hash[:16]),
	}
	if s.approval.nonce != "" {
		claims["nonce"] = s.approval.nonce
	}
	return o.sign(claims)
}

// accessJWT makes an access token in JWT form, for apps that ask for it. REST takes it, SOAP does not.
// Source: help, JWT-based access tokens; the claims are assumed.
func (o *Org) accessJWT(s *session) string {
	return o.sign(map[string]any{
		"iss": "https://" + o.host, "sub": "uid:" + s.user.id, "aud": []string{"https://" + o.host}, "client_id": s.approval.key,
		"scp": strings.Join(s.scopes, " "), "iat": s.issued.Unix(), "exp": s.issued.Add(s.timeout).Unix(), "jti": random(base62, 22),
	})
}

// sign makes a JWT with the key whose turn it is.
func (o *Org) sign(claims map[string]any) string {
	head, _ := json.Marshal(map[string]string{"kid": keyID(o.keyTurn), "typ": "JWT", "alg": "RS256"})
	body, _ := json.Marshal(claims)
	text := base64.RawURLEncoding.EncodeToString(head) + "." + base64.RawURLEncoding.EncodeToString(body)
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(nil, signingKeys[o.keyTurn%len(signingKeys)](), crypto.SHA256, sum[:])
	if err != nil {
		panic("orgtest: " + err.Error())
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// jwks is /id/keys. Source: RFC 7517 for the members; small even kids as in public id_tokens; that two are published is assumed.
func (o *Org) jwks(*request) answer {
	o.mu.Lock()
	turn := o.keyTurn
	o.mu.Unlock()
	list := make([]map[string]string, 2)
	for i := range list {
		k := signingKeys[(turn+i)%len(signingKeys)]()
		list[i] = map[string]string{
			"kty": "RSA", "use": "sig", "alg": "RS256", "kid": keyID(turn + i),
			"n": base64.RawURLEncoding.EncodeToString(k.N.Bytes()),
			"e": base64.RawURLEncoding.EncodeToString(big.NewInt(int64(k.E)).Bytes()),
		}
	}
	return jsonAnswer(http.StatusOK, map[string]any{"keys": list})
}

// discovery is the OpenID configuration: every URL on the host that was asked. It names no PKCE method, as real ones do not.
// Source: stored copies of login.salesforce.com's and of a My Domain's document.
func (o *Org) discovery(in *request) answer {
	at := in.origin
	doc := map[string]any{
		"issuer":                                at,
		"authorization_endpoint":                at + authorizePath,
		"token_endpoint":                        at + tokenPath,
		"revocation_endpoint":                   at + "/services/oauth2/revoke",
		"userinfo_endpoint":                     at + "/services/oauth2/userinfo",
		"jwks_uri":                              at + "/id/keys",
		"introspection_endpoint":                at + "/services/oauth2/introspect",
		"scopes_supported":                      wireScopes(),
		"response_types_supported":              []string{"code", "token", "token id_token"},
		"subject_types_supported":               []string{"public"},
		"id_token_signing_alg_values_supported": []string{"RS256"},
		"display_values_supported":              []string{"page", "popup", "touch"},
		"token_endpoint_auth_methods_supported": []string{"client_secret_post", "client_secret_basic", "private_key_jwt"},
		"claims_supported": []string{"active", "address", "email", "email_verified", "family_name", "given_name",
			"is_app_installed", "language", "locale", "name", "nickname", "organization_id", "phone_number",
			"phone_number_verified", "photos", "picture", "preferred_username", "profile", "sub", "updated_at", "urls",
			"user_id", "user_type", "zoneinfo"},
	}
	if in.place == loginHost || in.place == otherLogin {
		doc["register_endpoint"] = at + "/services/oauth2/register" // the misspelt key of the generic hosts
	} else {
		doc["registration_endpoint"] = at + "/services/oauth2/register"
		doc["end_session_endpoint"] = at + "/services/auth/idp/oidc/logout"
		doc["frontchannel_logout_supported"] = true
		doc["frontchannel_logout_session_supported"] = false
	}
	return jsonAnswer(http.StatusOK, doc)
}

func wireScopes() []string {
	var out []string
	for _, s := range scopes {
		out = append(out, s.wire...)
	}
	return out
}
