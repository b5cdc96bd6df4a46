package adminui

import (
	"net/http"
	"time"
)

// callback completes the login that a browser is back from, and sends it to the same page without the query. What no person has opened
// spends nothing.
func (u *ui) callback(w http.ResponseWriter, r *http.Request) {
	u.guard(w)
	w.Header().Set("Referrer-Policy", "no-referrer") // the address holds the code
	w.Header().Set("Cache-Control", "no-store")
	if r.Method == http.MethodHead {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	user, err := u.Session(r)
	if err != nil || user.Tenant == "" { // the page sends the browser to sign in, and tells it of this afterwards
		http.SetCookie(w, u.cookie(noteCookie, lostSession, int(noteTime/time.Second)))
		http.Redirect(w, r, r.URL.Path, http.StatusSeeOther)
		return
	}
	v := visit{Request: r, w: w, user: user}
	began := u.attempted(v)
	v.name = began.Name
	if v.name == "" {
		v.name = u.Names[0]
	}
	query := r.URL.RawQuery
	if r.Method != http.MethodGet {
		query = "error=" // no browser is sent back so
	}
	var done completed
	p := u.call(v, http.MethodPost, "/complete", "", map[string]string{"path": r.URL.Path, "query": query}, &done)
	switch {
	case p != nil:
		u.leaveNote(v, u.notConnected(v, began, p))
	case !done.Connected: // the API takes the request for one of a browser that looks ahead
		w.WriteHeader(http.StatusNoContent)
		return
	default:
		v.name = done.Connection.Name
		u.dropCookie(v, attemptCookie)
		u.leaveNote(v, connected(done))
	}
	to := r.URL.Path
	if to == u.Home {
		to = u.homeOf(v.name)
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

func connected(done completed) note {
	if done.Migrated {
		return note{OK: true, Title: "Connected", Text: "The connection now uses the external client app.", Next: done.Next}
	}
	return note{OK: true, Title: "Connected", Text: "The login at Salesforce is complete, and the connection is stored."}
}

// notConnected tells how a login failed. Where another org has answered, the form may accept it.
func (u *ui) notConnected(v visit, began attempt, p *problem) note {
	if p.Answered != nil && p.Code == "org-changed" {
		began.Name, began.Org = v.name, p.Answered.OrgID
		u.setCookie(v, attemptCookie, began, attemptTime)
		return note{
			Title: "This is another org", Text: "You have logged in to the org " + p.Answered.OrgID + ", and the connection is to another. Nothing was changed.",
			To: "If that org is to take its place, as after a sandbox refresh, enter the app's credentials again and confirm the org.",
		}
	}
	n := failure("The org is not connected by this login", p)
	if p.Code == "fields" { // of the address, which nobody has entered
		n.Text, n.Fields = "The address is not that of a login that comes back from Salesforce. Nothing was changed.", nil
	}
	return n
}
