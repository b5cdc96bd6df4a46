package oauthflow_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// asks notes which host each request of a login host's endpoint went to.
type asks struct {
	base http.RoundTripper
	mu   sync.Mutex
	all  []string
}

func (a *asks) RoundTrip(r *http.Request) (*http.Response, error) {
	if endpoint, ok := strings.CutPrefix(r.URL.Path, "/services/oauth2/"); ok {
		a.mu.Lock()
		a.all = append(a.all, endpoint+" "+strings.TrimSuffix(r.URL.Host, ".salesforce.com"))
		a.mu.Unlock()
	}
	return a.base.RoundTrip(r)
}

// take returns what was asked since the last time.
func (a *asks) take() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	got := strings.Join(a.all, ", ")
	a.all = nil
	return got
}

// at is a world in which the app is connected at a login host, and what was asked since.
func at(t *testing.T, cfg orgtest.Config, loginHost string) (*world, *oauthflow.Manager, *asks) {
	t.Helper()
	w := newWorld(t, cfg)
	a := &asks{base: w.wire.base}
	w.wire.base = a
	m := w.manager()
	if _, err := m.Complete(t.Context(), w.beginWith(m, mainKey, w.clientAt(loginHost))); err != nil {
		t.Fatal(err)
	}
	a.take()
	return w, m, a
}

func (w *world) clientAt(loginHost string) oauthflow.Client {
	w.t.Helper()
	c := w.client()
	var err error
	if c.Host, err = oauthflow.ParseHost(loginHost); err != nil {
		w.t.Fatal(err)
	}
	return c
}

func wantAsked(t *testing.T, a *asks, want string) {
	t.Helper()
	if got := a.take(); got != want {
		t.Errorf("asked %q, want %q", got, want)
	}
}

func TestARefreshIsSentOnceMoreWhereTheLoginHostRedirectsIt(t *testing.T) {
	for _, status := range []int{301, 302, 303, 307, 308} {
		for name, c := range map[string]struct {
			login, first, second string
			move                 func(*world) error
		}{
			"a renamed My Domain": {oldName, "token acme.my, token acme-corp.my", "token acme-corp.my",
				func(w *world) error { return w.org.Rename(orgtest.Rename{Name: "acme-corp", Status: status}) }},
			"the login pool": {"login.salesforce.com", "token login, token acme.my", "token acme.my",
				func(w *world) error { return w.org.RedirectLoginPool(status) }},
		} {
			t.Run(fmt.Sprint(name, " by ", status), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w, m, a := at(t, orgtest.Config{RotateRefreshTokens: true}, c.login)
					if err := c.move(w); err != nil {
						t.Fatal(err)
					}
					if err := m.Renew(t.Context(), mainKey); err != nil {
						t.Fatal(err)
					}
					wantAsked(t, a, c.first)
					now, err := m.Load(t.Context(), mainKey)
					if err != nil || now.Status != oauthflow.StatusActive || now.Host.String() != c.login || "https://"+now.TokenHost.String() != w.org.InstanceURL() {
						t.Errorf("got %+v, %v; want it active, with the org's host for its token requests", now, err)
					}
					if err := w.manager().Renew(t.Context(), mainKey); err != nil { // another process, which reads the record
						t.Fatal(err)
					}
					wantAsked(t, a, c.second)
					if !w.alive(w.token(m.Source(mainKey))) {
						t.Error("the access token does not work")
					}
					w.wantEvents("refresh", "ok", 2)
					w.wantEvents("refresh", "", 2)
					if _, err := m.Introspect(t.Context(), mainKey); err != nil {
						t.Fatal(err)
					}
					if err := m.Disconnect(t.Context(), mainKey); err != nil {
						t.Fatal(err)
					}
					wantAsked(t, a, strings.ReplaceAll(c.second, "token", "introspect")+", "+strings.ReplaceAll(c.second, "token", "revoke"))
				})
			})
		}
	}
}

