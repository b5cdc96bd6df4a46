package oauthflow

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
)

var errNoIdentity = errors.New("id is missing, so that the org is unknown")

// Revoke ends a grant: it sends t's refresh token, which ends its access tokens too, or the access token where there
// is no refresh token. A token that Salesforce does not know any more counts as revoked.
//
// Errors: [KindNotSent], [KindInDoubt] and Salesforce's refusals; repeating is always safe.
//
// Source: Salesforce Help, "Revoke OAuth Tokens"; RFC 7009 §2.2.
func (f *Flow) Revoke(ctx context.Context, c Client, t *Token) error {
	if err := c.validate(opRevoke); err != nil {
		return err
	}
	if t == nil || t.RefreshToken.IsZero() && t.AccessToken.IsZero() {
		return invalid(opRevoke, "Token", "holds neither a refresh token nor an access token")
	}
	token := t.RefreshToken
	if token.IsZero() {
		token = t.AccessToken
	}
	a, err := f.post(ctx, opRevoke, c.Host, "/services/oauth2/revoke", url.Values{"token": {token.Reveal()}})
	if err != nil {
		return err
	}
	if code, _ := refusalText(a.body); a.status == http.StatusBadRequest && alreadyGone(code) {
		return nil
	}
	return f.refusal(opRevoke, c, a, token)
}

func alreadyGone(code string) bool {
	return strings.EqualFold(code, "invalid_token") || strings.EqualFold(code, "unsupported_token_type")
}
