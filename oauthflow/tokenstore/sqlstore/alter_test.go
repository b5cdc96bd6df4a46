package sqlstore_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
	"github.com/fullcast/sfauth/oauthflow/tokenstore/sqlstore"
)

// foldIDs makes the database take ids that differ by case for one, in a table with records that a store has open.
func foldIDs(t *testing.T, p place) {
	t.Helper()
	switch p.dialect {
	case sqlstore.PostgreSQL:
		executed(t, p, "CREATE COLLATION {table}_nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false)",
			"ALTER TABLE {table} ALTER id TYPE text COLLATE {table}_nocase")
		t.Cleanup(func() {
			db := connect(t, p)
			for _, statement := range []string{"DROP TABLE " + p.table, "DROP COLLATION " + p.table + "_nocase"} {
				if _, err := db.ExecContext(context.Background(), statement); err != nil {
					t.Error(err)
				}
			}
		})
	case sqlstore.MySQL:
		executed(t, p, "ALTER TABLE {table} MODIFY id VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci NOT NULL")
	case sqlstore.SQLite:
		executed(t, p, "ALTER TABLE {table} RENAME TO former", "CREATE TABLE {table} (id TEXT COLLATE NOCASE PRIMARY KEY, version INTEGER, due INTEGER, data BLOB)",
			"INSERT INTO {table} SELECT * FROM former", "DROP TABLE former")
	}
}

// tokens is a login host that answers each refresh, and notes that it was asked.
type tokens struct{ asked atomic.Int32 }

func (s *tokens) RoundTrip(r *http.Request) (*http.Response, error) {
	body := fmt.Sprintf(`{"access_token":"00DTEST000000001!%d","instance_url":"https://bank.my.salesforce.com",
		"id":"https://login.salesforce.com/id/00DTEST000000001AA/005TEST000000001AA","token_type":"Bearer"}`, s.asked.Add(1))
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

// Somebody alters the table after Open, so that the database takes "Bank" for "bank": an ORM's migration, an administrator.
func TestACollationWithoutCaseThatComesAfterOpenGivesNobodyAnothersToken(t *testing.T) {
	bank, other := oauthflow.Key{Tenant: "bank", Name: "main"}, oauthflow.Key{Tenant: "Bank", Name: "main"}
	eachDatabase(t, func(t *testing.T, p place) {
		s := migrated(t, p)
		keys, err := tokenstore.NewKeyring(tokenstore.GenerateSealingKey("test"))
		if err != nil {
			t.Fatal(err)
		}
		salesforce := &tokens{}
		flow, err := oauthflow.NewFlow(oauthflow.Config{RedirectURLs: []string{"https://app.fullcast.io/app/admin/motion"}, Transport: salesforce})
		if err != nil {
			t.Fatal(err)
		}
		host, err := oauthflow.ParseHost("bank.my.salesforce.com")
		if err != nil {
			t.Fatal(err)
		}
		process := func() *oauthflow.Manager {
			m, err := oauthflow.NewManager(oauthflow.ManagerConfig{Flow: flow, Store: s, Keyring: keys, Environment: "test"})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { m.Close(context.Background()) })
			return m
		}
		m := process()
		client := oauthflow.Client{Kind: oauthflow.ConnectedAppKind, Host: host, ID: "key", Secret: oauthflow.NewSecret("secret")}
		if _, err := m.Adopt(t.Context(), bank, client, oauthflow.NewSecret("refresh-token-of-the-bank")); err != nil {
			t.Fatal(err)
		}
		foldIDs(t, p)
		sent := salesforce.asked.Load()
		for _, m := range []*oauthflow.Manager{m, process()} {
			for name, deed := range map[string]func() error{
				"Token":      func() error { _, err := m.Source(other).TokenContext(t.Context()); return err },
				"Replace":    func() error { _, err := m.Source(other).Replace(t.Context(), "00DTEST000000001!1"); return err },
				"Load":       func() error { _, err := m.Load(t.Context(), other); return err },
				"Disconnect": func() error { return m.Disconnect(t.Context(), other) },
				"SetClient":  func() error { return m.SetClient(t.Context(), other, client) },
			} {
				var e *oauthflow.Error
				err := deed()
				for errors.As(err, &e) && strings.Contains(err.Error(), "cached plan must not change") { // PostgreSQL, once for each session
					err = deed()
				}
				if !errors.Is(err, tokenstore.ErrForeignRecord) || !errors.As(err, &e) || e.Kind != oauthflow.KindForeign {
					t.Errorf("%s of the other customer: %v, want a foreign record", name, err)
				}
			}
		}
		if n := salesforce.asked.Load(); n != sent {
			t.Errorf("%d requests were sent, want none", n-sent)
		}
		if tok, err := process().Source(bank).TokenContext(t.Context()); err != nil || tok.AccessToken == "" {
			t.Errorf("the bank's own connection: %v", err)
		}
	})
}

// What else somebody may alter after Open is an error or changes nothing. It is never taken for an absence.
func TestATableWhoseColumnsAreAlteredAfterOpenFailsOrServes(t *testing.T) {
	for name, row := range map[string]struct {
		place func(testing.TB) place
		do    string
		fails bool
	}{
		"PostgreSQL, a smaller version": {postgres, "ALTER TABLE {table} ALTER version TYPE integer", false},
		"PostgreSQL, data as text":      {postgres, "ALTER TABLE {table} ALTER data TYPE text USING encode(data, 'hex')", true},
		"PostgreSQL, due as a time":     {postgres, "ALTER TABLE {table} ALTER due TYPE timestamptz USING to_timestamp(due / 1e6)", true},
		"PostgreSQL, a column is gone":  {postgres, "ALTER TABLE {table} DROP due", true},
		"MariaDB, data as text":         {mariadb, "ALTER TABLE {table} MODIFY data MEDIUMTEXT CHARACTER SET utf8mb4 NOT NULL", false},
		"MariaDB, a column is gone":     {mariadb, "ALTER TABLE {table} DROP due", true},
		"SQLite, a column is renamed":   {sqlite, "ALTER TABLE {table} RENAME data TO content", true},
	} {
		t.Run(name, func(t *testing.T) {
			p := row.place(t)
			s := migrated(t, p)
			r := record("connection/acme/main")
			r.Data = []byte("plain enough for a column of text")
			if err := s.Save(t.Context(), r); err != nil {
				t.Fatal(err)
			}
			executed(t, p, row.do)
			got, err := s.Load(t.Context(), r.ID)
			switch {
			case row.fails && (err == nil || errors.Is(err, tokenstore.ErrNotFound)):
				t.Errorf("Load: %v, want an error that is no absence", err)
			case !row.fails && (err != nil || string(got.Data) != string(r.Data)):
				t.Errorf("Load: %q, %v", got.Data, err)
			}
		})
	}
}
