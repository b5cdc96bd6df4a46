package servers

import (
	"io"
	"net"
	"sync"
	"testing"
)

// Relay is an address that stays while the server behind it changes, as a cluster's address does.
type Relay struct {
	listener net.Listener

	mu     sync.Mutex
	target string // empty: nobody is there
	turned int    // connections away, since nobody was there
	open   map[net.Conn]bool
}

// StartRelay starts a relay to a server.
func StartRelay(t testing.TB, target string) *Relay {
	t.Helper()
	return StartRelayOn(t, "127.0.0.1", target)
}

// StartRelayOn is StartRelay for those who reach this machine by another of its addresses.
func StartRelayOn(t testing.TB, ip, target string) *Relay {
	t.Helper()
	listener, err := net.Listen("tcp", net.JoinHostPort(ip, "0"))
	if err != nil {
		t.Fatal(err)
	}
	r := &Relay{listener: listener, target: target, open: map[net.Conn]bool{}}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			all.Go(func() { r.carry(conn) })
		}
	})
	t.Cleanup(func() {
		listener.Close()
		r.Turn("")
		all.Wait()
	})
	return r
}

// Addr returns host and port.
func (r *Relay) Addr() string { return r.listener.Addr().String() }

// Away returns how many connections found nobody.
func (r *Relay) Away() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.turned
}

// Turn cuts every connection and sends the next ones to another server; to nobody when target is empty.
func (r *Relay) Turn(target string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.target = target
	for conn := range r.open {
		conn.Close()
	}
	clear(r.open)
}

func (r *Relay) carry(down net.Conn) {
	defer down.Close()
	r.mu.Lock()
	target := r.target
	if target == "" {
		r.turned++
	}
	r.mu.Unlock()
	if target == "" {
		return
	}
	up, err := net.Dial("tcp", target)
	if err != nil {
		return
	}
	defer up.Close()
	r.mu.Lock()
	if r.target != target {
		r.mu.Unlock()
		return
	}
	r.open[down], r.open[up] = true, true
	r.mu.Unlock()
	var both sync.WaitGroup
	for _, way := range [][2]net.Conn{{up, down}, {down, up}} {
		both.Go(func() {
			_, _ = io.Copy(way[0], way[1])
			down.Close()
			up.Close()
		})
	}
	both.Wait()
	r.mu.Lock()
	delete(r.open, down)
	delete(r.open, up)
	r.mu.Unlock()
}
