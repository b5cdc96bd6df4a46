package fullcast

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/fullcast/sfauth/internal/badfields"
	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/oauthflow"
)

// RemedyOf returns who has to do what about a connection as it is stored; 0 when nothing is wrong with it.
func RemedyOf(c oauthflow.Connection) Remedy {
	if c.Fault == nil {
		return 0
	}
	return remedyFor(c.Fault, c.Kind)
}

// remedyOfReason is what helps where an error's reason alone decides.
var remedyOfReason = map[oauthflow.Reason]Remedy{
	oauthflow.ReasonAppBlocked:   AdminUnblocksApp,
	oauthflow.ReasonNotAssigned:  AdminAssignsApp,
	oauthflow.ReasonAddress:      AdminAllowsAddresses,
	oauthflow.ReasonAppAddresses: AdminAllowsAppAddresses,
	oauthflow.ReasonLoginHours:   AdminFixesLoginHours,
	oauthflow.ReasonAPIAccess:    AdminAllowsAPIAccess,
	oauthflow.ReasonAPIDisabled:  AdminEnablesAPI,
	oauthflow.ReasonFreshSession: AdminFixesSessions,
	oauthflow.ReasonFreshJWT:     AdminClearsJWT,
	oauthflow.ReasonUserInactive: AdminActivatesUser,
	oauthflow.ReasonPassword:     AdminResetsPassword,
	oauthflow.ReasonPermission:   AdminGivesPermission,
	oauthflow.ReasonOrgClosed:    AdminAsksSalesforce,
	oauthflow.ReasonStorage:      AdminFreesStorage,
	oauthflow.ReasonOrgRule:      AdminFixesRules,
	oauthflow.ReasonDPoP:         AdminClearsDPoP,
	oauthflow.ReasonMTLS:         AdminClearsMTLS,
	oauthflow.ReasonFlow:         AdminFixesApp,
	oauthflow.ReasonRequest:      FixCode,
	oauthflow.ReasonBaseURL:      FixCode,
	oauthflow.ReasonClosed:       FixCode,
	oauthflow.ReasonBodyRead:     FixCode,
	oauthflow.ReasonLoginHost:    FixConfiguration,
	oauthflow.ReasonTransport:    FixService,
	oauthflow.ReasonRelocated:    FixService,
	oauthflow.ReasonOwnNetwork:   FixService,
}

// remedyOfKind is what helps where an error has no reason of its own, and nothing about the connection's app changes it.
var remedyOfKind = map[oauthflow.ErrorKind]Remedy{
	oauthflow.KindNotSent:       Retry,
	oauthflow.KindInDoubt:       Retry,
	oauthflow.KindBusy:          Retry,
	oauthflow.KindUnknownAnswer: Retry,
	oauthflow.KindStore:         FixService,
	oauthflow.KindLimit:         Retry,
	oauthflow.KindBadAnswer:     Retry,
	oauthflow.KindSession:       Retry,
	oauthflow.KindDenied:        Reauthorize,
	oauthflow.KindState:         Reauthorize,
	oauthflow.KindNotConnected:  Reauthorize,
	oauthflow.KindIDToken:       Reauthorize,
	oauthflow.KindRedirect:      AdminFixesApp,
	oauthflow.KindScope:         AdminFixesApp,
	oauthflow.KindNoRefresh:     AdminFixesApp,
	oauthflow.KindAppPolicy:     AdminFixesPolicy,
	oauthflow.KindUserPolicy:    AdminFixesPolicy,
	oauthflow.KindIPRestricted:  AdminAllowsAddresses,
	oauthflow.KindFreshRefused:  AdminFixesSessions,
	oauthflow.KindPKCE:          ContactCSM,
	oauthflow.KindInvalid:       FixCode,
	oauthflow.KindForeign:       FixService,
	oauthflow.KindElsewhere:     FixService,
}

