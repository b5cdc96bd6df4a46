package oauthflow

import (
	"errors"
	"net/http"
	"sync/atomic"
	"time"
)

// errFreshJWT explains a [KindFreshRefused] of a JWT.
var errFreshJWT = errors.New("a JWT-based access token was refused as malformed, and so was the one that was issued in its place")

// malformedCode is the code by which a stored [KindFreshRefused] is known to be about JWTs.
const malformedCode = "INVALID_AUTH_HEADER"

// successor is what is known of an access token that was issued, by this process or another, in place of one that Salesforce had
// refused here as a malformed JWT. These words are said of an expired JWT, and of a request that takes no JWT at all, which the same
// words for the successor show. It is a part of the token's view, so that nobody has the token without it. One that another process
// has stored is as young: what this process holds is compared with the store every minute.
//
// The record says nothing of it: a process that finds the token in the store without a refusal of the one before takes its refusal
// for an ended session, and refreshes once. What bounds such processes is the count of the record, see [Manager.refusedAtOnce].
type successor struct {
	issued  time.Duration // on the manager's monotonic clock
	pause   time.Duration // for so long its refusal as malformed causes no refresh
	refused atomic.Bool   // as malformed, and before that nothing had accepted it
}

// succeed returns what is known of a token that is issued now in place of one that was refused as malformed. Last is what was
// known of that; nil where it was not such a token itself. The pause is doubled with each that is refused.
func succeed(last *successor, now time.Duration) *successor {
	pause := refusedPause
	if last != nil && last.refused.Load() {
		pause = min(2*last.pause, refusedPause<<refusedLonger)
	}
	return &successor{issued: now, pause: pause}
}

// refuse notes that the token was refused as malformed, and returns how long such a refusal causes no refresh: 0 where the
// token may have expired, which it also has where it was good for something before. A nil successor is any other token.
func (s *successor) refuse(accepted bool, now time.Duration) (rest time.Duration) {
	if s == nil || accepted && !s.refused.Load() {
		return 0
	}
	s.refused.Store(true)
	return max(s.issued+s.pause-now, 0)
}

// refusedFresh returns the error for a refusal of v as a malformed JWT where another refresh would only bring the next that is
// refused; nil where v may be an expired token.
func (s *Source) refusedFresh(req *http.Request, v *view, said reply) error {
	rest := v.successor.refuse(v.accepted.Load(), s.m.elapsed())
	if rest == 0 {
		return nil
	}
	return freshJWT(req, v, said, rest)
}

// freshJWT is the error for a refusal of v as a malformed JWT where another one was refused so just before.
func freshJWT(req *http.Request, v *view, said reply, rest time.Duration) error {
	e := &Error{Op: opRequest, Host: bareHost(req), Kind: KindFreshRefused, Status: said.status, RetryAfter: rest, Err: errFreshJWT}
	e.Code, e.Description = said.shown(NewSecret(v.access()))
	return e
}
