package orgtest

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// decision is what the person at the browser does.
type decision int

const (
	allow decision = iota
	deny
)

// Approve does what a person does who follows an authorize link, logs in and allows the app. It returns where the browser
// lands: the callback URL with its query, which carries an error if Salesforce refuses. If the browser never leaves
// Salesforce, because the client or the redirect URI is not known, Approve returns an error with the text of that page.
// The person is the one login_hint names, else the first user.
func (o *Org) Approve(ctx context.Context, authorizeURL string) (callbackURL string, err error) {
	return o.browse(ctx, authorizeURL, allow)
}

// Deny is [Org.Approve] by a person who clicks Deny.
func (o *Org) Deny(ctx context.Context, authorizeURL string) (callbackURL string, err error) {
	return o.browse(ctx, authorizeURL, deny)
}

func (o *Org) browse(ctx context.Context, authorizeURL string, d decision) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, authorizeURL, http.NoBody)
	if err != nil {
		return "", fmt.Errorf("orgtest: %w", err)
	}
	in, err := o.read(r)
	if err != nil {
		return "", fmt.Errorf("orgtest: %w", err)
	}
	if in.path != authorizePath || in.place == nowhere {
		return "", fmt.Errorf("orgtest: %s%s is not an authorize endpoint of this org", in.host, in.path)
	}
	p := o.consider(in, in.query)
	switch {
	case p.failure != "" && p.untrusted:
		return "", fmt.Errorf("orgtest: the browser stays at Salesforce: %s: %s", p.failure, p.description)
	case p.failure != "":
		return p.back("error", p.failure, "error_description", p.description), nil
	case p.barred != "":
		return "", fmt.Errorf("orgtest: the browser stays at Salesforce: the user cannot log in: %s", p.barred)
	}
	return o.decide(p, d), nil
}

const authorizePath = "/services/oauth2/authorize"

const notInstalled = "External client app is not installed in this org"

// petition is a checked authorize request.
type petition struct {
	client               client
	redirect, state      string
	challenge, nonce     string
	scopes               []string
	visitor              *person
	barred               string // why the visitor cannot log in
	host                 string
	immediate            bool
	failure, description string // why it is refused
	untrusted            bool   // a refusal is shown as a page, as the redirect URI is not trusted
}

// back is the redirect URI with what the org has to say and the state, verbatim. Source: docs, web server flow.
func (p petition) back(pairs ...string) string {
	q := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		q.Set(pairs[i], pairs[i+1])
	}
	if p.state != "" {
		q.Set("state", p.state)
	}
	separator := "?"
	if strings.Contains(p.redirect, "?") {
		separator = "&"
	}
	return p.redirect + separator + strings.ReplaceAll(q.Encode(), "+", "%20")
}

// consider checks an authorize request, the client and the redirect URI first: until they are known, an error is a page.
// Source: help, OAuth flow errors; docs, web server flow; codes of the callback as reported in public issues.
func (o *Org) consider(in *request, q url.Values) (p petition) {
	o.mu.Lock()
	defer o.mu.Unlock()
	defer func() {
		if p.failure != "" {
			o.recordRefusal(p)
		}
	}()
	p = petition{
		redirect: q.Get("redirect_uri"), state: q.Get("state"), challenge: q.Get("code_challenge"),
		nonce: q.Get("nonce"), immediate: q.Get("immediate") == "true", host: o.identityHost(in),
	}
	p.visitor = o.users[0]
	if hinted := o.userNamed(q.Get("login_hint")); hinted != nil {
		p.visitor = hinted
	}
	p.barred = p.visitor.refusal()
	c, missing := o.clientAt(in, q.Get("client_id"))
	if c.app == nil {
		p.failure, p.description, p.untrusted = "invalid_client_id", "client identifier invalid", true
		return p
	}
	p.client = c
	s := o.settingsOf(c.app)
	if o.apps[c.app.name] != c.app {
		s.callbacks = c.app.callbacks
	}
	if !registered(s.callbacks, p.redirect) {
		p.failure, p.description, p.untrusted = "redirect_uri_mismatch", "redirect_uri must match configuration", true
		return p
	}
	if missing {
		// the app is not in the org one logs in to: gone, or the wrong login host (reported in public issues)
		p.failure, p.description = "OAUTH_EC_APP_NOT_FOUND", notInstalled
		return p
	}
	p.failure, p.description = o.object(q, s, p)
	if p.failure == "" {
		p.scopes, _ = granted(s.scopes, q.Get("scope"))
	}
	return p
}

// registered compares a redirect URI with the app's list: every character counts, but "http://localhost:*/…" stands for any
// port (the form was seen in a retrieved file, what it does is assumed).
func registered(callbacks []string, redirect string) bool {
	return slices.ContainsFunc(callbacks, func(c string) bool {
		before, after, wild := strings.Cut(c, ":*/")
		if !wild {
			return c == redirect
		}
		rest, ok := strings.CutPrefix(redirect, before+":")
		port, path, found := strings.Cut(rest, "/")
		_, err := strconv.ParseUint(port, 10, 16)
		return ok && found && path == after && err == nil
	})
}

