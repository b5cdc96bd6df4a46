package oauthflow

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"strings"
)

type transport struct {
	source *Source
	base   http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	v, err := t.source.current(req.Context())
	if err != nil {
		closeBody(req)
		return nil, err
	}
	own, left := v.owns(bareHost(req))
	if !own || req.URL.Scheme != "https" {
		if req.Response != nil { // a redirect, which the token does not follow
			return t.next().RoundTrip(req)
		}
		closeBody(req)
		return nil, invalid("request", "URL", fmt.Sprintf("https://%s is the only host of this connection; %s://%s is not sent the access token",
			v.host(), req.URL.Scheme, scrub(req.URL.Host)))
	}
	resp, err := t.next().RoundTrip(authorized(req, v, req.Body, left))
	if err != nil {
		return nil, requestError(req, v, err)
	}
	if !sessionEnded(req, resp) {
		if resp.StatusCode < http.StatusBadRequest {
			t.source.accept(v)
		}
		t.source.hear(req, v, resp)
		return resp, nil
	}
	fresh, err := t.source.replace(req.Context(), v.access(), v.accepted.Load() || !v.made)
	if err != nil {
		resp.Body.Close()
		return nil, err
	}
	body, ok := rewound(req)
	if !ok {
		return resp, nil // the next request has a fresh token
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxRefusal))
	resp.Body.Close()
	_, left = fresh.owns(bareHost(req))
	resp, err = t.next().RoundTrip(authorized(req, fresh, body, left))
	if err != nil {
		return nil, requestError(req, fresh, err)
	}
	if resp.StatusCode < http.StatusBadRequest {
		t.source.accept(fresh)
	}
	t.source.hear(req, fresh, resp)
	return resp, nil
}

func (t *transport) next() http.RoundTripper {
	if t.base != nil {
		return t.base
	}
	return http.DefaultTransport
}

// authorized returns a copy of req with the token, sent to the org's present host when it was for one that the org has
// left; a RoundTripper must not change its request.
func authorized(req *http.Request, v *view, body io.ReadCloser, left bool) *http.Request {
	r := new(http.Request)
	*r = *req
	r.Body = body
	if r.Header = maps.Clone(req.Header); r.Header == nil {
		r.Header = make(http.Header, 1)
	}
	r.Header["Authorization"] = v.header[:]
	if left {
		u := *req.URL
		u.Host = v.host()
		r.URL, r.Host = &u, ""
	}
	return r
}

func bareHost(req *http.Request) string {
	return strings.ToLower(strings.TrimSuffix(req.URL.Host, ":443")) // neither allocates in the usual case
}

func closeBody(req *http.Request) {
	if req.Body != nil {
		req.Body.Close()
	}
}

func rewound(req *http.Request) (io.ReadCloser, bool) {
	if req.Body == nil || req.Body == http.NoBody {
		return req.Body, true
	}
	if req.GetBody == nil {
		return nil, false
	}
	body, err := req.GetBody()
	return body, err == nil
}

// sessionEnded reports whether the answer says that the session of the request's access token has ended, which a fresh
// one heals. What a session's end looks like is in the catalogue. A session that travels elsewhere is its sender's to
// replace: the Bulk API's in a header of its own, SOAP's in the body.
func sessionEnded(req *http.Request, resp *http.Response) bool {
	switch resp.StatusCode {
	case http.StatusBadRequest:
		if req.Header.Get("X-SFDC-Session") != "" {
			return false
		}
	case http.StatusUnauthorized, http.StatusForbidden:
	default:
		return false
	}
	body, err := peek(resp)
	if err != nil {
		return false
	}
	code, message := resourceText(body)
	r, ok := lookup(resourceSide, resp.StatusCode, code, message)
	return ok && r.kind == KindSession
}

// requestError tells of a host that does not exist: trying again is no use then. Other errors of the network stay as
// they are, unless they quote the access token, as those of a foreign transport may.
func requestError(req *http.Request, v *view, err error) error {
	var dns *net.DNSError
	if errors.As(err, &dns) && dns.IsNotFound {
		return &Error{Op: opRequest, Host: bareHost(req), Kind: KindNotSent, Err: ErrNoSuchHost}
	}
	if mentions(err.Error(), v.access()) {
		return &Error{Op: opRequest, Host: bareHost(req), Kind: KindInDoubt, Err: plainCause(req.Context(), err, []Secret{NewSecret(v.access())})}
	}
	return err
}
