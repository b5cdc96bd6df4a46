package fullcast_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
	"github.com/fullcast/sfauth/policy"
)

func TestCheckReadsTheOrgOverSOAPAndSeesWhatSomebodyClicked(t *testing.T) {
	w := newWorld(t, orgtest.Config{Release: orgtest.Spring26})
	w.deploy(t, fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example"))
	conn := w.connect(t)
	for _, change := range []struct{ typ, name, element, value, field string }{
		{"ExtlClntAppGlobalOauthSettings", "Fullcast_glbloauth", "isPkceRequired", "false", "PKCE"},
		{"ExtlClntAppGlobalOauthSettings", "Fullcast_glbloauth", "isConsumerSecretOptional", "true", "Web Server Flow"},
		{"ExtlClntAppGlobalOauthSettings", "Fullcast_glbloauth", "callbackUrl", "https://sandbox.fullcast.io/app/admin/motion", "Callback URL"},
		{"ExtlClntAppConfigurablePolicies", "Fullcast_plcy", "startPage", "OAuth", "Start Page"},
	} {
		if err := w.org.SetAppField(change.typ, change.name, change.element, change.value); err != nil {
			t.Fatal(err)
		}
		before := w.rec.count("/services/Soap/m/66.0 readMetadata")
		report, err := conn.Check(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if w.rec.count("/services/Soap/m/66.0 readMetadata") == before {
			t.Error("the check sent no readMetadata")
		}
		found := false
		for _, f := range report.Findings {
			found = found || strings.Contains(f.Field, change.field) && f.Got != f.Want && strings.HasPrefix(f.Fix, "Setup > ")
		}
		if !found {
			t.Errorf("%s=%s is not found, or not with its clicks:\n%v", change.element, change.value, report)
		}
	}
}

// Setup's own migration leaves an external client app with the names and the settings of the connected app.
func TestCheckFindsTheAppThatSetupsMigrationMadeByItsOldNameAlone(t *testing.T) {
	spec := fullcast.ConnectedApp(fullcast.Production, "admin@acme.example")
	spec.Kind, spec.AllowCreationOfConnectedApps = metadata.KindExternalClientApp, metadata.Untouched
	spec.Distribution, spec.StartPage = metadata.DistributionLocal, metadata.StartPageOAuth
	spec.EnableCodeAndCredentialsFlow = metadata.Cleared
	spec.Scopes = append(spec.Scopes, metadata.ScopeOpenID) // the admin's own doing: no login goes without it
	w := newWorld(t, orgtest.Config{Existing: existing(t, spec.New())})
	report, err := w.connectTo(t, spec.APIName).Check(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(report.Note, "Setup's migration") || report.App != spec.APIName {
		t.Errorf("the app is not recognised:\n%s", report)
	}
	if want := []string{"name", "api-name", "code-and-credentials-flow", "require-pkce", "start-page"}; !slices.Equal(rules(report), want) {
		t.Errorf("got %q, want %q", rules(report), want)
	}
}

// rules are those of a report that found something.
func rules(r policy.Report) (all []string) {
	for _, f := range r.Findings {
		all = append(all, strings.TrimPrefix(f.Rule, "baseline-"))
	}
	return all
}

func TestCheckOfAConnectedAppThatSetupHasMigratedFindsItsSuccessor(t *testing.T) {
	w, c, token := legacyWorld(t)
	conn, err := w.sf.Adopt(t.Context(), main, c, token)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.org.MigrateConnectedApp("Fullcast_Motion_Package"); err != nil {
		t.Fatal(err)
	}
	report, err := conn.Check(t.Context())
	if err != nil || report.Kind != metadata.KindExternalClientApp || !strings.Contains(report.Note, "_defOauthSet") || !strings.Contains(report.Note, "has the name of the connected app") {
		t.Errorf("the migrated app is not recognised: %v\n%s", err, report)
	}
	if want := []string{"name", "api-name", "oauth-scopes", "code-and-credentials-flow", "require-pkce"}; !slices.Equal(rules(report), want) {
		t.Errorf("got %q, want %q", rules(report), want)
	}
}

func TestCheckOfAnAppThatIsNotThereSaysSo(t *testing.T) {
	other := fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example")
	other.APIName = "Other"
	w := newWorld(t, orgtest.Config{Existing: existing(t, other.New())})
	_, err := w.connectTo(t, other.APIName).Check(t.Context())
	if !errors.Is(err, metadata.ErrNotFound) || !strings.Contains(err.Error(), "ExternalClientApp Fullcast:") {
		t.Errorf("got %v, want that Fullcast is not in the org", err)
	}
}

func TestAConnectionWhoseAppSetupMigratedIsOneToAnExternalClientApp(t *testing.T) {
	w, c, token := legacyWorld(t)
	conn, err := w.sf.Adopt(t.Context(), main, c, token)
	if err != nil {
		t.Fatal(err)
	}
	if report, err := conn.Check(t.Context()); err != nil || report.Kind != metadata.KindConnectedApp {
		t.Fatalf("before: a report on a %v, %v; want one on the connected app", report.Kind, err)
	}
	if err := w.org.MigrateConnectedApp("Fullcast_Motion_Package"); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time as any external client app's connection
		report, err := conn.Check(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		differs := map[string]bool{}
		for _, f := range report.Findings {
			differs[f.Field] = true
		}
		if report.Kind != metadata.KindExternalClientApp || report.App != "Fullcast_Motion_Package" || !differs["OAuth Scopes"] ||
			!differs["Require Proof Key for Code Exchange (PKCE) Extension for Supported Authorization Flows"] {
			t.Errorf("a report on %v %q with findings on %v; want the migrated app's, whose PKCE and scopes are the old ones",
				report.Kind, report.App, differs)
		}
		if conn, err = w.sf.Open(t.Context(), main); err != nil || conn.Kind() != metadata.KindExternalClientApp {
			t.Fatalf("the connection is of kind %v, %v", conn.Kind(), err)
		}
	}
	if status, err := query(t.Context(), conn); status != 200 || err != nil {
		t.Errorf("a call afterwards: %d, %v", status, err)
	}
	if err := w.sf.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := w.told[oauthflow.EventKind]; n != 1 {
		t.Errorf("the change was told %d times, want once", n)
	}
}

func TestAnAppOfTheOldNameWithAnotherKeyIsNotTheConnections(t *testing.T) {
	theirs := fullcast.ConnectedApp(fullcast.Production, "admin@acme.example")
	theirs.APIName = "Somebody_Elses"
	w := newWorld(t, orgtest.Config{Existing: existing(t, theirs.New())})
	conn := w.adopted(t, theirs.APIName)
	named := fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example")
	named.APIName = "Fullcast_Motion_Package"
	w.deploy(t, named)
	if report, err := conn.Check(t.Context()); !errors.Is(err, metadata.ErrNotFound) {
		t.Errorf("a report on %v, %v; want ErrNotFound", report.App, err)
	}
	if now, err := conn.Status(t.Context()); err != nil || now.Kind != metadata.KindConnectedApp {
		t.Errorf("the connection is of kind %v, %v", now.Kind, err)
	}
}
