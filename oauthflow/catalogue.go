package oauthflow

import (
	"strconv"
	"strings"
	"time"
)

// side is where Salesforce gave an answer; the same words mean different things in different places.
type side uint8

const (
	oauthSide    side = iota // OAuth's endpoints and the callback
	anySide                  // those, and resources
	tokenSide                // token, revoke and introspect endpoints
	refreshSide              // the token endpoint's refresh grant; tokenSide holds there, too
	callbackSide             // query of the callback
	resourceSide             // REST API, identity URL, userinfo
	requestSide              // a service's own requests to the REST API; resourceSide holds there, too
)

func sideOf(op string) side {
	switch op {
	case opRefresh:
		return refreshSide
	case opCallback:
		return callbackSide
	case opIdentity, opUserInfo, opIDToken:
		return resourceSide
	case opRequest:
		return requestSide
	}
	return tokenSide
}

// A ruling is what one of Salesforce's answers means.
type ruling struct {
	side        side
	status      string // "420", or "5xx" for a class; empty matches any
	code        string // error code, compared without case, "…*" for a family, "*" for any word; empty matches any
	description string // part of the description in lower case; empty matches any
	kind        ErrorKind
	sentence    string // for the person who looks after the org
	reason      Reason // where the kind does not say all
	spreads     bool   // also said of an app that has not spread to this login host yet
	withholds   bool   // said of all API calls of the connection, not of this one
	form        tokenForm
	author      author // of an answer that is at least so much Salesforce's own
}

// reply is an answer, as far as it decides what is wrong.
type reply struct {
	status        int
	code, message string
	author        author    // whose answer it is
	form          tokenForm // of the access token that was sent
}

func (r ruling) matches(s side, a reply) bool {
	return (r.side == anySide || r.side == oauthSide && s <= callbackSide || r.side == s || r.side == tokenSide && s == refreshSide || r.side == resourceSide && s == requestSide) &&
		statusMatches(r.status, a.status) &&
		codeMatches(r.code, a.code) &&
		strings.Contains(strings.ToLower(a.message), r.description) &&
		(r.form == anyForm || a.form == anyForm || r.form == a.form) &&
		r.author <= a.author
}

func codeMatches(pattern, code string) bool {
	if pattern == "*" {
		return code != ""
	}
	if family, ok := strings.CutSuffix(pattern, "*"); ok {
		return len(code) >= len(family) && strings.EqualFold(code[:len(family)], family)
	}
	return pattern == "" || strings.EqualFold(pattern, code)
}

func statusMatches(pattern string, status int) bool {
	class, isClass := strings.CutSuffix(pattern, "xx")
	return pattern == "" || pattern == strconv.Itoa(status) || isClass && class == strconv.Itoa(status/100)
}

// lookup returns the first ruling that matches one of Salesforce's answers.
func lookup(s side, a reply) (ruling, bool) {
	for _, r := range catalogue {
		if r.matches(s, a) {
			return r, true
		}
	}
	return ruling{}, false
}

// rulingOf returns the ruling that gave an error its kind, as far as the error tells.
func rulingOf(e *Error) (ruling, bool) {
	a := reply{status: e.Status, code: e.Code, message: e.Description, author: authorSalesforce}
	for _, r := range catalogue {
		if r.kind == e.Kind && r.matches(sideOf(e.Op), a) {
			return r, true
		}
	}
	return ruling{}, false
}

