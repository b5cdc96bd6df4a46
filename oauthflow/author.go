package oauthflow

import (
	"bytes"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/fullcast/sfauth/internal/salesforce"
)

// author tells whose answer a refusal is, as far as it shows. They are in order: a ruling that needs one of them takes the later
// ones, too.
type author uint8

const (
	authorOther      author = iota // there is a body, and no word of Salesforce's in it: a firewall, proxy or gateway may have answered
	authorUnknown                  // there is no body
	authorSalesforce               // it holds a word of Salesforce's, or redirects to one of its hosts
)

// readReply reads the words of an answer that is no success to a request that carried a token of that form.
func readReply(status int, header http.Header, body []byte, form tokenForm) reply {
	a := reply{status: status, form: form}
	a.code, a.message = salesforce.Refusal(header, body)
	switch {
	case isSalesforces(a.code), redirects(status) && namesSalesforce(header.Get("Location")):
		a.author = authorSalesforce
	case len(bytes.TrimSpace(body)) == 0:
		a.author = authorUnknown
	}
	return a
}

// isSalesforces reports whether a code looks like one of Salesforce's, which are in the catalogue or joined by underscores. That of
// a gateway, such as "Unauthorized", is neither.
func isSalesforces(code string) bool {
	return strings.Contains(code, "_") || code != "" && slices.ContainsFunc(catalogue, func(r ruling) bool {
		return r.code != "" && r.code != "*" && codeMatches(r.code, code)
	})
}

// namesSalesforce reports whether an absolute URL is on a domain of Salesforce's. That says who redirects there, and nothing of
// whether it may be followed.
func namesSalesforce(location string) bool {
	u, err := url.Parse(location)
	if err != nil || u.Host == "" {
		return false
	}
	host := bareName(u.Hostname())
	return salesforceDomain.MatchString(host) || slices.ContainsFunc(siteSuffixes, func(s struct{ suffix, guess string }) bool {
		return strings.HasSuffix(host, s.suffix)
	}) || slices.ContainsFunc(pastedSuffixes, func(s struct{ from, to string }) bool { return strings.HasSuffix(host, s.from) })
}
