package main

import "net/http"

type signInForm struct {
	Tenants []string
	AskCode bool
	Wrong   bool
}

func (a *app) showSignIn(w http.ResponseWriter, r *http.Request) {
	a.show(w, r, http.StatusOK, "sign-in", view{Title: "Sign in", Body: signInForm{a.people.tenants, a.people.code != "", false}})
}

func (a *app) signIn(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 16<<10)
	tenant := r.PostFormValue("tenant")
	if !a.people.admits(tenant, r.PostFormValue("code")) {
		a.show(w, r, http.StatusUnprocessableEntity, "sign-in",
			view{Title: "Sign in", Body: signInForm{a.people.tenants, a.people.code != "", true}})
		return
	}
	a.sessions.begin(w, r, tenant)
	http.Redirect(w, r, adminPage, http.StatusSeeOther)
}

func (a *app) signOut(w http.ResponseWriter, r *http.Request) {
	a.sessions.end(w, r)
	http.Redirect(w, r, "/sign-in", http.StatusSeeOther)
}
