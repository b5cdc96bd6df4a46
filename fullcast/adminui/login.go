package adminui

import (
	"net/http"
	"slices"
	"strings"
)

// credentials is the form for an org's app, as it was filled in, and what is wrong with it. The secret is not shown again.
type credentials struct {
	LoginHost, ConsumerKey           string
	HostWrong, KeyWrong, SecretWrong string
	Offered                          string // an org that may be accepted in place of the connection's
}

// Fields of the API by the names of the form's.
var entries = map[string]string{"loginHost": "login-host", "consumerKey": "consumer-key", "consumerSecret": "consumer-secret"}

func (c *credentials) mark(fields []wrong) {
	for _, f := range fields {
		switch f.Field {
		case "loginHost":
			c.HostWrong = f.Message
		case "consumerKey":
			c.KeyWrong = f.Message
		case "consumerSecret":
			c.SecretWrong = f.Message
		}
	}
}

// fill shows again what was entered for a login that has not come to its end, where the note tells of it.
func (u *ui) fill(v visit, form credentials, n *note) credentials {
	began := u.attempted(v)
	if began.Name != v.name {
		return form
	}
	form.Offered = began.Org
	if n != nil && !n.OK && form.ConsumerKey == "" {
		form.LoginHost, form.ConsumerKey = began.LoginHost, began.ConsumerKey
	}
	if n != nil {
		form.mark(n.Fields)
	}
	return form
}

// begin begins a login with what the form holds, and sends the browser to Salesforce; or it returns the form, to be corrected.
func (u *ui) begin(v visit, path string) (credentials, *note) {
	form := credentials{LoginHost: strings.TrimSpace(v.PostFormValue("login-host")), ConsumerKey: strings.TrimSpace(v.PostFormValue("consumer-key"))}
	in := map[string]string{"page": u.pageOf(v)}
	for field, name := range entries {
		in[field] = v.PostFormValue(name)
	}
	began := u.attempted(v)
	if began.Name == v.name && began.Org != "" && v.PostFormValue("accept-org") == began.Org { // no other than was shown
		in["expectOrg"] = began.Org
	}
	var to begun
	p := u.empty(in)
	if p == nil {
		p = u.call(v, http.MethodPost, path, "", in, &to)
	}
	if p != nil {
		n := failure("The login could not begin", p)
		form.mark(p.Fields)
		if form.HostWrong+form.KeyWrong+form.SecretWrong == "" {
			u.back(v, n)
			return form, nil
		}
		if began.Name == v.name {
			form.Offered = began.Org
		}
		n.To, n.Admin = "", "" // the fields say it
		return form, &n
	}
	next := attempt{Name: v.name, LoginHost: form.LoginHost, ConsumerKey: form.ConsumerKey}
	if began.Name == v.name {
		next.Org = began.Org
	}
	u.setCookie(v, attemptCookie, next, attemptTime)
	http.Redirect(v.w, v.Request, to.Redirect, http.StatusSeeOther)
	return form, nil
}

// empty is the problem of a form with nothing in it, which the API takes for the wish to connect again with the app that there is.
func (u *ui) empty(in map[string]string) *problem {
	for field := range entries {
		if strings.TrimSpace(in[field]) != "" {
			return nil
		}
	}
	return &problem{Message: "Some fields have to be corrected.", Fields: []wrong{
		{"loginHost", "Enter the org's My Domain, such as acme.my.salesforce.com."},
		{"consumerKey", "Copy the consumer key from Setup."}, {"consumerSecret", "Copy the consumer secret from Setup."},
	}}
}

// pageOf is the page that a login comes back to: one of these, or Home.
func (u *ui) pageOf(v visit) string {
	page := v.PostFormValue("page")
	if slices.ContainsFunc(u.Others, func(o Entry) bool { return o.Path == page }) {
		return page
	}
	return u.Home
}

func (u *ui) connect(v visit) {
	if form, n := u.begin(v, of(v.name, "/login")); n != nil {
		u.showConnectionsWith(v, http.StatusUnprocessableEntity, form, domain{}, n)
	}
}

func (u *ui) reconnect(v visit) {
	var to begun
	if p := u.call(v, http.MethodPost, of(v.name, "/login"), "", map[string]string{"page": u.pageOf(v)}, &to); p != nil {
		u.back(v, failure("The login could not begin", p))
		return
	}
	u.setCookie(v, attemptCookie, attempt{Name: v.name}, attemptTime)
	http.Redirect(v.w, v.Request, to.Redirect, http.StatusSeeOther)
}

// migrationView is the page of a migration: how far it is, and the form.
type migrationView struct {
	migration
	Form credentials
}

func (u *ui) showMigrate(v visit) { u.showMigrateWith(v, http.StatusOK, credentials{}, nil) }

func (u *ui) showMigrateWith(v visit, status int, form credentials, n *note) {
	var plan migration
	if p := u.call(v, http.MethodGet, of(v.name, "/migration"), "", nil, &plan); p != nil {
		u.back(v, failure("There is nothing to migrate", p))
		return
	}
	if n == nil {
		n = u.takeNote(v)
	}
	u.show(v, status, "migrate", view{Title: "Migrate", Note: n, Body: migrationView{plan, u.fill(v, form, n)}})
}

func (u *ui) migrate(v visit) {
	if form, n := u.begin(v, of(v.name, "/migration")); n != nil {
		u.showMigrateWith(v, http.StatusUnprocessableEntity, form, n)
	}
}

func (u *ui) resumeMigration(v visit) {
	var done completed
	p := u.call(v, http.MethodPost, of(v.name, "/migration/finish"), "", nil, &done)
	switch {
	case p != nil && p.Code == "no-migration":
		u.back(v, note{Title: "There is nothing to resume", Text: "No migration was interrupted after its login. Begin it again."})
	case p != nil:
		u.back(v, failure("The migration is not finished", p))
	default:
		u.back(v, note{OK: true, Title: "Migrated", Text: "The connection now uses the external client app.", Next: done.Next})
	}
}
