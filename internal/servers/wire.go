package servers

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
)

// Wire dials for a client and counts its round trips: reads that follow a write. The next answers of which Lose says how
// many are lost, with their connections.
type Wire struct {
	Trips atomic.Int64
	Lose  atomic.Int64
}

// Dial is for clients that take a function to dial with.
func (w *Wire) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	c, err := new(net.Dialer).DialContext(ctx, network, addr)
	return &wireConn{Conn: c, wire: w}, err
}

type wireConn struct {
	net.Conn
	wire *Wire

	mu    sync.Mutex
	wrote bool
}

func (c *wireConn) Write(b []byte) (int, error) {
	c.mu.Lock()
	c.wrote = true
	c.mu.Unlock()
	return c.Conn.Write(b)
}

func (c *wireConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.wrote && c.wire.Lose.Load() > 0 {
		c.wire.Lose.Add(-1)
		c.Conn.Close()
		return 0, net.ErrClosed
	}
	if c.wrote && n > 0 {
		c.wire.Trips.Add(1)
		c.wrote = false
	}
	return n, err
}
