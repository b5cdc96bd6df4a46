// Package outcome tells people and scripts how an example ended: 0 done, 1 refused or failed, 2 bad input.
package outcome

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/internal/scrub"
	"github.com/fullcast/sfauth/oauthflow"
)

// Input returns an error for what the person who called the program has to correct.
func Input(format string, args ...any) error { return &inputError{fmt.Errorf(format, args...)} }

type inputError struct{ error }

func (e *inputError) Unwrap() error { return e.error }

// Report prints err, if there is one, and returns the exit status. Bad input is one line. Anything else is what
// happened, what it means and what to do, a line each.
func Report(w io.Writer, program string, err error) int {
	if err == nil {
		return 0
	}
	var e *fullcast.Error
	if errors.As(err, &e) {
		err = e.Err // the remedy gets a line of its own
	}
	fmt.Fprintf(w, "%s: %s\n", program, oneLine(err))
	if isInput(err) {
		return 2
	}
	var cause *oauthflow.Error
	if errors.As(err, &cause) {
		fmt.Fprintf(w, "  what it means: %s\n", cause.Sentence())
	}
	if e != nil && e.Remedy != 0 {
		fmt.Fprintf(w, "  what to do:    %s\n", e.Remedy)
	}
	return 1
}

// isInput tells what the caller gave from what Salesforce answered.
func isInput(err error) bool {
	var in *inputError
	if errors.As(err, &in) {
		return true
	}
	var e *oauthflow.Error
	if !errors.As(err, &e) || e.Status != 0 {
		return false
	}
	switch e.Kind {
	case oauthflow.KindInvalid, oauthflow.KindState, oauthflow.KindForeign, oauthflow.KindNotConnected:
		return true
	}
	return false
}

func oneLine(err error) string {
	if errors.Is(err, context.Canceled) {
		return "interrupted"
	}
	line := strings.Join(strings.FieldsFunc(err.Error(), func(r rune) bool { return r == '\n' || r == '\r' }), "; ")
	return scrub.Printable(line) // file names and files may hold what steers a terminal
}
