package faults

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fullcast/sfauth/internal/needs"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

// cabled are n hosts whose cables can be cut.
func cabled(t *testing.T, n int) hosts {
	t.Helper()
	h := newHosts(t, n)
	if len(h.names) == 0 {
		needs.Missing(t, "network namespaces take root and ip, of iproute2")
	}
	return h
}

func TestF08CablesAreCut(t *testing.T) {
	cuts := size(6, 200)
	r := drill(t, 8, fmt.Sprintf("PostgreSQL: one of 4 hosts loses its cable for up to 2 s, %d times, 40 connections under load", cuts), "lost only whose answer the cable took, as the system tells, which no client can help; 0 replays, each request a rotation")
	h := cabled(t, 4)
	s := newSceneOn(t, postgres, 40, orgtest.Config{RefreshTime: 30 * time.Millisecond}).hasty()
	s.timing.Confirm = 2 * time.Second // what arrives just within Quiet has still to be read, by a machine that is busy
	workers := s.workersOn(h, 4)
	good, a := s.loaded(workers, func() {
		for range cuts {
			time.Sleep(300 * time.Millisecond)
			must(t, h.cut(rand.IntN(4), time.Duration(200+rand.IntN(1800))*time.Millisecond))
		}
		time.Sleep(2 * time.Second)
	})
	lost, taken := len(s.conns)-good, everybody(workers, order{Op: "halt"}).Taken
	r.must(lost <= taken && lost <= cuts, "%d lost, %d answers taken", lost, taken)
	r.must(a.replays == 0 && a.posts == a.rotations, "%d replays, %d requests, %d rotations", a.replays, a.posts, a.rotations)
	r.must(a.rotations > len(s.conns)*cuts/4, "only %d refreshes", a.rotations)
	r.saw("%d requests, %d rotations, %d asked about in doubt, %d lost of %d answers taken, %d replays", a.posts, a.rotations, a.introspections, lost, taken, a.replays)
}

// A request that was written while the network is away lies in its machine, and arrives when it is back.
func TestF08ARequestThatTheNetworkHoldsBackDoesNotArriveLate(t *testing.T) {
	rounds := size(3, 30)
	r := drill(t, 8, fmt.Sprintf("a host's cable is cut as its request leaves, another host takes over, and the cable is plugged in again, %d times", rounds), "the request never arrives: 0 replays, 0 lost")
	h := cabled(t, 2)
	s := newSceneOn(t, postgres, rounds, orgtest.Config{})
	s.timing = oauthflow.Timing{Lease: 2 * time.Second, Quiet: 300 * time.Millisecond, Confirm: 100 * time.Millisecond, LastTry: time.Hour}
	reach := s.between(h)
	taker := s.worker(reach, h.on(1))
	s.org.ExpireSessions()
	mark := s.mark()
	held := 0
	for i := range rounds {
		w := s.worker(reach, h.on(0), tripped(trip{At: "dial", Do: "stop", Times: 1}))
		call := order{Op: "call", Conns: []int{i}, Each: 1, Within: time.Minute}
		done := make(chan reply, 1)
		go func() {
			got, _ := w.do(call)
			done <- got
		}()
		for !w.stopped() {
			time.Sleep(time.Millisecond)
		}
		must(t, h.unplug(0))
		w.signal(syscall.SIGCONT)
		if took, _ := taker.do(call); took.Outcomes["ok"] != 1 {
			t.Errorf("round %d: the taker is not served: %v", i, took.Outcomes)
		}
		if a := s.since(mark); a.rotations == i+1 {
			held++
		}
		must(t, h.plug(0))
		if got := <-done; got.Outcomes["ok"] != 1 {
			t.Errorf("round %d: the host is not served once its cable is back: %v", i, got.Outcomes)
		}
		w.kill()
	}
	time.Sleep(2 * time.Second) // what is sent again comes ever later
	a := s.since(mark)
	good, bad := s.healthy(10 * time.Second)
	r.must(a.replays == 0 && good == rounds, "%d replays, %d lost (%v)", a.replays, rounds-good, bad)
	r.must(held == rounds && a.introspections >= 2*rounds, "%d of %d taken over while the cable was out, %d asked about", held, rounds, a.introspections)
	r.saw("%d requests for %d connections, %d asked about in doubt, %d replays, %d lost", a.posts, rounds, a.introspections, a.replays, rounds-good)
}

// stopped reports whether the process has stopped.
func (w *worker) stopped() bool {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", w.command.Process.Pid))
	_, state, _ := strings.Cut(string(b), ") ")
	return strings.HasPrefix(state, "T")
}
