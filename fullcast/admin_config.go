package fullcast

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/fullcast/sfauth/fullcast/internal/adminhttp"
	"github.com/fullcast/sfauth/internal/badfields"
	"github.com/fullcast/sfauth/oauthflow"
)

// AdminRight is what a user of [Connector.AdminAPI] may do. Each includes those before it. The empty one, and one that is none of
// these, allows nothing.
type AdminRight string

// Rights.
const (
	RightView    AdminRight = "view"    // see connections, what is wrong with them, the setup guide and the plan of a migration
	RightConnect AdminRight = "connect" // and begin and complete logins and migrations, which replace the tokens of a connection
	RightOperate AdminRight = "operate" // and check, diagnose, give new credentials and disconnect
)

// AdminUser is who has sent a request to [Connector.AdminAPI].
type AdminUser struct {
	// Tenant is the customer whose connections the user may see; no request can name another. Required: with an empty one nobody
	// counts as signed in.
	Tenant string

	// Right is what the user may do.
	Right AdminRight

	// Binding ties a login to the user's session: 16 to 512 bytes that only that session knows. Optional; default a random value in a
	// cookie of the handler's own, which is right where the callback pages are on the same host as the handler. Where they are on
	// another, the cookie does not reach them: keep a value in the session that both hosts share, return it here, and give the same to
	// whatever completes the login.
	Binding oauthflow.Secret
}

// AdminConfig says how [Connector.AdminAPI] answers.
type AdminConfig struct {
	// Session returns who has sent a request, from the service's own session. Required; it may be called from many goroutines. An
	// error means that nobody is signed in: the answer is 401, and does not show it.
	Session func(*http.Request) (AdminUser, error)

	// Failed is told each error of the SDK before it is answered, for the service's log or its audit: the answer says nothing of
	// faults on which its reader cannot act. The request's body has been read. Optional; it may be called from many goroutines.
	Failed func(r *http.Request, err error)

	// Origins are those of further pages that may send requests, such as "https://admin.example.com"; the Site's own may, and pages of
	// the handler's own origin. Optional. The handler does not answer CORS preflights: what answers those stands in front of it.
	Origins []string

	// Names are the connections that a user may make, such as "import" and "export". Optional; default any name of 1 to 100 bytes.
	// Connections that exist can be used whatever their names are.
	Names []string

	// Regions are those outside of the public cloud whose login hosts are accepted; see [oauthflow.ParseHost]. Optional.
	Regions []oauthflow.Region

	// LoginsPerHour is how many logins a tenant may begin, and how often it may enter other credentials, at once and in each hour, in
	// this process. Optional, 1 to 1000; default 30.
	LoginsPerHour int
}

const loginsPerHour = 30

// validate returns all fields at fault.
func (c AdminConfig) validate() error {
	var bad badfields.List
	if c.Session == nil {
		bad.Add("AdminConfig.Session", "is required")
	}
	for i, origin := range c.Origins {
		if err := Site(origin).Validate(); err != nil {
			bad.Add(fmt.Sprintf("AdminConfig.Origins[%d]", i), "must be scheme and host alone, https or on this machine http, such as https://admin.example.com")
		}
	}
	for i, name := range c.Names {
		switch {
		case !isConnectionName(name):
			bad.Add(fmt.Sprintf("AdminConfig.Names[%d]", i), nameProblem)
		case slices.Contains(c.Names[:i], name):
			bad.Add(fmt.Sprintf("AdminConfig.Names[%d]", i), "stands there twice")
		}
	}
	for i, region := range c.Regions {
		if region != oauthflow.GovernmentCloud && region != oauthflow.China {
			bad.Add(fmt.Sprintf("AdminConfig.Regions[%d]", i), "is neither oauthflow.GovernmentCloud nor oauthflow.China")
		}
	}
	if c.LoginsPerHour < 0 || c.LoginsPerHour > 1000 {
		bad.Add("AdminConfig.LoginsPerHour", "must be 1 to 1000, or 0 for the default")
	}
	if err := bad.Err(); err != nil {
		return &Error{Op: "admin API", Remedy: FixCode, Err: err}
	}
	return nil
}

const nameProblem = "must be 1 to 100 bytes of printable text, and must not begin with \"" + migrationMark + "\""

