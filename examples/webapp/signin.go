package main

import (
	"bytes"
	"html/template"
	"math"
	"net/http"
	"strconv"

	"github.com/fullcast/sfauth/fullcast/adminui"
)

type signInForm struct {
	Tenants []string
	AskCode bool
	Wrong   bool
	Often   bool // too many tries
}

func (a *app) showSignIn(w http.ResponseWriter, r *http.Request) {
	a.ask(w, r, http.StatusOK, signInForm{})
}

// ask shows the form.
func (a *app) ask(w http.ResponseWriter, r *http.Request, status int, form signInForm) {
	form.Tenants, form.AskCode = a.people.tenants, a.people.code != ""
	var content, whole bytes.Buffer
	err := a.pages.ExecuteTemplate(&content, "sign-in.html", form)
	if err == nil {
		err = a.layout(&whole, r, adminui.Page{
			Title: "Sign in", Content: template.HTML(content.String()), // made by html/template
			Style: stylesAt + "/style.css", Script: stylesAt + "/copy.js", Icon: stylesAt + "/icon.svg",
		})
	}
	if err != nil {
		http.Error(w, "the page cannot be shown: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(whole.Bytes()) // the browser is gone when this fails
}

func (a *app) signIn(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 16<<10)
	if wait := a.tries.take(r); wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
		a.ask(w, r, http.StatusTooManyRequests, signInForm{Often: true})
		return
	}
	tenant := r.PostFormValue("tenant")
	if !a.people.admits(tenant, r.PostFormValue("code")) {
		a.ask(w, r, http.StatusUnprocessableEntity, signInForm{Wrong: true})
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
