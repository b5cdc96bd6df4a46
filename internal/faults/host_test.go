package faults

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// hosts are what processes of a drill run on: machines with a cable each to a switch, made of network namespaces, which
// take root and iproute2; this one machine elsewhere.
type hosts struct {
	names []string // of the namespaces; none for this machine
	self  string   // address under which they reach this machine
}

// newHosts makes n hosts, which are gone after the test.
func newHosts(t *testing.T, n int) hosts {
	t.Helper()
	plain := hosts{self: "127.0.0.1"}
	if _, err := exec.LookPath("ip"); err != nil || os.Geteuid() != 0 {
		return plain
	}
	id := fmt.Sprintf("sfd%04x", rand.IntN(1<<16))
	net := fmt.Sprintf("10.%d.%d.", 200+rand.IntN(55), rand.IntN(256)) // of addresses for private use
	if err := ip("link", "add", id, "type", "bridge"); err != nil {
		t.Logf("no hosts by namespaces: %v", err)
		return plain
	}
	t.Cleanup(func() { must(t, ip("link", "del", id)) })
	must(t, ip("addr", "add", net+"1/24", "dev", id))
	must(t, ip("link", "set", id, "up"))
	// Requests are acknowledged at once: one that has arrived, and whose acknowledgement the cable takes, costs its answer, which
	// no client can help. By default that is a time of up to 40 ms.
	must(t, ip("route", "change", net+"0/24", "dev", id, "src", net+"1", "quickack", "1"))
	h := hosts{self: net + "1"}
	for i := range n {
		name := fmt.Sprint(id, "-", i)
		must(t, ip("netns", "add", name))
		t.Cleanup(func() { must(t, ip("netns", "del", name)) })
		must(t, ip("link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", name))
		must(t, ip("link", "set", name, "master", id, "up"))
		must(t, ip("-n", name, "addr", "add", fmt.Sprint(net, 2+i, "/24"), "dev", "eth0"))
		must(t, ip("-n", name, "link", "set", "eth0", "up"))
		must(t, ip("-n", name, "link", "set", "lo", "up"))
		h.names = append(h.names, name)
	}
	return h
}

func ip(args ...string) error {
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("ip %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}

// on has a process run on one of the hosts.
func (h hosts) on(i int) func(*script) {
	return func(s *script) {
		if len(h.names) > 0 {
			s.Under = []string{"ip", "netns", "exec", h.names[i%len(h.names)]}
		}
	}
}

// cut takes the cable of a host away for a while.
func (h hosts) cut(i int, lasting time.Duration) error {
	if err := h.unplug(i); err != nil {
		return err
	}
	time.Sleep(lasting)
	return h.plug(i)
}

func (h hosts) unplug(i int) error {
	name := h.names[i]
	if err := ip("link", "set", name, "down"); err != nil {
		return err
	}
	state, err := exec.Command("ip", "-n", name, "link", "show", "eth0").CombinedOutput()
	if err == nil && !strings.Contains(string(state), "NO-CARRIER") {
		err = fmt.Errorf("the cable of %s is still in: %s", name, state)
	}
	return err
}

func (h hosts) plug(i int) error { return ip("link", "set", h.names[i], "up") }

// keeps fails the test unless the process has a network of its own.
func (h hosts) keeps(w *worker) {
	w.s.t.Helper()
	ours, err := os.Readlink("/proc/self/ns/net")
	must(w.s.t, err)
	its, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/net", w.command.Process.Pid))
	must(w.s.t, err)
	if len(h.names) > 0 && its == ours {
		w.s.t.Fatal("a worker runs on this host")
	}
}

func (h hosts) String() string {
	if len(h.names) == 0 {
		return "processes on one host, no network namespaces here"
	}
	return fmt.Sprintf("%d hosts by network namespaces", len(h.names))
}
