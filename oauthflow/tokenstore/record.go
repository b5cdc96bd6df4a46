package tokenstore

import (
	"fmt"
	"math"
	"time"

	"github.com/fullcast/sfauth/internal/badfields"
)

// Record is one entry of a [Store]. Its data is sealed: a store never sees a secret.
type Record struct {
	ID      string    // 1–255 bytes of printable ASCII: such as connection/TENANT/NAME or login/HASH
	Version uint64    // as loaded; 0 = must not exist yet. Save stores Version+1
	Due     time.Time // when someone must look at it: UTC, 1970 to 9999, to the microsecond
	Data    []byte    // at most 64 KiB

	// Timeline names the history that the store's server is in, where a failover that loses acknowledged writes begins
	// a new one. Load may set it, then also beside [ErrNotFound]; empty where nothing is known or nothing can be lost. In
	// a record that is given to Save it names the history in which the caller decided; empty is no claim. It is not stored.
	Timeline string
}

// MaxRecordData is the greatest length of [Record.Data].
const MaxRecordData = 64 << 10

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
