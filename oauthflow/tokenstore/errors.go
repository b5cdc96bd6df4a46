package tokenstore

import (
	"errors"

	"github.com/fullcast/sfauth/internal/badfields"
)

// FieldError names one field of an argument or a record that cannot be used, and says why. If several fields are wrong, the error
// wraps one FieldError for each. errors.As finds the first.
type FieldError = badfields.Error

// Errors that a [Store] returns. Test for them with errors.Is.
var (
	ErrNotFound      = errors.New("no such record")
	ErrConflict      = errors.New("the record was changed by another")
	ErrNotDurable    = errors.New("the change is made, but not as safely as the store was asked to")
	ErrInvalidRecord = errors.New("an invalid record") // it breaks the rules of [Record]; Save returns it
)

// ErrForeignRecord means that the store returned something else than the requested record. There are four cases: the record has
// another id; the record does not belong in the list; the record was sealed in another environment, or under another id or
// version; or the record was changed. A Manager reports it by an event. A Manager uses nothing of such a record, and because of
// it sends, revokes, saves and deletes nothing.
//
// Usual causes are: a column or a cache that compares ids without case or without trailing blanks; rows that somebody copied or
// exchanged; a restored backup of another environment. The log shows the id that the store returned. The error does not show it,
// because it may be the id of another tenant.
var ErrForeignRecord = errors.New("the store's answer is not the record that was asked for")
