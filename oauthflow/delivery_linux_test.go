package oauthflow_test

import (
	"context"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

// tapped is a connection that notes, at each write, how long the system is told to keep trying, in milliseconds, and
// whether it probes an idle peer.
type tapped struct {
	net.Conn
	note func(keep, probes int)
}

func (w tapped) NetConn() net.Conn { return w.Conn }

func (w tapped) Write(b []byte) (int, error) {
	raw, err := w.Conn.(interface{ NetConn() net.Conn }).NetConn().(*net.TCPConn).SyscallConn()
	if err != nil {
		return 0, err
	}
	err = raw.Control(func(fd uintptr) {
		keep, _ := unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT)
		probes, _ := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_KEEPALIVE)
		w.note(keep, probes)
	})
	if err != nil {
		return 0, err
	}
	return w.Conn.Write(b)
}

func TestTheSystemIsToldWhenARequestMayNotArriveAnyMore(t *testing.T) {
	w := newWorld(t, orgtest.Config{})
	server, err := w.org.Start()
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	transport := server.Transport()
	dial := transport.DialTLSContext
	var mu sync.Mutex
	var kept []int
	transport.DialTLSContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := dial(ctx, network, addr)
		return tapped{c, func(keep, probes int) {
			mu.Lock()
			defer mu.Unlock()
			kept = append(kept, keep)
			if probes != 0 {
				t.Error("silence may end a connection whose answer is waited for")
			}
		}}, err
	}
	quiet := 1500 * time.Millisecond
	m := w.manager(func(c *oauthflow.ManagerConfig) {
		c.Flow, c.Timing.Quiet = w.flow(transport), quiet
	})
	w.connect(m, mainKey)
	if !slices.Contains(kept, 5000) || slices.Contains(kept, 0) {
		t.Errorf("the code was sent with %v ms, want the default of 5000 everywhere", kept)
	}
	kept = nil
	if _, err := m.Source(mainKey).Replace(t.Context(), w.token(m.Source(mainKey))); err != nil {
		t.Fatal(err)
	}
	if want := int(quiet.Milliseconds()); len(kept) == 0 || kept[0] != want {
		t.Errorf("a refresh was sent with %v ms, want Timing.Quiet, %d", kept, want)
	}
}
