package oauthflow

import (
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/oauth2"
)

// view is what a manager hands out of a connection without asking the store. It does not change once it is handed out, but for
// its last two fields.
type view struct {
	token  oauth2.Token  // in x/oauth2's form, for callers, who might change it: nothing is read from here
	header [1]string     // the values of the Authorization header; shared by all requests
	api    string        // origin for API calls
	login  string        // the connection's login host
	past   []string      // hosts that the org has left
	epoch  tag           // of the grant
	until  time.Duration // on the manager's clock, [Manager.elapsed]

	refusing  bool        // fresh sessions have been refused last, this one may be the first that is accepted
	withheld  bool        // the record says that API calls are refused
	made      bool        // by a refresh of this process, and not found in the store
	refreshes uint64      // of the epoch, of which the last has brought the access token, perhaps the same again
	successor *successor  // nil unless the token was issued in place of a malformed JWT
	accepted  atomic.Bool // Salesforce has accepted the access token
	counted   atomic.Bool // it has refused the access token at its first use, which was counted
}

// tag is the beginning of an epoch, which is random.
type tag [8]byte

func tagOf(epoch string) (t tag) {
	copy(t[:], epoch)
	return t
}

const bearer = "Bearer "

// expiryAhead is how far ahead the Expiry of a token that is handed out lies at most: not its end, which Salesforce does
// not tell, but when caches of others are to ask again.
const expiryAhead = time.Minute

func (m *Manager) view(g *grant) *view {
	v := &view{
		header: [1]string{bearer + g.Access.Reveal()}, api: g.InstanceURL, login: g.Client.Host, past: slices.Clone(g.PastHosts), epoch: tagOf(g.Epoch),
		refusing: g.Refusing || g.Unaccepted > 0, withheld: g.APIFault != nil && g.APIFault.Kind != "", refreshes: g.Generation,
	}
	v.begin(m)
	return v
}

// begin sets the view's times, and makes its token.
func (v *view) begin(m *Manager) {
	v.until = m.elapsed() + m.time.Recheck
	v.token = oauth2.Token{AccessToken: v.access(), TokenType: "Bearer", Expiry: time.Now().Add(expiryAhead)}
}

// access returns the access token.
func (v *view) access() string { return v.header[0][len(bearer):] }

// owns reports whether host is one of the connection's own, and whether the org has left it.
func (v *view) owns(host string) (own, left bool) {
	switch {
	case host == v.host():
		return true, false
	case slices.Contains(v.past, host):
		return true, true
	}
	return host == v.login && !(Host{v.login}).Generic(), false
}

// host returns the org's present host.
func (v *view) host() string { return hostOf(v.api) }

// prolonged returns the view with another recheck time.
func (v *view) prolonged(m *Manager) *view {
	again := &view{
		header: v.header, api: v.api, login: v.login, past: v.past, epoch: v.epoch,
		refusing: v.refusing, withheld: v.withheld, made: v.made, refreshes: v.refreshes, successor: v.successor,
	}
	again.begin(m)
	again.accepted.Store(v.accepted.Load())
	again.counted.Store(v.counted.Load())
	return again
}

// renewed reports whether v's access token was refreshed since another was handed out that is known to be rejected. Both may be the
// same text.
func (v *view) renewed(r rejected) bool {
	return v.epoch == r.epoch && r.known && v.refreshes > r.refreshes || v.successor != r.successor
}

// publish makes v what is handed out; nil for nothing.
func (s *Source) publish(v *view) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.show(v)
}

// show is publish. What is known of the same access token already is known of v, too. The lock is held.
func (s *Source) show(v *view) {
	if old := s.view.Load(); old != nil && v != nil && old != v && old.header == v.header {
		if old.accepted.Load() {
			v.accepted.Store(true)
		}
		if v.successor == nil {
			v.successor = old.successor
		}
		if old.epoch == v.epoch && old.refreshes == v.refreshes {
			v.made = v.made || old.made
			v.counted.Store(old.counted.Load())
		}
	}
	s.view.Store(v)
	if v != nil {
		s.m.sources.keep(s)
	}
}
