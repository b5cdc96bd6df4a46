package oauthflow

import (
	"crypto/tls"
	"io"
	"net"
	"time"
)

// shelterHandshake contains the panics of what c, a copy of the caller's, has for crypto/tls to call. net/http shakes hands in a
// goroutine of its own, where one would end the process. A handshake that needs what panicked fails, or goes on without it.
func shelterHandshake(c *tls.Config) {
	if now := c.Time; now != nil {
		c.Time = func() (t time.Time) { // the zero time is before every certificate's
			defer func() { _ = recover() }()
			return now()
		}
	}
	if c.Rand != nil {
		c.Rand = shelteredStream{r: c.Rand}
	}
	if c.KeyLogWriter != nil {
		c.KeyLogWriter = shelteredStream{w: c.KeyLogWriter}
	}
	if c.ClientSessionCache != nil {
		c.ClientSessionCache = shelteredCache{c.ClientSessionCache}
	}
}

// shelteredStream is a reader or a writer of the caller's.
type shelteredStream struct {
	r io.Reader
	w io.Writer
}

func (s shelteredStream) Read(p []byte) (n int, err error) {
	defer caught(&err, errTLSPanicked)
	return s.r.Read(p)
}

func (s shelteredStream) Write(p []byte) (n int, err error) {
	defer caught(&err, errTLSPanicked)
	return s.w.Write(p)
}

// shelteredCache is a cache of sessions of the caller's; one that panics holds none.
type shelteredCache struct{ cache tls.ClientSessionCache }

func (s shelteredCache) Get(key string) (state *tls.ClientSessionState, ok bool) {
	defer func() { _ = recover() }()
	return s.cache.Get(key)
}

func (s shelteredCache) Put(key string, state *tls.ClientSessionState) {
	defer func() { _ = recover() }()
	s.cache.Put(key, state)
}

// shelteredConn is a connection that a dial function of the caller's has made. net/http reads, writes and closes it in goroutines of
// its own.
type shelteredConn struct{ net.Conn }

func (c shelteredConn) Read(p []byte) (n int, err error) {
	defer caught(&err, errConnPanicked)
	return c.Conn.Read(p)
}

func (c shelteredConn) Write(p []byte) (n int, err error) {
	defer caught(&err, errConnPanicked)
	return c.Conn.Write(p)
}

func (c shelteredConn) Close() (err error) {
	defer caught(&err, errConnPanicked)
	return c.Conn.Close()
}
