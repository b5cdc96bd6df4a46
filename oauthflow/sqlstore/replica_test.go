package sqlstore_test

import (
	"errors"
	"testing"
	"time"

	"github.com/fullcast/sfauth/internal/servers"
	"github.com/fullcast/sfauth/oauthflow/sqlstore"
)

func TestAHotStandbyRefusesTheWrites(t *testing.T) {
	primary := servers.StartPostgres(t)
	standby := primary.Standby()
	p := place{sqlstore.PostgreSQL, "pgx", primary.DSN(), "sfauth_records"}
	s := migrated(t, p)
	r := record("connection/acme/main")
	if err := s.Save(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	replica := open(t, place{p.dialect, p.driver, standby.DSN(), p.table})
	got, err := replica.Load(t.Context(), r.ID)
	for range 300 { // it lags
		if err == nil {
			break
		}
		time.Sleep(20 * time.Millisecond)
		got, err = replica.Load(t.Context(), r.ID)
	}
	if err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"Save of a new record": replica.Save(t.Context(), record("connection/acme/other")),
		"Save":                 replica.Save(t.Context(), got),
		"Delete":               replica.Delete(t.Context(), got.ID, got.Version),
		"Migrate":              replica.Migrate(t.Context()),
	} {
		if !errors.Is(err, sqlstore.ErrReadOnly) {
			t.Errorf("%s: got %v, want an error wrapping ErrReadOnly", name, err)
		}
	}
	if got, err := s.Load(t.Context(), r.ID); err != nil || got.Version != 1 {
		t.Errorf("the primary holds version %d and %v, want 1", got.Version, err)
	}
}
