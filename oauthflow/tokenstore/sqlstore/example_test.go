package sqlstore_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/fullcast/sfauth/oauthflow/tokenstore"
	"github.com/fullcast/sfauth/oauthflow/tokenstore/sqlstore"
	_ "modernc.org/sqlite"
)

func ExampleOpen() {
	dir, err := os.MkdirTemp("", "example") // a service takes a place that stays, on a local disk
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "salesforce.db")+
		"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(100)")
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(4)
	db.SetMaxIdleConns(4) // a new connection would execute all pragmas again

	ctx := context.Background()
	store, err := sqlstore.Open(ctx, sqlstore.Config{DB: db, Dialect: sqlstore.SQLite})
	if err != nil {
		log.Fatal(err)
	}
	if err := store.Migrate(ctx); err != nil { // at every start, or by a user who may make tables
		log.Fatal(err)
	}

	r := tokenstore.Record{ID: "connection/acme/main", Due: time.Date(2026, 8, 1, 0, 0, 0, 0, time.UTC), Data: []byte("sealed")}
	fmt.Println("first:", store.Save(ctx, r))
	fmt.Println("again:", errors.Is(store.Save(ctx, r), tokenstore.ErrConflict))
	r, err = store.Load(ctx, r.ID)
	fmt.Println("stored:", r.Version, string(r.Data), err)
	// Output:
	// first: <nil>
	// again: true
	// stored: 1 sealed <nil>
}

// PostgreSQL with the driver of jackc/pgx, behind a pooler that hands out connections by transaction. It is compiled only.
func ExampleOpen_postgreSQL() {
	ctx := context.Background()
	db, err := sql.Open("pgx", "postgres://myservice@db.internal:6432/myservice?default_query_exec_mode=exec")
	if err != nil {
		log.Fatal(err)
	}
	db.SetMaxOpenConns(16)
	db.SetMaxIdleConns(16) // else two
	db.SetConnMaxLifetime(5 * time.Minute)
	store, err := sqlstore.Open(ctx, sqlstore.Config{DB: db, Dialect: sqlstore.PostgreSQL, Table: "salesforce.records"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(store.Schema()) // for a user who may make tables
}

// MariaDB or MySQL with the driver of go-sql-driver/mysql. It is compiled only.
func ExampleOpen_mySQL() {
	ctx := context.Background()
	db, err := sql.Open("mysql", "myservice:password@tcp(db.internal:3306)/myservice?rejectReadOnly=true")
	if err != nil {
		log.Fatal(err)
	}
	db.SetMaxOpenConns(16)
	db.SetMaxIdleConns(16) // else two
	db.SetConnMaxLifetime(5 * time.Minute)
	store, err := sqlstore.Open(ctx, sqlstore.Config{DB: db, Dialect: sqlstore.MySQL})
	if err != nil {
		log.Fatal(err)
	}
	if err := store.Migrate(ctx); err != nil {
		log.Fatal(err)
	}
}
