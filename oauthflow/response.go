package oauthflow

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"time"
)

// ResponseError tells what it means that one of the org's APIs refused a request: its [Error] has the kind, and a
// sentence for the person who looks after the org. It returns nil when the status is below 400. Afterwards the body can
// still be read from its beginning.
//
// A [Source.Transport] returns refusals as they came, save those of an ended session, which it heals; so this is for
// whoever wants to know more of one than its status.
//
// Source: REST API Developer Guide, "Status Codes and Error Responses"; Salesforce Help, "Identity URLs".
func ResponseError(resp *http.Response) error {
	if resp.StatusCode < http.StatusBadRequest {
		return nil
	}
	var sent Secret
	host := ""
	if resp.Request != nil {
		sent = NewSecret(strings.TrimPrefix(resp.Request.Header.Get("Authorization"), bearer))
		host = resp.Request.URL.Host
	}
	body, _ := peek(resp)
	return resourceError(opRequest, host, &answer{status: resp.StatusCode, header: resp.Header, body: body}, time.Now(), sent)
}

// Refusal is [ResponseError] for who has read the response already: its HTTP status, errorCode and message.
func Refusal(status int, code, message string) *Error {
	e := &Error{Op: opRequest, Status: status, Code: scrubCode(code), Description: scrub(message)}
	e.Kind = resourceKind(e)
	return e
}

// resourceError turns a refused request for a resource into an error. [KindSession] alone is healed by a fresh access
// token.
func resourceError(op, host string, a *answer, now time.Time, sent ...Secret) *Error {
	code, message := resourceText(a.body)
	e := &Error{Op: op, Host: host, Status: a.status, RetryAfter: retryAfter(a.header, now)}
	e.Code, e.Description = scrubCode(code, sent...), scrub(message, sent...)
	e.Kind = resourceKind(e)
	return e
}

func resourceKind(e *Error) Kind {
	r, ok := lookup(resourceSide, e.Status, e.Code, e.Description)
	if !ok {
		return KindUnknownAnswer
	}
	return r.kind
}

// maxRefusal is how much of a refusal is read to understand it.
const maxRefusal = 64 << 10

// peek reads the beginning of a body, which can still be read whole afterwards.
func peek(resp *http.Response) ([]byte, error) {
	if resp.Body == nil { // a response that somebody made
		return nil, nil
	}
	head, err := io.ReadAll(io.LimitReader(resp.Body, maxRefusal))
	rest := resp.Body
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(head), rest), rest}
	return head, err
}