func TestTheRequestAtTheNewHostHasAnIntentOfItsOwn(t *testing.T) {
	w := rotating(t)
	v := w.unlocked()
	m := w.manager()
	if _, err := m.Complete(t.Context(), w.beginWith(m, mainKey, w.clientAt(oldName))); err != nil {
		t.Fatal(err)
	}
	rename(t, w, orgtest.Rename{})
	var intents, hosts []string
	w.wire.tap(func(*http.Request) error {
		fields := v.read(w.record(mainKey))
		intent, _ := fields["Intent"].(map[string]any)
		intents, hosts = append(intents, fmt.Sprint(intent["Attempt"])), append(hosts, fmt.Sprint(fields["TokenHost"]))
		return nil
	}, nil)
	if err := m.Renew(t.Context(), mainKey); err != nil {
		t.Fatal(err)
	}
	if len(intents) != 2 || intents[0] == intents[1] || strings.Contains(join(intents), "nil") || join(hosts) != "<nil> "+newName {
		t.Errorf("%d requests, of the same intent %v, with the token hosts %v", len(intents), intents[0] == intents[len(intents)-1], hosts)
	}
	if fields := v.read(w.record(mainKey)); fields["Intent"] != nil {
		t.Error("an intent is left")
	}
}

func TestAConnectedAppFollowsTheRedirectAsWell(t *testing.T) {
	w := newWorld(t, orgtest.Config{})
	a := &asks{base: w.wire.base}
	w.wire.base = a
	m := w.manager()
	c := w.clientAt(oldName)
	c.Kind = oauthflow.ConnectedAppKind
	if _, err := m.Complete(t.Context(), w.beginWith(m, mainKey, c)); err != nil {
		t.Fatal(err)
	}
	a.take()
	rename(t, w, orgtest.Rename{})
	if err := m.Renew(t.Context(), mainKey); err != nil {
		t.Fatal(err)
	}
	wantAsked(t, a, "token acme.my, token acme-corp.my")
}

func TestRevocationAndIntrospectionFollowOneRedirect(t *testing.T) {
	w, m, a := at(t, orgtest.Config{}, oldName)
	rename(t, w, orgtest.Rename{Status: 307})
	if is, err := m.Introspect(t.Context(), mainKey); err != nil || !is.Active {
		t.Errorf("introspection: %+v, %v", is, err)
	}
	wantAsked(t, a, "introspect acme.my, introspect acme-corp.my")
	if err := m.Disconnect(t.Context(), mainKey); err != nil {
		t.Fatal(err)
	}
	wantAsked(t, a, "revoke acme.my, revoke acme-corp.my")
	w.wantEvents("revoke", "ok", 1)
}

func TestACodeThatIsRedirectedIsSentOnceMoreAndTheConnectionKeepsTheHost(t *testing.T) {
	for name, c := range map[string]struct {
		login, asked string
		move         func(*world) error
	}{
		"a renamed My Domain": {oldName, "token acme.my, token acme-corp.my", func(w *world) error { return w.org.RenameMyDomain("acme-corp") }},
		"the login pool":      {"login.salesforce.com", "token login, token acme.my", func(w *world) error { return w.org.RedirectLoginPool(302) }},
	} {
		t.Run(name, func(t *testing.T) {
			w, m, a := at(t, orgtest.Config{RotateRefreshTokens: true}, c.login)
			cb := w.beginWith(m, mainKey, w.clientAt(c.login))
			if err := c.move(w); err != nil {
				t.Fatal(err)
			}
			got, err := m.Complete(t.Context(), cb)
			if err != nil || got.Host.String() != c.login || "https://"+got.TokenHost.String() != w.org.InstanceURL() {
				t.Fatalf("got %+v, %v", got, err)
			}
			if asked := a.take(); !strings.HasPrefix(asked, c.asked) || strings.Count(asked, "token") != 2 {
				t.Errorf("asked %q, want %q", asked, c.asked)
			}
			w.wantEvents("exchange", "ok", 2)
			if err := m.Renew(t.Context(), mainKey); err != nil {
				t.Fatal(err)
			}
			_, to, _ := strings.Cut(c.asked, ", ")
			if asked := a.take(); strings.Count(asked, "token ") != 1 || !strings.Contains(asked, to) { // what was there before is revoked meanwhile
				t.Errorf("asked %q, want one request for a token, %q", asked, to)
			}
			if err := w.org.RedirectLoginPool(0); err != nil {
				t.Fatal(err)
			}
			now, err := m.Complete(t.Context(), w.beginWith(m, mainKey, w.clientAt("login.salesforce.com")))
			if err != nil || !now.TokenHost.IsZero() {
				t.Errorf("a new login has the token host %q (%v)", now.TokenHost, err)
			}
		})
	}
}

