package oauthflow

import (
	"net/http"
	"net/textproto"
	"net/url"
	"strings"

	scrubber "github.com/fullcast/sfauth/internal/scrub"
)

// place is a class of hosts, as a connection sees them.
type place uint8

const (
	placeOwn     place = iota // the org's instance, or its own login host, over https at port 443
	placePast                 // a host that the org has left
	placeAPI                  // another host that serves the APIs of an org, over https at port 443
	placeForeign              // every other: generic login hosts, files, sites, other companies, other ports, plain http
)

// origin says how a request has come about.
type origin uint8

const (
	hopNone   origin = iota // the caller asks for it
	hopOwn                  // a redirect of the connection's own hosts, and only those were asked before
	hopBeyond               // a redirect, and another host was asked before: it chooses what this request does
)

// asker is the part of the client that asks the table.
type asker uint8

const (
	asksTransport asker = iota // [Source.Transport], which sends the request
	asksClient                 // [CheckRedirect], which may also give the caller the redirect itself
)

// journey is a request of which the table says what it may carry.
type journey struct {
	asker   asker
	to      place
	hop     origin
	was     string // method of the request that was redirected; empty for none
	method  string
	plain   bool // the scheme is not https
	login   bool // the host is one where users log in to any org, which serves no API
	body    bool
	session bool // the URL that the redirect names quotes a session, or names a user
}

// passage says what a request carries.
type passage struct {
	token   bool // the access token in Authorization
	headers bool // all headers of the caller's; else [plainHeaders] alone
	body    bool
	refuse  refuse
}

// refuse says why a request is not sent.
type refuse uint8

const (
	sends       refuse = iota
	refusesHost        // its host is none of the connection's
	refusesHop         // a redirect that only a client with [CheckRedirect] may get: it hands the redirect back
)

// travels is the one table of what a request carries to where. The first row that fits counts.
var travels = []struct {
	name string
	fits func(journey) bool
	passage
}{
	{"a caller's request to the org", func(j journey) bool { return j.hop == hopNone && j.to <= placePast }, passage{token: true, headers: true, body: true}},
	{"a caller's request to any other host", func(j journey) bool { return j.hop == hopNone }, passage{refuse: refusesHost}},

	{"a client is asked to follow a request that is no read", func(j journey) bool { return j.asker == asksClient && !reads(j.was) }, passage{refuse: refusesHop}},
	{"a client is asked for a login page, whose text would pass for the answer", func(j journey) bool { return j.asker == asksClient && j.login }, passage{refuse: refusesHop}},
	{"a client is asked for plain HTTP", func(j journey) bool { return j.asker == asksClient && j.plain }, passage{refuse: refusesHop}},
	{"a client is asked for an API where it would have no token", func(j journey) bool {
		return j.asker == asksClient && (j.to == placeAPI || j.to <= placePast && j.hop == hopBeyond)
	}, passage{refuse: refusesHop}},

	{"a redirect within the org", func(j journey) bool { return j.hop == hopOwn && j.to <= placePast }, passage{token: true, headers: true, body: true}},
	{"a redirect whose URL quotes a session", func(j journey) bool { return j.session }, passage{refuse: refusesHop}},
	{"net/http has made another request of it", func(j journey) bool { return j.to == placeAPI && j.was != j.method }, passage{refuse: refusesHop}},
	{"a redirect of a body, or of a request that changes something", func(j journey) bool { return j.body || !reads(j.method) }, passage{refuse: refusesHop}},
	{"a read that is redirected out of the org, or back into it", func(journey) bool { return true }, passage{}},
}

// carries returns what the table says.
func (j journey) carries() passage {
	for i := range travels {
		if travels[i].fits(j) {
			return travels[i].passage
		}
	}
	return passage{refuse: refusesHop}
}

// reads reports whether a method asks for a representation only.
func reads(method string) bool {
	return method == "" || method == http.MethodGet || method == http.MethodHead
}

// plainHeaders are the headers that say nothing of a session. Only they travel to hosts that are not the connection's.
var plainHeaders = []string{
	"Accept", "Accept-Encoding", "Accept-Language", "Cache-Control", "If-Match", "If-Modified-Since", "If-None-Match", "If-Range",
	"If-Unmodified-Since", "Range", "Traceparent", "Tracestate", "User-Agent",
}

// maxHops bounds how far a chain of redirects is followed back.
const maxHops = 20

// journey describes a request that a connection's transport is to send.
func (v *view) journey(req *http.Request) journey {
	j := journey{to: v.place(req.URL), method: req.Method}
	if req.Response == nil {
		return j
	}
	j.hop, j.was = hopOwn, req.Method
	j.plain = req.URL.Scheme != "https"
	j.body = req.Body != nil && req.Body != http.NoBody
	if first := req.Response.Request; first != nil && first.Method != "" {
		j.was = first.Method
	}
	sent := []*http.Request{req}
	for r, n := req.Response, 0; r != nil; n++ {
		asked := r.Request
		if asked == nil || asked.URL == nil || n == maxHops || v.place(asked.URL) > placePast { // unknown is not known to be ours
			j.hop = hopBeyond
		}
		if asked == nil || n == maxHops {
			break
		}
		sent, r = append(sent, asked), asked.Response
	}
	j.session = quotes(req.URL, sent, NewSecret(v.access()))
	return j
}

// place returns the class of a URL's host.
func (v *view) place(u *url.URL) place {
	if u.Scheme != "https" {
		return placeForeign
	}
	switch own, left := v.owns(hostAndPort(u)); {
	case left:
		return placePast
	case own:
		return placeOwn
	case isAPIHost(bareName(u.Host)):
		return placeAPI
	}
	return placeForeign
}

// quotes reports whether a URL names a user, or repeats a session: under one of the names that Salesforce takes sessions by,
// or a value that one of the requests was sent with.
//
// Source: Salesforce Help, "Generate a Frontdoor URL to Bridge into UI Sessions".
func quotes(u *url.URL, sent []*http.Request, more ...Secret) bool {
	if u.User != nil {
		return true
	}
	for pair := range strings.FieldsFuncSeq(u.RawQuery, func(c rune) bool { return c == '&' || c == ';' }) { // servers read both
		name, _, _ := strings.Cut(pair, "=")
		if plain, err := url.QueryUnescape(name); err == nil {
			name = plain
		}
		switch strings.ToLower(name) {
		case "access_token", "oauth_token", "sid", "otp": // the last of Single Access, whose URL is a login
			return true
		}
	}
	return scrubber.New(secretsSent(sent, more...)...).Mentions(u.String())
}

// secretsSent returns the sessions that requests were sent with.
func secretsSent(sent []*http.Request, more ...Secret) []Secret {
	out := more
	for _, r := range sent {
		out = append(out, scrubber.SentWith(r)...)
	}
	return out
}

// plainly returns a copy of a request that holds no session: with [plainHeaders] alone, and of those none that repeats one, and
// for the host of its URL.
func plainly(req *http.Request, token Secret) *http.Request {
	r := new(http.Request)
	*r = *req
	r.Header = plainOf(req.Header, secretsSent([]*http.Request{req}, token))
	r.Host, r.Trailer = "", nil
	return r
}

func plainOf(h http.Header, secrets []Secret) http.Header {
	said, out := scrubber.New(secrets...), make(http.Header, 4)
	for _, name := range plainHeaders {
		for _, v := range h[textproto.CanonicalMIMEHeaderKey(name)] {
			if !said.Mentions(v) {
				out[name] = append(out[name], v)
			}
		}
	}
	return out
}
