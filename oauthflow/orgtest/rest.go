package orgtest

import (
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

// oldestData is the oldest version of the data API that is not retired.
const oldestData = 31

var versioned = regexp.MustCompile(`^/services/data/v(\d+)\.0(/.*)?$`)

// rest is the REST API under /services/data. Source: captured calls of the sf CLI for the list
// of versions; docs, REST API error codes; that a version which is not served answers like any unknown path is assumed.
func (o *Org) rest(in *request) answer {
	if in.path == "/services/data" || in.path == "/services/data/" { // docs: the list of versions needs no session
		if in.Method != http.MethodGet && in.Method != http.MethodHead {
			return methodNotAllowed(in.Method, "GET, HEAD")
		}
		if wantsXML(in) {
			return unsimulatedREST("Accept: application/xml")
		}
		var list []map[string]string
		for v := oldestAPI; v <= o.newest(); v++ {
			list = append(list, map[string]string{
				"label": fmt.Sprintf("API %d", v), "url": fmt.Sprintf("/services/data/v%d.0", v), "version": fmt.Sprintf("%d.0", v),
			})
		}
		return jsonAnswer(http.StatusOK, list)
	}
	m := versioned.FindStringSubmatch(in.path)
	if m == nil {
		return notThere()
	}
	version, _ := strconv.Atoi(m[1])
	switch { // versions before the app types exist serve the data API as well
	case version < oldestData: // help, Platform API versions 21.0 through 30.0 retirement; the body is assumed
		return restError(http.StatusGone, "GONE", "The requested API version is retired")
	case version > o.newest():
		return notThere()
	}
	o.mu.Lock()
	s, refused := o.restSession(in)
	o.mu.Unlock()
	if refused != nil {
		return *refused
	}
	return o.told(o.resource(in, s, version, strings.TrimSuffix(m[2], "/")))
}

// restSession authenticates an API call. Errors: docs, REST API error codes.
func (o *Org) restSession(in *request) (*session, *answer) {
	fail := func(status int, code, message string) (*session, *answer) {
		a := restError(status, code, message)
		o.record(Entry{Event: "api", Detail: in.path, Outcome: code})
		return nil, &a
	}
	s, why := o.sessionOf(in, in.bearer())
	jwt := isJWT(in.bearer())
	switch {
	case why == "dead" && jwt:
		// an expired JWT; two public reports (airbyte#71024 and another)
		return fail(http.StatusUnauthorized, "INVALID_AUTH_HEADER", "INVALID_JWT_FORMAT")
	case why == "dead":
		return fail(http.StatusUnauthorized, "INVALID_SESSION_ID", "Session expired or invalid")
	case why == "" && jwt && !has(s.scopes, "api", "full", "web"): // the same reports; that it is said of JWTs alone is assumed
		return fail(http.StatusUnauthorized, "INVALID_AUTH_HEADER", "INVALID_SCOPES")
	case why == "locked" || !has(s.scopes, "api", "full", "web"):
		// no refresh cures this one (jsforce#1774)
		return fail(http.StatusUnauthorized, "INVALID_SESSION_ID", "This session is not valid for use with the REST API")
	}
	if !o.spend() {
		return fail(http.StatusForbidden, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
	}
	o.record(Entry{Event: "api", Detail: in.path, User: s.user.Username, Outcome: "ok"})
	return s, nil
}

// isJWT tells a token in JWT form. Source: help, JWT-based access tokens; RFC 7515.
func isJWT(token string) bool {
	return strings.HasPrefix(token, "eyJ") && strings.Count(token, ".") == 2
}

// resource finds what lies under a version. Source: captured calls of the sf CLI, jsforce and go-salesforce for which paths are
// asked for and which members are needed; the rest of the bodies is assumed.
func (o *Org) resource(in *request, s *session, version int, path string) answer {
	base := fmt.Sprintf("/services/data/v%d.0", version)
	name, rest, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	if wantsXML(in) {
		return unsimulatedREST("Accept: application/xml")
	}
	switch {
	case path == "/metadata/deployRequest" || strings.HasPrefix(path, "/metadata/deployRequest/"):
		return o.deployRequest(in, s, version, strings.TrimPrefix(strings.TrimPrefix(path, "/metadata/deployRequest"), "/"))
	case strings.HasPrefix(path, "/apps/oauth/"):
		return o.appCredentials(in, s, strings.TrimPrefix(path, "/apps/oauth/"))
	case name == "sobjects":
		return o.sobject(in, version, rest)
	case name == "query":
		return o.query(in, s, version, "query", rest)
	case path == "/tooling/query" || strings.HasPrefix(path, "/tooling/query/"):
		return o.query(in, s, version, "tooling/query", strings.TrimPrefix(strings.TrimPrefix(rest, "query"), "/"))
	case path == "/tooling/sobjects/SourceMember/describe": // of an org without source tracking
		return notThere()
	case otherResources[name] && path != "/limits":
		return unsimulatedREST(in.Method + " " + path)
	case path != "" && path != "/limits":
		return notThere()
	case in.Method != http.MethodGet && in.Method != http.MethodHead:
		return methodNotAllowed(in.Method, "GET, HEAD")
	case path == "/limits":
		return o.limitsAnswer()
	}
	return jsonAnswer(http.StatusOK, map[string]string{
		"identity": o.identityHost(in) + "/id/" + o.ID() + "/" + s.user.id,
		"limits":   base + "/limits", "metadata": base + "/metadata", "query": base + "/query", "sobjects": base + "/sobjects",
	})
}

// otherResources are parts of the REST API that this org does not have. What is in no list gets Salesforce's own 404. Source: docs, REST
// API, resources by version, and Connect REST API.
var otherResources = map[string]bool{
	"actions": true, "analytics": true, "appMenu": true, "apps": true, "async-queries": true, "chatter": true, "commerce": true, "compactLayouts": true,
	"composite": true, "connect": true, "consent": true, "domino": true, "dedupe": true, "emailConnect": true, "event": true, "eventSchema": true,
	"flexipage": true, "limits": true, "graphql": true, "jobs": true, "jsonxform": true, "knowledgeManagement": true, "licensing": true,
	"localizedvalue": true, "match": true, "metadata": true, "nouns": true, "parameterizedSearch": true, "payments": true,
	"process": true, "queryAll": true, "quickActions": true, "recent": true, "resource-definitions": true,
	"scheduling": true, "search": true, "serviceTemplates": true, "smartdatadiscovery": true, "support": true,
	"tabs": true, "theme": true, "tooling": true, "ui-api": true, "wave": true,
}

// unsimulatedREST refuses what the REST API has and this org has not. No client takes it for an answer of Salesforce's: status and code
// are of this package (assumed that none of them means it).
func unsimulatedREST(what string) answer {
	return restError(http.StatusNotImplemented, "NOT_SIMULATED", notSimulated+what)
}

// wantsXML says whether a request asks for XML, which the REST API could answer. Source: docs, REST API, formats.
func wantsXML(in *request) bool { return formatOf(in, "", "json") == "xml" }
