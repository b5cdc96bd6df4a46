package oauthflow

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"

	"golang.org/x/oauth2"
)

// Source hands out access tokens of one connection. A manager has one for each key. It keeps that of a connection that
// exists; that of any other key lasts as long as its caller holds it. It may be used by many goroutines at once.
type Source struct {
	m    *Manager
	key  Key
	view atomic.Pointer[view]
	api  atomic.Pointer[hearing] // nil as long as no API call was refused or redirected

	mu    sync.Mutex
	stale atomic.Pointer[stale] // nil as long as the access token is good; no printer follows such a pointer to the one that is not
	mark  mark                  // the newest state known

	kept atomic.Bool // the manager keeps it: the connection exists
}

// stale is what there is while an access token is looked for.
type stale struct {
	flight   *flight   // the one under way, or nil
	rejected *rejected // the access token that Salesforce rejected last, or nil
}

// looking returns the flight that is under way, if there is one. The lock is held.
func (s *Source) looking() *flight {
	if gone := s.stale.Load(); gone != nil {
		return gone.flight
	}
	return nil
}

// refused returns the access token that Salesforce rejected last, if there is one. The lock is held.
func (s *Source) refused() *rejected {
	if gone := s.stale.Load(); gone != nil {
		return gone.rejected
	}
	return nil
}

// refusedAt returns the login host that a refresh is to be expected at, because Salesforce has rejected the access token; empty
// when it is not known, or none is to be expected.
func (s *Source) refusedAt() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if gone := s.refused(); gone != nil {
		return gone.login
	}
	return ""
}

// look notes what is looked for; nothing takes no memory. The lock is held.
func (s *Source) look(f *flight, r *rejected) {
	if f == nil && r == nil {
		s.stale.Store(nil)
		return
	}
	s.stale.Store(&stale{f, r})
}

var _ oauth2.TokenSource = (*Source)(nil)

// Source returns the source of a connection. Whether the connection exists, and whether a connection can have that key,
// shows at the first use. Sources of connections that do not exist take no memory once nobody holds them.
func (m *Manager) Source(k Key) *Source { return m.sources.of(k, m) }

// Token is [Source.TokenContext] without an end: the caller waits as long as a refresh takes.
func (s *Source) Token() (*oauth2.Token, error) { return s.TokenContext(context.Background()) }

// TokenContext returns an access token. One that was handed out a moment ago comes from memory, without locks or
// allocations; otherwise the store is asked, and only where it holds none is one refreshed. The refresh goes on when
// ctx ends; only the wait ends.
//
// The token is shared and must not be changed. It never holds the refresh token. Its Expiry is at most a minute ahead
// and says when to ask here again, not when the session ends, which Salesforce does not tell: a token that Salesforce
// refuses is exchanged by [Source.Replace], as [Source.Transport] does by itself.
func (s *Source) TokenContext(ctx context.Context) (*oauth2.Token, error) {
	if v := s.ready(); v != nil {
		return &v.token, nil
	}
	v, err := s.current(ctx)
	if err != nil {
		return nil, err
	}
	return &v.token, nil
}

// ready returns what can be handed out without asking the store, or nil.
func (s *Source) ready() *view {
	if v := s.view.Load(); v != nil && !s.m.closed.Load() && s.m.elapsed() < v.until {
		return v
	}
	return nil
}

// Replace returns an access token other than the one that Salesforce rejected, refreshing the connection when the
// store has no other. Many callers that were refused the same token cause one refresh. After a refresh the answer may
// be the same token again: Salesforce then has renewed its session.
func (s *Source) Replace(ctx context.Context, rejected string) (*oauth2.Token, error) {
	v, err := s.replace(ctx, s.rejectedBy(rejected))
	if err != nil {
		return nil, err
	}
	return &v.token, nil
}

