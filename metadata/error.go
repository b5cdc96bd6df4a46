package metadata

import (
	"strconv"
	"strings"

	"github.com/fullcast/sfauth/internal/scrub"
	"github.com/fullcast/sfauth/internal/secretscan"
)

// Error says which operation failed, and on which file, component or app. Every error of this package is an Error, or wraps one
// or more.
//
// Its text names elements and files. It never quotes the values of elements.
type Error struct {
	Op   string // the operation: parse, write, package, read, deploy, …
	Name string // the file, component, app or AppSpec field
	Line int    // line in Name, from 1; 0 if there is none
	Code string // Salesforce's error code, if the org gave one; otherwise empty
	Err  error  // the cause; never nil

	Status int // HTTP status of the org's answer; 0 if there was none
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