const (
	sentenceDead         = "Salesforce no longer accepts this connection's refresh token: it was revoked, expired, or pushed out by newer approvals; connect again."
	sentencePKCE         = "Salesforce did not accept the proof key (PKCE) of this login; connect again, and if that fails, too, contact your customer success manager."
	sentenceInactive     = "The Salesforce user of this connection is frozen or inactive; activate the user, or connect with another."
	sentenceClosed       = "The Salesforce org is closed or suspended."
	sentenceApprove      = "The app admits only users whom an admin approved; set Permitted Users to \"All users may self-authorize\", or assign the user's profile or permission set."
	sentenceBlocked      = "An admin has blocked the app; unblock it in Setup > Connected Apps OAuth Usage."
	sentenceLost         = "The answer to a refresh of this connection was lost on the way, and Salesforce no longer accepts the refresh token that was sent; connect again."
	sentenceNoECA        = "The external client app is not in the org that this login host belongs to: use the org's own My Domain host, or create the app there."
	sentenceNoClient     = "Salesforce does not know the consumer key on this login host: check the key, and use the org's own My Domain host."
	sentenceTooOften     = "The user has logged in too often; Salesforce accepts logins again after an hour."
	sentenceBusy         = "Salesforce is not available at the moment; it will be tried again."
	sentenceSession      = "The session has ended; it is renewed without anybody's help."
	sentenceAPIOff       = "The org or the user may not use the API; enable it in the org's edition or the user's profile."
	sentenceNoScope      = "The access token lacks a scope that this request needs; select it in the app's OAuth scopes, and connect again."
	sentenceNoData       = "Salesforce has no data of this org at the moment; where this lasts, the org has expired, as scratch and trial orgs do. It will be tried again."
	sentenceUnserved     = "Salesforce serves nothing at this address: the org's My Domain was renamed, or it is not the connection's instance URL; connect with the org's present My Domain host."
	sentenceFreshJWT     = "Salesforce refuses a JWT-based access token that it has just issued: use it for REST APIs only, at the connection's instance URL; for others clear \"Issue JSON Web Token (JWT)-based access tokens for named users\" in the app."
	sentenceHost         = "The address belongs to a login host or another org; use the connection's instance URL."
	sentenceAppAddresses = "The app's own list of addresses that may use its refresh tokens lacks Fullcast's; add them to each such list in the app's OAuth settings."
	sentenceDPoP         = "The app requires DPoP, which Fullcast does not send; clear \"Require DPoP\" in the app's settings."
	sentenceRequest      = "Salesforce refuses this request as it is; the service has to correct it."
	sentenceOwnNetwork   = "Fullcast's service cannot reach Salesforce from its own network, which Fullcast has to correct; nothing is wrong with the org."
	sentenceNoHost       = "The host does not exist: the org was deleted or its My Domain renamed; connect again with the org's present My Domain host."
)

