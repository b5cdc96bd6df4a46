package bench

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"golang.org/x/sys/unix"

	"github.com/fullcast/sfauth/internal/needs"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
	"github.com/fullcast/sfauth/oauthflow/tokenstore/filestore"
)

// turns are how long and how often the stores take turns.
const (
	turn   = 20 * time.Millisecond
	rounds = 20
)

// swapping returns a function that swaps records by compare-and-swap, each caller one that nobody else has meanwhile.
func swapping(t *testing.T, s tokenstore.Store, swap func(tokenstore.Record) error) func() {
	t.Helper()
	free := make(chan tokenstore.Record, askers)
	for i := range askers {
		r := stored(i, 0)
		if err := s.Save(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		r.Version = 1
		free <- r
	}
	return func() {
		r := <-free
		if err := swap(r); err != nil {
			panic(err)
		}
		r.Version++
		free <- r
	}
}

func saving(t *testing.T, s tokenstore.Store) func() {
	return swapping(t, s, func(r tokenstore.Record) error { return s.Save(context.Background(), r) })
}

// durableWrite returns a function that writes a record's data into a file that is there, and waits for the disk.
func durableWrite(t *testing.T) func() {
	t.Helper()
	file, err := os.Create(filepath.Join(t.TempDir(), "bare"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	data := stored(0, 0).Data
	return func() {
		if _, err := file.WriteAt(data, 0); err != nil {
			panic(err)
		}
		if err := unix.Fdatasync(int(file.Fd())); err != nil {
			panic(err)
		}
	}
}

func TestRow6bFilesBesideADurableWrite(t *testing.T) {
	quiet(t)
	dir := t.TempDir()
	s, err := filestore.Open(filestore.Config{Dir: filepath.Join(dir, "records")})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	data, write := stored(0, 0).Data, durableWrite(t)
	folder, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer folder.Close()
	replace := func() { // what a file needs to be old or new after a power cut, and nothing else
		temp := filepath.Join(dir, "new")
		f, err := os.OpenFile(temp, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
		if err == nil {
			_, err = f.Write(data)
		}
		if err == nil {
			err = errors.Join(f.Sync(), f.Close(), os.Rename(temp, filepath.Join(dir, "replaced")), folder.Sync())
		}
		if err != nil {
			panic(err)
		}
	}
	swap := func() { // the same for one of several processes, which must see that it replaces what it knows
		lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
		if err == nil {
			err = unix.Flock(int(lock.Fd()), unix.LOCK_EX)
		}
		if err == nil {
			_, err = os.ReadFile(filepath.Join(dir, "replaced"))
		}
		if err != nil {
			panic(err)
		}
		replace()
		if err := errors.Join(unix.Flock(int(lock.Fd()), unix.LOCK_UN), lock.Close()); err != nil {
			panic(err)
		}
	}
	replace()
	save := saving(t, s)
	judge(t, byClock, func(longer int) []row {
		got := waited(1, rounds*longer, turn, alternative{"write and fdatasync", write}, alternative{"ours", save}, alternative{"bare replace", replace}, alternative{"bare swap", swap})
		return []row{
			{"6b", "filestore: what a swap adds to a bare durable one, of a call of 100 ms", "", got[1].beyond(got[3]).percentOf(call), 2, "%"},
			asGuide(row{"6b", "  a whole swap", fmt.Sprintf("bare durable replace %.1f×", got[2].ratio.mid), got[1].ratio.limited(1), 4.2, "× a write and fdatasync"}),
			asGuide(row{"6b", "  beside a bare durable swap", fmt.Sprintf("bare durable replace %.2f×", got[2].over(got[3]).mid), got[1].over(got[3]), 1.1, "× a bare durable swap"}),
		}
	})
}

// The same statement in a table of the same kind on the same driver, without this module.
func TestRow6bAnd6cDatabasesBesideTheBareStatement(t *testing.T) {
	quiet(t)
	for _, d := range []struct {
		row  string
		open func(*testing.T) backEnd
		bare func(*sql.DB, string) func(tokenstore.Record) (sql.Result, error)
	}{{"6b", sqlite, bound}, {"6c", postgres, bound}, {"6c", mariadb, spelled}} {
		ours, bare := d.open(t), d.open(t)
		if ours.err != nil || bare.err != nil {
			needs.Missing(t, "no %s: %v", ours.name, ours.err)
		}
		update := d.bare(bare.db, bare.table)
		swap := swapping(t, bare.store, func(r tokenstore.Record) error {
			result, err := update(r)
			if err != nil {
				return err
			}
			if n, err := result.RowsAffected(); err != nil || n != 1 {
				return fmt.Errorf("%d rows changed, %w", n, err)
			}
			return nil
		})
		save := saving(t, ours.store)
		for _, g := range []int{1, askers} {
			judge(t, byClock, func(longer int) []row {
				got := waited(g, rounds*longer, turn, alternative{"the bare statement", swap}, alternative{"ours", save})
				return []row{{d.row, fmt.Sprintf("%s: a swap, %d at once", ours.name, g), "", got[1].ratio.limited(1), 1.1, "× the bare statement"}}
			})
		}
	}
}

// bound has the values beside the statement, which is prepared once for each connection.
func bound(db *sql.DB, table string) func(tokenstore.Record) (sql.Result, error) {
	statement := `UPDATE "` + table + `" SET version = $1, due = $2, data = $3 WHERE id = $4 AND version = $5`
	return func(r tokenstore.Record) (sql.Result, error) {
		return db.Exec(statement, int64(r.Version)+1, r.Due.UnixMicro(), r.Data, r.ID, int64(r.Version))
	}
}

// spelled has the values in the statement, since MySQL's driver would ask twice.
func spelled(db *sql.DB, table string) func(tokenstore.Record) (sql.Result, error) {
	return func(r tokenstore.Record) (sql.Result, error) {
		return db.Exec(fmt.Sprintf("UPDATE `%s` SET version = %d, due = %d, data = X'%x' WHERE id = X'%x' AND version = %d",
			table, r.Version+1, r.Due.UnixMicro(), r.Data, r.ID, r.Version))
	}
}

func TestRow6bSQLiteBesideADurableWrite(t *testing.T) {
	quiet(t)
	b := sqlite(t)
	if b.err != nil {
		t.Fatal(b.err)
	}
	write, save := durableWrite(t), saving(t, b.store)
	judge(t, byClock, func(longer int) []row {
		got := waited(1, rounds*longer, turn, alternative{"write and fdatasync", write}, alternative{"ours", save})
		return []row{{"6b", "SQLite: a durable swap", "", got[1].ratio.limited(1), 2.3, "× a write and fdatasync"}}
	})
}

// The same script on the same client, without this module, beside the round trip that a PING takes.
func TestRow6dRedisBesideTheBareScript(t *testing.T) {
	quiet(t)
	ours, bare := redisServer(t), redisServer(t)
	if ours.err != nil || bare.err != nil {
		needs.Missing(t, "no Redis: %v", ours.err)
	}
	text, err := os.ReadFile(filepath.Join("..", "..", "oauthflow", "redisstore", "save.lua"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, script, prefix := context.Background(), redis.NewScript(string(text)), "{"+bare.prefix+"}:"
	swap := swapping(t, bare.store, func(r tokenstore.Record) error {
		keys := []string{prefix + "record:" + r.ID, prefix + "due"}
		due := fmt.Sprintf("%018d", r.Due.UnixMicro())
		swapped, err := script.Run(ctx, bare.client, keys, r.Version, r.Version+1, due, r.Data, r.ID).Bool()
		if err == nil && !swapped {
			err = tokenstore.ErrConflict
		}
		return err
	})
	save := saving(t, ours.store)
	for _, g := range []int{1, askers} {
		judge(t, byClock, func(longer int) []row {
			got := waited(g, rounds*longer, turn, alternative{"the bare script", swap}, alternative{"ours", save},
				alternative{"PING", func() { bare.client.Ping(ctx) }})
			return []row{
				{"6d", fmt.Sprintf("%s: what a swap adds, %d at once, of a call of 100 ms", ours.name, g), "", got[1].beyond(got[0]).percentOf(call), 0.5, "%"},
				asGuide(row{"6d", "  beside the bare script", fmt.Sprintf("PING %.2f×", got[2].ratio.mid), got[1].ratio.limited(1), 1.1, "× the bare script"}),
			}
		})
	}
}
