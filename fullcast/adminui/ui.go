package adminui

import (
	"bytes"
	"embed"
	"html/template"
	"io"
	"io/fs"
	"net/http"
	"slices"
	"strings"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/fullcast/internal/callback"
)

// ui is the pages.
type ui struct {
	Config
	pages  map[string]*template.Template
	layout *template.Template
}

//go:embed pages assets
var files embed.FS

func (u *ui) parse() (err error) {
	u.pages = map[string]*template.Template{}
	for _, name := range []string{"connection", "callback", "guide", "check", "diagnose", "disconnect", "migrate"} {
		if u.pages[name], err = template.ParseFS(files, "pages/parts.html", "pages/"+name+".html"); err != nil {
			return err
		}
	}
	u.layout, err = template.ParseFS(files, "pages/layout.html")
	return err
}

func (u *ui) handler() http.Handler {
	mux := http.NewServeMux()
	assets, _ := fs.Sub(files, "assets") // the folder is compiled in
	mux.Handle("GET "+u.Prefix+"/assets/", http.StripPrefix(u.Prefix+"/assets/", http.FileServerFS(assets)))
	mux.HandleFunc("GET "+u.Home, u.signedIn(u.showConnections))
	for _, o := range u.Others {
		mux.HandleFunc("GET "+o.Path, u.signedIn(u.showOther(o)))
	}
	for route, do := range map[string]func(visit){
		"GET /guide": u.showGuide, "POST /connect": u.connect, "POST /reconnect": u.reconnect,
		"GET /migrate": u.showMigrate, "POST /migrate": u.migrate, "POST /migrate/resume": u.resumeMigration,
		"GET /check": u.fromHere(u.showCheck), "GET /diagnose": u.fromHere(u.showDiagnosis), "POST /diagnose": u.callAndDiagnose,
		"POST /secret": u.newSecret, "GET /disconnect": u.showDisconnect, "POST /disconnect": u.disconnect,
	} {
		method, path, _ := strings.Cut(route, " ")
		mux.HandleFunc(method+" "+u.Prefix+path, u.signedIn(do))
	}
	nothing := u.signedIn(u.showNothing)
	own := http.NewCrossOriginProtection().Handler(mux)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case callback.HasAnswer(r.URL.RawQuery) && callback.IsPage(string(u.Site), u.Site.CallbackURLs(), r.URL.Path):
			u.callback(w, r)
		case u.serves(r.URL.Path):
			if _, pattern := mux.Handler(r); pattern == "" {
				nothing(w, r)
				return
			}
			own.ServeHTTP(w, r)
		default:
			u.Next.ServeHTTP(w, r)
		}
	})
}

// showNothing answers a request that no page takes, such as one for the address of a form.
func (u *ui) showNothing(v visit) {
	n := note{Title: "There is no such page", Text: "The address is none of the pages of the Salesforce connection."}
	u.showConnectionsWith(v, http.StatusNotFound, credentials{}, domain{}, &n)
}

// fromHere lets nothing but these pages ask for what makes calls of the org; a link elsewhere leads to the page of the connection.
func (u *ui) fromHere(do func(visit)) func(visit) {
	return func(v visit) {
		if from := v.Header.Get("Sec-Fetch-Site"); from == "cross-site" || from == "same-site" {
			http.Redirect(v.w, v.Request, u.homeOf(v.name), http.StatusSeeOther)
			return
		}
		do(v)
	}
}

// serves reports whether a path is one of these pages.
func (u *ui) serves(path string) bool {
	return path == u.Home || strings.HasPrefix(path, u.Prefix+"/") || slices.ContainsFunc(u.Others, func(o Entry) bool { return o.Path == path })
}

// visit is one request of somebody who is signed in.
type visit struct {
	*http.Request
	w    http.ResponseWriter
	user fullcast.AdminUser
	name string // of the connection that is meant
}

const maxForm = 16 << 10

