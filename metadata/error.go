package metadata

import (
	"strconv"
	"strings"

	"github.com/fullcast/sfauth/internal/scrub"
	"github.com/fullcast/sfauth/internal/secretscan"
)

// Error says which operation failed on what. Every error of this package is one, or wraps some.
//
// Its text names elements and files, never the values of elements.
type Error struct {
	Op   string // what was being done: parse, write, package, read, deploy, …
	Name string // the file, component, app or AppSpec field it was done to
	Line int    // line of Name, from 1; 0 when there is none
	Code string // Salesforce's error code, when an org gave one; else empty
	Err  error  // the cause; never nil

	Status int // HTTP status of an org's refusal; 0 when there was none
}

// Error returns "metadata: op name:line: cause (code)", on one printable line. A name that holds anything but ASCII words is
// quoted, so that no two read the same.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("metadata: ")
	b.WriteString(e.Op)
	if e.Name != "" {
		b.WriteByte(' ')
		b.WriteString(shownName(e.Name))
	}
	if e.Line > 0 {
		b.WriteByte(':')
		b.WriteString(strconv.Itoa(e.Line))
	}
	b.WriteString(": ")
	b.WriteString(secretscan.Known{}.Mask(e.Err.Error()))
	if e.Code != "" {
		b.WriteString(" (" + e.Code + ")")
	}
	return scrub.Printable(b.String())
}

// shownName is a name of a file or component as an error shows it: without what of it is a secret.
func shownName(name string) string { return scrub.Name(secretscan.Known{}.Mask(name)) }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }
