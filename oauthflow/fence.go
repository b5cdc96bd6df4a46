package oauthflow

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"time"
)

var errFenced = errors.New("given up before the first byte left")

// A fence stands between a request and the network. Until the first byte passes it, the request can be taken back and
// provably was not sent; from then on it cannot be.
type fence struct {
	deadline time.Time     // of the first byte, with its monotonic reading; zero = none
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

// pass lets the request's bytes through or refuses them. The deadline is read here, right before the write, since a
// timer of a process that was stopped in between fires too late.
func (f *fence) pass() error {
	if !f.deadline.IsZero() && f.state.Load() == fenceOpen && !time.Now().Before(f.deadline) {
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
