package oauthflow

import "errors"

// Reason names what stands behind an [Error] more closely than its [ErrorKind], where another setting has to be changed or another
// person has to act. It is a stable code, fit for a label of a metric. The empty Reason means that the kind says all that is known.
type Reason string

// Reasons.
const (
	ReasonAppBlocked      Reason = "app blocked"           // an admin has blocked the app in the org
	ReasonNotAssigned     Reason = "app not assigned"      // the app admits only users whom an admin approved
	ReasonNotInstalled    Reason = "app not installed"     // the org has not installed the app
	ReasonAddress         Reason = "network address"       // the profile, the org, or a policy of the app restricts network addresses
	ReasonAppAddresses    Reason = "addresses of the app"  // the app's own list of addresses for refresh tokens
	ReasonLoginHours      Reason = "login hours"           // the profile's login hours, or its addresses
	ReasonAPIAccess       Reason = "API access"            // API Access Control, IP relaxation, or the session's security level
	ReasonAPIDisabled     Reason = "API disabled"          // the edition has no API, or the profile lacks "API Enabled"
	ReasonFreshSession    Reason = "fresh session refused" // sessions are locked to an address, or lack a security level
	ReasonFreshJWT        Reason = "fresh JWT refused"     // a JWT-based access token is refused as soon as it is made
	ReasonUserInactive    Reason = "user inactive"         // the user is frozen or inactive
	ReasonPassword        Reason = "password expired"      // the user's password has expired
	ReasonPermission      Reason = "permission"            // the user lacks a permission
	ReasonDPoP            Reason = "DPoP required"         // the app requires DPoP, which this module does not send
	ReasonMTLS            Reason = "mTLS required"         // the app requires a client certificate, which the service's transport does not present
	ReasonFlow            Reason = "flow not allowed"      // the app does not allow the web server flow or the refresh of its tokens
	ReasonRequest         Reason = "request"               // the caller's request itself is wrong; the same request is refused again
	ReasonBaseURL         Reason = "base URL"              // the request went to another host than the connection's instance URL
	ReasonLoginHost       Reason = "login host"            // the login host is not the org's, or does not serve it
	ReasonRenamed         Reason = "My Domain changed"     // the org has another My Domain now; see [Error.MovedTo]
	ReasonClosed          Reason = "closed"                // the Manager was closed before the call; see [ErrClosed]
	ReasonBodyRead        Reason = "body read"             // see [ErrBodyRead]
	ReasonTransport       Reason = "transport"             // see [ErrTransport]
	ReasonOwnNetwork      Reason = "own network"           // see [ErrOwnNetwork]
	ReasonRelocated       Reason = "relocated"             // see [ErrRelocated]
	ReasonOrgClosed       Reason = "org closed"            // Salesforce has locked the org, or its trial period is over
	ReasonStorage         Reason = "storage"               // the org has no storage left
	ReasonOrgRule         Reason = "rule of the org"       // a validation or duplicate rule, a flow or a trigger of the org refuses a record
	ReasonLimitConcurrent Reason = "concurrent requests"   // too many long API requests at once
)

// reasonsOf are the reasons that an error's cause names.
func reasonsOf(err error) Reason {
	for _, r := range []struct {
		cause error
		is    Reason
	}{
		{ErrClosed, ReasonClosed}, {ErrBodyRead, ReasonBodyRead}, {ErrTransport, ReasonTransport}, {ErrRelocated, ReasonRelocated}, {ErrOwnNetwork, ReasonOwnNetwork},
		{errFreshJWT, ReasonFreshJWT}, {errDPoP, ReasonDPoP}, {ErrNoSuchHost, ReasonLoginHost},
	} {
		if errors.Is(err, r.cause) {
			return r.is
		}
	}
	return ""
}

// renamed reports whether a connection has ended with the name of its host.
func (e *Error) renamed() bool {
	return e.Kind == KindGrantDead && (!e.MovedTo.IsZero() || errors.Is(e.Err, errDomainGone))
}

// Reason returns what stands behind the error; empty where its Kind says all.
func (e *Error) Reason() Reason {
	if r := reasonsOf(e.Err); r != "" {
		return r
	}
	if e.renamed() {
		return ReasonRenamed
	}
	if r, ok := rulingOf(e); ok {
		return r.reason
	}
	if e.Kind == KindFreshRefused {
		return ReasonFreshSession
	}
	return ""
}
