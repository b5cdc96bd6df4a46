package tokenstore

import (
	"errors"

	"github.com/fullcast/sfauth/internal/badfields"
)

// FieldError names a field of an argument or a record that cannot be used, and says why. An error that is about several wraps one
// for each.
type FieldError = badfields.Error

// What a [Store] returns, for errors.Is.
var (
	ErrNotFound      = errors.New("no such record")
	ErrConflict      = errors.New("the record was changed by another")
	ErrNotDurable    = errors.New("the change is made, but not as safely as the store was asked to")
	ErrInvalidRecord = errors.New("an invalid record") // it breaks the rules of [Record]; Save returns it
)

// ErrForeignRecord means that a store has answered with something else than the record that it was asked for: one with
// another id, one outside of the list, or one that was sealed in another environment, under another id or version, or was
// changed. A Manager tells it by an event. Nothing of such a record is used, and nothing is sent, revoked,
// saved or deleted because of it.
//
// Usual causes are a column or a cache that compares ids without regard to case or trailing blanks, rows that were copied
// or exchanged by hand, and a restored backup of another environment. The log names the id that the store returned; the
// error does not, since that may be another tenant's.
var ErrForeignRecord = errors.New("the store's answer is not the record that was asked for")