func (u *ui) signedIn(page func(visit)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		u.guard(w)
		user, err := u.Session(r)
		if err != nil || user.Tenant == "" {
			http.Redirect(w, r, u.SignIn, http.StatusSeeOther)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		v := visit{r, w, user, r.FormValue("connection")}
		if v.name == "" {
			v.name = u.Names[0]
		}
		page(v)
	}
}

// guard sets the headers of these pages, where the service has not set them.
//
// form-action names Salesforce because browsers hold the redirect after a form against it. The referrer stays within the site:
// "no-referrer" would also empty the Origin of the site's own forms.
func (u *ui) guard(w http.ResponseWriter) {
	for name, value := range map[string]string{
		"Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'; " +
			"form-action 'self' https://*.salesforce.com https://*.salesforce.mil https://*.sfcrmproducts.cn",
		"Referrer-Policy":        "same-origin",
		"X-Content-Type-Options": "nosniff",
		"Cache-Control":          "no-store",
	} {
		if w.Header().Get(name) == "" {
			w.Header().Set(name, value)
		}
	}
}

// Page is what [Config].Layout writes its page around.
type Page struct {
	Title   string        // of the document: it begins with what has happened
	Here    string        // the path of the navigation's entry that is open: Home, that of the guide, or one of Others
	Menu    []Entry       // the pages of a navigation: Home, the guide and Others
	Content template.HTML // of the element main; it has the page's one h1, and escapes all that is not its own
	Style   string        // path of the stylesheet
	Script  string        // path of the one script
	Icon    string        // path of the icon
}

// view is what the templates are given.
type view struct {
	Title  string
	Here   string
	State  string // of the connection, where the page is about one; begins the title
	Note   *note
	Body   any
	May    may
	Name   string // of the connection; empty for the one that is meant where none is named
	Home   string
	Prefix string
}

// may is what the user may do.
type may struct{ Connect, Operate bool }

func (u *ui) show(v visit, status int, page string, out view) {
	out.Home, out.Prefix = u.Home, u.Prefix
	if out.Here == "" {
		out.Here = u.Home
	}
	if v.name != u.Names[0] {
		out.Name = v.name
	}
	out.May = may{v.user.Right == fullcast.RightConnect || v.user.Right == fullcast.RightOperate, v.user.Right == fullcast.RightOperate}
	if out.Note == nil {
		out.Note = u.takeNote(v)
	}
	var content, whole bytes.Buffer
	err := u.pages[page].ExecuteTemplate(&content, "page", out)
	if err == nil {
		err = u.write(&whole, v, u.page(out, template.HTML(content.String()))) // made by html/template
	}
	if err != nil {
		http.Error(v.w, "The page cannot be shown.", http.StatusInternalServerError)
		return
	}
	v.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	v.w.WriteHeader(status)
	_, _ = v.w.Write(whole.Bytes()) // the browser is gone when this fails
}

func (u *ui) page(out view, content template.HTML) Page {
	p := Page{
		Title: out.Title, Here: out.Here, Content: content,
		Style: u.Prefix + "/assets/style.css", Script: u.Prefix + "/assets/copy.js", Icon: u.Prefix + "/assets/icon.svg",
		Menu: append([]Entry{{u.Home, "Salesforce"}, {u.guidePath(), "Setup guide"}}, u.Others...),
	}
	if out.State != "" {
		p.Title = out.State + " · " + p.Title
	}
	if out.Note != nil {
		p.Title = out.Note.Title + " · " + p.Title
	}
	return p
}

func (u *ui) guidePath() string { return u.Prefix + "/guide" }

func (u *ui) write(w io.Writer, v visit, p Page) error {
	if u.Layout != nil {
		return u.Layout(w, v.Request, p)
	}
	return u.layout.Execute(w, p)
}

// back ends a form: it leaves a note and sends the browser to the page of the connection.
func (u *ui) back(v visit, n note) {
	u.leaveNote(v, n)
	http.Redirect(v.w, v.Request, u.homeOf(v.name), http.StatusSeeOther)
}
