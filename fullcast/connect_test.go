package fullcast_test

import (
	"context"
	"errors"
	"testing"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/oauthflow"
)

// connecting is a whole login by Connect.
func (w *world) connecting(t *testing.T, o fullcast.BeginOptions) (fullcast.Choice, *fullcast.Connection, error) {
	t.Helper()
	o.Binding = session
	l, err := w.sf.Connect(t.Context(), main, o)
	if err != nil {
		if l != (fullcast.Login{}) {
			t.Errorf("with the error comes %+v", l)
		}
		return "", nil, err
	}
	conn, err := w.sf.Complete(t.Context(), w.approved(t, l.Redirect))
	return l.Choice, conn, err
}

func TestConnectChoosesByWhatTheStoreHoldsAndSaysWhatItHasChosen(t *testing.T) {
	w, old, token := legacyWorld(t)
	w.deploy(t, fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example"))
	entered := fullcast.BeginOptions{Client: w.client(t, "Fullcast")}
	step := func(when string, o fullcast.BeginOptions, want fullcast.Choice) {
		t.Helper()
		got, conn, err := w.connecting(t, o)
		if err != nil || got != want || conn.Kind() != metadata.KindExternalClientApp {
			t.Errorf("%s: got %q, %v; want %q", when, got, err, want)
		}
		if now, err := w.sf.Load(t.Context(), main); err != nil || now.Status != oauthflow.StatusActive || now.Kind != metadata.KindExternalClientApp {
			t.Errorf("%s: stored is %+v, %v", when, now, err)
		}
	}
	if _, _, err := w.connecting(t, fullcast.BeginOptions{}); !invalidField(err) {
		t.Errorf("nothing is stored or entered: %v", err)
	}
	step("nothing is stored", entered, fullcast.ChoseBegin)
	step("an app is stored, and none entered", fullcast.BeginOptions{}, fullcast.ChoseReconnect)
	step("an app is stored, and one entered", entered, fullcast.ChoseBegin)

	if err := w.sf.Disconnect(t.Context(), main); err != nil {
		t.Fatal(err)
	}
	if _, err := w.sf.Adopt(t.Context(), main, old, token); err != nil {
		t.Fatal(err)
	}
	if _, _, err := w.connecting(t, fullcast.BeginOptions{}); !errors.Is(err, fullcast.ErrMigrationRequired) {
		t.Errorf("a connected app is stored, and nothing entered: %v", err)
	}
	step("a connected app is stored", entered, fullcast.ChoseMigration)
}

func TestConnectOverAConnectionThatIsBeingDisconnectedBeginsAnew(t *testing.T) {
	w, c := migrationWorld(t)
	w.rec.fail = "/services/oauth2/revoke"
	if err := w.sf.Disconnect(t.Context(), main); err == nil {
		t.Fatal("it was revoked")
	}
	w.rec.fail = ""
	l, err := w.sf.Connect(t.Context(), main, fullcast.BeginOptions{Client: c, Binding: session})
	if err != nil || l.Choice != fullcast.ChoseBegin {
		t.Errorf("Connect() = %q, %v", l.Choice, err)
	}
	if _, err := w.sf.Complete(t.Context(), w.approved(t, l.Redirect)); err != nil {
		t.Error(err)
	}
}

func TestConnectDoesNotGuessAboutARecordThatItCannotRead(t *testing.T) {
	w := newWorld(t, config{Existing: existing(t, fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example").New())})
	w.connect(t)
	other := w.connector(t, w.store, func(c *fullcast.Config) { c.Environment = "a-copy" })
	sent := w.rec.count("")
	l, err := other.Connect(t.Context(), main, fullcast.BeginOptions{Client: w.client(t, "Fullcast"), Binding: session})
	var e *fullcast.Error
	if !errors.As(err, &e) || e.Actor() != fullcast.ActorOperator || l != (fullcast.Login{}) {
		t.Errorf("a foreign record: %+v, %v", l, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := w.sf.Connect(ctx, main, fullcast.BeginOptions{Binding: session}); !errors.Is(err, context.Canceled) {
		t.Errorf("a caller that has left: %v", err)
	}
	if _, err := w.sf.Connect(t.Context(), oauthflow.Key{Tenant: "acme", Name: "migration of main"}, fullcast.BeginOptions{Binding: session}); !invalidField(err) {
		t.Errorf("a migration's key: %v", err)
	}
	if w.rec.count("") != sent {
		t.Error("requests were sent")
	}
}

// invalidField reports whether the caller's input is at fault.
func invalidField(err error) bool {
	var e *fullcast.Error
	return errors.As(err, &e) && (e.Remedy == fullcast.FixCode || len(fullcast.WrongEntries(err)) > 0)
}
