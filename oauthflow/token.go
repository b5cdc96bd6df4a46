package oauthflow

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
	"time"
)

// Token is what Salesforce's token endpoint answers. Salesforce tells no lifetime: an access token lives as long as
// its session, which ends by the org's session timeout, by an admin, or by a revocation.
//
// Source: Salesforce Help, "OAuth 2.0 Web Server Flow", "Salesforce Grants an Access Token"; "OAuth 2.0 Refresh Token
// Flow".
type Token struct {
	AccessToken  Secret
	RefreshToken Secret // empty after a refresh without rotation: the one that was sent goes on being valid
	IDToken      Secret // empty without the scope openid

	InstanceURL string    // origin for API calls, "https://acme.my.salesforce.com"; may change at a refresh
	IdentityURL string    // "https://login.salesforce.com/id/{OrgID}/{UserID}"
	OrgID       string    // 18 characters
	UserID      string    // 18 characters
	Scopes      []string  // granted scopes in wire form, in Salesforce's order
	IssuedAt    time.Time // by Salesforce's clock; for information only

	SignatureMismatch bool // the answer's signature is not of this consumer secret; to be reported, not refused

	nonce Secret // that the id_token must repeat; empty when none was sent, and after a refresh
}

// readToken makes a Token of a token endpoint's success. When the answer cannot be used, the error is of
// [KindBadAnswer] and the Token holds a refresh token only, if there was one: with rotation the one that was sent is
// dead already.
func (f *Flow) readToken(op string, c Client, a *answer) (*Token, error) {
	m, fault := a.fields()
	t := new(Token)
	if fault == nil {
		fault = t.read(m)
	}
	if validToken(m["refresh_token"]) {
		t.RefreshToken = NewSecret(m["refresh_token"])
	}
	if fault != nil {
		return &Token{RefreshToken: t.RefreshToken}, &Error{Op: op, Host: c.Host.name, Kind: KindBadAnswer, Status: a.status, Err: fault}
	}
	if m["signature"] != "" {
		t.SignatureMismatch = !signed(m["signature"], c.Secret, m["id"]+m["issued_at"])
	}
	return t, nil
}

// read takes over all but the refresh token.
func (t *Token) read(m fields) error {
	if !validToken(m["access_token"]) {
		return errors.New("access_token is missing or malformed")
	}
	if m["refresh_token"] != "" && !validToken(m["refresh_token"]) {
		return errors.New("refresh_token is malformed")
	}
	if m["token_type"] != "" && !strings.EqualFold(m["token_type"], "Bearer") {
		return errors.New("token_type is not Bearer")
	}
	var ok bool
	if t.InstanceURL, ok = apiOrigin(m["instance_url"]); !ok {
		return errors.New("instance_url is missing or is not on a Salesforce domain")
	}
	if m["id"] != "" {
		id, ok := parseIdentityURL(m["id"])
		if !ok {
			return errors.New("id is not an identity URL on a Salesforce domain")
		}
		t.IdentityURL, t.OrgID, t.UserID = id.raw, id.org, id.user
	}
	t.AccessToken, t.IDToken, t.Scopes = NewSecret(m["access_token"]), NewSecret(m["id_token"]), strings.Fields(m["scope"])
	if ms, err := strconv.ParseInt(m["issued_at"], 10, 64); err == nil {
		t.IssuedAt = time.UnixMilli(ms).UTC()
	}
	return nil
}

// validToken accepts what may stand in a header: 1 byte to 16 KiB of visible ASCII.
func validToken(s string) bool { return len(s) <= 16<<10 && printable(s) }

// signed reports whether signature is Base64(HMAC-SHA256(secret, message)).
//
// Source: Salesforce Help, "Identity URLs" and "Web Server Flow": signature.
func signed(signature string, secret Secret, message string) bool {
	got, err := base64.StdEncoding.DecodeString(signature)
	if err != nil {
		return false
	}
	mac := hmac.New(sha256.New, []byte(secret.Reveal()))
	mac.Write([]byte(message))
	return hmac.Equal(got, mac.Sum(nil))
}
