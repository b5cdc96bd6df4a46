package oauthflow_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

func TestACallbackThatDoesNotBelongToTheLoginCostsNoRequest(t *testing.T) {
	edit := func(name string, change func(string) string) func(*oauthflow.Callback) {
		return func(cb *oauthflow.Callback) {
			q := url.Values{}
			for k, v := range cb.Query {
				q[k] = v
			}
			q.Set(name, change(q.Get(name)))
			cb.Query = q
		}
	}
	tests := []struct {
		name   string
		change func(*oauthflow.Callback)
	}{
		{"of another session", func(cb *oauthflow.Callback) { cb.Binding = "a-cookie-of-somebody-else" }},
		{"without a session", func(cb *oauthflow.Callback) { cb.Binding = "" }},
		{"of another tenant", func(cb *oauthflow.Callback) { cb.Tenant = "rival" }},
		{"from another login host", edit("iss", func(string) string { return "https://evil.my.salesforce.com" })},
		{"on another page", func(cb *oauthflow.Callback) { cb.Path = "/app/admin/plan" }},
		{"with a state cut short", edit("state", func(s string) string { return s[:len(s)-1] })},
		{"with one bit of the state flipped", edit("state", func(s string) string { return s[:5] + string(s[5]^1) + s[6:] })},
		{"with an empty state", edit("state", func(string) string { return "" })},
		{"with a state of 64 KiB", edit("state", func(s string) string { return strings.Repeat(s, 64<<10/len(s)) })},
		{"with the state given twice", func(cb *oauthflow.Callback) {
			cb.Query = url.Values{"code": cb.Query["code"], "state": {cb.Query.Get("state"), cb.Query.Get("state")}}
		}},
		{"with the code given twice", func(cb *oauthflow.Callback) {
			cb.Query = url.Values{"state": cb.Query["state"], "code": {cb.Query.Get("code"), "another"}}
		}},
		{"without a code", func(cb *oauthflow.Callback) { cb.Query = url.Values{"state": cb.Query["state"]} }},
		{"with code and error", edit("error", func(string) string { return "access_denied" })},
		{"with the state of another tenant's login", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, orgtest.Config{})
			m := w.manager()
			cb := w.begin(m, mainKey)
			if tt.change != nil {
				tt.change(&cb)
			} else {
				rival := w.begin(m, oauthflow.Key{Tenant: "rival", Name: "main"})
				cb.Query = url.Values{"code": cb.Query["code"], "state": rival.Query["state"]}
			}
			_, err := m.Complete(t.Context(), cb)
			wantKind(t, err, oauthflow.KindState)
			if n := w.wire.exchanges(); n != 0 {
				t.Errorf("%d codes were sent, want 0", n)
			}
		})
	}
}

func TestARefusedCallbackLeavesTheLoginToItsOwner(t *testing.T) {
	w := newWorld(t, orgtest.Config{})
	m := w.manager()
	cb := w.begin(m, mainKey)
	stolen := cb
	stolen.Binding = "a-cookie-of-the-attacker"
	if _, err := m.Complete(t.Context(), stolen); err == nil {
		t.Fatal("the login was completed in another session")
	}
	if _, err := m.Complete(t.Context(), cb); err != nil {
		t.Errorf("the owner's callback after a stranger's: %v", err)
	}
}

