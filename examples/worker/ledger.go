package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
)

// ledger is what the run comes to. Refreshes are counted by the org, not by those who are to be judged.
type ledger struct {
	counts
	connections int
	refreshes   int
	twice       int // refresh tokens that the org was shown again after it had replaced them
	lost        int // connections that cannot be called any more
	caught      int // the same, where a kill hit the process between the org's act and the save of its answer: the store has none
	failed      []failure
}

const (
	// patience is more than it takes to find out what became of a refresh whose process was killed.
	patience = 45 * time.Second
	// hit is how far a refresh and the kill that cut it off lie apart at most: an answer and its save, on a busy machine.
	hit = 500 * time.Millisecond
)

// settle ends all sessions once more, calls every connection, and draws up the ledger.
func (f *fleet) settle(ctx context.Context) (l ledger, err error) {
	sf, closed, err := f.connector(ctx, nil)
	if err != nil {
		return l, err
	}
	defer func() { err = errors.Join(err, closed()) }()
	f.org.ExpireSessions()
	alive := make([]bool, f.connections)
	last, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var calls sync.WaitGroup
	for i := range alive {
		calls.Go(func() { alive[i] = call(last, sf, keyOf(i)) == nil })
	}
	calls.Wait()
	l = ledger{counts: f.tally.now(), connections: f.connections}
	for i := range alive {
		stored, err := sf.Load(ctx, keyOf(i))
		if err != nil {
			return l, err
		}
		l.enter(f, i, alive[i], stored.RefreshedAt)
	}
	return l, nil
}

// enter adds one connection's share. Stored is when the answer came that the store has.
func (l *ledger) enter(f *fleet, i int, alive bool, stored time.Time) {
	var last time.Time
	twice := 0
	for _, e := range f.org.Ledger() {
		switch {
		case e.Event != "refresh" || e.User != user(i):
		case e.Outcome == "ok":
			l.refreshes++
			last = e.Time
		case e.Outcome == "reuse":
			twice++
		}
	}
	if !alive && stored.Before(last) && cutOff(last, l.kills) {
		l.caught++ // what failed since then, and a last try when nothing is left to lose, come of that
		return
	}
	l.twice += twice
	if !alive {
		l.lost++
	}
	for _, bad := range l.failures {
		if bad.connection == i {
			l.failed = append(l.failed, bad)
		}
	}
}

// cutOff reports whether a process was killed about when the org replaced a refresh token for the last time.
func cutOff(last time.Time, kills []time.Time) bool {
	for _, k := range kills {
		if k.Sub(last).Abs() < hit {
			return true
		}
	}
	return false
}

func (l ledger) String() string {
	var b strings.Builder
	b.WriteString("\nThe ledger\n")
	line := func(what string, n int) { fmt.Fprintf(&b, "  %-28s %6d\n", what, n) }
	line("requests answered", l.requests)
	line("requests failed", len(l.failed))
	line("all sessions ended, times", l.sessions)
	line("refreshes", l.refreshes)
	line("refresh tokens used twice", l.twice)
	line("connections lost", l.lost)
	line("processes stopped", l.stops)
	line("processes killed", len(l.kills))
	if len(l.kills) > 0 {
		line("caught by a kill", l.caught)
	}
	if l.caught > 0 {
		b.WriteString(caughtText)
	}
	return b.String()
}

const caughtText = `
Caught by a kill: Salesforce had replaced a refresh token, and the only process that was being told the new one was
killed before it could store it. Nobody has that token, so no software can save such a connection: its refresh token
is not sent again while there is anything to lose, and then an admin connects the org again. A process that is stopped
in good order waits for the answer and its save.
`

// verdict is an error unless the ledger is clean.
func (l ledger) verdict() error {
	if l.twice+l.lost+len(l.failed) == 0 {
		return nil
	}
	text := fmt.Sprintf("the ledger is not clean: %d refresh tokens used twice, %d connections lost, %d requests failed", l.twice, l.lost, len(l.failed))
	if len(l.failed) > 0 {
		text += "; the first: " + l.failed[0].text
	}
	return errors.New(text)
}
