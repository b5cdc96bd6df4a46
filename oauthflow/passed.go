package oauthflow

import (
	"net/http"
	"net/url"
	"strings"
)

// A service may pass on what its own users ask of the org. They then choose method, path, headers and body of a request that
// carries the access token, and must not choose who reads it, where it ends, or whose it is.

// ownHeaders are the headers that a connection and net/http set. net/http leaves out a caller's where its map has them under their
// canonical names, and would send them beside its own under any other.
//
// Source: RFC 9112 §3.2, §6.3.
var ownHeaders = []string{"Authorization", "Host", "Content-Length", "Transfer-Encoding", "Trailer"}

// isOwnHeader reports whether a header, whose name may be in any case, is one of [ownHeaders].
func isOwnHeader(name string) bool {
	for _, own := range ownHeaders {
		if len(name) == len(own) && strings.EqualFold(name, own) {
			return true
		}
	}
	return false
}

// misread returns the error of a request that somebody could read as one for another host, or of another user; nil for nothing. A
// request line that begins with anything but a slash counts more than the header Host.
//
// Source: RFC 9112 §3.2.2, §3.2.3; RFC 9110 §6.5.1.
func misread(req *http.Request) error {
	switch u := req.URL; {
	case u.Opaque != "" && !(rooted(u.Opaque) && !strings.HasPrefix(u.Opaque, "//")): // net/http puts the scheme before two slashes
		return invalid(opRequest, "URL.Opaque", "would name another place than URL.Host; leave it empty, and set RawPath for a path that is escaped")
	case !rooted(u.Path), !rooted(u.RawPath):
		return invalid(opRequest, "URL.Path", "must begin with a slash: without, it could name another host than URL.Host")
	}
	for name := range req.Trailer {
		if isOwnHeader(name) {
			return invalid(opRequest, "Request.Trailer", "must not name "+http.CanonicalHeaderKey(name)+", which is the connection's to set")
		}
	}
	return nil
}

// rooted reports whether a path is none, or begins with a slash.
func rooted(path string) bool { return path == "" || path[0] == '/' }

// hostAndPort returns a URL's host in lower case, without port 443.
func hostAndPort(u *url.URL) string { return lowerASCII(strings.TrimSuffix(u.Host, ":443")) }

// bareName returns a URL's host in lower case, without port 443 and without the final dot of a complete DNS name.
func bareName(host string) string {
	return lowerASCII(strings.TrimSuffix(strings.TrimSuffix(host, ":443"), "."))
}

// lowerASCII lowers A to Z alone. Unicode makes an ASCII letter of others, too, where the names of hosts make another name of them:
// U+0130 is no i there.
//
// Source: RFC 4343 §3; UTS #46 §4.
func lowerASCII(s string) string {
	return strings.Map(func(r rune) rune { // allocates where anything changes only
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}
