package oauthflow

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/oauth2"
)

// AuthorizeOptions say how one login is to run. The zero value asks for the default scopes and returns to the first
// redirect URL.
type AuthorizeOptions struct {
	RedirectURL string   // one of Config.RedirectURLs, byte for byte. Optional when there is only one
	Scopes      []string // wire scopes such as "api". Optional; default all that the app's kind lists, see [Flow.Authorize]
	LoginHint   string   // user name to fill in. Optional, at most 255 bytes
	Prompt      string   // "login", "consent", "select_account" or several, separated by blanks. Optional
	Display     string   // "page", "popup" or "touch". Optional
	ExpectOrg   string   // id of the org that must answer: 15 characters in their own case, or 18 in any; never sent. Optional; default any
	ExpectUser  string   // id of the user who must log in, written as ExpectOrg; never sent. Optional; default any
}

// Pending is a login under way: everything that must be known again when the callback comes. It holds secrets and
// stays on the server.
type Pending struct {
	client      Client
	state       Secret
	nonce       Secret
	verifier    Secret
	redirectURL string
	expectOrg   string
	expectUser  string
	begun       time.Time
	tokenHost   Host // that the login host redirects token requests to; zero = that host itself
}

// scopesOf returns the scopes to ask for when the caller names none: those that the product's pages tell the admin to
// select. Asking for one that the app does not list fails with invalid_scope.
func scopesOf(kind AppKind) []string {
	s := []string{"id", "full", "api", "web", "refresh_token"}
	if kind != ConnectedAppKind {
		s = append(s, "openid")
	}
	return s
}

// Authorize returns the URL to send the user's browser to, and what to keep until the callback. It makes no request.
// The URL always carries a fresh state and an S256 code challenge, and a nonce when openid is asked for. Without
// scopes it asks for id, full, api, web and refresh_token, and openid unless the app is a connected app.
//
// Errors are of [KindInvalid] and name the field.
//
// Source: Salesforce Help, "OAuth 2.0 Web Server Flow", "Request an Authorization Code"; RFC 7636 §4.3; RFC 9700 §2.1.
func (f *Flow) Authorize(c Client, o AuthorizeOptions) (redirect string, p Pending, err error) {
	return f.authorize(c, o, random())
}

