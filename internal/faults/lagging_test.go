package faults

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/fullcast/sfauth/internal/servers"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

func TestF46AStandbyThatHasNotSeenTheLastWritesIsPromoted(t *testing.T) {
	failovers := size(2, 50)
	r := drill(t, 46, fmt.Sprint("PostgreSQL with an asynchronous standby: it is promoted without the last writes of the primary, ", failovers, " times, 20 connections under load, 10 that are refreshed for the first time after the standby is cut off"),
		"0 replays; lost only what was refreshed in those writes, typed")
	lost, gaps, firsts, replays, rotations := 0, 0, 0, 0, 0
	for range failovers {
		gap, first, a, in := lossyFailover(t)
		replays, rotations, gaps, firsts, lost = replays+a.replays, rotations+a.rotations, gaps+gap, firsts+first, lost+len(in)
		r.must(len(in) <= gap, "%d connections are lost, %d were refreshed in the last writes", len(in), gap)
		for _, err := range in {
			var e *oauthflow.Error
			r.must(errors.As(err, &e) || errors.Is(err, context.DeadlineExceeded), "lost, and told %v", err)
		}
	}
	r.must(replays == 0, "%d replays", replays)
	r.must(gaps > firsts && firsts > 0 && lost > 0, "%d refreshes in the writes that were lost, %d of them the first, %d connections lost: nothing was drilled", gaps, firsts, lost)
	r.saw("%d rotations, %d connections refreshed in writes that were lost, %d of them for the first time, %d lost, %d replays", rotations, gaps, firsts, lost, replays)
}

// lossyFailover returns how many connections were refreshed in the writes that are gone, how many of them never before, what
// the org has seen, and what a fresh process is told of each connection that is lost.
func lossyFailover(t *testing.T) (gap, first int, seen account, lost []error) {
	t.Helper()
	primary := servers.StartPostgres(t)
	replication := servers.StartRelay(t, primary.Addr())
	standby := primary.StandbyThrough(replication.Addr())
	relay := servers.StartRelay(t, primary.Addr())
	p := place{On: postgres, DSN: "postgres://postgres@" + relay.Addr() + "/postgres?connect_timeout=3", Name: "drill"}
	must(t, p.make(t.Context()))
	s := newSceneAt(t, p, 20, orgtest.Config{RefreshTime: 30 * time.Millisecond}).hasty()
	workers := s.workers(4)
	used := s.indices()
	s.connect(10)
	mark := s.mark()
	from, to := 0, 0
	everybody(workers, order{Op: "hammer", Conns: used, Each: 16, Within: 5 * time.Second})
	stop := s.expireEvery(400 * time.Millisecond)
	time.Sleep(2 * time.Second)
	replication.Turn("")
	from = s.mark()
	workers[0].do(order{Op: "call", Conns: s.indices()[len(used):], Each: 10, Within: 5 * time.Second})
	time.Sleep(300 * time.Millisecond)
	primary.Abort()
	to = s.mark()
	relay.Turn("")
	standby.Promote()
	relay.Turn(standby.Addr())
	time.Sleep(3 * time.Second)
	stop()
	everybody(workers, order{Op: "halt"})
	for _, w := range workers {
		w.kill()
	}
	before, refreshed := s.refreshed(0, from), s.refreshed(from, to)
	for approval := range refreshed {
		if !before[approval] {
			first++
		}
	}
	good, lost := s.healthy(3 * time.Second)
	if good+len(lost) != len(s.conns) {
		t.Errorf("%d good and %d lost of %d", good, len(lost), len(s.conns))
	}
	return len(refreshed), first, s.since(mark), lost
}

// refreshed returns the approvals whose tokens were refreshed between two marks.
func (s *scene) refreshed(from, to int) map[int]bool {
	approvals := map[int]bool{}
	for _, e := range s.org.Ledger()[from:to] {
		if e.Event == "refresh" && e.Outcome == "ok" {
			approvals[e.Approval] = true
		}
	}
	return approvals
}
