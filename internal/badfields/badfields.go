// Package badfields says which fields of a configuration, an argument or a record cannot be used: all of them in one error, on one
// line. Who returns the error puts the name of its package and operation in front.
package badfields

import "strings"

// Error is one field that cannot be used.
type Error struct {
	Field   string // as a program names it, such as "Config.Store"
	Problem string // what is wrong with it and what to do, such as "is required"
}

// Error returns field and problem.
func (e *Error) Error() string { return e.Field + ": " + e.Problem }

// List is the fields at fault of one input, in the order in which they were found. It wraps each of them.
type List []*Error

// Add notes a field at fault.
func (l *List) Add(field, problem string) { *l = append(*l, &Error{field, problem}) }

// Err returns the list as an error, or nil where it is empty.
func (l List) Err() error {
	if len(l) == 0 {
		return nil
	}
	return l
}

// Error returns all of them on one line.
func (l List) Error() string {
	all := make([]string, len(l))
	for i, e := range l {
		all[i] = e.Error()
	}
	return strings.Join(all, "; ")
}

// Unwrap returns all of them.
func (l List) Unwrap() []error {
	all := make([]error, len(l))
	for i, e := range l {
		all[i] = e
	}
	return all
}
