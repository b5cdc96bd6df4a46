package orgtest

import (
	"encoding/json"
	"html"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// maxRequest is the largest body the org reads: a zip may have 39 MB (docs, REST deploy), half as much again in base64.
const maxRequest = 60 << 20

// request is an HTTP request as the org sees it.
type request struct {
	*http.Request
	place  place
	host   string // without port, lower case
	origin string // scheme and host under which the caller reached the org
	path   string // without leading double slashes
	query  url.Values
	body   []byte
	from   netip.Addr
	holds  bool // this request's refresh token is marked as being processed
}

// place is what a host name means to this org.
type place int

const (
	nowhere    place = iota
	loginHost        // the generic login host of this kind of org
	otherLogin       // the generic login host of the other kind
	myDomain         // the org's own host
	oldDomain        // a name the org had before
	foreign          // a host that is not Salesforce's, as under httptest: stands for the org's own
)

// answer is what the org says.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (o *Org) place(host string) place {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case host == o.host:
		return myDomain
	case o.oldHosts[host].status != 0:
		return oldDomain
	case host == o.LoginHost():
		return loginHost
	case host == "login.salesforce.com" || host == "test.salesforce.com":
		return otherLogin
	case strings.HasSuffix(host, ".salesforce.com") || strings.HasSuffix(host, ".force.com"):
		return nowhere
	}
	return foreign
}

// read takes a request apart. Clients that were given an instance URL with a trailing slash ask for //services/data; real
// hosts answer them, so leading slashes are folded into one.
func (o *Org) read(r *http.Request) (*request, error) {
	host := strings.ToLower(r.Host)
	if h, _, found := strings.Cut(host, ":"); found {
		host = h
	}
	in := &request{Request: r, host: host, place: o.place(host), query: r.URL.Query()}
	in.path = "/" + strings.TrimLeft(r.URL.Path, "/")
	in.origin = "https://" + r.Host
	if in.place == foreign && r.TLS == nil {
		in.origin = "http://" + r.Host
	}
	if addr, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		in.from = addr.Addr().Unmap()
	}
	var err error
	in.body, err = io.ReadAll(io.LimitReader(r.Body, maxRequest))
	return in, err
}

// form reads a form body strictly: the right type, each parameter once. That Salesforce refuses a repeated parameter is
// assumed; it keeps a client honest.
func (r *request) form() (url.Values, bool) {
	media, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	if strings.TrimSpace(strings.ToLower(media)) != "application/x-www-form-urlencoded" {
		return nil, false
	}
	values, err := url.ParseQuery(string(r.body))
	if err != nil {
		return nil, false
	}
	for _, v := range values {
		if len(v) > 1 {
			return nil, false
		}
	}
	return values, true
}

func (r *request) bearer() string {
	if token := r.Header.Get("X-SFDC-Session"); token != "" && strings.HasPrefix(r.path, "/services/async/") { // Bulk API 1.0: docs, set a session header
		return token
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !slices.Contains([]string{"bearer", "oauth"}, strings.ToLower(scheme)) {
		return ""
	}
	return strings.TrimSpace(token)
}

func jsonAnswer(status int, value any) answer {
	body, err := json.Marshal(value)
	if err != nil {
		panic("orgtest: " + err.Error()) // only values of this package come here
	}
	return answer{status, http.Header{"Content-Type": {"application/json;charset=UTF-8"}, "Cache-Control": {"no-cache, no-store"}}, body}
}

func textAnswer(status int, text string) answer {
	return answer{status, http.Header{"Content-Type": {"text/plain;charset=UTF-8"}}, []byte(text)}
}

func pageAnswer(status int, title, content string) answer {
	page := "<!DOCTYPE html>\n<html><head><title>" + html.EscapeString(title) + "</title></head><body>\n" + content + "\n</body></html>\n"
	return answer{status, http.Header{"Content-Type": {"text/html;charset=UTF-8"}, "Cache-Control": {"no-store"}}, []byte(page)}
}

func redirectAnswer(location string) answer { return redirectWith(http.StatusFound, location) }

func redirectWith(status int, location string) answer {
	return answer{status, http.Header{"Location": {location}, "Cache-Control": {"no-store"}}, nil}
}

// oauthError is a refusal of the OAuth endpoints: 400, JSON, not stored. Source: help, OAuth flow errors.
func oauthError(code, description string) answer {
	return jsonAnswer(http.StatusBadRequest, map[string]string{"error": code, "error_description": description})
}

// restError is a refusal of the REST API: an array with one error.
func restError(status int, code, message string) answer {
	return jsonAnswer(status, []map[string]string{{"message": message, "errorCode": code}})
}
