package oauthflow

import "errors"

const loginUnknown = "is unknown: it was never begun by this tenant, has expired, was replaced by newer logins, or was completed a while ago"

// loginError is about a callback that belongs to no login that can be completed.
func loginError(problem string) *Error {
	return &Error{Op: "complete", Kind: KindState, Err: errors.New("the login " + problem)}
}

// refusedLate gives an error that Salesforce sent to the callback of a login whose time is over its meaning, which is what its reader
// can act on. State and session are the login's: Salesforce has said it to this browser.
func refusedLate(cb Callback, problem *Error) error {
	code, r, ok := refusedCode(cb)
	if !ok {
		return problem
	}
	return &Error{Op: opCallback, Code: code, Kind: r.kind, Err: problem}
}

// refusedUnknown names the code of an error that came to a callback of no login that is known. Anybody can make such a callback, and
// have an admin open it: it changes neither kind nor remedy, and a new login has Salesforce say it again.
func refusedUnknown(cb Callback, problem *Error) error {
	problem.Code, _, _ = refusedCode(cb)
	return problem
}

// refusedCode returns the code of the error that a callback carries, where it is one of Salesforce's, and what it means.
func refusedCode(cb Callback) (code string, r ruling, ok bool) {
	code = scrubCode(cb.Query.Get("error"))
	r, ok = lookup(callbackSide, reply{code: code})
	if !ok || r.code == "" || len(cb.Query["error"]) != 1 || cb.Query.Has("code") {
		return "", ruling{}, false
	}
	return code, r, true
}
