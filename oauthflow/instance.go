package oauthflow

import (
	"net/url"
	"strings"
)

// apiSuffixes are the domains below which Salesforce serves its APIs.
var apiSuffixes = []string{
	".salesforce.com", ".force.com", ".cloudforce.com", ".my.salesforce.mil", ".crmforce.mil", ".my.sfcrmproducts.cn",
}

// apiOrigin returns the origin ("https://host") of a URL that Salesforce gave for API calls, or false where it is
// anything but https on one of Salesforce's own domains.
func apiOrigin(raw string) (string, bool) {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "https" || u.User != nil || u.Opaque != "" || u.RawQuery != "" || u.Fragment != "" {
		return "", false
	}
	host := strings.ToLower(strings.TrimSuffix(u.Host, ":443"))
	if !isHostname(host) {
		return "", false
	}
	for _, s := range apiSuffixes {
		if strings.HasSuffix(host, s) {
			return "https://" + host, true
		}
	}
	return "", false
}

// identityURL is a parsed identity URL: https://login.salesforce.com/id/{org}/{user}.
type identityURL struct{ raw, org, user string }

// parseIdentityURL reads the id member of a token answer. Org and user come back with 18 characters. Only login hosts
// serve identity URLs; the access token is sent there, so no domain where customers publish pages will do.
func parseIdentityURL(raw string) (identityURL, bool) {
	rest, https := strings.CutPrefix(raw, "https://")
	name, path, _ := strings.Cut(rest, "/")
	if h, err := ParseHost(name, GovernmentCloud, China); !https || err != nil || h.name != name {
		return identityURL{}, false
	}
	parts := strings.Split(path, "/")
	if len(parts) != 3 || parts[0] != "id" {
		return identityURL{}, false
	}
	org, ok1 := id18(parts[1], "00D")
	user, ok2 := id18(parts[2], "005")
	return identityURL{raw, org, user}, ok1 && ok2
}

// id18 returns a Salesforce record id of 15 characters, which depends on case, in its form of 18, which does not.
// One of 18 is returned as it is.
//
// Source: Salesforce Help, "Record ID Formats".
func id18(id, prefix string) (string, bool) {
	if len(id) != 15 && len(id) != 18 || !strings.HasPrefix(id, prefix) || strings.ContainsFunc(id, notAlphanumeric) {
		return "", false
	}
	if len(id) == 18 {
		return id, true
	}
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
	full := []byte(id)
	for block := range 3 {
		bits := 0
		for i := range 5 {
			if c := id[block*5+i]; 'A' <= c && c <= 'Z' {
				bits |= 1 << i
			}
		}
		full = append(full, alphabet[bits])
	}
	return string(full), true
}

// sameID reports whether two record ids, each of 15 or 18 characters, name the same record.
func sameID(a, b string) bool { return len(a) >= 15 && len(b) >= 15 && a[:15] == b[:15] }

func notAlphanumeric(r rune) bool {
	return !('0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z')
}
