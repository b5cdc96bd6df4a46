package orgtest

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

const tokenPath = "/services/oauth2/token"

// token is the token endpoint for the two grants this org serves. Source: help, OAuth flow errors, for the codes; texts from the
// mobile SDKs' constants; that a GET is refused with 400 is assumed.
func (o *Org) token(in *request) answer {
	if in.Method != http.MethodPost {
		return oauthError("invalid_request", "must use HTTP POST")
	}
	form, ok := in.form()
	if !ok {
		return oauthError("invalid_request", "malformed request")
	}
	var a answer
	unread := unreadToken(form)
	switch grant := form.Get("grant_type"); {
	case unread != "":
		a = oauthError("invalid_request", unread)
	case grant == "authorization_code":
		a = o.exchange(in, form)
	case grant == "refresh_token":
		a = o.renew(in, form)
	case grant == "":
		a = oauthError("invalid_request", "must supply grant type")
	case otherGrants[grant]:
		a = oauthError("unsupported_grant_type", notSimulated+"grant_type="+grant)
	default:
		a = oauthError("unsupported_grant_type", "grant type not supported")
	}
	return inFormat(a, formatOf(in, form.Get("format"), "json"))
}

// identify finds the client of a token request and checks its secret, from the body or HTTP Basic. Texts: iOS SDK constants
// and public issues; status 400 also for a wrong secret is assumed.
func (o *Org) identify(in *request, form url.Values, required func(settings) bool) (client, settings, *answer) {
	fail := func(code, description string) (client, settings, *answer) {
		a := oauthError(code, description)
		return client{}, settings{}, &a
	}
	key, secret := form.Get("client_id"), form.Get("client_secret")
	if user, password, ok := in.BasicAuth(); ok {
		if form.Has("client_secret") {
			return fail("invalid_request", "client authenticated twice") // RFC 6749 2.3; at Salesforce assumed
		}
		var err1, err2 error
		user, err1 = url.QueryUnescape(user)
		secret, err2 = url.QueryUnescape(password)
		if err1 != nil || err2 != nil || key != "" && key != user {
			return fail("invalid_client_id", "client identifier invalid")
		}
		key = user
	}
	c, missing := o.clientAt(in, key)
	if c.app == nil {
		return fail("invalid_client_id", "client identifier invalid")
	}
	if missing {
		return fail("app_not_found", notInstalled)
	}
	s := o.settingsOf(c.app)
	if secret == "" && !required(s) {
		return c, s, nil
	}
	if subtle.ConstantTimeCompare([]byte(secret), []byte(c.secret)) != 1 {
		return fail("invalid_client", "invalid client credentials")
	}
	if !s.enabled || c.app.blocked { // assumed to answer like a user without access
		return fail("invalid_app_access", "this app is blocked by admin")
	}
	return c, s, nil
}

// exchange is the authorization_code grant. Source: docs, web server flow; help, remote access terminology (a code is good once,
// for 15 minutes); texts as in public issues; that a code of another client is called invalid is assumed.
func (o *Org) exchange(in *request, form url.Values) answer {
	o.mu.Lock()
	defer o.mu.Unlock()
	e := Entry{Event: "exchange"}
	a := o.exchangeLocked(in, form, &e)
	e.Outcome = outcomeOf(a)
	o.record(e)
	return a
}

func (o *Org) exchangeLocked(in *request, form url.Values, e *Entry) answer {
	c, s, refused := o.identify(in, form, func(s settings) bool { return s.secretWeb })
	if refused != nil {
		return *refused
	}
	e.App = c.app.name
	if a := s.unproved(in); a != nil {
		return *a
	}
	found := o.codes[form.Get("code")]
	if found == nil || found.client.app != c.app || found.client.key != c.key {
		return oauthError("invalid_grant", "invalid authorization code")
	}
	e.User = found.user.Username
	if found.used || o.now().Sub(found.issued) >= codeLife {
		return oauthError("invalid_grant", "expired authorization code")
	}
	found.used = true // one attempt by the right client spends the code, even a failing one (assumed)
	if form.Get("redirect_uri") != found.redirect {
		return oauthError("redirect_uri_mismatch", "redirect_uri must match configuration")
	}
	if description := badVerifier(found.challenge, form); description != "" {
		return oauthError("invalid_grant", description)
	}
	if code, description := o.admits(in, s, found.user, form); code != "" {
		return oauthError(code, description)
	}
	ap := o.approve(c, found.user, found.scopes, found.host)
	ap.nonce = found.nonce
	e.Approval = ap.number
	extra := map[string]string{}
	if has(ap.scopes, "refresh_token", "offline_access") {
		extra["refresh_token"] = o.issueRefreshToken(ap)
		e.Issued = ap.generation
	}
	return o.tokenAnswer(in, o.sessionFor(in, ap), c, s, extra)
}

// admits checks the user behind a grant: active, in the login ranges, permitted. Enforce and Enforce_relaxrefresh differ in
// the refresh only; the two Bypass policies never look at the address (Bypass_2factor: assumed). Source: help, IP relaxation.
func (o *Org) admits(in *request, s settings, user *person, form url.Values) (code, description string) {
	if text := user.refusal(); text != "" {
		return "invalid_grant", text
	}
	relaxed := strings.HasPrefix(s.ip, "bypass") || s.ip == "enforce_relaxrefresh" && form.Get("grant_type") == "refresh_token"
	if !relaxed && !user.inRange(in.from) {
		return "invalid_grant", "ip restricted"
	}
	if !s.permits(user) {
		return "invalid_app_access", "user is not admin approved to access this app"
	}
	return "", ""
}

