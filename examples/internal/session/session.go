// Package session reaches the org that the environment names: by an admin's session, or by the connection that
// examples/connect keeps.
package session

import (
	"context"
	"errors"
	"net/http"

	"golang.org/x/oauth2"

	"github.com/fullcast/sfauth/examples/internal/outcome"
	"github.com/fullcast/sfauth/examples/internal/stored"
	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/oauthflow"
)

// Source is what the environment says of the org. The zero Source names none.
type Source struct {
	instanceURL string // empty: use the stored connection
	accessToken oauthflow.Secret
	place       stored.Place
}

// Find reads SF_INSTANCE_URL and SF_ACCESS_TOKEN, or without them SFAUTH_KEY and SFAUTH_DIR. A place's Dir that is given
// goes before SFAUTH_DIR. Errors are bad input; no org is reached yet.
func Find(env func(string) string, place stored.Place) (Source, error) {
	instance, token := env("SF_INSTANCE_URL"), env("SF_ACCESS_TOKEN")
	switch {
	case instance == "" && token == "":
		place.SealingKey = env("SFAUTH_KEY")
		if place.Dir == "" {
			place.Dir = env("SFAUTH_DIR")
		}
		if place.SealingKey == "" {
			return Source{}, outcome.Input("no org is named: set SF_INSTANCE_URL and SF_ACCESS_TOKEN, or SFAUTH_KEY for the connection of examples/connect")
		}
		return Source{place: place}, nil
	case instance == "":
		return Source{}, outcome.Input("SF_ACCESS_TOKEN is set and SF_INSTANCE_URL is not: the org's address, such as https://acme.my.salesforce.com")
	case token == "":
		return Source{}, outcome.Input("SF_INSTANCE_URL is set and SF_ACCESS_TOKEN is not")
	case place.Dir != "":
		return Source{}, outcome.Input("-dir and SF_INSTANCE_URL exclude each other; leave one out")
	}
	host, err := oauthflow.ParseHost(instance)
	if err != nil {
		return Source{}, outcome.Input("SF_INSTANCE_URL: %v", errors.Unwrap(err))
	}
	if host.Generic() {
		return Source{}, outcome.Input("SF_INSTANCE_URL: %s serves all orgs; use the org's own address, such as https://acme.my.salesforce.com", host)
	}
	return Source{instanceURL: "https://" + host.String(), accessToken: oauthflow.NewSecret(token)}, nil
}

// Open returns the org, and what to call when it is not needed any more. A nil transport is http.DefaultTransport.
func (s Source) Open(ctx context.Context, version metadata.APIVersion, transport http.RoundTripper) (*metadata.Org, func() error, error) {
	if s.instanceURL == "" {
		return s.stored(ctx, version, transport)
	}
	source := oauth2.StaticTokenSource(&oauth2.Token{AccessToken: s.accessToken.Reveal()})
	org, err := metadata.NewOrg(metadata.OrgConfig{
		HTTPClient:  &http.Client{Transport: &oauth2.Transport{Source: source, Base: transport}},
		InstanceURL: func(context.Context) (string, error) { return s.instanceURL, nil },
		Session: func(_ context.Context, rejected string) (string, error) {
			if rejected != "" {
				return "", errors.New("the session of SF_ACCESS_TOKEN has ended; get a new one")
			}
			return s.accessToken.Reveal(), nil
		},
		Version: version,
	})
	return org, func() error { return nil }, err
}

func (s Source) stored(ctx context.Context, version metadata.APIVersion, transport http.RoundTripper) (*metadata.Org, func() error, error) {
	s.place.Transport = transport
	sf, err := s.place.Open()
	if err != nil {
		return nil, nil, err
	}
	conn, err := sf.Connection(ctx)
	if err != nil {
		return nil, nil, errors.Join(err, sf.Close())
	}
	org, err := conn.Org(version)
	if err != nil {
		return nil, nil, errors.Join(err, sf.Close())
	}
	return org, sf.Close, nil
}
