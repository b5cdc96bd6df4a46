package fullcast

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"sync/atomic"

	"golang.org/x/oauth2"

	"github.com/fullcast/sfauth/internal/salesforce"
	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/oauthflow"
)

// Connection is one customer's org, ready to be called. It keeps no secret and nothing to close; what it hands out may
// be used by many goroutines. Every error that leaves it is an *[Error].
type Connection struct {
	connector *Connector
	key       oauthflow.Key
	seen      atomic.Pointer[oauthflow.Connection] // the state that was loaded last
	source    *oauthflow.Source
	still     bool // calls work with the access token that there is, and change nothing; see [Connection.Diagnose]
}

func (c *Connector) connection(got oauthflow.Connection) *Connection {
	conn := &Connection{connector: c, key: got.Key, source: c.manager.Source(got.Key)}
	conn.seen.Store(&got)
	return conn
}

// Key returns the connection's name.
func (c *Connection) Key() oauthflow.Key { return c.key }

// Kind returns the kind of app that the connection had when it was last looked at: opened, or by [Connection.Status] or
// [Connection.Check].
func (c *Connection) Kind() metadata.Kind { return c.seen.Load().Kind }

// Status returns what is stored of the connection now.
func (c *Connection) Status(ctx context.Context) (oauthflow.Connection, error) {
	got, err := c.connector.manager.Load(ctx, c.Key())
	if err == nil {
		c.seen.Store(&got)
	}
	return got, c.wrap("status", err)
}

// InstanceURL returns the origin for API calls, such as "https://acme.my.salesforce.com". It may change at a refresh.
func (c *Connection) InstanceURL(ctx context.Context) (string, error) {
	if c.still {
		return c.seen.Load().InstanceURL, nil
	}
	u, err := c.source.InstanceURL(ctx)
	return u, c.wrap("instance URL", err)
}

// HTTPClient returns a client whose requests to the org carry the access token, and which replaces an access token
// whose session has ended and sends the request again. It finds an org whose My Domain was renamed. Requests to other
// hosts are refused, and a redirect that net/http would follow with another method or to another API host is the answer.
// See [oauthflow.Source.Transport] and [oauthflow.CheckRedirect].
func (c *Connection) HTTPClient() *http.Client {
	var rt http.RoundTripper
	if c.still {
		rt = &stillTransport{c, c.source.PresentTransport(c.connector.api)}
	} else {
		rt = &transport{c, c.source.Transport(c.connector.api)}
	}
	return &http.Client{Transport: rt, CheckRedirect: oauthflow.CheckRedirect}
}

// ResponseError tells what a refusal that came through [Connection.HTTPClient] means, and who has to do what; nil when
// the status is below 400. The error's text names method and path, and never the query. Afterwards the body can still be read
// from its beginning; a body that was read or closed before cannot be explained: [oauthflow.ErrBodyRead], with the remedy
// [FixCode]. See [oauthflow.ResponseError].
//
// The clients of [Connection.Resty] do this by themselves.
func (c *Connection) ResponseError(resp *http.Response) error {
	return c.wrap(operation(resp.Request), oauthflow.ResponseError(resp))
}

// operation names a request in an error, without its query.
func operation(req *http.Request) string {
	if req == nil || req.URL == nil {
		return "request"
	}
	path := req.URL.EscapedPath()
	if len(path) > maxPath {
		path = path[:maxPath] + "…"
	}
	return cmp.Or(req.Method, http.MethodGet) + " " + path
}

// maxPath is how much of a path an error shows, in bytes.
const maxPath = 200

// TokenSource returns the connection's access tokens for packages that take an oauth2.TokenSource. It replaces a token
// only when the store holds a newer one: code that calls with its tokens has to watch for ended sessions by itself, which
// [Connection.HTTPClient] does.
func (c *Connection) TokenSource() oauth2.TokenSource { return tokenSource{c} }

// Org returns a client for the org's metadata, with the connection's user and scopes.
func (c *Connection) Org(v metadata.APIVersion) (*metadata.Org, error) {
	org, err := metadata.NewOrg(metadata.OrgConfig{
		HTTPClient: c.HTTPClient(), InstanceURL: c.InstanceURL, Session: c.session, Version: v,
	})
	return org, c.wrap("org", err)
}

// session returns an access token for SOAP requests, which carry it in their body.
func (c *Connection) session(ctx context.Context, rejected string) (string, error) {
	replace := c.source.TokenContext
	switch {
	case c.still && salesforce.IsJWT(rejected):
		return "", c.wrap("session", metadata.ErrJWTSession)
	case c.still && rejected != "":
		return "", c.wrap("session", &oauthflow.Error{Op: "request", Kind: oauthflow.KindSession})
	case c.still:
		replace = c.source.Present
	case rejected != "":
		replace = func(ctx context.Context) (*oauth2.Token, error) { return c.source.Replace(ctx, rejected) }
	}
	t, err := replace(ctx)
	if err != nil {
		return "", c.wrap("session", err)
	}
	return t.AccessToken, nil
}

func (c *Connection) wrap(op string, err error) error { return wrap(op, c.Key(), c.Kind(), err) }

type tokenSource struct{ c *Connection }

func (t tokenSource) Token() (*oauth2.Token, error) {
	tok, err := t.c.source.Token()
	return tok, t.c.wrap("token", err)
}

// transport names connection and remedy in the errors of the transport below it.
type transport struct {
	c    *Connection
	next http.RoundTripper
}

func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := t.next.RoundTrip(req)
	var e *oauthflow.Error
	if errors.As(err, &e) {
		return nil, t.c.wrap("request", err)
	} else if err != nil {
		return nil, &Error{Op: "request", Key: t.c.Key(), Remedy: Retry, Err: err}
	}
	return resp, nil
}
