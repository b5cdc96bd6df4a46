package orgtest_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

// What REST says of a token depends on its form.
func TestAJWTIsRefusedInWordsOfItsOwn(t *testing.T) {
	for _, c := range []struct{ name, jwt, scope, code, message string }{
		{"an expired JWT", "true", "", "INVALID_AUTH_HEADER", "INVALID_JWT_FORMAT"},
		{"an opaque token whose session has ended", "false", "", "INVALID_SESSION_ID", "Session expired or invalid"},
		{"a JWT without a scope for the API", "true", "id refresh_token", "INVALID_AUTH_HEADER", "INVALID_SCOPES"},
		{"an opaque token without one", "false", "id refresh_token", "INVALID_SESSION_ID", "not valid for use with the REST API"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := withDemo(t, orgtest.Config{})
			w.set(globalSettings, "isNamedUserJwtEnabled", c.jwt)
			token := w.exchange(w.approve("scope", c.scope).Get("code")).field("access_token")
			if c.scope == "" {
				if status := w.api(token); status != http.StatusOK {
					t.Fatalf("at first it answers %d", status)
				}
				w.org.ExpireSessions()
			}
			a := w.get(w.org.InstanceURL()+"/services/data/v66.0/limits", token)
			if a.status != http.StatusUnauthorized || !strings.Contains(a.body, c.code) || !strings.Contains(a.body, c.message) {
				t.Errorf("it answers %d %s", a.status, a.body)
			}
		})
	}
}