// RFC 9700 §4.4, §4.5: a code that was put into another login's callback is of no use there, and does no harm to its own.
func TestACodeOfAnotherLoginIsSentWithTheLoginsOwnClientAndVerifierOnly(t *testing.T) {
	for name, c := range map[string]struct {
		app  string
		want oauthflow.ErrorKind
		lost bool // the code was spent by the attempt
	}{
		"of the same app": {appName, oauthflow.KindPKCE, true},
		"of another app":  {"Rival", oauthflow.KindGrantDead, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, orgtest.Config{Existing: appFiles("Rival")})
			m := w.manager()
			var sent []url.Values
			w.wire.tap(func(r *http.Request) error {
				body, err := io.ReadAll(r.Body)
				if err != nil {
					return err
				}
				r.Body = io.NopCloser(bytes.NewReader(body))
				form, err := url.ParseQuery(string(body))
				sent = append(sent, form)
				return err
			}, nil)
			mine := w.begin(m, mainKey)
			theirs := w.beginWith(m, oauthflow.Key{Tenant: "acme", Name: "other"}, w.clientOf(c.app))
			mixed := mine
			mixed.Query = url.Values{"state": mine.Query["state"], "code": theirs.Query["code"]}
			_, err := m.Complete(t.Context(), mixed)
			wantKind(t, err, c.want)
			w.wantEvents("exchange", "ok", 0)
			if _, err := m.Complete(t.Context(), theirs); (err == nil) == c.lost {
				t.Errorf("the login that the code was of: %v", err)
			}
			if len(sent) != 2 || sent[0].Get("client_id") != w.client().ID || sent[1].Get("client_id") != w.clientOf(c.app).ID {
				t.Fatal("the codes were not sent as the apps whose logins they came in")
			}
			for _, field := range []string{"code_verifier", "client_secret"} {
				if same := sent[0].Get(field) == sent[1].Get(field); same && (field == "code_verifier" || c.app != appName) {
					t.Errorf("both logins sent the same %s", field)
				}
			}
		})
	}
}

func TestOfManyEqualCallbacksOneSendsTheCodeAndAllGetItsConnection(t *testing.T) {
	for round := range 20 {
		w := newWorld(t, orgtest.Config{})
		managers := []*oauthflow.Manager{w.manager(), w.manager()} // as two processes over one store
		cb := w.begin(managers[0], mainKey)
		var done atomic.Int32
		var all sync.WaitGroup
		for i := range 16 {
			all.Go(func() {
				if c, err := managers[i%2].Complete(t.Context(), cb); err != nil || c.Key != mainKey {
					t.Errorf("round %d: %v, %v", round, c.Key, err)
					return
				}
				done.Add(1)
			})
		}
		all.Wait()
		if done.Load() != 16 || w.wire.exchanges() != 1 {
			t.Fatalf("round %d: %d got the connection, %d codes sent; want 16, 1", round, done.Load(), w.wire.exchanges())
		}
	}
}

func TestBeginAsksForABindingThatOnlyTheSessionKnows(t *testing.T) {
	w := newWorld(t, orgtest.Config{})
	m := w.manager()
	for _, binding := range []string{"", "short", strings.Repeat("x", 15), strings.Repeat("x", 513)} {
		_, err := m.Begin(t.Context(), mainKey, w.client(), binding, oauthflow.AuthorizeOptions{})
		if e := wantKind(t, err, oauthflow.KindInvalid); !strings.Contains(e.Error(), "binding") {
			t.Errorf("binding of %d bytes: %q does not name the argument", len(binding), e)
		}
	}
	for _, n := range []int{16, 512} {
		if _, err := m.Begin(t.Context(), mainKey, w.client(), strings.Repeat("x", n), oauthflow.AuthorizeOptions{}); err != nil {
			t.Errorf("binding of %d bytes: %v", n, err)
		}
	}
}

func TestALoginLivesForFifteenMinutes(t *testing.T) {
	for _, tt := range []struct {
		age time.Duration
		ok  bool
	}{{14*time.Minute + 59*time.Second, true}, {15*time.Minute + time.Second, false}, {24 * time.Hour, false}} {
		t.Run(fmt.Sprint(tt.age), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, orgtest.Config{})
				m := w.manager()
				cb := w.begin(m, mainKey)
				time.Sleep(tt.age)
				_, err := m.Complete(t.Context(), cb)
				if tt.ok {
					if err != nil {
						t.Error(err)
					}
					return
				}
				wantKind(t, err, oauthflow.KindState)
				if w.wire.exchanges() != 0 {
					t.Error("the code of an expired login was sent")
				}
			})
		})
	}
}

