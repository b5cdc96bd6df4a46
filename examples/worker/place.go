package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"os"
	"strings"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/fullcast/sfauth/examples/internal/outcome"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
	"github.com/fullcast/sfauth/oauthflow/tokenstore/filestore"
	"github.com/fullcast/sfauth/oauthflow/tokenstore/sqlstore"
)

// place is the store that all processes share: a directory, or a table of a PostgreSQL database.
type place struct {
	Dir        string
	DSN, Table string
}

// place prepares the store for this run alone; remove takes it away again.
func (s settings) place(ctx context.Context) (p place, remove func() error, err error) {
	if s.postgres == "" {
		p.Dir, err = os.MkdirTemp("", "sfauth-worker-")
		return p, func() error { return os.RemoveAll(p.Dir) }, err
	}
	p = place{DSN: s.postgres, Table: "sfauth_worker_" + strings.ToLower(rand.Text())}
	db, err := sql.Open("pgx", p.DSN)
	if err != nil {
		return p, nil, outcome.Input("SFAUTH_POSTGRES: %v", err)
	}
	store, err := p.table(ctx, db)
	if err == nil {
		err = store.Migrate(ctx)
	}
	if err != nil {
		return p, nil, errors.Join(outcome.Input("SFAUTH_POSTGRES: %v", err), db.Close())
	}
	return p, func() error {
		_, err := db.Exec("DROP TABLE " + p.Table)
		return errors.Join(err, db.Close())
	}, nil
}

// open opens the place in one process.
func (p place) open(ctx context.Context) (tokenstore.Store, func() error, error) {
	if p.DSN == "" {
		store, err := filestore.Open(filestore.Config{Dir: p.Dir})
		if err != nil {
			return nil, nil, err
		}
		return store, store.Close, nil
	}
	db, err := sql.Open("pgx", p.DSN)
	if err != nil {
		return nil, nil, err
	}
	db.SetMaxOpenConns(4) // in each of up to 16 processes; a server has a hundred by default
	db.SetMaxIdleConns(4) // else two, and every rush of calls opens new ones
	db.SetConnMaxLifetime(5 * time.Minute)
	store, err := p.table(ctx, db)
	if err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	return store, db.Close, nil
}

// table accepts a database that was made fast for tests: what is stored here is worth nothing tomorrow.
func (p place) table(ctx context.Context, db *sql.DB) (*sqlstore.Store, error) {
	return sqlstore.Open(ctx, sqlstore.Config{
		DB: db, Dialect: sqlstore.PostgreSQL, Table: p.Table, Durability: sqlstore.AcknowledgedWritesMayBeLost,
	})
}

// String names the place without its password.
func (p place) String() string {
	if p.DSN == "" {
		return "the directory " + p.Dir
	}
	return "the PostgreSQL table " + p.Table
}
