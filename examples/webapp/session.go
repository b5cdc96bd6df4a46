package main

import (
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fullcast/sfauth/fullcast"
)

// people says who may sign in. It stands for the service's own accounts.
type people struct {
	code    string   // empty: not asked for
	tenants []string // whose admin a person can be
}

func (p people) admits(tenant, code string) bool {
	return slices.Contains(p.tenants, tenant) &&
		(p.code == "" || subtle.ConstantTimeCompare([]byte(p.code), []byte(strings.TrimSpace(code))) == 1)
}

// session is one signed-in browser. It is never changed.
type session struct {
	tenant  string
	binding string // ties a login at Salesforce to this browser; never leaves the server
	ends    time.Time
}

// sessions are in memory: another process does not know them. A service uses what it has.
type sessions struct {
	secure bool // the site speaks https

	mu   sync.Mutex
	open map[string]session // by the cookie's value
}

const sessionTime = 12 * time.Hour

func newSessions(site fullcast.Site) *sessions {
	return &sessions{secure: strings.HasPrefix(string(site), "https:"), open: map[string]session{}}
}

// cookie is for the whole site, hidden from scripts, and sent with the redirect that comes back from Salesforce, which
// SameSite=Strict would prevent. Browsers accept the prefix __Host- with https only.
func (s *sessions) cookie(value string, maxAge int) *http.Cookie {
	c := &http.Cookie{Name: "session", Value: value, Path: "/", MaxAge: maxAge, HttpOnly: true, SameSite: http.SameSiteLaxMode}
	if s.secure {
		c.Name, c.Secure = "__Host-session", true
	}
	return c
}

func (s *sessions) id(r *http.Request) string {
	c, err := r.Cookie(s.cookie("", 0).Name)
	if err != nil {
		return ""
	}
	return c.Value
}

// begin signs a browser in, under a new id whatever it had before.
func (s *sessions) begin(w http.ResponseWriter, r *http.Request, tenant string) {
	s.end(w, r)
	id := rand.Text()
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	for old, was := range s.open {
		if now.After(was.ends) {
			delete(s.open, old)
		}
	}
	s.open[id] = session{tenant: tenant, binding: rand.Text(), ends: now.Add(sessionTime)}
	w.Header().Del("Set-Cookie")
	http.SetCookie(w, s.cookie(id, int(sessionTime/time.Second)))
}

func (s *sessions) end(w http.ResponseWriter, r *http.Request) {
	id := s.id(r)
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, id)
	http.SetCookie(w, s.cookie("", -1))
}

var errSignedOut = errors.New("no session")

func (s *sessions) of(r *http.Request) (session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, ok := s.open[s.id(r)]
	if !ok || time.Now().After(found.ends) {
		return session{}, errSignedOut
	}
	return found, nil
}
