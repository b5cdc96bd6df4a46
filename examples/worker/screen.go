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
	work := fmt.Sprintf("%3.0f s  %d requests, %d of them failed, %d refreshes", time.Since(c.begun).Seconds(), c.requests, len(c.failures), c.refreshes)
	trouble := fmt.Sprintf("all sessions ended %d times, %d processes stopped, %d killed", c.sessions, c.stops, len(c.kills))
	if !s.terminal {
		fmt.Fprintf(s.out, "%s, %s\n", work, trouble)
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
	fmt.Fprintf(&b, "%s\n       %s\n", work, trouble) // in two lines: one would not fit everywhere, and not be drawn over
	s.drawn = 3 + len(c.workers)
	fmt.Fprint(s.out, b.String())
}
