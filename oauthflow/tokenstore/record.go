package tokenstore

import (
	"fmt"
	"math"
	"time"

	"github.com/fullcast/sfauth/internal/badfields"
)

// Record is one entry of a [Store]. Its data is sealed: a store never sees a secret. A Record is a value without locks.
type Record struct {
	ID      string    // 1 to 255 bytes of printable ASCII, such as connection/TENANT/NAME or login/HASH
	Version uint64    // the version that Load returned; 0 if no record may exist yet. Save stores Version+1
	Due     time.Time // when a Manager must process the record next: UTC, years 1970 to 9999, precision 1 µs
	Data    []byte    // at most 64 KiB

	// Timeline names the history of writes on the store's server. A failover that loses acknowledged writes begins a new history.
	// Load may set Timeline, also when it returns [ErrNotFound]. Timeline is empty if the store does not know it, or if the store
	// cannot lose writes. In a call of Save, Timeline names the history in which the caller decided; an empty Timeline is not
	// compared. Save does not store Timeline.
	Timeline string
}

// MaxRecordData is the maximum length of [Record.Data] in bytes.
const MaxRecordData = 64 << 10

// maxRecordID is the greatest length of [Record.ID].
const maxRecordID = 255

// Validate checks a Record and returns nil or an error. The error wraps [ErrInvalidRecord] and one *[FieldError] for each field
// that breaks the rules of [Record]. A [Store] calls Validate first in Save, so that all stores refuse the same records. Validate
// accepts every time zone in Due, and every fraction of a microsecond: a store keeps the instant, cut to the microsecond.
// Validate refuses Version math.MaxUint64, because Save could not add 1 to it.
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
