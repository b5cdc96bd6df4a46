package oauthflow

import (
	"errors"
	"net/http"
	"time"

	"github.com/fullcast/sfauth/internal/salesforce"
	scrubber "github.com/fullcast/sfauth/internal/scrub"
)

// ResponseError tells what it means that one of the org's APIs refused a request: its [Error] has the kind, and a
// sentence for the person who looks after the org. It returns nil when the status is below 400. Afterwards the body can
// still be read from its beginning.
//
// The body holds Salesforce's words: call ResponseError before the body is read or closed. Of a body that was, as far as that can
// be known, it returns an error of [KindInvalid] that wraps [ErrBodyRead], and not a guess by the status alone.
//
// A [Source.Transport] returns refusals as they came, save those of an ended session, which it heals; so this is for
// a caller who wants to know more of one than its status.
//
// Source: REST API Developer Guide, "Status Codes and Error Responses"; Salesforce Help, "Identity URLs".
func ResponseError(resp *http.Response) error {
	if resp.StatusCode < http.StatusBadRequest {
		return nil
	}
	host := ""
	if resp.Request != nil {
		host = resp.Request.URL.Host
	}
	body, err := unread(resp)
	if errors.Is(err, ErrBodyRead) {
		return &Error{Op: opRequest, Host: host, Kind: KindInvalid, Status: resp.StatusCode, Err: ErrBodyRead}
	}
	return resourceError(opRequest, host, &answer{status: resp.StatusCode, header: resp.Header, body: body}, time.Now(), scrubber.SentWith(resp.Request)...)
}

// Refusal is [ResponseError] for who has read the response already: its HTTP status, errorCode and message. It knows no access
// token, and reads words that mean something else for a JWT (INVALID_AUTH_HEADER, INVALID_JWT_FORMAT) as said of an opaque one.
func Refusal(status int, code, message string) *Error {
	code, message = salesforce.Normalized(code, message)
	e := &Error{Op: opRequest, Status: status, Code: scrubCode(code), Description: scrub(message)}
	said := reply{status: status, code: code, message: message, form: opaqueToken}
	if isSalesforces(code) {
		said.author = authorSalesforce
	}
	e.Kind = resourceKind(opRequest, said)
	return e
}

// resourceError turns a refused request for a resource into an error. [KindSession] alone is healed by a fresh access
// token. The first secret that was sent is the access token.
func resourceError(op, host string, a *answer, now time.Time, sent ...Secret) *Error {
	form := opaqueToken
	if len(sent) > 0 {
		form = formOf(sent[0].Reveal())
	}
	said := readReply(a.status, a.header, a.body, form)
	e := &Error{Op: op, Host: host, Status: a.status, RetryAfter: retryAfter(a.header, now)}
	e.Code, e.Description = said.shown(sent...)
	e.Kind = resourceKind(op, said)
	return e
}

func resourceKind(op string, said reply) ErrorKind {
	r, ok := lookup(sideOf(op), said)
	if !ok {
		return KindUnknownAnswer
	}
	return r.kind
}

// maxRefusal is how much of a refusal is read to understand it.
const maxRefusal = 64 << 10
