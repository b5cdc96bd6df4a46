package adminui

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// note is what the next page of a browser tells first.
type note struct {
	OK     bool     `json:",omitempty"`
	Title  string   `json:",omitempty"`
	Text   string   `json:",omitempty"`
	To     string   `json:",omitempty"` // what to do
	Admin  string   `json:",omitempty"` // a text to send to the org's admin
	Fields []wrong  `json:",omitempty"` // of the form on that page
	Next   []string `json:",omitempty"` // what is left to do
}

// attempt is the last login that this browser began: what a page shows again where it was refused. The secret is not in it.
type attempt struct {
	Name, LoginHost, ConsumerKey string
	Org                          string `json:",omitempty"` // that answered in place of the connection's, and may be accepted
}

// failure tells of a problem: what happened, and what to do.
func failure(title string, p *problem) note {
	n := note{Title: title, Text: p.Message, Fields: p.Fields}
	if p.Remedy != nil {
		n.Admin = p.Remedy.Clicks
		if p.Remedy.Text != p.Message {
			n.To = p.Remedy.Text
		}
	}
	return n
}

// Names of the cookies, and how long they last: a note until the next page, an attempt as long as somebody may be at Salesforce.
const (
	noteCookie    = "sfauth-note"
	attemptCookie = "sfauth-attempt"
	noteTime      = 5 * time.Minute
	attemptTime   = 2 * time.Hour
)

// lostSession is the note of a login that came back when nobody was signed in: it belongs to no session, and tells nothing of one.
const lostSession = "signed-out"

// maxCookie is what browsers keep at least of a cookie, less its name and attributes.
const maxCookie = 3800

func (u *ui) leaveNote(v visit, n note) {
	if u.setCookie(v, noteCookie, n, noteTime) {
		return
	}
	n.Admin, n.Next = "", nil
	if !u.setCookie(v, noteCookie, n, noteTime) {
		u.setCookie(v, noteCookie, note{OK: n.OK, Title: n.Title}, noteTime)
	}
}

// takeNote returns the note that waits, once.
func (u *ui) takeNote(v visit) *note {
	var n note
	if c, err := v.Cookie(u.cookie(noteCookie, "", 0).Name); err == nil && c.Value == lostSession {
		n = note{Title: "The org is not connected by this login", Text: "Nobody was signed in to Fullcast when the browser came back from Salesforce. Nothing was changed.", To: "Begin the login again."}
	} else if !u.readCookie(v, noteCookie, &n) {
		return nil
	}
	u.dropCookie(v, noteCookie)
	return &n
}

func (u *ui) attempted(v visit) (a attempt) {
	u.readCookie(v, attemptCookie, &a)
	return a
}

// cookie has the prefix __Host-, which keeps other hosts of the domain from setting it, where browsers take that: with https alone. Lax,
// since the redirect from Salesforce has to bring it.
func (u *ui) cookie(name, value string, age int) *http.Cookie {
	c := &http.Cookie{Name: name, Value: value, Path: "/", MaxAge: age, HttpOnly: true, SameSite: http.SameSiteLaxMode}
	if strings.HasPrefix(string(u.Site), "https:") {
		c.Name, c.Secure = "__Host-"+name, true
	}
	return c
}

// setCookie keeps a value for the session of v; false where it is too large.
func (u *ui) setCookie(v visit, name string, value any, age time.Duration) bool {
	text, err := json.Marshal(value)
	encoded := tagOf(v) + "." + base64.RawURLEncoding.EncodeToString(text)
	if err != nil || len(encoded) > maxCookie {
		return false
	}
	http.SetCookie(v.w, u.cookie(name, encoded, int(age/time.Second)))
	return true
}

func (u *ui) dropCookie(v visit, name string) { http.SetCookie(v.w, u.cookie(name, "", -1)) }

// readCookie reads what the same session has been left.
func (u *ui) readCookie(v visit, name string, into any) bool {
	c, err := v.Cookie(u.cookie(name, "", 0).Name)
	if err != nil {
		return false
	}
	tag, encoded, _ := strings.Cut(c.Value, ".")
	text, err := base64.RawURLEncoding.DecodeString(encoded)
	return err == nil && tag == tagOf(v) && json.Unmarshal(text, into) == nil
}

// tagOf keeps what is told to one tenant and session from another in the same browser. It does not tell the binding.
func tagOf(v visit) string {
	sum := sha256.Sum256([]byte("adminui\x00" + v.user.Tenant + "\x00" + v.user.Binding.Reveal()))
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}

// homeOf is the page of a connection.
func (u *ui) homeOf(name string) string { return u.Home + u.queryOf(name) }

// queryOf names a connection in an address; it is empty for the one that is meant where none is named.
func (u *ui) queryOf(name string) string {
	if name == u.Names[0] {
		return ""
	}
	return "?" + url.Values{"connection": {name}}.Encode()
}
