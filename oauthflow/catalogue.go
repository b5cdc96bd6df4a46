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
	sentenceDead         = "Salesforce no longer accepts this connection's refresh token: it was revoked, expired, or pushed out by newer approvals."
	sentencePKCE         = "Salesforce did not accept the proof key (PKCE) of this login."
	sentenceInactive     = "The Salesforce user of this connection is frozen or inactive."
	sentenceClosed       = "The Salesforce org is closed or suspended."
	sentenceApprove      = "The app admits only users whom an admin approved, and this one is not among them."
	sentenceBlocked      = "An admin has blocked the app."
	sentenceLost         = "The answer to a refresh of this connection was lost on the way, and Salesforce no longer accepts the refresh token that was sent."
	sentenceNoECA        = "The external client app is not in the org that this login host belongs to, as after a sandbox refresh."
	sentenceNoClient     = "Salesforce does not know the consumer key on this login host."
	sentenceTooOften     = "The user has logged in too often; Salesforce accepts logins again after an hour."
	sentenceBusy         = "Salesforce is not available at the moment; it will be tried again."
	sentenceSession      = "The session has ended; it is renewed without anybody's help."
	sentenceAPIOff       = "The org or the user may not use the API: the edition has none, or the user lacks a permission."
	sentenceNoScope      = "The access token lacks a scope that this request needs."
	sentenceNoData       = "Salesforce has no data of this org at the moment; where this lasts, the org has expired, as scratch and trial orgs do. It will be tried again."
	sentenceUnserved     = "Salesforce serves nothing at this address: the org's My Domain was renamed, or it is not the connection's instance URL."
	sentenceFreshJWT     = "Salesforce refuses a JWT-based access token that it has just issued. Such tokens are for REST APIs only, at the connection's instance URL."
	sentenceHost         = "The address is that of a login host or of another org, and not the connection's instance URL."
	sentenceAppAddresses = "The app itself restricts from which network addresses its refresh tokens are used, and Fullcast's are not among them."
	sentenceDPoP         = "The app requires DPoP, which Fullcast does not send."
	sentenceMTLS         = "The app requires a client certificate (mTLS), which Fullcast does not present."
	sentenceRequest      = "Salesforce refuses this request as it is."
	sentenceRule         = "The org's own automation does not accept this record."
	sentenceStorage      = "The org has used up its storage."
	sentenceOwnNetwork   = "Fullcast's service cannot reach Salesforce from its own network; nothing is wrong with the org."
	sentenceNoHost       = "The host does not exist: the org was deleted or its My Domain renamed."
)

