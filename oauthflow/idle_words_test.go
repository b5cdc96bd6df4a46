package oauthflow_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

// A refresh token that ends sooner than by any idle limit has ended for another reason, which an admin must not look for in the limit.
func TestOnlyARefreshTokenThatWasNotUsedForSoLongEndsByTheIdleLimit(t *testing.T) {
	for _, c := range []struct {
		name           string
		unused, period time.Duration
		says           string // empty: nothing of use
	}{
		{"a day", day, 0, ""},
		{"a second less than 30 days", 30*day - time.Second, 0, ""},
		{"30 days", 30 * day, 0, "after 30 days without use"},
		{"a second less than the app's 7 days", 7*day - time.Second, 7 * day, ""},
		{"the app's 7 days", 7 * day, 7 * day, "the app's Refresh Token Policy ends a refresh token after 7 days"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := rotating(t)
				m := w.manager()
				now := w.connect(m, mainKey)
				if err := m.SetIdlePeriod(t.Context(), mainKey, now.ConsumerKey, c.period); err != nil {
					t.Fatal(err)
				}
				time.Sleep(c.unused)
				if err := w.org.Inject(orgtest.Fault{Path: tokenEndpoint, Status: 400, Body: oauthBody("invalid_grant", "expired access/refresh token")}); err != nil {
					t.Fatal(err)
				}
				e := wantKind(t, m.Renew(t.Context(), mainKey), oauthflow.KindGrantDead)
				if text := e.Error(); strings.Contains(text, "use") != (c.says != "") || !strings.Contains(text, c.says) {
					t.Errorf("got %q, want %q", text, c.says)
				}
			})
		})
	}
}
