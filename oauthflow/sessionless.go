package oauthflow

import "net/http"

// Sessionless returns a RoundTripper for requests to Salesforce that carry no secret, such as for the list of an org's API
// versions. It adds nothing to a request and follows no redirect. The requests travel by base as those of [Source.Transport] do; nil
// means http.DefaultTransport as it is at each call. Of an *http.Transport the same copy is used: TLS 1.2 or newer, public addresses
// only unless a proxy or its own DialTLSContext makes the connection. One that undoes a check is refused, with an error of
// [KindInvalid] at each request. After [Manager.Close] the error is [ErrClosed]. It may be used by many goroutines.
func (m *Manager) Sessionless(base http.RoundTripper) http.RoundTripper {
	return &sessionless{transport{source: &Source{m: m}, base: base}}
}

type sessionless struct{ way transport }

// RoundTrip implements http.RoundTripper.
func (t *sessionless) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := t.way.source.m.ended(); err != nil {
		closeBody(req)
		return nil, err
	}
	next, err := t.way.next()
	if err != nil {
		closeBody(req)
		return nil, err
	}
	resp, err := next.RoundTrip(req)
	if err == nil {
		return resp, nil
	}
	err = t.way.source.m.flow.named(req.Context(), bareHost(req), err)
	if own := ownFault(err); own != nil {
		return nil, &Error{Op: opRequest, Host: bareHost(req), Kind: KindNotSent, Err: own}
	}
	return nil, err
}
