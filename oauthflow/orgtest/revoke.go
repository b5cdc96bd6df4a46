package orgtest

import (
	"net/http"
	"strings"
	"time"
)

// revoke ends a token: a refresh token with all its access tokens, an access token alone. No client authentication: anyone
// who holds a token may end it. That a rotated refresh token still ends its family is assumed. Source: docs, revoking OAuth tokens; jsforce and the mobile SDKs send the token only.
func (o *Org) revoke(in *request) answer {
	q := in.query
	if in.Method == http.MethodPost {
		form, ok := in.form()
		if !ok {
			return revokeError(in, "invalid_request", "malformed request")
		}
		q = form
	} else if in.Method != http.MethodGet {
		return revokeError(in, "invalid_request", "must use HTTP POST")
	}
	if q.Has("callback") { // docs, revoking OAuth tokens, JSONP
		return revokeError(in, "invalid_request", notSimulated+"callback")
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	e := Entry{Event: "revoke", Outcome: "ok"}
	defer func() { o.record(e) }()
	token := q.Get("token")
	if t := o.refresh[token]; t != nil && t.approval.ended.IsZero() {
		e.App, e.User, e.Approval, e.Presented = t.approval.app.name, t.approval.user.Username, t.approval.number, t.generation
		o.end(t.approval)
		return answer{status: http.StatusOK, header: http.Header{}}
	}
	if s := o.sessions[token]; s != nil && s.alive(o.now()) {
		e.User = s.user.Username
		if s.approval != nil {
			e.App, e.Approval = s.approval.app.name, s.approval.number
		}
		s.end(o.now())
		return answer{status: http.StatusOK, header: http.Header{}}
	}
	e.Outcome = "invalid_token"
	return revokeError(in, "invalid_token", "invalid token")
}

// revokeError answers in the format that is asked for, otherwise as a query string, which is how jsforce reads it. Which one
// a real org prefers is assumed.
func revokeError(in *request, code, description string) answer {
	return inFormat(oauthError(code, description), formatOf(in, "", "urlencoded"))
}

// introspect tells a client about one of its own tokens. Source: help, OIDC token introspection.
func (o *Org) introspect(in *request) answer {
	form, ok := in.form()
	if in.Method != http.MethodPost || !ok {
		return oauthError("invalid_request", "malformed request")
	}
	if strings.Contains(in.Header.Get("Accept"), "application/jwt") { // RFC 9701
		return oauthError("invalid_request", notSimulated+"Accept: application/jwt")
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	c, s, refused := o.identify(in, form, func(settings) bool { return true })
	if refused != nil {
		refused.status = http.StatusUnauthorized
		o.record(Entry{Event: "introspect", Outcome: outcomeOf(*refused)})
		return *refused
	}
	e := Entry{Event: "introspect", App: c.app.name, Outcome: "inactive"}
	defer func() { o.record(e) }()
	token := form.Get("token")
	if token == "" {
		return oauthError("invalid_request", "token parameter missing")
	}
	body := map[string]any{"active": false}
	if t := o.refresh[token]; t != nil && (t.approval.app == c.app || s.introspectAll) {
		ap := t.approval
		e.Approval, e.Presented = ap.number, t.generation
		if o.lingering(t.diedAt(o.settingsOf(ap.app).refresh, o.now())) {
			body = o.activeToken(ap, ap.created)
			body["token_type"] = "refresh_token"
		}
	}
	if t := o.sessions[token]; t != nil && t.approval != nil && (t.approval.app == c.app || s.introspectAll) {
		e.Approval = t.approval.number
		if o.lingering(t.diedAt(o.now())) {
			body = o.activeToken(t.approval, t.issued)
			body["token_type"] = "access_token"
			body["exp"] = t.used.Add(t.timeout).Unix()
		}
	}
	if body["active"] == true {
		e.Outcome = "active"
	}
	return jsonAnswer(http.StatusOK, body)
}

// lingering says whether a token that died at that time still counts as alive for introspection.
func (o *Org) lingering(died time.Time) bool {
	return died.IsZero() || o.now().Before(died.Add(o.cfg.IntrospectionLag))
}

func (o *Org) activeToken(ap *approval, issued time.Time) map[string]any {
	return map[string]any{
		"active": true, "client_id": ap.key, "username": ap.user.Username, "scope": strings.Join(ap.scopes, " "),
		"sub": ap.host + "/id/" + o.id + "/" + ap.user.id, "iat": issued.Unix(), "nbf": issued.Unix(),
	}
}
