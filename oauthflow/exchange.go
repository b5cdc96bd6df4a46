package oauthflow

import (
	"context"
	"net/url"
)

const (
	opCallback   = "callback"
	opExchange   = "exchange"
	opRefresh    = "refresh"
	opRevoke     = "revoke"
	opIntrospect = "introspect"
	opIdentity   = "identity"
	opUserInfo   = "userinfo"
	opIDToken    = "id_token"
	opRequest    = "request"

	tokenPath = "/services/oauth2/token"
)

// Exchange spends the code of a callback (its query) that answers p, and returns the tokens. A callback that carries
// an error, or does not belong to p, costs no request.
//
// A callback that names another issuer (iss) than p's login host is refused, and its code never sent. One without iss is accepted,
// since Salesforce sends none.
//
// Errors: [KindState] and the kinds of Salesforce's refusals; [KindNotSent]; [KindInDoubt], after which the code must
// not be sent again: begin a new login; [KindBadAnswer], [ErrOrgChanged], [ErrUserChanged] and [ErrNoRefreshToken], with what there is of
// the token so that it can be revoked. A token without refresh token ends with its session. A redirect (Status 3xx) has
// not spent the code.
//
// Source: Salesforce Help, "OAuth 2.0 Web Server Flow", "Request an Access Token"; RFC 7636 §4.5; RFC 9207 §2.4.
func (f *Flow) Exchange(ctx context.Context, p Pending, callback url.Values) (*Token, error) {
	code, err := f.readCallback(p, callback)
	if err != nil {
		return nil, err
	}
	c := p.client
	if !p.tokenHost.IsZero() {
		c.Host = p.tokenHost
	}
	a, err := f.post(ctx, opExchange, c.Host, tokenPath, url.Values{
		"grant_type": {"authorization_code"}, "code": {code.Reveal()}, "redirect_uri": {p.redirectURL},
		"code_verifier": {p.verifier.Reveal()}, "client_id": {c.ID}, "client_secret": {c.Secret.Reveal()},
	})
	if err != nil {
		return nil, err
	}
	if err := f.refusal(opExchange, c, a, code, p.verifier); err != nil {
		return nil, err
	}
	t, err := f.readToken(opExchange, c, a, code, p.verifier)
	switch {
	case err != nil:
		return t, err
	case t.OrgID == "":
		return t, &Error{Op: opExchange, Host: c.Host.name, Kind: KindBadAnswer, Status: a.status, Err: errNoIdentity}
	case p.expectOrg != "" && !sameID(p.expectOrg, t.OrgID):
		return t, &Error{Op: opExchange, Host: c.Host.name, Kind: KindOrgChanged, Err: &StrangerError{t.OrgID, t.UserID, ErrOrgChanged}}
	case p.expectUser != "" && !sameID(p.expectUser, t.UserID):
		return t, &Error{Op: opExchange, Host: c.Host.name, Kind: KindUserChanged, Err: &StrangerError{t.OrgID, t.UserID, ErrUserChanged}}
	case t.RefreshToken.IsZero():
		return t, &Error{Op: opExchange, Host: c.Host.name, Kind: KindNoRefresh, Err: ErrNoRefreshToken}
	}
	t.nonce = p.nonce
	return t, nil
}

// Refresh spends t's refresh token. The answer may carry a new refresh token (rotation): then the old one is dead and
// using it once more ends the whole grant, so store the new one before anything else. It may also carry the access
// token that t has already. Scopes are never sent.
//
// When an answer cannot be used but held a refresh token, Refresh returns both: a Token with that refresh token only,
// and an error of [KindBadAnswer]. The context counts until the first byte leaves; then the answer is waited for, two
// minutes at most.
//
// Errors: [KindNotSent] is safe to repeat; after [KindInDoubt] Salesforce may have acted; all others are Salesforce's
// refusal. A redirect (Status 3xx) has spent nothing: where Error.MovedTo is set, the same call with that as Client.Host
// is safe, once.
//
// Source: Salesforce Help, "OAuth 2.0 Refresh Token Flow for Renewed Sessions"; article 005316711.
func (f *Flow) Refresh(ctx context.Context, c Client, t *Token) (*Token, error) {
	return f.refreshWithin(ctx, limits{delivery: delivery}, c, t)
}

func (f *Flow) refreshWithin(ctx context.Context, within limits, c Client, t *Token) (*Token, error) {
	if err := c.validate(opRefresh); err != nil {
		return nil, err
	}
	if t == nil || !validToken(t.RefreshToken.Reveal()) {
		return nil, invalid(opRefresh, "Token.RefreshToken", "is required")
	}
	a, err := f.postWithin(ctx, within, opRefresh, c.Host, tokenPath, url.Values{
		"grant_type": {"refresh_token"}, "refresh_token": {t.RefreshToken.Reveal()},
		"client_id": {c.ID}, "client_secret": {c.Secret.Reveal()},
	})
	if err != nil {
		return nil, err
	}
	if err := f.refusal(opRefresh, c, a, t.RefreshToken, t.AccessToken); err != nil {
		return nil, err
	}
	fresh, err := f.readToken(opRefresh, c, a, t.RefreshToken)
	if err != nil && fresh.RefreshToken.IsZero() {
		return nil, err
	}
	return fresh, err
}
