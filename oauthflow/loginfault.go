package oauthflow

import "errors"

const loginUnknown = "is unknown: it was never begun by this tenant, has expired, was replaced by newer logins, or was completed a while ago"

// loginError is about a callback that belongs to no login that can be completed.
func loginError(problem string) error {
	return &Error{Op: "complete", Kind: KindState, Err: errors.New("the login " + problem)}
}

// refusedWithout gives an error that Salesforce sent to a callback of no login that can be completed its meaning, which is all that
// its reader can act on. Anybody can make such a callback: of its words the code alone is kept, and that only where it is known.
func refusedWithout(cb Callback, problem error) error {
	code := scrubCode(cb.Query.Get("error"))
	r, ok := lookup(callbackSide, reply{code: code})
	if !ok || r.code == "" || len(cb.Query["error"]) != 1 || cb.Query.Has("code") {
		return problem
	}
	return &Error{Op: opCallback, Code: code, Kind: r.kind, Err: problem}
}
