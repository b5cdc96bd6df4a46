package oauthflow

import (
	"errors"
	"net/http"
	"strings"
)

// unservedDomain stands for the org's new host where its old one says that it serves the org no more.
const unservedDomain = "!"

var errUnserved = errors.New("the host serves no such address: the org's My Domain was renamed, or it never was the org's")

// unserved reports whether Salesforce says in a refusal that the host does not serve the org: the code URL_NOT_RESET or its words, or
// the page for an address at which nothing is served. The same is said of an address that never was the org's, so that it is a
// sign and no proof. A record, resource or file that does not exist is refused in other words: NOT_FOUND, ENTITY_IS_DELETED.
//
// Source: REST API Developer Guide, "Status Codes and Error Responses" (URL_NOT_RESET); public reports of the page at hosts that an
// org has left, for existing and for invented paths alike. That a former My Domain host answers so is assumed.
func (a reply) unserved() bool {
	switch a.status {
	case http.StatusBadRequest, http.StatusNotFound, http.StatusGone, http.StatusInternalServerError: // the last is SOAP's
	default:
		return false
	}
	switch strings.ToUpper(a.code) {
	case "URL_NOT_RESET":
		return true
	case "", "UNKNOWN_EXCEPTION":
		return strings.Contains(strings.ToLower(a.message), "destination url not reset") || a.noSuchURL()
	}
	return false
}

// noSuchURL reports whether a refusal is the page "URL No Longer Exists".
func (a reply) noSuchURL() bool {
	return (a.status == http.StatusNotFound || a.status == http.StatusGone) && a.code == "" && a.message == noSuchURL
}

// noSuchURL is what package salesforce reads in that page.
const noSuchURL = "URL no longer exists"

// saysUnserved is [reply.unserved] of an answer to a request for an API. Outside of Salesforce's own APIs the page is that of a file
// that does not exist, or of what a developer has written.
func saysUnserved(req *http.Request, resp *http.Response, access string) bool {
	if !(reply{status: resp.StatusCode, code: "URL_NOT_RESET"}).unserved() {
		return false
	}
	body, err := peek(resp)
	if err != nil {
		return false
	}
	said := readReply(resp.StatusCode, resp.Header, body, formOf(access))
	return said.unserved() && (callsAPI(req) || listsVersions(req) || !said.noSuchURL())
}
