package oauthflow

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/fullcast/sfauth/internal/badfields"
	scrubber "github.com/fullcast/sfauth/internal/scrub"
)

// Error says what happened to one operation. Neither it nor its causes hold a token, code, secret, query string or
// response body; Salesforce's own words are bounded and withheld when they repeat anything that was sent.
type Error struct {
	Op          string        // operation, such as "refresh"
	Host        string        // host that was to be asked; empty when none was involved
	Code        string        // OAuth error code as Salesforce wrote it; empty when there was none
	Description string        // Salesforce's error_description, at most 200 bytes, scrubbed; empty when there was none
	Kind        ErrorKind     // what it means
	Status      int           // HTTP status; 0 when there was no answer
	RetryAfter  time.Duration // earliest time for another try; 0 when nothing is known
	AppIsNew    bool          // of [KindAppMissing]: by Client.Created the app is so new that it may only be unknown there yet
	MovedTo     Host          // where the login host's redirect (Status 3xx) sends token requests, or where to connect again after My Domain was renamed ([KindGrantDead]); zero when unknown
	Err         error         // cause; may be nil
}

// Error returns one printable line: operation, host, what happened, in Salesforce's words where there are any.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("oauthflow: " + e.Op)
	if e.Host != "" {
		b.WriteString(" at " + e.Host)
	}
	b.WriteString(": " + e.Kind.String())
	if e.Code != "" {
		b.WriteString(": " + e.Code)
		if e.Description != "" {
			b.WriteString(" (" + e.Description + ")")
		}
	}
	if e.Status != 0 {
		fmt.Fprintf(&b, ", HTTP %d", e.Status)
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	return scrubber.Printable(b.String())
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Sentence returns what the error means for the connection, in one sentence for the person who looks after the org. What to do
// about it is a remedy's, as of package fullcast.
func (e *Error) Sentence() string {
	if errors.Is(e.Err, ErrOwnNetwork) {
		return sentenceOwnNetwork
	}
	if errors.Is(e.Err, ErrNoSuchHost) {
		return sentenceNoHost
	}
	if errors.Is(e.Err, errDPoP) {
		return sentenceDPoP
	}
	if errors.Is(e.Err, errFreshJWT) {
		return sentenceFreshJWT
	}
	if errors.Is(e.Err, ErrRelocated) {
		return "This connection is in another token store than the one that Fullcast's service was given; nothing was sent."
	}
	if errors.Is(e.Err, ErrSuperseded) {
		return "Something else changed this connection at the same time, and this login was given up."
	}
	if e.renamed() {
		return sentenceMoved(e.MovedTo)
	}
	if errors.Is(e.Err, errOutcomeLost) {
		return sentenceLost
	}
	if unused := (*idleError)(nil); errors.As(e.Err, &unused) {
		return unused.sentence()
	}
	r, ok := rulingOf(e)
	switch {
	case !ok && e.Op == opRequest && e.Status == http.StatusBadRequest && e.Kind == KindUnknownAnswer: // refused again as it is
		return "This request was refused as it is."
	case !ok:
		return e.Kind.sentence()
	}
	if r.spreads {
		return newAppSentence(r.sentence, Host{e.Host}, e.AppIsNew)
	}
	return r.sentence
}

// Kind says what an [Error] means, so that a program can decide.
type ErrorKind string

// Kinds of errors. The first four tell what became of a request; the others are Salesforce's answer or our own
// finding.
const (
	KindInvalid ErrorKind = "invalid"  // the caller's input or configuration, or a request Salesforce takes for malformed
	KindNotSent ErrorKind = "not sent" // no byte of the request left; trying again is safe
	KindInDoubt ErrorKind = "in doubt" // sent, and no usable answer: Salesforce may have acted
	KindBusy    ErrorKind = "busy"     // Salesforce asks to come back later; nothing changed

	KindGrantDead     ErrorKind = "grant dead"            // the refresh token or code is spent, revoked or expired
	KindSession       ErrorKind = "session ended"         // the access token is not accepted any more; refresh it
	KindDenied        ErrorKind = "denied"                // the user did not allow access
	KindClient        ErrorKind = "client rejected"       // Salesforce does not accept the consumer key or secret
	KindAppMissing    ErrorKind = "app missing"           // no such app in this org, or it is not installed
	KindAppPolicy     ErrorKind = "app policy"            // the app's settings or the org's policies forbid it
	KindUserPolicy    ErrorKind = "user policy"           // the user is frozen, inactive or not permitted
	KindIPRestricted  ErrorKind = "IP restricted"         // the network address is not allowed
	KindRedirect      ErrorKind = "redirect URL"          // the callback URL is not among the app's
	KindScope         ErrorKind = "scope"                 // a scope is not assigned to the app
	KindPKCE          ErrorKind = "PKCE"                  // the code challenge or verifier was not accepted
	KindFreshRefused  ErrorKind = "fresh session refused" // Salesforce refuses access tokens as soon as they are made
	KindOrgGone       ErrorKind = "org gone"              // the org is closed, moved or expired
	KindLimit         ErrorKind = "limit"                 // a limit of the org or user is reached
	KindBadAnswer     ErrorKind = "bad answer"            // the answer makes no sense
	KindIDToken       ErrorKind = "id_token"              // the id_token is not by Salesforce, for this app, login and user
	KindState         ErrorKind = "callback"              // the callback belongs to no login that was begun here
	KindNoRefresh     ErrorKind = "no refresh token"      // the app gives none; see [ErrNoRefreshToken]
	KindOrgChanged    ErrorKind = "org changed"           // another org than the connection's; see [ErrOrgChanged]
	KindUserChanged   ErrorKind = "user changed"          // another user than the connection's; see [ErrUserChanged]
	KindElsewhere     ErrorKind = "connected elsewhere"   // another key was given this refresh token; see [ErrConnectedElsewhere]
	KindNotConnected  ErrorKind = "not connected"         // there is no such connection
	KindStore         ErrorKind = "store"                 // the store failed; nothing was sent that the store does not know
	KindForeign       ErrorKind = "foreign record"        // the stored record was sealed elsewhere, with another key, was changed, is of a newer format, or is not the one that was asked for; see tokenstore.ErrForeignRecord
	KindUnknownAnswer ErrorKind = "unknown answer"        // a refusal that nothing is known of; never the end of a connection
)

// String returns the kind.
func (k ErrorKind) String() string { return string(k) }

// Terminal reports whether no later try with the same grant can succeed, so that none is made.
func (k ErrorKind) Terminal() bool {
	return k == KindGrantDead || k == KindOrgGone || k == KindOrgChanged || k == KindUserChanged
}

// Sentinels for errors.Is, named for what the caller does.
var (
	ErrNoRefreshToken = errors.New("the answer holds no refresh token: the app lacks the scope " +
		"\"Perform requests at any time (refresh_token, offline_access)\", or its Refresh Token Policy is \"Immediately expire refresh token\"")
	ErrNoSuchHost = errors.New("the host does not exist; a My Domain host goes away with its org, or when it is renamed")
	ErrBodyRead   = errors.New("the response's body was read or closed before ResponseError was called, which needs Salesforce's words in it; call ResponseError first")
	ErrClosed     = errors.New("the manager is closed")
)

// invalidFields returns an error about all fields that are at fault, or nil.
func invalidFields(op string, bad badfields.List) error {
	if len(bad) == 0 {
		return nil
	}
	return &Error{Op: op, Kind: KindInvalid, Err: bad}
}

// invalid returns an error about one field of the caller's input.
func invalid(op, field, problem string) error {
	return &Error{Op: op, Kind: KindInvalid, Err: &FieldError{Field: field, Problem: problem}}
}

// FieldError names a field of a configuration or an argument that cannot be used, and says why. An error that is about several
// wraps one for each.
type FieldError = badfields.Error
