package oauthflow

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
)

var (
	errRedirect = errors.New("the host redirects token requests to an address that is never followed: it is no My Domain host of " +
		"the same cloud, or not the same endpoint")
	errForeignRedirect = errors.New("the answer redirects to no host of Salesforce's: something on the way has given it, such as a proxy's or " +
		"network's login page; nothing is sent there")
	errSecondRedirect = errors.New("the host that token requests were redirected to redirects them again, which is not followed")
)

// redirects reports whether an HTTP status sends a request to another address.
//
// Source: RFC 9110 §15.4.
func redirects(status int) bool {
	switch status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return true
	}
	return false
}

// redirectedTo returns the absolute https URL that an answer redirects to, with its host in lower case and without port
// or final dot; false where there is none, or more than one.
func redirectedTo(status int, header http.Header) (*url.URL, bool) {
	locations := header.Values("Location")
	if !redirects(status) || len(locations) != 1 {
		return nil, false
	}
	u, err := url.Parse(locations[0])
	if err != nil || u.Scheme != "https" || u.User != nil || u.Opaque != "" {
		return nil, false
	}
	u.Host = bareName(u.Host)
	return u, isHostname(u.Host)
}

// tokenRedirect returns the login host to which h has sent a request for one of its token endpoints on; false where that
// may not be followed. It may go to the same path of a My Domain host in h's own cloud alone: never to a site, a generic
// host, another path, or h itself. What else the URL holds is not used.
//
// That a login host redirects so is reported of the generic hosts and documented of a My Domain that was renamed.
// Source: Salesforce Help, "My Domain Redirections"; public reports of Salesforce's mobile SDKs.
func tokenRedirect(h Host, path string, status int, header http.Header) (Host, bool) {
	u, ok := redirectedTo(status, header)
	if !ok || u.EscapedPath() != path {
		return Host{}, false
	}
	to := Host{u.Host}
	from, known := loginRegion(h.name)
	region, login := loginRegion(to.name)
	if !known || !login || !isAPIHost(to.name) || to.Generic() || to == h || region != from {
		return Host{}, false
	}
	return to, true
}

// apiRedirect returns the API host to which an answer of an org's own host redirects, where it says that the org has
// another address now; false for a redirect to a login page, a file, a site, a page of the user interface, or another
// cloud.
//
// Source: Salesforce Help, "My Domain URL Formats".
func apiRedirect(from string, status int, header http.Header) (*url.URL, bool) {
	u, ok := redirectedTo(status, header)
	if !ok {
		return nil, false
	}
	there, ok := apiCloud(u.Host)
	here, own := apiCloud(from)
	return u, ok && own && here == there
}

// isAPIHost reports whether a host is one of those that serve the APIs of an org. No redirect to a generic host, a file or a
// site says where the API is.
func isAPIHost(host string) bool {
	_, ok := apiCloud(host)
	return ok
}

// CheckRedirect is the [http.Client].CheckRedirect for a client over [Source.Transport]. The transport deals with an org
// whose address has changed by itself; the redirect that it hands on comes back to the caller as it is, where following it
// would do harm: one that answers anything but GET or HEAD, or a request with a body, which net/http would turn into a GET or
// send to another host; one to another API host, or back from another host to the org, which would get the request without
// an access token; one to a generic login host, whose page would pass for the answer; one to plain http; and one whose URL
// names a user, or quotes a session (access_token, oauth_token, sid).
// Others, such as those to files, are followed, at most ten in a row: outside of the host that the caller has asked with the
// headers that say nothing of a session alone, such as Accept, Range and User-Agent.
func CheckRedirect(req *http.Request, via []*http.Request) error {
	hops := len(via)
	via = slices.DeleteFunc(slices.Clone(via), func(r *http.Request) bool { return r == nil || r.URL == nil })
	if len(via) == 0 {
		return nil
	}
	pass := redirected(req, via).carries()
	switch {
	case pass.refuse != sends:
		return http.ErrUseLastResponse
	case hops >= maxVia:
		return errors.New("stopped after ten redirects")
	case !pass.headers:
		req.Header = plainOf(req.Header, secretsSent(append(via, req)))
	}
	return nil
}

// maxVia is how many redirects a client follows.
const maxVia = 10

// redirected describes a request that an http.Client is about to send after a redirect. The host of the first is taken for
// the connection's own.
func redirected(req *http.Request, via []*http.Request) journey {
	own, last := via[0].URL, via[len(via)-1]
	place := func(u *url.URL) place {
		switch {
		case u.Scheme == "https" && bareName(u.Host) == bareName(own.Host):
			return placeOwn
		case u.Scheme == "https" && isAPIHost(bareName(u.Host)):
			return placeAPI
		}
		return placeForeign
	}
	j := journey{
		asker: asksClient, to: place(req.URL), hop: hopOwn, was: last.Method, method: req.Method, plain: req.URL.Scheme != "https",
		login: Host{bareName(req.URL.Host)}.Generic(),
		body:  req.Body != nil && req.Body != http.NoBody,
	}
	for _, r := range via {
		if place(r.URL) != placeOwn {
			j.hop = hopBeyond
		}
	}
	j.session = quotes(req.URL, via)
	return j
}
