package sqlstore

import (
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// try saves, changes and deletes records in a transaction that it then undoes. No catalog tells what other unique indexes,
// checks and triggers do to a record; this does. The error is a [TableError], or of the database. Where the user may not write, or
// there is no table, nothing is tried.
func (s *Store) try(ctx context.Context, f tableFacts) error {
	if f.Kind != "table" || f.Columns != 4 {
		return nil
	}
	var problem string
	err := s.retry(ctx, func() error {
		tx, err := s.db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer tx.Rollback()
		problem, err = trial{s, tx}.run(ctx)
		return err
	})
	switch {
	case errors.Is(err, ErrReadOnly), errors.Is(err, ErrNoTable), err != nil && s.grammar.judge(err) == unsupported:
		return nil
	case err != nil:
		return fmt.Errorf("sqlstore: trying the table in a transaction that is undone: %w", contextFirst(ctx, err))
	case problem != "":
		return &TableError{Table: f.qualified(), Problem: "does not keep what is saved: " + problem,
			Remedy: "drop the unique indexes, checks and columns that Schema does not have, and the triggers that change this table or refuse; " +
				"a trigger that only notes a change elsewhere may stay"}
	}
	return nil
}

// A trial runs in one transaction.
type trial struct {
	s  *Store
	tx *sql.Tx
}

// run returns what the table does to records that it should keep. Their ids are as long as ids may be, and differ in case or in a
// trailing blank alone; all else they have in common. No other process has them, so that none waits.
func (r trial) run(ctx context.Context) (problem string, err error) {
	prefix := "trial/" + rand.Text() + "/"
	prefix += strings.Repeat("x", maxID-len("a ")-len(prefix))
	due := time.Date(2000, 1, 1, 0, 0, 0, 1000, time.UTC)
	first, second, third := tokenstore.Record{ID: prefix + "a"}, tokenstore.Record{ID: prefix + "A"}, tokenstore.Record{ID: prefix + "a "}
	for _, made := range []*tokenstore.Record{&first, &second, &third} {
		made.Version, made.Due, made.Data = 1, due, everyByte(16)
		if problem, err := r.write(ctx, "a new record", r.s.insertion(key(made.ID), due.UnixMicro(), made.Data, "")); problem != "" || err != nil {
			return problem, err
		}
	}
	first.Version, first.Due, first.Data = 2, due.AddDate(1, 0, 0), everyByte(17)
	if problem, err := r.write(ctx, "a change", r.s.update(key(first.ID), 1, first.Due.UnixMicro(), first.Data, "")); problem != "" || err != nil {
		return problem, err
	}
	if problem, err := r.write(ctx, "a deletion", r.s.deletion(key(third.ID), 1, "")); problem != "" || err != nil {
		return problem, err
	}
	if r.s.grammar.settle != "" {
		if _, err := r.tx.ExecContext(ctx, r.s.grammar.settle); err != nil {
			return r.refused("the end of the transaction", err)
		}
	}
	for _, want := range []tokenstore.Record{first, second} {
		switch got, found, err := r.read(ctx, want.ID); {
		case err != nil:
			return "", err
		case !found:
			return "a record that was saved is not there", nil
		case got.Version != want.Version || !got.Due.Equal(want.Due) || !bytes.Equal(got.Data, want.Data):
			return "a record that was saved is there, but changed", nil
		}
	}
	if _, found, err := r.read(ctx, third.ID); found || err != nil {
		return "a record that was deleted is still there", err
	}
	return "", nil
}

// write executes a statement that must affect one row.
func (r trial) write(ctx context.Context, doing string, q *statement) (problem string, err error) {
	result, err := r.tx.ExecContext(ctx, q.text.String(), q.args...)
	if err != nil {
		return r.refused(doing, err)
	}
	rows, err := result.RowsAffected()
	if err != nil || rows == 1 {
		return "", err
	}
	if r.s.writable != "" {
		var writable bool
		if err := r.tx.QueryRowContext(ctx, "SELECT "+r.s.writable).Scan(&writable); err != nil || !writable {
			return "", errors.Join(ErrReadOnly, err)
		}
	}
	why := "as if another record were in its place, or the record that was saved before were not there"
	if r.s.grammar.why != "" {
		var level, message string
		var code int64
		if r.tx.QueryRowContext(ctx, r.s.grammar.why).Scan(&level, &code, &message) == nil {
			why = fmt.Sprintf("with the words %.300q", message)
		}
	}
	return doing + " is refused " + why, nil
}

// refused tells an error that is about the row from all others.
func (r trial) refused(doing string, err error) (string, error) {
	if r.s.grammar.judge(err) != rowRefused {
		return "", err
	}
	return fmt.Sprintf("%s is refused with the words %.300q", doing, err.Error()), nil
}

func (r trial) read(ctx context.Context, id string) (got tokenstore.Record, found bool, err error) {
	q := r.s.selection(key(id))
	var name sql.NullString
	var version, due sql.NullInt64
	if err := r.tx.QueryRowContext(ctx, q.text.String(), q.args...).Scan(&name, &version, &due, &got.Data, &got.Timeline); err != nil || !name.Valid {
		return got, false, err
	}
	got.ID, got.Version, got.Due = name.String, uint64(version.Int64), time.UnixMicro(due.Int64).UTC()
	got.Data, err = r.s.decoded(got.Data)
	return got, true, err
}

// everyByte returns each byte so many times.
func everyByte(times int) []byte {
	out := make([]byte, 0, 256*times)
	for range times {
		for b := range 256 {
			out = append(out, byte(b))
		}
	}
	return out
}
