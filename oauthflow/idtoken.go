package oauthflow

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
)

// idTokenLeeway is how far Salesforce's clock and ours may differ.
const idTokenLeeway = 5 * time.Minute

// VerifyIDToken checks that t's id_token was made by Salesforce, for this app, login and user: signed with RS256 by a
// key of the login host; iss that host or the generic one; aud (and azp) the consumer key; exp and iat within five
// minutes of the clock or, where that is wrong, of the answer's own issued_at; sub the user and org of t. A token that
// came from [Flow.Exchange] must repeat the nonce of its login. A token without id_token passes unless openid was asked
// for and granted at a login.
//
// It may ask the login host for its public keys; those are kept, and asked for again when a token names another key, at
// most twice a minute. Store what [Flow.Exchange] or [Flow.Refresh] returned first and verify afterwards: a refresh
// token must not be lost because a proof of identity cannot be checked. [Manager.Complete] checks that of a login; that of a
// refresh, which names nobody new, a Manager ignores.
//
// Errors: [KindIDToken] when the id_token is not to be trusted; any other kind says that it could not be checked, which
// may be repeated.
//
// Source: OpenID Connect Core §3.1.3.7, §12.2; Salesforce Help, "OpenID Connect Discovery Endpoint".
func (f *Flow) VerifyIDToken(ctx context.Context, c Client, t *Token) error {
	return f.verifyIDToken(ctx, c, c.Host, t)
}

// verifyIDToken is VerifyIDToken of a token that asked has issued, where c's login host redirects its token requests to.
func (f *Flow) verifyIDToken(ctx context.Context, c Client, asked Host, t *Token) error {
	if err := c.validate(opIDToken); err != nil {
		return err
	}
	refuse := func(problem string) error {
		return &Error{Op: opIDToken, Host: c.Host.name, Kind: KindIDToken, Err: errors.New(problem)}
	}
	switch {
	case t == nil:
		return invalid(opIDToken, "Token", "is required")
	case t.IDToken.IsZero() && !t.nonce.IsZero() && slices.Contains(t.Scopes, "openid"):
		return refuse("there is none, although openid was granted")
	case t.IDToken.IsZero():
		return nil
	case !validToken(t.IDToken.Reveal()):
		return refuse("it is malformed")
	}
	raw := t.IDToken.Reveal()
	issuer, ok := claimedIssuer(raw)
	if !ok {
		return refuse("it is malformed")
	}
	issuers := c.Host.issuers(asked)
	if !slices.Contains(issuers, issuer) {
		return refuse("iss is not the login host")
	}
	if err := ctx.Err(); err != nil {
		return idTokenError(c, err)
	}
	keys, err := f.keys.of(ctx, f, issuer, issuers)
	if err != nil {
		return idTokenError(c, err)
	}
	// Times are checked below: go-oidc has no leeway for exp and does not look at iat.
	call := &signatureCheck{keys: keys.set}
	verified, err := oidc.NewVerifier(issuer, call, &oidc.Config{
		ClientID: c.ID, SupportedSigningAlgs: []string{oidc.RS256}, SkipExpiryCheck: true,
	}).Verify(ctx, raw)
	var unchecked *Error
	switch {
	case errors.As(call.err, &unchecked), ctx.Err() != nil && err != nil:
		return idTokenError(c, errors.Join(call.err, ctx.Err()))
	case call.err != nil:
		return refuse("it is not signed by a key of the login host")
	case err != nil && !call.made:
		return refuse("it is malformed or not signed with RS256")
	case err != nil:
		return refuse("aud does not hold the consumer key, or the claims are malformed")
	}
	problem, notBefore := t.idTokenProblem(verified, c)
	if problem != "" {
		return refuse(problem)
	}
	problem = untimely(verified, notBefore, f.now())
	if problem == "" || !t.IssuedAt.IsZero() && untimely(verified, notBefore, t.IssuedAt) == "" {
		return nil // a clock of ours that is wrong is no fault of the token's: Salesforce's stands in the same answer
	}
	return refuse(problem)
}

