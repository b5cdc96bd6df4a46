package main

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// tally counts what the workers report and what their parent does to them.
type tally struct {
	mu sync.Mutex
	counts
}

type counts struct {
	begun     time.Time
	workers   []seat
	requests  int
	refreshes int
	failures  []failure
	sessions  int // times that all sessions were ended
	stops     int
	kills     []time.Time
}

// seat is one place in the fleet, taken by one process after the other.
type seat struct {
	process             int
	state               string
	started             int
	requests, refreshes int
}

type failure struct {
	connection int
	text       string
}

func (t *tally) change(f func(*counts)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	f(&t.counts)
}

func (t *tally) now() counts {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.counts
	c.workers = slices.Clone(c.workers)
	return c
}

// heard counts a line that the worker in a seat has reported.
func (t *tally) heard(i int, line string) {
	word, rest, _ := strings.Cut(line, " ")
	connection, text := 0, ""
	_, _ = fmt.Sscan(rest, &connection)
	_, text, _ = strings.Cut(rest, " ")
	t.change(func(c *counts) {
		switch word {
		case answered:
			c.requests++
			c.workers[i].requests++
		case refreshed:
			c.refreshes++
			c.workers[i].refreshes++
		case failed:
			c.failures = append(c.failures, failure{connection, text})
		}
	})
}
