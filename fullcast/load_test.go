package fullcast_test

import (
	"errors"
	"reflect"
	"testing"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/oauthflow"
)

func TestLoadReturnsAConnectionAsListGivesItWithoutARequest(t *testing.T) {
	w, c, token := legacyWorld(t)
	if _, err := w.sf.Manager().Adopt(t.Context(), main, c, token); err != nil {
		t.Fatal(err)
	}
	broken := oauthflow.Key{Tenant: "acme", Name: "broken"}
	second, err := w.org.UserApproved("Fullcast_Motion_Package", "admin@acme.example")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.sf.Adopt(t.Context(), broken, c, oauthflow.NewSecret(second)); err != nil {
		t.Fatal(err)
	}
	if err := w.org.RevokeAll("Fullcast_Motion_Package"); err != nil {
		t.Fatal(err)
	}
	if err := w.sf.Manager().Renew(t.Context(), broken); err == nil {
		t.Fatal("the grant is alive")
	}
	sent := w.rec.count("")
	listed := 0
	for want, err := range w.sf.List(t.Context(), fullcast.Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		listed++
		got, err := w.sf.Load(t.Context(), want.Key)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("Load() = %+v, %v; List gives %+v", got, err, want)
		}
	}
	if listed != 2 || w.rec.count("") != sent {
		t.Errorf("%d connections are listed, and %d requests were sent", listed, w.rec.count("")-sent)
	}
}

func TestLoadOfWhatListDoesNotGiveIsAnError(t *testing.T) {
	w, c := migrationWorld(t)
	w.rec.fail = "/services/data/v66.0/query" // the migration's proof
	if _, err := w.migrate(t, c); err == nil {
		t.Fatal("the migration was proved")
	}
	staged, err := w.sf.StagedMigration(t.Context(), main)
	if err != nil {
		t.Fatal(err)
	}
	sent := w.rec.count("")
	for name, tt := range map[string]struct {
		key  oauthflow.Key
		kind oauthflow.ErrorKind
		do   fullcast.Remedy
	}{
		"a key that is not connected": {oauthflow.Key{Tenant: "acme", Name: "other"}, oauthflow.KindNotConnected, fullcast.Reauthorize},
		"no key":                      {oauthflow.Key{}, oauthflow.KindInvalid, fullcast.FixCode},
		"a migration":                 {staged.Key, "", fullcast.FixCode},
	} {
		got, err := w.sf.Load(t.Context(), tt.key)
		var e *fullcast.Error
		if !errors.As(err, &e) || e.Remedy != tt.do || e.Key != tt.key || !reflect.DeepEqual(got, oauthflow.Connection{}) {
			t.Errorf("%s: Load() = %+v, %v", name, got, err)
		}
		if cause := (*oauthflow.Error)(nil); tt.kind != "" && (!errors.As(err, &cause) || cause.Kind != tt.kind) {
			t.Errorf("%s: %v is not of %q", name, err, tt.kind)
		}
	}
	if w.rec.count("") != sent {
		t.Error("requests were sent")
	}
}
