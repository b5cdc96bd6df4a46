package metadata_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

func deploys(sim *orgtest.Org) (n int) {
	for _, e := range sim.Ledger() {
		if e.Event == "deploy" {
			n++
		}
	}
	return n
}

// However the app gets there, and whatever the org makes of "valid until revoked", the org ends up with a policy that
// meets it, and a second merge finds nothing to write.
func TestAnAppIsDeployedWhateverTheOrgMakesOfValidUntilRevoked(t *testing.T) {
	idle, infinite := metadata.IdlePolicy(), metadata.RefreshTokenPolicy{Rule: metadata.ValidUntilRevoked}
	ways := map[string]func(*testing.T, *metadata.Org, metadata.App) ([]*metadata.ComponentError, error){
		"REST": func(t *testing.T, org *metadata.Org, a metadata.App) ([]*metadata.ComponentError, error) {
			return deployed(t, org, a, metadata.DeployOptions{})
		},
		"SOAP": func(t *testing.T, org *metadata.Org, a metadata.App) ([]*metadata.ComponentError, error) {
			return deployed(t, org, a, metadata.DeployOptions{SOAP: true})
		},
		"upsert": func(t *testing.T, org *metadata.Org, a metadata.App) ([]*metadata.ComponentError, error) {
			_, err := org.Upsert(t.Context(), a)
			return nil, err
		},
	}
	for _, c := range []struct {
		name    string
		cfg     orgtest.Config
		want    metadata.RefreshTokenPolicy
		repeats bool
	}{
		{"kept", orgtest.Config{}, infinite, false},
		{"rewritten", orgtest.Config{ValidUntilRevoked: orgtest.InfiniteRewritten}, idle, false},
		{"refused", orgtest.Config{ValidUntilRevoked: orgtest.InfiniteRefused}, idle, true},
		{"refused by an older org, whose limit is off", orgtest.Config{ValidUntilRevoked: orgtest.InfiniteRefused, Release: orgtest.Spring26}, infinite, false},
	} {
		for way, put := range ways {
			for _, spec := range []metadata.AppSpec{externalSpec(), connectedSpec()} {
				t.Run(c.name+", "+way+", "+string(spec.Kind), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						c.cfg.AllowConnectedApps = true
						org, sim := simulate(t, c.cfg)
						app := spec.New()
						warnings, err := put(t, org, app)
						if err != nil {
							t.Fatal(err)
						}
						if app.Spec().RefreshTokenPolicy != infinite {
							t.Error("the caller's app was changed")
						}
						if way != "upsert" {
							if want := map[bool]int{false: 1, true: 2}[c.repeats]; deploys(sim) != want {
								t.Errorf("%d deployments, want %d", deploys(sim), want)
							}
							if (len(warnings) == 1) != c.repeats || c.repeats && !strings.Contains(warnings[0].Error(), "refuses the refresh token policy") {
								t.Errorf("warnings %v", warnings)
							}
						}
						live, err := org.Read(t.Context(), spec.Kind, spec.APIName)
						if err != nil {
							t.Fatal(err)
						}
						if got := live.Spec().RefreshTokenPolicy; got != c.want {
							t.Errorf("the org has %v, want %v", got, c.want)
						}
						was, err := live.Package(66)
						if err != nil {
							t.Fatal(err)
						}
						now, err := spec.Merge(live).Package(66)
						if err != nil {
							t.Fatal(err)
						}
						for i := range was.Files {
							if string(was.Files[i].Data) != string(now.Files[i].Data) {
								t.Errorf("a second merge would write\n%s\nover\n%s", now.Files[i].Data, was.Files[i].Data)
							}
						}
					})
				})
			}
		}
	}
}

func deployed(t *testing.T, org *metadata.Org, a metadata.App, o metadata.DeployOptions) ([]*metadata.ComponentError, error) {
	t.Helper()
	pkg, err := a.Package(66)
	if err != nil {
		t.Fatal(err)
	}
	was := string(pkg.Files[len(pkg.Files)-1].Data)
	result, err := org.Deploy(t.Context(), pkg, o)
	if string(pkg.Files[len(pkg.Files)-1].Data) != was {
		t.Error("the caller's package was changed")
	}
	return result.Warnings, err
}

func TestADeploymentThatIsRefusedForAnotherReasonIsNotRepeated(t *testing.T) {
	for name, spoil := range map[string]func(*metadata.AppSpec, *metadata.App){
		"another element of the policies": func(_ *metadata.AppSpec, a *metadata.App) {
			a.OAuthPolicies.CommaSeparatedPermissionSet = "None_such"
		},
		"another component": func(_ *metadata.AppSpec, a *metadata.App) {
			a.GlobalOAuthSettings.CallbackURL = "http://example.com/plain"
		},
		"a period that nobody set to valid until revoked": func(s *metadata.AppSpec, a *metadata.App) {
			a.OAuthPolicies.RefreshTokenPolicyType = "SpecificInactivity"
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				org, sim := simulate(t, orgtest.Config{})
				spec := externalSpec()
				app := spec.New()
				spoil(&spec, &app)
				_, err := deployed(t, org, app, metadata.DeployOptions{})
				var refused *metadata.ComponentError
				if !errors.As(err, &refused) || deploys(sim) != 1 {
					t.Errorf("%d deployments: %v", deploys(sim), err)
				}
				if _, err := org.Upsert(t.Context(), app); !errors.As(err, &refused) {
					t.Errorf("upsert: %v", err)
				}
			})
		})
	}
}

