package metadata

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"

	"github.com/fullcast/sfauth/internal/scrub"
	"github.com/fullcast/sfauth/internal/secret"
	"github.com/go-resty/resty/v2"
)

// Credentials are the consumer key and secret of an external client app, as Setup shows them. An oauthflow.Client accepts the
// secret as it is; only its Reveal returns the text. The methods are safe for concurrent use. Their errors are *[Error].
//
// Source: Connect REST API, OAuth Credentials resources; staged credentials since API version 65.
type Credentials struct {
	Key    string
	Secret secret.Secret

	org  *Org
	path string // of the consumer
}

// StagedCredentials are the next key and secret. If they are not rotated within 30 days, Salesforce deletes them. They do not
// work before [Credentials.Rotate] (assumed).
type StagedCredentials struct {
	ID, Key string
	Secret  secret.Secret
	State   string // in Salesforce's words
}

// Credentials reads the consumer key and secret of an external client app. The org must allow it
// (ExternalClientAppSettings.EnableClientSecretInRESTAPIAccess) and the user needs the permissions External Client
// App Developer and View Client Secret. The error wraps [ErrNotFound] when the org has no such app.
func (o *Org) Credentials(ctx context.Context, apiName string) (*Credentials, error) {
	c, err := o.credentials(ctx, apiName)
	return c, wrap("credentials", apiName, err)
}

func (o *Org) credentials(ctx context.Context, apiName string) (*Credentials, error) {
	var usage struct {
		Apps []struct{ DeveloperName, Identifier string }
	}
	if err := o.send(ctx, http.MethodGet, "/apps/oauth/usage", nil, &usage); err != nil {
		return nil, err
	}
	for _, app := range usage.Apps {
		if app.DeveloperName != apiName || app.Identifier == "" {
			continue
		}
		path := "/apps/oauth/credentials/" + url.PathEscape(app.Identifier)
		var consumers struct{ Consumers []struct{ ID string } }
		err := o.send(ctx, http.MethodGet, path, nil, &consumers)
		if errors.Is(err, ErrNotFound) || err == nil && len(consumers.Consumers) == 0 {
			continue // another kind of app with the same name
		}
		if err != nil {
			return nil, err
		}
		path += "/" + url.PathEscape(consumers.Consumers[0].ID)
		var pair keyAndSecret
		err = o.send(ctx, http.MethodGet, path, func(r *resty.Request) { r.SetQueryParam("part", "keyandsecret") }, &pair)
		if err != nil {
			return nil, err
		}
		if scrub.Word(pair.Key) != pair.Key || pair.Secret == "" { // the key is shown and copied
			return nil, errors.New("the org's answer has no key and secret")
		}
		return &Credentials{Key: pair.Key, Secret: secret.New(pair.Secret), org: o, path: path}, nil
	}
	return nil, ErrNotFound
}

// keyAndSecret is a pair on the wire.
type keyAndSecret struct{ ID, Key, Secret, State string }

func (k keyAndSecret) staged() StagedCredentials {
	return StagedCredentials{k.ID, k.Key, secret.New(k.Secret), k.State}
}

// Staged returns the staged credentials. Salesforce allows one pair. If there is none, the result is empty.
func (c *Credentials) Staged(ctx context.Context) ([]StagedCredentials, error) {
	return c.staged(ctx, http.MethodGet, nil)
}

// Stage creates the next key and secret. The present ones continue to work.
func (c *Credentials) Stage(ctx context.Context) (StagedCredentials, error) {
	// A body, though it says nothing: without one there is no Content-Length, which Salesforce wants.
	list, err := c.staged(ctx, http.MethodPost, []byte("{}"))
	if err == nil && len(list) == 0 {
		err = wrap("credentials", "staged", errors.New("the org's answer has no staged credentials"))
	}
	if err != nil {
		return StagedCredentials{}, err
	}
	return list[0], nil
}

func (c *Credentials) staged(ctx context.Context, method string, body []byte) ([]StagedCredentials, error) {
	var raw json.RawMessage
	if err := c.send(ctx, method, "/staged", body, &raw); err != nil {
		return nil, err
	}
	var many struct{ StagedCredentials []keyAndSecret }
	var one keyAndSecret
	if json.Unmarshal(raw, &many) != nil || json.Unmarshal(raw, &one) != nil {
		return nil, wrap("credentials", "staged", errors.New("the org's answer is not the JSON expected"))
	}
	if one.Key != "" {
		return []StagedCredentials{one.staged()}, nil
	}
	var out []StagedCredentials
	for _, k := range many.StagedCredentials {
		out = append(out, k.staged())
	}
	return out, nil
}

// Rotate replaces the present credentials by s. The old ones continue to work for up to 30 days (assumed).
func (c *Credentials) Rotate(ctx context.Context, s StagedCredentials) error {
	return c.send(ctx, http.MethodPatch, "/staged/"+url.PathEscape(s.ID), []byte(`{"command":"rotate"}`), nil)
}

// Discard deletes the staged credentials s.
func (c *Credentials) Discard(ctx context.Context, s StagedCredentials) error {
	return c.send(ctx, http.MethodDelete, "/staged/"+url.PathEscape(s.ID), nil, nil)
}

func (c *Credentials) send(ctx context.Context, method, path string, body []byte, result any) error {
	err := c.org.send(ctx, method, c.path+path, func(r *resty.Request) {
		if body != nil {
			r.SetHeader("Content-Type", "application/json").SetBody(body)
		}
	}, result)
	return wrap("credentials", "staged", err)
}
