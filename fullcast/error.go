package fullcast

import (
	"errors"

	"github.com/fullcast/sfauth/internal/scrub"
	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/oauthflow"
)

// Error is what every method of [Connector] and [Connection] returns when it fails, and what leaves a connection's
// HTTP client and token source. It holds no secret.
type Error struct {
	Op     string        // operation, such as "complete"
	Key    oauthflow.Key // the connection; zero where none is known yet
	Remedy Remedy        // what has to be done; see [Error.Actor] for who
	Err    error         // what happened; often an *oauthflow.Error
}

// Error returns one printable line: operation, connection, cause and remedy.
func (e *Error) Error() string {
	s := "fullcast: " + e.Op
	if e.Key != (oauthflow.Key{}) {
		s += " " + e.Key.String()
	}
	s += ": " + e.Err.Error()
	if e.Remedy != 0 {
		s += ". " + e.Remedy.String()
	}
	return scrub.Printable(s)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// ErrMigrationRequired means that only a new external client app helps: a connected app is not authorized again.
var ErrMigrationRequired = errors.New("connected apps are no longer supported for new connections")

// wrap makes an *Error of err, unless it is nil or one already.
func wrap(op string, k oauthflow.Key, kind metadata.Kind, err error) error {
	var done *Error
	if err == nil || errors.As(err, &done) {
		return err
	}
	return &Error{Op: op, Key: k, Remedy: remedyIn(op, err, kind), Err: err}
}

// invalid returns an error about one field of the caller's input.
func invalid(op string, k oauthflow.Key, field, problem string) error {
	err := &oauthflow.FieldError{Field: field, Problem: problem}
	return &Error{Op: op, Key: k, Remedy: remedyFor(err, ""), Err: err}
}
