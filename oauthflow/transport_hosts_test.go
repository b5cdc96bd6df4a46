package oauthflow_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// wandering answers every refresh with the next of some instances, the last one again and again, and every call with {}.
func wandering(instances ...string) *far {
	refreshes := 0
	f := &far{}
	f.answer = func(_ int, r *http.Request) *http.Response {
		if r.URL.Path != "/services/oauth2/token" {
			return answered(200, "{}")
		}
		at := instances[min(refreshes, len(instances)-1)]
		refreshes++
		return answered(200, fmt.Sprintf(`{"access_token":"00DTEST000000001!%d","refresh_token":"5Aep%d","instance_url":"https://%s",
			"id":"https://login.salesforce.com/id/00DTEST000000001AA/005TEST000000001AA","token_type":"Bearer"}`, refreshes, refreshes, at))
	}
	return f
}

func TestTheTransportKnowsTheInstanceTheLoginHostAndThoseThatTheOrgHasLeft(t *testing.T) {
	const a, b, c, login = "a.my.salesforce.com", "b.my.salesforce.com", "c.my.salesforce.com", "login.my.salesforce.com"
	const refused = ""
	type goes map[string]string // from the host of a request to the one where it arrives
	for name, tt := range map[string]struct {
		login     string
		instances []string
		goes      goes
	}{
		"login at the instance": {a, []string{a}, goes{a: a, b: refused, "login.salesforce.com": refused, "": refused}},
		"at production":         {"login.salesforce.com", []string{a}, goes{a: a, "login.salesforce.com": refused, "test.salesforce.com": refused, "": refused}},
		"at sandbox":            {"test.salesforce.com", []string{a}, goes{a: a, "login.salesforce.com": refused, "test.salesforce.com": refused, "": refused}},
		"at another host":       {login, []string{a}, goes{a: a, login: login, b: refused, "": refused}},
		"after one move":        {a, []string{a, b}, goes{a: b, b: b, c: refused, "": refused}},
		"after two":             {login, []string{a, b, c}, goes{a: c, b: c, c: c, login: login, "": refused}},
		"after one, at production": {
			"login.salesforce.com", []string{a, b}, goes{a: b, b: b, "login.salesforce.com": refused, "test.salesforce.com": refused, "": refused},
		},
	} {
		t.Run(name, func(t *testing.T) {
			salesforce := wandering(tt.instances...)
			s := adoptedAt(t, salesforce, tt.login)
			for range len(tt.instances) - 1 {
				tok, err := s.Token()
				if err == nil {
					_, err = s.Replace(t.Context(), tok.AccessToken)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			if at, err := s.InstanceURL(t.Context()); err != nil || at != "https://"+tt.instances[len(tt.instances)-1] {
				t.Errorf("the instance is %q (%v)", at, err)
			}
			for from, want := range tt.goes {
				req, err := http.NewRequest(http.MethodGet, "https://"+from+"/services/data", nil)
				if err != nil {
					t.Fatal(err)
				}
				got := refused
				if resp, err := s.Transport(salesforce).RoundTrip(req); err == nil {
					got = resp.Request.URL.Host
					resp.Body.Close()
				}
				if got != want {
					t.Errorf("a request to %q goes to %q, want %q", from, got, want)
				}
			}
		})
	}
}

func TestWhoChangesTheSharedTokenSpoilsNoRequest(t *testing.T) {
	salesforce := wandering("a.my.salesforce.com")
	s := adoptedAt(t, salesforce, "a.my.salesforce.com")
	tok, err := s.Token()
	if err != nil {
		t.Fatal(err)
	}
	want := "Bearer " + tok.AccessToken
	tok.AccessToken, tok.TokenType = "another", "MAC"
	req, err := http.NewRequest(http.MethodGet, "https://a.my.salesforce.com/services/data", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := s.Transport(salesforce).RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if got := resp.Request.Header.Get("Authorization"); got != want {
		t.Errorf("the request carries %q, want %q", got, want)
	}
}

// adoptedAt is the source of a connection at the given login host.
func adoptedAt(t *testing.T, salesforce http.RoundTripper, login string) *oauthflow.Source {
	t.Helper()
	flow, err := oauthflow.NewFlow(oauthflow.Config{RedirectURLs: []string{"https://app.fullcast.io/app/admin/motion"}, Transport: salesforce})
	if err != nil {
		t.Fatal(err)
	}
	keys, err := tokenstore.NewKeyring(tokenstore.GenerateSealingKey("k1"))
	if err != nil {
		t.Fatal(err)
	}
	m, err := oauthflow.NewManager(oauthflow.ManagerConfig{Flow: flow, Store: tokenstore.NewMemory(), Keyring: keys, Environment: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	host, err := oauthflow.ParseHost(login)
	if err != nil {
		t.Fatal(err)
	}
	c := oauthflow.Client{Host: host, ID: "3MVG9", Secret: oauthflow.NewSecret("secret")}
	if _, err := m.Adopt(t.Context(), mainKey, c, oauthflow.NewSecret("5Aep0")); err != nil {
		t.Fatal(err)
	}
	return m.Source(mainKey)
}