// catalogue lists Salesforce's answers, the first match wins. Texts that are not here are never taken for the end of
// a connection.
//
// Source: Salesforce Help, "OAuth 2.0 Authorization Errors"; REST API Developer Guide, "Status Codes and Error
// Responses"; release notes Summer '24 and Winter '25 on simultaneous token requests; public reports for texts that no
// page lists.
var catalogue = []ruling{
	// What the status says. A status alone ends nothing and has no cause: a firewall may have given it. Orgs that have expired answer
	// with 420, and so do orgs that are not available for a while [public reports of Salesforce's own clients].
	{side: anySide, status: "420", description: "data not available", kind: KindBusy, sentence: sentenceNoData},
	{side: tokenSide, status: "404", code: "URL_NOT_RESET", kind: KindInvalid, reason: ReasonLoginHost, sentence: sentenceUnserved},
	{side: tokenSide, status: "4xx", description: "url no longer exists", kind: KindInvalid, reason: ReasonLoginHost, sentence: sentenceUnserved},
	{side: tokenSide, status: "3xx", author: authorSalesforce, kind: KindInvalid, reason: ReasonLoginHost, sentence: "The login host redirects token requests to an address that is not followed; use the org's present My Domain host."},
	{side: tokenSide, status: "429", kind: KindBusy, sentence: sentenceBusy},
	{side: tokenSide, status: "503", kind: KindBusy, sentence: sentenceBusy},
	{side: tokenSide, status: "5xx", kind: KindInDoubt, sentence: "Salesforce failed while it answered; the connection is checked before anything is sent again."},

	// Token endpoint, and where the same codes come back in the callback.
	{code: "invalid_grant", description: "token request is already being processed", kind: KindBusy, sentence: "Salesforce is answering another refresh of this connection; it will be tried again."},
	{code: "invalid_grant", description: "expired access/refresh token", kind: KindGrantDead, sentence: sentenceDead},
	// Summer '24 answered a refresh that met another one with the code grant's words.
	{side: refreshSide, code: "invalid_grant", description: "expired authorization code", kind: KindBusy, sentence: "Salesforce is answering another refresh of this connection; it will be tried again."},
	{code: "invalid_grant", description: "expired authorization code", kind: KindGrantDead, sentence: "The authorization code was used or is older than 15 minutes; connect again."},
	{code: "invalid_grant", description: "invalid authorization code", kind: KindGrantDead, sentence: "Salesforce does not know the authorization code; connect again, on the login host of the same org."},
	{code: "invalid_grant", description: "code verifier", kind: KindPKCE, sentence: sentencePKCE},
	{code: "invalid_grant", description: "code challenge", kind: KindPKCE, sentence: sentencePKCE},
	{code: "invalid_request", description: "code challenge", kind: KindPKCE, sentence: sentencePKCE},
	{code: "invalid_request", description: "code verifier", kind: KindPKCE, sentence: sentencePKCE},
	{code: "invalid_grant", description: "inactive user", kind: KindUserPolicy, reason: ReasonUserInactive, sentence: sentenceInactive},
	{code: "inactive_user", kind: KindUserPolicy, reason: ReasonUserInactive, sentence: sentenceInactive},
	{code: "invalid_grant", description: "inactive organization", kind: KindOrgGone, sentence: sentenceClosed},
	{code: "inactive_org", kind: KindOrgGone, sentence: sentenceClosed},
	{code: "invalid_grant", description: "data not available", kind: KindOrgGone, sentence: "Salesforce has no data of this org: it was deleted or is being moved."},
	{code: "invalid_grant", description: "ip restricted by app", kind: KindIPRestricted, reason: ReasonAppAddresses, sentence: sentenceAppAddresses},
	{code: "invalid_grant", description: "login hours", kind: KindIPRestricted, reason: ReasonLoginHours, sentence: "Salesforce refuses Fullcast at this hour or from this network address: look at the user profile's Login Hours and Login IP Ranges."},
	{code: "invalid_grant", description: "ip restricted", kind: KindIPRestricted, reason: ReasonAddress, sentence: "Salesforce refuses Fullcast's network address; allow it in the user's profile (Login IP Ranges) or the org (Network Access)."},
	{code: "invalid_grant", description: "user hasn't approved this consumer", kind: KindAppPolicy, reason: ReasonNotAssigned, sentence: "The user has not approved the app, or the app admits only users whom an admin approved."},
	{code: "invalid_grant", description: "no valid scopes defined", kind: KindScope, sentence: "The app has no usable OAuth scopes; select them in the app's settings."},
	{code: "invalid_grant", description: "audience", kind: KindInvalid, reason: ReasonLoginHost, sentence: "The login host is not this org's; use the org's My Domain host."},
	{code: "invalid_grant", description: "token validity expired", kind: KindGrantDead, sentence: sentenceDead},
	{code: "invalid_grant", description: "authentication failure", kind: KindUserPolicy, sentence: "Salesforce refused the login: look in Setup > Login History for the reason (IP range, API access, profile)."},
	{code: "invalid_client_id", kind: KindAppMissing, spreads: true, sentence: sentenceNoClient},
	{code: "invalid_client", description: "app must be installed", kind: KindAppMissing, reason: ReasonNotInstalled, sentence: "The app is not installed in this org; create the external client app there, or have an admin install it."},
	{code: "invalid_client", kind: KindClient, sentence: "Salesforce does not accept the consumer secret: it was changed, or belongs to another app."},
	{code: "invalid_client_credentials", kind: KindClient, sentence: "Salesforce does not accept the consumer key and secret."},
	{code: "app_not_found", kind: KindAppMissing, spreads: true, sentence: sentenceNoECA},
	{code: "oauth_ec_app_not_found", kind: KindAppMissing, spreads: true, sentence: sentenceNoECA},
	{code: "invalid_app_access", description: "blocked by admin", kind: KindUserPolicy, reason: ReasonAppBlocked, sentence: sentenceBlocked},
	{code: "invalid_app_access", kind: KindUserPolicy, reason: ReasonNotAssigned, sentence: sentenceApprove},
	{code: "redirect_uri_mismatch", kind: KindRedirect, sentence: "The callback URL is not among the app's; add all three Callback URLs of your Fullcast instance."},
	{code: "invalid_scope", kind: KindScope, sentence: "A requested scope is not among the app's Selected OAuth Scopes."},
	{code: "unsupported_grant_type", kind: KindAppPolicy, reason: ReasonFlow, sentence: "The app does not allow this OAuth flow."},
	{code: "unauthorized_client", kind: KindAppPolicy, reason: ReasonFlow, sentence: "The app does not allow this OAuth flow."},
	{code: "rate_limit_exceeded", kind: KindLimit, sentence: sentenceTooOften},
	{code: "login_rate_exceeded", kind: KindLimit, sentence: sentenceTooOften},
	{code: "wrong_version", kind: KindGrantDead, sentence: "The grant belongs to an older version of the app; connect again."},
	{code: "invalid_request", description: "too many scopes", kind: KindScope, sentence: "Too many scopes are requested for the app's token format."},
	{code: "invalid_request", description: "scope parameter not supported", kind: KindInvalid, reason: ReasonRequest, sentence: "Salesforce takes no scope with this request."},
	{code: "invalid_request", kind: KindInvalid, reason: ReasonRequest, sentence: "Salesforce did not understand the request."},
	{code: "unsupported_token_type", kind: KindInvalid, reason: ReasonRequest, sentence: "Salesforce did not understand the request."},
	// RFC 9449 §5 and §8: proofs are asked for by an app that requires them.
	{code: "invalid_dpop_proof", kind: KindAppPolicy, reason: ReasonDPoP, sentence: sentenceDPoP},
	{code: "use_dpop_nonce", kind: KindAppPolicy, reason: ReasonDPoP, sentence: sentenceDPoP},
	{code: "server_error", kind: KindBusy, sentence: sentenceBusy},
	{code: "temporarily_unavailable", kind: KindBusy, sentence: sentenceBusy},

	// Callback. Access_denied has a second spelling in Salesforce's own pages.
	{code: "access_denied", kind: KindDenied, sentence: "The user did not allow access; connect again and choose Allow."},
	{code: "access-denied", kind: KindDenied, sentence: "The user did not allow access; connect again and choose Allow."},
	{code: "oauth_app_access_denied", kind: KindUserPolicy, reason: ReasonNotAssigned, sentence: sentenceApprove},
	{code: "oauth_app_blocked", kind: KindAppPolicy, reason: ReasonAppBlocked, sentence: sentenceBlocked},
	{code: "oauth_authorization_blocked", kind: KindAppPolicy, reason: ReasonNotAssigned, sentence: "The org does not let this user approve the app; an admin installs it or assigns it."},
	{code: "oauth_approval_error_generic", kind: KindAppPolicy, sentence: "Salesforce ended the approval without a reason: check the app's installation, the user's profile and API access, and Setup > Login History."},
	{code: "immediate_unsuccessful", kind: KindDenied, sentence: "The user must log in to Salesforce; connect again."},
	{code: "unsupported_response_type", kind: KindAppPolicy, reason: ReasonFlow, sentence: "The app does not allow the web server flow."},

	// Resources. Of all refusals with status 401 only an ended session is healed by a fresh token.
	{side: resourceSide, code: "INVALID_SESSION_ID", description: "not valid for use with", kind: KindAppPolicy, reason: ReasonAPIAccess, sentence: "The session may not use the API: it needs a higher assurance level or a wider scope; check the org's session settings and the app's scopes."},
	{side: resourceSide, description: "not attached to agent", kind: KindAppPolicy, sentence: "The app is not attached to the agent; attach it in Setup."},
	{side: resourceSide, code: "INVALID_AUTH_HEADER", description: "invalid_scope", kind: KindScope, sentence: sentenceNoScope},
	{side: resourceSide, code: "INVALID_SCOPES*", kind: KindScope, sentence: sentenceNoScope},
	{side: resourceSide, code: "INVALID_AUTH_HEADER", description: "invalid_header_type", kind: KindInvalid, reason: ReasonBaseURL, sentence: sentenceHost},
	{side: resourceSide, code: "INVALID_AUTH_HEADER", description: "invalid_iss", kind: KindInvalid, reason: ReasonBaseURL, sentence: sentenceHost},
	// An expired JWT is refused in these words [public reports of two independent clients]; of an opaque token they mean a wrong host.
	{side: resourceSide, code: "INVALID_AUTH_HEADER", form: jwtToken, kind: KindSession, sentence: sentenceSession},
	{side: resourceSide, code: "INVALID_JWT_FORMAT*", form: jwtToken, kind: KindSession, sentence: sentenceSession},
	{side: resourceSide, code: "INVALID_AUTH_HEADER", kind: KindInvalid, reason: ReasonBaseURL, sentence: sentenceHost},
	{side: resourceSide, code: "INVALID_JWT_FORMAT*", kind: KindInvalid, reason: ReasonBaseURL, sentence: sentenceHost},
	{side: resourceSide, code: "INVALID_ISS*", kind: KindInvalid, reason: ReasonBaseURL, sentence: sentenceHost},
	{side: resourceSide, code: "INVALID_SESSION_ID", kind: KindSession, sentence: sentenceSession},
	{side: resourceSide, code: "InvalidSessionId", kind: KindSession, sentence: sentenceSession}, // Bulk API 1.0
	{side: resourceSide, code: "Bad_OAuth_Token", kind: KindSession, sentence: sentenceSession},
	{side: resourceSide, code: "REQUEST_LIMIT_EXCEEDED", description: "concurrent", kind: KindLimit, reason: ReasonLimitConcurrent, sentence: "The org has too many long API requests open at once; try again when some have ended."},
	{side: resourceSide, code: "REQUEST_LIMIT_EXCEEDED", kind: KindLimit, sentence: "The org has used up its API requests of the last 24 hours.", withholds: true},
	{side: resourceSide, code: "ExceededQuota", kind: KindLimit, sentence: "The org has used up its Bulk API requests of the last 24 hours."},
	{side: resourceSide, code: "ORG_LOCKED", kind: KindUserPolicy, sentence: "Salesforce has locked the org; its owner has to ask Salesforce to unlock it."},
	{side: resourceSide, code: "Wrong_Org", kind: KindInvalid, reason: ReasonBaseURL, sentence: sentenceHost},
	{side: resourceSide, code: "Missing_OAuth_Token", kind: KindInvalid, reason: ReasonRequest, sentence: sentenceRequest},
	{side: resourceSide, code: "API_DISABLED_FOR_ORG", kind: KindUserPolicy, reason: ReasonAPIDisabled, sentence: sentenceAPIOff, withholds: true},
	{side: resourceSide, code: "API_CURRENTLY_DISABLED", kind: KindUserPolicy, reason: ReasonAPIDisabled, sentence: sentenceAPIOff, withholds: true},
	{side: resourceSide, status: "503", code: "SERVER_UNAVAILABLE", kind: KindBusy, sentence: sentenceBusy, withholds: true},
	{side: resourceSide, code: "INVALID_OPERATION_WITH_EXPIRED_PASSWORD", kind: KindUserPolicy, reason: ReasonPassword, sentence: "The user's password has expired; the user sets a new one, or the profile gets \"Password never expires\"."},
	{side: resourceSide, code: "INSUFFICIENT_ACCESS*", kind: KindUserPolicy, reason: ReasonPermission, sentence: "The user lacks a permission for this; assign it by profile or permission set."},
	{side: resourceSide, code: "URL_NOT_RESET", kind: KindInvalid, reason: ReasonLoginHost, sentence: sentenceUnserved},
	{side: resourceSide, description: "destination url not reset", kind: KindInvalid, reason: ReasonLoginHost, sentence: sentenceUnserved},
	{side: resourceSide, status: "4xx", description: "url no longer exists", kind: KindInvalid, reason: ReasonLoginHost, sentence: sentenceUnserved},
	{side: resourceSide, status: "401", author: authorUnknown, kind: KindSession, sentence: sentenceSession},
	{side: resourceSide, status: "403", author: authorSalesforce, kind: KindUserPolicy, reason: ReasonPermission, sentence: "The user may not do this; check profile and permission sets."},
	{side: resourceSide, status: "429", kind: KindBusy, sentence: sentenceBusy},
	// A request that Salesforce refuses for what it says is refused again. Locked rows and timeouts are the exceptions.
	{side: requestSide, code: "QUERY_TIMEOUT", kind: KindBusy, sentence: sentenceBusy},
	{side: requestSide, code: "TXN_SECURITY_METERING_ERROR", kind: KindBusy, sentence: sentenceBusy},
	{side: requestSide, status: "400", code: "SERVER_UNAVAILABLE", kind: KindBusy, sentence: sentenceBusy},
	{side: requestSide, code: "UNABLE_TO_LOCK_ROW", kind: KindBusy, sentence: "Another request holds the records that this one needs; it works when that has ended."},
	{side: requestSide, status: "408", kind: KindBusy, sentence: sentenceBusy},
	{side: requestSide, status: "4xx", code: "*", author: authorSalesforce, kind: KindInvalid, reason: ReasonRequest, sentence: sentenceRequest},
	{side: resourceSide, status: "5xx", kind: KindBusy, sentence: sentenceBusy},
}

// rule gives e, whose other fields are set, its kind, and what follows from it. The answer's author is given.
func (f *Flow) rule(e *Error, c Client, said author) {
	r, ok := lookup(sideOf(e.Op), reply{status: e.Status, code: e.Code, message: e.Description, form: opaqueToken, author: said})
	if !ok {
		e.Kind = KindUnknownAnswer
		return
	}
	e.Kind = r.kind
	e.AppIsNew = r.spreads && spreading(c.Created, f.now())
	switch {
	case e.RetryAfter != 0:
	case r.kind == KindLimit:
		e.RetryAfter = time.Hour
	case e.AppIsNew:
		e.RetryAfter = 2 * time.Minute
	}
}

// appSpreads is how long Salesforce may take until a new app is found on every host.
//
// Source: Salesforce Help, "Create an External Client App": up to 30 minutes; public reports see 2 to 10.
const appSpreads = 30 * time.Minute

// spreading reports whether an app is so new. One that was created further ahead than clocks may be apart says nothing: who
// entered it was wrong, in the time zone for example.
func spreading(created, now time.Time) bool {
	return !created.IsZero() && !past(created, appSpreads, now)
}

// newAppSentence says what may be behind a missing app besides what the sentence says.
func newAppSentence(sentence string, h Host, isNew bool) string {
	switch {
	case h.Generic() && isNew:
		return "Use the org's own My Domain host instead of " + h.name + " first; the app is new, and it may take 30 minutes from its creation until " + h.name + " knows it."
	case h.Generic():
		return "Use the org's own My Domain host instead of " + h.name + " first, which does not know every app; if it is not there either, check the consumer key or create the app."
	case isNew:
		return "The app is new: wait until 30 minutes after its creation and try again; if it still fails, check login host and consumer key."
	}
	return sentence
}

