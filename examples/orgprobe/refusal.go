package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/fullcast/sfauth/oauthflow"
)

// What is refused here was made up: no token of the org is shown to the wrong endpoint or with the wrong secret, since
// nobody knows what Salesforce makes of that.
var refusalQuestions = []probe{
	{id: "E1", question: "How is an unknown refresh token refused?", why: "the text that ends a connection",
		ask: func(ctx context.Context, o *org) (answer, error) {
			return refused(o, "refreshed with a made-up token", func() error { return refreshMadeUp(ctx, o, o.client) })
		}},
	{id: "E2", question: "How is a wrong consumer secret refused at the token endpoint: 400 or 401?", why: "told from a dead grant",
		ask: func(ctx context.Context, o *org) (answer, error) {
			c := o.client
			c.Secret = oauthflow.NewSecret(strings.Repeat("0", 64))
			return refused(o, "refreshed with a made-up token and secret", func() error { return refreshMadeUp(ctx, o, c) })
		}},
	{id: "E3", question: "How is an unknown consumer key refused?", why: "told from an app that has not spread yet",
		ask: func(ctx context.Context, o *org) (answer, error) {
			c := o.client
			c.ID = "3MVG9" + strings.Repeat("0", 80)
			return refused(o, "refreshed with a made-up token and key", func() error { return refreshMadeUp(ctx, o, c) })
		}},
	{id: "E4", question: "Does the generic login host word its refusals as the org's My Domain does?", why: "use My Domain, said in time",
		ask: func(ctx context.Context, o *org) (answer, error) {
			c, generic := o.client, "login.salesforce.com"
			if strings.Contains(c.Host.String(), ".sandbox.") {
				generic = "test.salesforce.com"
			}
			var err error
			if c.Host, err = oauthflow.ParseHost(generic); err != nil {
				return answer{}, err
			}
			return refused(o, "E1 at "+generic, func() error { return refreshMadeUp(ctx, o, c) })
		}},
	{id: "E5", question: "How does revoke refuse an unknown token: JSON or a query string?", why: "a token that is gone counts as revoked",
		ask: func(ctx context.Context, o *org) (answer, error) {
			err := o.flow.Revoke(ctx, o.client, madeUp())
			h := o.wire.last(http.MethodPost, "/services/oauth2/revoke")
			return answer{Did: "revoked a made-up token", Found: fmt.Sprintf("HTTP %d, %s; taken as revoked: %s", h.status, h.form, yes(err == nil)),
				Evidence: h.start()}, nil
		}},
	{id: "E6", question: "What does introspection say of an unknown token?", why: "inactive is no proof of a dead grant",
		ask: func(ctx context.Context, o *org) (answer, error) {
			got, err := o.flow.Introspect(ctx, o.client, madeUp())
			return answer{Did: "introspected a made-up token", Found: "active: " + yes(got.Active),
				Evidence: o.wire.last(http.MethodPost, introspectPath).shape()}, err
		}},
	{id: "E7", question: "How does the identity service refuse an unknown access token?", why: "told from a user who may not",
		ask: func(ctx context.Context, o *org) (answer, error) {
			h, err := o.wire.get(ctx, o.token.InstanceURL, "/services/oauth2/userinfo", "00D!made.up")
			return answer{Did: "called userinfo with a made-up token", Found: fmt.Sprintf("HTTP %d", h.status), Evidence: h.start()}, err
		}},
	{id: "E8", question: "How does the REST API refuse an unknown access token?", why: "what makes the client refresh",
		ask: func(ctx context.Context, o *org) (answer, error) {
			h, err := o.wire.get(ctx, o.token.InstanceURL, "/services/data/v"+apiVersion.String()+"/limits", "00D!made.up")
			return answer{Did: "called limits with a made-up token", Found: fmt.Sprintf("HTTP %d", h.status), Evidence: h.start()}, err
		}},
}

func madeUp() *oauthflow.Token {
	return &oauthflow.Token{RefreshToken: oauthflow.NewSecret("5Aep861" + strings.Repeat("0", 80))}
}

func refreshMadeUp(ctx context.Context, o *org, c oauthflow.Client) error {
	_, err := o.flow.Refresh(ctx, c, madeUp())
	return err
}

// refused wants an error: it is the answer.
func refused(o *org, did string, do func() error) (answer, error) {
	err := do()
	var e *oauthflow.Error
	if !errors.As(err, &e) || e.Code == "" {
		return answer{Did: did}, errors.Join(errors.New("no refusal with a code"), err)
	}
	h := o.wire.last(http.MethodPost, tokenPath)
	return answer{Did: did, Found: fmt.Sprintf("HTTP %d %s: %s", e.Status, e.Code, e.Description),
		Evidence: fmt.Sprintf("%s; the SDK takes it for %q", h.shape(), e.Kind)}, nil
}
