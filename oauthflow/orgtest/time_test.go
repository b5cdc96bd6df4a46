package orgtest_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

// set changes an element of the demo app's metadata.
func (w *wire) set(typ, element, value string) {
	w.t.Helper()
	name := map[string]string{
		"ExtlClntAppOauthSettings": "Demo_oauth", "ExtlClntAppGlobalOauthSettings": "Demo_glbloauth",
		"ExtlClntAppOauthConfigurablePolicies": "Demo_oauthPlcy", "ExtlClntAppConfigurablePolicies": "Demo_plcy",
	}[typ]
	if err := w.org.SetAppField(typ, name, element, value); err != nil {
		w.t.Fatal(err)
	}
}

const (
	globalSettings = "ExtlClntAppGlobalOauthSettings"
	oauthPolicies  = "ExtlClntAppOauthConfigurablePolicies"
)

func TestASessionLivesAsLongAsItIsUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := withDemo(t, orgtest.Config{SessionTimeout: 30 * time.Minute})
		access, _ := w.connect()
		for range 5 {
			time.Sleep(29 * time.Minute)
			if got := w.api(access); got != http.StatusOK {
				t.Fatalf("a session in use died: %d", got)
			}
		}
		time.Sleep(30 * time.Minute)
		if got := w.api(access); got != http.StatusUnauthorized {
			t.Errorf("an idle session still works: %d", got)
		}
	})
}

func TestAnAppMaySetItsOwnSessionTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := withDemo(t, orgtest.Config{})
		w.set(oauthPolicies, "sessionTimeoutInMinutes", "15")
		access, _ := w.connect()
		time.Sleep(15 * time.Minute)
		if got := w.api(access); got != http.StatusUnauthorized {
			t.Errorf("got %d", got)
		}
	})
}

func TestACodeExpiresAfterFifteenMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := withDemo(t, orgtest.Config{})
		early, late := w.approve().Get("code"), w.approve().Get("code")
		time.Sleep(15*time.Minute - time.Second)
		if a := w.exchange(early); a.status != http.StatusOK {
			t.Errorf("a second before: %s", a.body)
		}
		time.Sleep(time.Second)
		wantError(t, w.exchange(late), "invalid_grant", "expired authorization code")
	})
}

func TestTheRefreshTokenPolicyEndsATokenOnTime(t *testing.T) {
	for _, c := range []struct {
		name, kind, period, unit string
		used                     time.Duration // a refresh at this time
		end                      time.Duration
	}{
		{"a lifetime counts from the grant", "SpecificLifetime", "10", "Hours", 9 * time.Hour, 10 * time.Hour},
		{"inactivity counts from the last use", "SpecificInactivity", "2", "Days", 40 * time.Hour, 88 * time.Hour},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := withDemo(t, orgtest.Config{})
				files := demoApp()
				path := "extlClntAppOauthPolicies/Demo_oauthPlcy.ecaOauthPlcy"
				files[path] = strings.Replace(files[path], "Infinite</refreshTokenPolicyType>", c.kind+"</refreshTokenPolicyType><refreshTokenValidityPeriod>"+
					c.period+"</refreshTokenValidityPeriod><refreshTokenValidityUnit>"+c.unit+"</refreshTokenValidityUnit>", 1)
				if out := w.deploy(archive(t, "66.0", files), ""); out.Status != "Succeeded" {
					t.Fatalf("%+v", out)
				}
				_, refresh := w.connect()
				time.Sleep(c.used)
				if a := w.refresh(refresh); a.status != http.StatusOK {
					t.Fatalf("before its end: %s", a.body)
				}
				time.Sleep(c.end - c.used)
				wantError(t, w.refresh(refresh), "invalid_grant", "expired access/refresh token")
			})
		})
	}
	t.Run("Zero ends it at once", func(t *testing.T) {
		w := withDemo(t, orgtest.Config{})
		w.set(oauthPolicies, "refreshTokenPolicyType", "Zero")
		_, refresh := w.connect()
		wantError(t, w.refresh(refresh), "invalid_grant", "expired access/refresh token")
	})
}

