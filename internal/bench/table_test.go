package bench

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"

	"github.com/fullcast/sfauth/internal/needs"
)

// row is one line of the table: a figure of ours and what it is to be at most.
type row struct {
	id, what string
	peer     string // the best peer's figure, in words
	got      figure
	target   float64
	unit     string
}

func (r row) met() bool { return r.got.mid <= r.target }

// How far over its target a row may be before it is red. What takes turns and is counted in CPU time hardly feels what else
// the machine does, and the hot path least; what waits for the clock on the wall does. Counts and bytes feel nothing: they
// are judged as they are, whatever the rest of their table is judged by.
const (
	exactly  = 1.0
	hotByCPU = 1.1
	byCaches = 1.1 // of slopes: what fits into the caches of a processor is up to twice as fast as what does not
	byCPU    = 1.5
	byClock  = 2.0
)

func (r row) red(factor float64) bool {
	if r.unit == "" || r.unit == "B" {
		factor = exactly
	}
	return r.got.unmeasured() != "" || !r.got.guide && r.got.mid > factor*r.target
}

// judge prints the rows that measure returns, and fails the test for each that misses its target by more than the factor.
// Before that it measures again, longer times as long: a miss must be seen three times. A figure that is better than a physical
// limit was not measured, which fails, too.
func judge(t *testing.T, factor float64, measure func(longer int) []row) {
	t.Helper()
	var rows []row
	met := map[int]row{} // by its place: what has met its target once does not miss it three times
	for _, longer := range []int{1, 3, 6} {
		if longer > 1 {
			fmt.Println("again, for longer:")
		}
		rows = measure(longer)
		for i, r := range rows {
			if before, ok := met[i]; ok {
				rows[i] = before
			} else if !r.red(factor) {
				met[i] = r
			}
		}
		show(rows, false)
		if !slices.ContainsFunc(rows, func(r row) bool { return r.red(factor) }) {
			break
		}
	}
	enter(rows)
	for _, r := range rows {
		if why := r.got.unmeasured(); why != "" {
			t.Errorf("%s %s: %v %s: not measured: %s", r.id, r.what, r.got, r.unit, why)
		} else if r.red(factor) {
			t.Errorf("%s %s: %v %s, want at most %.4g", r.id, r.what, r.got, r.unit, r.target)
		}
	}
}

// asGuide is a row whose target nobody feels beside a call of 100 ms.
func asGuide(r row) row {
	r.got.guide = true
	return r
}

// guide prints rows and judges nothing: the target of a guide is one for which nothing else is given up, or that nobody
// feels beside a call of 100 ms. docs/scale.md explains the misses.
func guide(rows ...row) {
	for i := range rows {
		rows[i].got.guide = true
	}
	show(rows, false)
	enter(rows)
}

// all are the rows that have been measured, for the table at the end.
var all struct {
	sync.Mutex
	rows []row
}

func enter(rows []row) {
	all.Lock()
	defer all.Unlock()
	all.rows = append(all.rows, rows...)
}

// show writes rows with a bar each: the full width is the target, and what is over it is a miss.
func show(rows []row, header bool) {
	w := tabwriter.NewWriter(os.Stdout, 2, 8, 2, ' ', 0)
	if header {
		fmt.Fprintln(w, "row\twhat\tpeers\ttarget and limit\tmeasured (half of the rounds)\t\t20 wide at the target")
	}
	for _, r := range rows {
		mark := "met"
		switch {
		case r.got.unmeasured() != "":
			mark = "NOT MEASURED: " + r.got.unmeasured()
		case !r.met() && r.got.guide:
			mark = "over the guide"
		case !r.met():
			mark = "MISSED"
		}
		bar := 40 // a target of none is missed by any
		if r.target > 0 || r.got.mid == 0 {
			bar = max(min(int(20*r.got.mid/max(r.target, 1e-9)), 40), 0) // what is too small to measure may come out below nothing
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t≤ %.4g %s\t%v\t%s\t|%s%s|\n", r.id, r.what, r.peer, r.target, r.unit, r.got, mark,
			strings.Repeat("█", bar), strings.Repeat("·", max(20-bar, 0)))
	}
	w.Flush()
}

// printAll writes the whole table.
func printAll() {
	all.Lock()
	defer all.Unlock()
	if len(all.rows) == 0 {
		return
	}
	slices.SortStableFunc(all.rows, func(a, b row) int { return strings.Compare(a.id[:2], b.id[:2]) })
	fmt.Println()
	show(all.rows, true)
}

// quiet skips a row unless the machine is there for measuring.
func quiet(t *testing.T) {
	t.Helper()
	if os.Getenv("SFAUTH_BENCH") != "1" {
		needs.Missing(t, "SFAUTH_BENCH=1 measures; see make bench")
	}
}
