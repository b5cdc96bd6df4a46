package adminui

import (
	"net/http"
	"slices"
	"time"
)

// connectionView is the state of one connection, in words.
type connectionView struct {
	Name   string
	ID     string      // of the elements of the page that are about it
	Stored *connection // nil: there is none
	Legacy bool        // made with a connected app
	State  string
	Means  string // what the state means
	To     string // what to do
	Admin  string // a text to send to the org's admin
	Staged bool   // a migration has not come to its end
	Mark   string // of the state, beside its word: ok, problem, wait
	Since  string
	Last   string
	Health []notice // what should be known of a connection that works
	Type   string   // of the org, in words; may be empty
	Form   credentials
	Domain domain
}

// domain is the first step of connecting: which org it is.
type domain struct{ Host, Wrong string }

// orgTypes are the types of an org in words; what is not among them is not told.
var orgTypes = map[string]string{
	"production": "production org", "sandbox": "sandbox", "developer": "Developer Edition org", "scratch": "scratch org", "other": "trial or demo org",
}

// connectedApp is the kind of app that is migrated.
const connectedApp = "ConnectedApp"

// states are those of a connection in words for a customer.
var states = map[string]struct{ state, mark, means string }{
	"active":        {"Active", "ok", "Fullcast can call the org."},
	"in-doubt":      {"In doubt", "wait", "Salesforce's last answer was lost; Fullcast is finding out what it was."},
	"suspended":     {"Suspended", "problem", "Salesforce refuses for a reason that passes, or that an admin's switch heals; the connection then works again by itself."},
	"broken":        {"Broken", "problem", "It does not heal by itself."},
	"disconnecting": {"Disconnecting", "wait", "Salesforce has not confirmed the revocation yet."},
}

// inWords is what a page says of a connection; nil is none.
func inWords(name string, stored *connection) connectionView {
	if stored == nil {
		return connectionView{Name: name, State: "Not connected", Mark: "wait"}
	}
	s, known := states[stored.Status]
	if !known {
		s.state, s.mark = stored.Status, "wait"
	}
	c := connectionView{
		Name: name, Stored: stored, Legacy: stored.Kind == connectedApp, State: s.state, Mark: s.mark, Means: s.means,
		Since: day(stored.ConnectedAt), Last: day(stored.RefreshedAt),
		Staged: slices.ContainsFunc(stored.Notices, func(n notice) bool { return n.Code == "migration-unfinished" }),
	}
	for _, n := range stored.Notices {
		if n.Code != "migration-unfinished" && n.Code != "connected-app" { // which have cards of their own
			c.Health = append(c.Health, n)
		}
	}
	c.Type = orgTypes[stored.Org.Type]
	if p := stored.Problem; p != nil {
		c.Means = p.Message + " " + c.Means
		if p.Remedy != nil {
			c.To, c.Admin = p.Remedy.Text, p.Remedy.Clicks
		}
	}
	return c
}

func day(stamp string) string {
	t, err := time.Parse(time.RFC3339, stamp)
	if err != nil {
		return "never"
	}
	return t.UTC().Format("2 January 2006, 15:04 UTC")
}

// all returns the connections that a page shows: those of Names, whether they exist or not, and then every other that exists.
func (u *ui) all(v visit) ([]connectionView, *problem) {
	var found listed
	if p := u.call(v, http.MethodGet, "/connections", "", nil, &found); p != nil {
		return nil, p
	}
	names := slices.Clone(u.Names)
	by := map[string]connectionView{}
	for _, c := range found.Connections {
		by[c.Name] = inWords(c.Name, &c)
	}
	for _, c := range found.Unreadable {
		if c.Problem == nil {
			continue
		}
		n := failure("", c.Problem)
		by[c.Name] = connectionView{Name: c.Name, State: "Not readable", Mark: "problem", Means: n.Text, To: n.To, Admin: n.Admin}
	}
	for name := range by {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names[len(u.Names):])
	var out []connectionView
	for _, name := range names {
		c, ok := by[name]
		if !ok {
			c = inWords(name, nil)
		}
		out = append(out, c)
	}
	return out, nil
}

// connectionsView is the page of the connections: which there are, and one of them.
type connectionsView struct {
	All []connectionView // where there is more than one
	One connectionView
}

func (u *ui) showConnections(v visit) {
	form := credentials{LoginHost: v.URL.Query().Get("host")} // of the guide that the reader comes from
	u.showConnectionsWith(v, http.StatusOK, form, domain{}, nil)
}

func (u *ui) showConnectionsWith(v visit, status int, form credentials, first domain, n *note) {
	out := view{Title: "Salesforce connection", Note: n}
	all, p := u.all(v)
	if p != nil {
		n := failure("The connection cannot be read", p)
		out.Note = &n
	}
	body := connectionsView{One: inWords(v.name, nil)}
	at := slices.IndexFunc(all, func(c connectionView) bool { return c.Name == v.name })
	if some := slices.IndexFunc(all, func(c connectionView) bool { return c.Stored != nil }); v.FormValue("connection") == "" && some >= 0 && all[at].Stored == nil {
		at = some // nobody has asked for the one that is not there
	}
	if at < 0 && len(all) > 0 { // there is none of that name
		at = 0
	}
	if at >= 0 {
		body.One, v.name = all[at], all[at].Name
	}
	if len(all) > 1 {
		body.All = all
	}
	if out.Note == nil {
		out.Note = u.takeNote(v)
	}
	body.One.Form, body.One.Domain = u.fill(v, form, out.Note), first
	if first.Host == "" {
		body.One.Domain.Host = body.One.Form.LoginHost
	}
	out.Body, out.State = body, body.One.State
	u.show(v, status, "connection", out)
}

// showOther shows the state on another callback page of the service.
func (u *ui) showOther(o Entry) func(visit) {
	return func(v visit) {
		all, p := u.all(v)
		out := view{Title: o.Title, Here: o.Path}
		if p != nil {
			n := failure("The connection cannot be read", p)
			out.Note = &n
		}
		out.Body = map[string]any{"Page": o.Path, "All": all, "Several": len(all) > 1, "First": u.Names[0]}
		u.show(v, http.StatusOK, "callback", out)
	}
}
