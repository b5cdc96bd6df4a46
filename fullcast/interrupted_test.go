package fullcast_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

var errStoreDown = errors.New("the disk is on fire")

// interrupted is a store that fails from its at-th call on, as for a process that dies there: the first of them has an
// effect all the same when it acts.
type interrupted struct {
	tokenstore.Store
	calls atomic.Int64
	at    int64
	acts  bool
}

func (f *interrupted) call(do func() error) error {
	n := f.calls.Add(1)
	if n < f.at {
		return do()
	}
	if n == f.at && f.acts {
		_ = do()
	}
	return errStoreDown
}

func (f *interrupted) Load(ctx context.Context, id string) (r tokenstore.Record, err error) {
	err = f.call(func() (err error) { r, err = f.Store.Load(ctx, id); return err })
	return r, err
}

func (f *interrupted) Save(ctx context.Context, r tokenstore.Record) error {
	return f.call(func() error { return f.Store.Save(ctx, r) })
}

func (f *interrupted) Delete(ctx context.Context, id string, version uint64) error {
	return f.call(func() error { return f.Store.Delete(ctx, id, version) })
}

// approvals are those of the external client app that the org still honours, by its own ledger.
func (w *world) approvals() []int {
	alive := map[int]bool{}
	for _, e := range w.org.Ledger() {
		switch {
		case e.App != "Fullcast":
		case (e.Event == "exchange" || e.Event == "refresh") && e.Outcome == "ok":
			alive[e.Approval] = true
		case e.Event == "revoke" && e.Presented > 0, e.Outcome == "reuse", e.Event == "approval dropped":
			delete(alive, e.Approval)
		}
	}
	return slices.Sorted(maps.Keys(alive))
}

// bubbleMigration is migrationWorld inside of a bubble, with rotation.
func bubbleMigration(t *testing.T) (*world, oauthflow.Client) {
	t.Helper()
	const app = "Fullcast_Motion_Package"
	w := bubbleWorld(t, config{
		RotateRefreshTokens: true,
		Existing:            existing(t, fullcast.ConnectedApp(fullcast.Production, "admin@acme.example").New()),
	})
	w.adopted(t, app)
	w.deploy(t, fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example"))
	return w, w.client(t, "Fullcast")
}

// eachInterruption runs the test with a migration that dies at its n-th store call, for all n.
func eachInterruption(t *testing.T, then func(t *testing.T, w *world, c oauthflow.Client, at string, stored bool)) {
	for _, acts := range []bool{false, true} {
		for n, hit := int64(1), true; hit; n++ {
			synctest.Test(t, func(t *testing.T) {
				w, c := bubbleMigration(t)
				dying := &interrupted{Store: w.store, at: n, acts: acts}
				sf := w.connector(t, dying)
				_, err := w.login(t, sf, (*fullcast.Connector).BeginMigration, fullcast.BeginOptions{Client: c})
				if hit = dying.calls.Load() >= n; hit && err == nil && n < 3 {
					t.Errorf("call %d failed, and the migration is complete", n)
				}
				time.Sleep(time.Minute)
				// What a process that dies has not stored is lost, with an approval that Salesforce keeps.
				held := 0
				for conn, err := range w.sf.Manager().List(t.Context(), "") {
					if err == nil && conn.Kind == metadata.KindExternalClientApp {
						held++
					}
				}
				then(t, w, c, fmt.Sprintf("call %d, acts %v", n, acts), held > 0 || len(w.approvals()) == 0)
			})
		}
	}
}

func TestDisconnectingEndsAMigrationToo(t *testing.T) {
	eachInterruption(t, func(t *testing.T, w *world, c oauthflow.Client, at string, stored bool) {
		for range 2 {
			if err := w.sf.Disconnect(t.Context(), main); err != nil {
				t.Errorf("%s: %v", at, err)
			}
		}
		time.Sleep(time.Minute)
		for conn, err := range w.sf.Manager().List(t.Context(), "") {
			t.Errorf("%s: the store holds %v, %v", at, conn.Key, err)
		}
		if alive := w.approvals(); stored && len(alive) != 0 {
			t.Errorf("%s: the approvals %v are alive", at, alive)
		}
		if _, err := w.sf.ResumeMigration(t.Context(), main); err == nil {
			t.Errorf("%s: the migration is taken up again", at)
		}
		w.connectTo(t, "Fullcast") // begins and completes
	})
}

func TestALoginOverAnInterruptedMigrationEndsIt(t *testing.T) {
	eachInterruption(t, func(t *testing.T, w *world, c oauthflow.Client, at string, stored bool) {
		conn := w.connectTo(t, "Fullcast")
		if conn.Key() != main || conn.Kind() != metadata.KindExternalClientApp {
			t.Errorf("%s: the login ended with %v of kind %s", at, conn.Key(), conn.Kind())
		}
		if status, err := query(t.Context(), conn); status != 200 || err != nil {
			t.Errorf("%s: a query answers %d, %v", at, status, err)
		}
		time.Sleep(time.Minute)
		for conn, err := range w.sf.Manager().List(t.Context(), "") {
			if err != nil || conn.Key != main {
				t.Errorf("%s: the store holds %v as well, %v", at, conn.Key, err)
			}
		}
		if alive := w.approvals(); stored && len(alive) != 1 {
			t.Errorf("%s: the approvals %v are alive", at, alive)
		}
	})
}

func TestAMigrationToTheAppThatSetupMadeOfTheConnectedAppIsNoSecondConnection(t *testing.T) {
	const app = "Fullcast_Motion_Package"
	spec := fullcast.ConnectedApp(fullcast.Production, "admin@acme.example")
	spec.Scopes = append(spec.Scopes, metadata.ScopeOpenID) // as the instructions for the new kind of app want it
	w := newWorld(t, config{RotateRefreshTokens: true, Existing: existing(t, spec.New())})
	c := w.client(t, app)
	c.Kind = metadata.KindConnectedApp
	w.adopted(t, app)
	if err := w.org.MigrateConnectedApp(app); err != nil {
		t.Fatal(err)
	}
	made := w.client(t, app)
	if made.ID != c.ID {
		t.Fatal("the app that Setup has made has another consumer key")
	}
	conn, err := w.migrate(t, made)
	if err != nil || conn.Kind() != metadata.KindExternalClientApp {
		t.Fatalf("the migration ended with %v, %v", conn, err)
	}
	if status, err := query(t.Context(), conn); status != 200 || err != nil {
		t.Errorf("a query answers %d, %v", status, err)
	}
}

func TestAMigrationIsFinishedForAnAdminWhoHasLeftThePage(t *testing.T) {
	w, c := migrationWorld(t)
	to, err := w.sf.BeginMigration(t.Context(), main, fullcast.BeginOptions{Client: c, Binding: session})
	if err != nil {
		t.Fatal(err)
	}
	ctx, leave := context.WithCancel(t.Context())
	w.rec.seen = func(r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/token") {
			leave()
		}
	}
	if conn, err := w.sf.Complete(ctx, w.approved(t, to)); err != nil || conn.Kind() != metadata.KindExternalClientApp {
		t.Errorf("the migration ended with %v, %v", conn, err)
	}
}

