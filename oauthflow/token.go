package oauthflow

import (
	"crypto/fips140"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"slices"
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

// errDPoP means that the access token is bound to a key (RFC 9449), which no request of this module proves to have.
var errDPoP = errors.New("token_type is DPoP: the app requires DPoP, which is not supported")

// readToken makes a Token of a token endpoint's success. When the answer cannot be used, the error is of
// [KindBadAnswer] and the Token holds a refresh token only, if there was one: with rotation the one that was sent is
// dead already.
// Sent are the secrets that the request carried beside c's: scopes that repeat one, or one of the answer's own, are left out.
func (f *Flow) readToken(op string, c Client, a *answer, sent ...Secret) (*Token, error) {
	m, fault := a.fields()
	t := new(Token)
	sent = append(sent, c.Secret, NewSecret(m["access_token"]), NewSecret(m["refresh_token"]), NewSecret(m["id_token"]))
	if m.repeats(sent, "scope") {
		delete(m, "scope")
	}
	if fault == nil && m.repeats(sent, "instance_url", "id") { // a host is shown, and asked for in DNS
		fault = errRepeats
	}
	if fault == nil {
		fault = t.read(m, c.Host)
	}
	if validToken(m["refresh_token"]) {
		t.RefreshToken = NewSecret(m["refresh_token"])
	}
	if fault != nil {
		return &Token{RefreshToken: t.RefreshToken}, &Error{Op: op, Host: c.Host.name, Kind: KindBadAnswer, Status: a.status, Err: fault}
	}
	if m["signature"] != "" && canSign(c.Secret) {
		t.SignatureMismatch = !signed(m["signature"], c.Secret, m["id"]+m["issued_at"])
	}
	return t, nil
}

// read takes over all but the refresh token. The hosts that the answer names get the access token: they must be of the
// cloud of the login host.
func (t *Token) read(m fields, login Host) error {
	if !validToken(m["access_token"]) {
		return errors.New("access_token is missing or malformed")
	}
	if m["refresh_token"] != "" && !validToken(m["refresh_token"]) {
		return errors.New("refresh_token is malformed")
	}
	if strings.EqualFold(m["token_type"], "DPoP") {
		return errDPoP
	}
	if m["token_type"] != "" && !strings.EqualFold(m["token_type"], "Bearer") {
		return errors.New("token_type is not Bearer")
	}
	region, _ := loginRegion(login.name)
	origin, cloud, ok := apiOrigin(m["instance_url"])
	switch {
	case !ok:
		return errors.New("instance_url is missing or is not the origin of an org on a Salesforce domain")
	case cloud != region:
		return errors.New("instance_url is on a host of another cloud than the login host")
	}
	t.InstanceURL = origin
	if m["id"] != "" {
		id, ok := parseIdentityURL(m["id"])
		if !ok {
			return errors.New("id is not an identity URL on a Salesforce domain")
		}
		if id.cloud != region {
			return errors.New("id is on a host of another cloud than the login host")
		}
		t.IdentityURL, t.OrgID, t.UserID = id.raw, id.org, id.user
	}
	t.AccessToken, t.IDToken, t.Scopes = NewSecret(m["access_token"]), NewSecret(m["id_token"]), scopesIn(m["scope"])
	if ms, err := strconv.ParseInt(m["issued_at"], 10, 64); err == nil {
		t.IssuedAt = time.UnixMilli(ms).UTC()
	}
	return nil
}

// scopesIn returns the scopes of a list, without what is none: a scope is shown, and would steer a terminal.
//
// Source: RFC 6749 §3.3.
func scopesIn(list string) []string {
	return slices.DeleteFunc(strings.Fields(list), func(s string) bool { return !printable(s) || strings.ContainsAny(s, `"\`) })
}

// validToken accepts what may stand in a header: 1 byte to 16 KiB of visible ASCII.
func validToken(s string) bool { return len(s) <= 16<<10 && printable(s) }

// canSign reports whether a secret may be a key of HMAC: where FIPS 140 is enforced, crypto/hmac panics for one of less than
// 112 bits. Salesforce makes consumer secrets of at least 19 characters.
//
// Source: NIST SP 800-131A Rev. 2 §10.
func canSign(secret Secret) bool { return !fips140.Enforced() || len(secret.Reveal()) >= 112/8 }

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