// idTokenProblem checks the claims that go-oidc leaves to its caller, but for the times.
func (t *Token) idTokenProblem(id *oidc.IDToken, c Client) (problem string, notBefore time.Time) {
	var claims struct {
		AuthorizedParty *string  `json:"azp"`
		NotBefore       *float64 `json:"nbf"`
	}
	err := id.Claims(&claims)
	if claims.NotBefore != nil {
		notBefore = time.Unix(int64(min(*claims.NotBefore, 1<<40)), 0)
	}
	sub, isURL := parseIdentityURL(id.Subject)
	switch {
	case err != nil:
		problem = "the claims are malformed"
	case claims.AuthorizedParty == nil && len(id.Audience) > 1,
		claims.AuthorizedParty != nil && *claims.AuthorizedParty != c.ID:
		problem = "azp is not the consumer key"
	case !t.nonce.IsZero() && !NewSecret(id.Nonce).Equal(t.nonce):
		problem = "nonce is not of this login"
	case !isURL || !sameID(sub.org, t.OrgID) || !sameID(sub.user, t.UserID):
		problem = "sub is not the user of the token"
	}
	return problem, notBefore
}

// untimely says which of an id_token's times does not fit now.
func untimely(id *oidc.IDToken, notBefore, now time.Time) string {
	switch {
	case id.Expiry.Unix() <= 0 || now.After(id.Expiry.Add(idTokenLeeway)):
		return "exp is missing or has passed"
	case id.IssuedAt.Unix() <= 0 || id.IssuedAt.After(now.Add(idTokenLeeway)):
		return "iat is missing or lies ahead"
	case notBefore.After(now.Add(idTokenLeeway)):
		return "nbf lies ahead"
	}
	return ""
}

// idTokenError says that an id_token could not be checked.
func idTokenError(c Client, err error) error {
	var cause *Error
	if !errors.As(err, &cause) {
		cause = &Error{Kind: KindNotSent, Err: plainCause(context.Background(), err, nil)}
	}
	e := *cause
	e.Op = opIDToken
	if e.Host == "" {
		e.Host = c.Host.name
	}
	return &e
}

// issuers returns who may have signed an id_token of a login at h whose token request was answered by asked: the hosts
// themselves, and for a My Domain the generic hosts of its cloud, which issue for all its orgs.
//
// Assumed: which of them it is after a login at a My Domain is not documented; discovery says the host.
func (h Host) issuers(asked Host) []string {
	all := []string{h.endpoint("")}
	if asked != h && !asked.IsZero() {
		all = append(all, asked.endpoint(""))
	}
	if h.Generic() && (asked == h || asked.IsZero()) {
		return all
	}
	region, _ := loginRegion(h.name)
	for _, generic := range slices.Sorted(maps.Keys(genericHosts)) {
		if genericHosts[generic] == region && generic != h.name {
			all = append(all, "https://"+generic)
		}
	}
	return all
}

// claimedIssuer reads iss out of a token that nobody has verified yet, to know whose keys to ask for.
func claimedIssuer(raw string) (string, bool) {
	parts := strings.Split(raw, ".")
	if len(parts) != 3 {
		return "", false
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return "", false
	}
	var claims struct {
		Issuer string `json:"iss"`
	}
	err = json.Unmarshal(payload, &claims)
	return claims.Issuer, err == nil && claims.Issuer != ""
}

// signatureCheck remembers what became of one token's signature, which the verifier's error does not tell.
type signatureCheck struct {
	keys oidc.KeySet
	made bool
	err  error
}

// VerifySignature implements oidc.KeySet.
func (s *signatureCheck) VerifySignature(ctx context.Context, jwt string) ([]byte, error) {
	payload, err := s.keys.VerifySignature(ctx, jwt)
	s.made, s.err = true, err
	return payload, err
}
