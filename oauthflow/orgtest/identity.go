package orgtest

import (
	"net/http"
	"strings"
)

// sessionOf finds the living session of a request and counts the use. why is empty, or says what is wrong:
// "dead" for no, an unknown or an ended token; "locked" for a token that is alive but not accepted from there.
func (o *Org) sessionOf(in *request, token string) (s *session, why string) {
	s = o.sessions[token]
	if s == nil || !s.alive(o.now()) || s.user.refusal() != "" {
		return nil, "dead"
	}
	if s.approval != nil {
		app := o.settingsOf(s.approval.app)
		// Whether the profile's ranges and the address of the login go on to count while the token is used is the org's choice, and the
		// app can be exempt from the ranges. Source: Metadata API, SessionSettings; help, "Connected App IP Relaxation and Continuous
		// IP Enforcement". That such a session answers like an expired one, fresh as it may be, is assumed.
		ranges := o.components.setting(securitySettings, "sessionSettings/enforceIpRangesEveryRequest") && !strings.HasPrefix(app.ip, "bypass")
		locked := o.components.setting(securitySettings, "sessionSettings/lockSessionsToIp")
		if ranges && !s.user.inRange(in.from) || locked && s.from != in.from {
			return nil, "dead"
		}
		if app.highAssurance && !s.assured {
			return nil, "locked"
		}
	}
	s.used = o.now()
	return s, ""
}

// userinfo is the OpenID user info. A bad token is 403 with a bare word. Source: stored answer; mobile SDKs for the refusal.
func (o *Org) userinfo(in *request) answer {
	o.mu.Lock()
	defer o.mu.Unlock()
	s, why := o.sessionOf(in, in.bearer())
	if why != "" || !has(s.scopes, "openid", "id", "profile", "full") {
		o.record(Entry{Event: "userinfo", Outcome: "Bad_OAuth_Token"})
		return textAnswer(http.StatusForbidden, "Bad_OAuth_Token")
	}
	if text := unreadUser(in); text != "" {
		o.record(Entry{Event: "userinfo", User: s.user.Username, Outcome: text})
		return textAnswer(http.StatusNotImplemented, text)
	}
	o.record(Entry{Event: "userinfo", User: s.user.Username, Outcome: "ok"})
	u := s.user
	at := o.instanceFor(in)
	return jsonAnswer(http.StatusOK, map[string]any{
		"sub":     o.identityHost(in) + "/id/" + o.id + "/" + u.id,
		"user_id": u.id, "organization_id": o.id, "preferred_username": u.Username, "nickname": u.FirstName,
		"name": u.FirstName + " " + u.LastName, "email": u.Email, "email_verified": true,
		"given_name": u.FirstName, "family_name": u.LastName, "zoneinfo": "America/Los_Angeles",
		"photos":  map[string]string{"picture": at + "/profilephoto/005/F", "thumbnail": at + "/profilephoto/005/T"},
		"profile": at + "/" + u.id, "picture": at + "/profilephoto/005/F", "address": map[string]string{},
		"urls": o.urls(at, u), "active": true, "user_type": "STANDARD", "language": "en_US", "locale": "en_US",
		"utcOffset": -28800000, "updated_at": u.created.UTC().Format("2006-01-02T15:04:05Z"), "is_app_installed": true,
	})
}

// identity is the identity URL of a token answer. Source: stored answer of a real org.
func (o *Org) identity(in *request) answer {
	o.mu.Lock()
	defer o.mu.Unlock()
	e := Entry{Event: "identity", Outcome: "Bad_OAuth_Token"}
	defer func() { o.record(e) }()
	token := in.bearer()
	if token == "" {
		token = in.query.Get("oauth_token")
	}
	s, why := o.sessionOf(in, token)
	if why != "" {
		return textAnswer(http.StatusForbidden, "Bad_OAuth_Token")
	}
	e.User = s.user.Username
	parts := strings.Split(strings.TrimPrefix(in.path, "/id/"), "/")
	if len(parts) != 2 || !sameID(parts[0], o.id) || !sameID(parts[1], s.user.id) { // words from memory of the docs: assumed
		e.Outcome = "Wrong_Org"
		return textAnswer(http.StatusForbidden, "Wrong_Org")
	}
	if text := unreadUser(in); text != "" {
		e.Outcome = text
		return textAnswer(http.StatusNotImplemented, text)
	}
	e.Outcome = "ok"
	u := s.user
	at := o.instanceFor(in)
	id := o.identityHost(in) + "/id/" + o.id + "/" + u.id
	changed := u.created.UTC().Format("2006-01-02T15:04:05Z")
	return jsonAnswer(http.StatusOK, map[string]any{
		"id": id, "asserted_user": true, "user_id": u.id, "organization_id": o.id, "username": u.Username,
		"nick_name": u.FirstName, "display_name": u.FirstName + " " + u.LastName, "email": u.Email, "email_verified": true,
		"first_name": u.FirstName, "last_name": u.LastName, "timezone": "America/Los_Angeles",
		"photos":      map[string]string{"picture": at + "/profilephoto/005/F", "thumbnail": at + "/profilephoto/005/T"},
		"addr_street": nil, "addr_city": nil, "addr_state": nil, "addr_country": nil, "addr_zip": nil,
		"mobile_phone": nil, "mobile_phone_verified": false, "is_lightning_login_user": false,
		"status": map[string]any{"created_date": nil, "body": nil}, "urls": o.urls(at, u),
		"active": true, "user_type": "STANDARD", "language": "en_US", "locale": "en_US", "utcOffset": -28800000,
		"last_modified_date": changed, "is_app_installed": true,
	})
}

func sameID(given, full string) bool {
	return len(given) == 18 && strings.EqualFold(given, full) || len(given) == 15 && given == full[:15]
}

// urls are the addresses in an identity answer, with Salesforce's own placeholder for the version.
func (o *Org) urls(at string, u *person) map[string]string {
	org := o.id[:15]
	return map[string]string{
		"enterprise":    at + "/services/Soap/c/{version}/" + org,
		"metadata":      at + "/services/Soap/m/{version}/" + org,
		"partner":       at + "/services/Soap/u/{version}/" + org,
		"rest":          at + "/services/data/v{version}/",
		"sobjects":      at + "/services/data/v{version}/sobjects/",
		"search":        at + "/services/data/v{version}/search/",
		"query":         at + "/services/data/v{version}/query/",
		"recent":        at + "/services/data/v{version}/recent/",
		"tooling_soap":  at + "/services/Soap/T/{version}/" + org,
		"tooling_rest":  at + "/services/data/v{version}/tooling/",
		"profile":       at + "/" + u.id,
		"custom_domain": at,
	}
}
