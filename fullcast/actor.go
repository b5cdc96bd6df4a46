package fullcast

import (
	"errors"

	"github.com/fullcast/sfauth/oauthflow"
)

// Actor is the person who has to act on a [Remedy], in lower-case words that are fit for a label of a metric. The empty Actor
// means that nothing is known.
type Actor string

// Actors.
const (
	ActorNobody     Actor = "nobody"     // the service tries again by itself
	ActorAdmin      Actor = "admin"      // the customer's: in Salesforce Setup, or where the customer connects Fullcast
	ActorOperator   Actor = "operator"   // of the service: its configuration, sealing keys, network or store
	ActorProgrammer Actor = "programmer" // of the service: its code
)

// Actor returns who has to act; empty for the zero Remedy.
func (r Remedy) Actor() Actor {
	switch r {
	case Retry:
		return ActorNobody
	case Reauthorize, AdminFixesApp, AdminFixesPolicy, FixConfiguration, RecreateApp, Migrate, ContactCSM:
		return ActorAdmin
	case FixCode:
		return ActorProgrammer
	}
	return ""
}

// Actor returns who has to act on the error. It is its Remedy's, except that a stored record that cannot be opened here
// ([oauthflow.KindForeign]) is the operator's: the environment or the sealing keys are not those that it was stored
// with, or the store holds another record in its place. So is a store from which all was copied ([oauthflow.ErrRelocated]).
func (e *Error) Actor() Actor {
	var cause *oauthflow.Error
	if errors.As(e.Err, &cause) && cause.Kind == oauthflow.KindForeign || errors.Is(e.Err, oauthflow.ErrRelocated) {
		return ActorOperator
	}
	return e.Remedy.Actor()
}
