package main

import (
	"net/http"
	"time"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/policy"
)

// connectionView is the state of the tenant's connection, in words.
type connectionView struct {
	Stored *oauthflow.Connection // nil: there is none
	Legacy bool                  // made with a connected app
	State  string
	Means  string                // what the state means
	To     string                // what to do
	Admin  string                // a text to send to the org's admin
	Staged *oauthflow.Connection // a migration that has not come to its end
	Mark   string                // of the state, beside its word: ok, problem, wait
	Since  string
	Last   string
	Form   credentials
}

func (a *app) look(v visit) (connectionView, error) {
	stored, err := a.stored(v.Context(), v.key)
	if stored == nil {
		return connectionView{State: "Not connected", Mark: "wait"}, err
	}
	c := connectionView{
		Stored: stored, Legacy: stored.Kind == metadata.KindConnectedApp,
		Since: day(stored.ConnectedAt), Last: day(stored.RefreshedAt),
	}
	switch stored.Status {
	case oauthflow.StatusActive:
		c.State, c.Mark, c.Means = "Active", "ok", "Fullcast can call the org."
	case oauthflow.StatusInDoubt:
		c.State, c.Mark, c.Means = "In doubt", "wait", "Salesforce's last answer was lost; Fullcast is finding out what it was."
	case oauthflow.StatusSuspended:
		c.State, c.Mark, c.Means = "Suspended", "problem", "Salesforce refuses for a reason that passes, or that an admin's switch heals; the connection then works again by itself."
	case oauthflow.StatusBroken:
		c.State, c.Mark, c.Means = "Broken", "problem", "It does not heal by itself."
	case oauthflow.StatusDisconnecting:
		c.State, c.Mark, c.Means = "Disconnecting", "wait", "Salesforce has not confirmed the revocation yet."
	}
	if stored.Fault != nil {
		c.Means, c.To = explain(stored.Fault)+" "+c.Means, fullcast.RemedyOf(*stored).String()
		if conn, err := a.sf.Open(v.Context(), v.key); err == nil {
			c.Admin = conn.ForAdmin(stored.Fault)
		}
	}
	if staged, err := a.sf.StagedMigration(v.Context(), v.key); err == nil {
		c.Staged = &staged
	}
	return c, nil
}

func day(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.UTC().Format("2 January 2006, 15:04 UTC")
}

func (a *app) showConnection(w http.ResponseWriter, v visit) {
	a.showConnectionWith(w, v, http.StatusOK, credentials{})
}

func (a *app) showConnectionWith(w http.ResponseWriter, v visit, status int, form credentials) {
	c, err := a.look(v)
	out := view{Title: "Salesforce connection", Here: "connection"}
	if err != nil {
		n := a.failure("The connection cannot be read", err)
		out.Note = &n
	}
	form.Offered = a.sessions.offered(v.Request)
	c.Form = form
	out.Body = c
	a.show(w, v.Request, status, "connection", out)
}

// callbackPage is one of the product's other pages to which Salesforce sends browsers back.
type callbackPage struct {
	Name string
	connectionView
}

func (a *app) showCallbackPage(name, title string) func(http.ResponseWriter, visit) {
	return func(w http.ResponseWriter, v visit) {
		c, err := a.look(v)
		out := view{Title: title, Here: name, Body: callbackPage{name, c}}
		if err != nil {
			n := a.failure("The connection cannot be read", err)
			out.Note = &n
		}
		a.show(w, v.Request, http.StatusOK, "callback", out)
	}
}

func (a *app) showGuide(w http.ResponseWriter, v visit) {
	a.show(w, v.Request, http.StatusOK, "guide", view{Title: "Setup guide", Here: "guide", Body: a.guide})
}

func (a *app) showCheck(w http.ResponseWriter, v visit) {
	var report policy.Report
	conn, err := a.sf.Open(v.Context(), v.key)
	if err == nil {
		report, err = conn.Check(v.Context())
	}
	if err != nil {
		a.back(w, v, a.failure("The app cannot be checked", err))
		return
	}
	a.show(w, v.Request, http.StatusOK, "check", view{Title: "Check of the app", Here: "connection", Body: sorted(report)})
}

// check is a report for a page: what is wrong apart from what is only to be known.
type check struct {
	policy.Report
	Wrong, Notes []policy.Finding
}

func sorted(report policy.Report) check {
	c := check{Report: report}
	for _, f := range report.Findings {
		if f.Severity == policy.SeverityNote {
			c.Notes = append(c.Notes, f)
		} else {
			c.Wrong = append(c.Wrong, f)
		}
	}
	return c
}

func (a *app) showDiagnosis(w http.ResponseWriter, v visit) {
	conn, err := a.sf.Open(v.Context(), v.key)
	if err != nil {
		a.back(w, v, a.failure("There is nothing to diagnose", err))
		return
	}
	a.show(w, v.Request, http.StatusOK, "diagnose", view{Title: "Diagnosis", Here: "connection", Body: conn.Diagnose(v.Context())})
}

// callAndDiagnose makes one call of the org first; what becomes of it the diagnosis shows.
func (a *app) callAndDiagnose(w http.ResponseWriter, v visit) {
	if conn, err := a.sf.Open(v.Context(), v.key); err == nil {
		_, _ = conn.Resty().R().SetContext(v.Context()).Get("/services/data/v" + fullcast.APIVersion.String() + "/limits") // the list of versions would need no session
	}
	http.Redirect(w, v.Request, "/salesforce/diagnose", http.StatusSeeOther)
}

func (a *app) showDisconnect(w http.ResponseWriter, v visit) {
	a.show(w, v.Request, http.StatusOK, "disconnect", view{Title: "Disconnect", Here: "connection"})
}

func (a *app) disconnect(w http.ResponseWriter, v visit) {
	if err := a.sf.Disconnect(v.Context(), v.key); err != nil && !isNotConnected(err) {
		a.back(w, v, a.failure("Not disconnected yet", err))
		return
	}
	a.back(w, v, note{OK: true, Title: "Disconnected", Text: "Salesforce has revoked the tokens, and they are forgotten here."})
}
