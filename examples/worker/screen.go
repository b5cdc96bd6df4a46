package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"
)

// screen shows the fleet while it works: a table that is drawn over on a terminal, else a line now and then.
type screen struct {
	out      io.Writer
	terminal bool
	drawn    int // lines of the table that is on the terminal
}

func newScreen(out io.Writer) *screen {
	f, ok := out.(*os.File)
	return &screen{out: out, terminal: ok && term.IsTerminal(int(f.Fd()))}
}

// every is how often the screen is to be shown something new.
func (s *screen) every() time.Duration {
	if s.terminal {
		return 200 * time.Millisecond
	}
	return time.Second
}

func (s *screen) show(c counts) {
	sum := fmt.Sprintf("%3.0f s  %d requests, %d refreshes, all sessions ended %d times, %d processes stopped, %d killed, %d requests failed\n",
		time.Since(c.begun).Seconds(), c.requests, c.refreshes, c.sessions, c.stops, len(c.kills), len(c.failures))
	if !s.terminal {
		fmt.Fprint(s.out, sum)
		return
	}
	var b strings.Builder
	if s.drawn > 0 {
		fmt.Fprintf(&b, "\x1b[%dF\x1b[J", s.drawn)
	}
	fmt.Fprintf(&b, "worker  process  state     started  requests  refreshes\n")
	for i, w := range c.workers {
		fmt.Fprintf(&b, "%6d  %7d  %-8s  %7d  %8d  %9d\n", i+1, w.process, w.state, w.started, w.requests, w.refreshes)
	}
	b.WriteString(sum)
	s.drawn = 2 + len(c.workers)
	fmt.Fprint(s.out, b.String())
}
