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

// stillTransport sends the present access token, to the org's hosts alone, and names connection and remedy in errors.
type stillTransport struct {
	c    *Connection
	next http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (t *stillTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := t.next.RoundTrip(req)
	var e *oauthflow.Error
	switch {
	case err == nil:
		return resp, nil
	case errors.As(err, &e):
		return nil, t.c.wrap("request", err)
	}
	// The transport is somebody else's, and may print what it was given: its words go no further.
	cause := &oauthflow.Error{Op: "request", Host: req.URL.Host, Kind: oauthflow.KindNotSent, Err: errors.New(networkCause(err))}
	return nil, t.c.wrap("request", cause)
}
