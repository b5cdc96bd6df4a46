package oauthflow

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"
)

// gate is what a manager keeps of one login host: how many refreshes are under way there and how long they take, until
// when the host asks to be left alone, and whether it answers at all.
type gate struct {
	pace   pace
	places *places

	mu        sync.Mutex
	pauses    map[string]time.Time // until when the host asks to be left alone, by whom it has asked; see [pausing]
	silences  int                  // requests in a row that the host itself did not answer, or put off
	putOff    string               // whom it has put off last
	nextProbe time.Time            // by the monotonic clock
}

const (
	perHost      = 16          // refreshes under way at once
	perTenant    = 12          // of those, of one tenant: the others find a place however long its refreshes take
	manySilences = 8           // after which a host is held to be down
	probeEvery   = time.Second // how often this process then asks it
)

// pause returns how long this process is to leave the host alone; 0 lets the caller ask. Of many connections of a host
// that is down, one asks every second.
func (g *gate) pause() time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.silences < manySilences {
		return 0
	}
	if wait := time.Until(g.nextProbe); wait > 0 {
		return wait
	}
	g.nextProbe = time.Now().Add(probeEvery)
	return 0
}

// saw takes note of how a tenant's request to the host ended; nil is success. A host that puts off one tenant after the other
// counts as one that does not answer; a host that puts off the same one again and again does not, where it is a generic one.
func (g *gate) saw(e *Error, whom string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case e != nil && putsOff(e):
		if whom == "" || whom != g.putOff {
			g.silent()
		}
		g.putOff = whom
		return
	case e == nil, e.Status > 0 && e.Status < http.StatusInternalServerError:
		g.silences = 0
	case errors.Is(e.Err, errFenced), errors.Is(e.Err, context.Canceled): // our own doing
	default:
		g.silent()
	}
}

// silent counts one more request that was not answered. The lock is held.
func (g *gate) silent() {
	if g.silences++; g.silences == manySilences {
		g.nextProbe = time.Now().Add(probeEvery)
	}
}

// putsOff reports whether the host has answered that it is to be left alone for a while.
func putsOff(e *Error) bool {
	return e.Status == http.StatusTooManyRequests || e.Status == http.StatusServiceUnavailable
}

var errSilent = errors.New("the login host has answered nobody for a while; it is asked again every second")
