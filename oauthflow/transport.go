package oauthflow

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"sync/atomic"

	scrubber "github.com/fullcast/sfauth/internal/scrub"
)

type transport struct {
	source *Source
	base   http.RoundTripper
	still  bool                  // it uses the access token that there is, and refreshes nothing
	guard  atomic.Pointer[guard] // the copy that is used of base, where that is an *http.Transport or a layer around one
}

func (t *transport) roundTrip(req *http.Request) (*http.Response, error) {
	if err := misread(req); err != nil {
		closeBody(req)
		return nil, err
	}
	v, err := t.view(req)
	if err != nil {
		closeBody(req)
		return nil, err
	}
	j := v.journey(req)
	if pass := j.carries(); !pass.token {
		return t.without(req, v, pass)
	}
	left := j.to == placePast
	asked := bareHost(req)
	if left {
		asked = v.host()
	}
	resp, straight, err := t.carry(authorized(req, v, req.Body, left))
	switch {
	case err == nil && (t.still || !straight):
		return resp, nil
	case t.still:
		return nil, requestError(req, v, err)
	}
	if to := departed(v, req, asked, resp, err); to != "" {
		return t.follow(req, v, asked, to, resp, err)
	}
	if err != nil {
		return nil, requestError(req, v, err)
	}
	verdict, said := sessionOf(req, resp, v.access())
	if verdict == sessionStands {
		return t.heard(req, v, resp), nil
	}
	if verdict == sessionMalformed {
		if err := t.source.refusedFresh(req, v, said); err != nil {
			resp.Body.Close()
			return nil, err
		}
	}
	malformed := verdict == sessionMalformed
	fresh, err := t.source.replace(req.Context(), v.rejected(v.accepted.Load(), malformed))
	if err != nil {
		resp.Body.Close()
		return nil, err
	}
	own, left := fresh.owns(bareHost(req))
	if !own {
		return resp, nil // another org has taken the place of the one that was asked, and its token is not for that
	}
	body, ok := rewound(req)
	if !ok {
		return resp, nil // the next request has a fresh token
	}
	drain(resp)
	return t.repeat(req, fresh, body, left, verdict)
}

// view returns the state of the connection that a request is sent with.
func (t *transport) view(req *http.Request) (*view, error) {
	if t.still {
		return t.source.present(req.Context())
	}
	return t.source.current(req.Context())
}

// without sends a request that carries no token, or refuses it.
func (t *transport) without(req *http.Request, v *view, pass passage) (*http.Response, error) {
	switch pass.refuse {
	case refusesHost:
		closeBody(req)
		return nil, invalid(opRequest, "URL", fmt.Sprintf("https://%s is the only host of this connection; %s://%s is not sent the access token",
			v.host(), scrub(req.URL.Scheme), scrub(req.URL.Host)))
	case refusesHop:
		closeBody(req)
		return nil, invalid(opRequest, "Client.CheckRedirect", "is required for such a redirect, which net/http would follow with another method, "+
			"or to another host with a body or a session; set oauthflow.CheckRedirect")
	}
	req = plainly(req, NewSecret(v.access()))
	resp, _, err := t.carry(req)
	if err != nil && ownFault(err) == nil && noSuchHost(err) { // another host than the org's, whose name says nothing of the org
		return nil, plainError(req, err, NewSecret(v.access()))
	} else if err != nil {
		return nil, requestError(req, v, err)
	}
	return resp, nil
}

// follow deals with an answer that says that the org has left the host that was asked, or with the error of a host that
// does not exist: it sends the request once more where the org is now, and else returns what came.
func (t *transport) follow(req *http.Request, v *view, asked, to string, resp *http.Response, failed error) (*http.Response, error) {
	fresh, err := t.source.locate(req.Context(), v, asked, to)
	if err != nil && failed != nil && !broken(err) { // that there is no such host says more
		return nil, requestError(req, v, failed)
	}
	switch {
	case err != nil:
		drain(resp)
		return nil, err
	case (fresh.host() == asked || replaced(v, fresh, asked)) && failed != nil:
		return nil, requestError(req, v, failed)
	case replaced(v, fresh, asked):
		return resp, nil
	case fresh.host() == asked:
		t.source.hear(req, v, resp)
		return resp, nil
	}
	drain(resp)
	body, ok := rewound(req)
	if !ok {
		return nil, &Error{Op: opRequest, Host: fresh.host(), Kind: KindInvalid, Err: errNoBody}
	}
	return t.repeat(req, fresh, body, true, sessionStands)
}

// replaced reports whether a later login has made a connection of which nobody knows that the host that was asked is one of its org's:
// what a caller asks of one org is not done in another.
func replaced(was, now *view, asked string) bool {
	own, _ := now.owns(asked)
	return !own && now.epoch != was.epoch
}

