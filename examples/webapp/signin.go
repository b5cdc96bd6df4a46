package main

import (
	"math"
	"net/http"
	"strconv"
)

type signInForm struct {
	Tenants []string
	AskCode bool
	Wrong   bool
	Often   bool // too many tries
}

func (a *app) showSignIn(w http.ResponseWriter, r *http.Request) {
	a.show(w, r, http.StatusOK, "sign-in", view{Title: "Sign in", Body: signInForm{Tenants: a.people.tenants, AskCode: a.people.code != ""}})
}

func (a *app) signIn(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 16<<10)
	form := signInForm{Tenants: a.people.tenants, AskCode: a.people.code != ""}
	if wait := a.tries.take(r); wait > 0 {
		form.Often = true
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
		a.show(w, r, http.StatusTooManyRequests, "sign-in", view{Title: "Sign in", Body: form})
		return
	}
	tenant := r.PostFormValue("tenant")
	if !a.people.admits(tenant, r.PostFormValue("code")) {
		form.Wrong = true
		a.show(w, r, http.StatusUnprocessableEntity, "sign-in", view{Title: "Sign in", Body: form})
		return
	}
	a.tries.giveBack(r)
	a.sessions.begin(w, r, tenant)
	http.Redirect(w, r, adminPage, http.StatusSeeOther)
}

func (a *app) signOut(w http.ResponseWriter, r *http.Request) {
	a.sessions.end(w, r)
	http.Redirect(w, r, "/sign-in", http.StatusSeeOther)
}
