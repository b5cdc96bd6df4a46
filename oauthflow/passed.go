package oauthflow

import (
	"net/http"
	"net/url"
	"slices"
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

// connectionOptions are what a caller's headers Connection and Proxy-Connection may say. What else stands there is the name of a
// header that a server in between takes away: the token may be in it.
//
// Source: RFC 9110 §7.6.1.
var connectionOptions = []string{"close", "keep-alive", "upgrade", "te", "http2-settings"}

// isConnectionHeader reports whether a header, whose name may be in any case, names others that are for the next server alone.
func isConnectionHeader(name string) bool {
	return strings.EqualFold(name, "Connection") || strings.EqualFold(name, "Proxy-Connection")
}

// ofConnection returns the [connectionOptions] of a header's values; nil for none. It changes no value.
func ofConnection(values []string) (kept []string) {
	for _, value := range values {
		for option := range strings.SplitSeq(value, ",") {
			option = strings.Trim(option, " \t")
			if slices.ContainsFunc(connectionOptions, func(o string) bool { return strings.EqualFold(o, option) }) {
				kept = append(kept, option)
			}
		}
	}
	return kept
}

// misread returns the error of a request that somebody could read as one for another host, of another user, or of another
// version of HTTP; nil for nothing. A request line that begins with anything but a slash counts more than the header Host, and a
// blank ends what it asks for.
//
// Source: RFC 9112 §3, §3.2.2, §3.2.3; RFC 9110 §6.5.1.
func misread(req *http.Request) error {
	switch u := req.URL; {
	case u.Opaque != "" && !(rooted(u.Opaque) && !strings.HasPrefix(u.Opaque, "//")): // net/http puts the scheme before two slashes
		return invalid(opRequest, "URL.Opaque", "would name another place than URL.Host; leave it empty, and set RawPath for a path that is escaped")
	case strings.ContainsFunc(u.Opaque, unwritable):
		return invalid(opRequest, "URL.Opaque", unescaped)
	case strings.ContainsFunc(u.RawQuery, unwritable):
		return invalid(opRequest, "URL.RawQuery", unescaped+"; url.Values.Encode writes a query")
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

const unescaped = "must hold no blank and no control character, which would end the line of the request: they are written as %20 and the like"

// unwritable reports whether a character stands in no line of a request.
//
// Source: RFC 3986 §2.
func unwritable(r rune) bool { return r <= ' ' || r == 0x7f }

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
