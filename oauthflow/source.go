package oauthflow

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"

	"golang.org/x/oauth2"
)

// Source hands out access tokens of one connection. A manager has one for each key, and keeps it as long as it lives.
// It may be used by many goroutines at once.
type Source struct {
	m    *Manager
	key  Key
	view atomic.Pointer[view]
	api  atomic.Pointer[hearing] // nil as long as no API call was refused

	mu    sync.Mutex
	stale *stale // nil as long as the access token is good
	mark  mark   // the newest state known
}

// stale is what there is while an access token is looked for.
type stale struct {
	flight   *flight   // the one under way, or nil
	rejected *rejected // the access token that Salesforce rejected last, or nil
}

// looking returns the flight that is under way, if there is one. The lock is held.
func (s *Source) looking() *flight {
	if s.stale == nil {
		return nil
	}
	return s.stale.flight
}

// refused returns the access token that Salesforce rejected last, if there is one. The lock is held.
func (s *Source) refused() *rejected {
	if s.stale == nil {
		return nil
	}
	return s.stale.rejected
}

// look notes what is looked for; nothing takes no memory. The lock is held.
func (s *Source) look(f *flight, r *rejected) {
	s.stale = nil
	if f != nil || r != nil {
		s.stale = &stale{f, r}
	}
}

var _ oauth2.TokenSource = (*Source)(nil)

// Source returns the source of a connection. Whether the connection exists shows at the first use.
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
	if v := s.view.Load(); v != nil && s.m.monotonic() < v.until {
		return &v.token, nil
	}
	v, err := s.current(ctx)
	if err != nil {
		return nil, err
	}
	return &v.token, nil
}

// Replace returns an access token other than the one that Salesforce rejected, refreshing the connection when the
// store has no other. Many callers that were refused the same token cause one refresh. After a refresh the answer may
// be the same token again: Salesforce then has renewed its session.
func (s *Source) Replace(ctx context.Context, rejected string) (*oauth2.Token, error) {
	v, err := s.replace(ctx, rejected, true) // whether it was good for anything before, only the caller knows
	if err != nil {
		return nil, err
	}
	return &v.token, nil
}

func (s *Source) replace(ctx context.Context, rejected string, served bool) (*view, error) {
	if v := s.view.Load(); v != nil && v.access() != rejected && s.m.monotonic() < v.until {
		return v, nil
	}
	s.condemn(rejected, served)
	return s.join(ctx, rejected, rejection)
}

// current returns the view that a request is to use.
func (s *Source) current(ctx context.Context) (*view, error) {
	if v := s.view.Load(); v != nil && s.m.monotonic() < v.until {
		return v, nil
	}
	if v := s.meanwhile(); v != nil {
		return v, nil
	}
	return s.join(ctx, "", rejection)
}

// Present returns the access token that there is now, without a request and without a change of the store: for looking
// at a connection that must not be touched. Its session may have ended. Where none is kept the error is of [KindSession].
func (s *Source) Present(ctx context.Context) (*oauth2.Token, error) {
	if v := s.view.Load(); v != nil && s.m.monotonic() < v.until {
		return &v.token, nil
	}
	if err := s.key.validate(opRequest); err != nil {
		return nil, err
	}
	_, g, err := s.m.load(ctx, opRequest, s.key)
	if err != nil {
		return nil, err
	}
	s.recall(g)
	if err := s.m.unusable(s, g); err != nil {
		return nil, err
	}
	if g.Access.IsZero() {
		return nil, &Error{Op: opRequest, Host: g.Client.Host, Kind: KindSession, Err: errors.New("no access token is kept")}
	}
	return &s.m.view(g).token, nil
}

// InstanceURL returns the origin for API calls, such as "https://acme.my.salesforce.com". It may change at a refresh.
func (s *Source) InstanceURL(ctx context.Context) (string, error) {
	v, err := s.current(ctx)
	if err != nil {
		return "", err
	}
	return v.instance(), nil
}

// Transport returns a RoundTripper that adds the access token to requests to the connection's own hosts and heals an
// ended session: a request that Salesforce refuses for its session is sent once more with another token, if its body
// can be read again (http.NewRequest sees to that for the usual kinds). It is sent twice at most: when the other token,
// which another process has stored, has ended, too, the caller gets that refusal, and the next request a fresh token.
// A request to any other host is refused, except
// that a redirect to one is followed without the token. A request to a host that the org has left goes to its
// present one. Every other refusal comes back as it is; [ResponseError] tells what it means.
//
// When the org refuses all API calls (403 with API_DISABLED_FOR_ORG, API_CURRENTLY_DISABLED or REQUEST_LIMIT_EXCEEDED, 503 in
// maintenance), the connection is shown as suspended until a call works again, at the latest for an hour after the last such
// refusal. Calls and refreshes go on all the same. At most once a minute and process that is stored, and nobody waits for it.
//
// The requests travel by base; nil means http.DefaultTransport as it is at each call.
func (s *Source) Transport(base http.RoundTripper) http.RoundTripper { return &transport{s, base} }
