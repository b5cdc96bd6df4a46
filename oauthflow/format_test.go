package oauthflow_test

import (
	"bytes"
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

const mainRecord = "connection/acme/main"

func newer(fields map[string]any) { fields["Format"] = 2 }

// renamed is a format that a reader which does not look at its number would take for a connection that was never
// refreshed and has no tokens.
func renamed(fields map[string]any) {
	newer(fields)
	for _, name := range []string{"Generation", "Refresh", "Access"} {
		fields["New"+name] = fields[name]
		delete(fields, name)
	}
}

// retyped cannot even be decoded by an older version.
func retyped(fields map[string]any) {
	newer(fields)
	fields["Refresh"] = map[string]any{"Current": fields["Refresh"]}
}

func TestARecordOfANewerFormatIsRefusedAndLeftAsItIs(t *testing.T) {
	other := oauthflow.Key{Tenant: "acme", Name: "other"}
	for name, change := range map[string]func(map[string]any){"a number": newer, "other names": renamed, "other types": retyped} {
		t.Run(name, func(t *testing.T) {
			w := rotating(t)
			v := w.unlocked()
			w.connect(w.manager(), mainKey)
			w.connect(w.manager(), other)
			r := v.change(w.store, mainRecord, change)
			w.org.ExpireSessions()
			m := w.manager()
			asked := w.wire.refreshes()
			ctx := t.Context()
			for what, do := range map[string]func() error{
				"Token":      func() error { _, err := m.Source(mainKey).TokenContext(ctx); return err },
				"Replace":    func() error { _, err := m.Source(mainKey).Replace(ctx, "whatever"); return err },
				"Renew":      func() error { return m.Renew(ctx, mainKey) },
				"Load":       func() error { _, err := m.Load(ctx, mainKey); return err },
				"SetClient":  func() error { return m.SetClient(ctx, mainKey, w.client()) },
				"Adopt":      func() error { _, err := m.Adopt(ctx, mainKey, w.client(), w.inherited()); return err },
				"Disconnect": func() error { return m.Disconnect(ctx, mainKey) },
				"Move from":  func() error { return m.Move(ctx, mainKey, oauthflow.Key{Tenant: "acme", Name: "new"}) },
				"Move onto":  func() error { return m.Move(ctx, other, mainKey) },
				"Complete":   func() error { _, err := m.Complete(ctx, w.begin(m, mainKey)); return err },
				"List":       func() error { return lastError(m, mainKey) },
				"Copy":       func() error { return w.copiedAgain(v) },
			} {
				err := do()
				var e *oauthflow.Error
				if !errors.Is(err, oauthflow.ErrNewerFormat) || !errors.As(err, &e) || e.Kind != oauthflow.KindForeign {
					t.Errorf("%s: got %v, want ErrNewerFormat", what, err)
				} else if !strings.Contains(err.Error(), "update this process") {
					t.Errorf("%s: %q does not say what to do", what, err)
				}
			}
			now := w.record(mainKey)
			if now.Version != r.Version || !bytes.Equal(now.Data, r.Data) {
				t.Errorf("the record was written over: version %d is %d", r.Version, now.Version)
			}
			if n := w.wire.refreshes() - asked; n != 0 {
				t.Errorf("%d refreshes were sent", n)
			}
		})
	}
}

// lastError is what List says of a connection.
func lastError(m *oauthflow.Manager, k oauthflow.Key) (last error) {
	for c, err := range m.List(context.Background(), k.Tenant) {
		if c.Key == k || err != nil {
			last = err
		}
		if err != nil {
			return err
		}
	}
	return last
}

// copiedAgain copies a store that holds a copy of the record in a newer format.
func (w *world) copiedAgain(v foreigner) error {
	former := tokenstore.NewMemory()
	r := w.record(mainKey)
	fields := v.read(r)
	r.Version = 0
	v.write(former, r, fields)
	return oauthflow.Copy(context.Background(), oauthflow.CopyConfig{
		From: former, To: tokenstore.NewMemory(), Keyring: w.keys, Environment: "test",
	})
}

func TestALoginOrAdoptionOfANewerFormatIsLeftAsItIs(t *testing.T) {
	w := rotating(t)
	v := w.unlocked()
	m := w.manager()
	token := w.inherited()
	if _, err := m.Adopt(t.Context(), mainKey, w.client(), token); err != nil {
		t.Fatal(err)
	}
	cb := w.begin(m, mainKey)
	kept := map[string]tokenstore.Record{}
	for r, err := range w.store.List(t.Context(), "", time.Date(9999, 12, 31, 23, 0, 0, 0, time.UTC)) {
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(r.ID, "login/") {
			kept[r.ID] = v.change(w.store, r.ID, newer)
		}
	}
	subject := ""
	for r, err := range w.store.List(t.Context(), "adopted/", time.Date(9999, 12, 31, 23, 59, 0, 0, time.UTC)) {
		if err != nil {
			t.Fatal(err)
		}
		subject = r.ID
	}
	exchanged := w.wire.exchanges()
	if _, err := m.Complete(t.Context(), cb); !errors.Is(err, oauthflow.ErrNewerFormat) {
		t.Errorf("a login: got %v, want ErrNewerFormat", err)
	}
	if n := w.wire.exchanges() - exchanged; n != 0 {
		t.Errorf("%d codes were sent", n)
	}
	if subject == "" {
		t.Fatal("there is no record of the adoption")
	}
	kept[subject] = v.change(w.store, subject, renamedClaim)
	second := oauthflow.Key{Tenant: "acme", Name: "second"}
	if _, err := m.Adopt(t.Context(), second, w.client(), token); !errors.Is(err, oauthflow.ErrNewerFormat) {
		t.Errorf("an adoption: got %v, want ErrNewerFormat", err)
	}
	if len(kept) != 2 {
		t.Fatalf("%d records to look at", len(kept))
	}
	for id, r := range kept {
		if now, err := w.store.Load(t.Context(), id); err != nil || !bytes.Equal(now.Data, r.Data) {
			t.Errorf("%s was written over or is gone: %v", id, err)
		}
	}
}

// renamedClaim reads as nobody's to code that does not look at its format.
func renamedClaim(fields map[string]any) {
	newer(fields)
	fields["Holder"] = fields["Key"]
	delete(fields, "Key")
}

func TestWhatIsValidIsServedWhileItsRecordIsOfANewerFormat(t *testing.T) {
	w := rotating(t)
	v := w.unlocked()
	m := w.manager(func(c *oauthflow.ManagerConfig) { c.Timing.Recheck = time.Millisecond })
	w.connect(m, mainKey)
	want := w.token(m.Source(mainKey))
	v.change(w.store, mainRecord, renamed)
	time.Sleep(5 * time.Millisecond)
	if got, err := m.Source(mainKey).TokenContext(t.Context()); err != nil || got.AccessToken != want {
		t.Errorf("the access token that is there is not served: %v", err)
	}
}

func TestFieldsOfALaterVersionStayThroughEverySave(t *testing.T) {
	w := newWorld(t, orgtest.Config{RotateRefreshTokens: true})
	v := w.unlocked()
	m := w.manager()
	w.connect(m, mainKey)
	want := map[string]any{"Later": map[string]any{"Deep": []any{"a", 1.5, nil}}, "Zone": "eu"}
	v.change(w.store, mainRecord, func(fields map[string]any) {
		for name, value := range want {
			fields[name] = value
		}
	})
	check := func(after string, k oauthflow.Key) {
		t.Helper()
		fields := v.read(w.record(k))
		for name, value := range want {
			if !reflect.DeepEqual(fields[name], value) {
				t.Errorf("after %s, %s is %v, want %v", after, name, fields[name], value)
			}
		}
	}
	m = w.manager()
	s := m.Source(mainKey)
	if _, err := s.Replace(t.Context(), w.token(s)); err != nil {
		t.Fatal(err)
	}
	check("a refresh", mainKey)
	if err := m.SetClient(t.Context(), mainKey, w.client()); err != nil {
		t.Fatal(err)
	}
	check("SetClient", mainKey)
	moved := oauthflow.Key{Tenant: "acme", Name: "moved"}
	if err := m.Move(t.Context(), mainKey, moved); err != nil {
		t.Fatal(err)
	}
	check("Move", moved)
	w.org.ExpireSessions()
	s = w.manager().Source(moved)
	if _, err := s.Replace(t.Context(), w.token(s)); err != nil {
		t.Fatal(err)
	}
	check("a refresh by another process", moved)
}

func TestAFieldOfALaterVersionInsideAnotherIsANewerFormat(t *testing.T) {
	w := rotating(t)
	v := w.unlocked()
	w.connect(w.manager(), mainKey)
	v.change(w.store, mainRecord, func(fields map[string]any) {
		fields["Client"].(map[string]any)["Certificate"] = "it would be lost"
	})
	if _, err := w.manager().Load(t.Context(), mainKey); !errors.Is(err, oauthflow.ErrNewerFormat) {
		t.Errorf("got %v, want ErrNewerFormat", err)
	}
}
