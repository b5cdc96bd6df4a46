package main

import (
	"bytes"
	"context"
	"embed"
	"hash/maphash"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/oauthflow"
)

// app is the web app: pages over a Connector.
type app struct {
	site     fullcast.Site
	sf       *fullcast.Connector
	people   people
	sessions *sessions
	tries    *limit
	pages    map[string]*template.Template
	guide    template.HTML
}

//go:embed pages assets
var files embed.FS

func newApp(site fullcast.Site, sf *fullcast.Connector, p people) (*app, error) {
	a := &app{site: site, sf: sf, people: p, sessions: newSessions(site), pages: map[string]*template.Template{}}
	a.tries = &limit{seed: maphash.MakeSeed(), proxy: a.sessions.secure}
	for _, name := range []string{"sign-in", "connection", "callback", "guide", "check", "diagnose", "disconnect", "migrate"} {
		t, err := template.ParseFS(files, "pages/layout.html", "pages/"+name+".html")
		if err != nil {
			return nil, err
		}
		a.pages[name] = t
	}
	var err error
	a.guide, err = fullcast.SetupGuide(site, metadata.KindExternalClientApp).HTML()
	return a, err
}

// The pages that Salesforce sends browsers back to, by the name that forms give: no form holds an address to go to.
var callbackPages = map[string]string{
	"admin":    "/app/admin/motion",
	"segments": "/app/motion/segments",
	"exchange": "/app/admin/export-import",
}

const adminPage = "/app/admin/motion"

func (a *app) handler() http.Handler {
	mux := http.NewServeMux()
	assets, _ := fs.Sub(files, "assets") // the folder is compiled in
	mux.Handle("GET /assets/", http.StripPrefix("/assets/", http.FileServerFS(assets)))
	mux.Handle("GET /{$}", http.RedirectHandler(adminPage, http.StatusSeeOther))
	mux.HandleFunc("GET /sign-in", a.showSignIn)
	mux.HandleFunc("POST /sign-in", a.signIn)
	mux.HandleFunc("POST /sign-out", a.signOut)
	mux.HandleFunc("GET /setup-guide", a.signedIn(a.showGuide))
	mux.HandleFunc("GET "+adminPage, a.signedIn(a.showConnection))
	mux.HandleFunc("GET "+callbackPages["segments"], a.signedIn(a.showCallbackPage("segments", "Segments")))
	mux.HandleFunc("GET "+callbackPages["exchange"], a.signedIn(a.showCallbackPage("exchange", "Export and import")))
	mux.HandleFunc("POST /salesforce/connect", a.signedIn(a.connect))
	mux.HandleFunc("POST /salesforce/reconnect", a.signedIn(a.reconnect))
	mux.HandleFunc("GET /salesforce/migrate", a.signedIn(a.showMigrate))
	mux.HandleFunc("POST /salesforce/migrate", a.signedIn(a.migrate))
	mux.HandleFunc("POST /salesforce/migrate/resume", a.signedIn(a.resumeMigration))
	mux.HandleFunc("GET /salesforce/check", a.signedIn(a.showCheck))
	mux.HandleFunc("GET /salesforce/diagnose", a.signedIn(a.showDiagnosis))
	mux.HandleFunc("POST /salesforce/diagnose", a.signedIn(a.callAndDiagnose))
	mux.HandleFunc("GET /salesforce/disconnect", a.signedIn(a.showDisconnect))
	mux.HandleFunc("POST /salesforce/disconnect", a.signedIn(a.disconnect))

	callbacks, err := a.sf.CallbackMiddleware(fullcast.CallbackConfig{Session: a.callbackSession, Done: a.loginEnded})
	if err != nil {
		panic(err) // Session is set
	}
	return a.guarded(http.NewCrossOriginProtection().Handler(callbacks(mux)))
}

// guarded answers for the site's own name alone, and sets the headers of every page.
//
// form-action names Salesforce because browsers hold the redirect after a form against it. The referrer stays within the
// site: "no-referrer" would also empty the Origin of the site's own forms.
func (a *app) guarded(next http.Handler) http.Handler {
	const csp = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'; " +
		"form-action 'self' https://*.salesforce.com"
	site, _ := url.Parse(string(a.site)) // was validated
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Host != site.Host {
			http.Error(w, "this is not "+string(a.site), http.StatusMisdirectedRequest)
			return
		}
		h := w.Header()
		h.Set("Content-Security-Policy", csp)
		h.Set("Referrer-Policy", "same-origin")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-store")
		if site.Scheme == "https" { // a proxy hands requests on in plain HTTP, but the browser's was not
			h.Set("Strict-Transport-Security", "max-age=31536000") // of this host alone: others of the domain are not this program's
		}
		next.ServeHTTP(w, r)
	})
}

// visit is one request of somebody who is signed in.
type visit struct {
	*http.Request
	session
	key oauthflow.Key
}

func (a *app) signedIn(page func(http.ResponseWriter, visit)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s, err := a.sessions.of(r)
		if err != nil {
			http.Redirect(w, r, "/sign-in", http.StatusSeeOther)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, 16<<10)
		page(w, visit{r, s, oauthflow.Key{Tenant: s.tenant, Name: "main"}})
	}
}

// view is what every page shows.
type view struct {
	Title  string
	Here   string // the entry of the navigation that is open
	Tenant string // empty: nobody is signed in
	Site   fullcast.Site
	Note   *note
	Body   any
}

func (a *app) show(w http.ResponseWriter, r *http.Request, status int, page string, v view) {
	v.Site = a.site
	if s, err := a.sessions.of(r); err == nil {
		v.Tenant = s.tenant
	}
	if v.Note == nil {
		v.Note = a.sessions.take(r)
	}
	var b bytes.Buffer
	if err := a.pages[page].Execute(&b, v); err != nil {
		http.Error(w, "the page cannot be shown: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // the browser is gone when this fails
}

// back ends a form: it leaves a note and sends the browser to the admin page.
func (a *app) back(w http.ResponseWriter, v visit, n note) {
	a.sessions.leave(v.Request, n)
	http.Redirect(w, v.Request, adminPage, http.StatusSeeOther)
}

// stored returns the connection as it is kept; nil when there is none.
func (a *app) stored(ctx context.Context, k oauthflow.Key) (*oauthflow.Connection, error) {
	conn, err := a.sf.Load(ctx, k)
	if isNotConnected(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &conn, nil
}