// catalogue lists Salesforce's answers, the first match wins. Texts that are not here are never taken for the end of
// a connection.
//
// Source: Salesforce Help, "OAuth 2.0 Authorization Errors"; REST API Developer Guide, "Status Codes and Error
// Responses"; SOAP API Developer Guide, "Core Data Types Used in API Calls", ExceptionCode and StatusCode; release notes Summer '24 and Winter '25 on simultaneous token requests; public reports for texts that no
// page lists.
var catalogue = []ruling{
	// What the status says. A status alone ends nothing and has no cause: a firewall may have given it. Orgs that have expired answer
	// with 420, and so do orgs that are not available for a while [public reports of Salesforce's own clients].
	{side: anySide, status: "420", description: "data not available", kind: KindBusy, sentence: sentenceNoData},
	{side: tokenSide, status: "404", code: "URL_NOT_RESET", kind: KindInvalid, reason: ReasonLoginHost, sentence: sentenceUnserved},
	{side: tokenSide, status: "4xx", description: "url no longer exists", kind: KindInvalid, reason: ReasonLoginHost, sentence: sentenceUnserved},
	{side: tokenSide, status: "3xx", author: authorSalesforce, kind: KindInvalid, reason: ReasonLoginHost, sentence: "The login host redirects token requests to an address that is not followed, and is not the org's present My Domain host."},
	{side: tokenSide, status: "429", kind: KindBusy, sentence: sentenceBusy},
	{side: tokenSide, status: "503", kind: KindBusy, sentence: sentenceBusy},
	{side: tokenSide, status: "5xx", kind: KindInDoubt, sentence: "Salesforce failed while it answered; the connection is checked before anything is sent again."},

	// Token endpoint, and where the same codes come back in the callback.
	{code: "invalid_grant", description: "token request is already being processed", kind: KindBusy, sentence: "Salesforce is answering another refresh of this connection; it will be tried again."},
	{code: "invalid_grant", description: "expired access/refresh token", kind: KindGrantDead, sentence: sentenceDead},
	// Summer '24 answered a refresh that met another one with the code grant's words.
	{side: refreshSide, code: "invalid_grant", description: "expired authorization code", kind: KindBusy, sentence: "Salesforce is answering another refresh of this connection; it will be tried again."},
	{code: "invalid_grant", description: "expired authorization code", kind: KindGrantDead, sentence: "The authorization code was used or is older than 15 minutes."},
	{code: "invalid_grant", description: "invalid authorization code", kind: KindGrantDead, sentence: "Salesforce does not know the authorization code, as on the login host of another org."},
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
	{code: "invalid_grant", description: "login hours", kind: KindIPRestricted, reason: ReasonLoginHours, sentence: "Salesforce refuses Fullcast at this hour or from this network address, for the user's profile restricts one or the other."},
	{code: "invalid_grant", description: "ip restricted", kind: KindIPRestricted, reason: ReasonAddress, sentence: "Salesforce refuses Fullcast's network address: the user's profile, the org or the app does not allow it."},
	{code: "invalid_grant", description: "user hasn't approved this consumer", kind: KindAppPolicy, reason: ReasonNotAssigned, sentence: "The user has not approved the app, or the app admits only users whom an admin approved."},
	{code: "invalid_grant", description: "no valid scopes defined", kind: KindScope, sentence: "The app has no usable OAuth scopes."},
	{code: "invalid_grant", description: "audience", kind: KindInvalid, reason: ReasonLoginHost, sentence: "The login host is not the My Domain of this org, nor one that serves it."},
	{code: "invalid_grant", description: "token validity expired", kind: KindGrantDead, sentence: sentenceDead},
	{code: "invalid_grant", description: "authentication failure", kind: KindUserPolicy, sentence: "Salesforce refused the login without a reason, which may be network addresses, API access or the profile."},
	{code: "invalid_client_id", kind: KindAppMissing, spreads: true, sentence: sentenceNoClient},
	{code: "invalid_client", description: "app must be installed", kind: KindAppMissing, reason: ReasonNotInstalled, sentence: "The app is not installed in this org."},
	// RFC 8705 §2: an app that requires mutual TLS does not accept the secret alone. The words are assumed.
	{code: "invalid_client", description: "mutual tls", kind: KindAppPolicy, reason: ReasonMTLS, sentence: sentenceMTLS},
	{code: "invalid_client", description: "mtls", kind: KindAppPolicy, reason: ReasonMTLS, sentence: sentenceMTLS},
	{code: "invalid_client", description: "client certificate", kind: KindAppPolicy, reason: ReasonMTLS, sentence: sentenceMTLS},
	{code: "invalid_client", kind: KindClient, sentence: "Salesforce does not accept the consumer secret: it was changed, or belongs to another app."},
	{code: "invalid_client_credentials", kind: KindClient, sentence: "Salesforce does not accept the consumer key and secret."},
	{code: "app_not_found", kind: KindAppMissing, spreads: true, sentence: sentenceNoECA},
	{code: "oauth_ec_app_not_found", kind: KindAppMissing, spreads: true, sentence: sentenceNoECA},
	{code: "invalid_app_access", description: "blocked by admin", kind: KindUserPolicy, reason: ReasonAppBlocked, sentence: sentenceBlocked},
	{code: "invalid_app_access", kind: KindUserPolicy, reason: ReasonNotAssigned, sentence: sentenceApprove},
	{code: "redirect_uri_mismatch", kind: KindRedirect, sentence: "The callback URL is not among the app's Callback URLs; your Fullcast instance has three."},
	{code: "invalid_scope", kind: KindScope, sentence: "A requested scope is not among the app's Selected OAuth Scopes."},
	{code: "unsupported_grant_type", kind: KindAppPolicy, reason: ReasonFlow, sentence: "The app does not allow this OAuth flow."},
	{code: "unauthorized_client", kind: KindAppPolicy, reason: ReasonFlow, sentence: "The app does not allow this OAuth flow."},
	{code: "rate_limit_exceeded", kind: KindLimit, sentence: sentenceTooOften},
	{code: "login_rate_exceeded", kind: KindLimit, sentence: sentenceTooOften},
	{code: "wrong_version", kind: KindGrantDead, sentence: "The grant belongs to an older version of the app."},
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
	{code: "access_denied", kind: KindDenied, sentence: "The user did not choose Allow when Salesforce asked for access."},
	{code: "access-denied", kind: KindDenied, sentence: "The user did not choose Allow when Salesforce asked for access."},
	{code: "oauth_app_access_denied", kind: KindUserPolicy, reason: ReasonNotAssigned, sentence: sentenceApprove},
	{code: "oauth_app_blocked", kind: KindAppPolicy, reason: ReasonAppBlocked, sentence: sentenceBlocked},
	{code: "oauth_authorization_blocked", kind: KindAppPolicy, reason: ReasonNotAssigned, sentence: "The org does not let this user approve the app, which an admin has neither installed nor assigned."},
	{code: "oauth_approval_error_generic", kind: KindAppPolicy, sentence: "Salesforce ended the approval without a reason, which may be the app's installation, the user's profile or API access."},
	{code: "immediate_unsuccessful", kind: KindDenied, sentence: "The user was not logged in to Salesforce."},
	{code: "unsupported_response_type", kind: KindAppPolicy, reason: ReasonFlow, sentence: "The app does not allow the web server flow."},

	// Resources. Of all refusals with status 401 only an ended session is healed by a fresh token.
	{side: resourceSide, code: "INVALID_SESSION_ID", description: "not valid for use with", kind: KindAppPolicy, reason: ReasonAPIAccess, sentence: "The session may not use the API: it lacks an assurance level or a scope, or the org admits only some apps."},
	{side: resourceSide, description: "not attached to agent", kind: KindAppPolicy, sentence: "The app is not attached to the agent."},
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
	{side: resourceSide, code: "REQUEST_LIMIT_EXCEEDED", description: "concurrent", kind: KindLimit, reason: ReasonLimitConcurrent, sentence: "The org has too many long API requests open at once; it accepts others when some of those have ended."},
	{side: resourceSide, code: "REQUEST_LIMIT_EXCEEDED", kind: KindLimit, sentence: "The org has used up its API requests of the last 24 hours.", withholds: true},
	{side: resourceSide, code: "ExceededQuota", kind: KindLimit, sentence: "The org has used up its Bulk API requests of the last 24 hours."},
	{side: resourceSide, code: "ORG_LOCKED", kind: KindUserPolicy, reason: ReasonOrgClosed, sentence: "Salesforce has locked the org."},
	{side: resourceSide, code: "TRIAL_EXPIRED", kind: KindUserPolicy, reason: ReasonOrgClosed, sentence: "The trial period of the org is over."},
	{side: resourceSide, code: "Wrong_Org", kind: KindInvalid, reason: ReasonBaseURL, sentence: sentenceHost},
	{side: resourceSide, code: "Missing_OAuth_Token", kind: KindInvalid, reason: ReasonRequest, sentence: sentenceRequest},
	{side: resourceSide, code: "API_DISABLED_FOR_ORG", kind: KindUserPolicy, reason: ReasonAPIDisabled, sentence: sentenceAPIOff, withholds: true},
	{side: resourceSide, code: "API_CURRENTLY_DISABLED", kind: KindUserPolicy, reason: ReasonAPIDisabled, sentence: sentenceAPIOff, withholds: true},
	{side: resourceSide, status: "503", code: "SERVER_UNAVAILABLE", kind: KindBusy, sentence: sentenceBusy, withholds: true},
	{side: resourceSide, code: "INVALID_OPERATION_WITH_EXPIRED_PASSWORD", kind: KindUserPolicy, reason: ReasonPassword, sentence: "The user's password has expired."},
	{side: resourceSide, code: "INSUFFICIENT_ACCESS*", kind: KindUserPolicy, reason: ReasonPermission, sentence: "The user lacks a permission for this."},
	{side: resourceSide, code: "URL_NOT_RESET", kind: KindInvalid, reason: ReasonLoginHost, sentence: sentenceUnserved},
	{side: resourceSide, description: "destination url not reset", kind: KindInvalid, reason: ReasonLoginHost, sentence: sentenceUnserved},
	{side: resourceSide, status: "4xx", description: "url no longer exists", kind: KindInvalid, reason: ReasonLoginHost, sentence: sentenceUnserved},
	// Of requests that are refused with any status, these work later, or when the org has storage again.
	{side: requestSide, code: "QUERY_TIMEOUT", kind: KindBusy, sentence: sentenceBusy},
	{side: requestSide, code: "TXN_SECURITY_METERING_ERROR", kind: KindBusy, sentence: sentenceBusy},
	{side: requestSide, status: "400", code: "SERVER_UNAVAILABLE", kind: KindBusy, sentence: sentenceBusy},
	{side: requestSide, code: "UNABLE_TO_LOCK_ROW", kind: KindBusy, sentence: "Another request holds the records that this one needs; it works when that has ended."},
	{side: requestSide, code: "FUNCTIONALITY_TEMPORARILY_UNAVAILABLE", kind: KindBusy, sentence: sentenceBusy},
	{side: requestSide, code: "INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE", kind: KindBusy, sentence: sentenceBusy},
	{side: requestSide, code: "STORAGE_LIMIT_EXCEEDED", kind: KindLimit, reason: ReasonStorage, sentence: sentenceStorage},
	{side: requestSide, code: "EXCEEDED_QUOTA", kind: KindLimit, reason: ReasonStorage, sentence: sentenceStorage},
	{side: resourceSide, status: "401", author: authorUnknown, kind: KindSession, sentence: sentenceSession},
	{side: resourceSide, status: "403", author: authorSalesforce, kind: KindUserPolicy, reason: ReasonPermission, sentence: "The user's profile and permission sets do not allow this."},
	{side: resourceSide, status: "429", kind: KindBusy, sentence: sentenceBusy},
	// A request that Salesforce refuses for what it says is refused again. SOAP APIs do so with status 500, too.
	{side: requestSide, status: "500", code: "INVALID_*", author: authorSalesforce, kind: KindInvalid, reason: ReasonRequest, sentence: sentenceRequest},
	{side: requestSide, status: "500", code: "MALFORMED_*", author: authorSalesforce, kind: KindInvalid, reason: ReasonRequest, sentence: sentenceRequest},
	{side: requestSide, status: "500", code: "UNSUPPORTED_*", author: authorSalesforce, kind: KindInvalid, reason: ReasonRequest, sentence: sentenceRequest},
	{side: requestSide, status: "408", kind: KindBusy, sentence: sentenceBusy},
	{side: requestSide, code: "FIELD_CUSTOM_VALIDATION_EXCEPTION", kind: KindInvalid, reason: ReasonOrgRule, sentence: sentenceRule},
	{side: requestSide, code: "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", kind: KindInvalid, reason: ReasonOrgRule, sentence: sentenceRule},
	{side: requestSide, code: "CANNOT_EXECUTE_FLOW_TRIGGER", kind: KindInvalid, reason: ReasonOrgRule, sentence: sentenceRule},
	{side: requestSide, code: "DUPLICATES_DETECTED", kind: KindInvalid, reason: ReasonOrgRule, sentence: sentenceRule},
	{side: requestSide, status: "410", code: "GONE", kind: KindInvalid, reason: ReasonRequest, sentence: sentenceRequest}, // a retired version of the API
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
