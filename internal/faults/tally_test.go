package faults

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
)

// tally counts the outcomes of many calls and how long they took.
type tally struct {
	said     io.Writer // the first errors of each outcome; nil for nowhere
	mu       sync.Mutex
	outcomes map[string]int
	took     []time.Duration
}

// someOf is how many of the same are said.
const someOf = 3

func (t *tally) add(err error, took time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	o := outcome(err)
	if t.outcomes[o]++; t.said != nil && err != nil && t.outcomes[o] <= someOf {
		fmt.Fprintf(t.said, "%v %+v %#v\n", err, err, err)
	}
	t.took = append(t.took, took)
}

func (t *tally) reply(c *crew) reply {
	t.mu.Lock()
	defer t.mu.Unlock()
	slices.Sort(t.took)
	r := reply{Outcomes: t.outcomes, Dials: int(c.net.most.Load())}
	if n := len(t.took); n > 0 {
		r.Worst, r.P99 = t.took[n-1], t.took[n*99/100]
	}
	c.mu.Lock()
	r.Events = maps.Clone(c.events)
	c.mu.Unlock()
	r.Failed, r.Late, r.Taken = int(c.store.failed.Load()), int(c.store.late.Load()), int(c.net.taken.Load())
	c.store.mu.Lock()
	r.Window = slices.Clone(c.store.windows)
	c.store.mu.Unlock()
	return r
}

// outcome is "ok", or the kind of an error; "untyped" should never be seen.
func outcome(err error) string {
	var e *oauthflow.Error
	switch {
	case err == nil:
		return "ok"
	case errors.Is(err, errRefused):
		return "refused"
	case errors.As(err, &e) && e.Kind == oauthflow.KindStore: // also when its time was over
		return string(e.Kind)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return "left"
	case errors.As(err, &e):
		return string(e.Kind)
	}
	return "untyped: " + err.Error()
}

// p99 is what 99 of 100 calls took at most.
func (t *tally) p99() time.Duration { return t.quantile(99) }

// quantile is what so many of 100 calls took at most.
func (t *tally) quantile(percent int) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	slices.Sort(t.took)
	if len(t.took) == 0 {
		return 0
	}
	return t.took[max(len(t.took)*percent/100-1, 0)]
}
