package main

import (
	"errors"
	"net/http"
	"strings"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/oauthflow"
)

// credentials is the form for an org's app, as it was filled in, and what is wrong with it. The secret is not shown
// again.
type credentials struct {
	LoginHost, ConsumerKey           string
	HostWrong, KeyWrong, SecretWrong string
	Offered                          string // an org that may be accepted in place of the connection's
	client                           oauthflow.Client
}

func readCredentials(r *http.Request) (c credentials, ok bool) {
	c.LoginHost = strings.TrimSpace(r.PostFormValue("login-host"))
	c.ConsumerKey = strings.TrimSpace(r.PostFormValue("consumer-key"))
	secret := strings.TrimSpace(r.PostFormValue("consumer-secret"))
	host, err := oauthflow.ParseHost(c.LoginHost)
	switch {
	case c.LoginHost == "":
		c.HostWrong = "Enter the org's My Domain, such as acme.my.salesforce.com."
	case err != nil:
		c.HostWrong = sentenceOf(strings.TrimPrefix(errors.Unwrap(err).Error(), "Host: "))
	}
	if c.ConsumerKey == "" || len(c.ConsumerKey) > 512 || strings.ContainsFunc(c.ConsumerKey, func(r rune) bool { return r <= ' ' || r > '~' }) {
		c.KeyWrong = "Copy the consumer key from Setup: one word of letters, digits and punctuation."
	}
	if secret == "" {
		c.SecretWrong = "Copy the consumer secret from Setup."
	}
	c.client = oauthflow.Client{Kind: metadata.KindExternalClientApp, Host: host, ID: c.ConsumerKey, Secret: oauthflow.NewSecret(secret)}
	return c, c.HostWrong == "" && c.KeyWrong == "" && c.SecretWrong == ""
}

func (a *app) options(v visit) fullcast.BeginOptions {
	path, ok := callbackPages[v.PostFormValue("page")]
	if !ok {
		path = adminPage
	}
	o := fullcast.BeginOptions{Binding: v.binding, CallbackURL: string(a.site) + path}
	if org := a.sessions.offered(v.Request); org != "" && v.PostFormValue("accept-org") == org { // no other than was shown
		o.ExpectOrg = org
	}
	return o
}

func (a *app) connect(w http.ResponseWriter, v visit) {
	form, ok := readCredentials(v.Request)
	form.Offered = a.sessions.offered(v.Request)
	if !ok {
		a.showConnectionWith(w, v, http.StatusUnprocessableEntity, form)
		return
	}
	o := a.options(v)
	o.Client = form.client
	redirect, err := a.sf.Begin(v.Context(), v.key, o)
	a.leaveFor(w, v, redirect, err)
}

func (a *app) reconnect(w http.ResponseWriter, v visit) {
	redirect, err := a.sf.Reconnect(v.Context(), v.key, a.options(v))
	a.leaveFor(w, v, redirect, err)
}

func (a *app) showMigrate(w http.ResponseWriter, v visit) {
	a.show(w, v.Request, http.StatusOK, "migrate", view{Title: "Migrate", Here: "connection", Body: credentials{Offered: a.sessions.offered(v.Request)}})
}

func (a *app) migrate(w http.ResponseWriter, v visit) {
	form, ok := readCredentials(v.Request)
	form.Offered = a.sessions.offered(v.Request)
	if !ok {
		a.show(w, v.Request, http.StatusUnprocessableEntity, "migrate", view{Title: "Migrate", Here: "connection", Body: form})
		return
	}
	o := a.options(v)
	o.Client = form.client
	redirect, err := a.sf.BeginMigration(v.Context(), v.key, o)
	a.leaveFor(w, v, redirect, err)
}

func (a *app) resumeMigration(w http.ResponseWriter, v visit) {
	_, err := a.sf.ResumeMigration(v.Context(), v.key)
	switch {
	case isNotConnected(err):
		a.back(w, v, note{Title: "There is nothing to resume", Text: "No migration was interrupted after its login. Begin it again."})
	case err != nil:
		a.back(w, v, a.failure("The migration is not finished", err))
	default:
		a.back(w, v, note{OK: true, Title: "Migrated", Text: "The connection now uses the external client app."})
	}
}

// leaveFor sends the browser to Salesforce.
func (a *app) leaveFor(w http.ResponseWriter, v visit, redirect string, err error) {
	if err != nil {
		a.back(w, v, a.failure("The login could not begin", err))
		return
	}
	http.Redirect(w, v.Request, redirect, http.StatusSeeOther)
}

// callbackSession tells the callback middleware who is back from Salesforce.
func (a *app) callbackSession(r *http.Request) (tenant, binding string, err error) {
	s, err := a.sessions.of(r)
	return s.tenant, s.binding, err
}

// loginEnded leaves word for the page that the browser is now sent to.
func (a *app) loginEnded(_ http.ResponseWriter, r *http.Request, conn *fullcast.Connection, err error) {
	var who *oauthflow.StrangerError
	if errors.As(err, &who) && errors.Is(err, oauthflow.ErrOrgChanged) {
		a.sessions.offer(r, who.OrgID)
		a.sessions.leave(r, note{
			Title: "This is another org", Text: "You have logged in to the org " + who.OrgID + ", and the connection is to another. Nothing was changed.",
			To: "If that org is to take its place, as after a sandbox refresh, enter the app's credentials again and confirm the org.",
		})
		return
	}
	if err != nil {
		a.sessions.leave(r, a.failure("The org is not connected by this login", err))
		return
	}
	a.sessions.offer(r, "")
	a.sessions.leave(r, note{OK: true, Title: "Connected", Text: "The login at Salesforce is complete, and the connection is stored."})
}
