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

// How far over its target a measured row may be. What takes turns and is counted in CPU time hardly feels what else the
// machine does; what waits for the clock on the wall does. Bytes and requests feel nothing.
const (
	exactly = 1.0
	byCPU   = 2.0
	byClock = 2.0
)

// judge prints the rows that measure returns, and fails the test for each that misses its target by more than the factor.
// Before that it measures once more, longer times as long: a miss must be seen twice.
func judge(t *testing.T, factor float64, measure func(longer int) []row) {
	t.Helper()
	beyond := func(rows []row) (all []row) {
		for _, r := range rows {
			if r.got > factor*r.target {
				all = append(all, r)
			}
		}
		return all
	}
	rows := measure(1)
	guide(rows...)
	if len(beyond(rows)) == 0 {
		return
	}
	fmt.Println("once more, for longer:")
	rows = measure(4)
	guide(rows...)
	for _, r := range beyond(rows) {
		t.Errorf("%s %s: %.4g %s, want at most %.4g", r.id, r.what, r.got, r.unit, r.target)
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
		bar := max(min(int(20*r.got/r.target), 40), 0) // what is too small to measure may come out below nothing
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
