package adminui

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/fullcast/internal/callback"
	"github.com/fullcast/sfauth/internal/badfields"
)

// Config says how the pages are served.
type Config struct {
	// API answers the calls: what [fullcast.Connector.AdminAPI] returns, without the prefix that a service mounts it below. Required.
	API http.Handler

	// Session is the function that the API was given as AdminConfig.Session: it decides which controls a page has, and keeps what is
	// told to one session from another. Required; it may be called from many goroutines. An error means that nobody is signed in.
	Session func(*http.Request) (fullcast.AdminUser, error)

	// Site is that of the Connector. Required.
	Site fullcast.Site

	// SignIn is the path of the service's own page that a browser is sent to where nobody is signed in, such as "/sign-in". Required.
	SignIn string

	// Home is the path of the page of the connections, one of the Site's callback pages. Optional; default "/app/admin/motion".
	Home string

	// Others are further callback pages that these pages serve: each shows the state of the connections, and connects again. Optional.
	// A callback page that is neither Home nor one of Others is served by Next; its callbacks are completed here.
	Others []Entry

	// Prefix is the path below which all other pages are. Optional; default "/salesforce".
	Prefix string

	// Names are the connections that the pages offer to make, such as "import" and "export"; the first is meant where none is named.
	// Connections that exist are shown whatever their names are. AdminConfig.Names, where it is set, must have them all. Optional; default
	// "main" alone.
	Names []string

	// Layout writes a page of the service around the content of one of these. Optional; default a plain page with a navigation. It may
	// be called from many goroutines; after an error the answer is 500.
	Layout func(w io.Writer, r *http.Request, p Page) error

	// Next serves every other path. Optional; default 404.
	Next http.Handler
}

// Entry is a page of the service by its path and its title.
type Entry struct {
	Path  string
	Title string
}

// validate returns all fields at fault. The defaults have been filled in.
func (c Config) validate() error {
	var bad badfields.List
	if c.API == nil {
		bad.Add("Config.API", "is required")
	}
	if c.Session == nil {
		bad.Add("Config.Session", "is required")
	}
	if err := c.Site.Validate(); err != nil {
		bad.Add("Config.Site", "must be that of the Connector, such as fullcast.Production")
	}
	for _, p := range []struct{ field, path string }{{"Config.SignIn", c.SignIn}, {"Config.Prefix", c.Prefix}} {
		if !isPath(p.path) {
			bad.Add(p.field, "must be a path such as /salesforce, without a slash at its end")
		}
	}
	if u := (&ui{Config: c}); isPath(c.SignIn) && (u.serves(c.SignIn) || callback.IsPage(string(u.Site), u.Site.CallbackURLs(), c.SignIn)) { // it would lead to itself
		bad.Add("Config.SignIn", "must be a page of the service's own, which Next or another handler serves")
	}
	c.validatePages(&bad)
	for i, name := range c.Names {
		if name == "" || len(name) > 100 || slices.Contains(c.Names[:i], name) {
			bad.Add(fmt.Sprintf("Config.Names[%d]", i), "must be 1 to 100 bytes, and stand there once")
		}
	}
	if err := bad.Err(); err != nil {
		return fmt.Errorf("adminui: %w", err)
	}
	return nil
}

func (c Config) validatePages(bad *badfields.List) {
	var callbacks []string
	for _, u := range c.Site.CallbackURLs() {
		callbacks = append(callbacks, strings.TrimPrefix(u, string(c.Site)))
	}
	must := "must be a callback page of the Site: " + strings.Join(callbacks, ", ")
	if !slices.Contains(callbacks, c.Home) {
		bad.Add("Config.Home", must)
	}
	seen := []string{c.Home}
	for i, o := range c.Others {
		field := fmt.Sprintf("Config.Others[%d]", i)
		switch {
		case !slices.Contains(callbacks, o.Path):
			bad.Add(field+".Path", must)
		case slices.Contains(seen, o.Path):
			bad.Add(field+".Path", "is served already")
		}
		if o.Title == "" {
			bad.Add(field+".Title", "is required")
		}
		seen = append(seen, o.Path)
	}
}

// isPath reports whether p is a path of the site in its shortest form, and no pattern.
func isPath(p string) bool {
	u, err := url.Parse(p)
	return err == nil && p != "/" && strings.HasPrefix(p, "/") && path.Clean(p) == p && u.Path == p && !strings.ContainsAny(p, "{} ")
}

// New returns the pages. They make no call of the Connector but through Config.API, by requests that they make from the browser's: its
// cookies and its context are those of the browser's request. The handler checks the origin of each form.
//
//	api, err := sf.AdminAPI(fullcast.AdminConfig{Session: session})
//	…
//	pages, err := adminui.New(adminui.Config{API: api, Session: session, Site: site, SignIn: "/sign-in", Next: service})
//
// The handler stands in front of the service's own pages, Next, so that a callback of Salesforce on any of them is completed, and
// answered 303 to the address without its query, before a page is shown.
//
//	request                              what it does
//	GET       {Home}                     the connections: status, what to do, connect, connect again
//	GET       {Prefix}/guide             the setup guide
//	POST      {Prefix}/connect           begins a login with entered credentials
//	POST      {Prefix}/reconnect         begins a login with the app that the connection has
//	POST      {Prefix}/secret            gives the app's new secret, without a login
//	GET, POST {Prefix}/migrate           what a migration does; begins it
//	POST      {Prefix}/migrate/resume    finishes it
//	GET       {Prefix}/check             checks the app
//	GET, POST {Prefix}/diagnose          diagnoses; a POST makes a call first
//	GET, POST {Prefix}/disconnect        asks; disconnects
//
// An error names every field at fault. The handler may serve many requests at once, in many processes: it keeps nothing but in two
// cookies, which hold what the next page tells, and what was entered for a login but its secret.
//
// Source: RFC 9700 §4.2; WCAG 2.2.
func New(cfg Config) (http.Handler, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	u := &ui{Config: cfg}
	if err := u.parse(); err != nil {
		return nil, fmt.Errorf("adminui: %w", err)
	}
	return u.handler(), nil
}

func (c Config) withDefaults() Config {
	if c.Home == "" {
		c.Home = "/app/admin/motion"
	}
	if c.Prefix == "" {
		c.Prefix = "/salesforce"
	}
	if c.Names = slices.Clone(c.Names); len(c.Names) == 0 {
		c.Names = []string{"main"}
	}
	if c.Next == nil {
		c.Next = http.NotFoundHandler()
	}
	c.Others = slices.Clone(c.Others)
	return c
}
