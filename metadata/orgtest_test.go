package metadata_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

// simulate returns a client of a simulated org, as its admin.
func simulate(t *testing.T, cfg orgtest.Config) (*metadata.Org, *orgtest.Org) {
	t.Helper()
	sim, err := orgtest.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return adminAt(t, sim, 66), sim
}

// adminAt is the org's admin with an API version.
func adminAt(t *testing.T, sim *orgtest.Org, v metadata.APIVersion) *metadata.Org {
	t.Helper()
	org, err := metadata.NewOrg(metadata.OrgConfig{
		HTTPClient:  &http.Client{Transport: admin{sim, t.Output()}},
		InstanceURL: func(context.Context) (string, error) { u, _ := sim.AdminSession(); return u, nil },
		Session:     func(context.Context, string) (string, error) { _, s := sim.AdminSession(); return s, nil },
		Version:     v,
	})
	if err != nil {
		t.Fatal(err)
	}
	return org
}

// admin sends the admin's token with every request, and prints its URL.
type admin struct {
	org  *orgtest.Org
	said io.Writer
}

func (a admin) RoundTrip(r *http.Request) (*http.Response, error) {
	fmt.Fprintln(a.said, r.Method, r.URL)
	_, token := a.org.AdminSession()
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+token)
	return a.org.RoundTripper().RoundTrip(r)
}

func TestAnAppDeployedToAnOrgIsReadBackAsItsSpec(t *testing.T) {
	for _, spec := range []metadata.AppSpec{externalSpec(), connectedSpec()} {
		t.Run(string(spec.Kind), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				org, _ := simulate(t, orgtest.Config{AllowConnectedApps: true})
				result, err := org.Deploy(t.Context(), packageOf(t, spec), metadata.DeployOptions{SOAP: spec.Kind == metadata.KindConnectedApp})
				if err != nil {
					t.Fatal(err)
				}
				if len(result.Changes) == 0 || result.Components.Errors > 0 {
					t.Errorf("result %+v", result)
				}
				live, err := org.Read(t.Context(), spec.Kind, spec.APIName)
				if err != nil {
					t.Fatal(err)
				}
				if err := live.Validate(); err != nil {
					t.Error(err)
				}
				if got := live.Spec(); !sameSpec(got, spec) {
					t.Errorf("got %+v\nwant %+v", got, spec)
				}

				// A setting changed in Setup is corrected, and nothing else is touched.
				if before, after := files(t, live), files(t, spec.Merge(live)); !reflect.DeepEqual(before, after) {
					t.Errorf("merging into the app as deployed changes it:\n%v\n%v", before, after)
				}
				changed := spec
				changed.RequireSecretForRefreshTokenFlow = metadata.Cleared
				pkg, err := changed.Merge(live).Package(66)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := org.Deploy(t.Context(), pkg, metadata.DeployOptions{}); err != nil {
					t.Fatal(err)
				}
				live, err = org.Read(t.Context(), spec.Kind, spec.APIName)
				if err != nil || !sameSpec(live.Spec(), changed) {
					t.Errorf("after the second deployment: %+v, %v", live.Spec(), err)
				}
			})
		})
	}
}

// sameSpec compares the settings that both list; an org fills in what was not.
func sameSpec(got, want metadata.AppSpec) bool {
	g, w := reflect.ValueOf(&got).Elem(), reflect.ValueOf(want)
	for i := range w.NumField() {
		if w.Field(i).IsZero() {
			g.Field(i).SetZero()
		}
	}
	return reflect.DeepEqual(got, want)
}

func TestACheckOnlyDeploymentChangesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		org, _ := simulate(t, orgtest.Config{})
		result, err := org.Deploy(t.Context(), packageOf(t, externalSpec()), metadata.DeployOptions{CheckOnly: true})
		if err != nil || !result.CheckOnly {
			t.Fatalf("%+v, %v", result, err)
		}
		if _, err := org.Read(t.Context(), metadata.KindExternalClientApp, "Acme"); err == nil {
			t.Error("the app is there")
		}
	})
}

func TestAValidatedDeploymentIsDeployedQuicklyAndARunningOneCanceled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		org, _ := simulate(t, orgtest.Config{DeployTime: 20 * time.Second})
		pkg := packageOf(t, externalSpec())
		var once sync.Once
		canceled, err := org.Deploy(t.Context(), pkg, metadata.DeployOptions{Progress: func(r metadata.DeployResult) {
			once.Do(func() {
				if err := org.Cancel(t.Context(), r.ID); err != nil {
					t.Error(err)
				}
			})
		}})
		if err == nil || canceled.Status != "Canceled" || canceled.Success {
			t.Errorf("canceled: %+v, %v", canceled, err)
		}
		if _, err := org.QuickDeploy(t.Context(), canceled.ID, nil); err == nil {
			t.Error("what was canceled was deployed")
		}
		validated, err := org.Deploy(t.Context(), pkg, metadata.DeployOptions{CheckOnly: true})
		if err != nil {
			t.Fatal(err)
		}
		deployed, err := org.QuickDeploy(t.Context(), validated.ID, nil)
		if err != nil || !deployed.Success || deployed.CheckOnly || deployed.ID == validated.ID {
			t.Errorf("%+v, %v", deployed, err)
		}
		if live, err := org.Read(t.Context(), metadata.KindExternalClientApp, "Acme"); err != nil || !sameSpec(live.Spec(), externalSpec()) {
			t.Errorf("%+v, %v", live.Spec(), err)
		}
	})
}

