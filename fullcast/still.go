package fullcast

import (
	"errors"
	"net/http"

	"github.com/fullcast/sfauth/oauthflow"
)

// atRest returns the same connection for looking only: what is called through it is called with the access token that
// there is, and a session that has ended stays so. Nothing is spent and nothing written.
func (c *Connection) atRest() *Connection {
	looking := &Connection{connector: c.connector, key: c.key, source: c.source, still: true}
	looking.seen.Store(c.seen.Load())
	return looking
}

// stillTransport sends the present access token, to the org's host alone.
type stillTransport struct{ c *Connection }

// RoundTrip implements http.RoundTripper.
func (t *stillTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	next := t.c.connector.transport
	if next == nil {
		next = http.DefaultTransport
	}
	if "https://"+req.URL.Host == t.c.seen.Load().InstanceURL && req.URL.Scheme == "https" {
		tok, err := t.c.source.Present(req.Context())
		if err != nil {
			if req.Body != nil {
				_ = req.Body.Close()
			}
			return nil, t.c.wrap("request", err)
		}
		req = req.Clone(req.Context())
		req.Header.Set("Authorization", "Bearer "+tok.AccessToken)
	}
	resp, err := next.RoundTrip(req)
	if err == nil {
		return resp, nil
	}
	// The transport is somebody else's, and may print what it was given: its words go no further.
	cause := &oauthflow.Error{Op: "request", Host: req.URL.Host, Kind: oauthflow.KindNotSent, Err: errors.New(networkCause(err))}
	if noSuchHost(err) {
		cause.Err = oauthflow.ErrNoSuchHost
	}
	return nil, t.c.wrap("request", cause)
}
