package oauthflow

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	scrubber "github.com/fullcast/sfauth/internal/scrub"
)

// departure is what an org's own host has said of where the org is now.
type departure struct {
	from  string        // host that has redirected, or is gone; empty for none
	to    string        // where it redirects; [unknownDomain] for a name that is gone, [unservedDomain] for a refusal
	until time.Duration // it counts for so long, on the manager's monotonic clock
	stays bool          // a refresh has named the same host again
}

// departureAge is how long a departure counts.
const departureAge = time.Hour

// departed returns where an answer, or the failure to get one, says that the org has gone from the host that was asked:
// a host, [unknownDomain], or [unservedDomain]. It returns nothing for every other outcome.
func departed(v *view, req *http.Request, asked string, resp *http.Response, err error) (to string) {
	if err != nil {
		if noSuchHost(err) {
			return unknownDomain
		}
		return ""
	}
	if saysUnserved(req, resp, v.access()) {
		return unservedDomain
	}
	u, ok := apiRedirect(asked, resp.StatusCode, resp.Header)
	if !ok || u.Host == asked {
		return ""
	}
	if own, left := v.owns(u.Host); own && !left && u.RequestURI() != req.URL.RequestURI() {
		return "" // from one of the connection's hosts to another resource on another: nothing has moved
	}
	return u.Host
}

func noSuchHost(err error) bool {
	var dns *net.DNSError
	return !errors.Is(err, ErrOwnNetwork) && errors.As(err, &dns) && dns.IsNotFound
}

// locate returns the view with which a request is to be repeated whose answer said that the org has left the host that was
// asked: the present one where that names another host already, else one that a refresh has made, once for each access
// token. A view with the same host means that the org is still there, or that the refresh after a refusal has failed.
func (s *Source) locate(ctx context.Context, v *view, asked, to string) (*view, error) {
	if v.host() != asked { // it was one of the connection's other hosts
		return v, nil
	}
	if now := s.view.Load(); now != nil && s.m.elapsed() < now.until && (now.host() != asked || now.access() != v.access()) {
		return now, nil
	}
	if s.stays(asked) {
		return v, nil
	}
	if to == unknownDomain && v.login == asked { // nor is there a host to ask for a fresh token
		return s.stored(ctx, v, asked), nil
	}
	s.depart(departure{from: asked, to: to})
	work := time.Duration(0)
	if !isDomain(to) { // a caller who waits for a name does not wait for what is in doubt
		work = patience
	}
	fresh, err := s.joinLeaving(ctx, v.access(), asked, renewal, work)
	if errors.Is(err, errDoubtful) && isDomain(to) { // no access token is served to its end at a host that redirects
		fresh, err = s.replace(ctx, v.rejected(true, false))
	}
	if to == unservedDomain && err != nil && !broken(err) { // the answer says more, and is no reason to ask again and again
		fresh, err = v, nil
	}
	if err == nil && fresh.host() == asked {
		s.depart(departure{from: asked, to: to, stays: true})
	}
	return fresh, err
}

// isDomain reports whether a departure names a host.
func isDomain(to string) bool { return to != unknownDomain && to != unservedDomain }

// stored returns what the store holds where another process has found the org at another host than the one that was asked,
// else v.
func (s *Source) stored(ctx context.Context, v *view, asked string) *view {
	_, g, err := s.m.load(ctx, opRequest, s.key)
	if err != nil || s.m.unusable(s, g) != nil {
		return v
	}
	if g.Access.IsZero() || g.livesAt(asked) || s.superseded(g) {
		return v
	}
	now := s.m.view(g)
	s.publish(now)
	return now
}

func (s *Source) depart(d departure) {
	h := s.hearing()
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.left.from == d.from && h.left.stays && s.m.elapsed() < h.left.until {
		return // what a refresh has found counts for its time
	}
	d.until = s.m.elapsed() + departureAge
	h.left = d
}

// stays reports whether a refresh has found not long ago that the org is still at host, whatever that answers.
func (s *Source) stays(host string) bool {
	d := s.departure()
	return d.from == host && d.stays
}

// renamed returns the new host of g's org where its present one has redirected API calls there not long ago,
// [unknownDomain] where that does not exist or serve the org any more, and nothing else.
func (s *Source) renamed(g *grant) string {
	d := s.departure()
	if d.from == "" || d.stays || !g.livesAt(d.from) {
		return ""
	}
	if _, login := loginRegion(d.to); !login { // such as an instance, where nobody logs in
		return unknownDomain
	}
	if scrubber.New(g.Client.Secret.Secret, g.Refresh.Secret, g.Access.Secret).Mentions(d.to) {
		return unknownDomain
	}
	return d.to
}

// departure returns the last one while it counts.
func (s *Source) departure() departure {
	h := s.api.Load()
	if h == nil {
		return departure{}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if s.m.elapsed() >= h.left.until {
		return departure{}
	}
	return h.left
}