// remedyFor decides what helps against err on a connection of the given kind of app.
func remedyFor(err error, kind metadata.Kind) Remedy {
	if errors.Is(err, metadata.ErrJWTSession) {
		return AdminClearsJWT
	}
	if fields := fieldsOf(err); len(fields) > 0 {
		return remedyOfFields(fields)
	}
	var e *oauthflow.Error
	var refused *metadata.Error
	switch {
	case errors.As(err, &e):
	case errors.As(err, &refused) && refused.Status >= http.StatusBadRequest:
		e = oauthflow.Refusal(refused.Status, refused.Code, refused.Err.Error())
		if e.Kind == oauthflow.KindUnknownAnswer { // its text says more than a remedy could
			return 0
		}
	default:
		return 0
	}
	switch {
	case e.Op == "revoke" && e.Status >= http.StatusBadRequest: // the disconnection repeats it, and ends without it
		return Retry
	case (e.Kind == oauthflow.KindOrgChanged || e.Kind == oauthflow.KindUserChanged) && e.Op != "refresh": // a login
		return AdminSignsIn
	case e.Kind == oauthflow.KindStore && errors.Is(e, context.Canceled): // whose caller has given up
		return Retry
	case e.Op == "request" && e.Status == http.StatusBadRequest && e.Kind == oauthflow.KindUnknownAnswer: // the same request is refused again
		return FixCode
	}
	if r, ok := remedyOfReason[e.Reason()]; ok {
		return r
	}
	if r, ok := remedyOfKind[e.Kind]; ok {
		return r
	}
	return remedyOfEnd(e, kind)
}

// logins are the operations at which an admin waits. The service repeats none of them by itself.
var logins = []string{"begin", "reconnect", "complete", "begin migration"}

// remedyIn is remedyFor about an operation of this package. A login that fails for a moment is the admin's to repeat. An adoption whose
// app is unknown at a generic host may name the wrong one of them; there is no connection yet that could be migrated.
func remedyIn(op string, err error, kind metadata.Kind) Remedy {
	r := remedyFor(err, kind)
	var e *oauthflow.Error
	if r == Retry && slices.Contains(logins, op) {
		return Reauthorize
	}
	if r == Migrate && strings.HasPrefix(op, opAdopt) && errors.As(err, &e) && e.Kind == oauthflow.KindAppMissing {
		return FixConfiguration
	}
	return r
}

// remedyOfEnd decides about an error that ends a connection, or about one whose app is missing or whose secret is refused.
func remedyOfEnd(e *oauthflow.Error, kind metadata.Kind) Remedy {
	host, herr := oauthflow.ParseHost(e.Host, oauthflow.GovernmentCloud, oauthflow.China)
	generic := herr == nil && host.Generic()
	switch {
	case e.AppIsNew && !generic:
		return Retry
	case kind == metadata.KindConnectedApp: // new authorizations need an external client app
		return Migrate
	case e.Reason() == oauthflow.ReasonNotInstalled:
		return AdminInstallsApp
	}
	switch e.Kind {
	case oauthflow.KindGrantDead, oauthflow.KindUserChanged:
		if e.Reason() == oauthflow.ReasonRenamed {
			return AdminConnectsMyDomain
		}
		return Reauthorize
	case oauthflow.KindClient:
		return FixConfiguration
	case oauthflow.KindAppMissing:
		if generic {
			return FixConfiguration // the app may well exist: a generic host does not find every app
		}
		return RecreateApp
	case oauthflow.KindOrgGone:
		return AdminConnectsOtherOrg
	case oauthflow.KindOrgChanged:
		return RecreateApp
	}
	return 0
}

// fieldsOf returns the fields that an error names.
func fieldsOf(err error) []*oauthflow.FieldError {
	var all badfields.List
	var one *oauthflow.FieldError
	switch {
	case errors.As(err, &all):
		return all
	case errors.As(err, &one):
		return []*oauthflow.FieldError{one}
	}
	return nil
}

// remedyOfFields decides who corrects fields: the service's configuration is its operator's, the connect form its user's, and
// whatever else is passed to a method the programmer's.
func remedyOfFields(fields []*oauthflow.FieldError) Remedy {
	r := FixConfiguration
	for _, f := range fields {
		switch {
		case strings.HasPrefix(f.Field, "Config."), strings.HasPrefix(f.Field, "SealingKey"), strings.HasPrefix(f.Field, "ManagerConfig."):
			return FixService
		case formFields[f.Field] == "":
			r = FixCode
		}
	}
	return r
}