func TestAnOrgThatIsRenamedAgainIsFoundWithinOneRefresh(t *testing.T) {
	gone := func(w *world) error { w.org.RemoveOldDomains(); return nil }
	to := func(names ...string) func(*world) error {
		return func(w *world) error {
			for _, name := range names {
				if err := w.org.RenameMyDomain(name); err != nil {
					return err
				}
			}
			return nil
		}
	}
	first := func(next func(*world) error) func(*world) error { // after the first name has lost its redirect
		return func(w *world) error { return errors.Join(gone(w), next(w)) }
	}
	for name, c := range map[string]struct {
		again func(*world) error
		want  string
	}{
		"to a third name":                     {to("acme-inc"), "token acme-corp.my, token acme-inc.my"},
		"to a third name, the first one gone": {first(to("acme-inc")), "token acme-corp.my, token acme-inc.my"},
		"back to the first":                   {to("acme"), "token acme-corp.my, token acme.my"},
		"back to the first, over another":     {to("acme-inc", "acme"), "token acme-corp.my, token acme.my"},
		"not at all":                          {to("acme-corp"), "token acme-corp.my"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, m, a := at(t, orgtest.Config{RotateRefreshTokens: true}, oldName)
				rename(t, w, orgtest.Rename{})
				if err := m.Renew(t.Context(), mainKey); err != nil {
					t.Fatal(err)
				}
				a.take()
				if err := c.again(w); err != nil {
					t.Fatal(err)
				}
				if err := m.Renew(t.Context(), mainKey); err != nil {
					t.Fatal(err)
				}
				wantAsked(t, a, c.want)
				if now, err := m.Load(t.Context(), mainKey); err != nil || now.Status != oauthflow.StatusActive || now.InstanceURL != w.org.InstanceURL() {
					t.Errorf("got %+v, %v", now, err)
				}
				if !w.alive(w.token(m.Source(mainKey))) {
					t.Error("the access token does not work")
				}
				if _, err := m.Introspect(t.Context(), mainKey); err != nil {
					t.Error(err)
				}
				w.wantEvents("refresh", "ok", 2)
				w.wantEvents("refresh", "", 2)
			})
		})
	}
}

func TestRevocationIsSentToAnOrgThatWasRenamedTwice(t *testing.T) {
	w, m, a := at(t, orgtest.Config{}, oldName)
	rename(t, w, orgtest.Rename{})
	if err := m.Renew(t.Context(), mainKey); err != nil {
		t.Fatal(err)
	}
	a.take()
	w.org.RemoveOldDomains()
	if err := w.org.RenameMyDomain("acme-inc"); err != nil {
		t.Fatal(err)
	}
	if err := m.Disconnect(t.Context(), mainKey); err != nil {
		t.Fatal(err)
	}
	wantAsked(t, a, "revoke acme-corp.my, revoke acme-inc.my")
}

func TestASecondRedirectIsNotFollowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, m, a := at(t, orgtest.Config{RotateRefreshTokens: true}, oldName)
		rename(t, w, orgtest.Rename{})
		org := a.base
		a.base = onward{org}
		for _, want := range []string{"token acme.my, token acme-corp.my", "token acme.my, token acme-corp.my"} {
			e := wantKind(t, m.Renew(t.Context(), mainKey), oauthflow.KindInvalid)
			wantAsked(t, a, want)
			if e.Host != newName || e.Status != 307 || !strings.Contains(e.Sentence(), "My Domain") {
				t.Errorf("got %v", e)
			}
			if now, err := m.Load(t.Context(), mainKey); err != nil || now.Status != oauthflow.StatusSuspended {
				t.Errorf("got %+v, %v", now, err)
			}
			time.Sleep(time.Minute)
		}
		a.base = org
		if err := m.Renew(t.Context(), mainKey); err != nil {
			t.Fatal(err)
		}
		w.wantEvents("refresh", "ok", 1)
		w.wantEvents("refresh", "reuse", 0)
	})
}

func TestACodeARevocationAndAnIntrospectionMakeOneHopAtMost(t *testing.T) {
	w, m, a := at(t, orgtest.Config{}, oldName)
	cb := w.beginWith(m, mainKey, w.clientAt(oldName))
	rename(t, w, orgtest.Rename{})
	a.base = onward{a.base}
	_, completed := m.Complete(t.Context(), cb)
	wantAsked(t, a, "token acme.my, token acme-corp.my")
	_, introspected := m.Introspect(t.Context(), mainKey)
	wantAsked(t, a, "introspect acme.my, introspect acme-corp.my")
	disconnected := m.Disconnect(t.Context(), mainKey)
	wantAsked(t, a, "revoke acme.my, revoke acme-corp.my")
	for _, err := range []error{completed, introspected, disconnected} {
		if e := wantKind(t, err, oauthflow.KindInvalid); !e.MovedTo.IsZero() || e.Host != newName || !strings.Contains(e.Error(), "again") {
			t.Errorf("got %v", e)
		}
	}
}

// onward redirects from the new name to one more.
type onward struct{ http.RoundTripper }

func (o onward) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host == newName && r.Method == http.MethodPost {
		closed(r)
		return wireReply(r, 307, "", "Location", "https://acme-inc.my.salesforce.com"+r.URL.Path), nil
	}
	return o.RoundTripper.RoundTrip(r)
}

func TestNewCredentialsAreProvedWhereTheLoginHostRedirects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, m, a := at(t, orgtest.Config{RotateRefreshTokens: true}, oldName)
		c := w.clientAt(oldName)
		c.Kind = oauthflow.ConnectedAppKind // new credentials that the org accepts
		if err := m.SetClient(t.Context(), mainKey, c); err != nil {
			t.Fatal(err)
		}
		rename(t, w, orgtest.Rename{})
		if err := m.Renew(t.Context(), mainKey); err != nil {
			t.Fatal(err)
		}
		wantAsked(t, a, "token acme.my, token acme-corp.my")
		if now, err := m.Load(t.Context(), mainKey); err != nil || now.NextKey != "" || now.Kind != c.Kind || now.TokenHost.String() != newName {
			t.Errorf("got %+v, %v", now, err)
		}
	})
}

func TestWhatTheNewHostAsksForIsKeptByAllConnectionsOfTheProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, m, a := at(t, orgtest.Config{RotateRefreshTokens: true}, oldName)
		other := oauthflow.Key{Tenant: "acme", Name: "other"}
		if _, err := m.Complete(t.Context(), w.beginWith(m, other, w.clientAt(oldName))); err != nil {
			t.Fatal(err)
		}
		rename(t, w, orgtest.Rename{})
		if err := m.Renew(t.Context(), other); err != nil {
			t.Fatal(err)
		}
		if err := w.org.Inject(orgtest.Fault{Path: tokenEndpoint, Skip: 1, Status: 429, Header: http.Header{"Retry-After": {"600"}}}); err != nil {
			t.Fatal(err)
		}
		a.take()
		wantKind(t, m.Renew(t.Context(), mainKey), oauthflow.KindBusy)
		wantAsked(t, a, "token acme.my, token acme-corp.my")
		time.Sleep(5 * time.Minute)
		wantKind(t, m.Renew(t.Context(), other), oauthflow.KindBusy)
		wantAsked(t, a, "")
	})
}