func (k ErrorKind) sentence() string {
	switch k {
	case KindInvalid:
		return "The connection is configured wrongly; see the error's text for the field."
	case KindNotSent:
		return "Salesforce could not be reached; it will be tried again."
	case KindInDoubt:
		return "Salesforce's answer was lost; the connection is checked before anything is sent again."
	case KindBusy, KindUnknownAnswer, KindBadAnswer:
		return "Salesforce did not answer as expected; it will be tried again."
	case KindOrgGone:
		return "The org does not exist any more, or its address has changed."
	case KindIDToken:
		return "Salesforce's proof of who logged in does not fit this login; connect again."
	case KindState:
		return "The login was not begun here, has expired, or was completed already; connect again."
	case KindNoRefresh:
		return "The app gives no refresh token: select the scope \"Perform requests at any time\" and set Refresh Token Policy to \"Refresh token is valid until revoked\" or, where Setup does not list that, \"Expire refresh token if not used for\" 30 Days."
	case KindOrgChanged:
		return "This login belongs to another Salesforce org than the connection."
	case KindUserChanged:
		return "Salesforce renewed this connection for another user than the one who connected it; connect again."
	case KindFreshRefused:
		return "Salesforce refuses fresh sessions at once: look at \"Lock sessions to the IP address from which they originated\" in Setup > Session Settings, and at the session level that the user's profile requires."
	case KindForeign:
		return "The stored connection cannot be opened here: the environment or the sealing keys are not those that it was stored with, or the store holds another record in its place."
	case KindElsewhere:
		return "This refresh token belongs to another connection of Fullcast already; connect this one by a login of its own."
	case KindNotConnected:
		return "There is no such connection; connect the org first."
	case KindStore:
		return "The token store cannot be used at the moment; nothing was sent."
	}
	return "The connection to Salesforce failed."
}
