package fullcast_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/oauthflow"
)

// migrationWorld is an org with the old connected app, adopted, and the new external client app beside it.
func migrationWorld(t *testing.T) (*world, oauthflow.Client) {
	t.Helper()
	w, c, token := legacyWorld(t)
	if _, err := w.sf.Adopt(t.Context(), main, c, token); err != nil {
		t.Fatal(err)
	}
	w.deploy(t, fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example"))
	return w, w.client(t, "Fullcast")
}

func (w *world) migrate(t *testing.T, c oauthflow.Client) (*fullcast.Connection, error) {
	t.Helper()
	return w.login(t, w.sf, (*fullcast.Connector).BeginMigration, fullcast.BeginOptions{Client: c})
}

func TestAMigrationReplacesTheConnectedAppAndNoCallFails(t *testing.T) {
	w, c := migrationWorld(t)
	conn, err := w.sf.Open(t.Context(), main)
	if err != nil {
		t.Fatal(err)
	}
	client := conn.HTTPClient()
	ctx, stop := context.WithCancel(t.Context())
	var calls atomic.Int64
	var callers sync.WaitGroup
	w.rec.quiet = true
	for range 8 {
		callers.Go(func() {
			for ctx.Err() == nil {
				resp, err := client.Get(w.org.InstanceURL() + "/services/data/v66.0/query?q=SELECT+Id+FROM+User")
				if err != nil || resp.StatusCode != 200 {
					t.Errorf("a call failed during the migration: %v %v", resp, err)
					return
				}
				resp.Body.Close()
				calls.Add(1)
			}
		})
	}
	migrated, err := w.migrate(t, c)
	for n := calls.Load(); err == nil && calls.Load() < n+100; {
		w.org.InstanceURL() // more calls after the switch
	}
	stop()
	callers.Wait()
	if err != nil {
		t.Fatal(err)
	}
	if migrated.Key() != main || migrated.Kind() != metadata.KindExternalClientApp {
		t.Errorf("the migrated connection is %v of kind %v", migrated.Key(), migrated.Kind())
	}
	report, err := migrated.Check(t.Context())
	if err != nil || report.App != "Fullcast" || len(report.Findings) != 0 {
		t.Errorf("Check() = %v, %v; want the new app without findings", report, err)
	}
	for other, err := range w.sf.List(t.Context(), fullcast.Filter{}) {
		if err != nil || other.Key != main {
			t.Errorf("the store holds %v as well, %v", other.Key, err)
		}
	}
}

func TestAMigrationWorksForABrokenConnection(t *testing.T) {
	w, c := migrationWorld(t)
	if err := w.org.RevokeAll("Fullcast_Motion_Package"); err != nil {
		t.Fatal(err)
	}
	conn, err := w.sf.Open(t.Context(), main)
	if err != nil {
		t.Fatal(err)
	}
	_, err = query(t.Context(), conn)
	wantError(t, err, oauthflow.KindGrantDead, fullcast.Migrate)
	_, err = w.sf.Reconnect(t.Context(), main, fullcast.BeginOptions{Binding: session})
	if !errors.Is(err, fullcast.ErrMigrationRequired) {
		t.Errorf("Reconnect of a broken connected app: %v, want ErrMigrationRequired", err)
	}
	_, err = w.sf.UpdateCredentials(t.Context(), main, w.client(t, "Fullcast_Motion_Package"))
	if !errors.Is(err, fullcast.ErrMigrationRequired) {
		t.Errorf("UpdateCredentials of a connected app: %v, want ErrMigrationRequired", err)
	}
	migrated, err := w.migrate(t, c)
	if err != nil {
		t.Fatal(err)
	}
	if status, err := query(t.Context(), migrated); status != 200 || err != nil {
		t.Errorf("a query after the migration answers %d, %v", status, err)
	}
}

func TestAMigrationThatWasInterruptedIsResumed(t *testing.T) {
	w, c := migrationWorld(t)
	w.rec.fail = "/services/data/v66.0/query" // the proof cannot be made
	if _, err := w.migrate(t, c); err == nil {
		t.Fatal("the migration ended without its proof")
	}
	conn, err := w.sf.Open(t.Context(), main)
	if err != nil || conn.Kind() != metadata.KindConnectedApp {
		t.Fatalf("the old connection is gone: %v, %v", conn, err)
	}
	w.rec.fail = ""
	if status, err := query(t.Context(), conn); status != 200 || err != nil {
		t.Errorf("a query over the old connection answers %d, %v", status, err)
	}
	migrated, err := w.sf.ResumeMigration(t.Context(), main)
	if err != nil || migrated.Kind() != metadata.KindExternalClientApp {
		t.Fatalf("ResumeMigration() = %v, %v", migrated, err)
	}
	if again, err := w.sf.ResumeMigration(t.Context(), main); err != nil || again.Kind() != metadata.KindExternalClientApp {
		t.Errorf("resuming what is done: %v, %v", again, err)
	}
}

func TestABrokenConnectionIsReconnectedWithTheAppThatItHas(t *testing.T) {
	w := newWorld(t, config{})
	w.deploy(t, fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example"))
	conn := w.connect(t)
	if err := w.org.RevokeAll("Fullcast"); err != nil {
		t.Fatal(err)
	}
	_, err := query(t.Context(), conn)
	wantError(t, err, oauthflow.KindGrantDead, fullcast.Reauthorize)
	broken := 0
	for range w.sf.List(t.Context(), fullcast.Filter{Status: oauthflow.StatusBroken}) {
		broken++
	}
	if broken != 1 {
		t.Errorf("%d connections are listed as broken, want 1", broken)
	}
	to, err := w.sf.Reconnect(t.Context(), main, fullcast.BeginOptions{Binding: session})
	if err != nil {
		t.Fatal(err)
	}
	if conn, err = w.sf.Complete(t.Context(), w.approved(t, to)); err != nil {
		t.Fatal(err)
	}
	if status, err := query(t.Context(), conn); status != 200 || err != nil {
		t.Errorf("a query answers %d, %v", status, err)
	}
}

func TestNewCredentialsNeverCostTheConnection(t *testing.T) {
	w := newWorld(t, config{})
	w.deploy(t, fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example"))
	w.connect(t)
	key, secret, err := w.org.StageCredentials("Fullcast")
	if err != nil {
		t.Fatal(err)
	}
	staged := oauthflow.Client{Host: w.host, ID: key, Secret: oauthflow.NewSecret(secret)}
	working := func(step string) {
		t.Helper()
		conn, err := w.sf.Open(t.Context(), main)
		if err != nil {
			t.Fatal(err)
		}
		w.org.ExpireSessions()
		if status, err := query(t.Context(), conn); status != 200 || err != nil {
			t.Errorf("%s, a query answers %d, %v", step, status, err)
		}
	}
	_, err = w.sf.UpdateCredentials(t.Context(), main, staged)
	if !errors.Is(err, fullcast.ErrCredentialsUnproved) {
		t.Errorf("before the rotation: %v, want ErrCredentialsUnproved", err)
	}
	working("before the rotation")
	if err := w.org.RotateCredentials("Fullcast"); err != nil {
		t.Fatal(err)
	}
	_, err = w.sf.UpdateCredentials(t.Context(), main, staged) // the tokens are still the old key's
	if !errors.Is(err, fullcast.ErrCredentialsUnproved) {
		t.Errorf("after the rotation: %v, want ErrCredentialsUnproved", err)
	}
	working("after the rotation")
	to, err := w.sf.Reconnect(t.Context(), main, fullcast.BeginOptions{Binding: session})
	if err != nil {
		t.Fatal(err)
	}
	conn, err := w.sf.Complete(t.Context(), w.approved(t, to))
	if err != nil {
		t.Fatal(err)
	}
	if now, err := conn.Status(t.Context()); err != nil || now.ConsumerKey != key || now.NextKey != "" {
		t.Errorf("after the new login: %+v, %v; want the new credentials alone", now, err)
	}
	working("after the new login")
}

func TestEverythingIsDisconnectedAndToldAsItGoes(t *testing.T) {
	w, _ := migrationWorld(t)
	told := 0
	err := w.sf.DisconnectEveryTenant(t.Context(), fullcast.Filter{Kind: metadata.KindConnectedApp}, func(p fullcast.Progress) {
		if p.Key == main && p.Err == nil && p.Done == 1 && p.Total == 1 {
			told++
		}
	})
	if err != nil || told != 1 {
		t.Errorf("DisconnectAll() = %v after %d of 1", err, told)
	}
	for conn, err := range w.sf.List(t.Context(), fullcast.Filter{}) {
		t.Errorf("left: %v %v", conn.Key, err)
	}
}

func TestTwoLoginsOfOneIntegrationUserAreTwoConnections(t *testing.T) {
	w := newWorld(t, config{RotateRefreshTokens: true})
	w.deploy(t, fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example"))
	w.connect(t)
	other := oauthflow.Key{Tenant: "acme", Name: "import and export"}
	to, err := w.sf.Begin(t.Context(), other, fullcast.BeginOptions{Client: w.client(t, "Fullcast"), Binding: session})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.sf.Complete(t.Context(), w.approved(t, to)); err != nil {
		t.Fatalf("the second login: %v", err)
	}
	for _, k := range []oauthflow.Key{main, other} {
		w.org.ExpireSessions()
		conn, err := w.sf.Open(t.Context(), k)
		if err != nil {
			t.Fatal(err)
		}
		if status, err := query(t.Context(), conn); status != 200 || err != nil {
			t.Errorf("a query of %v answers %d, %v", k, status, err)
		}
	}
	if err := w.sf.Disconnect(t.Context(), main); err != nil {
		t.Fatal(err)
	}
	conn, err := w.sf.Open(t.Context(), other)
	if err != nil {
		t.Fatal(err)
	}
	if status, err := query(t.Context(), conn); status != 200 || err != nil {
		t.Errorf("after the first was disconnected, a query of the other answers %d, %v", status, err)
	}
}

func TestAMigrationToAnotherOrgNeedsItsId(t *testing.T) {
	w := newWorld(t, config{
		Sandbox: true, Existing: existing(t, fullcast.ConnectedApp(fullcast.Production, "admin@acme.example").New()),
	})
	conn := w.adopted(t, "Fullcast_Motion_Package")
	if err := w.org.RefreshSandbox(); err != nil {
		t.Fatal(err)
	}
	_, err := query(t.Context(), conn)
	wantError(t, err, oauthflow.KindAppMissing, fullcast.Migrate)
	if now, err := conn.Status(t.Context()); err != nil || now.Status != oauthflow.StatusBroken {
		t.Errorf("it is %q, %v; want broken", now.Status, err)
	}
	w.deploy(t, fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example"))
	migrate := func(accept string) (*fullcast.Connection, error) {
		return w.login(t, w.sf, (*fullcast.Connector).BeginMigration, fullcast.BeginOptions{Client: w.client(t, "Fullcast"), ExpectOrg: accept})
	}
	_, err = migrate("")
	wantError(t, err, oauthflow.KindOrgChanged, fullcast.AdminSignsIn)
	var who *oauthflow.StrangerError
	if !errors.As(err, &who) || who.OrgID != w.org.ID() {
		t.Fatalf("%v does not name the org that is to be accepted", err)
	}
	migrated, err := migrate(who.OrgID)
	if err != nil {
		t.Fatal(err)
	}
	now, err := migrated.Status(t.Context())
	if err != nil || now.OrgID != w.org.ID() || migrated.Key() != main || migrated.Kind() != metadata.KindExternalClientApp {
		t.Errorf("got %+v, %v", now, err)
	}
	if status, err := query(t.Context(), migrated); status != 200 || err != nil {
		t.Errorf("a query answers %d, %v", status, err)
	}
}
