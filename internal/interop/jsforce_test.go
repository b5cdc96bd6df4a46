package interop_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
	"github.com/fullcast/sfauth/policy"
)

// appPackage is Fullcast's External Client App as the SDK packages it.
func appPackage(t *testing.T) *metadata.Package {
	t.Helper()
	pkg, err := fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example").New().Package(66)
	if err != nil {
		t.Fatal(err)
	}
	return pkg
}

// startOrg starts an in-process org, behind TLS under its production names.
func startOrg(t *testing.T, c orgtest.Config) (*orgtest.Org, *front) {
	t.Helper()
	org, err := orgtest.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return org, newFront(t, org, myDomain, loginHost)
}

func TestJsforceDeploysTheAppAndLivesThroughAConnection(t *testing.T) {
	org, f := startOrg(t, orgtest.Config{Release: orgtest.Summer26}) // jsforce goes on with a refresh token that was replaced
	_, adminToken := org.AdminSession()
	things := []map[string]any{
		{"Name": "it's A", "Size__c": 10, "Kind__c": "a", "Parent__r": map[string]any{"Name": "P"}},
		{"Name": "It's B", "Size__c": 12, "Kind__c": "b", "Parent__r": map[string]any{"Name": "p"}},
		{"Name": "it's C", "Size__c": 12.5, "Kind__c": "b", "Parent__r": map[string]any{"Name": "P"}},
		{"Name": "it's D", "Size__c": 11, "Kind__c": "c", "Parent__r": map[string]any{"Name": "P"}},
	}
	for len(things) < 2001 { // more than a page
		things = append(things, map[string]any{"Name": "other", "Parent__r": nil})
	}
	if err := org.SetRecords("Thing__c", things...); err != nil {
		t.Fatal(err)
	}
	if err := org.SetToolingRecords("ApexClass", map[string]any{"Name": "Foo"}); err != nil {
		t.Fatal(err)
	}
	pkg := appPackage(t)
	zip, err := pkg.Zip()
	if err != nil {
		t.Fatal(err)
	}
	types := []string{
		"ExternalClientApplication", "ExtlClntAppOauthSettings", "ExtlClntAppGlobalOauthSettings",
		"ExtlClntAppOauthConfigurablePolicies", "ExtlClntAppConfigurablePolicies",
	}
	callback := fullcast.Production.CallbackURLs()[1]
	type refusal struct{ Name, Message string }
	var saw struct {
		Deploy struct {
			Status       string
			Done, Failed int
		}
		Retrieve struct {
			Status string
			Zip    []byte
		}
		Authorize struct {
			State  bool
			Landed string
		}
		Token struct {
			Verifier            int
			Org, User, Instance string
			RefreshToken        bool
		}
		Records struct {
			Found, Tooling          []string
			Every, Counted, Limited int
			Used                    bool
		}
		Identity                           struct{ Org, User, Username string }
		Query, QueryAfterEnd, SoapAfterEnd struct {
			Rows      []string
			Refreshes int
		}
		WrongSecret, CodeAgain, RefreshAfterRevoke, RevokeOfUnknown refusal
	}
	talk(t, f, "jsforce.mjs", map[string]string{
		"proxy":       startTunnel(t, f),
		"loginUrl":    "https://" + myDomain,
		"adminToken":  adminToken,
		"zip":         base64.StdEncoding.EncodeToString(zip),
		"types":       strings.Join(types, " "),
		"redirectURI": callback,
		"version":     pkg.Version.String(),
		"app":         "Fullcast",
	}, &saw, map[string]func(string) (any, error){
		"credentials": func(app string) (any, error) {
			key, secret, err := org.Credentials(app)
			return map[string]string{"key": key, "secret": secret}, err
		},
		"approve": func(link string) (any, error) { return org.Approve(t.Context(), link) },
		"expire": func(string) (any, error) {
			org.ExpireSessions()
			return "done", nil
		},
	})
	back, err := metadata.ParseZip(saw.Retrieve.Zip)
	if err != nil || len(back) != 1 {
		t.Fatalf("the retrieved zip holds %d apps, %v", len(back), err)
	}
	report := policy.Check(policy.Subject{App: back[0], Version: pkg.Version},
		policy.Baseline(fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example"))...)

	for _, check := range []struct {
		name      string
		got, want any
	}{
		{"the app is deployed", saw.Deploy.Status, "Succeeded"},
		{"with every component", saw.Deploy.Done, len(pkg.Files) - 1},
		{"and without errors", saw.Deploy.Failed, 0},
		{"the app is retrieved", saw.Retrieve.Status, "Succeeded"},
		{"as it was deployed", fmt.Sprint(report.Findings, report.NotVisible), "[] []"},
		{"the state comes back as it was sent", saw.Authorize.State, true},
		{"the browser lands on the callback", saw.Authorize.Landed, callback},
		{"a verifier of 171 characters is accepted", saw.Token.Verifier, 171},
		{"the token answer names the org", saw.Token.Org, org.ID()},
		{"the token answer names the instance", saw.Token.Instance, org.InstanceURL()},
		{"a refresh token comes with its scope", saw.Token.RefreshToken, true},
		{"the identity is of the same org", saw.Identity.Org, saw.Token.Org},
		{"the identity is of the same user", saw.Identity.User, saw.Token.User},
		{"the identity has the user's name", saw.Identity.Username, "admin@acme.example"},
		{"a query answers rows", fmt.Sprint(saw.Query.Rows), fmt.Sprint([]string{org.ID()})},
		{"a living session needs no refresh", saw.Query.Refreshes, 0},
		{"its own SOQL finds what it says", fmt.Sprint(saw.Records.Found), "[It's B of p it's A of P]"},
		{"it fetches every page", saw.Records.Every, 2001},
		{"it counts", saw.Records.Counted, 1997},
		{"it asks the Tooling API", fmt.Sprint(saw.Records.Tooling), "[Foo]"},
		{"it reads the API usage", fmt.Sprint(saw.Records.Limited, saw.Records.Used), "1000000 true"},
		{"an ended session is refreshed on 401", saw.QueryAfterEnd.Refreshes, 1},
		{"and the query is then answered", fmt.Sprint(saw.QueryAfterEnd.Rows), fmt.Sprint(saw.Query.Rows)},
		{"an ended session is refreshed on a SOAP fault", saw.SoapAfterEnd.Refreshes, 2},
		{"and the app is then read", fmt.Sprint(saw.SoapAfterEnd.Rows), "[Fullcast]"},
		{"a wrong secret is refused", saw.WrongSecret, refusal{"invalid_client", "invalid client credentials"}},
		{"a code works once", saw.CodeAgain, refusal{"invalid_grant", "expired authorization code"}},
		{"a revoked refresh token is dead", saw.RefreshAfterRevoke, refusal{"invalid_grant", "expired access/refresh token"}},
		{"revoking what is unknown is refused", saw.RevokeOfUnknown.Name, "invalid_token"},
	} {
		t.Run(check.name, func(t *testing.T) {
			if check.got != check.want {
				t.Errorf("got %v, want %v", check.got, check.want)
			}
		})
	}
	if got := len(f.calls("refresh_token")); got != 4 {
		t.Errorf("the token endpoint saw %d refreshes, want 4: two that healed, two that were refused", got)
	}
}
