package byhand

import (
	"cmp"
	"context"
	"crypto/cipher"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/oauth2"
)

// App is what a customer's admin enters.
type App struct{ Host, ID, Secret string }

// Client connects orgs and calls them, with golang.org/x/oauth2 and two tables.
type Client struct {
	db       *sql.DB     // a transaction takes the write lock when it begins, as SELECT … FOR UPDATE does elsewhere
	seal     cipher.AEAD // of cipher.NewGCMWithRandomNonce
	http     *http.Client
	callback string
}

// NewClient makes the tables where they are missing. All they hold of a tenant is sealed with AES-GCM.
func NewClient(ctx context.Context, db *sql.DB, seal cipher.AEAD, transport http.RoundTripper, callback string) (*Client, error) {
	_, err := db.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS connection (tenant TEXT PRIMARY KEY, data BLOB NOT NULL);
		CREATE TABLE IF NOT EXISTS login (state TEXT PRIMARY KEY, data BLOB NOT NULL)`)
	return &Client{db, seal, &http.Client{Transport: transport, Timeout: time.Minute}, callback}, err
}

type login struct {
	App                       App
	Tenant, Session, Verifier string
	Begun                     time.Time
}

type connection struct {
	App                       App
	Access, Refresh, Instance string
	Broken                    string // why Salesforce has ended it
}

// brokenError means that only a new login helps.
type brokenError struct{ why string }

func (e *brokenError) Error() string { return "the connection is broken: " + e.why }

// Begin returns where the browser of a session is sent.
func (c *Client) Begin(ctx context.Context, tenant, session string, a App) (string, error) {
	state, verifier := rand.Text(), oauth2.GenerateVerifier()
	data := c.hide(state, login{a, tenant, session, verifier, time.Now()})
	_, err := c.db.ExecContext(ctx, `INSERT INTO login VALUES (?, ?)`, state, data)
	return c.config(a).AuthCodeURL(state, oauth2.S256ChallengeOption(verifier)), err
}

// Complete ends a login with what reached the callback page.
func (c *Client) Complete(ctx context.Context, tenant, session string, query url.Values) error {
	var l login
	state := query.Get("state")
	if err := c.show(state, &l, c.db.QueryRowContext(ctx, `DELETE FROM login WHERE state = ? RETURNING data`, state)); err != nil {
		return err
	}
	if l.Tenant != tenant || l.Session != session || time.Since(l.Begun) > 15*time.Minute {
		return errors.New("the login is of another session, or has expired")
	}
	if query.Has("error") {
		return &oauth2.RetrieveError{ErrorCode: query.Get("error"), ErrorDescription: query.Get("error_description")}
	}
	t, err := c.config(l.App).Exchange(c.with(ctx), query.Get("code"), oauth2.VerifierOption(l.Verifier))
	if err != nil {
		return err
	}
	return c.save(ctx, c.db, tenant, (&connection{App: l.App}).take(t))
}

// Get calls the org's API. An access token that Salesforce refuses is replaced, once.
func (c *Client) Get(ctx context.Context, tenant, path string, into any) error {
	conn, err := c.load(ctx, c.db, tenant)
	if err != nil {
		return err
	}
	resp, err := c.send(ctx, conn, path)
	if err == nil && resp.StatusCode == http.StatusUnauthorized { // in whatever words
		resp.Body.Close()
		if conn, err = c.refresh(ctx, tenant, conn.Access); err != nil {
			return err
		}
		resp, err = c.send(ctx, conn, path)
	}
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the API: %s", resp.Status)
	}
	return json.NewDecoder(resp.Body).Decode(into)
}

func (c *Client) send(ctx context.Context, conn *connection, path string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, conn.Instance+path, http.NoBody)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+conn.Access)
	return c.http.Do(req)
}

// refresh replaces an access token that was rejected. One process at a time does so: the others wait for the lock, and find the
// new token. It goes on when the caller leaves, because a rotated refresh token must not be lost.
func (c *Client) refresh(ctx context.Context, tenant, rejected string) (*connection, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	tx, err := c.db.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer tx.Rollback()
	conn, err := c.load(ctx, tx, tenant)
	if err != nil || conn.Access != rejected {
		return conn, err
	}
	t, failed := c.config(conn.App).TokenSource(c.with(ctx), &oauth2.Token{RefreshToken: conn.Refresh}).Token()
	var refused *oauth2.RetrieveError
	switch {
	case failed == nil:
		conn.take(t)
	case errors.As(failed, &refused) && refused.ErrorCode == "invalid_grant": // RFC 6749: invalid, expired or revoked
		conn.Broken = cmp.Or(refused.ErrorDescription, refused.ErrorCode)
		failed = &brokenError{conn.Broken}
	default:
		return nil, failed
	}
	if err := c.save(ctx, tx, tenant, conn); err != nil {
		return nil, err
	}
	return conn, errors.Join(failed, tx.Commit())
}

// take takes over an answer. Where it has no new refresh token, x/oauth2 has put the old one there.
func (conn *connection) take(t *oauth2.Token) *connection {
	conn.Access, conn.Refresh = t.AccessToken, t.RefreshToken
	if instance, ok := t.Extra("instance_url").(string); ok {
		conn.Instance = instance
	}
	return conn
}

// SetApp stores credentials that the admin has entered.
func (c *Client) SetApp(ctx context.Context, tenant string, a App) error {
	tx, err := c.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	conn, err := c.load(ctx, tx, tenant)
	if err != nil {
		return err
	}
	conn.App = a
	return errors.Join(c.save(ctx, tx, tenant, conn), tx.Commit())
}

// ForAdmin is what the org's admin is told about an error.
func (c *Client) ForAdmin(err error) string {
	var broken *brokenError
	var refused *oauth2.RetrieveError
	switch {
	case errors.As(err, &broken):
		return "Salesforce has ended the connection (" + broken.why + "). Please connect again."
	case !errors.As(err, &refused) || refused.ErrorCode == "":
		return "Salesforce cannot be reached. We will try again."
	case refused.ErrorCode == "invalid_client" || refused.ErrorCode == "invalid_client_id":
		return "Salesforce does not accept the consumer key or secret. Please check both."
	}
	return "Salesforce refuses the connection: " + cmp.Or(refused.ErrorDescription, refused.ErrorCode) + "."
}
