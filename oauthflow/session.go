package oauthflow

import (
	"net/http"
	"slices"
	"strings"

	"github.com/fullcast/sfauth/internal/salesforce"
)

// tokenForm is the form of an access token. Salesforce refuses an ended session of each form in other words.
type tokenForm uint8

const (
	anyForm     tokenForm = iota // of a ruling: it holds for both; of an answer: the token is not known any more
	opaqueToken                  // 00D…!…, or anything that is no JWT
	jwtToken                     // three base64url segments, the first of which is a JSON object
)

// formOf tells the form of an access token from the token alone.
func formOf(token string) tokenForm {
	if salesforce.IsJWT(token) {
		return jwtToken
	}
	return opaqueToken
}

// sessionVerdict is what a refused API request says of the session of its access token.
type sessionVerdict uint8

const (
	sessionStands    sessionVerdict = iota // the refusal has another reason, or its sender replaces the session
	sessionEnded                           // a fresh access token heals it
	sessionMalformed                       // the same, said of a JWT in words that also name what no fresh token heals
)

// judgeSession reads a verdict from an answer of one of the org's APIs. What a session's end looks like is in the catalogue.
// OwnSession tells that the request carried a session of its own, as the Bulk API's has one in a header.
func judgeSession(said reply, ownSession bool) sessionVerdict {
	switch said.status {
	case http.StatusBadRequest:
		if ownSession {
			return sessionStands
		}
	case http.StatusUnauthorized, http.StatusForbidden:
	default:
		return sessionStands
	}
	r, ok := lookup(requestSide, said)
	switch {
	case !ok || r.kind != KindSession:
		return sessionStands
	case r.form == jwtToken:
		return sessionMalformed
	}
	return sessionEnded
}

// sessionOf judges an answer to a request that carried the given access token. SOAP's session, in the body, is its sender's to
// replace: sent again, the body would hold the same one.
func sessionOf(req *http.Request, resp *http.Response, access string) (sessionVerdict, reply) {
	if resp.StatusCode < http.StatusBadRequest || resp.StatusCode > http.StatusForbidden || callsSOAP(req) {
		return sessionStands, reply{}
	}
	body, err := peek(resp)
	if err != nil {
		return sessionStands, reply{}
	}
	said := readReply(resp.StatusCode, resp.Header, body, formOf(access))
	return judgeSession(said, namesASession(req.Header)), said
}

// namesASession reports whether a request carries a session of its sender's own in the header of the Bulk API, in whatever case a
// map holds its name.
func namesASession(h http.Header) bool {
	for name, values := range h {
		if strings.EqualFold(name, "X-SFDC-Session") && slices.ContainsFunc(values, func(v string) bool { return v != "" }) {
			return true
		}
	}
	return false
}
