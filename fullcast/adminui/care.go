package adminui

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// guideView is the guide, for the org whose My Domain was entered, and what comes after it.
type guideView struct {
	guide
	Type   string // of the org, in words; may be empty
	Legacy bool   // the connection uses a connected app: it is to be migrated, not connected
}

func (u *ui) showGuide(v visit) {
	query := url.Values{}
	for _, name := range []string{"kind", "host"} {
		if given := strings.TrimSpace(v.URL.Query().Get(name)); given != "" {
			query.Set(name, given)
		}
	}
	if v.URL.Query().Has("host") && !query.Has("host") {
		u.askHost(v, "", []wrong{{"host", "Enter the org's My Domain, such as acme.my.salesforce.com."}})
		return
	}
	var g guideView
	p := u.call(v, http.MethodGet, "/guide", query.Encode(), nil, &g.guide)
	switch {
	case p != nil && len(p.Fields) == 1 && p.Fields[0].Field == "host":
		u.askHost(v, query.Get("host"), p.Fields)
		return
	case p != nil:
		u.back(v, failure("The guide cannot be shown", p))
		return
	}
	if g.Host != nil {
		g.Type = orgTypes[g.Host.Type]
	}
	var now connection
	if u.call(v, http.MethodGet, of(v.name, ""), "", nil, &now) == nil {
		g.Legacy = now.Kind == connectedApp
	}
	u.show(v, http.StatusOK, "guide", view{Title: "Setup guide", Here: u.guidePath(), Body: g})
}

// Shown reports whether the values of a setting are shown; the state of a checkbox stands in its hint.
func (g guideView) Shown(values []string) bool {
	return len(values) != 1 || values[0] != "selected" && values[0] != "cleared"
}

// askHost shows the first step of connecting again.
func (u *ui) askHost(v visit, host string, fields []wrong) {
	n := note{Title: "This is not the My Domain of an org", Text: "Some fields have to be corrected.", Fields: fields}
	u.showConnectionsWith(v, http.StatusUnprocessableEntity, credentials{}, domain{host, fields[0].Message}, &n)
}

// check is a report for a page: what is wrong apart from what is only to be known.
type check struct {
	checked
	Wrong, Notes []finding
}

func sorted(report checked) check {
	c := check{checked: report}
	for _, f := range report.Findings {
		if f.Severity == "note" {
			c.Notes = append(c.Notes, f)
		} else {
			c.Wrong = append(c.Wrong, f)
		}
	}
	return c
}

func (u *ui) showCheck(v visit) {
	var report checked
	if p := u.call(v, http.MethodPost, of(v.name, "/check"), "", nil, &report); p != nil {
		u.back(v, failure("The app cannot be checked", p))
		return
	}
	u.show(v, http.StatusOK, "check", view{Title: "Check of the app", Body: sorted(report)})
}

func (u *ui) showDiagnosis(v visit) {
	var d diagnosis
	if p := u.call(v, http.MethodPost, of(v.name, "/diagnosis"), "", nil, &d); p != nil {
		u.back(v, failure("There is nothing to diagnose", p))
		return
	}
	for i := range d.Lines {
		d.Lines[i].Outcome = strings.ReplaceAll(d.Lines[i].Outcome, "-", " ")
	}
	if d.Cause != nil { // stands first, and once
		d.Lines = slices.DeleteFunc(d.Lines, func(l line) bool { return l.Code == d.Cause.Code })
	}
	u.show(v, http.StatusOK, "diagnose", view{Title: "Diagnosis", Body: d})
}

// callAndDiagnose makes calls of the org first, those of a check; what becomes of them the diagnosis shows.
func (u *ui) callAndDiagnose(v visit) {
	_ = u.call(v, http.MethodPost, of(v.name, "/check"), "", nil, nil)
	http.Redirect(v.w, v.Request, u.Prefix+"/diagnose"+u.queryOf(v.name), http.StatusSeeOther)
}

func (u *ui) showDisconnect(v visit) {
	if p := u.call(v, http.MethodGet, of(v.name, ""), "", nil, nil); p != nil {
		u.back(v, failure("There is nothing to disconnect", p))
		return
	}
	u.show(v, http.StatusOK, "disconnect", view{Title: "Disconnect"})
}

func (u *ui) disconnect(v visit) {
	p := u.call(v, http.MethodDelete, of(v.name, ""), "", nil, nil)
	switch {
	case p != nil && p.Status == http.StatusNotFound:
		u.back(v, failure("There is nothing to disconnect", p))
	case p != nil:
		u.back(v, failure("Not disconnected yet", p))
	default:
		u.dropCookie(v, attemptCookie)
		u.back(v, note{OK: true, Title: "Disconnected", Text: "Salesforce has revoked the tokens, and they are forgotten here."})
	}
}

// newSecret gives a connection the secret that its app has now. It needs no login.
func (u *ui) newSecret(v visit) {
	secret := v.PostFormValue("new-secret")
	if strings.TrimSpace(secret) == "" { // the API would take it for no change
		u.back(v, note{Title: "The secret is not changed", Text: "Copy the consumer secret from Setup."})
		return
	}
	p := u.call(v, http.MethodPut, of(v.name, "/credentials"), "", map[string]string{"consumerSecret": secret}, nil)
	if p == nil {
		u.back(v, note{OK: true, Title: "The secret is changed", Text: "Salesforce has accepted the new consumer secret, and the connection uses it."})
		return
	}
	n := failure("The secret is not changed", p)
	if n.Fields != nil {
		n.Text, n.Fields = p.Fields[0].Message, nil
	}
	u.back(v, n)
}
