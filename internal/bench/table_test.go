package bench

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"text/tabwriter"

	"github.com/fullcast/sfauth/internal/needs"
)

// row is one line of the table: a figure of ours and what it is to be at most.
type row struct {
	id, what string
	peer     string // the best peer's figure, in words
	got      float64
	target   float64
	unit     string
}

func (r row) met() bool { return r.got <= r.target }

// noise is by how much a shared machine may spoil a row: what misses its target by more has become slow.
const noise = 4

// report prints the rows. A row far beyond its target fails the test.
func report(t *testing.T, rows ...row) {
	t.Helper()
	guide(rows...)
	for _, r := range rows {
		if r.got > noise*r.target {
			t.Errorf("%s %s: %.4g %s, want at most %.4g", r.id, r.what, r.got, r.unit, r.target)
		}
	}
}

// guide prints rows with a bar each: the full width is the target, and what is over it is a miss. It judges nothing: the
// target of a guide is one for which nothing else is given up. docs/scale.md explains the misses.
func guide(rows ...row) {
	w := tabwriter.NewWriter(os.Stdout, 2, 8, 2, ' ', 0)
	for _, r := range rows {
		mark := "met"
		if !r.met() {
			mark = "MISSED"
		}
		bar := min(int(20*r.got/r.target), 40)
		fmt.Fprintf(w, "%s\t%s\t%s\t≤ %.4g %s\t%.4g\t%s\t|%s%s|\n", r.id, r.what, r.peer, r.target, r.unit, r.got, mark,
			strings.Repeat("█", bar), strings.Repeat("·", max(20-bar, 0)))
	}
	w.Flush()
}

// quiet skips a row unless the machine is there for measuring.
func quiet(t *testing.T) {
	t.Helper()
	if os.Getenv("SFAUTH_BENCH") != "1" {
		needs.Missing(t, "SFAUTH_BENCH=1 measures; see make bench")
	}
}
