package fullcast

import (
	"context"

	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/oauthflow"
)

// Login is a login that has begun.
type Login struct {
	Redirect string // where the user's browser is to be sent, top-level or in a pop-up
	Choice   Choice // what the login does when it is complete
}

// Choice says what [Connector.Connect] has chosen.
type Choice string

// Choices of [Connector.Connect].
const (
	ChoseBegin     Choice = "begin"     // a new connection, or one with other credentials than it has: [Connector.Begin]
	ChoseReconnect Choice = "reconnect" // a new approval of the app that the connection has: [Connector.Reconnect]
	ChoseMigration Choice = "migration" // from the connected app to an external client app: [Connector.BeginMigration]
)

// Connect begins the login that k needs, by what the store holds of it, and says which it has chosen:
//
//	stored                    BeginOptions.Client   chosen
//	nothing                   entered               ChoseBegin
//	an external client app    empty                 ChoseReconnect
//	an external client app    entered               ChoseBegin
//	a connected app           entered               ChoseMigration
//	a connected app           empty                 nothing; the error is [ErrMigrationRequired]
//
// A connection that is being disconnected counts as nothing where a client is entered. [Connector.Complete] ends each of these
// logins. Another process may change the connection after the store was read and before the login; then the error is that of
// the chosen method, and the caller calls Connect again.
func (c *Connector) Connect(ctx context.Context, k oauthflow.Key, o BeginOptions) (Login, error) {
	const op = "connect"
	stored, err := c.Load(ctx, k)
	if err != nil && !missing(err) {
		return Login{}, err
	}
	entered := o.Client.ID != "" || !o.Client.Host.IsZero() || !o.Client.Secret.IsZero()
	l := Login{Choice: choose(stored, entered)}
	switch {
	case l.Choice == ChoseMigration && !entered:
		return Login{}, &Error{Op: op, Key: k, Remedy: Migrate, Err: ErrMigrationRequired}
	case l.Choice == ChoseMigration:
		l.Redirect, err = c.BeginMigration(ctx, k, o)
	case l.Choice == ChoseReconnect:
		l.Redirect, err = c.Reconnect(ctx, k, o)
	default:
		l.Redirect, err = c.Begin(ctx, k, o)
	}
	if err != nil {
		return Login{}, err
	}
	return l, nil
}

// choose decides how a connection is to be made, from what is stored of it, which may be nothing, and whether the credentials of
// an app were entered.
func choose(stored oauthflow.Connection, entered bool) Choice {
	switch {
	case stored.Key == (oauthflow.Key{}), entered && stored.Status == oauthflow.StatusDisconnecting:
		return ChoseBegin
	case stored.Kind == metadata.KindConnectedApp:
		return ChoseMigration
	case entered:
		return ChoseBegin
	}
	return ChoseReconnect
}
