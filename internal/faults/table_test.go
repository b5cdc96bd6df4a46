package faults

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"
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

// table collects the rows that have run, and the stores that their tests have opened.
var table struct {
	mu     sync.Mutex
	rows   []*row
	stores map[string][]string // by the name of the test
}

// row is one line of the table. A row that is never judged is red.
type row struct {
	number                         int
	test, injected, expected, seen string
	limits                         []string // of time, as they were used
	red                            []string
	judged                         bool
}

// virtual is the store of the rows that take no time.
const virtual = "memory, virtual time"

// ranOn notes that a test has opened a store.
func ranOn(t *testing.T, store string) {
	table.mu.Lock()
	defer table.mu.Unlock()
	if table.stores == nil {
		table.stores = map[string][]string{}
	}
	if !slices.Contains(table.stores[t.Name()], store) {
		table.stores[t.Name()] = append(table.stores[t.Name()], store)
	}
}

// drill opens the row of a test.
func drill(t *testing.T, number int, injected, expected string) *row {
	t.Helper()
	r := &row{number: number, test: t.Name(), injected: injected, expected: expected}
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

// stretched is a limit of time on a machine that has more to do than its processors can: at most four times as long.
func stretched(limit time.Duration) time.Duration {
	return limit * time.Duration(min(1+int(busy()), 4))
}

// tooBusy is how many threads there are for each processor when no limit of time says anything of the Manager.
const tooBusy = 8

// busy is how many threads each processor of this machine had to run in the last minute.
func busy() float64 {
	var load float64
	if b, err := os.ReadFile("/proc/loadavg"); err == nil {
		fmt.Sscan(string(b), &load)
	}
	return load / float64(max(runtime.NumCPU(), 1))
}

// within makes the row red when something took longer than its limit, which is stretched; the row tells the one that was used.
// On a machine that is too busy a limit that was missed is not judged, which the row tells, too.
func (r *row) within(limit, took time.Duration, format string, args ...any) {
	limit = stretched(limit)
	if at := busy(); took > limit && at >= tooBusy {
		r.limits = append(r.limits, fmt.Sprintf("%v: not judged, at %.0f threads a processor", limit, at))
		return
	}
	r.limits = append(r.limits, limit.String())
	r.must(took <= limit, "%s, limit %v", fmt.Sprintf(format, args...), limit)
}

// saw closes the row with what was seen.
func (r *row) saw(format string, args ...any) {
	r.judged = true
	r.seen = fmt.Sprintf(format, args...)
}

// printTable writes the rows in order and returns how many are red. Where a store was asked for, a row of another is red.
func printTable(w io.Writer, asked string) int {
	table.mu.Lock()
	defer table.mu.Unlock()
	if len(table.rows) == 0 {
		return 0
	}
	slices.SortStableFunc(table.rows, func(a, b *row) int { return a.number - b.number })
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "row\t\tstore\tinjected\texpected\tseen")
	red := 0
	for _, r := range table.rows {
		mark := "ok"
		if len(r.red) > 0 || !r.judged {
			mark = "RED"
		}
		seen, stores := r.seen, table.stores[r.test]
		if len(r.limits) > 0 {
			seen += " (limit " + strings.Join(r.limits, ", ") + ")"
		}
		if asked != "" && !slices.Contains(stores, asked) {
			r.red = append(r.red, "asked for "+asked+", it ran regardless of that")
			mark = "RED"
		}
		if len(r.red) > 0 {
			seen = strings.TrimSpace(seen + " — " + r.red[0])
		}
		if mark == "RED" {
			red++
		}
		fmt.Fprintf(tw, "F%d\t%s\t%s\t%s\t%s\t%s\n", r.number, mark, strings.Join(stores, ", "), r.injected, r.expected, seen)
	}
	tw.Flush()
	fmt.Fprintf(w, "%d rows, %d red\n", len(table.rows), red)
	return red
}
