package sqlstore_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/fullcast/sfauth/internal/needs"
	"github.com/fullcast/sfauth/internal/servers"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
	"github.com/fullcast/sfauth/oauthflow/tokenstore/sqlstore"
)

// A privileged user may write to a replica of MariaDB or MySQL; the statements themselves look.
func TestAServerThatBecomesAReplicaRefusesThePrivilegedToo(t *testing.T) {
	p := mariadb(t)
	sound := migrated(t, p)
	r := record("connection/acme/main")
	if err := sound.Save(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	r.Version = 1
	w := &watch{}
	s := over(t, w.connect(t, p), p)
	w.rewrite = [2]string{"@@global.read_only", "1"}
	for name, err := range map[string]error{
		"Save of a new record": s.Save(t.Context(), record("connection/acme/other")),
		"Save":                 s.Save(t.Context(), r),
		"Delete":               s.Delete(t.Context(), r.ID, r.Version),
	} {
		if !errors.Is(err, sqlstore.ErrReadOnly) || errors.Is(err, tokenstore.ErrConflict) {
			t.Errorf("%s: got %v, want an error wrapping ErrReadOnly and no conflict", name, err)
		}
	}
	if _, err := sound.Load(t.Context(), "connection/acme/other"); !errors.Is(err, tokenstore.ErrNotFound) {
		t.Errorf("the new record: %v, want ErrNotFound", err)
	}
	if got, err := sound.Load(t.Context(), r.ID); err != nil || got.Version != 1 {
		t.Errorf("got version %d and %v, want 1", got.Version, err)
	}
}

// A replica would repeat the statement, not its effect, and find that it is read-only.
func TestABinaryLogOfStatementsHoldsNoQuestionThatAReplicaAnswersOtherwise(t *testing.T) {
	p := mariadb(t)
	migrated(t, p)
	w := &watch{setting: map[string]string{"binlog_format": "STATEMENT"}}
	s := over(t, w.connect(t, p), p)
	for _, step := range steps(t.Context(), s) {
		if err := step.do(); err != nil || strings.Contains(w.last, "@@") {
			t.Errorf("%s: %v, by %q", step.name, err, w.last)
		}
	}
}

func TestAReadOnlyReplicaOfMariaDBRefusesThePrivilegedAndRepeatsWhatThePrimaryWrote(t *testing.T) {
	for _, format := range []string{"STATEMENT", "MIXED"} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			needs.Patience(t)
			primary := servers.StartMariaDB(t, "server-id=1", "binlog-format="+format)
			replica := servers.StartMariaDB(t, "server-id=2")
			here := place{sqlstore.MySQL, "mysql", primary.DSN(), "sfauth_records"}
			there := place{sqlstore.MySQL, "mysql", replica.DSN(), "sfauth_records"}
			s := migrated(t, here)
			db := connect(t, there)
			became := over(t, db, there)
			for _, statement := range []string{
				"CHANGE MASTER TO master_host='127.0.0.1', master_port=" + primary.Port() + ", master_user='root', master_use_gtid=slave_pos",
				"SET GLOBAL read_only=1", "START SLAVE",
			} {
				if _, err := db.ExecContext(t.Context(), statement); err != nil {
					t.Fatal(err)
				}
			}
			r := record("connection/acme/main")
			for ; r.Version < 3; r.Version++ {
				if err := s.Save(t.Context(), r); err != nil {
					t.Fatal(err)
				}
			}
			got, err := became.Load(t.Context(), r.ID)
			for begin := time.Now(); got.Version < 3 && time.Since(begin) < 10*time.Second; got, err = became.Load(t.Context(), r.ID) {
				time.Sleep(20 * time.Millisecond)
			}
			if err != nil || got.Version != 3 {
				t.Fatalf("the replica has version %d and %v, want 3", got.Version, err)
			}
			for name, err := range map[string]error{
				"Save of a new record": became.Save(t.Context(), record("connection/acme/other")),
				"Save":                 became.Save(t.Context(), got),
				"Delete":               became.Delete(t.Context(), got.ID, got.Version),
			} {
				if !errors.Is(err, sqlstore.ErrReadOnly) {
					t.Errorf("%s: got %v, want an error wrapping ErrReadOnly", name, err)
				}
			}
			if _, err := sqlstore.Open(t.Context(), sqlstore.Config{DB: db, Dialect: there.dialect}); !errors.Is(err, sqlstore.ErrReadOnly) {
				t.Errorf("Open: got %v, want an error wrapping ErrReadOnly", err)
			}
		})
	}
}

func TestAHotStandbyRefusesTheWrites(t *testing.T) {
	needs.Patience(t)
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
