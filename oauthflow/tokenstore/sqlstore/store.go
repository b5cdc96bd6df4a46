package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// Store is a [tokenstore.Store] in a table of a database; see the package comment. Its methods are safe for concurrent use. It
// has no Close: the caller closes Config.DB.
type Store struct {
	db           *sql.DB
	dialect      Dialect
	grammar      *grammar
	name         string        // of the table, as configured
	asNamed      string        // the table as configured, quoted
	table, index string        // quoted; the table with its schema where that is known
	timeline     string        // expression; noTimeline where the database does not tell
	hides        string        // expression: whether rows are hidden from who asks; may be empty
	writable     string        // condition of every write; may be empty
	turn         chan struct{} // taken by the one change that a file takes at a time; nil of a server
}

var (
	_ tokenstore.TimelineStore = (*Store)(nil)
	_ tokenstore.PooledStore   = (*Store)(nil)
)

// Pool implements [tokenstore.PooledStore]. It returns the limit that SetMaxOpenConns has set on Config.DB; 0 means that there is
// no limit.
func (s *Store) Pool() int { return s.db.Stats().MaxOpenConnections }

// Load implements [tokenstore.Store]. For an invalid id it returns an error that does not wrap tokenstore.ErrNotFound.
func (s *Store) Load(ctx context.Context, id string) (tokenstore.Record, error) {
	if err := checkID(id); err != nil {
		return tokenstore.Record{}, err
	}
	q := s.selection(key(id))
	var found sql.NullString
	var version, due sql.NullInt64
	var r tokenstore.Record
	err := s.retry(ctx, func() error {
		return s.db.QueryRowContext(ctx, q.text.String(), q.args...).Scan(&found, &version, &due, &r.Data, &r.Timeline)
	})
	if err != nil {
		return tokenstore.Record{}, fmt.Errorf("sqlstore: loading %s: %w", id, err)
	}
	if r.Data, err = s.decoded(r.Data); err != nil {
		return tokenstore.Record{}, fmt.Errorf("sqlstore: loading %s: %w", id, err)
	}
	if !found.Valid {
		return tokenstore.Record{Timeline: r.Timeline}, fmt.Errorf("%w: %s", tokenstore.ErrNotFound, id)
	}
	r.ID, r.Version, r.Due = found.String, uint64(version.Int64), time.UnixMicro(due.Int64).UTC()
	return r, nil
}

// Save implements [tokenstore.Store]. If the record is invalid, the error names the field. The greatest Version that Save accepts
// is math.MaxInt64 - 2, because the columns of the databases have 64 bits with a sign.
func (s *Store) Save(ctx context.Context, r tokenstore.Record) error {
	if err := checkRecord(r); err != nil {
		return err
	}
	data := r.Data
	if data == nil {
		data = []byte{} // which is not NULL
	}
	if r.Version == 0 {
		return s.change(ctx, "saving", r.ID, s.insertion(key(r.ID), r.Due.UnixMicro(), data, r.Timeline))
	}
	return s.change(ctx, "saving", r.ID, s.update(key(r.ID), int64(r.Version), r.Due.UnixMicro(), data, r.Timeline))
}

// Delete implements [tokenstore.Store]. For an invalid id it returns an error that does not wrap tokenstore.ErrConflict.
func (s *Store) Delete(ctx context.Context, id string, version uint64) error {
	return s.DeleteIn(ctx, "", id, version)
}

// DeleteIn implements [tokenstore.TimelineStore]. If the database has no timeline, DeleteIn ignores timeline, as Delete does.
func (s *Store) DeleteIn(ctx context.Context, timeline, id string, version uint64) error {
	if err := checkID(id); err != nil {
		return err
	}
	return s.change(ctx, "deleting", id, s.deletion(key(id), int64(min(version, maxVersion)), timeline))
}

// change executes a statement that must affect one row.
func (s *Store) change(ctx context.Context, doing, id string, q *statement) error {
	if s.turn != nil { // a busy file lets in whom chance chooses, and others starve; who waits here comes in turn
		select {
		case s.turn <- struct{}{}:
			defer func() { <-s.turn }()
		case <-ctx.Done():
			return fmt.Errorf("sqlstore: %s %s: %w", doing, id, ctx.Err())
		}
	}
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
	return fmt.Errorf("%w: %s", tokenstore.ErrConflict, id)
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
		case hiddenRows:
			return fmt.Errorf("%w: %w", s.hiddenFrom(ctx), err)
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

// decoded returns what the expression of the data stands for.
func (s *Store) decoded(data []byte) ([]byte, error) {
	if s.grammar.decode == nil || data == nil {
		return data, nil
	}
	return s.grammar.decode(data)
}

// scan reads a row, and into more what else it has; the record's data are its own.
func (s *Store) scan(row interface{ Scan(...any) error }, more ...any) (tokenstore.Record, error) {
	var r tokenstore.Record
	var version, due int64
	if err := row.Scan(append([]any{&r.ID, &version, &due, &r.Data}, more...)...); err != nil {
		return tokenstore.Record{}, err
	}
	r.Version = uint64(version)
	r.Due = time.UnixMicro(due).UTC()
	var err error
	r.Data, err = s.decoded(r.Data)
	return r, err
}

// maxVersion is a version that no record has: the databases' integers end there.
const maxVersion = math.MaxInt64

func checkRecord(r tokenstore.Record) error {
	if err := r.Validate(); err != nil {
		return fmt.Errorf("sqlstore: saving: %w", err)
	}
	if r.Version >= maxVersion-1 {
		return fmt.Errorf("sqlstore: saving: %w: %w", tokenstore.ErrInvalidRecord,
			&tokenstore.FieldError{Field: "Record.Version", Problem: fmt.Sprintf("%d has no successor", r.Version)})
	}
	return nil
}

func checkID(id string) error {
	if id == "" || len(id) > maxID {
		return fmt.Errorf("sqlstore: the record's ID has %d bytes, must have 1 to %d", len(id), maxID)
	}
	if !printable(id) {
		return fmt.Errorf("sqlstore: the record's ID %+q must be printable ASCII", id)
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