var errNoBody = errors.New("Request.GetBody: is required to send the request again, since the org has another address now and " +
	"nothing was done at the old one; http.NewRequest sets it for the usual kinds of body, and the next request goes to the new address")

// repeat sends the request a second and last time. First is what the first answer has said of the session.
func (t *transport) repeat(req *http.Request, v *view, body io.ReadCloser, left bool, first sessionVerdict) (*http.Response, error) {
	sent := t.source.m.flow.now()
	resp, straight, err := t.carry(authorized(req, v, body, left))
	if err != nil {
		return nil, requestError(req, v, err)
	}
	if !straight {
		return resp, nil
	}
	verdict, said := sessionOf(req, resp, v.access())
	if verdict != sessionStands && first != sessionStands {
		err = t.source.refusedAtFirstUse(req, v, sent, verdict)
	}
	if verdict == sessionMalformed {
		malformed := t.source.refusedFresh(req, v, said)
		if malformed == nil && first == sessionMalformed { // both were, and the second was stored while the first was under way
			malformed = freshJWT(req, v, said, 0)
		}
		err = cmp.Or(malformed, err)
	}
	if err != nil {
		resp.Body.Close()
		return nil, err
	}
	return t.heard(req, v, resp), nil
}

// heard takes from an answer what it says of the connection. A redirect says nothing of the access token, and neither does what it ends
// in outside of the APIs: that may be a login page. Nor does the list of versions, which needs no session.
func (t *transport) heard(req *http.Request, v *view, resp *http.Response) *http.Response {
	taken := resp.StatusCode < http.StatusMultipleChoices || resp.StatusCode == http.StatusNotModified
	if taken && (req.Response == nil && !listsVersions(req) || callsAPI(req)) {
		t.source.accept(v)
	}
	t.source.watchUsage(resp.Header)
	t.source.hear(req, v, resp)
	return resp
}

// drain reads a refusal's or redirect's body to its end, so that the connection can be used again, and closes it.
func drain(resp *http.Response) {
	if resp == nil {
		return
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxRefusal))
	resp.Body.Close()
}

// carry sends a request, and prepares the response for those who read it. A response that did not come straight from the URL
// that was asked says nothing of the connection.
func (t *transport) carry(req *http.Request) (resp *http.Response, straight bool, err error) {
	next, err := t.next()
	if err != nil {
		closeBody(req)
		return nil, false, err
	}
	if resp, err = next.RoundTrip(req); err != nil {
		if fault := dialFault(err); fault != nil {
			t.source.m.alertTransport(opRequest, bareHost(req), fault)
		}
		return nil, false, t.source.m.flow.named(req.Context(), bareHost(req), err)
	}
	fault := misled(req, resp)
	if fault != nil {
		t.source.m.alertTransport(opRequest, bareHost(req), fault)
	}
	if fault == errUnseen {
		resp.Body.Close()
		return nil, false, &Error{Op: opRequest, Host: bareHost(req), Kind: KindInDoubt, Err: fault}
	}
	scrubber.Answered(req, resp)
	if resp.StatusCode != http.StatusSwitchingProtocols && resp.Body != http.NoBody { // the former's body can also be written to
		resp.Body = &answerBody{resp.Body, req}
	}
	return resp, fault == nil || fault == errRewritten, nil
}

// next returns what requests travel by now: of an *http.Transport a guarded copy.
func (t *transport) next() (http.RoundTripper, error) {
	l, ok := apart(t.base)
	if !ok && t.base == nil {
		return http.DefaultTransport, nil
	} else if !ok {
		return t.base, nil
	}
	if g := t.guard.Load(); g != nil && g.from == l.network {
		return l.around(g.to), nil
	}
	g, err := t.source.m.guards.get(l.network)
	if err != nil {
		return nil, err
	}
	t.guard.Store(g)
	return l.around(g.to), nil
}

// authorized returns a copy of req with the token, none of the caller's [ownHeaders] and no name of a header in Connection, sent to the org's present host when it was
// for one that the org has left; a RoundTripper must not change its request. A Host that is not the URL's does not travel.
func authorized(req *http.Request, v *view, body io.ReadCloser, left bool) *http.Request {
	r := new(http.Request)
	*r = *req
	r.Body, r.Host = body, ""
	if r.Header = maps.Clone(req.Header); r.Header == nil {
		r.Header = make(http.Header, 1)
	}
	for name, values := range r.Header {
		switch {
		case isOwnHeader(name):
			delete(r.Header, name)
		case isConnectionHeader(name):
			if r.Header[name] = ofConnection(values); r.Header[name] == nil {
				delete(r.Header, name)
			}
		}
	}
	r.Header["Authorization"] = v.header[:]
	if left {
		u := *req.URL
		u.Host = v.host()
		r.URL = &u
	}
	return r
}

func bareHost(req *http.Request) string { return hostAndPort(req.URL) }

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
	return body, err == nil && body != nil
}
