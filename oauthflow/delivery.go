package oauthflow

import (
	"net"
	"syscall"
	"time"
)

// delivery is how long a request may be on its way, unless a Manager's Timing.Quiet says otherwise.
const delivery = 5 * time.Second

// delivered has the system drop bytes that the other side has not acknowledged within d. A request that was written
// while the network is away would otherwise lie in this machine for a quarter of an hour and arrive when it is back,
// after another process was told that its refresh token is unspent, and has spent it. An answer is waited for as long
// as ever; that silence alone does not end the connection is why it sends no probes.
//
// Nothing can be done for a connection that is not the system's, or hides it: c or what its NetConn returns must be.
//
// Source: RFC 5482 §1; tcp(7), TCP_USER_TIMEOUT.
func delivered(c net.Conn, d time.Duration) {
	for {
		if tcp, ok := c.(*net.TCPConn); ok {
			_ = tcp.SetKeepAlive(false)
		}
		if s, ok := c.(syscall.Conn); ok {
			if raw, err := s.SyscallConn(); err == nil {
				_ = raw.Control(func(fd uintptr) { limitDelivery(fd, d) })
			}
			return
		}
		w, ok := c.(interface{ NetConn() net.Conn })
		if !ok {
			return
		}
		c = w.NetConn()
	}
}
