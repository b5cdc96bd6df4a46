package oauthflow

import (
	"time"
)

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
		return "The app is new: it may take 30 minutes from its creation until " + h.name + " knows it, and less until the org's own My Domain host does."
	case h.Generic():
		return h.name + " does not know the app, as it does not know every app that there is; the org's own My Domain host knows all of the org."
	case isNew:
		return "The app is new: it may take 30 minutes from its creation until this login host knows it."
	}
	return sentence
}

func (k ErrorKind) sentence() string {
	switch k {
	case KindInvalid:
		return "What was entered or asked for cannot be used; the error names the field."
	case KindNotSent:
		return "Salesforce could not be reached; it will be tried again."
	case KindInDoubt:
		return "Salesforce's answer was lost; the connection is checked before anything is sent again."
	case KindBusy, KindUnknownAnswer, KindBadAnswer:
		return "Salesforce did not answer as expected; it will be tried again."
	case KindOrgGone:
		return "The org does not exist any more, or its address has changed."
	case KindIDToken:
		return "Salesforce's proof of who logged in does not fit this login."
	case KindState:
		return "The login was not begun here, has expired, or was completed already."
	case KindNoRefresh:
		return "The app gives no refresh token: it lacks the scope \"Perform requests at any time\", or its Refresh Token Policy ends each one at once."
	case KindOrgChanged:
		return "This login belongs to another Salesforce org than the connection."
	case KindUserChanged:
		return "Salesforce renewed this connection for another user than the one who connected it."
	case KindFreshRefused:
		return "Salesforce refuses fresh sessions at once: the org ties sessions to network addresses, or requires a higher session level."
	case KindForeign:
		return "The stored connection cannot be opened here: the environment or the sealing keys are not those that it was stored with, or the store holds another record in its place."
	case KindElsewhere:
		return "This refresh token belongs to another connection of Fullcast already."
	case KindNotConnected:
		return "There is no such connection."
	case KindStore:
		return "The token store cannot be used at the moment; nothing was sent."
	}
	return "The connection to Salesforce failed."
}
