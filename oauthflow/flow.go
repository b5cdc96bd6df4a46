package oauthflow

import (
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/fullcast/sfauth/internal/badfields"
)

// Config is what is the same for every org.
type Config struct {
	// RedirectURLs is the exact-match list of callback URLs. Required; each an absolute URL without query or
	// fragment, https except for localhost.
	RedirectURLs []string

	// Transport carries the requests. Optional; default http.DefaultTransport, read at each call. An
	// *http.Transport is cloned for each call and hardened: a fresh HTTP/1.1 connection, TLS 1.2 or newer, no
	// connection to a private address unless a proxy or the transport's own DialTLSContext makes it, none by a
	// DialTLSContext that shows that no certificate was verified, and no byte
	// after the caller has given up. On Linux and macOS a request that the network holds back for 5 seconds (a
	// Manager's Timing.Quiet) never arrives, so that it cannot spend a token that another process has been told is
	// unspent; a connection of the transport's own dial function that wraps another one should have a NetConn method
	// like crypto/tls.Conn's for that, and what a proxy holds back is out of reach. One with InsecureSkipVerify,
	// TLSClientConfig.ServerName, Dial or DialTLS is refused. One inside a [TransportLayer] is treated in the same way, and
	// the layer put around the copy. Any other RoundTripper is used as
	// it is, with none of this; an error that it returns counts as in doubt, since nobody can tell whether it had sent,
	// and so does a response of another URL than was asked, or of TLS without a verified certificate ([ErrTransport]).
	Transport http.RoundTripper

	// PrivateNetworks are networks that are not public and in which the service reaches Salesforce all the same: those of a service
	// mesh (240.0.0.0/4), of a private link (10.0.0.0/8), or of a NAT64 of the network's own. They count for hosts of Salesforce
	// alone, over an *http.Transport, and certificates are verified as ever. One that holds addresses of the machine itself, of
	// its link (169.254.0.0/16, fe80::/10), or of multicast is refused. Optional; default: public addresses only, and of
	// NAT64 (64:ff9b::/96, 64:ff9b:1::/48) those with a public one inside.
	PrivateNetworks []netip.Prefix

	// Now is the wall clock: for timestamps and lifetimes, and to notice that the machine was suspended, which stops the
	// monotonic clock. It is called from many goroutines. Optional; default time.Now.
	Now func() time.Time
}

// Flow speaks the OAuth 2.0 web server flow with Salesforce: one call makes at most one POST and never repeats it.
// It keeps nothing between calls but what the login hosts publish of themselves. Its methods may be called from many goroutines at once.
//
// Source: Salesforce Help, "OAuth 2.0 Web Server Flow for Web App Integration"; RFC 6749 §4.1, RFC 7636, RFC 9700.
type Flow struct {
	redirectURLs []string
	transport    http.RoundTripper
	now          func() time.Time
	to           reach
	names        *names
	keys         *issuerKeys
	alert        func(op, host string, fault error) // is told what a transport of the caller's does; nil for nobody
}

// NewFlow returns a Flow, or an error of [KindInvalid] that names every field at fault.
func NewFlow(c Config) (*Flow, error) {
	const op = "new flow"
	var bad badfields.List
	if len(c.RedirectURLs) == 0 {
		bad.Add("Config.RedirectURLs", "is required: the callback URLs that the apps list")
	}
	for i, raw := range c.RedirectURLs {
		field := fmt.Sprintf("Config.RedirectURLs[%d]", i)
		if problem := redirectProblem(raw); problem != "" {
			bad.Add(field, problem)
		} else if slices.Contains(c.RedirectURLs[:i], raw) {
			bad.Add(field, "is listed twice")
		}
	}
	if problem := weakens(c.Transport); problem != "" {
		bad.Add("Config.Transport", problem)
	}
	for i, p := range c.PrivateNetworks {
		if problem := networkProblem(p); problem != "" {
			bad.Add(fmt.Sprintf("Config.PrivateNetworks[%d]", i), problem)
		}
	}
	if err := invalidFields(op, bad); err != nil {
		return nil, err
	}
	f := &Flow{
		redirectURLs: slices.Clone(c.RedirectURLs), transport: c.Transport, now: c.Now, keys: new(issuerKeys), names: newNames(),
		to: reach{slices.Clone(c.PrivateNetworks)},
	}
	if f.now == nil {
		f.now = time.Now
	}
	return f, nil
}

// watched returns the same flow, which tells alert what a transport of the caller's does.
func (f *Flow) watched(alert func(op, host string, fault error)) *Flow {
	w := *f
	w.alert = alert
	return &w
}

func redirectProblem(raw string) string {
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Host == "" || strings.ContainsFunc(raw, func(r rune) bool { return r <= ' ' || r > '~' || r == '\\' }):
		return "must be an absolute URL of printable ASCII characters"
	case u.Scheme != "https" && !(u.Scheme == "http" && isLocalhost(u.Hostname())):
		return "must be https (http only for localhost)"
	case u.User != nil:
		return "must not name a user"
	case u.RawQuery != "" || u.ForceQuery || strings.Contains(raw, "#"):
		return "must have neither query nor fragment"
	}
	return ""
}

func isLocalhost(host string) bool {
	return host == "localhost" || host == "127.0.0.1" || host == "::1"
}

// base returns the caller's transport as it is at this moment, so that a test double put in place after the Flow was
// made is used, too.
func (f *Flow) base() http.RoundTripper {
	if f.transport != nil {
		return f.transport
	}
	return http.DefaultTransport
}
