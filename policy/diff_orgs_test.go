package policy_test

import (
	"context"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
	"github.com/fullcast/sfauth/policy"
)

// liveOrg is a simulated org with an app deployed to it.
func liveOrg(t *testing.T, app metadata.App) (*orgtest.Org, *metadata.Org) {
	t.Helper()
	sim, err := orgtest.New(orgtest.Config{AllowConnectedApps: true, Release: orgtest.Summer26})
	if err != nil {
		t.Fatal(err)
	}
	instance, token := sim.AdminSession()
	org, err := metadata.NewOrg(metadata.OrgConfig{
		HTTPClient:  &http.Client{Transport: bearer{token, sim.RoundTripper()}},
		InstanceURL: func(context.Context) (string, error) { return instance, nil },
		Session:     func(context.Context, string) (string, error) { return token, nil },
		Version:     67,
	})
	if err != nil {
		t.Fatal(err)
	}
	pkg, err := app.Package(67)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := org.Deploy(t.Context(), pkg, metadata.DeployOptions{}); err != nil {
		t.Fatal(err)
	}
	return sim, org
}

type bearer struct {
	token string
	next  http.RoundTripper
}

func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+b.token)
	return b.next.RoundTrip(r)
}

func readLive(t *testing.T, org *metadata.Org, spec metadata.AppSpec) metadata.App {
	t.Helper()
	app, err := org.Read(t.Context(), spec.Kind, spec.APIName)
	if err != nil {
		t.Fatal(err)
	}
	return app
}

func TestDiffOfTwoLiveOrgsShowsWhatTheirAdminsChangedAndNothingElse(t *testing.T) {
	type click struct{ component, name, element, value string }
	for name, test := range map[string]struct {
		spec   metadata.AppSpec
		clicks []click // in the second org
		want   []policy.Difference
	}{
		"external client app": {fullcast.ExternalClientApp(fullcast.Production, "admin@example.com"), []click{
			{"ExtlClntAppGlobalOauthSettings", "Fullcast_glbloauth", "isPkceRequired", "false"},
			{"ExtlClntAppOauthConfigurablePolicies", "Fullcast_oauthPlcy", "ipRelaxationPolicyType", "Bypass"},
			{"ExternalClientApplication", "Fullcast", "description", "our own words"},
			{"ExtlClntAppGlobalOauthSettings", "Fullcast_glbloauth", "idTokenConfig/idTokenAudience", "somebody"},
		}, []policy.Difference{
			{Mark: policy.Listed, Field: "Require Proof Key for Code Exchange (PKCE) Extension for Supported Authorization Flows", A: "selected", B: "cleared"},
			{Mark: policy.Listed, Field: "IP Relaxation", A: "Enforce IP restrictions, but relax for refresh tokens", B: "Relax IP restrictions"},
			{Mark: policy.Unlisted, Component: "ExternalClientApplication", Field: "description", A: "(absent)", B: "our own words"},
			{Mark: policy.Unlisted, Component: "ExtlClntAppGlobalOauthSettings", Field: "idTokenConfig/idTokenAudience", A: "(absent)", B: "somebody"},
		}},
		"connected app": {fullcast.ConnectedApp(fullcast.Production, "admin@example.com"), []click{
			{"ConnectedApp", "Fullcast_Motion_Package", "oauthConfig/isPkceRequired", "true"},
			{"ConnectedApp", "Fullcast_Motion_Package", "oauthConfig/isIntrospectAllTokens", "true"},
		}, []policy.Difference{
			{Mark: policy.Listed, Field: "Require Proof Key for Code Exchange (PKCE) extension for Supported Authorization Flows", A: "cleared", B: "selected"},
			{Mark: policy.Unlisted, Component: "ConnectedApp", Field: "oauthConfig/isIntrospectAllTokens", A: "false", B: "true"},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, here := liveOrg(t, test.spec.New())
				second, there := liveOrg(t, test.spec.New())
				a, b := readLive(t, here, test.spec), readLive(t, there, test.spec)
				if test.spec.Kind == metadata.KindExternalClientApp && a.External.OrgScopedExternalApp == b.External.OrgScopedExternalApp {
					t.Fatal("both orgs are the same")
				}
				if got := policy.Diff(a, b); len(got) > 0 {
					t.Errorf("before anybody changed anything: %+v", got)
				}
				for _, c := range test.clicks {
					if err := second.SetAppField(c.component, c.name, c.element, c.value); err != nil {
						t.Fatal(err)
					}
				}
				if got := policy.Diff(a, readLive(t, there, test.spec)); !slices.Equal(got, test.want) {
					t.Errorf("got  %+v\nwant %+v", got, test.want)
				}
			})
		})
	}
}

func TestDiffOfASpecAndALiveOrgShowsOnlyWhatTheOrgAddsByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		spec := fullcast.ExternalClientApp(fullcast.Production, "admin@example.com")
		_, org := liveOrg(t, spec.New())
		for _, d := range policy.Diff(spec.New(), readLive(t, org, spec)) {
			if d.Mark != policy.Unlisted || d.A != "(absent)" {
				t.Errorf("%+v", d)
			}
		}
	})
}
