package oauthflow

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
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
	China           Region = "China"            // *.my.sfcrmproducts.cn, login.sfcrmproducts.cn, test.sfcrmproducts.cn
)

// The login hosts that serve all orgs of the public cloud.
const (
	productionLogin = "login.salesforce.com"
	sandboxLogin    = "test.salesforce.com"
)

// genericHosts are all login hosts that serve more than one org, by the region that must be named ("" = none).
//
// Source: Salesforce Help, "OAuth Endpoints"; for Salesforce on Alibaba Cloud public reports of its clients.
var genericHosts = map[string]Region{
	productionLogin: "", sandboxLogin: "", "login.sfcrmproducts.cn": China, "test.sfcrmproducts.cn": China,
}

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

// proxySuffix is what Microsoft Defender for Cloud Apps adds to the host of an app whose sessions it controls, such as
// acme.my.salesforce.com.mcas.ms.
//
// Source: Microsoft Learn, "What is *.mcas.ms, *.mcas-gov.us, or *.mcas-gov.ms?", with all its suffixes.
var proxySuffix = regexp.MustCompile(`\.(admin-)?(rs2?-)?m?cas(-gov)?(-df)?\.(ms|us)$`)

// salesforceDomain matches what is under a domain of Salesforce's own, and so no custom domain.
var salesforceDomain = regexp.MustCompile(`(^|\.)(salesforce\.(com|mil)|cloudforce\.com|crmforce\.mil|sfcrm(products|apps)\.cn)$`)

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
// developer or scratch org), "login.salesforce.com" or "test.salesforce.com", alone or as an https URL, with or without
// the final dot of a complete DNS name. The URL of a Lightning or Setup page, which people paste from the address bar, is
// read as its org's My Domain, also where Microsoft Defender for Cloud Apps has added a suffix of its own (".mcas.ms").
// Hosts of regions outside the public cloud are accepted only when the region is named.
//
// Everything else is an error of [KindInvalid] whose text names the host to use where one can be guessed. A custom domain
// of an org is refused, too: only DNS says whose it is, so that no secret is sent there. The org's My Domain and
// login.salesforce.com (of a sandbox test.salesforce.com) authorize the same org.
//
// Source: Salesforce Help, "My Domain URL Formats", and "OAuth Endpoints"; Microsoft Learn, "What is *.mcas.ms,
// *.mcas-gov.us, or *.mcas-gov.ms?".
func ParseHost(s string, regions ...Region) (Host, error) {
	name, err := hostname(s)
	if err != nil {
		return Host{}, invalid(opParseHost, "host", err.Error())
	}
	pasted := name
	name = proxySuffix.ReplaceAllString(name, "")
	for _, p := range pastedSuffixes {
		if org, ok := strings.CutSuffix(name, p.from); ok {
			name = org + p.to
		}
	}
	region, ok := loginRegion(name)
	switch {
	case !ok:
		return Host{}, invalid(opParseHost, "host", pasted+" "+suggestion(name))
	case region != "" && !slices.Contains(regions, region):
		return Host{}, invalid(opParseHost, "host", fmt.Sprintf("%s belongs to %s, and hosts of that region are not accepted here", pasted, region))
	}
	return Host{name}, nil
}

// loginRegion returns the region of a login host ("" = the public cloud), or false where name is none.
func loginRegion(name string) (Region, bool) {
	if region, ok := genericHosts[name]; ok {
		return region, true
	}
	for _, l := range loginSuffixes {
		if strings.HasSuffix(name, l.suffix) {
			return l.region, true
		}
	}
	return "", false
}

const opParseHost = "parse host"

// String returns the bare, lower-case host name, without scheme or port.
func (h Host) String() string { return h.name }

// IsZero reports whether h is no host.
func (h Host) IsZero() bool { return h.name == "" }

// Generic reports whether h is login.salesforce.com or test.salesforce.com, which serve all orgs, or one of the same of
// Salesforce on Alibaba Cloud. Orgs may switch login there off, and an app is found there only after it has spread to all
// of Salesforce; the org's My Domain has neither fault.
func (h Host) Generic() bool {
	_, generic := genericHosts[h.name]
	return generic
}

// Advisory returns advice for the person who configured h: empty for a My Domain, else one sentence.
func (h Host) Advisory() string {
	if !h.Generic() {
		return ""
	}
	return h.name + " works for most orgs; prefer the org's My Domain host (Setup > My Domain > Current My Domain URL), " +
		"which keeps working when the org forbids logins from " + h.name + "; an org that is known by a custom domain has a My Domain, too"
}

func (h Host) endpoint(path string) string { return "https://" + h.name + path }

func suggestion(name string) string {
	const domain = "use the org's My Domain host (Setup > My Domain), such as acme.my.salesforce.com"
	if app, ok := strings.CutSuffix(name, ".access"); ok { // of a proxy, whose own suffix is cut off
		if org, ok := strings.CutSuffix(app, "-my-salesforce-com"); ok {
			return "is an address of Microsoft Defender for Cloud Apps; use the org's My Domain host, probably " +
				org + ".my.salesforce.com"
		}
		return "is an address of Microsoft Defender for Cloud Apps; " + domain
	}
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
	if salesforceDomain.MatchString(name) {
		return "is not a Salesforce login host; " + domain
	}
	return "is not a Salesforce login host; " + domain + "; an org with a custom domain is connected there, too, or at " +
		"login.salesforce.com (a sandbox at test.salesforce.com)"
}

// hostname takes the host out of a bare name or an https URL and accepts nothing that two readers could read
// differently. Its errors do not quote s: a URL from the address bar may carry a session in its query.
func hostname(s string) (string, error) {
	s = strings.TrimFunc(s, invisible)
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
	name := strings.ToLower(strings.TrimSuffix(strings.TrimSuffix(authority, ":443"), "."))
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
