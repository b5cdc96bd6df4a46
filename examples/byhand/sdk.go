package byhand

import (
	"context"
	"database/sql"
	"errors"
	"net/http"
	"net/url"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
	"github.com/fullcast/sfauth/oauthflow/tokenstore/sqlstore"
)

// SDK does with package fullcast what [Client] does. The service runs its KeepAlive, too.
type SDK struct{ *fullcast.Connector }

// NewSDK makes the table where it is missing.
func NewSDK(ctx context.Context, db *sql.DB, keys *tokenstore.Keyring, transport http.RoundTripper) (SDK, error) {
	store, err := sqlstore.Open(ctx, sqlstore.Config{DB: db, Dialect: sqlstore.SQLite})
	if err != nil {
		return SDK{}, err
	}
	sf, err := fullcast.NewConnector(fullcast.Config{Site: fullcast.Production, Store: store, Keyring: keys, Transport: transport})
	return SDK{sf}, errors.Join(err, store.Migrate(ctx))
}

// Begin returns where the browser of a session is sent.
func (s SDK) Begin(ctx context.Context, tenant, session string, a App) (string, error) {
	return s.Connector.Begin(ctx, keyOf(tenant), fullcast.BeginOptions{Client: a.client(), Binding: session})
}

// Complete ends a login with what reached the callback page.
func (s SDK) Complete(ctx context.Context, tenant, session string, query url.Values) error {
	_, err := s.Connector.Complete(ctx, oauthflow.Callback{Tenant: tenant, Path: "/app/admin/motion", Binding: session, Query: query})
	return err
}

// Get calls the org's API.
func (s SDK) Get(ctx context.Context, tenant, path string, into any) error {
	conn, err := s.Open(ctx, keyOf(tenant))
	if err != nil {
		return err
	}
	_, err = conn.Resty().R().SetContext(ctx).SetResult(into).Get(path)
	return err
}

// SetApp stores credentials that the admin has entered.
func (s SDK) SetApp(ctx context.Context, tenant string, a App) error {
	_, err := s.UpdateCredentials(ctx, keyOf(tenant), a.client())
	return err
}

func keyOf(tenant string) oauthflow.Key { return oauthflow.Key{Tenant: tenant, Name: "main"} }

func (a App) client() oauthflow.Client {
	host, _ := oauthflow.ParseHost(a.Host) // the zero Host is refused where it is used
	return oauthflow.Client{Host: host, ID: a.ID, Secret: oauthflow.NewSecret(a.Secret)}
}