func TestALoginMayBeAskedToLiveFiveToSixtyMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, orgtest.Config{})
		for _, lifetime := range []time.Duration{5 * time.Minute, time.Hour} {
			m := w.manager(func(c *oauthflow.ManagerConfig) { c.Timing.Login = lifetime })
			redirect, err := m.Begin(t.Context(), mainKey, w.client(), browser, oauthflow.AuthorizeOptions{})
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(lifetime - time.Second)
			cb := w.approve(mainKey, redirect)
			if _, err := m.Complete(t.Context(), cb); err != nil {
				t.Errorf("after %v: %v", lifetime-time.Second, err)
			}
			late := w.begin(m, mainKey)
			time.Sleep(lifetime + time.Second)
			_, err = m.Complete(t.Context(), late)
			wantKind(t, err, oauthflow.KindState)
		}
		for _, lifetime := range []time.Duration{-time.Minute, time.Second, 5*time.Minute - 1, time.Hour + 1} {
			_, err := oauthflow.NewManager(oauthflow.ManagerConfig{
				Store: w.store, Keyring: w.keys, Environment: "test", Flow: w.flow(w.wire), Timing: oauthflow.Timing{Login: lifetime},
			})
			if err == nil || !strings.Contains(err.Error(), "Timing.Login") {
				t.Errorf("a login that lives %v: %v", lifetime, err)
			}
		}
	})
}

func TestADeniedLoginSaysSoAndCostsNoRequest(t *testing.T) {
	w := newWorld(t, orgtest.Config{})
	m := w.manager()
	redirect, err := m.Begin(t.Context(), mainKey, w.client(), browser, oauthflow.AuthorizeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	back, err := w.org.Deny(t.Context(), redirect)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(back)
	if err != nil {
		t.Fatal(err)
	}
	cb := oauthflow.Callback{Tenant: mainKey.Tenant, Path: u.Path, Binding: browser, Query: u.Query()}
	_, err = m.Complete(t.Context(), cb)
	wantKind(t, err, oauthflow.KindDenied)
	// RFC 6749 §4.1.2.1: the denial was this login's one answer, which is shown again.
	for _, q := range []url.Values{cb.Query, {"state": cb.Query["state"], "code": {"aPrx0123456789"}}} {
		again := cb
		again.Query = q
		_, err := m.Complete(t.Context(), again)
		wantKind(t, err, oauthflow.KindDenied)
	}
	if w.wire.exchanges() != 0 {
		t.Error("a request was made")
	}
}

func TestAnExchangeWhoseAnswerIsLostIsNotRepeated(t *testing.T) {
	w := newWorld(t, orgtest.Config{})
	m := w.manager()
	cb := w.begin(m, mainKey)
	if err := w.org.Inject(orgtest.Fault{Path: tokenEndpoint, Drop: orgtest.DropAfter}); err != nil {
		t.Fatal(err)
	}
	_, err := m.Complete(t.Context(), cb)
	wantKind(t, err, oauthflow.KindInDoubt)
	_, err = m.Complete(t.Context(), cb)
	wantKind(t, err, oauthflow.KindInDoubt)
	if n := w.wire.exchanges(); n != 1 {
		t.Errorf("the code was sent %d times, want once", n)
	}
}

func TestAnAnswerWithoutARefreshTokenIsAnErrorThatSaysWhatToChange(t *testing.T) {
	w := newWorld(t, orgtest.Config{})
	if err := w.org.SetAppField("ExtlClntAppOauthSettings", appName+"_oauth", "commaSeparatedOauthScopes", "OpenID, Basic, Api, Web, Full"); err != nil {
		t.Fatal(err)
	}
	m := w.manager()
	redirect, err := m.Begin(t.Context(), mainKey, w.client(), browser, oauthflow.AuthorizeOptions{Scopes: []string{"api", "openid"}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = m.Complete(t.Context(), w.approve(mainKey, redirect))
	if !errors.Is(err, oauthflow.ErrNoRefreshToken) {
		t.Fatalf("got %v, want ErrNoRefreshToken", err)
	}
	if _, err := m.Load(t.Context(), mainKey); kindOf(err) != oauthflow.KindNotConnected {
		t.Errorf("Load: %v, want not connected", err)
	}
}

func kindOf(err error) oauthflow.ErrorKind {
	var e *oauthflow.Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return ""
}