func TestUpsertRetrieveAndListSeeTheSameApps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		org, _ := simulate(t, orgtest.Config{AllowConnectedApps: true})
		for _, spec := range []metadata.AppSpec{externalSpec(), connectedSpec()} {
			changes, err := org.Upsert(t.Context(), spec.New())
			if err != nil {
				t.Fatal(err)
			}
			if len(changes) == 0 || !changes[0].Created || changes[0].FullName != spec.APIName {
				t.Errorf("changes %+v", changes)
			}
		}
		listed, err := org.List(t.Context())
		if err != nil || len(listed) != 2 || listed[0].Name != "Acme" || listed[1].Kind != metadata.KindConnectedApp || listed[0].ID == "" {
			t.Errorf("listed %+v, %v", listed, err)
		}
		apps, err := org.Retrieve(t.Context())
		if err != nil || len(apps) != 2 {
			t.Fatalf("%d apps, %v", len(apps), err)
		}
		for i, spec := range []metadata.AppSpec{externalSpec(), connectedSpec()} {
			if !sameSpec(apps[i].Spec(), spec) {
				t.Errorf("got %+v\nwant %+v", apps[i].Spec(), spec)
			}
			if err := apps[i].Validate(); err != nil {
				t.Error(err)
			}
		}
		wrong := externalSpec().New()
		wrong.External.DistributionState = "Packageable"
		var c *metadata.ComponentError
		if changes, err := org.Upsert(t.Context(), wrong); !errors.As(err, &c) || c.FullName != "Acme" || len(changes) != 0 ||
			err.Error() != "metadata: upsert Acme: ExternalClientApplication Acme: 'Packageable' is not a valid value for the enum 'ExtlClntAppDistState': the API version has no such word; use one of the enumeration's, or a later version" {
			t.Errorf("%+v, %v", changes, err)
		}
	})
}

func TestCredentialsAreReadAndRotated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		org, sim := simulate(t, orgtest.Config{})
		if _, err := org.Deploy(t.Context(), packageOf(t, externalSpec()), metadata.DeployOptions{}); err != nil {
			t.Fatal(err)
		}
		var e *metadata.Error
		if _, err := org.Credentials(t.Context(), "Acme"); !errors.As(err, &e) || !strings.Contains(err.Error(), "enableClientSecretInRestApiAccess") {
			t.Errorf("with the org's switch off: %v", err)
		}
		if err := sim.SetAppField("ExternalClientAppSettings", "ExternalClientApp", "enableClientSecretInRestApiAccess", "true"); err != nil {
			t.Fatal(err)
		}
		check := func() *metadata.Credentials {
			t.Helper()
			got, err := org.Credentials(t.Context(), "Acme")
			if err != nil {
				t.Fatal(err)
			}
			key, secret, err := sim.Credentials("Acme")
			if err != nil || got.Key != key || got.Secret.Reveal() != secret {
				t.Errorf("key and secret are not those of Setup; %v", err)
			}
			return got
		}
		creds := check()
		next, err := creds.Stage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if list, err := creds.Staged(t.Context()); err != nil || len(list) != 1 || list[0].ID != next.ID {
			t.Errorf("%+v, %v", list, err)
		}
		if err := creds.Rotate(t.Context(), next); err != nil {
			t.Fatal(err)
		}
		if rotated := check(); rotated.Key != next.Key {
			t.Error("the staged key is not in use")
		}
		again, err := creds.Stage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := creds.Discard(t.Context(), again); err != nil {
			t.Fatal(err)
		}
		if list, err := creds.Staged(t.Context()); err != nil || len(list) != 0 {
			t.Errorf("%+v, %v", list, err)
		}
		if _, err := org.Credentials(t.Context(), "Nobody"); !errors.Is(err, metadata.ErrNotFound) {
			t.Errorf("an app that is not there: %v", err)
		}
		for _, verb := range []string{"%v", "%+v", "%#v"} {
			if text := fmt.Sprintf(verb, *creds) + fmt.Sprintf(verb, next); strings.Contains(text, next.Secret.Reveal()) || strings.Contains(text, creds.Secret.Reveal()) {
				t.Errorf("%s shows a secret", verb)
			}
		}
	})
}

