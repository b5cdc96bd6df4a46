package byhand

import (
	"context"
	"database/sql"
	"encoding/json"

	"golang.org/x/oauth2"
)

func (c *Client) config(a App) *oauth2.Config {
	return &oauth2.Config{ClientID: a.ID, ClientSecret: a.Secret, RedirectURL: c.callback, Endpoint: oauth2.Endpoint{
		AuthURL: "https://" + a.Host + "/services/oauth2/authorize", TokenURL: "https://" + a.Host + "/services/oauth2/token",
		AuthStyle: oauth2.AuthStyleInParams, // guessing would send a code twice
	}}
}

func (c *Client) with(ctx context.Context) context.Context {
	return context.WithValue(ctx, oauth2.HTTPClient, c.http)
}

// database is a *sql.DB or a *sql.Tx.
type database interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

func (c *Client) load(ctx context.Context, db database, tenant string) (*connection, error) {
	conn := new(connection)
	err := c.show(tenant, conn, db.QueryRowContext(ctx, `SELECT data FROM connection WHERE tenant = ?`, tenant))
	if err == nil && conn.Broken != "" {
		err = &brokenError{conn.Broken}
	}
	return conn, err
}

func (c *Client) save(ctx context.Context, db database, tenant string, conn *connection) error {
	_, err := db.ExecContext(ctx, `INSERT OR REPLACE INTO connection VALUES (?, ?)`, tenant, c.hide(tenant, conn))
	return err
}

// hide seals a value for one row: copied to another, it does not open. The cipher makes the nonce.
func (c *Client) hide(row string, value any) []byte {
	plain, _ := json.Marshal(value) // strings and a time
	return c.seal.Seal(nil, nil, plain, []byte(row))
}

func (c *Client) show(row string, value any, from *sql.Row) error {
	var sealed []byte
	if err := from.Scan(&sealed); err != nil {
		return err
	}
	plain, err := c.seal.Open(nil, nil, sealed, []byte(row))
	if err != nil {
		return err
	}
	return json.Unmarshal(plain, value)
}
