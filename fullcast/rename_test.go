package fullcast_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

// What becomes of a call when the org's My Domain is renamed, by where the connection logs in and what Salesforce makes of
// the old name: the kind of the error and who has to act, and every request that is made.
func TestARenamedMyDomainIsFoundOrItsAdminIsToldWhereToConnect(t *testing.T) {
	const own, generic = "acme.my.salesforce.com", "login.salesforce.com"
	rename := func(r orgtest.Rename) func(*orgtest.Org) error {
		return func(o *orgtest.Org) error {
			r.Name = "acme-corp"
			return o.Rename(r)
		}
	}
	const toNew = "POST acme-corp /services/data/v66.0/query"
	for _, c := range []struct {
		name, login string
		change      func(*orgtest.Org) error
		kind        oauthflow.ErrorKind // empty: the call works
		remedy      fullcast.Remedy
		text        string // for the admin
		asked       []string
	}{
		{"the old name redirects", own, rename(orgtest.Rename{}), "", 0, "", []string{
			"POST acme /services/data/v66.0/query", "POST acme /services/oauth2/token", "POST acme-corp /services/oauth2/token", toNew}},
		{"it redirects with 301", own, rename(orgtest.Rename{Status: 301}), "", 0, "", []string{
			"POST acme /services/data/v66.0/query", "POST acme /services/oauth2/token", "POST acme-corp /services/oauth2/token", toNew}},
		{"it redirects, sessions live on", own, rename(orgtest.Rename{Status: 308, KeepSessions: true}), "", 0, "", []string{
			"POST acme /services/data/v66.0/query", "POST acme /services/oauth2/token", "POST acme-corp /services/oauth2/token", toNew}},
		{"it redirects, login at the generic host", generic, rename(orgtest.Rename{Status: 307}), "", 0, "", []string{
			"POST acme /services/data/v66.0/query", "POST login /services/oauth2/token", toNew}},
		{"it is gone, login at the generic host", generic, rename(orgtest.Rename{Gone: true}), "", 0, "", []string{
			"POST acme /services/data/v66.0/query", "POST login /services/oauth2/token", toNew}},
		{"it is gone, and login was there", own, rename(orgtest.Rename{Gone: true}), oauthflow.KindNotSent, fullcast.FixConfiguration, "My Domain", []string{
			"POST acme /services/data/v66.0/query"}},
		{"it redirects, and the grant is dead", own, rename(orgtest.Rename{RevokeTokens: true}), oauthflow.KindGrantDead, fullcast.AdminConnectsMyDomain,
			"My Domain changed to acme-corp.my.salesforce.com", []string{
				"POST acme /services/data/v66.0/query", "POST acme /services/oauth2/token", "POST acme-corp /services/oauth2/token"}},
		{"it redirects, and the grant is dead at the generic host", generic, rename(orgtest.Rename{RevokeTokens: true}), oauthflow.KindGrantDead, fullcast.AdminConnectsMyDomain,
			"My Domain changed to acme-corp.my.salesforce.com", []string{"POST acme /services/data/v66.0/query", "POST login /services/oauth2/token"}},
		{"it is gone, and the grant is dead at the generic host", generic, rename(orgtest.Rename{RevokeTokens: true, Gone: true}), oauthflow.KindGrantDead, fullcast.AdminConnectsMyDomain,
			"Setup > My Domain", []string{"POST acme /services/data/v66.0/query", "POST login /services/oauth2/token"}},
		{"the login pool redirects, the session has ended", generic, func(o *orgtest.Org) error { o.ExpireSessions(); return o.RedirectLoginPool(302) }, "", 0, "", []string{
			"POST acme /services/data/v66.0/query", "POST login /services/oauth2/token", "POST acme /services/oauth2/token", "POST acme /services/data/v66.0/query"}},
		{"token requests are redirected to a site", own, func(o *orgtest.Org) error {
			o.ExpireSessions()
			return o.Inject(orgtest.Fault{Path: "/services/oauth2/token", Status: 302, Header: http.Header{"Location": {"https://acme.my.site.com/services/oauth2/token"}}})
		}, oauthflow.KindInvalid, fullcast.FixConfiguration, "", []string{
			"POST acme /services/data/v66.0/query", "POST acme /services/oauth2/token"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := bubbleWorld(t, orgtest.Config{RotateRefreshTokens: true})
				w.deploy(t, fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example"))
				var err error
				if w.host, err = oauthflow.ParseHost(c.login); err != nil {
					t.Fatal(err)
				}
				if err := w.org.Handle("POST /services/data/v66.0/query", http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})); err != nil {
					t.Fatal(err)
				}
				conn := w.connect(t)
				if err := c.change(w.org); err != nil {
					t.Fatal(err)
				}
				w.rec.mu.Lock()
				w.rec.sent = nil
				w.rec.mu.Unlock()
				resp, err := conn.HTTPClient().Post("https://"+own+"/services/data/v66.0/query?q=SELECT+Id+FROM+Account", "text/plain", strings.NewReader("body"))
				if err == nil {
					resp.Body.Close()
				}
				switch {
				case c.kind != "":
					wantError(t, err, c.kind, c.remedy)
					if text := conn.ForAdmin(err); !strings.Contains(text, c.text) {
						t.Errorf("the admin reads %q, want %q", text, c.text)
					}
				case err != nil:
					t.Errorf("got %v", err)
				case resp.StatusCode != 200:
					t.Errorf("status %d", resp.StatusCode)
				}
				var asked []string
				w.rec.mu.Lock()
				for _, s := range w.rec.sent {
					s = strings.ReplaceAll(strings.Replace(s, ".salesforce.com", " ", 1), ".my ", " ")
					if !strings.Contains(s, "/.well-known/") && !strings.Contains(s, "/id/keys") {
						asked = append(asked, s)
					}
				}
				w.rec.mu.Unlock()
				if !slices.Equal(asked, c.asked) {
					t.Errorf("asked %q,\nwant %q", asked, c.asked)
				}
			})
		})
	}
}

func TestADiagnosisLooksAtTheHostThatTokenRequestsGoTo(t *testing.T) {
	w := newWorld(t, orgtest.Config{})
	w.deploy(t, fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example"))
	conn := w.connect(t)
	if err := w.org.RenameMyDomain("acme-corp"); err != nil {
		t.Fatal(err)
	}
	for _, l := range conn.Diagnose(t.Context()).Lines {
		if l.Subject == "Session" && (l.Outcome != fullcast.OutcomeNotVisible || !strings.Contains(l.Text, "My Domain")) {
			t.Errorf("before a call has found the new host: %+v", l)
		}
	}
	if _, err := query(t.Context(), conn); err != nil {
		t.Fatal(err)
	}
	w.org.RemoveOldDomains()
	if _, err := conn.Status(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, l := range conn.Diagnose(t.Context()).Lines {
		if (l.Subject == "Login host" || l.Subject == "Network") && (l.Outcome != fullcast.OutcomeOK || !strings.Contains(l.Text, "acme-corp.my.salesforce.com")) {
			t.Errorf("got %+v", l)
		}
	}
}
