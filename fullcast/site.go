package fullcast

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// Site is the origin of a Fullcast instance: scheme, host and, where it is not the default, port. It has no
// trailing slash, path, query or user.
//
// A Site says nothing about the Salesforce org: either Site may connect a production org, a sandbox or a
// Developer Edition.
//
// Use [SiteOf] on what a person or a configuration gives. For development another instance is spelled out as a
// conversion, such as Site("http://localhost:4200"), and passes [Site.Validate].
//
// Source: Fullcast support, "Create an external client app", Callback URL.
type Site string

// The two Fullcast instances.
const (
	Production    Site = "https://app.fullcast.io"
	PreProduction Site = "https://sandbox.fullcast.io"
)

// callbackPaths are pages of Fullcast's web app that Salesforce sends the browser back to.
var callbackPaths = [...]string{"/app/motion/segments", "/app/admin/motion", "/app/admin/export-import"}

// SiteOf tells which Fullcast instance a URL belongs to. It takes what a browser's address bar shows: https, one of
// the two host names in any case, port 443 or none, and any path, query and fragment, which are ignored. Anything
// else is an error that names the two instances: another scheme or port, a user, a longer or shorter host name.
//
// The error shows the host at most, never the path or query, which may hold an authorization code.
//
// Source: Fullcast support, "Create an external client app": "The start of each URL should match the Fullcast
// instance URL you will authenticate".
func SiteOf(instanceURL string) (Site, error) {
	refuse := func(what string) (Site, error) {
		return "", fmt.Errorf("fullcast: instance URL: %s; use %s (production) or %s (pre-production)", what, Production, PreProduction)
	}
	u, err := url.Parse(strings.TrimSpace(instanceURL))
	switch {
	case err != nil:
		return refuse("not a URL")
	case u.Scheme != "https":
		return refuse("it must begin with https://")
	case u.User != nil:
		return refuse("it must not hold a user")
	case u.Port() != "" && u.Port() != "443", u.Port() == "" && strings.HasSuffix(u.Host, ":"):
		return refuse("it must not hold a port")
	}
	for _, s := range []Site{Production, PreProduction} {
		if "https://"+lowerASCII(u.Hostname()) == string(s) {
			return s, nil
		}
	}
	return refuse(fmt.Sprintf("%.100q is not a Fullcast instance", u.Hostname()))
}

// Validate returns an error unless the Site is an origin that Salesforce accepts callbacks on: https, or http on
// this machine (localhost, 127.0.0.0/8, ::1), in lower case, without path, query, fragment or user. It accepts
// other hosts than the two instances, for development.
//
// Source: Salesforce Help, "Configure the External Client App OAuth Settings", Callback URL.
func (s Site) Validate() error {
	if problem := s.problem(); problem != "" {
		return errors.New("fullcast: Site " + problem)
	}
	return nil
}

// problem says why the Site is none; empty when it is one.
func (s Site) problem() string {
	refuse := func(what string) string {
		return what + "; use fullcast.Production, fullcast.PreProduction, or for development an origin such as https://dev.example.com"
	}
	if s == "" {
		return refuse("is empty")
	}
	u, err := url.Parse(string(s))
	switch {
	case err != nil:
		return refuse("is not a URL")
	case u.User != nil:
		return refuse("holds a user")
	case u.Hostname() == "":
		return refuse("has no host")
	case u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())):
		return refuse("must be https, or http on this machine")
	case string(s) != u.Scheme+"://"+lowerASCII(u.Host) || strings.HasSuffix(u.Host, ":"):
		return refuse("must be scheme and host alone, in lower case, without a trailing slash")
	case u.Port() == map[string]string{"https": "443", "http": "80"}[u.Scheme] && u.Port() != "":
		return refuse("must leave out the default port")
	}
	return ""
}

// CallbackURLs returns the callback URLs that an app for this Site must list, all three of them, in the order of
// Fullcast's instructions. They are a set: their order in the app carries no meaning. The slice is the caller's.
//
// Source: Fullcast support, "Create an external client app" and "Create a Connected App", Callback URL.
func (s Site) CallbackURLs() []string {
	urls := make([]string, 0, len(callbackPaths))
	for _, p := range callbackPaths {
		urls = append(urls, string(s)+p)
	}
	return urls
}

// CheckCallbackURLs returns an error unless urls are exactly the Site's three callback URLs, in any order. The error
// names every URL that is missing, is listed twice, or does not belong, as those of the other instance do not.
func (s Site) CheckCallbackURLs(urls []string) error {
	want := s.CallbackURLs()
	seen := map[string]bool{}
	var errs []error
	for _, u := range urls {
		switch {
		case seen[u]:
			errs = append(errs, fmt.Errorf("fullcast: callback URL %q is listed twice", u))
		case !slices.Contains(want, u):
			errs = append(errs, fmt.Errorf("fullcast: callback URL %q is not one of %s; remove it", u, s))
		}
		seen[u] = true
	}
	for _, u := range want {
		if !seen[u] {
			errs = append(errs, fmt.Errorf("fullcast: callback URL %q is missing; add it", u))
		}
	}
	return errors.Join(errs...)
}

func loopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// lowerASCII lowers A to Z alone: Unicode's folding would take other letters for those of a known host.
func lowerASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}
