package fullcast

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/oauthflow"
)

// A migration is a login under a key of its own beside the connection. That record is the migration's state: when the
// login is complete it is proved by a call, and then moved over the connection in one step.
const migrationMark = "migration of "

func migrationKey(k oauthflow.Key) oauthflow.Key {
	return oauthflow.Key{Tenant: k.Tenant, Name: migrationMark + k.Name}
}

func isMigration(k oauthflow.Key) bool { return strings.HasPrefix(k.Name, migrationMark) }

func migrated(k oauthflow.Key) oauthflow.Key {
	return oauthflow.Key{Tenant: k.Tenant, Name: strings.TrimPrefix(k.Name, migrationMark)}
}

// BeginMigration starts the move of an existing connection to an external client app, and returns the URL to send the
// admin's browser to. [Connector.Complete] does the rest: it proves the new connection by a call, puts it in the old
// one's place under the same key, and revokes the old tokens. Until then the old connection works, and callers see no
// failed call. It works for a broken connection, too.
//
// The login must come from the connection's own org. Where the org has changed, as after a sandbox refresh, name the
// new one in BeginOptions.ExpectOrg.
func (c *Connector) BeginMigration(ctx context.Context, k oauthflow.Key, o BeginOptions) (redirect string, err error) {
	const op = "begin migration"
	if isMigration(k) {
		return "", reserved(op, k)
	}
	now, err := c.manager.Load(ctx, k)
	if err != nil {
		return "", wrap(op, k, "", err)
	}
	if o.ExpectOrg == "" {
		o.ExpectOrg = now.OrgID
	}
	return c.beginStaged(ctx, op, k, o)
}

// beginStaged starts a login under k's migration key.
func (c *Connector) beginStaged(ctx context.Context, op string, k oauthflow.Key, o BeginOptions) (redirect string, err error) {
	redirect, err = c.begin(ctx, migrationKey(k), o)
	var e *Error
	if errors.As(err, &e) {
		return "", &Error{Op: op, Key: k, Remedy: e.Remedy, Err: e.Err}
	}
	return redirect, err
}

// StagedMigration returns the new connection of a migration whose login is complete and which has not taken the old
// connection's place yet: interrupted, or under way at this moment. Its Key is not for other methods;
// [Connector.ResumeMigration] finishes it. Without one the error is of [oauthflow.KindNotConnected].
func (c *Connector) StagedMigration(ctx context.Context, k oauthflow.Key) (oauthflow.Connection, error) {
	staged, err := c.manager.Load(ctx, migrationKey(k))
	return staged, wrap("staged migration", k, metadata.KindExternalClientApp, err)
}

// ResumeMigration finishes a migration whose login is complete and which was interrupted after it. Without one it
// returns an error of [oauthflow.KindNotConnected].
func (c *Connector) ResumeMigration(ctx context.Context, k oauthflow.Key) (*Connection, error) {
	const op = "resume migration"
	from := migrationKey(k)
	switch staged, err := c.manager.Load(ctx, from); {
	case err == nil && staged.Status != oauthflow.StatusDisconnecting:
		if err := c.prove(ctx, staged); err != nil && !missing(err) { // that one is on its way already
			return nil, wrap(op, k, metadata.KindExternalClientApp, err)
		}
	case err != nil && !missing(err):
		return nil, wrap(op, k, "", err)
	}
	if err := c.manager.Move(ctx, from, k); err != nil {
		return nil, wrap(op, k, metadata.KindExternalClientApp, err)
	}
	return c.Open(ctx, k)
}

func missing(err error) bool {
	var e *oauthflow.Error
	return errors.As(err, &e) && e.Kind == oauthflow.KindNotConnected
}

// proveTime bounds the call that proves a connection: an org may take a request and never answer.
const proveTime = time.Minute

// prove makes one real call with a connection: it reads the org's own record.
func (c *Connector) prove(ctx context.Context, staged oauthflow.Connection) error {
	ctx, cancel := context.WithTimeout(ctx, proveTime)
	defer cancel()
	conn := c.connection(staged)
	base, err := conn.InstanceURL(ctx)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet,
		base+dataPath("query")+"?q="+url.QueryEscape("SELECT Id FROM Organization"), nil)
	if err != nil {
		return err
	}
	resp, err := conn.HTTPClient().Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if err := oauthflow.ResponseError(resp); err != nil {
		return err
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return err
	}
	var answer struct{ Records []struct{ ID string } }
	if resp.StatusCode != http.StatusOK || json.Unmarshal(bytes.TrimPrefix(body, []byte("\ufeff")), &answer) != nil || len(answer.Records) != 1 {
		return fmt.Errorf("the new connection cannot read the org: HTTP %d", resp.StatusCode)
	}
	if id := answer.Records[0].ID; !strings.EqualFold(id, staged.OrgID) && (len(id) != 15 || !strings.HasPrefix(staged.OrgID, id)) {
		return errors.New("the new connection answers for another org than its tokens name")
	}
	return nil
}
