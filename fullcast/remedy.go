package fullcast

import (
	"errors"
	"net/http"

	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/oauthflow"
)

// Remedy says who has to do what when something has failed. The zero Remedy means that nothing is known.
type Remedy uint8

// Remedies. [Remedy.ForAdmin] is the text to send to an org's admin.
const (
	Retry            Remedy = iota + 1 // the service: try again later; Error.RetryAfter says when, if that is known
	Reauthorize                        // the org's admin: connect again
	AdminFixesApp                      // the org's admin: correct the app's settings
	AdminFixesPolicy                   // the org's admin: correct a policy of the app, the org or the user
	FixConfiguration                   // the person who configured the connection: correct host, key, secret or input
	RecreateApp                        // the org's admin: create the external client app again and connect again
	Migrate                            // the org's admin: make the external client app; the connected app is no longer supported
	ContactCSM                         // the customer: connect again, and then contact the customer success manager
	FixCode                            // the programmer of the service: correct the call
	FixService                         // the operator of the service: correct its network, image, environment, sealing keys or store
)

// String returns one sentence that says what to do.
func (r Remedy) String() string {
	switch r {
	case Retry:
		return "Try again later."
	case Reauthorize:
		return "Connect the org again, as an admin of the org."
	case AdminFixesApp:
		return "In Salesforce Setup, correct the app's settings as the setup instructions say."
	case AdminFixesPolicy:
		return "In Salesforce Setup, correct the policies of the app, the org or the user."
	case FixConfiguration:
		return "Check what was entered: login host, consumer key, consumer secret, and what the error names."
	case RecreateApp:
		return "Create the external client app in the org as the setup instructions say, and connect again."
	case Migrate:
		return "Create the external client app in the org and connect with it; a broken connected app is no longer supported."
	case ContactCSM:
		return "Connect again; if that fails, too, contact your customer success manager."
	case FixCode:
		return "Correct the code of the service, as the error says."
	case FixService:
		return "Correct the service's own network, image, environment, sealing keys or store, as the error says."
	}
	return ""
}

// RemedyOf returns who has to do what about a connection as it is stored; 0 when nothing is wrong with it.
func RemedyOf(c oauthflow.Connection) Remedy {
	if c.Fault == nil {
		return 0
	}
	return remedyFor(c.Fault, c.Kind)
}

// remedyFor decides what helps against err on a connection of the given kind.
func remedyFor(err error, kind metadata.Kind) Remedy {
	var e *oauthflow.Error
	var refused *metadata.Error
	switch {
	case errors.Is(err, metadata.ErrJWTSession):
		return AdminFixesApp
	case errors.As(err, &e):
	case errors.As(err, &refused) && refused.Status >= http.StatusBadRequest:
		e = oauthflow.Refusal(refused.Status, refused.Code, refused.Err.Error())
		if e.Kind == oauthflow.KindUnknownAnswer { // its text says more than a remedy could
			return 0
		}
	default:
		return 0
	}
	if errors.Is(err, oauthflow.ErrBodyRead) {
		return FixCode
	}
	if errors.Is(err, oauthflow.ErrOwnNetwork) {
		return FixService
	}
	if errors.Is(err, oauthflow.ErrNoSuchHost) || errors.Is(err, oauthflow.ErrTransport) {
		return FixConfiguration
	}
	if e.Op == "revoke" && e.Status >= http.StatusBadRequest { // the disconnection repeats it, and ends without it
		return Retry
	}
	if e.Kind == oauthflow.KindOrgChanged && e.Op != "refresh" { // a login: the wrong org, or one whose id is to be named
		return FixConfiguration
	}
	switch e.Kind {
	case oauthflow.KindNotSent, oauthflow.KindInDoubt, oauthflow.KindBusy, oauthflow.KindUnknownAnswer,
		oauthflow.KindStore, oauthflow.KindLimit, oauthflow.KindBadAnswer, oauthflow.KindSession:
		return Retry
	case oauthflow.KindDenied, oauthflow.KindState, oauthflow.KindNotConnected, oauthflow.KindIDToken:
		return Reauthorize
	case oauthflow.KindRedirect, oauthflow.KindScope:
		return AdminFixesApp
	case oauthflow.KindAppPolicy, oauthflow.KindUserPolicy, oauthflow.KindIPRestricted,
		oauthflow.KindNoRefresh, oauthflow.KindFreshRefused:
		return AdminFixesPolicy
	case oauthflow.KindPKCE:
		return ContactCSM
	case oauthflow.KindInvalid, oauthflow.KindElsewhere:
		return FixConfiguration
	case oauthflow.KindForeign:
		return FixService
	}
	host, herr := oauthflow.ParseHost(e.Host, oauthflow.GovernmentCloud, oauthflow.China)
	generic := herr == nil && host.Generic()
	if e.AppIsNew && !generic {
		return Retry
	}
	if kind == metadata.KindConnectedApp { // broken, and new authorizations need an external client app
		return Migrate
	}
	switch e.Kind {
	case oauthflow.KindGrantDead, oauthflow.KindUserChanged:
		return Reauthorize
	case oauthflow.KindClient:
		return FixConfiguration
	case oauthflow.KindAppMissing:
		if generic {
			return FixConfiguration // the app may well exist: a generic host does not find every app
		}
		return RecreateApp
	case oauthflow.KindOrgGone, oauthflow.KindOrgChanged:
		return RecreateApp
	}
	return 0
}
