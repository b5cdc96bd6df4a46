package oauthflow

import (
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/oauth2"
)

// view is what a manager hands out of a connection without asking the store. There may be a million of them, so that
// it holds what requests need and no more, in 176 bytes and one piece of text. It does not change once it is handed out, but
// for its last two fields.
type view struct {
	token  oauth2.Token // in x/oauth2's form, for callers, who might change it: nothing is read from here
	header [1]string    // the values of the Authorization header; shared by all requests
	hosts  string       // origin for API calls; with loginListed also other hosts, a blank before each
	epoch  tag
	until  time.Duration // on the manager's clock, [Manager.elapsed]

	login     loginAt
	refusing  bool        // fresh sessions have been refused last, this one may be the first that is accepted
	withheld  bool        // the record says that API calls are refused
	made      bool        // by a refresh of this process, and not found in the store
	refreshes uint32      // of the epoch, of which the last has brought the access token, perhaps the same again
	successor *successor  // nil unless the token was issued in place of a malformed JWT
	accepted  atomic.Bool // Salesforce has accepted the access token
	counted   atomic.Bool // it has refused the access token at its first use, which was counted
}

// loginAt says where a connection's login host is written.
type loginAt uint8

const (
	loginHere loginAt = iota // it is the host for API calls
	loginProduction
	loginSandbox
	loginListed // it is among the view's hosts, and those follow that the org has left
)

func loginOf(g *grant) loginAt {
	switch host := g.Client.Host; {
	case len(g.PastHosts) > 0:
	case (Host{host}).endpoint("") == g.InstanceURL:
		return loginHere
	case host == productionLogin:
		return loginProduction
	case host == sandboxLogin:
		return loginSandbox
	}
	return loginListed
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
	hosts, login := g.InstanceURL, loginOf(g)
	if login == loginListed {
		hosts += " " + strings.Join(append([]string{g.Client.Host}, g.PastHosts...), " ")
	}
	text := bearer + g.Access.Reveal() + hosts // in one piece
	header := text[:len(text)-len(hosts)]
	v := &view{
		header: [1]string{header}, hosts: text[len(header):], epoch: tagOf(g.Epoch), login: login,
		refusing: g.Refusing || g.Unaccepted > 0, withheld: g.APIFault != nil && g.APIFault.Kind != "", refreshes: uint32(g.Generation),
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
	if host == v.host() {
		return true, false
	}
	if v.login != loginListed {
		return false, false
	}
	_, others, _ := strings.Cut(v.hosts, " ")
	login, past, _ := strings.Cut(others, " ")
	for past != "" {
		var p string
		if p, past, _ = strings.Cut(past, " "); host == p {
			return true, true
		}
	}
	return host == login && !(Host{login}).Generic(), false
}

// loginHost returns the connection's login host.
func (v *view) loginHost() string {
	switch v.login {
	case loginProduction:
		return productionLogin
	case loginSandbox:
		return sandboxLogin
	case loginListed:
		_, others, _ := strings.Cut(v.hosts, " ")
		login, _, _ := strings.Cut(others, " ")
		return login
	}
	return v.host()
}

// instance returns the origin for API calls.
func (v *view) instance() string {
	if v.login != loginListed {
		return v.hosts
	}
	origin, _, _ := strings.Cut(v.hosts, " ")
	return origin
}

// host returns the org's present host.
func (v *view) host() string { return hostOf(v.instance()) }

// prolonged returns the view with another recheck time.
func (v *view) prolonged(m *Manager) *view {
	again := &view{
		header: v.header, hosts: v.hosts, epoch: v.epoch, login: v.login,
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
