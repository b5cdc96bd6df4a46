package orgtest

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"time"
)

// Entry is one line of the org's record. It never holds a token, code, key or secret; refresh tokens are told apart by their
// place in the family: 1 came with the code, 2 is the first rotation.
type Entry struct {
	// Seq counts from 1 without gaps.
	Seq  int
	Time time.Time

	// Event is what happened: "authorize", "exchange", "refresh", "revoke", "introspect", "userinfo", "identity", "api",
	// "deploy", "fault", "redirect", "approval dropped", or an administrator's act: "setup", "sessions expired", "credentials staged",
	// "credentials rotated", "signing key rotated".
	Event string

	// App is the API name of the app, User the user name. Either may be empty.
	App, User string

	// Approval numbers what a user allowed an app, the family of refresh tokens; 0 if there is none.
	Approval int

	// Presented is the refresh token that was sent, Issued the one that was given back; 0 for none.
	Presented, Issued int

	// Outcome is "ok", "code" for an authorize request, "reuse" for a spent refresh token, "busy" for a concurrent refresh,
	// or the error code of the answer; of a "redirect" the status.
	Outcome string

	// Detail is what else there is to say, for example the path of an API call.
	Detail string
}

// Ledger returns what happened so far, oldest first.
func (o *Org) Ledger() []Entry {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.ledger)
}

// record appends an entry. The caller holds the lock.
func (o *Org) record(e Entry) {
	e.Seq, e.Time = len(o.ledger)+1, o.now()
	o.ledger = append(o.ledger, e)
}

// fieldsOf reads the flat JSON object of an OAuth answer.
func fieldsOf(a answer) map[string]string {
	fields := map[string]string{}
	_ = json.Unmarshal(a.body, &fields) // not JSON: no fields
	return fields
}

func outcomeOf(a answer) string {
	if a.status < http.StatusBadRequest {
		return "ok"
	}
	return cmp.Or(fieldsOf(a)["error"], http.StatusText(a.status))
}
