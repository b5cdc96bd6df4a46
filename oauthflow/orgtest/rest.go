package orgtest

import (
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

var versioned = regexp.MustCompile(`^/services/data/v(\d+)\.0(/.*)?$`)

// rest is the REST API under /services/data. Source: captured calls of the sf CLI for the list
// of versions; docs, REST API error codes; that a version which is not served answers like any unknown path is assumed.
func (o *Org) rest(in *request) answer {
	if in.path == "/services/data" || in.path == "/services/data/" { // docs: the list of versions needs no session
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
		return restError(http.StatusNotFound, "NOT_FOUND", "The requested resource does not exist")
	}
	version, _ := strconv.Atoi(m[1])
	if version < 20 || version > o.newest() { // versions before the app types exist serve the data API as well
		return restError(http.StatusNotFound, "NOT_FOUND", "The requested resource does not exist")
	}
	o.mu.Lock()
	s, refused := o.restSession(in)
	o.mu.Unlock()
	if refused != nil {
		return *refused
	}
	return o.resource(in, s, version, strings.TrimSuffix(m[2], "/"))
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
	o.record(Entry{Event: "api", Detail: in.path, User: s.user.Username, Outcome: "ok"})
	return s, nil
}

// isJWT tells a token in JWT form. Source: help, JWT-based access tokens; RFC 7515.
func isJWT(token string) bool {
	return strings.HasPrefix(token, "eyJ") && strings.Count(token, ".") == 2
}

// resource finds what lies under a version. Source: captured calls of the sf CLI, jsforce and go-salesforce for which paths are
// asked for and which members are needed; the rest of the bodies, and the numbers in limits, are assumed.
func (o *Org) resource(in *request, s *session, version int, path string) answer {
	base := fmt.Sprintf("/services/data/v%d.0", version)
	switch {
	case path == "":
		return jsonAnswer(http.StatusOK, map[string]string{
			"identity": o.identityHost(in) + "/id/" + o.ID() + "/" + s.user.id,
			"limits":   base + "/limits", "metadata": base + "/metadata", "query": base + "/query", "sobjects": base + "/sobjects",
		})
	case path == "/limits":
		return jsonAnswer(http.StatusOK, map[string]any{"DailyApiRequests": map[string]int{"Max": 15000, "Remaining": 14998}})
	case path == "/query":
		return o.query(in)
	case strings.HasPrefix(path, "/sobjects/User/"):
		return o.userRecord(strings.TrimPrefix(path, "/sobjects/User/"))
	case path == "/metadata/deployRequest" || strings.HasPrefix(path, "/metadata/deployRequest/"):
		return o.deployRequest(in, s, version, strings.TrimPrefix(strings.TrimPrefix(path, "/metadata/deployRequest"), "/"))
	case strings.HasPrefix(path, "/apps/oauth/"):
		return o.appCredentials(in, s, strings.TrimPrefix(path, "/apps/oauth/"))
	}
	return restError(http.StatusNotFound, "NOT_FOUND", "The requested resource does not exist")
}

// userRecord is one user by id, 15 or 18 characters. Source: captured calls of the sf CLI, which needs Username; a User has many
// more fields.
func (o *Org) userRecord(id string) answer {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, u := range o.users {
		if sameID(id, u.id) {
			r := userFields(u)
			r["attributes"] = map[string]string{"type": "User", "url": "/services/data/v51.0/sobjects/User/" + u.id}
			return jsonAnswer(http.StatusOK, r)
		}
	}
	return restError(http.StatusNotFound, "NOT_FOUND", "The requested resource does not exist")
}

// userFields are the fields of a User that clients were seen to read (captured).
func userFields(u *person) map[string]any {
	return map[string]any{
		"Id": u.id, "Username": u.Username, "Name": u.FirstName + " " + u.LastName, "FirstName": u.FirstName,
		"LastName": u.LastName, "Email": u.Email, "IsActive": !u.Inactive,
	}
}

var soql = regexp.MustCompile(`(?is)^\s*SELECT\s+(.+?)\s+FROM\s+(\w+)(?:\s+WHERE\s+(\w+)\s*=\s*'([^']*)')?(?:\s+ORDER\s+BY\s+[\w\s,]+?)?(?:\s+LIMIT\s+(\d+))?\s*$`)

// query answers SOQL of one simple form: SELECT fields FROM object [WHERE field = 'text'] [LIMIT n].
// Its objects are Organization, User, Account and what shows apps; a sandbox of SOQL it is not. Source: captured queries of the
// sf CLI and jsforce; docs, REST API error codes; the messages are assumed but for INVALID_TYPE's.
func (o *Org) query(in *request) answer {
	m := soql.FindStringSubmatch(in.query.Get("q"))
	if m == nil {
		return restError(http.StatusBadRequest, "MALFORMED_QUERY", "unexpected token in the query")
	}
	o.mu.Lock()
	rows, ok := o.rows(m[2])
	o.mu.Unlock()
	if !ok { // sf looks for ScratchOrgInfo to see whether it is a Dev Hub; an ordinary org answers so
		return restError(http.StatusBadRequest, "INVALID_TYPE", "sObject type '"+m[2]+"' is not supported.")
	}
	limit := len(rows)
	if m[5] != "" {
		n, _ := strconv.Atoi(m[5])
		limit = min(limit, n)
	}
	records := []map[string]any{}
	for _, row := range rows {
		if m[3] != "" && fmt.Sprint(row[m[3]]) != m[4] || len(records) == limit {
			continue
		}
		record := map[string]any{"attributes": map[string]string{"type": m[2]}}
		for name := range strings.SplitSeq(m[1], ",") {
			name = strings.TrimSpace(name)
			value, known := row[name]
			if !known {
				return restError(http.StatusBadRequest, "INVALID_FIELD", "No such column '"+name+"' on entity '"+m[2]+"'.")
			}
			record[name] = value
		}
		records = append(records, record)
	}
	return jsonAnswer(http.StatusOK, map[string]any{
		"totalSize": len(records), "done": true, "records": records, "columnMetadata": []any{},
	})
}

// rows are the records of an object. Source: captured queries for the fields, and a public
// project's for ExternalClientApplication; their values, but for the org's own, are made up.
func (o *Org) rows(object string) ([]map[string]any, bool) {
	var rows []map[string]any
	switch object {
	case "Organization":
		rows = append(rows, map[string]any{
			"Id": o.id, "Name": "Acme", "InstanceName": "TEST1", "IsSandbox": o.cfg.Sandbox, "TrialExpirationDate": nil,
			"NamespacePrefix": nil, "OrganizationType": "Developer Edition",
		})
	case "User":
		for _, u := range o.users {
			rows = append(rows, userFields(u))
		}
	case "Account":
		rows = append(rows,
			map[string]any{"Id": id18("001TEST00000001"), "Name": "Acme"},
			map[string]any{"Id": id18("001TEST00000002"), "Name": "Globex"})
	case "ExternalClientApplication":
		for _, c := range o.components.of(object) {
			rows = append(rows, map[string]any{
				"Id": c.id, "DeveloperName": c.fullName, "MasterLabel": c.body.value("label"),
				"DistributionState": c.body.value("distributionState"),
			})
		}
	default:
		return nil, false
	}
	return rows, true
}
