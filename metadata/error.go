package metadata

import (
	"strconv"
	"strings"
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

// Error returns "metadata: op name:line: cause (code)", on one line.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("metadata: ")
	b.WriteString(e.Op)
	if e.Name != "" {
		b.WriteByte(' ')
		b.WriteString(e.Name)
	}
	if e.Line > 0 {
		b.WriteByte(':')
		b.WriteString(strconv.Itoa(e.Line))
	}
	b.WriteString(": ")
	b.WriteString(e.Err.Error())
	if e.Code != "" {
		b.WriteString(" (" + e.Code + ")")
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }
