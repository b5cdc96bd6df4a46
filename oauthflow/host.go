package oauthflow

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// Host is a Salesforce login host: where a user authorizes and where tokens are asked for. Only [ParseHost] makes
// one, so that a consumer secret can go nowhere else. The zero Host is no host; every call refuses it.
type Host struct{ name string }

// Region opts in to login hosts outside the public cloud.
type Region string

// Regions whose hosts [ParseHost] refuses unless they are named.
const (
	GovernmentCloud Region = "Government Cloud" // *.my.salesforce.mil
	China           Region = "China"            // *.my.sfcrmproducts.cn
)

// The login hosts that serve all orgs.
const (
	productionLogin = "login.salesforce.com"
	sandboxLogin    = "test.salesforce.com"
)

// loginSuffixes lists the domains whose subdomains are login hosts, by the region that must be named ("" = none).
// *.force.com and *.site.com stay out: customers publish endpoints of their own there.
var loginSuffixes = []struct {
	suffix string
	region Region
}{
	{".my.salesforce.com", ""},
	{".my.salesforce.mil", GovernmentCloud},
	{".my.sfcrmproducts.cn", China},
}

// pastedSuffixes maps what people paste from the address bar to the login host of the same org.
var pastedSuffixes = []struct{ from, to string }{
	{".lightning.force.com", ".my.salesforce.com"},
	{".my.salesforce-setup.com", ".my.salesforce.com"},
	{".lightning.crmforce.mil", ".my.salesforce.mil"},
	{".my.salesforce-setup.mil", ".my.salesforce.mil"},
	{".lightning.sfcrmapps.cn", ".my.sfcrmproducts.cn"},
}

// siteSuffixes are hosts of Experience Cloud sites and pages, which are no login hosts of the org. Where the domain
// lets the My Domain be guessed, guess is its suffix.
var siteSuffixes = []struct{ suffix, guess string }{
	{".my.site.com", ".my.salesforce.com"},
	{".my.salesforce-sites.com", ".my.salesforce.com"},
	{".salesforce-sites.com", ""},
	{".site.com", ""},
	{".force.com", ""},
	{".visualforce.com", ""},
}

// ParseHost returns the login host that s names: an org's My Domain ("acme.my.salesforce.com", also of a sandbox,
// developer or scratch org), "login.salesforce.com" or "test.salesforce.com", alone or as an https URL. The URL of a
// Lightning or Setup page, which people paste from the address bar, is read as its org's My Domain. Hosts of
// regions outside the public cloud are accepted only when the region is named.
//
// Everything else is an error of [KindInvalid] whose text names the host to use where one can be guessed.
//
// Source: Salesforce Help, "My Domain URL Formats", and "OAuth Endpoints".
func ParseHost(s string, regions ...Region) (Host, error) {
	name, err := hostname(s)
	if err != nil {
		return Host{}, invalid(opParseHost, "host", err.Error())
	}
	pasted := name
	for _, p := range pastedSuffixes {
		if org, ok := strings.CutSuffix(name, p.from); ok {
			name = org + p.to
		}
	}
	if h := (Host{name}); h.Generic() {
		return h, nil
	}
	for _, l := range loginSuffixes {
		if !strings.HasSuffix(name, l.suffix) {
			continue
		}
		if l.region != "" && !slices.Contains(regions, l.region) {
			return Host{}, invalid(opParseHost, "host", fmt.Sprintf("%s belongs to %s, whose hosts are accepted only when that region is named", pasted, l.region))
		}
		return Host{name}, nil
	}
	return Host{}, invalid(opParseHost, "host", pasted+" "+suggestion(name))
}

const opParseHost = "parse host"

// String returns the bare, lower-case host name, without scheme or port.
func (h Host) String() string { return h.name }

// IsZero reports whether h is no host.
func (h Host) IsZero() bool { return h.name == "" }

// Generic reports whether h is login.salesforce.com or test.salesforce.com, which serve all orgs. Orgs may switch
// login there off, and an app is found there only after it has spread to all of Salesforce; the org's My Domain has
// neither fault.
func (h Host) Generic() bool { return h.name == productionLogin || h.name == sandboxLogin }

// Advisory returns advice for whoever configured h: empty for a My Domain, else one sentence.
func (h Host) Advisory() string {
	if !h.Generic() {
		return ""
	}
	return h.name + " works for most orgs; prefer the org's My Domain host (Setup > My Domain > Current My Domain URL), " +
		"which keeps working when the org forbids logins from " + h.name
}

func (h Host) endpoint(path string) string { return "https://" + h.name + path }

func suggestion(name string) string {
	const domain = "use the org's My Domain host (Setup > My Domain), such as acme.my.salesforce.com"
	if page, ok := strings.CutSuffix(name, ".vf.force.com"); ok { // the org's name, "--", and the package's
		org, kind, _ := strings.Cut(page, ".")
		if i := strings.LastIndex(org, "--"); i > 0 {
			return "is a Visualforce page, not a login host; use the org's My Domain host, probably " +
				strings.TrimSuffix(org[:i]+"."+kind, ".") + ".my.salesforce.com"
		}
	}
	for _, site := range siteSuffixes {
		org, ok := strings.CutSuffix(name, site.suffix)
		switch {
		case ok && site.guess != "":
			return "is an Experience Cloud site, not a login host; use the org's My Domain host, probably " + org + site.guess
		case ok:
			return "is a site or page, not a login host; " + domain
		}
	}
	if name == "salesforce.com" || name == "www.salesforce.com" || name == "lightning.salesforce.com" {
		return "belongs to no org; " + domain
	}
	return "is not a Salesforce login host; " + domain
}

// hostname takes the host out of a bare name or an https URL and accepts nothing that two readers could read
// differently. Its errors do not quote s: a URL from the address bar may carry a session in its query.
func hostname(s string) (string, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return "", errors.New("is empty; use the org's My Domain host, such as acme.my.salesforce.com")
	}
	if len(s) > 2048 || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' || r == '\\' || r == '@' }) {
		return "", errors.New("holds a character that no login host has; give the host alone, such as acme.my.salesforce.com")
	}
	if scheme, rest, ok := strings.Cut(s, "://"); ok {
		if !strings.EqualFold(scheme, "https") {
			return "", errors.New("must be https")
		}
		s = rest
	}
	authority := s
	if i := strings.IndexAny(s, "/?#"); i >= 0 {
		authority = s[:i]
	}
	name := strings.ToLower(strings.TrimSuffix(authority, ":443"))
	if strings.Count(name, ":") == 1 {
		return "", errors.New("names a port; Salesforce listens on 443 only")
	}
	if u, err := url.Parse("https://" + name); err != nil || u.Host != name || !isHostname(name) {
		return "", errors.New("is not a host name; use the org's My Domain host, such as acme.my.salesforce.com")
	}
	return name, nil
}

// isHostname accepts lower-case ASCII names of at least two labels by RFC 1123, no punycode, no IP address, no
// trailing dot.
func isHostname(name string) bool {
	labels := strings.Split(name, ".")
	if len(name) > 253 || len(labels) < 2 {
		return false
	}
	digits := true
	for _, l := range labels {
		if l == "" || len(l) > 63 || l[0] == '-' || l[len(l)-1] == '-' || strings.HasPrefix(l, "xn--") {
			return false
		}
		for _, c := range []byte(l) {
			switch {
			case 'a' <= c && c <= 'z', c == '-':
				digits = false
			case '0' <= c && c <= '9':
			default:
				return false
			}
		}
	}
	return !digits
}
