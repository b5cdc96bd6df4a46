package oauthflow

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/fullcast/sfauth/internal/crew"
	scrubber "github.com/fullcast/sfauth/internal/scrub"
)

const (
	defaultCrew = 16  // ManagerConfig.Crew
	mostCrew    = 256 // of those
)

// BulkError tells what a call that deals with many records could not do. One that fails does not stop the others. What is done
// stays done, and the same call does the rest when it is repeated.
//
// Errors.Is and errors.As see Err and what Errs holds.
type BulkError struct {
	Op     string            // operation, such as "reseal"
	Done   int               // records dealt with, those that failed included
	Failed int               // of those, that failed
	Left   int               // records that are known and were not begun, because the call ended early
	Kinds  map[ErrorKind]int // of those that failed, how many with an [Error] of each kind; "" counts other errors
	Errs   []error           // the first 100 of the failures, and of a kind that is not among them the first one
	Err    error             // why the call ended early, such as ctx's error; nil when all were tried
}

// Error returns one line of bounded length: the numbers, by kind, why the call ended early, and the first three failures.
func (e *BulkError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "oauthflow: %s: %d of %d failed", e.Op, e.Failed, e.Done)
	sep := ": "
	for _, k := range slices.Sorted(maps.Keys(e.Kinds)) {
		fmt.Fprintf(&b, "%s%d %s", sep, e.Kinds[k], cmp.Or(k, "other"))
		sep = ", "
	}
	if e.Err != nil {
		fmt.Fprintf(&b, "; ended early, %d not begun: %v", e.Left, e.Err)
	}
	for _, err := range e.Errs[:min(len(e.Errs), 3)] {
		b.WriteString("; " + strings.TrimSuffix(err.Error(), "."))
	}
	return scrubber.Printable(b.String())
}

// Unwrap returns Err and Errs.
func (e *BulkError) Unwrap() []error {
	if e.Err == nil {
		return e.Errs
	}
	return append([]error{e.Err}, e.Errs...)
}

// bulk is a call that deals with many records.
type bulk struct {
	op     string
	places int // records that are dealt with at once
	tally  crew.Tally[ErrorKind]
	total  int
	told   func(done, total int)
}

func (b *bulk) add(err error) {
	var e *Error
	kind := ErrorKind("")
	if errors.As(err, &e) {
		kind = e.Kind
	}
	if b.tally.Add(kind, err); b.told != nil {
		b.told(b.tally.Done, b.total)
	}
}

// each deals with the records of the given ids, tenants in turn. What they ask is the store, so that there are no more at once than
// that serves.
func (b *bulk) each(ctx context.Context, ids []string, do func(ctx context.Context, id string) error) error {
	next := 0
	left := crew.Job[string]{
		Places: b.places,
		Of:     func(id string) (tenant, host string) { return tenantOf(id), "" },
		Do:     do,
		Told:   func(_ string, err error) { b.add(err) },
	}.Run(ctx, func() (string, bool) {
		if next == len(ids) {
			return "", false
		}
		next++
		return ids[next-1], true
	})
	left += len(ids) - next
	var early error
	if left > 0 {
		early = ctx.Err()
	}
	return b.result(left, early)
}

// result returns nil when nothing has failed and nothing is left.
func (b *bulk) result(left int, early error) error {
	if b.tally.Failed == 0 && early == nil {
		return nil
	}
	return &BulkError{
		Op: b.op, Done: b.tally.Done, Failed: b.tally.Failed, Left: left, Kinds: b.tally.Kinds, Errs: b.tally.Errs, Err: early,
	}
}
