package fullcast_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/oauthflow"
)

func TestALoginByAnotherUserThanTheOneExpectedIsRefusedAndSaysWhoItWas(t *testing.T) {
	w := newWorld(t, config{})
	w.deploy(t, fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example"))
	now, err := w.connect(t).Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		expect string
		taken  bool
	}{
		"the user":                  {now.UserID, true},
		"the user, 15 characters":   {now.UserID[:15], true},
		"the user, in upper case":   {strings.ToUpper(now.UserID), true},
		"another user":              {"005000000000001AAA", false},
		"another user, 15":          {"005000000000001", false},
		"the same letters in lower": {strings.ToLower(now.UserID[:15]), now.UserID[:15] == strings.ToLower(now.UserID[:15])},
	} {
		_, err := w.login(t, w.sf, (*fullcast.Connector).Begin, fullcast.BeginOptions{Client: w.client(t, "Fullcast"), ExpectUser: c.expect})
		if c.taken {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		wantError(t, err, oauthflow.KindUserChanged, fullcast.AdminSignsIn)
		var who *oauthflow.StrangerError
		if !errors.Is(err, oauthflow.ErrUserChanged) || !errors.As(err, &who) || who.UserID != now.UserID {
			t.Errorf("%s: %v does not say who has logged in", name, err)
		}
	}
	if again, err := w.sf.Load(t.Context(), main); err != nil || again.Status != oauthflow.StatusActive {
		t.Errorf("the connection that was there is %q, %v", again.Status, err)
	}
	for _, wrong := range []string{"005", "00D000000000001", "005000000000001AAB", "005-00000000001"} {
		_, err := w.sf.Begin(t.Context(), main, fullcast.BeginOptions{Client: w.client(t, "Fullcast"), Binding: session, ExpectUser: wrong})
		wantError(t, err, oauthflow.KindInvalid, fullcast.FixCode)
	}
}

// A browser that is signed in to another org allows access at once, again and again, unless it is asked who that is.
func TestAPromptReachesTheLoginHost(t *testing.T) {
	w := newWorld(t, config{})
	w.deploy(t, fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example"))
	for _, prompt := range []string{"", "login", "select_account", "login consent"} {
		to, err := w.sf.Begin(t.Context(), main, fullcast.BeginOptions{Client: w.client(t, "Fullcast"), Binding: session, Prompt: prompt})
		if err != nil {
			t.Fatal(err)
		}
		u, err := url.Parse(to)
		if err != nil || u.Query().Get("prompt") != prompt || u.Query().Has("prompt") != (prompt != "") {
			t.Errorf("asked for %q: %v, %v", prompt, u, err)
		}
	}
	_, err := w.sf.Begin(t.Context(), main, fullcast.BeginOptions{Client: w.client(t, "Fullcast"), Binding: session, Prompt: "none"})
	wantError(t, err, oauthflow.KindInvalid, fullcast.FixCode)
}

// Salesforce may say why it refuses after the login's time is over, or to a page that has lost the state.
func TestSalesforcesReasonSurvivesALoginThatIsOver(t *testing.T) {
	refused := func(code string) url.Values {
		return url.Values{"error": {code}, "error_description": {"call 555-0100 for help"}}
	}
	for name, c := range map[string]struct {
		query  func(state string) url.Values
		wait   time.Duration
		kind   oauthflow.ErrorKind
		remedy fullcast.Remedy
		named  bool // the error names the code
	}{
		"an expired login": {func(state string) url.Values {
			q := refused("OAUTH_APP_BLOCKED")
			q.Set("state", state)
			return q
		}, time.Hour, oauthflow.KindAppPolicy, fullcast.AdminUnblocksApp, true},
		"no state":       {func(string) url.Values { return refused("OAUTH_APP_ACCESS_DENIED") }, 0, oauthflow.KindState, fullcast.Reauthorize, true},
		"an empty state": {func(string) url.Values { q := refused("access_denied"); q.Set("state", ""); return q }, 0, oauthflow.KindState, fullcast.Reauthorize, true},
		"an unknown state": {func(string) url.Values {
			q := refused("redirect_uri_mismatch")
			q.Set("state", strings.Repeat("x", 43))
			return q
		}, 0, oauthflow.KindState, fullcast.Reauthorize, true},
		"a word that is not Salesforce's": {func(string) url.Values { return refused("pay_here") }, 0, oauthflow.KindState, fullcast.Reauthorize, false},
		"two errors":                      {func(string) url.Values { return url.Values{"error": {"access_denied", "oauth_app_blocked"}} }, 0, oauthflow.KindState, fullcast.Reauthorize, false},
		"a code beside it":                {func(string) url.Values { q := refused("access_denied"); q.Set("code", "x"); return q }, 0, oauthflow.KindState, fullcast.Reauthorize, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := bubbleWorld(t, config{})
				w.deploy(t, fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example"))
				to, err := url.Parse(w.begin(t, w.client(t, "Fullcast")))
				if err != nil {
					t.Fatal(err)
				}
				time.Sleep(c.wait)
				_, err = w.sf.Complete(t.Context(), oauthflow.Callback{Tenant: main.Tenant, Path: "/app/admin/motion", Binding: session, Query: c.query(to.Query().Get("state"))})
				wantError(t, err, c.kind, c.remedy)
				code := c.query("").Get("error")
				if strings.Contains(err.Error(), code) != c.named {
					t.Errorf("of %q the error says %v", code, err)
				}
				if text := w.sf.ForAdmin(err); c.kind == oauthflow.KindState && strings.Contains(text, "Setup") {
					t.Errorf("a callback that anybody can make has an admin change the org: %s", text)
				}
				if text := err.Error() + w.sf.ForAdmin(err); strings.Contains(text, "555") {
					t.Errorf("words that anybody may have written are shown: %s", text)
				}
			})
		})
	}
}