func isConnectionName(name string) bool {
	return name != "" && len(name) <= 100 && utf8.ValidString(name) && !isMigration(oauthflow.Key{Name: name}) &&
		!strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 })
}

// AdminAPI serves what an admin page needs, as JSON: the tenant's connections and what is wrong with them, the setup guide, logins,
// checks, diagnoses, migrations, new credentials and disconnections. docs/admin-api.json describes it as OpenAPI 3.1. Mount it below
// a path of the service, without a slash at the end:
//
//	pages.Handle("/api/salesforce/", http.StripPrefix("/api/salesforce", api))
//
//	request                                        right     what it does
//	GET    /connections                            view      lists the tenant's connections
//	GET    /connections/{name}                     view      tells one, from the store alone
//	DELETE /connections/{name}                     operate   [Connector.Disconnect]
//	POST   /connections/{name}/login               connect   [Connector.Connect]; returns where to send the browser
//	PUT    /connections/{name}/credentials         operate   [Connector.UpdateCredentials]
//	POST   /connections/{name}/check               operate   [Connection.Check]
//	POST   /connections/{name}/diagnosis           operate   [Connection.Diagnose]; takes up to three minutes
//	GET    /connections/{name}/migration           view      what a migration does, and how far it is
//	POST   /connections/{name}/migration           connect   [Connector.BeginMigration]; returns where to send the browser
//	POST   /connections/{name}/migration/finish    connect   [Connector.ResumeMigration]
//	POST   /complete                               connect   [Connector.Complete]
//	GET    /guide?kind=&host=                      view      [SetupGuide], with links into Setup of the org at host
//
// A connection of another tenant is answered as one that does not exist. Each refusal is {"error": {…}} with a stable code, a message,
// the fields to correct, and the remedy: its [Remedy.ID], who acts, a sentence, and the clicks in Setup. No answer holds a secret,
// except that the redirect of a login holds what ties it to its callback.
//
// A POST or PUT must be JSON, and every request of a browser must come from a page of the Site, of the handler's own origin or of
// AdminConfig.Origins, by Sec-Fetch-Site and Origin.
//
// # Callback pages
//
// A login is completed in one of three ways. A page that is served statically from the handler's host posts its query, with
// [CallbackScript] and the path of /complete; its event has the answer, {"connected": true, …} or {"error": {…}}. A program that
// serves the callback pages on that host uses [Connector.CallbackMiddleware] with [Connector.AdminBinding] as its binding.
// Callback pages on another host bring a binding of their own; see AdminUser.Binding.
//
// An error names every field at fault. The handler may serve many requests at once, in many processes over one store; only the rate of
// logins is each process's own.
//
// Source: RFC 9700 §4.7; OpenAPI Specification 3.1; Fetch Metadata Request Headers.
func (c *Connector) AdminAPI(cfg AdminConfig) (http.Handler, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	a := &adminAPI{c: c, names: slices.Clone(cfg.Names), regions: slices.Clone(cfg.Regions), failed: cfg.Failed}
	rights := map[AdminRight]adminhttp.Right{RightView: adminhttp.View, RightConnect: adminhttp.Connect, RightOperate: adminhttp.Operate}
	h, err := adminhttp.New(adminhttp.Handler{
		Routes: a.routes(),
		Session: func(r *http.Request) (adminhttp.User, error) {
			u, err := cfg.Session(r)
			return adminhttp.User{Tenant: u.Tenant, Right: rights[u.Right], Binding: u.Binding.Reveal()}, err
		},
		Origins: append([]string{string(c.site)}, cfg.Origins...),
		Cookie:  c.adminCookie(),
		Rate:    adminhttp.NewRate(cmp.Or(cfg.LoginsPerHour, loginsPerHour)),
	})
	if err != nil {
		return nil, &Error{Op: "admin API", Remedy: FixCode, Err: err}
	}
	return h, nil
}

// AdminBinding returns the binding that [Connector.AdminAPI] has left in the browser's cookie, for
// [CallbackConfig].Session; empty where the browser has begun no login within two hours, which completes none.
func (c *Connector) AdminBinding(r *http.Request) string { return c.adminCookie().Of(r) }

func (c *Connector) adminCookie() adminhttp.Cookie {
	return adminhttp.Cookie{Secure: strings.HasPrefix(string(c.site), "https:")}
}
