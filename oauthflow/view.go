package oauthflow

import (
	"sync/atomic"
	"time"

	"golang.org/x/oauth2"
)

// view is what a manager hands out of a connection without asking the store. There may be a million of them, so that
// it holds what requests need and no more. It does not change, but for its last two fields.
type view struct {
	header   [1]string // the values of the Authorization header; shared by all requests
	instance string    // origin for API calls
	login    string    // login host
	past     []string  // hosts that the org has left
	epoch    tag
	until    time.Duration // on the manager's monotonic clock

	refusing bool                         // fresh sessions have been refused, this one may be the first that is accepted
	withheld bool                         // the record says that API calls are refused
	made     bool                         // by a refresh of this process, and not found in the store
	token    atomic.Pointer[oauth2.Token] // made when it is first asked for
	accepted atomic.Bool                  // Salesforce has accepted the access token
}

// tag is the beginning of an epoch, which is random.
type tag [8]byte

func tagOf(epoch string) (t tag) {
	copy(t[:], epoch)
	return t
}

const bearer = "Bearer "

func (m *Manager) view(g *grant) *view {
	return &view{
		header:   [1]string{bearer + g.Access.Reveal()},
		instance: g.InstanceURL,
		login:    g.Client.Host,
		past:     g.PastHosts,
		epoch:    tagOf(g.Epoch),
		until:    m.monotonic() + m.time.Recheck,
		refusing: g.Refusing,
		withheld: g.APIFault != nil && g.APIFault.Kind != "",
	}
}

// access returns the access token.
func (v *view) access() string { return v.header[0][len(bearer):] }

// expiryAhead is how far ahead the Expiry of a token that is handed out lies: not its end, which Salesforce does not
// tell, but when caches of others are to ask again.
const expiryAhead = time.Minute

// oauth2Token returns the token in x/oauth2's form.
func (v *view) oauth2Token() *oauth2.Token {
	if t := v.token.Load(); t != nil {
		return t
	}
	v.token.CompareAndSwap(nil, &oauth2.Token{AccessToken: v.access(), TokenType: "Bearer", Expiry: time.Now().Add(expiryAhead)})
	return v.token.Load()
}

// owns reports whether host is one of the connection's own, and whether the org has left it.
func (v *view) owns(host string) (own, left bool) {
	if host == v.host() {
		return true, false
	}
	for _, p := range v.past {
		if host == p {
			return true, true
		}
	}
	return host == v.login && !(Host{v.login}).Generic(), false
}

// host returns the org's present host.
func (v *view) host() string { return hostOf(v.instance) }

// prolonged returns the view with another recheck time.
func (v *view) prolonged(m *Manager) *view {
	again := &view{
		header: v.header, instance: v.instance, login: v.login, past: v.past, epoch: v.epoch,
		until: m.monotonic() + m.time.Recheck, refusing: v.refusing, withheld: v.withheld, made: v.made,
	}
	again.accepted.Store(v.accepted.Load())
	return again
}

// publish makes v what is handed out; nil for nothing.
func (s *Source) publish(v *view) {
	if old := s.view.Load(); old != nil && v != nil && old.header == v.header && old.accepted.Load() {
		v.accepted.Store(true)
	}
	s.view.Store(v)
}

// recall fills in an access token that is kept in memory only.
func (s *Source) recall(g *grant) {
	if v := s.view.Load(); v != nil && g.Access.IsZero() && v.epoch == tagOf(g.Epoch) {
		g.Access = sealedSecret{NewSecret(v.access())}
	}
}
