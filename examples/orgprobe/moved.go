package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/fullcast/sfauth/oauthflow"
)

// movedQuestions are about hosts that may send requests on to the org's My Domain. What they are shown was made up, but for
// the consumer key and secret.
var movedQuestions = []probe{
	{id: "M1", question: "Does the generic login host redirect token requests to the org's My Domain?", why: "such a redirect is followed once; elsewhere it would suspend the connection",
		ask: func(ctx context.Context, o *org) (answer, error) {
			generic := "login.salesforce.com"
			if strings.Contains(o.token.InstanceURL, ".sandbox.") {
				generic = "test.salesforce.com"
			}
			host, err := oauthflow.ParseHost(generic)
			if err != nil {
				return answer{}, err
			}
			return o.tokenEndpoints(ctx, host)
		}},
	{id: "M2", question: "Does the org's former My Domain redirect token requests and API calls?", why: "as M1, and for calls a refresh and a second try at the new host",
		ask: func(ctx context.Context, o *org) (answer, error) {
			if o.oldHost.IsZero() {
				return answer{Did: "looked for -old-host", Found: "not asked: no former host was named"}, nil
			}
			a, err := o.tokenEndpoints(ctx, o.oldHost)
			if err != nil {
				return a, err
			}
			h, err := o.wire.get(ctx, "https://"+o.oldHost.String(), "/services/data/v"+apiVersion.String()+"/limits", "00D!made.up")
			a.Found += "; API: " + o.where(h)
			return a, err
		}},
}

// tokenEndpoints asks each of a host's token endpoints once.
func (o *org) tokenEndpoints(ctx context.Context, host oauthflow.Host) (answer, error) {
	c := o.client
	c.Host = host
	a := answer{Did: "refreshed, introspected and revoked a made-up token at the host"}
	var found []string
	for _, e := range []struct {
		name, path string
		call       func() error
	}{
		{"token", tokenPath, func() error { return refreshMadeUp(ctx, o, c) }},
		{"introspect", introspectPath, func() error { _, err := o.flow.Introspect(ctx, c, madeUp()); return err }},
		{"revoke", "/services/oauth2/revoke", func() error { return o.flow.Revoke(ctx, c, madeUp()) }},
	} {
		err := e.call()
		var refused *oauthflow.Error
		if errors.As(err, &refused) && refused.Status == 0 {
			return a, err
		}
		found = append(found, e.name+": "+o.where(o.wire.last(http.MethodPost, e.path)))
	}
	a.Found = strings.Join(found, "; ")
	return a, nil
}

// where says what a host answered, and where it redirects, without the org's names.
func (o *org) where(h heard) string {
	if h.location == "" {
		return fmt.Sprintf("HTTP %d, no redirect", h.status)
	}
	to := "elsewhere"
	u, err := url.Parse(h.location)
	switch {
	case err != nil:
		to = "to what is no URL"
	case u.Scheme+"://"+u.Host == o.token.InstanceURL && u.Path == h.path:
		to = "to the same path of the org's My Domain"
	case u.Scheme+"://"+u.Host == o.token.InstanceURL:
		to = "to another path of the org's My Domain"
	}
	return fmt.Sprintf("HTTP %d %s", h.status, to)
}
