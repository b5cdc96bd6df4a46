package sqlstore_test

import (
	"context"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/fullcast/sfauth/internal/needs"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

func TestALostAnswerIsNoConflictAndIsNotAskedForAgain(t *testing.T) {
	for name, fresh := range map[string]func(testing.TB) place{"PostgreSQL": postgres, "PostgreSQL, not preparing": unprepared, "MariaDB": mariadb} {
		t.Run(name, func(t *testing.T) {
			p := fresh(t)
			sound := migrated(t, p)
			w := &wire{}
			s := over(t, w.connect(t, p), p)
			r := record("connection/acme/main")
			for ; r.Version < 2; r.Version++ { // after that, the driver need not prepare the statement
				if err := s.Save(t.Context(), r); err != nil {
					t.Fatal(err)
				}
			}
			w.Lose.Store(math.MaxInt64)
			err := s.Save(t.Context(), r)
			if err == nil || errors.Is(err, tokenstore.ErrConflict) {
				t.Errorf("Save: got %v, want an error that is no conflict", err)
			}
			w.Lose.Store(0)
			for range 400 { // the statement may still be under way
				if got, err := sound.Load(t.Context(), r.ID); err != nil || got.Version != 2 {
					if err != nil || got.Version != 3 {
						t.Errorf("got version %d and %v, want 3", got.Version, err)
					}
					return
				}
				time.Sleep(5 * time.Millisecond)
			}
			t.Error("the Save whose answer was lost never arrived")
		})
	}
}

func TestASessionThatIsEndedWhileASaveWaitsIsNoConflict(t *testing.T) {
	end := map[string]string{
		"PostgreSQL": "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%'||$1||'%' AND pid <> pg_backend_pid()",
		"MariaDB":    "SELECT id FROM information_schema.processlist WHERE info LIKE CONCAT('UPDATE%', ?, '%')",
	}
	for name, fresh := range map[string]func(testing.TB) place{"PostgreSQL": postgres, "MariaDB": mariadb} {
		t.Run(name, func(t *testing.T) {
			p := fresh(t)
			s := migrated(t, p)
			r := record("connection/acme/main")
			if err := s.Save(t.Context(), r); err != nil {
				t.Fatal(err)
			}
			r.Version = 1
			db := connect(t, p)
			tx, err := db.BeginTx(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer tx.Rollback()
			if _, err := tx.ExecContext(t.Context(), "UPDATE "+p.table+" SET due = 1"); err != nil { // which locks the row
				t.Fatal(err)
			}
			saved := make(chan error, 1)
			go func() { saved <- s.Save(t.Context(), r) }()
			for waiting := true; waiting; {
				rows, err := db.QueryContext(t.Context(), end[name], p.table)
				if err != nil {
					t.Fatal(err)
				}
				var session string
				if rows.Next() {
					if err := rows.Scan(&session); err != nil {
						t.Fatal(err)
					}
				}
				rows.Close()
				if session != "" && name == "MariaDB" {
					if _, err := db.ExecContext(t.Context(), "KILL CONNECTION "+session); err != nil {
						t.Fatal(err)
					}
				}
				waiting = session == ""
			}
			if err := <-saved; err == nil || errors.Is(err, tokenstore.ErrConflict) {
				t.Errorf("Save: got %v, want an error that is no conflict", err)
			}
			if err := tx.Rollback(); err != nil {
				t.Fatal(err)
			}
			if got, err := s.Load(t.Context(), r.ID); err != nil || got.Version != 1 {
				t.Errorf("got version %d and %v, want 1", got.Version, err)
			}
			if err := s.Save(t.Context(), r); err != nil {
				t.Errorf("Save afterwards: %v", err)
			}
		})
	}
}

func TestASaveThatMustWaitLeavesWithItsContext(t *testing.T) {
	eachDatabase(t, func(t *testing.T, p place) {
		s := migrated(t, p)
		r := record("connection/acme/main")
		if err := s.Save(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		r.Version = 1
		tx, err := connect(t, p).BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer tx.Rollback()
		if _, err := tx.ExecContext(t.Context(), "UPDATE "+p.table+" SET due = 1"); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		begin := time.Now()
		if err := s.Save(ctx, r); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want an error wrapping context.DeadlineExceeded", err)
		}
		if took := time.Since(begin); needs.Late(took, 3*time.Second) {
			t.Errorf("it returned after %v, want soon after 300 ms", took)
		}
	})
}
