package main

import (
	"embed"
	"fmt"
	"hash/maphash"
	"html/template"
	"io"
	"net/http"
	"net/url"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/fullcast/adminui"
	"github.com/fullcast/sfauth/oauthflow"
)

// app is the web app: sign-in, sessions and a layout of its own around the pages of package adminui.
type app struct {
	site     fullcast.Site
	people   people
	sessions *sessions
	tries    *limit
	pages    *template.Template
	admin    http.Handler
}

//go:embed pages
var files embed.FS

const (
	adminPage = "/app/admin/motion"
	stylesAt  = "/salesforce/assets"
)

func newApp(site fullcast.Site, sf *fullcast.Connector, p people) (*app, error) {
	a := &app{site: site, people: p, sessions: newSessions(site)}
	a.tries = &limit{seed: maphash.MakeSeed(), proxy: a.sessions.secure}
	var err error
	if a.pages, err = template.ParseFS(files, "pages/*.html"); err != nil {
		return nil, err
	}
	api, err := sf.AdminAPI(fullcast.AdminConfig{Session: a.user})
	if err != nil {
		return nil, err
	}
	a.admin, err = adminui.New(adminui.Config{
		API: api, Session: a.user, Site: site, SignIn: "/sign-in", Layout: a.layout, Next: a.own(),
		Others: []adminui.Entry{{Path: "/app/motion/segments", Title: "Segments"}, {Path: "/app/admin/export-import", Title: "Export and import"}},
	})
	return a, err
}

// user tells the pages and their API who has sent a request. Everybody who signs in here may do everything for his tenant.
func (a *app) user(r *http.Request) (fullcast.AdminUser, error) {
	s, err := a.sessions.of(r)
	return fullcast.AdminUser{Tenant: s.tenant, Right: fullcast.RightOperate, Binding: oauthflow.NewSecret(s.binding)}, err
}

// own are the app's own pages.
func (a *app) own() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /{$}", http.RedirectHandler(adminPage, http.StatusSeeOther))
	mux.HandleFunc("GET /sign-in", a.showSignIn)
	mux.HandleFunc("POST /sign-in", a.signIn)
	mux.HandleFunc("POST /sign-out", a.signOut)
	return http.NewCrossOriginProtection().Handler(mux)
}

// layout is what every page looks like. Without a tenant nobody is signed in.
func (a *app) layout(w io.Writer, r *http.Request, p adminui.Page) error {
	s, _ := a.sessions.of(r)
	return a.pages.ExecuteTemplate(w, "layout.html", map[string]any{"Page": p, "Tenant": s.tenant, "Site": a.site})
}

func (a *app) handler() http.Handler { return a.guarded(a.admin) }

// guarded answers for the site's own name alone, and sets the headers of every page; see package adminui for form-action and the referrer.
func (a *app) guarded(next http.Handler) http.Handler {
	const csp = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'; " +
		"form-action 'self' https://*.salesforce.com"
	site, _ := url.Parse(string(a.site)) // was validated
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Host != site.Host {
			http.Error(w, fmt.Sprintf("this is not %s", a.site), http.StatusMisdirectedRequest)
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
