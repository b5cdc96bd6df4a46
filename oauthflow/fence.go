package oauthflow

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"time"
)

var errFenced = errors.New("given up before the first byte left")

// errSuspended is errFenced for a lease that is over by the wall clock alone.
var errSuspended = fmt.Errorf("%w, after the machine was suspended or its clock was set", errFenced)

// A fence stands between a request and the network. Until the first byte passes it, the request can be taken back and
// provably was not sent; from then on it cannot be.
type fence struct {
	deadline time.Time     // of the first byte, by both clocks of this process; zero = none
	lease    lease         // that the first byte leaves in
	passed   func()        // called once, when the first byte leaves
	delivery time.Duration // that what has passed may take to arrive

	state atomic.Int32
	armed atomic.Bool // the connection stands: what is written now is the request
}

const (
	fenceOpen int32 = iota
	fencePassed
	fenceClosed
)

// lease is how long after an instant the first byte may leave; the zero lease has no end.
type lease struct {
	from instant
	time time.Duration
	flow *Flow // whose clocks count
}

func (l lease) over() bool { return l.flow != nil && l.flow.passed(l.from) >= l.time }

// suspended reports whether the lease is over by the wall clock alone: the machine was suspended, or its clock was set.
func (l lease) suspended() bool { return l.over() && time.Since(l.from.monotonic) < l.time }

// pass lets the request's bytes through or refuses them. The clocks are read here, right before the write, since a timer
// fires too late in a process that was stopped in between, or on a machine that was suspended.
func (f *fence) pass() error {
	if f.state.Load() == fenceOpen && (f.late() || f.lease.over()) {
		f.close()
	}
	if f.state.CompareAndSwap(fenceOpen, fencePassed) {
		f.passed()
	}
	if f.state.Load() == fenceClosed {
		return errFenced
	}
	return nil
}

// late reports whether the deadline has passed by either clock.
func (f *fence) late() bool {
	if f.deadline.IsZero() {
		return false
	}
	now := time.Now()
	return !now.Before(f.deadline) || !now.Round(0).Before(f.deadline.Round(0))
}

// close takes the request back and reports whether it still could be.
func (f *fence) close() bool {
	return f.state.CompareAndSwap(fenceOpen, fenceClosed) || f.state.Load() == fenceClosed
}

func (f *fence) sent() bool { return f.state.Load() == fencePassed }

func fenced(dial dialFunc, f *fence) dialFunc {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		delivered(c, f.delivery)
		return &fencedConn{c, f}, nil
	}
}

type fencedConn struct {
	net.Conn
	fence *fence
}

func (c *fencedConn) Write(b []byte) (int, error) {
	if c.fence.armed.Load() {
		if err := c.fence.pass(); err != nil {
			return 0, err
		}
	}
	return c.Conn.Write(b)
}
