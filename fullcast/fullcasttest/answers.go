package fullcasttest

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/jarcoal/httpmock"
)

// The ids of the mocked org and its user; no org of Salesforce's has one like that.
const identity = "https://login.salesforce.com/id/00DTEST000000001AA/005TEST000000001AA"

// answer is what the org says.
type answer struct {
	status   int
	location string
	body     any // written as JSON; nil for none
}

func (a answer) response(req *http.Request) *http.Response {
	var text []byte
	if a.body != nil {
		text, _ = json.Marshal(a.body) // maps of strings
	}
	resp := httpmock.NewBytesResponse(a.status, text)
	resp.Header.Set("Content-Type", "application/json;charset=UTF-8")
	if a.location != "" {
		resp.Header.Set("Location", a.location)
	}
	resp.Request = req
	return resp
}

// register answers a path of a host. The org's host of before redirects, and what a host does is done one request at a time.
func (m *Mock) register(method, host, path string, act func(*http.Request) answer) {
	m.mock.RegisterResponder(method, "https://"+host+path, func(req *http.Request) (*http.Response, error) {
		m.mu.Lock()
		defer m.mu.Unlock()
		if host == mockHost && m.host != mockHost {
			return m.moved(req).response(req), nil
		}
		return act(req).response(req), nil
	})
}

// moved sends a request on. Source: Salesforce Help, "My Domain Redirections".
func (m *Mock) moved(req *http.Request) answer {
	return answer{status: http.StatusFound, location: "https://" + m.host + req.URL.RequestURI()}
}

// token is the token endpoint. Source: Salesforce Help, "OAuth 2.0 Authorization Errors", "Web Server Flow" and "Refresh Token
// Flow"; article 005316711 on a second use of a replaced refresh token.
func (m *Mock) token(req *http.Request) answer {
	if req.ParseForm() != nil {
		return oauthError("invalid_request", "malformed request")
	}
	form := req.PostForm
	switch {
	case form.Get("client_id") != m.client.ID:
		return oauthError("invalid_client_id", "client identifier invalid")
	case form.Get("client_secret") != m.client.Secret.Reveal():
		return oauthError("invalid_client", "invalid client credentials")
	}
	switch form.Get("grant_type") {
	case "authorization_code":
		return m.exchange(form)
	case "refresh_token":
		return m.renew(form.Get("refresh_token"))
	}
	return oauthError("unsupported_grant_type", "grant type not supported")
}

func (m *Mock) exchange(form url.Values) answer {
	code := m.code
	m.code = ""
	switch {
	case code == "" || form.Get("code") != code:
		return oauthError("invalid_grant", "invalid authorization code")
	case form.Get("redirect_uri") != m.login.Get("redirect_uri"):
		return oauthError("redirect_uri_mismatch", "redirect_uri must match configuration")
	case challenge(form.Get("code_verifier")) != m.login.Get("code_challenge"):
		return oauthError("invalid_grant", "invalid code verifier")
	}
	m.refresh = secretText("5Aep861")
	return m.issue(true)
}

func (m *Mock) renew(refreshToken string) answer {
	if m.spent[refreshToken] {
		m.refresh, m.access = "", ""
	}
	if m.has(Refusal) || m.refresh == "" || refreshToken != m.refresh {
		return oauthError("invalid_grant", "expired access/refresh token")
	}
	if !m.has(Rotation) {
		return m.issue(false)
	}
	m.spent[m.refresh] = true
	m.refresh = secretText("5Aep861")
	return m.issue(true)
}

// issue answers with a new access token.
func (m *Mock) issue(refresh bool) answer {
	m.access = secretText("00DTEST000000001!")
	if m.has(JWT) {
		claims, _ := json.Marshal(map[string]string{"jti": rand.Text()}) // a map of strings
		m.access = "eyJhbGciOiJub25lIn0." + base64.RawURLEncoding.EncodeToString(claims) + ".c2lnbmF0dXJl"
	}
	body := map[string]string{
		"access_token": m.access, "token_type": "Bearer", "scope": "api refresh_token", "id": identity,
		"instance_url": "https://" + m.host, "issued_at": strconv.FormatInt(time.Now().UnixMilli(), 10),
	}
	if refresh {
		body["refresh_token"] = m.refresh
	}
	return answer{status: http.StatusOK, body: body}
}

// introspect is asked whether a token is in use. Source: Salesforce Help, "OpenID Connect Token Introspection Endpoint".
func (m *Mock) introspect(req *http.Request) answer {
	token := req.PostFormValue("token")
	active := token != "" && (token == m.refresh && !m.has(Refusal) || token == m.access)
	return answer{status: http.StatusOK, body: map[string]any{"active": active}}
}

// revoke ends the grant of a token. Source: Salesforce Help, "Revoke OAuth Tokens".
func (m *Mock) revoke(req *http.Request) answer {
	if token := req.PostFormValue("token"); token != "" && (token == m.refresh || token == m.access) {
		m.refresh, m.access = "", ""
	}
	return answer{status: http.StatusOK}
}

// api returns how a request for the API is refused; nil where it is not. Source: REST API Developer Guide, "Status Codes and Error
// Responses"; public reports of two independent clients for a JWT.
func (m *Mock) api(req *http.Request) *answer {
	m.mu.Lock()
	defer m.mu.Unlock()
	if req.URL.Host != m.host {
		a := m.moved(req)
		return &a
	}
	if m.lift(EndedSession) {
		m.access = ""
	}
	if m.access == "" || bearer(req) != m.access {
		a := apiError(http.StatusUnauthorized, "INVALID_SESSION_ID", "Session expired or invalid")
		if strings.HasPrefix(bearer(req), "eyJ") {
			a = apiError(http.StatusUnauthorized, "INVALID_AUTH_HEADER", "INVALID_JWT_FORMAT")
		}
		return &a
	}
	if m.has(RateLimit) {
		a := apiError(http.StatusForbidden, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
		return &a
	}
	return nil
}

func oauthError(code, description string) answer {
	return answer{status: http.StatusBadRequest, body: map[string]string{"error": code, "error_description": description}}
}

func apiError(status int, code, message string) answer {
	return answer{status: status, body: []map[string]string{{"errorCode": code, "message": message}}}
}
