package oauthflow

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// apiHosts are the hosts that serve the APIs of an org, by the cloud that they belong to ("" = the public cloud). Domains
// where customers publish pages or sites of their own are not among them (*.force.com, *.my.site.com, *.crmforce.mil,
// *.sfcrmapps.cn), nor are Salesforce's other hosts: the access token is sent to what an answer names.
//
// Instances are those of orgs without My Domain, by the names on Salesforce's status page; *.cloudforce.com is an older
// form of a My Domain.
//
// Source: Salesforce Help, "My Domain URL Formats"; status.salesforce.com, "Instances". That no other host is an
// instance_url is assumed.
var apiHosts = []struct {
	form  *regexp.Regexp
	cloud Region
}{
	{regexp.MustCompile(`^([a-z0-9-]+\.){1,3}my\.salesforce\.com$`), ""},
	{regexp.MustCompile(`^(na|eu|ap|cs|um|gs|usa|can|bra|mex|deu|fra|gbr|ita|che|swe|esp|isr|are|uae|ind|jpn|kor|sgp|idn|aus|zaf|usg)[0-9]{1,4}s?\.salesforce\.com$`), ""},
	{regexp.MustCompile(`^[a-z0-9-]+\.cloudforce\.com$`), ""},
	{regexp.MustCompile(`^([a-z0-9-]+\.){1,3}my\.salesforce\.mil$`), GovernmentCloud},
	{regexp.MustCompile(`^([a-z0-9-]+\.){1,3}my\.sfcrmproducts\.cn$`), China},
}

// pageLabels stand in hosts that serve pages and files, and no API.
var pageLabels = []string{"lightning", "file", "content", "vf", "visual", "builder", "livepreview", "preview", "container", "setup"}

// apiCloud returns the cloud of a host that serves the APIs of an org, or false where host is none.
func apiCloud(host string) (Region, bool) {
	if !isHostname(host) || slices.ContainsFunc(strings.Split(host, ".")[1:], func(label string) bool { return slices.Contains(pageLabels, label) }) {
		return "", false
	}
	for _, h := range apiHosts {
		if h.form.MatchString(host) {
			return h.cloud, true
		}
	}
	return "", false
}

// apiOrigin returns the origin ("https://host") of a URL that Salesforce gave for API calls, and its cloud; false where it
// is anything but https on a host that serves the APIs of an org.
func apiOrigin(raw string) (origin string, cloud Region, ok bool) {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "https" || u.User != nil || u.Opaque != "" || u.RawQuery != "" || u.Fragment != "" {
		return "", "", false
	}
	host := hostAndPort(u)
	if cloud, ok = apiCloud(host); !ok {
		return "", "", false
	}
	return "https://" + host, cloud, true
}

// family reports whether a host may be one of an org whose login host is h: a host of the same cloud that serves APIs. A
// token is asked for at a host of another cloud only where that was named ([ParseHost]).
func (h Host) family(host string) bool {
	own, known := loginRegion(h.name)
	cloud, ok := apiCloud(host)
	return known && ok && cloud == own
}

// dropForeign takes out of a record what a version that believed more of an answer has stored: hosts that are none of the
// org's, and the access token where the instance URL is one. The next refresh names the instance.
func (g *grant) dropForeign() {
	login := Host{g.Client.Host}
	g.PastHosts = slices.DeleteFunc(g.PastHosts, func(host string) bool { return !login.family(host) })
	if g.InstanceURL != "" && !login.family(hostOf(g.InstanceURL)) {
		g.InstanceURL, g.Access = "", sealedSecret{}
	}
}

// identityURL is a parsed identity URL: https://login.salesforce.com/id/{org}/{user}.
type identityURL struct {
	raw, org, user string
	cloud          Region // of its host
}

// parseIdentityURL reads the id member of a token answer. Org and user come back with 18 characters. Only login hosts
// serve identity URLs; the access token is sent there, so no domain where customers publish pages will do.
func parseIdentityURL(raw string) (identityURL, bool) {
	rest, https := strings.CutPrefix(raw, "https://")
	name, path, _ := strings.Cut(rest, "/")
	h, err := ParseHost(name, GovernmentCloud, China)
	if !https || err != nil || h.name != name {
		return identityURL{}, false
	}
	parts := strings.Split(path, "/")
	if len(parts) != 3 || parts[0] != "id" {
		return identityURL{}, false
	}
	cloud, _ := loginRegion(h.name)
	org, ok1 := id18(parts[1], "00D")
	user, ok2 := id18(parts[2], "005")
	return identityURL{raw, org, user, cloud}, ok1 && ok2
}
