package adminhttp

import (
	"net/http"
	"net/url"
	"strings"
)

// Right is what a user may do; each includes those before it. The zero Right allows nothing.
type Right uint8

// Rights.
const (
	View Right = iota + 1
	Connect
	Operate
)

// User is who has sent a request.
type User struct {
	Tenant  string // never empty
	Right   Right
	Binding string // ties a login to the user's session, in place of the cookie; may be empty
}

// Route is one method of one path.
type Route struct {
	Method string
	Path   string // from the root of the handler; {name} stands for one segment
	Right  Right
	Fields []string // which a body may have, all of them strings; a method without a body has none
	Login  bool     // counts against the tenant's rate of logins
	Do     func(Request) Answer
}

// Request is a request that its user may make.
type Request struct {
	*http.Request
	User User
	Name string            // the segment {name}
	Body map[string]string // the fields that were sent
	give func() string
	has  string
}

// Given returns the binding for a login that begins, and leaves it in the browser's cookie where the user has none of its own.
func (r Request) Given() string { return r.give() }

// Had returns the binding of a login that has begun; empty where the browser has none.
func (r Request) Had() string { return r.has }

// Answer is what a route answers: a status, and what becomes JSON. A nil Body is an answer without one.
type Answer struct {
	Status int
	Body   any
}

// OK is the answer 200.
func OK(body any) Answer { return Answer{http.StatusOK, body} }

// find returns the routes of a path by their methods, and the segment {name}.
func find(routes []Route, escaped string) (of map[string]Route, name string) {
	for _, r := range routes {
		segment, ok := match(r.Path, escaped)
		if !ok {
			continue
		}
		if of == nil {
			of = map[string]Route{}
		}
		of[r.Method], name = r, segment
		if r.Method == http.MethodGet {
			of[http.MethodHead] = r
		}
	}
	return of, name
}

// match compares a path as it was sent, so that an escaped slash belongs to its segment.
func match(pattern, escaped string) (name string, ok bool) {
	want, got := strings.Split(pattern, "/"), strings.Split(escaped, "/")
	if len(want) != len(got) {
		return "", false
	}
	for i, w := range want {
		segment, err := url.PathUnescape(got[i])
		switch {
		case err != nil:
			return "", false
		case w == "{name}":
			name = segment
		case w != segment:
			return "", false
		}
	}
	return name, true
}
