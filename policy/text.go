package policy

import (
	"fmt"
	"io"
	"strings"
)

// textReport writes plain text, in colour or not. A terminal shows the end of what was written, so the totals come last; what
// was not seen has a line for each setting, below the screen of Setup that shows it.
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
	name := fmt.Sprintf("%s (%s)", t.paint(bold, printable(r.App)), kindInWords(r.Kind))
	if r.Note != "" {
		fmt.Fprintf(t, "%s: %s\n\n", t.paint(blue, "note"), printable(r.Note))
	}
	for _, f := range r.Findings {
		colour := map[Severity]string{SeverityError: red, SeverityWarning: yellow, SeverityNote: blue}[f.Severity]
		fmt.Fprintf(t, "%s: %s %s\n", t.paint(colour, string(f.Severity)), t.paint(bold, printable(f.Field)), t.paint(grey, "["+f.Rule+"]"))
		got, want := f.Got, f.wanted()
		if f.Message == f.plainMessage() {
			got, want = "", "" // it has both
		} else if strings.Contains(got, "\n") {
			got = "" // of a list it has what differs
		}
		t.lines("what", f.Message, "got", got, "want", want, "why", f.Why, "fix", f.Fix, "where", f.where())
		fmt.Fprintln(t)
	}
	t.unseen(r.screens())
	fmt.Fprintf(t, "%s: %s\n", name, r.totals())
}

// unseen writes what was not seen by the screens of Setup that show it.
func (t textReport) unseen(screens []shownBy) {
	for _, s := range screens {
		fmt.Fprintf(t, "%s: %s\n", t.paint(grey, notVisible), printable(s.Name))
		for _, u := range s.All {
			want := ""
			if u.Want != "" {
				want = ", should be " + oneLine(u.Want)
			}
			fmt.Fprintf(t, "  %s%s: %s %s\n", printable(u.Field), want, printable(u.Message), t.paint(grey, "["+u.Rule+"]"))
		}
	}
	if len(screens) > 0 {
		fmt.Fprintln(t)
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

// totals is the count of all that a report holds.
func (r Report) totals() string {
	return totals(len(r.Findings), len(r.Passed), len(r.NotVisible))
}

func totals(findings, passed, unseen int) string {
	return fmt.Sprintf("%s, %d passed, %d not visible", count(findings, "finding"), passed, unseen)
}

// totalOf is the last line about several reports.
func totalOf(reports []Report) string {
	findings, passed, unseen := 0, 0, 0
	for _, r := range reports {
		findings, passed, unseen = findings+len(r.Findings), passed+len(r.Passed), unseen+len(r.NotVisible)
	}
	return fmt.Sprintf("%s: %s", count(len(reports), "app"), totals(findings, passed, unseen))
}

// where is the place in a file; empty when there is none.
func (f Finding) where() string {
	if f.File == "" {
		return ""
	}
	return fmt.Sprintf("%s:%d", f.File, f.Line)
}
