package policy

import (
	"fmt"
	"io"
	"strings"
)

// textReport writes plain text, in colour or not.
type textReport struct {
	io.Writer
	colour bool
}

// ANSI colours, readable on light and dark.
const (
	bold   = "1"
	red    = "31"
	yellow = "33"
	blue   = "34"
	grey   = "90"
)

func (t textReport) paint(colour, s string) string {
	if !t.colour {
		return s
	}
	return "\x1b[" + colour + "m" + s + "\x1b[0m"
}

func (t textReport) report(r Report) {
	fmt.Fprintf(t, "%s (%s): %s\n", t.paint(bold, printable(r.App)), kindInWords(r.Kind), r.totals())
	if r.Note != "" {
		fmt.Fprintf(t, "\n%s: %s\n", t.paint(blue, "note"), printable(r.Note))
	}
	for _, f := range r.Findings {
		colour := map[Severity]string{SeverityError: red, SeverityWarning: yellow, SeverityNote: blue}[f.Severity]
		fmt.Fprintf(t, "\n%s: %s %s\n", t.paint(colour, string(f.Severity)), t.paint(bold, printable(f.Field)), t.paint(grey, "["+f.Rule+"]"))
		t.lines("what", f.Message, "got", f.Got, "want", f.Want, "why", f.Why, "fix", f.Fix, "where", f.where())
	}
	for _, f := range r.NotVisible {
		fmt.Fprintf(t, "\n%s: %s %s\n", t.paint(grey, notVisible), t.paint(bold, printable(f.Field)), t.paint(grey, "["+f.Rule+"]"))
		t.lines("what", f.Message, "want", f.Want, "why", f.Why, "look", f.Fix)
	}
}

// lines writes labels and texts in turn, leaving out what is empty.
func (t textReport) lines(pairs ...string) {
	for i := 0; i < len(pairs); i += 2 {
		label, text := pairs[i], pairs[i+1]
		if text == "" {
			continue
		}
		for line := range strings.SplitSeq(text, "\n") {
			fmt.Fprintf(t, "  %s %s\n", t.paint(grey, fmt.Sprintf("%-5s", label)), printable(line))
			label = ""
		}
	}
}

// totals is the first line's count.
func (r Report) totals() string {
	return fmt.Sprintf("%s, %d passed, %d not visible", count(len(r.Findings), "finding"), len(r.Passed), len(r.NotVisible))
}

// where is the place in a file; empty when there is none.
func (f Finding) where() string {
	if f.File == "" {
		return ""
	}
	return fmt.Sprintf("%s:%d", f.File, f.Line)
}
