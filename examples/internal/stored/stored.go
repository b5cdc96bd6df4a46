// Package stored opens the one connection that the examples keep: in files, sealed.
package stored

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"

	"github.com/fullcast/sfauth/examples/internal/outcome"
	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
	"github.com/fullcast/sfauth/oauthflow/tokenstore/filestore"
)

// Key is the name of the connection.
var Key = oauthflow.Key{Tenant: "example", Name: "main"}

// Place says where the connection is kept, and how it is reached.
type Place struct {
	Dir        string            // directory of the files. Optional; default sfauth-example in the user's configuration
	SealingKey string            // the value of SFAUTH_KEY. Required
	Site       fullcast.Site     // Required
	Transport  http.RoundTripper // nil = http.DefaultTransport
}

// Opened is a Connector over the files of a Place.
type Opened struct {
	*fullcast.Connector
	Dir   string
	store *filestore.Store
}

// Open opens the place. Errors are bad input, or a directory that cannot be used.
func (p Place) Open() (*Opened, error) {
	keys, err := sealingKeys(p.SealingKey)
	if err != nil {
		return nil, err
	}
	dir, err := p.dir()
	if err != nil {
		return nil, outcome.Input("cannot make the directory for the connection: %v; name another one with -dir", err)
	}
	store, err := filestore.Open(filestore.Config{Dir: dir})
	if err != nil {
		return nil, outcome.Input("cannot keep a connection in %s: %v", dir, err)
	}
	sf, err := fullcast.NewConnector(fullcast.Config{
		Site: p.Site, Store: store, Keyring: keys, Environment: "example", Transport: p.Transport,
	})
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	return &Opened{sf, dir, store}, nil
}

// ErrNotConnected means that there is no connection in the place.
var ErrNotConnected = errors.New("no org is connected")

// Connection returns the connection that is kept. Without one the error is bad input, and ErrNotConnected.
func (o *Opened) Connection(ctx context.Context) (*fullcast.Connection, error) {
	conn, err := o.Open(ctx, Key)
	var e *oauthflow.Error
	if errors.As(err, &e) && e.Kind == oauthflow.KindNotConnected {
		return nil, outcome.Input("%w in %s; make a connection with examples/connect", ErrNotConnected, o.Dir)
	}
	return conn, err
}

// Close waits for what is under way and releases the files.
func (o *Opened) Close() error {
	return errors.Join(o.Connector.Close(context.Background()), o.store.Close())
}

func sealingKeys(value string) (*tokenstore.Keyring, error) {
	const how = "make one with: openssl rand -base64 32"
	if value == "" {
		return nil, outcome.Input("SFAUTH_KEY is not set: it seals what is kept; %s, and keep it", how)
	}
	keys, err := tokenstore.NewKeyring(tokenstore.SealingKey{ID: "example", Key: oauthflow.NewSecret(value)})
	if err != nil {
		return nil, outcome.Input("SFAUTH_KEY must be 32 random bytes in base64; %s", how)
	}
	return keys, nil
}

func (p Place) dir() (string, error) {
	if p.Dir != "" {
		return p.Dir, nil
	}
	config, err := os.UserConfigDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(config, "sfauth-example"), os.MkdirAll(config, 0o700)
}
