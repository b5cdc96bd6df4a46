package oauthflow

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/fullcast/sfauth/internal/badfields"
)

// FieldError names a field of a configuration, an argument or a record that cannot be used, and says why. An error that is about
// several wraps one for each.
type FieldError = badfields.Error

// ErrInvalidRecord is wrapped by what [Store.Save] returns for a record that breaks the rules of [Record].
var ErrInvalidRecord = errors.New("an invalid record")

// maxRecordID is the greatest length of [Record.ID].
const maxRecordID = 255

// Validate returns an error that wraps [ErrInvalidRecord] and a *[FieldError] for each field that breaks the rules of [Record], or
// nil. A [Store] calls it first in Save, so that all stores refuse the same. The time zone of Due and what is below a
// microsecond are not judged: a store keeps the instant, to the microsecond.
func (r Record) Validate() error {
	var bad badfields.List
	if problem := recordIDProblem(r.ID); problem != "" {
		bad.Add("Record.ID", problem)
	}
	if r.Version == math.MaxUint64 {
		bad.Add("Record.Version", "has no successor")
	}
	if year := r.Due.UTC().Year(); year < 1970 || year > 9999 {
		bad.Add("Record.Due", fmt.Sprintf("is %s, must be from 1970 to 9999", r.Due.UTC().Format(time.RFC3339)))
	}
	if len(r.Data) > MaxRecordData {
		bad.Add("Record.Data", fmt.Sprintf("has %d bytes, at most %d fit", len(r.Data), MaxRecordData))
	}
	if len(bad) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrInvalidRecord, bad)
}

// recordIDProblem says why an id is none; empty when it is one.
func recordIDProblem(id string) string {
	if id == "" || len(id) > maxRecordID {
		return fmt.Sprintf("has %d bytes, must have 1 to %d", len(id), maxRecordID)
	}
	for i := range len(id) {
		if c := id[i]; c < ' ' || c > '~' {
			return fmt.Sprintf("holds the byte 0x%02x, must be printable ASCII", c)
		}
	}
	return ""
}
