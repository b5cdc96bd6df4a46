package oauthflow

import (
	"context"
	"errors"
	"net/url"
	"strconv"
	"time"
)

// Introspection is what Salesforce says of a token. Active false alone is no proof that a grant is dead.
type Introspection struct {
	Active    bool
	ClientID  string
	Username  string
	Subject   string // identity URL
	Scopes    []string
	ExpiresAt time.Time // zero when Salesforce names none
	IssuedAt  time.Time
}

// Introspect asks whether t's refresh token (or its access token where there is none) is active. Whether it counts as
// a use of the refresh token is not documented; it does not spend it.
//
// Source: Salesforce Help, "Token Introspection Endpoint"; RFC 7662.
func (f *Flow) Introspect(ctx context.Context, c Client, t *Token) (Introspection, error) {
	if err := c.validate(opIntrospect); err != nil {
		return Introspection{}, err
	}
	if t == nil || t.RefreshToken.IsZero() && t.AccessToken.IsZero() {
		return Introspection{}, invalid(opIntrospect, "Token", "holds neither a refresh token nor an access token")
	}
	token, hint := t.RefreshToken, "refresh_token"
	if token.IsZero() {
		token, hint = t.AccessToken, "access_token"
	}
	a, err := f.post(ctx, opIntrospect, c.Host, "/services/oauth2/introspect", url.Values{
		"token": {token.Reveal()}, "token_type_hint": {hint}, "client_id": {c.ID}, "client_secret": {c.Secret.Reveal()},
	})
	if err != nil {
		return Introspection{}, err
	}
	if err := f.refusal(opIntrospect, c, a, token); err != nil {
		return Introspection{}, err
	}
	m, fault := a.fields()
	if fault == nil && m["active"] != "true" && m["active"] != "false" {
		fault = errors.New("active is missing")
	}
	if fault == nil && m.repeats([]Secret{t.RefreshToken, t.AccessToken, c.Secret}, "client_id", "username", "sub", "scope") {
		fault = errRepeats
	}
	if fault != nil {
		return Introspection{}, &Error{Op: opIntrospect, Host: c.Host.name, Kind: KindBadAnswer, Status: a.status, Err: fault}
	}
	return Introspection{
		Active: m["active"] == "true", ClientID: m["client_id"], Username: m["username"], Subject: m["sub"],
		Scopes: scopesIn(m["scope"]), ExpiresAt: unix(m["exp"]), IssuedAt: unix(m["iat"]),
	}, nil
}

func unix(s string) time.Time {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n <= 0 {
		return time.Time{}
	}
	return time.Unix(n, 0).UTC()
}
