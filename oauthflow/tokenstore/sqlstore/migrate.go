package sqlstore

import (
	"context"
	"embed"
	"fmt"
	"hash/fnv"
	"strings"
)

//go:embed schema/*.sql
var schemas embed.FS

// Schema returns the statements that [Store.Migrate] executes. Each statement ends with a semicolon and a line break. Use it if
// only another person has the right to create tables. Schema sends nothing to the database.
func (s *Store) Schema() string {
	text, err := schemas.ReadFile(s.grammar.schema)
	if err != nil {
		panic(err) // it is in the program
	}
	return strings.NewReplacer("{table}", s.asNamed, "{index}", s.index).Replace(string(text))
}

// Migrate creates the table and its index if they are missing. For that it needs the right to create tables. If they exist,
// Migrate only checks them: it takes no lock that blocks a change, and it needs the same rights as the other methods. Several
// processes may call it at the same time.
//
// If the server accepts no writes, the error wraps [ErrReadOnly]. If the table is not fit, it wraps [ErrTable].
func (s *Store) Migrate(ctx context.Context) error {
	err := s.retry(ctx, func() error {
		if made, err := s.made(ctx); made || err != nil {
			return err
		}
		return s.create(ctx)
	})
	if err != nil {
		return fmt.Errorf("sqlstore: making the table %s: %w", s.table, err)
	}
	// A table of that name may be another's.
	rows, err := s.db.QueryContext(ctx, "SELECT id, version, due, data FROM "+s.table+" WHERE 1 = 0")
	if err != nil {
		return fmt.Errorf("sqlstore: the table %s exists, but is another one: %w", s.table, contextFirst(ctx, err))
	}
	if err := rows.Close(); err != nil {
		return err
	}
	facts, err := s.inspected(ctx)
	if err == nil {
		err = facts.problem()
	}
	if err != nil {
		return err
	}
	return s.try(ctx, facts)
}

// made looks for the table and its index. CREATE INDEX IF NOT EXISTS would do so, too, but PostgreSQL has it wait for the
// table first, and all changes wait behind it.
func (s *Store) made(ctx context.Context) (bool, error) {
	var n int
	err := s.db.QueryRowContext(ctx, s.names().Replace(s.grammar.made)).Scan(&n)
	return n > 0, err
}

// names puts the names of table and index into a query, as text between quotes.
func (s *Store) names() *strings.Replacer {
	schema, name, found := strings.Cut(s.name, ".")
	if !found {
		schema, name = "", s.name
	}
	return strings.NewReplacer("{table}", strings.ReplaceAll(s.table, "'", "''"), "{schema}", schema, "{name}", name, "{index}", indexName(s.name))
}

func (s *Store) create(ctx context.Context) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // which after Commit does nothing
	statements := strings.SplitAfter(strings.TrimSpace(strings.ReplaceAll(s.Schema(), s.asNamed, s.table)), ";\n")
	if s.grammar.lock != "" {
		// Two that create one table at once would both not find it, and one would fail. The lock ends with the
		// transaction, as behind a pooler it must.
		number := fnv.New32a()
		number.Write([]byte(s.asNamed))
		statements = append([]string{fmt.Sprintf(s.grammar.lock, number.Sum32())}, statements...)
	}
	for _, statement := range statements {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return tx.Commit()
}
