package faults

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
)

// long reports whether the rows run at their full size.
var long = os.Getenv("SFAUTH_FAULTS") == "long"

// size is how big a row is: in the fast lane, and in full.
func size(fast, full int) int {
	if long {
		return full
	}
	return fast
}

// table collects the rows that have run.
var table struct {
	mu   sync.Mutex
	rows []*row
}

// row is one line of the table. A row that is never judged is red.
type row struct {
	number                   int
	injected, expected, seen string
	red                      []string
	judged                   bool
}

// drill opens the row of a test.
func drill(t *testing.T, number int, injected, expected string) *row {
	t.Helper()
	r := &row{number: number, injected: injected, expected: expected}
	table.mu.Lock()
	table.rows = append(table.rows, r)
	table.mu.Unlock()
	t.Cleanup(func() {
		if !r.judged {
			r.red = append(r.red, "never judged")
		}
		for _, why := range r.red {
			t.Errorf("F%d: %s", r.number, why)
		}
	})
	return r
}

// must makes the row red unless ok.
func (r *row) must(ok bool, format string, args ...any) {
	if !ok {
		r.red = append(r.red, fmt.Sprintf(format, args...))
	}
}

// saw closes the row with what was seen.
func (r *row) saw(format string, args ...any) {
	r.judged = true
	r.seen = fmt.Sprintf(format, args...)
}

// printTable writes the rows in order and returns how many are red.
func printTable(w io.Writer) int {
	table.mu.Lock()
	defer table.mu.Unlock()
	if len(table.rows) == 0 {
		return 0
	}
	slices.SortStableFunc(table.rows, func(a, b *row) int { return a.number - b.number })
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "row\t\tinjected\texpected\tseen")
	red := 0
	for _, r := range table.rows {
		mark := "ok"
		if len(r.red) > 0 || !r.judged {
			mark = "RED"
			red++
		}
		seen := r.seen
		if len(r.red) > 0 {
			seen = strings.TrimSpace(seen + " — " + r.red[0])
		}
		fmt.Fprintf(tw, "F%d\t%s\t%s\t%s\t%s\n", r.number, mark, r.injected, r.expected, seen)
	}
	tw.Flush()
	fmt.Fprintf(w, "%d rows, %d red\n", len(table.rows), red)
	return red
}