// object says what is wrong with a request whose redirect URI is trusted.
func (o *Org) object(q url.Values, s settings, p petition) (failure, description string) {
	_, known := granted(s.scopes, q.Get("scope"))
	method := q.Get("code_challenge_method")
	unread := unreadAuthorize(q)
	switch {
	case p.client.app.blocked || !s.enabled: // that a disabled external client app answers like a blocked one is assumed
		return "OAUTH_APP_BLOCKED", "this app is blocked by admin"
	case otherResponses[responseTypes(q.Get("response_type"))]:
		return "unsupported_response_type", notSimulated + "response_type=" + q.Get("response_type")
	case q.Get("response_type") != "code":
		return "unsupported_response_type", "response type must be code"
	case !known:
		return "invalid_scope", "the requested scope is invalid, unknown, or malformed"
	case unread != "":
		return "invalid_request", unread
	case s.pkce && p.challenge == "":
		return "invalid_request", "missing required code challenge"
	case method != "" && method != "S256": // assumed; Salesforce's own clients send no method and mean S256
		return "invalid_request", "code challenge method not supported"
	case !s.permits(p.visitor):
		return "OAUTH_APP_ACCESS_DENIED", "user is not admin approved to access this app"
	case p.immediate && !o.hasApproved(p.client.app, p.visitor):
		return "immediate_unsuccessful", "immediate approval unsuccessful"
	}
	return "", ""
}

func (o *Org) hasApproved(a *app, user *person) bool {
	return slices.ContainsFunc(o.approvals, func(ap *approval) bool {
		return ap.app == a && ap.user == user && ap.ended.IsZero()
	})
}

// decide ends an authorize request with what the person clicked.
func (o *Org) decide(p petition, d decision) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	entry := Entry{Event: "authorize", App: p.client.app.name, User: p.visitor.Username, Outcome: "code"}
	if d == deny {
		entry.Outcome = "access_denied"
		o.record(entry)
		return p.back("error", "access_denied", "error_description", "end-user denied authorization")
	}
	c := &code{
		client: p.client, user: p.visitor, redirect: p.redirect, challenge: p.challenge, scopes: p.scopes,
		nonce: p.nonce, host: p.host, issued: o.now(),
	}
	text := newCode()
	o.codes[text] = c
	o.record(entry)
	return p.back("code", text)
}

// authorize is the endpoint itself: a GET, or a POST with the same parameters in a form, that ends in a 302 to the redirect URI.
// Source: docs, web server flow; OpenID Connect Core 3.1.2.1 for the POST; that other methods get 405, and that immediate logs
// nobody in, are assumed. A POST with a step is that of the pages in login.go.
func (o *Org) authorize(in *request) answer {
	q := in.query
	if in.Method == http.MethodPost {
		form, ok := in.form()
		if !ok {
			return pageAnswer(http.StatusBadRequest, "Error", "Bad request")
		}
		if o.cfg.Interactive && form.Has("step") {
			return o.interactive(in, form)
		}
		q = form
	} else if in.Method != http.MethodGet {
		return pageAnswer(http.StatusMethodNotAllowed, "Error", "Method not allowed")
	}
	p := o.consider(in, q)
	switch {
	case p.failure != "" && in.Method == http.MethodPost && q.Get("response_type") == "code_credentials":
		return oauthError(p.failure, p.description) // a headless client has no browser to redirect (assumed)
	case p.failure != "":
		return p.refuse()
	case o.cfg.Interactive && !p.immediate:
		return loginPage(q, "")
	case p.barred != "":
		return loginPage(q, badLogin)
	}
	return redirectAnswer(o.decide(p, allow))
}

// refuse sends an error to the redirect URI, or, as long as that is not trusted, shows Salesforce's own page; the app never
// hears of it then. Source: movedata and nango blogs; the page's status and wording are assumed.
func (p petition) refuse() answer {
	if !p.untrusted {
		return redirectAnswer(p.back("error", p.failure, "error_description", p.description))
	}
	return pageAnswer(http.StatusBadRequest, "Error", "<h1>We can't authorize you because of an OAuth error.</h1>\n<p>"+p.failure+" : "+p.description+"</p>")
}

func (o *Org) recordRefusal(p petition) {
	e := Entry{Event: "authorize", User: p.visitor.Username, Outcome: p.failure}
	if p.client.app != nil {
		e.App = p.client.app.name
	}
	o.record(e)
}

// identityHost is the host of identity URLs: the generic login host, also when the user came by My Domain (docs, example
// responses), or the caller's own under httptest, where the other would not be reachable.
func (o *Org) identityHost(in *request) string {
	if in.place == foreign {
		return in.origin
	}
	return "https://" + o.LoginHost()
}
