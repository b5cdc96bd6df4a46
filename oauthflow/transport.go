package oauthflow

import (
	"bytes"
	"fmt"
	"io"
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
		return nil, err
	}
	if !sessionEnded(resp) {
		if resp.StatusCode < http.StatusBadRequest {
			t.source.accept(v)
		}
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
	if err == nil && resp.StatusCode < http.StatusBadRequest {
		t.source.accept(fresh)
	}
	return resp, err
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
	r.Header = make(http.Header, len(req.Header)+1)
	for k, values := range req.Header {
		r.Header[k] = values
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

// maxRefusal is how much of a refusal is read to understand it.
const maxRefusal = 64 << 10

// sessionEnded reports whether the answer says that the access token's session has ended, which a fresh token heals.
// Other refusals with status 401 it does not. The body can still be read afterwards.
//
// Source: Salesforce REST API Developer Guide, "Status Codes and Error Responses"; Identity URLs for Bad_OAuth_Token.
func sessionEnded(resp *http.Response) bool {
	if resp.StatusCode != http.StatusUnauthorized && resp.StatusCode != http.StatusForbidden {
		return false
	}
	head, err := io.ReadAll(io.LimitReader(resp.Body, maxRefusal))
	rest := resp.Body
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(head), rest), rest}
	if err != nil {
		return false
	}
	text := strings.TrimSpace(string(head))
	if resp.StatusCode == http.StatusForbidden {
		return text == "Bad_OAuth_Token"
	}
	for _, incurable := range []string{"not valid for use with", "not attached to Agent", "INVALID_AUTH_HEADER"} {
		if strings.Contains(text, incurable) {
			return false
		}
	}
	return true
}