func TestARedirectThatIsNotFollowedSuspendsWithoutEndingAnything(t *testing.T) {
	for _, to := range []string{"acme.my.site.com", "acme.file.my.salesforce.com", "acme.lightning.my.salesforce.com", "login.salesforce.com"} {
		t.Run(to, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, m, a := at(t, orgtest.Config{RotateRefreshTokens: true}, oldName)
				fault := orgtest.Fault{Path: tokenEndpoint, Status: 307, Header: http.Header{"Location": {"https://" + to + tokenEndpoint}}}
				if err := w.org.Inject(fault); err != nil {
					t.Fatal(err)
				}
				wantKind(t, m.Renew(t.Context(), mainKey), oauthflow.KindInvalid)
				wantAsked(t, a, "token acme.my")
				time.Sleep(time.Minute)
				if err := m.Renew(t.Context(), mainKey); err != nil {
					t.Fatal(err)
				}
				wantAsked(t, a, "token acme.my")
			})
		})
	}
}

func TestAGrantThatEndsLongAfterARenameHasNotEndedByIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, m, _ := at(t, orgtest.Config{}, oldName)
		rename(t, w, orgtest.Rename{})
		w.org.ExpireSessions()
		for range 3 {
			if err := m.Renew(t.Context(), mainKey); err != nil {
				t.Fatal(err)
			}
			time.Sleep(24 * time.Hour)
		}
		if err := w.org.RevokeAll(appName); err != nil {
			t.Fatal(err)
		}
		e := wantKind(t, m.Renew(t.Context(), mainKey), oauthflow.KindGrantDead)
		now, err := m.Load(t.Context(), mainKey)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{e.Error(), e.Sentence(), now.Fault.Error(), now.Fault.Sentence()} {
			if strings.Contains(text, "My Domain") {
				t.Errorf("it is told %q", text)
			}
		}
	})
}

// A redirect says nothing of a refresh that was sent before it: with rotation, sending the token again could be its second use.
func TestARedirectEndsNoDoubtAboutAnEarlierRefresh(t *testing.T) {
	for name, follow := range map[string]bool{"one that is followed": true, "one that is not": false} {
		for _, drop := range []orgtest.Drop{orgtest.DropBefore, orgtest.DropAfter} {
			t.Run(fmt.Sprint(name, ", acted ", drop == orgtest.DropAfter), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w, m, a := at(t, orgtest.Config{RotateRefreshTokens: true, IntrospectionLag: 30 * time.Second}, oldName)
					dead := w.token(m.Source(mainKey))
					if err := w.org.Inject(orgtest.Fault{Path: tokenEndpoint, Drop: drop}); err != nil {
						t.Fatal(err)
					}
					if follow {
						rename(t, w, orgtest.Rename{})
					} else if err := w.org.Inject(orgtest.Fault{Path: tokenEndpoint, Status: 302, Header: http.Header{"Location": {"https://evil.example/"}}}); err != nil {
						t.Fatal(err)
					}
					w.org.ExpireSessions()
					var err error
					for range 20 {
						if _, err = m.Source(mainKey).Replace(t.Context(), dead); err == nil || kindOf(err) == oauthflow.KindGrantDead {
							break
						}
						time.Sleep(time.Minute)
					}
					asked := a.take()
					if drop == orgtest.DropBefore && err != nil {
						t.Errorf("it was never spent, and is not refreshed: %v (asked %s)", err, asked)
					}
					sent := strings.Split(asked, "token ") // what was asked between the requests with the refresh token
					for _, between := range sent[2 : len(sent)-1] {
						if strings.Count(between, "introspect") < 2 {
							t.Errorf("it was sent again without asking twice whether it is unspent: %s", asked)
						}
					}
					t.Log(asked)
					if drop == orgtest.DropBefore {
						w.wantEvents("refresh", "reuse", 0)
						w.wantEvents("refresh", "ok", 1)
					}
				})
			})
		}
	}
}

func TestAStoreThatFailsAfterARedirectLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		h := &hooked{Store: w.store}
		w.store = h
		a := &asks{base: w.wire.base}
		w.wire.base = a
		m := w.manager()
		if _, err := m.Complete(t.Context(), w.beginWith(m, mainKey, w.clientAt(oldName))); err != nil {
			t.Fatal(err)
		}
		rename(t, w, orgtest.Rename{})
		w.wire.tap(nil, func(resp *http.Response) (*http.Response, error) {
			if resp.StatusCode == 302 {
				h.onSave(func(tokenstore.Record, func() error) error { return errStoreDown })
			}
			return resp, nil
		})
		wantKind(t, m.Renew(t.Context(), mainKey), oauthflow.KindStore)
		h.onSave(nil)
		w.wire.tap(nil, nil)
		dead := w.token(m.Source(mainKey))
		if _, err := w.manager().Source(mainKey).Replace(t.Context(), dead); err != nil {
			t.Fatal(err)
		}
		w.wantEvents("refresh", "ok", 1)
		w.wantEvents("refresh", "reuse", 0)
		if _, err := m.Load(t.Context(), mainKey); err != nil {
			t.Error(err)
		}
	})
}

func TestProcessesThatMeetARedirectAtOnceSendOneRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, m, _ := at(t, orgtest.Config{RotateRefreshTokens: true, RefreshTime: time.Second}, oldName)
		dead := w.token(m.Source(mainKey))
		rename(t, w, orgtest.Rename{})
		var all sync.WaitGroup
		for range 5 {
			other := w.manager()
			for range 20 {
				all.Go(func() {
					if _, err := other.Source(mainKey).Replace(t.Context(), dead); err != nil {
						t.Error(err)
					}
				})
			}
		}
		all.Wait()
		w.wantEvents("refresh", "", 1)
		w.wantEvents("redirect", "302", 1)
	})
}

func TestAGrantThatDiesWithItsMyDomainSaysWhereToConnectAgain(t *testing.T) {
	const to = "My Domain changed to " + newName
	for name, c := range map[string]struct {
		login, text, again string
		gone               bool
	}{
		"logged in at My Domain":                          {oldName, to, newName, false},
		"logged in at the generic host":                   {"login.salesforce.com", to, "login.salesforce.com", false},
		"logged in at the generic host, the name is gone": {"login.salesforce.com", "My Domain changed, and the org's present host is not known", "login.salesforce.com", true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := rotating(t)
				e := newEventLog()
				m := w.manager(e.observe)
				if _, err := m.Complete(t.Context(), w.beginWith(m, mainKey, w.clientAt(c.login))); err != nil {
					t.Fatal(err)
				}
				if err := m.Renew(t.Context(), mainKey); err != nil { // from here on it is known that refresh tokens rotate
					t.Fatal(err)
				}
				rename(t, w, orgtest.Rename{RevokeTokens: true, Gone: c.gone})
				_, err := careful(m.Source(mainKey).Transport(w.org.RoundTripper())).Get("https://" + oldName + "/services/data/v66.0/limits")
				for what, err := range map[string]error{"the call": err, "the source": lastOf(m.Source(mainKey).Token()), "another process": lastOf(w.manager().Source(mainKey).Token())} {
					got := wantKind(t, err, oauthflow.KindGrantDead)
					if !strings.Contains(got.Error(), c.text) || !strings.Contains(got.Sentence(), "My Domain changed") || strings.Contains(got.Error(), "\n") {
						t.Errorf("%s: %q, %q", what, got, got.Sentence())
					}
					if !c.gone && (got.MovedTo.String() != newName || !strings.Contains(got.Sentence(), newName)) {
						t.Errorf("%s: MovedTo is %q", what, got.MovedTo)
					}
				}
				now, err := m.Load(t.Context(), mainKey)
				if err != nil || now.Status != oauthflow.StatusBroken || !strings.Contains(now.Fault.Error(), c.text) {
					t.Errorf("the stored connection is %v, %v (%v)", now.Status, now.Fault, err)
				}
				redirect, err := m.BeginAgain(t.Context(), mainKey, browser, oauthflow.AuthorizeOptions{})
				if err != nil {
					t.Fatal(err)
				}
				if u, err := url.Parse(redirect); err != nil || u.Host != c.again {
					t.Errorf("the user is sent to %q, want %q", u.Host, c.again)
				}
				synctest.Wait()
				if e.count(oauthflow.EventReplay) > 0 {
					t.Error("a replay is suspected")
				}
				back := w.approve(mainKey, redirect)
				if got, err := m.Complete(t.Context(), back); err != nil || got.Status != oauthflow.StatusActive {
					t.Errorf("connecting again: %v, %v", got.Status, err)
				}
			})
		})
	}
}