// authorize is Authorize with a state that nobody can guess.
func (f *Flow) authorize(c Client, o AuthorizeOptions, state Secret) (redirect string, p Pending, err error) {
	const op = "authorize"
	if err := c.validate(op); err != nil {
		return "", Pending{}, err
	}
	to, err := f.redirectURL(o.RedirectURL)
	if err != nil {
		return "", Pending{}, err
	}
	scopes := o.Scopes
	if len(scopes) == 0 {
		scopes = scopesOf(c.Kind)
	}
	for i, s := range scopes {
		if !printable(s) || strings.ContainsAny(s, `"\`) {
			return "", Pending{}, invalid(op, fmt.Sprintf("AuthorizeOptions.Scopes[%d]", i), "is not a scope, such as \"api\"")
		}
	}
	extra, err := o.parameters()
	if err != nil {
		return "", Pending{}, err
	}
	p = Pending{
		client: c, redirectURL: to, expectOrg: o.ExpectOrg, expectUser: o.ExpectUser, begun: f.now(),
		state: state, verifier: NewSecret(oauth2.GenerateVerifier()),
	}
	if slices.Contains(scopes, "openid") {
		p.nonce = random()
		extra = append(extra, oauth2.SetAuthURLParam("nonce", p.nonce.Reveal()))
	}
	cfg := oauth2.Config{
		ClientID: c.ID, RedirectURL: to, Scopes: scopes,
		Endpoint: oauth2.Endpoint{AuthURL: c.Host.endpoint("/services/oauth2/authorize"), AuthStyle: oauth2.AuthStyleInParams},
	}
	extra = append(extra, oauth2.S256ChallengeOption(p.verifier.Reveal()))
	return cfg.AuthCodeURL(p.state.Reveal(), extra...), p, nil
}

func (f *Flow) redirectURL(want string) (string, error) {
	switch {
	case want == "" && len(f.redirectURLs) == 1:
		return f.redirectURLs[0], nil
	case want == "":
		return "", invalid("authorize", "AuthorizeOptions.RedirectURL", "is required, since several redirect URLs are configured")
	case !slices.Contains(f.redirectURLs, want):
		return "", invalid("authorize", "AuthorizeOptions.RedirectURL", "is not among Config.RedirectURLs")
	}
	return want, nil
}

func (o AuthorizeOptions) parameters() ([]oauth2.AuthCodeOption, error) {
	var out []oauth2.AuthCodeOption
	set := func(name, value string) {
		if value != "" {
			out = append(out, oauth2.SetAuthURLParam(name, value))
		}
	}
	if len(o.LoginHint) > 255 || strings.ContainsFunc(o.LoginHint, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return nil, invalid("authorize", "AuthorizeOptions.LoginHint", "must be at most 255 bytes without control characters")
	}
	for _, p := range strings.Fields(o.Prompt) {
		if !slices.Contains([]string{"login", "consent", "select_account"}, p) {
			return nil, invalid("authorize", "AuthorizeOptions.Prompt", "must be made of login, consent and select_account")
		}
	}
	if o.Display != "" && !slices.Contains([]string{"page", "popup", "touch"}, o.Display) {
		return nil, invalid("authorize", "AuthorizeOptions.Display", "must be page, popup or touch")
	}
	if _, problem := orgID(o.ExpectOrg); o.ExpectOrg != "" && problem != "" {
		return nil, invalid("authorize", "AuthorizeOptions.ExpectOrg", problem)
	}
	if _, problem := userID(o.ExpectUser); o.ExpectUser != "" && problem != "" {
		return nil, invalid("authorize", "AuthorizeOptions.ExpectUser", problem)
	}
	set("login_hint", o.LoginHint)
	set("prompt", strings.Join(strings.Fields(o.Prompt), " "))
	set("display", o.Display)
	return out, nil
}

// random returns 256 fresh bits in base64url.
func random() Secret {
	var b [32]byte
	rand.Read(b[:]) // never fails: the runtime ends the program instead
	return NewSecret(base64.RawURLEncoding.EncodeToString(b[:]))
}

// callbackLimits lists the query values that a callback may carry, with their greatest length in bytes. Others are
// ignored.
var callbackLimits = map[string]int{"code": 2048, "state": 512, "error": 128, "error_description": 4096, "iss": 2048}

// readCallback returns the authorization code of a callback that answers p.
func (f *Flow) readCallback(p Pending, q url.Values) (code Secret, err error) {
	fail := func(text string) (Secret, error) {
		return Secret{}, &Error{Op: opCallback, Host: p.client.Host.name, Kind: KindState, Err: errors.New(text)}
	}
	for _, name := range slices.Sorted(maps.Keys(callbackLimits)) {
		if len(q[name]) > 1 {
			return fail(name + " is given twice")
		}
		if len(q.Get(name)) > callbackLimits[name] {
			return fail(name + " is too long")
		}
	}
	switch {
	case p.state.IsZero() || !NewSecret(q.Get("state")).Equal(p.state):
		return fail("state is not of this login")
	case q.Has("iss") && q.Get("iss") != p.client.Host.endpoint(""):
		return fail("iss is not the login host of this login")
	case q.Has("error") && q.Has("code"):
		return fail("code and error are both given")
	case q.Has("error"):
		e := &Error{Op: opCallback, Host: p.client.Host.name}
		sent := []Secret{p.state, p.nonce, p.verifier, NewSecret(p.client.ID), p.client.Secret}
		e.Code, e.Description = scrubCode(q.Get("error"), sent...), scrub(q.Get("error_description"), sent...)
		f.rule(e, p.client, authorSalesforce)
		return Secret{}, e
	case !printable(q.Get("code")):
		return fail("code is missing or malformed")
	}
	return NewSecret(q.Get("code")), nil
}
