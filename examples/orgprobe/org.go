package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/oauth2"

	"github.com/fullcast/sfauth/examples/internal/console"
	"github.com/fullcast/sfauth/examples/internal/given"
	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/oauthflow"
)

const apiVersion = fullcast.APIVersion

// org is the org under question, with the grant that the probe holds.
type org struct {
	settings
	person *console.Console
	screen io.Writer
	wire   *wire
	flow   *oauthflow.Flow
	meta   *metadata.Org

	callback  url.Values       // of the first login
	token     *oauthflow.Token // the latest of the first grant
	exchanged heard            // the answer to the code
	renewed   heard            // the answer to the first refresh
	grants    []*oauthflow.Token
}

// visit logs in.
func (s settings) visit(ctx context.Context, person *console.Console, screen io.Writer, transport http.RoundTripper) (*org, error) {
	o := &org{settings: s, person: person, screen: screen, wire: &wire{base: transport}}
	var err error
	if o.client.Secret.IsZero() {
		if o.client.Secret, err = person.AskSecret(ctx, "Consumer secret (not shown): "); err != nil {
			return nil, given.Answer(err, "SFAUTH_CONSUMER_SECRET is not set, and no consumer secret was typed")
		}
	}
	if o.flow, err = oauthflow.NewFlow(oauthflow.Config{RedirectURLs: s.site.CallbackURLs(), Transport: o.wire}); err != nil {
		return nil, err
	}
	if o.token, o.callback, err = o.login(ctx); err != nil {
		return nil, errors.Join(err, o.leave(ctx))
	}
	o.exchanged = o.wire.last(http.MethodPost, tokenPath)
	if o.meta, err = o.metadataOrg(apiVersion); err != nil {
		return nil, errors.Join(err, o.leave(ctx))
	}
	return o, nil
}

func (o *org) metadataOrg(v metadata.APIVersion) (*metadata.Org, error) {
	return metadata.NewOrg(metadata.OrgConfig{
		HTTPClient:  &http.Client{Transport: &oauth2.Transport{Source: current{o}, Base: o.wire}},
		InstanceURL: func(context.Context) (string, error) { return o.token.InstanceURL, nil },
		Session: func(_ context.Context, rejected string) (string, error) {
			if rejected != "" {
				return "", errors.New("the session of the probe has ended")
			}
			return o.token.AccessToken.Reveal(), nil
		},
		Version: v,
	})
}

const tokenPath = "/services/oauth2/token"

// current is the access token that the probe holds now.
type current struct{ o *org }

func (c current) Token() (*oauth2.Token, error) {
	return &oauth2.Token{AccessToken: c.o.token.AccessToken.Reveal()}, nil
}

// login makes one grant. All grants are revoked by leave.
func (o *org) login(ctx context.Context) (*oauthflow.Token, url.Values, error) {
	redirect, pending, err := o.flow.Authorize(o.client, oauthflow.AuthorizeOptions{RedirectURL: o.site.CallbackURLs()[0]})
	if err != nil {
		return nil, nil, err
	}
	fmt.Fprintf(o.screen, "Open this address in a browser, log in to the org and allow access:\n\n%s\n\n", redirect)
	pasted, err := o.person.Ask(ctx, "Paste the address of the page you land on: ")
	if err != nil {
		return nil, nil, given.Answer(err, "no address was pasted; nothing was asked")
	}
	callback, err := given.Callback(pasted, o.site)
	if err != nil {
		return nil, nil, err
	}
	token, err := o.flow.Exchange(ctx, pending, callback.Query)
	if token != nil {
		o.grants = append(o.grants, token)
	}
	return token, callback.Query, err
}

// again logs in once more, as the same user.
func (o *org) again(ctx context.Context) (*oauthflow.Token, error) {
	fmt.Fprintln(o.screen, "Once more, as the same user.")
	t, _, err := o.login(ctx)
	if err == nil && t.UserID != o.token.UserID {
		err = errors.New("the second login was by another user")
	}
	return t, err
}

// refresh spends a grant's refresh token and keeps what came in its stead.
func (o *org) refresh(ctx context.Context, t *oauthflow.Token) error {
	next, err := o.flow.Refresh(ctx, o.client, t)
	if next != nil && !next.RefreshToken.IsZero() {
		t.RefreshToken = next.RefreshToken
	}
	if err == nil {
		t.AccessToken, t.InstanceURL = next.AccessToken, next.InstanceURL
	}
	return err
}

// leave revokes the grants, also after an interruption.
func (o *org) leave(ctx context.Context) error {
	var all error
	for _, t := range o.grants {
		if err := o.flow.Revoke(context.WithoutCancel(ctx), o.client, t); err != nil {
			all = errors.Join(all, fmt.Errorf("a grant is left in the org, revoke it in Setup > OAuth Usage: %w", err))
		}
	}
	return all
}

// edition says what kind of org this is, and whether it is one to break things in.
func (o *org) edition(ctx context.Context) (kind string, throwAway bool) {
	var answer struct {
		Records []struct {
			OrganizationType string
			IsSandbox        bool
		}
	}
	if err := o.query(ctx, "SELECT OrganizationType, IsSandbox FROM Organization", &answer); err != nil || len(answer.Records) != 1 {
		return "unknown", false
	}
	r := answer.Records[0]
	if r.IsSandbox {
		return "sandbox, " + r.OrganizationType, true
	}
	return r.OrganizationType, r.OrganizationType == "Developer Edition"
}

// query runs SOQL.
func (o *org) query(ctx context.Context, soql string, into any) error {
	h, err := o.wire.get(ctx, o.token.InstanceURL, "/services/data/v"+apiVersion.String()+"/query?q="+url.QueryEscape(soql), o.token.AccessToken.Reveal())
	if err != nil {
		return err
	}
	if h.status != http.StatusOK {
		return fmt.Errorf("HTTP %d: %s", h.status, h.start())
	}
	return json.Unmarshal(h.body, into)
}

// hide takes out of evidence whatever must not be in it: secrets, should Salesforce have echoed one, and the host.
func (o *org) hide(evidence string) string {
	hidden := []string{o.client.Secret.Reveal(), o.client.ID, o.callback.Get("code")}
	for _, t := range o.grants {
		hidden = append(hidden, t.AccessToken.Reveal(), t.RefreshToken.Reveal(), t.IDToken.Reveal(), t.OrgID, t.UserID)
		hidden = append(hidden, t.OrgID[:min(15, len(t.OrgID))], t.UserID[:min(15, len(t.UserID))])
		hidden = append(hidden, strings.TrimPrefix(t.InstanceURL, "https://"))
	}
	if !o.client.Host.Generic() {
		hidden = append(hidden, o.client.Host.String())
	}
	hidden = append(hidden, o.oldHost.String())
	for _, h := range hidden {
		if h != "" {
			evidence = strings.ReplaceAll(evidence, h, "[hidden]")
		}
	}
	return evidence
}