func TestAGrantThatIsRevokedAtAHostThatOnlyRedirectsSaysNothingOfAMove(t *testing.T) {
	w, m, _ := at(t, orgtest.Config{}, "login.salesforce.com")
	if err := w.org.RedirectLoginPool(302); err != nil {
		t.Fatal(err)
	}
	if err := m.Renew(t.Context(), mainKey); err != nil {
		t.Fatal(err)
	}
	if err := w.org.RevokeAll(appName); err != nil {
		t.Fatal(err)
	}
	_, adopted := m.Adopt(t.Context(), oauthflow.Key{Tenant: "acme", Name: "adopted"}, w.clientAt("login.salesforce.com"), oauthflow.NewSecret("5Aep861unknown1"))
	for _, err := range []error{m.Renew(t.Context(), mainKey), adopted} {
		e := wantKind(t, err, oauthflow.KindGrantDead)
		if strings.Contains(e.Error(), "My Domain changed") || !e.MovedTo.IsZero() {
			t.Errorf("got %v", e)
		}
	}
}

func TestAnAdoptedConnectionFollowsTheRedirectOfItsLoginHost(t *testing.T) {
	for _, login := range []string{oldName, "login.salesforce.com"} {
		w := newWorld(t, orgtest.Config{RotateRefreshTokens: true})
		refresh := w.inherited()
		if err := errors.Join(w.org.RenameMyDomain("acme-corp"), w.org.RedirectLoginPool(307)); err != nil {
			t.Fatal(err)
		}
		got, err := w.manager().Adopt(t.Context(), mainKey, w.clientAt(login), refresh)
		if err != nil || got.TokenHost.String() != newName || got.InstanceURL != "https://"+newName {
			t.Errorf("at %s: %+v, %v", login, got, err)
		}
		w.wantEvents("refresh", "", 1)
	}
}

func TestNewCredentialsAtAnotherHostAreAskedThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, m, a := at(t, orgtest.Config{RotateRefreshTokens: true}, oldName)
		rename(t, w, orgtest.Rename{})
		if err := m.Renew(t.Context(), mainKey); err != nil {
			t.Fatal(err)
		}
		a.take()
		if err := m.SetClient(t.Context(), mainKey, w.clientAt("login.salesforce.com")); err != nil {
			t.Fatal(err)
		}
		if err := m.Renew(t.Context(), mainKey); err != nil {
			t.Fatal(err)
		}
		wantAsked(t, a, "token login")
		if now, err := m.Load(t.Context(), mainKey); err != nil || !now.TokenHost.IsZero() || now.Host.String() != "login.salesforce.com" {
			t.Errorf("got %v, %v, %v", now.Host, now.TokenHost, err)
		}
	})
}

func lastOf[T any](_ T, err error) error { return err }
