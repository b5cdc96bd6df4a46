package fullcast_test

import (
	"errors"
	"testing"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

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
	const app = "Somebody_Elses"
	w := newWorld(t, orgtest.Config{Existing: map[string]string{"connectedApps/" + app + ".connectedApp": legacyApp}})
	c := w.client(t, app)
	c.Kind = string(metadata.KindConnectedApp)
	token, err := w.org.UserApproved(app, "admin@acme.example")
	if err != nil {
		t.Fatal(err)
	}
	conn, err := w.sf.Adopt(t.Context(), main, c, oauthflow.NewSecret(token))
	if err != nil {
		t.Fatal(err)
	}
	named := fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example")
	named.APIName = "Fullcast_Motion_Package"
	w.deploy(t, named)
	if report, err := conn.Check(t.Context()); !errors.Is(err, metadata.ErrNotFound) {
		t.Errorf("a report on %v, %v; want ErrNotFound", report.App, err)
	}
	if now, err := conn.Status(t.Context()); err != nil || metadata.Kind(now.Kind) != metadata.KindConnectedApp {
		t.Errorf("the connection is of kind %v, %v", now.Kind, err)
	}
}
