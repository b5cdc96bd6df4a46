package sqlstore_test

import (
	"context"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

const (
	appName     = "Fullcast"
	callbackURL = "https://app.fullcast.io/app/admin/motion"
)

// Under rotation a token that is sent twice ends the connection. Two managers are two processes here: they share nothing
// but the table and the org.
func TestTwoManagersOverOneTableRefreshOnceForEachExpiry(t *testing.T) {
	eachDatabase(t, func(t *testing.T, p place) {
		migrated(t, p)
		org := rotatingOrg(t)
		keys, err := oauthflow.NewKeys(oauthflow.GenerateSealingKey("k1"))
		if err != nil {
			t.Fatal(err)
		}
		managers := []*oauthflow.Manager{manager(t, org, keys, open(t, p)), manager(t, org, keys, open(t, p))}
		key := oauthflow.Key{Tenant: "acme", Name: "main"}
		logIn(t, org, managers[0], key)
		const expiries, callers = 12, 8
		for range expiries {
			dead, err := managers[0].Source(key).TokenContext(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			org.ExpireSessions()
			var all sync.WaitGroup
			for i := range callers {
				all.Go(func() {
					tok, err := managers[i%2].Source(key).Replace(t.Context(), dead.AccessToken)
					if err != nil || tok.AccessToken == dead.AccessToken {
						t.Errorf("got the dead token or the error %v", err)
					}
				})
			}
			all.Wait()
		}
		events := map[string]int{}
		for _, e := range org.Ledger() {
			events[e.Event+" "+e.Outcome]++
		}
		if events["refresh ok"] != expiries || events["refresh reuse"] != 0 {
			t.Errorf("%d expiries and the ledger %v, want as many refreshes and no reuse", expiries, events)
		}
	})
}

// rotatingOrg is an org with the app, whose refresh tokens are good for one use.
func rotatingOrg(t *testing.T) *orgtest.Org {
	t.Helper()
	const namespace = ` xmlns="http://soap.sforce.com/2006/04/metadata"`
	wrap := func(typ, body string) string { return "<" + typ + namespace + ">" + body + "</" + typ + ">" }
	of := "<externalClientApplication>" + appName + "</externalClientApplication>"
	org, err := orgtest.New(orgtest.Config{RotateRefreshTokens: true, RefreshTime: 20 * time.Millisecond, Existing: map[string]string{
		"externalClientApps/" + appName + ".eca": wrap("ExternalClientApplication",
			"<contactEmail>a@acme.example</contactEmail><distributionState>Local</distributionState><label>"+appName+"</label>"),
		"extlClntAppOauthSettings/" + appName + "_oauth.ecaOauth": wrap("ExtlClntAppOauthSettings",
			"<commaSeparatedOauthScopes>OpenID, Basic, Api, Web, Full, RefreshToken</commaSeparatedOauthScopes>"+of),
		"extlClntAppGlobalOauthSets/" + appName + "_glbloauth.ecaGlblOauth": wrap("ExtlClntAppGlobalOauthSettings",
			"<callbackUrl>"+callbackURL+"</callbackUrl>"+of+"<isPkceRequired>true</isPkceRequired>"),
		"extlClntAppOauthPolicies/" + appName + "_oauthPlcy.ecaOauthPlcy": wrap("ExtlClntAppOauthConfigurablePolicies",
			of+"<ipRelaxationPolicyType>Enforce_RelaxRefresh</ipRelaxationPolicyType>"+
				"<permittedUsersPolicyType>AllSelfAuthorized</permittedUsersPolicyType><refreshTokenPolicyType>Infinite</refreshTokenPolicyType>"),
		"extlClntAppPolicies/" + appName + "_plcy.ecaPlcy": wrap("ExtlClntAppConfigurablePolicies", of+"<isEnabled>true</isEnabled><startPage>None</startPage>"),
	}})
	if err != nil {
		t.Fatal(err)
	}
	return org
}

func manager(t *testing.T, org *orgtest.Org, keys *oauthflow.Keys, store oauthflow.Store) *oauthflow.Manager {
	t.Helper()
	flow, err := oauthflow.NewFlow(oauthflow.Config{RedirectURLs: []string{callbackURL}, Transport: org.RoundTripper()})
	if err != nil {
		t.Fatal(err)
	}
	m, err := oauthflow.NewManager(oauthflow.ManagerConfig{Store: store, Keys: keys, Environment: "test", Flow: flow})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return m
}

// logIn connects the org as its user would.
func logIn(t *testing.T, org *orgtest.Org, m *oauthflow.Manager, key oauthflow.Key) {
	t.Helper()
	id, secret, err := org.Credentials(appName)
	if err != nil {
		t.Fatal(err)
	}
	host, err := oauthflow.ParseHost(org.LoginHost())
	if err != nil {
		t.Fatal(err)
	}
	client := oauthflow.Client{Host: host, ID: id, Secret: oauthflow.NewSecret(secret)}
	redirect, err := m.Begin(t.Context(), key, client, "a-cookie-of-the-signed-in-user", oauthflow.AuthorizeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	back, err := org.Approve(t.Context(), redirect)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(back)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Complete(t.Context(), oauthflow.Callback{Tenant: key.Tenant, Path: u.Path, Binding: "a-cookie-of-the-signed-in-user", Query: u.Query()}); err != nil {
		t.Fatal(err)
	}
}
