package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
)

// Store is an [oauthflow.Store] in a table of a database; see the package comment. Its methods may be called from many
// goroutines.
type Store struct {
	db           *sql.DB
	grammar      *grammar
	name         string // of the table, as configured
	table, index string // quoted
	timeline     string // expression; '' where the database does not tell
	writable     string // condition of every write; may be empty
}

var _ oauthflow.Store = (*Store)(nil)

// Load implements [oauthflow.Store].
func (s *Store) Load(ctx context.Context, id string) (oauthflow.Record, error) {
	if err := checkID(id); err != nil {
		return oauthflow.Record{}, err
	}
	q := s.selection(key(id))
	var found sql.NullString
	var version, due sql.NullInt64
	var r oauthflow.Record
	err := s.retry(ctx, func() error {
		return s.db.QueryRowContext(ctx, q.text.String(), q.args...).Scan(&found, &version, &due, &r.Data, &r.Timeline)
	})
	if err != nil {
		return oauthflow.Record{}, fmt.Errorf("sqlstore: loading %s: %w", id, err)
	}
	if !found.Valid {
		return oauthflow.Record{Timeline: r.Timeline}, fmt.Errorf("%w: %s", oauthflow.ErrNotFound, id)
	}
	r.ID, r.Version, r.Due = found.String, uint64(version.Int64), time.UnixMicro(due.Int64).UTC()
	return r, nil
}

// Save implements [oauthflow.Store]. It refuses what is no valid record with an error that names the field.
func (s *Store) Save(ctx context.Context, r oauthflow.Record) error {
	if err := checkRecord(r); err != nil {
		return err
	}
	data := r.Data
	if data == nil {
		data = []byte{} // which is not NULL
	}
	if r.Version == 0 {
		return s.change(ctx, "saving", r.ID, s.insertion(key(r.ID), r.Due.UnixMicro(), data))
	}
	return s.change(ctx, "saving", r.ID, s.update(key(r.ID), int64(r.Version), r.Due.UnixMicro(), data))
}

// Delete implements [oauthflow.Store].
func (s *Store) Delete(ctx context.Context, id string, version uint64) error {
	if err := checkID(id); err != nil {
		return err
	}
	return s.change(ctx, "deleting", id, s.deletion(key(id), int64(min(version, maxVersion))))
}

// change executes a statement that must affect one row.
func (s *Store) change(ctx context.Context, doing, id string, q *statement) error {
	var rows int64
	err := s.retry(ctx, func() error {
		result, err := s.db.ExecContext(ctx, q.text.String(), q.args...)
		if err != nil {
			return err
		}
		rows, err = result.RowsAffected()
		return err
	})
	switch {
	case err != nil:
		return fmt.Errorf("sqlstore: %s %s: %w", doing, id, err)
	case rows == 0:
		return s.refusal(ctx, doing, id)
	}
	return nil
}

// refusal says why a statement found no row: the record has another version, unless the database takes no writes.
func (s *Store) refusal(ctx context.Context, doing, id string) error {
	if s.writable != "" {
		var writable bool
		err := s.retry(ctx, func() error { return s.db.QueryRowContext(ctx, "SELECT "+s.writable).Scan(&writable) })
		if err == nil && !writable {
			err = ErrReadOnly
		}
		if err != nil {
			return fmt.Errorf("sqlstore: %s %s: %w", doing, id, err)
		}
	}
	return fmt.Errorf("%w: %s", oauthflow.ErrConflict, id)
}

const (
	patience   = 5 * time.Second // no new try after that
	firstPause = time.Millisecond
	lastPause  = 100 * time.Millisecond
)

// retry calls do again as long as the database says that it has undone it. The error wraps ctx's when that is why, or
// the reason that the database's words stand for.
func (s *Store) retry(ctx context.Context, do func() error) error {
	begin := time.Now()
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		err := do()
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		switch s.grammar.judge(err) {
		case undone:
			if time.Since(begin) > patience {
				return err
			}
		case readOnly:
			return fmt.Errorf("%w: %w", ErrReadOnly, err)
		case noTable:
			return fmt.Errorf("%w: %w", ErrNoTable, err)
		default:
			return err
		}
		select {
		case <-time.After(rand.N(pause)):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// scan reads a row, and into more what else it has; the record's data are its own.
func scan(row interface{ Scan(...any) error }, more ...any) (oauthflow.Record, error) {
	var r oauthflow.Record
	var version, due int64
	if err := row.Scan(append([]any{&r.ID, &version, &due, &r.Data}, more...)...); err != nil {
		return oauthflow.Record{}, err
	}
	r.Version = uint64(version)
	r.Due = time.UnixMicro(due).UTC()
	return r, nil
}

// maxVersion is a version that no record has: the databases' integers end there.
const maxVersion = math.MaxInt64

func checkRecord(r oauthflow.Record) error {
	if err := checkID(r.ID); err != nil {
		return err
	}
	switch year := r.Due.UTC().Year(); {
	case year < 1970 || year > 9999:
		return fmt.Errorf("sqlstore: record %s: Due is %s, must be from 1970 to 9999", r.ID, r.Due.UTC().Format(time.RFC3339))
	case len(r.Data) > oauthflow.MaxRecordData:
		return fmt.Errorf("sqlstore: record %s: Data has %d bytes, at most %d fit", r.ID, len(r.Data), oauthflow.MaxRecordData)
	case r.Version >= maxVersion-1:
		return fmt.Errorf("sqlstore: record %s: Version %d has no successor", r.ID, r.Version)
	}
	return nil
}

func checkID(id string) error {
	if id == "" || len(id) > maxID {
		return fmt.Errorf("sqlstore: the record's ID has %d bytes, must have 1 to %d", len(id), maxID)
	}
	if !printable(id) {
		return fmt.Errorf("sqlstore: the record's ID %q must be printable ASCII", id)
	}
	return nil
}

const maxID = 255

// printable reports whether all of s may be part of an id.
func printable(s string) bool {
	for _, c := range []byte(s) {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return true
}