// renew is the refresh_token grant. A second refresh with the same token while one is being processed is refused; the lock is
// not held meanwhile. Source: release notes, Summer '24 and Winter '25.
func (o *Org) renew(in *request, form url.Values) answer {
	free, refused := o.occupy(in)
	if refused != nil {
		return *refused
	}
	defer free()
	wait(in.Context(), o.cfg.RefreshTime)
	o.mu.Lock()
	defer o.mu.Unlock()
	e := Entry{Event: "refresh"}
	a := o.renewLocked(in, form, o.refresh[form.Get("refresh_token")], &e)
	if e.Outcome == "" {
		e.Outcome = outcomeOf(a)
	}
	o.record(e)
	return a
}

func (o *Org) renewLocked(in *request, form url.Values, t *refreshToken, e *Entry) answer {
	const expired = "expired access/refresh token"
	c, s, refused := o.identify(in, form, func(s settings) bool { return s.secretRefresh })
	if refused != nil {
		return *refused
	}
	e.App = c.app.name
	if a := s.unproved(in); a != nil {
		return *a
	}
	if form.Has("scope") { // appsmith#30239
		return oauthError("invalid_request", "scope parameter not supported")
	}
	if t == nil || t.approval.app != c.app || t.approval.key != c.key {
		return oauthError("invalid_grant", expired)
	}
	ap := t.approval
	e.User, e.Approval, e.Presented = ap.user.Username, ap.number, t.generation
	now := o.now()
	switch {
	case !ap.ended.IsZero():
		return oauthError("invalid_grant", expired)
	case !t.ended.IsZero():
		// "re-use of a rotated token invalidates the current refresh token and its access tokens" (help, KB 005316711)
		e.Outcome = "reuse"
		o.end(ap)
		return oauthError("invalid_grant", expired)
	case !t.diedAt(s.refresh, now).IsZero(): // sessions that are open live on (assumed)
		return oauthError("invalid_grant", expired)
	}
	if code, description := o.admits(in, s, ap.user, form); code != "" {
		return oauthError(code, description)
	}
	ap.used = now
	extra := map[string]string{}
	if s.rotation {
		extra["refresh_token"] = o.issueRefreshToken(ap)
		e.Issued = ap.generation
	}
	return o.tokenAnswer(in, o.sessionFor(in, ap), c, s, extra)
}

// sessionFor opens a session, or finds the living one when the org is set to hand out the same token again (reported).
func (o *Org) sessionFor(in *request, ap *approval) *session {
	if o.cfg.SameToken {
		for _, s := range ap.sessions {
			if s.alive(o.now()) {
				s.used = o.now()
				return s
			}
		}
	}
	s := o.openSession(ap.user, ap)
	s.from = in.from
	return s
}

// tokenAnswer is the success body: no expires_in, issued_at in milliseconds as a string, a signature over id and issued_at.
// Source: docs, web server flow; Salesforce community samples for the signature.
func (o *Org) tokenAnswer(in *request, s *session, c client, app settings, extra map[string]string) answer {
	id := s.approval.host + "/id/" + o.id + "/" + s.user.id
	issued := strconv.FormatInt(o.now().UnixMilli(), 10)
	mac := hmac.New(sha256.New, []byte(c.secret))
	mac.Write([]byte(id + issued))
	body := map[string]string{
		"access_token": s.token, "token_type": "Bearer", "id": id, "issued_at": issued,
		"signature":    base64.StdEncoding.EncodeToString(mac.Sum(nil)),
		"scope":        strings.Join(s.scopes, " "),
		"instance_url": o.instanceFor(in),
	}
	if has(s.scopes, "openid") {
		body["id_token"] = o.idToken(in, s, c, app)
	}
	if app.jwt {
		body["token_format"] = "jwt"
	}
	if has(s.scopes, "sfap_api") {
		body["api_instance_url"] = "https://api.salesforce.com"
	}
	for k, v := range extra {
		body[k] = v
	}
	return jsonAnswer(http.StatusOK, body)
}

// instanceFor is the org's API address as the caller can reach it.
func (o *Org) instanceFor(in *request) string {
	if in.place == foreign {
		return in.origin
	}
	return "https://" + o.host
}

// badVerifier checks the code verifier: base64url characters only ("~" is refused by a real org, "." is assumed to be), 43 at
// least, no upper limit known (Salesforce's own clients send 171), SHA-256 always. A mismatch may be called invalid_request
// by the docs; witnesses saw invalid_grant.
func badVerifier(challenge string, form url.Values) string {
	verifier := form.Get("code_verifier")
	switch {
	case challenge == "" && verifier == "":
		return ""
	case challenge == "":
		return "unexpected code verifier"
	case len(verifier) < 43 || strings.Trim(verifier, base62+"-_") != "":
		return "invalid code verifier"
	}
	sum := sha256.Sum256([]byte(verifier))
	if base64.RawURLEncoding.EncodeToString(sum[:]) != challenge {
		return "invalid code verifier"
	}
	return ""
}

func has(list []string, any ...string) bool {
	for _, s := range list {
		for _, a := range any {
			if s == a {
				return true
			}
		}
	}
	return false
}
