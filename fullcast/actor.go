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
	case FixService:
		return ActorOperator
	}
	return ""
}

// Actor returns who has to act on the error. It is its Remedy's, except that a store from which all was copied
// ([oauthflow.ErrRelocated]) is the operator's.
func (e *Error) Actor() Actor {
	if errors.Is(e.Err, oauthflow.ErrRelocated) {
		return ActorOperator
	}
	return e.Remedy.Actor()
}