func TestAnOrgThatTakesOneSpellingTakesAnAppWrittenInAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		org, _ := simulate(t, orgtest.Config{})
		byHand := fstest.MapFS{}
		for name, text := range files(t, externalSpec().New()) {
			for _, word := range []string{"Local", "AllSelfAuthorized", "Infinite", "None"} {
				text = strings.ReplaceAll(text, ">"+word+"<", "> "+strings.ToLower(word)+"\n<")
			}
			if strings.HasSuffix(name, ".ecaOauth") {
				text = strings.Replace(text, "Api", "API", 1)
			}
			byHand[name] = &fstest.MapFile{Data: []byte(text)}
		}
		apps, err := metadata.Parse(byHand)
		if err != nil || len(apps) != 1 {
			t.Fatalf("%d apps, %v", len(apps), err)
		}
		asRead, err := apps[0].Package(66)
		if err != nil {
			t.Fatal(err)
		}
		for i, f := range asRead.Files {
			if kept := byHand[f.Name]; kept != nil {
				asRead.Files[i].Data = kept.Data
			}
		}
		if _, err := org.Deploy(t.Context(), asRead, metadata.DeployOptions{CheckOnly: true}); err == nil {
			t.Fatal("the org takes any spelling, so that this test shows nothing")
		}
		pkg, err := apps[0].Package(66)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := org.Deploy(t.Context(), pkg, metadata.DeployOptions{CheckOnly: true}); err != nil {
			t.Errorf("deployed: %v", err)
		}
		if _, err := org.Upsert(t.Context(), apps[0]); err != nil {
			t.Errorf("upserted: %v", err)
		}
		live, err := org.Read(t.Context(), metadata.KindExternalClientApp, "Acme")
		if err != nil || !sameSpec(live.Spec(), externalSpec()) {
			t.Errorf("%+v, %v", live.Spec(), err)
		}
	})
}

// TestAnAppWhoseComponentsHaveOtherNamesIsUpdatedUnderThem takes the names that Setup's migration gives, and for the
// policies those that the platform gives: an app has one component of each type, whatever it is called.
func TestAnAppWhoseComponentsHaveOtherNamesIsUpdatedUnderThem(t *testing.T) {
	for name, change := range map[string]func(context.Context, *metadata.Org, metadata.AppSpec) error{
		"read, merged and deployed": func(ctx context.Context, org *metadata.Org, spec metadata.AppSpec) error {
			live, err := org.Read(ctx, spec.Kind, spec.APIName)
			if err != nil {
				return err
			}
			pkg, err := spec.Merge(live).Package(66)
			if err != nil {
				return err
			}
			_, err = org.Deploy(ctx, pkg, metadata.DeployOptions{})
			return err
		},
		"upserted": func(ctx context.Context, org *metadata.Org, spec metadata.AppSpec) error {
			_, err := org.Upsert(ctx, spec.New())
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				org, _ := simulate(t, orgtest.Config{})
				made := externalSpec().New()
				made.OAuthSettings.FullName, made.GlobalOAuthSettings.FullName = "Acme_defOauthSet", "Acme_defGlblOauthSet"
				made.OAuthPolicies, made.Policies = nil, nil
				pkg, err := made.Package(66)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := org.Deploy(t.Context(), pkg, metadata.DeployOptions{}); err != nil {
					t.Fatal(err)
				}
				if err := change(t.Context(), org, externalSpec()); err != nil {
					t.Fatal(err)
				}
				live, err := org.Read(t.Context(), metadata.KindExternalClientApp, "Acme")
				if err != nil {
					t.Fatal(err)
				}
				names := []string{live.OAuthSettings.FullName, live.GlobalOAuthSettings.FullName, live.OAuthPolicies.FullName, live.Policies.FullName}
				if want := []string{"Acme_defOauthSet", "Acme_defGlblOauthSet", "Acme_defOauthSet_defaultPolicy", "Acme_defaultPolicy"}; !reflect.DeepEqual(names, want) {
					t.Errorf("components %q, want %q", names, want)
				}
				if !sameSpec(live.Spec(), externalSpec()) {
					t.Errorf("got %+v", live.Spec())
				}
			})
		})
	}
}

func TestSettingsAreReadAndSayNothingOfWhatIsNotThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		org, sim := simulate(t, orgtest.Config{})
		if err := sim.SetAppField("OauthOidcSettings", "OauthOidc", "oAuthCdCrdtFlowEnable", "true"); err != nil {
			t.Fatal(err)
		}
		s, err := org.Settings(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if s.ExternalClientApp == nil || s.ExternalClientApp.EnableClientSecretInRESTAPIAccess == nil || s.ConnectedApp == nil {
			t.Errorf("settings %+v", s)
		}
		if s.OAuthOIDC == nil || s.OAuthOIDC.OAuthCdCrdtFlowEnable == nil || !*s.OAuthOIDC.OAuthCdCrdtFlowEnable {
			t.Errorf("settings %+v", s.OAuthOIDC)
		}
	})
}