func TestElementsOfAPI67And68AreReadAndGoBackAsTheyAre(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim, err := orgtest.New(orgtest.Config{AllowConnectedApps: true})
		if err != nil {
			t.Fatal(err)
		}
		for _, spec := range []metadata.AppSpec{externalSpec(), connectedSpec()} {
			org := adminAt(t, sim, 68)
			if _, err := deployed(t, org, spec.New(), metadata.DeployOptions{}); err != nil {
				t.Fatal(err)
			}
			live, err := org.Read(t.Context(), spec.Kind, spec.APIName)
			if err != nil {
				t.Fatal(err)
			}
			limit := map[metadata.Kind]func() *bool{
				metadata.KindExternalClientApp: func() *bool { return live.GlobalOAuthSettings.IsEnforceRefreshTokenTTL },
				metadata.KindConnectedApp:      func() *bool { return live.Connected.OAuthConfig.IsEnforceRefreshTokenTTL },
			}[spec.Kind]()
			if limit == nil || !*limit {
				t.Fatalf("%s: the idle limit is not read", spec.Kind)
			}
			if live.GlobalOAuthSettings != nil && (live.GlobalOAuthSettings.IsDPopEnabled == nil || live.GlobalOAuthSettings.IsMTLSEnabled == nil) {
				t.Error("elements of API 68 are not read")
			}
			pkg, err := live.Package(68)
			if err != nil {
				t.Fatal(err)
			}
			if result, err := org.Deploy(t.Context(), pkg, metadata.DeployOptions{}); err != nil || len(result.Changes) == 0 {
				t.Fatal(result, err)
			} else {
				for _, c := range result.Changes {
					if c.Changed || c.Created {
						t.Errorf("%s: deployed as it was read, %s changed", spec.Kind, c.FullName)
					}
				}
			}
			if _, err := live.Package(66); err == nil {
				t.Errorf("%s: elements of 68 in a package for 66", spec.Kind)
			}
		}
	})
}

func TestARefreshTokenPolicysMeaning(t *testing.T) {
	p := func(rule metadata.RefreshTokenRule, n int, u metadata.RefreshUnit) metadata.RefreshTokenPolicy {
		return metadata.RefreshTokenPolicy{Rule: rule, Period: n, Unit: u}
	}
	const day = 24 * time.Hour
	for _, c := range []struct {
		policy   metadata.RefreshTokenPolicy
		duration time.Duration
		outlasts bool
	}{
		{metadata.RefreshTokenPolicy{}, 0, false},
		{p(metadata.ValidUntilRevoked, 0, ""), 0, true},
		{p(metadata.ExpireImmediately, 0, ""), 0, false},
		{metadata.IdlePolicy(), 30 * day, true},
		{p(metadata.ExpireIfUnused, 1, metadata.Hours), time.Hour, false},
		{p(metadata.ExpireIfUnused, 719, metadata.Hours), 719 * time.Hour, false},
		{p(metadata.ExpireIfUnused, 1, metadata.Months), 30 * day, true},
		{p(metadata.ExpireIfUnused, math.MaxInt, metadata.Hours), math.MaxInt64, true},
		{p(metadata.ExpireAfter, 400, metadata.Days), 400 * day, false},
		{p(metadata.ExpireIfUnused, 0, metadata.Days), 0, false},
		{p(metadata.ExpireIfUnused, -30, metadata.Days), 0, false},
		{p(metadata.ExpireIfUnused, 30, "Weeks"), 0, false},
		{p("forever", 30, metadata.Days), 0, false},
	} {
		if got := c.policy.Duration(); got != c.duration {
			t.Errorf("%v: %v, want %v", c.policy, got, c.duration)
		}
		if got := c.policy.OutlastsUse(); got != c.outlasts {
			t.Errorf("%v: %t, want %t", c.policy, got, c.outlasts)
		}
		if !c.policy.Same(c.policy) {
			t.Errorf("%v is not the same as itself", c.policy)
		}
	}
}

func ExampleIdlePolicy() {
	asked := metadata.RefreshTokenPolicy{Rule: metadata.ValidUntilRevoked}
	made := metadata.IdlePolicy() // what Salesforce makes of it
	fmt.Println(made.Rule, made.Period, made.Unit, "=", made.Duration())
	fmt.Println(made.OutlastsUse(), made.Same(asked))
	// Output:
	// Expire refresh token if not used for specific time 30 Days = 720h0m0s
	// true true
}