// replace returns the view that has taken the place of one whose access token Salesforce has rejected. That of a successor may
// have the same access token, renewed.
func (s *Source) replace(ctx context.Context, r rejected) (*view, error) {
	if v := s.ready(); v != nil && (v.access() != r.access || v.renewed(r)) {
		return v, nil
	}
	if err := s.m.ended(); err != nil {
		return nil, err
	}
	if s.condemn(r) {
		return s.join(ctx, "", rejection)
	}
	return s.join(ctx, r.access, rejection)
}

// current returns the view that a request is to use.
func (s *Source) current(ctx context.Context) (*view, error) {
	if v := s.ready(); v != nil {
		return v, nil
	}
	if err := s.m.ended(); err != nil {
		return nil, err
	}
	if v := s.meanwhile(); v != nil {
		return v, nil
	}
	return s.join(ctx, "", rejection)
}

// Present returns the access token that there is now, without a request and without a change of the store: for looking
// at a connection that must not be touched. Its session may have ended. Where none is kept the error is of [KindSession].
func (s *Source) Present(ctx context.Context) (*oauth2.Token, error) {
	v, err := s.present(ctx)
	if err != nil {
		return nil, err
	}
	return &v.token, nil
}

func (s *Source) present(ctx context.Context) (*view, error) {
	if v := s.ready(); v != nil {
		return v, nil
	}
	if err := s.m.ended(); err != nil {
		return nil, err
	}
	if err := s.key.validate(opRequest); err != nil {
		return nil, err
	}
	_, g, err := s.m.load(ctx, opRequest, s.key)
	if err != nil {
		return nil, err
	}
	s.m.sources.keep(s)
	if err := s.m.unusable(s, g); err != nil {
		return nil, err
	}
	if g.Access.IsZero() {
		return nil, &Error{Op: opRequest, Host: g.Client.Host, Kind: KindSession, Err: errors.New("no access token is kept")}
	}
	if s.superseded(g) {
		return nil, &Error{Op: opRequest, Host: g.Client.Host, Kind: KindSession, Err: errSuperseded}
	}
	return s.m.view(g), nil
}

// InstanceURL returns the origin for API calls, such as "https://acme.my.salesforce.com". It may change at a refresh.
func (s *Source) InstanceURL(ctx context.Context) (string, error) {
	v, err := s.current(ctx)
	if err != nil {
		return "", err
	}
	return v.api, nil
}

