package oauthflow

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/fullcast/sfauth/internal/salesforce"
)

var errNoIdentity = errors.New("id is missing, so that the org is unknown")

// Revoke ends a grant: it sends t's refresh token, which ends its access tokens too, or the access token where there
// is no refresh token. A token that Salesforce does not know any more (invalid_token) counts as revoked; any other refusal proves
// nothing of the token and is an error.
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
	switch said := readReply(a.status, a.header, a.body, opaqueToken); {
	case a.status == http.StatusBadRequest && strings.EqualFold(said.code, "invalid_token"):
		return nil
	case a.status == http.StatusOK && salesforce.IsPage(salesforce.PlainText(a.header, a.body)):
		return &Error{Op: opRevoke, Host: c.Host.name, Kind: KindUnknownAnswer, Status: a.status, Err: errPage}
	}
	return f.refusal(opRevoke, c, a, token)
}

// errPage means that something on the way has answered: a page is no answer of the revocation endpoint.
var errPage = errors.New("the answer is a page, so that the revocation is not confirmed")
