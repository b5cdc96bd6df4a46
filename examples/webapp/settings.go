package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/fullcast/sfauth/examples/internal/outcome"
	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
	"github.com/fullcast/sfauth/oauthflow/tokenstore/filestore"
	"github.com/fullcast/sfauth/oauthflow/tokenstore/sqlstore"
)

// settings is what the person gave who started the program.
type settings struct {
	site       fullcast.Site // empty: a simulated org
	listen     string
	dir        string // empty: in memory
	tenants    []string
	postgres   string // data source name; empty: dir
	sealingKey string
	egress     []string
	code       string // asked for by the sign-in page
}

func parse(args []string, env func(string) string, stderr io.Writer) (settings, error) {
	s := settings{sealingKey: env("SFAUTH_KEY"), postgres: env("SFAUTH_POSTGRES"), code: rand.Text()}
	var site, tenants, egress string
	flags := flag.NewFlagSet("webapp", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&site, "site", "", "the Fullcast instance, as the browser sees it; without it the org is a simulated one")
	flags.StringVar(&s.listen, "listen", "localhost:8080", "where to listen")
	flags.StringVar(&s.dir, "dir", "", "keep connections in files there; without it in memory")
	flags.StringVar(&tenants, "tenant", "acme", "whose connection to look after; several with commas")
	flags.StringVar(&egress, "egress", "", "public addresses that Salesforce sees, for texts to its admins; several with commas")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		flags.SetOutput(stderr)
		fmt.Fprint(stderr, "webapp [FLAG VALUE]...   the admin page of a service; without -site against a simulated org\n\n")
		flags.PrintDefaults()
		fmt.Fprint(stderr, "\nIn the environment: SFAUTH_KEY seals what is kept (make one with: openssl rand -base64 32), SFAUTH_POSTGRES names a\n"+
			"PostgreSQL database to keep it in, such as postgres://user@host/database.\n")
		return s, err
	} else if err != nil {
		return s, outcome.Input("%v; webapp -h shows all flags", err)
	}
	if flags.NArg() > 0 {
		return s, outcome.Input("%q is not a flag", flags.Arg(0))
	}
	s.site, s.tenants = fullcast.Site(site), strings.Split(tenants, ",")
	if egress != "" {
		s.egress = strings.Split(egress, ",")
	}
	if site == "" {
		if s.dir != "" {
			return s, outcome.Input("-dir needs -site: a simulated org ends with the program, and its connections with it")
		}
		return s, nil
	}
	if err := s.site.Validate(); err != nil {
		return s, outcome.Input("-site: %v", err)
	}
	if s.dir != "" && s.postgres != "" {
		return s, outcome.Input("-dir and SFAUTH_POSTGRES exclude each other: connections are kept in one place")
	}
	if s.dir+s.postgres != "" && s.sealingKey == "" {
		return s, outcome.Input("SFAUTH_KEY is not set: it seals what is kept; make one with: openssl rand -base64 32, and keep it")
	}
	return s, nil
}

// place is where connections are kept, and what seals them.
type place struct {
	store tokenstore.Store
	keys  *tokenstore.Keyring
	close func() error
}

func (s settings) open(ctx context.Context) (*place, error) {
	key := tokenstore.GenerateSealingKey("webapp")
	if s.sealingKey != "" {
		key = tokenstore.SealingKey{ID: "webapp", Key: oauthflow.NewSecret(s.sealingKey)}
	}
	keys, err := tokenstore.NewKeyring(key)
	if err != nil {
		return nil, outcome.Input("SFAUTH_KEY must be 32 random bytes in base64; make one with: openssl rand -base64 32")
	}
	switch {
	case s.postgres != "":
		return s.openPostgres(ctx, keys)
	case s.dir != "":
		store, err := filestore.Open(filestore.Config{Dir: s.dir})
		if err != nil {
			return nil, outcome.Input("cannot keep connections in %s: %v", s.dir, err)
		}
		return &place{store, keys, store.Close}, nil
	}
	return &place{tokenstore.NewMemory(), keys, func() error { return nil }}, nil
}

// openTime bounds the look at a database that does not answer.
const openTime = 10 * time.Second

// openPostgres keeps connections in a table: for a simulated org in one of its own, which ends with the program.
func (s settings) openPostgres(ctx context.Context, keys *tokenstore.Keyring) (*place, error) {
	cfg, err := pgx.ParseConfig(s.postgres)
	if err != nil {
		return nil, outcome.Input("SFAUTH_POSTGRES must be a connection string such as postgres://user@host/database") // it may hold a password
	}
	ctx, cancel := context.WithTimeout(ctx, openTime)
	defer cancel()
	table := "sfauth_webapp"
	if s.site == "" {
		table += "_" + strings.ToLower(rand.Text())
	}
	db := stdlib.OpenDB(*cfg)
	db.SetMaxOpenConns(16)
	db.SetMaxIdleConns(16) // else two, and every rush of requests opens new ones
	db.SetConnMaxLifetime(5 * time.Minute)
	store, err := sqlstore.Open(ctx, sqlstore.Config{DB: db, Dialect: sqlstore.PostgreSQL, Table: table})
	if err == nil {
		err = store.Migrate(ctx)
	}
	if err != nil {
		_ = db.Close() // it was never of use
		return nil, outcome.Input("SFAUTH_POSTGRES: the database %s on %s cannot be used: %v", cfg.Database, cfg.Host, err)
	}
	done := db.Close
	if s.site == "" {
		done = func() error {
			_, err := db.Exec("DROP TABLE " + table)
			return errors.Join(err, db.Close())
		}
	}
	return &place{store, keys, done}, nil
}