func TestAMigrationWhoseOrgNeverAnswersEndsAndCanBeResumed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, c := bubbleMigration(t)
		w.rec.seen = func(r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/query") {
				<-r.Context().Done()
			}
		}
		began := time.Now()
		w.rec.fail = "/services/data/v66.0/query"
		if _, err := w.migrate(t, c); err == nil || time.Since(began) > 2*time.Minute {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		w.rec.seen, w.rec.fail = nil, ""
		if _, err := w.sf.ResumeMigration(t.Context(), main); err != nil {
			t.Error(err)
		}
	})
}

func TestAMigrationThatDiesAtAnyStoreCallIsTakenUpAgain(t *testing.T) {
	eachInterruption(t, func(t *testing.T, w *world, c oauthflow.Client, at string, stored bool) {
		works := func(when string) *fullcast.Connection {
			conn, err := w.sf.Open(t.Context(), main)
			if err != nil {
				t.Fatalf("%s, %s: %v", at, when, err)
			}
			if status, err := query(t.Context(), conn); status != 200 || err != nil {
				t.Errorf("%s, %s: a query answers %d, %v", at, when, status, err)
			}
			return conn
		}
		works("before it is taken up")
		_, nothing := w.sf.StagedMigration(t.Context(), main)
		_, err := w.sf.ResumeMigration(t.Context(), main)
		if missing := new(oauthflow.Error); nothing != nil && errors.As(err, &missing) && missing.Kind == oauthflow.KindNotConnected {
			_, err = w.migrate(t, c) // it had not come as far as its login's end
		}
		if err != nil {
			t.Errorf("%s: %v", at, err)
		}
		if conn := works("afterwards"); conn.Kind() != metadata.KindExternalClientApp {
			t.Errorf("%s: the connection is one to a %s", at, conn.Kind())
		}
		time.Sleep(time.Minute)
		if err := w.sf.Manager().Renew(t.Context(), main); err != nil {
			t.Errorf("%s: %v", at, err)
		}
		if alive := w.approvals(); stored && len(alive) != 1 {
			t.Errorf("%s: the approvals %v are alive", at, alive)
		}
		for conn, err := range w.sf.Manager().List(t.Context(), "") {
			if err != nil || conn.Key != main {
				t.Errorf("%s: the store holds %v as well, %v", at, conn.Key, err)
			}
		}
	})
}
