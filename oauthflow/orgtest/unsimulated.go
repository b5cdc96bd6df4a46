package orgtest

import (
	"net/url"
	"slices"
	"strings"
)

// notSimulated begins what this org says to a request that Salesforce would carry out and it does not.
const notSimulated = "not simulated: "

// otherGrants are flows of Salesforce's that this org does not have. Source: help, OAuth authorization flows; docs, hybrid flows.
var otherGrants = map[string]bool{
	"password": true, "client_credentials": true, "device": true, "hybrid_refresh": true, "hybrid_auth_code": true,
	"urn:ietf:params:oauth:grant-type:jwt-bearer":     true,
	"urn:ietf:params:oauth:grant-type:saml2-bearer":   true,
	"urn:ietf:params:oauth:grant-type:token-exchange": true,
	"urn:ietf:params:oauth:grant-type:device_code":    true,
	"assertion": true,
}

// otherResponses are response types of Salesforce's that this org does not have. Source: Salesforce's OpenID configuration; help,
// hybrid flows and device flow; OpenID Connect Core 3.3.
var otherResponses = map[string]bool{
	"token": true, "id_token": true, "id_token token": true, "code id_token": true, "code token": true, "code id_token token": true,
	"hybrid_token": true, "device_code": true,
}

// otherAuthorize are parameters that change what an authorize request does. A parameter that no document knows is ignored, as
// RFC 6749 3.1 demands. Source: OpenID Connect Core 3.1.2.1, 5.5 and 6; RFC 9449 10; help, OAuth flows, for sso_provider.
var otherAuthorize = []string{
	"acr_values", "claims", "dpop_jkt", "id_token_hint", "max_age", "request", "request_uri", "response_mode", "sso_provider",
}

// unreadAuthorize says what an authorize request asks for that this org does not simulate, "" for nothing.
// The parameter prompt is simulated: [Org.Approve] logs in and allows the app each time.
func unreadAuthorize(q url.Values) string {
	for _, name := range otherAuthorize {
		if q.Has(name) {
			return notSimulated + name
		}
	}
	if v := q.Get("display"); v != "" && v != "page" {
		return notSimulated + "display=" + v
	}
	for _, v := range strings.Fields(q.Get("prompt")) {
		if !slices.Contains([]string{"login", "consent", "select_account"}, v) {
			return notSimulated + "prompt=" + v
		}
	}
	if v := q.Get("immediate"); v != "" && v != "true" && v != "false" {
		return notSimulated + "immediate=" + v
	}
	return ""
}

// responseTypes sorts the words of a response type, whose order does not count (OAuth 2.0 Multiple Response Types 3).
func responseTypes(text string) string {
	return strings.Join(slices.Sorted(strings.FieldsSeq(text)), " ")
}

// unreadToken is the same for the parameters of a token request, besides its grant.
func unreadToken(form url.Values) string {
	for _, name := range []string{"client_assertion", "client_assertion_type", "assertion", "resource", "audience"} {
		if form.Has(name) && !otherGrants[form.Get("grant_type")] {
			return notSimulated + name
		}
	}
	if v := form.Get("format"); !slices.Contains([]string{"", "json", "xml", "urlencoded"}, v) {
		return notSimulated + "format=" + v
	}
	return ""
}

// unreadSOAP names an operation or a header of the Metadata API that this org does not have. Source: WSDL.
func unreadSOAP(header *node, operation string) string {
	if slices.Contains([]string{"describeValueType", "renameMetadata", "checkStatus"}, operation) {
		return operation
	}
	if header.is("AllOrNoneHeader/allOrNone") {
		return "AllOrNoneHeader"
	}
	return ""
}

// unsimulatedSOAP refuses what SOAP has and this org has not. The code is that of Salesforce's own surprises (assumed).
func unsimulatedSOAP(what string) *fault { return &fault{"UNKNOWN_EXCEPTION", notSimulated + what} }

// unreadUser says what a request to userinfo or to an identity URL asks for that this org does not simulate, "" for nothing. Source: docs,
// identity URLs, for the parameters.
func unreadUser(in *request) string {
	for _, name := range []string{"callback", "version"} {
		if in.query.Has(name) {
			return notSimulated + name
		}
	}
	if f := formatOf(in, in.query.Get("format"), "json"); f != "json" {
		return notSimulated + "format=" + f
	}
	return ""
}
