package oauthflow

import (
	"context"
	"errors"
	"net/http"
	"net/url"
)

// Identity is what Salesforce says of the user behind a token.
type Identity struct {
	OrgID       string // 18 characters
	UserID      string // 18 characters
	Username    string
	DisplayName string
	Email       string
	Active      bool
}

// Identity asks the identity URL of t who its user is. It needs the scope id.
//
// Errors: [KindInvalid] when t lacks its identity URL or access token; [KindSession] when the token's session has
// ended; [KindUserPolicy] when the user may not use it; [KindBadAnswer] when the answer is of another user than t's;
// [KindNotSent] when nobody could be asked. All may be repeated.
//
// Source: Salesforce Help, "Identity URLs".
func (f *Flow) Identity(ctx context.Context, t *Token) (Identity, error) {
	if t == nil || t.IdentityURL == "" {
		return Identity{}, invalid(opIdentity, "Token.IdentityURL", "is required")
	}
	if _, ok := parseIdentityURL(t.IdentityURL); !ok {
		return Identity{}, invalid(opIdentity, "Token.IdentityURL", "is not an identity URL of Salesforce")
	}
	m, host, err := f.read(ctx, opIdentity, t, t.IdentityURL)
	if err != nil {
		return Identity{}, err
	}
	return identityOf(opIdentity, host, t, Identity{
		OrgID: m["organization_id"], UserID: m["user_id"], Username: m["username"], DisplayName: m["display_name"],
		Email: m["email"], Active: m["active"] == "true",
	})
}

// UserInfo asks the userinfo endpoint of t's instance who its user is. It needs the scope openid, and tells the same
// as [Flow.Identity], which does not.
//
// Errors: as of [Flow.Identity].
//
// Source: Salesforce Help, "UserInfo Endpoint"; OpenID Connect Core §5.3.
func (f *Flow) UserInfo(ctx context.Context, t *Token) (Identity, error) {
	if t == nil || t.InstanceURL == "" {
		return Identity{}, invalid(opUserInfo, "Token.InstanceURL", "is required")
	}
	origin, cloud, ok := apiOrigin(t.InstanceURL)
	if !ok {
		return Identity{}, invalid(opUserInfo, "Token.InstanceURL", "is not on a Salesforce domain")
	}
	if id, ok := parseIdentityURL(t.IdentityURL); ok && id.cloud != cloud {
		return Identity{}, invalid(opUserInfo, "Token.InstanceURL", "is on a host of another cloud than Token.IdentityURL")
	}
	m, host, err := f.read(ctx, opUserInfo, t, origin+"/services/oauth2/userinfo")
	if err != nil {
		return Identity{}, err
	}
	sub, ok := parseIdentityURL(m["sub"])
	if org, _ := id18(m["organization_id"], "00D"); !ok || !sameID(sub.org, org) {
		return Identity{}, &Error{Op: opUserInfo, Host: host, Kind: KindBadAnswer, Status: http.StatusOK, Err: errors.New("sub is not the identity URL of the user's org")}
	}
	return identityOf(opUserInfo, host, t, Identity{
		OrgID: m["organization_id"], UserID: m["user_id"], Username: m["preferred_username"], DisplayName: m["name"],
		Email: m["email"], Active: m["active"] == "true",
	})
}

// identityOf checks that an answer is about t's user.
func identityOf(op, host string, t *Token, id Identity) (Identity, error) {
	org, ok1 := id18(id.OrgID, "00D")
	user, ok2 := id18(id.UserID, "005")
	var fault error
	switch {
	case !ok1 || !ok2:
		fault = errors.New("organization_id or user_id is missing")
	case t.OrgID != "" && !sameID(org, t.OrgID), t.UserID != "" && !sameID(user, t.UserID):
		fault = errors.New("the answer is about another user than the token's")
	default:
		id.OrgID, id.UserID = org, user
		return id, nil
	}
	return Identity{}, &Error{Op: op, Host: host, Kind: KindBadAnswer, Status: http.StatusOK, Err: fault}
}

// read gets one of Salesforce's identity resources with t's access token. A generic login host answers with a redirect
// to the same path of the org's own host, which alone is followed, once.
func (f *Flow) read(ctx context.Context, op string, t *Token, address string) (m fields, host string, err error) {
	if !validToken(t.AccessToken.Reveal()) {
		return nil, "", invalid(op, "Token.AccessToken", "is required")
	}
	for range 2 {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
		if err != nil {
			return nil, "", invalid(op, "Token", "holds an address that cannot be requested")
		}
		host = req.URL.Host
		req.Header.Set("Authorization", "Bearer "+t.AccessToken.Reveal())
		req.Header.Set("Accept", "application/json")
		a, err := f.do(req, t.AccessToken)
		if err != nil {
			return nil, host, &Error{Op: op, Host: host, Kind: KindNotSent, Err: err}
		}
		if a.status/100 == 3 && sameResource(a.header.Get("Location"), t.InstanceURL, req.URL) {
			address = t.InstanceURL + req.URL.Path
			continue
		}
		if a.status != http.StatusOK {
			return nil, host, resourceError(op, host, a, f.now(), t.AccessToken)
		}
		m, err = a.fields()
		if err == nil && m.repeats([]Secret{t.AccessToken}, "username", "display_name", "email", "preferred_username", "name", "sub", "organization_id", "user_id") {
			err = errRepeats
		}
		if err != nil {
			return nil, host, &Error{Op: op, Host: host, Kind: KindBadAnswer, Status: a.status, Err: err}
		}
		return m, host, nil
	}
	return nil, host, &Error{Op: op, Host: host, Kind: KindBadAnswer, Err: errors.New("the identity URL redirects in a circle")}
}

// sameResource reports whether location is the resource at from, on the org's own instance.
func sameResource(location, instance string, from *url.URL) bool {
	origin, cloud, ok := apiOrigin(instance)
	region, login := loginRegion(from.Host)
	return ok && (!login || region == cloud) && origin == instance && location == instance+from.Path && "https://"+from.Host != instance
}

// do sends a request that may be repeated through the hardened transport.
func (f *Flow) do(req *http.Request, sent ...Secret) (*answer, error) {
	a, err := f.send(req, sent...)
	if err != nil {
		err = f.named(req.Context(), req.URL.Host, err)
	}
	return a, err
}

// send is do without a look at why a host does not exist.
func (f *Flow) send(req *http.Request, sent ...Secret) (*answer, error) {
	ctx, cancel := context.WithTimeout(req.Context(), readWait)
	defer cancel()
	req = req.WithContext(ctx)
	rt := f.base()
	if l, ok := apart(rt); ok {
		hardened, err := harden(l.network, req, &fence{delivery: delivery, passed: func() {}}, f.to)
		if err != nil {
			return nil, err
		}
		defer hardened.CloseIdleConnections()
		rt = l.around(hardened)
	}
	a, err := roundTrip(rt, req, sent)
	if errors.Is(err, ErrTransport) {
		f.tell("read", Host{req.URL.Host}, err)
	}
	return a, err
}
