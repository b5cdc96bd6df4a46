package main

import (
	"context"
	"database/sql"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fullcast/sfauth/internal/needs"
)

// heard is what a program prints, read while it runs.
type heard struct {
	mu sync.Mutex
	b  strings.Builder
}

func (h *heard) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.b.Write(p)
}

func (h *heard) String() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.b.String()
}

func postgres(t *testing.T) (dsn string, db *sql.DB) {
	t.Helper()
	dsn = needs.Service(t, "SFAUTH_POSTGRES")
	db, err := sql.Open("pgx", dsn)
	if err == nil {
		err = db.PingContext(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return dsn, db
}

func tables(t *testing.T, db *sql.DB) map[string]bool {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), "SELECT tablename FROM pg_tables WHERE tablename LIKE 'sfauth\\_webapp\\_%'")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	all := map[string]bool{}
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		all[name] = true
	}
	return all
}

func TestASimulatedOrgsConnectionsAreKeptInADatabaseThatIsNamedAndTheirTableGoesWithThem(t *testing.T) {
	dsn, db := postgres(t)
	before := tables(t, db)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var stdout, stderr heard
	ended := make(chan int, 1)
	go func() {
		env := map[string]string{"SFAUTH_POSTGRES": dsn}
		ended <- run(ctx, []string{"-listen", "localhost:0"}, func(name string) string { return env[name] }, &stdout, &stderr)
	}()
	var page string
	for began := time.Now(); page == ""; time.Sleep(50 * time.Millisecond) {
		for line := range strings.Lines(stdout.String()) {
			if url, ok := strings.CutPrefix(line, "The admin page:"); ok {
				page = strings.TrimSpace(url)
			}
		}
		if time.Since(began) > time.Minute {
			t.Fatalf("it does not start: %s%s", &stdout, &stderr)
		}
	}
	resp, err := http.Get(page + "/sign-in")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	made := ""
	for name := range tables(t, db) {
		if !before[name] {
			made = name
		}
	}
	var records int
	if made == "" {
		t.Error("it has made no table")
	} else if err := db.QueryRow("SELECT count(*) FROM " + made + " WHERE id LIKE 'connection/%'").Scan(&records); err != nil || records != 1 {
		t.Errorf("the table holds %d connections, %v; want the legacy tenant's", records, err)
	}
	stop()
	if code := <-ended; code != 0 {
		t.Errorf("status %d: %s", code, &stderr)
	}
	if tables(t, db)[made] {
		t.Errorf("the table %s is left", made)
	}
}

func TestADatabaseThatCannotBeUsedIsOneClearLine(t *testing.T) {
	for name, args := range map[string][]string{
		"for a site":          {"-site", "http://localhost:8080", "-listen", "localhost:0"},
		"for a simulated org": {"-listen", "localhost:0"},
	} {
		t.Run(name, func(t *testing.T) {
			var stderr strings.Builder
			env := map[string]string{
				"SFAUTH_KEY":      "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
				"SFAUTH_POSTGRES": "postgres://user:canary@127.0.0.1:1/test",
			}
			code := run(t.Context(), args, func(name string) string { return env[name] }, &heard{}, &stderr)
			out := stderr.String()
			if code != 2 || strings.Count(out, "\n") != 1 || strings.Contains(out, "canary") ||
				!strings.Contains(out, "SFAUTH_POSTGRES: the database test on 127.0.0.1 cannot be used") {
				t.Errorf("status %d: %s", code, out)
			}
		})
	}
}