// Transport returns a RoundTripper that adds the access token to requests to the connection's own hosts and heals an
// ended session: a request that Salesforce refuses for its session is sent once more with another token, if its body
// can be read again (http.NewRequest sees to that for the usual kinds). A refusal by a SOAP API comes back as it is: the session is
// in the body, and its sender replaces it ([Source.Replace]). A request is sent twice at most: when the other token,
// which another process has stored, has ended, too, the caller gets that refusal, and the next request a fresh token.
// A request to any other host is refused, except
// that a redirect to one is followed without the token. A request to a host that the org has left goes to its
// present one. Every other refusal comes back as it is; [ResponseError] tells what it means.
//
// A JWT-based access token that Salesforce refuses as malformed (INVALID_AUTH_HEADER, INVALID_JWT_FORMAT) counts as one whose session
// has ended; of an opaque token the same words mean a wrong host. When the token that was issued in its place is refused in these
// words at once, the caller gets an error of [KindFreshRefused], and none is refreshed for such a refusal for a minute, then for
// two, at most for sixteen. Requests that Salesforce accepts go on meanwhile. So one JWT that is refused causes one refresh, however
// many callers of however many processes have sent it. The store does not say what a token was issued for: a process that finds a
// refused one there later refreshes once itself, until five fresh tokens in a row suspend the connection for all processes.
//
// A fresh token that Salesforce refuses at its first use, in the request that it was made for, is counted, in whatever words and
// however far apart the requests are. After five in a row, of all processes together, the caller gets an error of [KindFreshRefused],
// and the connection is suspended: it is refreshed again after a minute, then after two, at most after sixteen, until a token is
// accepted. A token that was accepted and ends later is not counted.
//
// One access token causes one refresh for its ended session, in all processes together: those that are refused it later take what the
// record holds. That counts each refresh, also where Salesforce answers with the same token, whose session it has renewed. Where that
// is refused again, it is refreshed again.
// Where the org's host redirects to another API host of the same cloud, does not exist any more, or says that it does not serve the
// org (the code URL_NOT_RESET, or for Salesforce's own APIs its page "URL No Longer Exists" with 404 or 410), My Domain was probably
// renamed: the connection is refreshed, once for each access token however many requests wait, and the request is sent once
// more to the instance URL that is known then, with its method and body. A body that cannot be read again is an error of
// [KindInvalid], after which the caller's next request goes to the new host. Where the refresh names the same host again,
// the answer comes back as it is, and within the hour another such answer causes no refresh; nor does one where the refresh after
// such a refusal has failed. A redirect to a login page, a file or a site comes back as it is, and so does a 404 of a record or a
// resource. A proxy that makes the connection (CONNECT) resolves the name itself, and answers for a name that is gone with the same
// 502, 503 or 504 as for any other failure: that is an error of the network and causes no refresh. Behind a proxy a name that is gone
// is found by the keep-alive's next refresh, or by [Manager.Renew]. Give the http.Client [CheckRedirect], so that net/http does not make a GET of it.
//
// When the org refuses all API calls (403 with API_DISABLED_FOR_ORG, API_CURRENTLY_DISABLED or REQUEST_LIMIT_EXCEEDED, 503 in
// maintenance), the connection is shown as suspended until a call works again, at the latest for an hour after the last such
// refusal. Calls and refreshes go on all the same. At most once a minute and process that is stored, and nobody waits for it.
//
// What a redirect carries is decided by one table for the transport and for [CheckRedirect]. Outside of the connection's own
// hosts a request holds no access token and no header of the caller's but those that say nothing of a session, such as
// Accept, Range and User-Agent; nor does one that comes back to the org after another host was asked, since that host chose
// it. Of a body, of a request that is no GET or HEAD, and of a URL that quotes a session, nothing is sent there: an error of
// [KindInvalid], which [CheckRedirect] prevents.
//
// Who passes on requests of others may leave the caller's Host and headers as they are: of Authorization, Host, Content-Length,
// Transfer-Encoding and Trailer, in any case, those of the connection and of net/http alone are sent, and of Connection the options close, keep-alive, upgrade, TE and HTTP2-Settings: any
// other is the name of a header that is to be taken away. A URL.Path that does not begin with a slash, a URL.Opaque that names a
// host, a blank or control character in URL.Opaque or URL.RawQuery, and one of these names in the trailers are errors of
// [KindInvalid].
//
// The requests travel by base; nil means [ManagerConfig].APITransport, and without one http.DefaultTransport as it is at each call.
// Of an *http.Transport a copy is used, one
// for each manager, with connections of its own: TLS 1.2 or newer, public addresses only unless a proxy or its own
// DialTLSContext makes the connection, and no *tls.Conn that has verified no certificate. Set its fields before the first
// request. One with InsecureSkipVerify, ServerName, Dial or DialTLS is refused, with an error of [KindInvalid] at each request.
// Inside a [TransportLayer] an *http.Transport is copied or refused in the same way, and the layer is put around the copy.
// Any other RoundTripper is used as it is; see [ErrTransport].
func (s *Source) Transport(base http.RoundTripper) http.RoundTripper {
	base = s.m.apiTransport(base)
	return &transport{source: s, base: base}
}

// PresentTransport is [Source.Transport] with the access token of [Source.Present]: it sends each request once, refreshes
// nothing, changes nothing in the store, and takes nothing from an answer.
func (s *Source) PresentTransport(base http.RoundTripper) http.RoundTripper {
	base = s.m.apiTransport(base)
	return &transport{source: s, base: base, still: true}
}

// apiTransport returns what a source's requests travel by where its caller has given base, and tells of what it may do.
func (m *Manager) apiTransport(base http.RoundTripper) http.RoundTripper {
	if base == nil {
		base = m.cfg.APITransport
	}
	m.tellTransport(base)
	return base
}