func TestOneOfTwoConcurrentRefreshesIsTurnedAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := withDemo(t, orgtest.Config{RefreshTime: 300 * time.Millisecond, RotateRefreshTokens: true})
		_, refresh := w.connect()
		var answers [5]reply
		var group sync.WaitGroup
		for i := range answers {
			r := w.refreshForm(refresh)
			group.Go(func() {
				time.Sleep(time.Duration(i) * time.Millisecond)
				answers[i], _ = w.do(r)
			})
		}
		group.Wait()
		if answers[0].status != http.StatusOK {
			t.Errorf("the first: %s", answers[0].body)
		}
		for _, a := range answers[1:] {
			wantError(t, a, "invalid_grant", "token request is already being processed")
		}
		if a := w.refresh(answers[0].field("refresh_token")); a.status != http.StatusOK {
			t.Errorf("being turned away cost the family its life: %s", a.body)
		}
	})
}

func TestARefreshMayReturnTheSameAccessToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := withDemo(t, orgtest.Config{SameToken: true})
		access, refresh := w.connect()
		if got := w.refresh(refresh).field("access_token"); got != access {
			t.Error("a living session was not handed out again")
		}
		time.Sleep(2 * time.Hour)
		if got := w.refresh(refresh).field("access_token"); got == access {
			t.Error("a dead session was handed out again")
		}
	})
}

func TestIntrospectionTellsTheStateOfAToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := withDemo(t, orgtest.Config{IntrospectionLag: 10 * time.Second})
		access, refresh := w.connect()
		key, secret := w.credentials("Demo")
		ask := func(token string) reply {
			return w.post(w.host+"/services/oauth2/introspect", url.Values{"token": {token}, "client_id": {key}, "client_secret": {secret}})
		}
		for _, token := range []string{access, refresh} {
			if a := ask(token); !strings.Contains(a.body, `"active":true`) || !strings.Contains(a.body, `"username":"admin@acme.example"`) || a.field("client_id") != key {
				t.Errorf("a living token: %s", a.body)
			}
		}
		w.post(w.host+"/services/oauth2/revoke", url.Values{"token": {refresh}})
		time.Sleep(9 * time.Second)
		if a := ask(access); !strings.Contains(a.body, `"active":true`) {
			t.Errorf("introspection is not stale: %s", a.body)
		}
		time.Sleep(time.Second)
		for _, token := range []string{access, refresh, "nonsense"} {
			if a := ask(token); a.status != http.StatusOK || a.body != `{"active":false}` {
				t.Errorf("a dead token: %d %s", a.status, a.body)
			}
		}
		a := w.post(w.host+"/services/oauth2/introspect", url.Values{"token": {access}, "client_id": {key}, "client_secret": {"nope"}})
		if a.status != http.StatusUnauthorized || a.field("error") != "invalid_client" {
			t.Errorf("with a wrong secret: %d %s", a.status, a.body)
		}
	})
}

func TestANewAppTakesAWhileToBeKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := empty(t, orgtest.Config{Propagation: 5 * time.Minute})
		w.deploy(archive(t, "66.0", demoApp()), "")
		if _, err := w.org.Approve(t.Context(), w.authorizeURL()); err == nil || !strings.Contains(err.Error(), "invalid_client_id") {
			t.Errorf("at once: %v", err)
		}
		time.Sleep(5 * time.Minute)
		w.connect()
	})
}

func TestWhoLeavesWhileTheOrgIsBusyLosesTheAnswerNotTheEffect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := withDemo(t, orgtest.Config{RotateRefreshTokens: true})
		_, refresh := w.connect()
		if err := w.org.Inject(orgtest.Fault{Path: "/services/oauth2/token", Delay: time.Minute}); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := w.do(w.refreshForm(refresh).WithContext(ctx)); err == nil {
			t.Fatal("the answer arrived")
		}
		wantError(t, w.refresh(refresh), "invalid_grant", "expired access/refresh token")
		log := w.org.Ledger()
		if last := log[len(log)-1]; last.Outcome != "reuse" || last.Presented != 1 {
			t.Errorf("last entry: %+v", last)
		}
	})
}
