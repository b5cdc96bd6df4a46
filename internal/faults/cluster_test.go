package faults

import (
	"database/sql"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fullcast/sfauth/internal/servers"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

func TestF45DatabaseSessionsAreEnded(t *testing.T) {
	times := size(40, 400)
	r := drill(t, 45, fmt.Sprint("PostgreSQL ends all sessions, ", times, " times, 4 workers, 20 connections"), "0 lost, 0 replays, each request a rotation")
	s := newSceneOn(t, postgres, 20, orgtest.Config{RefreshTime: 30 * time.Millisecond}).hasty()
	var ended int
	good, a := s.underLoad(func() {
		n, stop := endSessions(t, s.place, 100*time.Millisecond)
		time.Sleep(time.Duration(times) * 100 * time.Millisecond)
		patiently(func() bool { return int(n.Load()) > times })
		stop()
		ended = int(n.Load())
	})
	r.must(good == len(s.conns) && a.replays == 0 && a.posts == a.rotations, "%d lost, %d replays, %d requests, %d rotations", len(s.conns)-good, a.replays, a.posts, a.rotations)
	r.must(ended > times && a.rotations > len(s.conns), "only %d sessions ended, %d refreshes", ended, a.rotations)
	r.saw("%d sessions ended, %d requests, %d rotations, %d lost, %d replays", ended, a.posts, a.rotations, len(s.conns)-good, a.replays)
}

// endSessions has PostgreSQL end all sessions of a place again and again until it is stopped, and counts them.
func endSessions(t *testing.T, at place, every time.Duration) (ended *atomic.Int32, stop func()) {
	t.Helper()
	db, err := sql.Open("pgx", at.DSN)
	if err != nil {
		t.Fatal(err)
	}
	ended = new(atomic.Int32)
	done := make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		defer db.Close()
		for {
			select {
			case <-done:
				return
			case <-time.After(every):
			}
			var n int32
			err := db.QueryRow("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND query LIKE '%' || $1 || '%'", at.Name).Scan(&n)
			if err != nil {
				t.Error(err)
			}
			ended.Add(n)
		}
	})
	return ended, func() { close(done); all.Wait() }
}

// underLoad lets something happen while four workers call and all sessions end again and again. It returns how many
// connections are healthy afterwards, and what the org has seen.
func (s *scene) underLoad(happen func()) (healthy int, seen account) {
	s.t.Helper()
	return s.loaded(s.workers(4), happen)
}

// loaded is underLoad with these workers.
func (s *scene) loaded(workers []*worker, happen func()) (healthy int, seen account) {
	s.t.Helper()
	mark := s.mark()
	everybody(workers, order{Op: "hammer", Conns: s.indices(), Each: 16, Within: 20 * time.Second})
	stop := s.expireEvery(400 * time.Millisecond)
	happen()
	patiently(func() bool { return s.since(mark).rotations > 2*len(s.conns) })
	stop()
	everybody(workers, order{Op: "halt"})
	healthy, bad := s.healthy(time.Minute)
	for _, err := range bad {
		s.t.Log(err)
	}
	return healthy, s.since(mark)
}

func TestF46ThePrimaryFailsAndItsStandbyIsPromoted(t *testing.T) {
	failovers := size(3, 50)
	r := drill(t, 46, fmt.Sprint("PostgreSQL with a synchronous standby: the primary is aborted and the standby promoted, ", failovers, " times"), "0 lost, 0 replays")
	primary := servers.StartPostgres(t)
	standby := primary.Standby()
	relay := servers.StartRelay(t, primary.Addr())
	synchronous := func(names string) {
		primary.Exec("ALTER SYSTEM SET synchronous_standby_names = '" + names + "'")
		primary.Exec("SELECT pg_reload_conf()")
	}
	synchronous("*")
	p := place{On: postgres, DSN: "postgres://postgres@" + relay.Addr() + "/postgres?connect_timeout=3", Name: "drill"}
	if err := p.make(t.Context()); err != nil {
		t.Fatal(err)
	}
	s := newSceneAt(t, p, 20, orgtest.Config{RefreshTime: 30 * time.Millisecond}).hasty()
	good, a := s.underLoad(func() {
		for range failovers {
			time.Sleep(time.Second)
			primary.Abort()
			relay.Turn("")
			standby.Promote()
			primary = standby
			synchronous("") // else nothing is written until there is another standby
			relay.Turn(primary.Addr())
			standby = primary.Standby()
			synchronous("*")
		}
		time.Sleep(time.Second)
	})
	r.must(good == len(s.conns) && a.replays == 0, "%d lost, %d replays", len(s.conns)-good, a.replays)
	r.must(a.rotations > len(s.conns), "only %d refreshes", a.rotations)
	r.saw("%d requests, %d rotations, %d lost, %d replays", a.posts, a.rotations, len(s.conns)-good, a.replays)
}

func TestF47AStandbyIsUsedByMistake(t *testing.T) {
	r := drill(t, 47, "a worker is given a hot standby for its store, all sessions are over", "typed, 0 requests")
	primary := servers.StartPostgres(t)
	p := place{On: postgres, DSN: primary.DSN(), Name: "drill"}
	if err := p.make(t.Context()); err != nil {
		t.Fatal(err)
	}
	s := newSceneAt(t, p, 5, orgtest.Config{})
	p.DSN = primary.Standby().DSN() // made now, it has all records
	s.org.ExpireSessions()
	mark := s.mark()
	w := s.worker(func(sc *script) { sc.Place = p })
	sum, _ := w.do(order{Op: "call", Conns: s.indices(), Each: 20, Within: 5 * time.Second})
	a := s.since(mark)
	r.must(a.posts == 0 && sum.Outcomes[string(oauthflow.KindStore)] == 20, "%d requests, outcomes %v", a.posts, sum.Outcomes)
	r.saw("%d requests, outcomes %v", a.posts, sum.Outcomes)
}

func TestF50BehindATransactionPooler(t *testing.T) {
	behind := newPlace(t, postgres)
	pooled := behind
	pooled.DSN = servers.StartPgBouncer(t, behind.DSN, 4)
	stormOfExpiriesAt(t, 50, "PgBouncer by transaction, 4 sessions", pooled, size(20, 200))
}

func TestF51TheMasterFailsAndItsReplicaIsPromoted(t *testing.T) {
	failovers := size(3, 50)
	r := drill(t, 51, fmt.Sprint("Redis, every save awaited by a replica: kill -9 of the master, the replica promoted, ", failovers, " times"), "0 lost, 0 replays")
	master := servers.StartRedis(t)
	replicaOf := func(m *servers.Redis) *servers.Redis {
		return servers.StartRedis(t, "--replicaof", "127.0.0.1", m.Port())
	}
	replica := replicaOf(master)
	relay := servers.StartRelay(t, master.Addr())
	s := newSceneAt(t, place{On: redisKV, DSN: "redis://" + relay.Addr(), Name: "drill", Replicas: 1}, 20, orgtest.Config{RefreshTime: 30 * time.Millisecond}).hasty()
	good, a := s.underLoad(func() {
		for range failovers {
			time.Sleep(time.Second)
			master.Kill()
			relay.Turn("")
			replica.Promote()
			master = replica
			relay.Turn(master.Addr())
			replica = replicaOf(master)
		}
		time.Sleep(time.Second)
	})
	r.must(good == len(s.conns) && a.replays == 0, "%d lost, %d replays", len(s.conns)-good, a.replays)
	r.must(a.rotations > len(s.conns), "only %d refreshes", a.rotations)
	r.saw("%d requests, %d rotations, %d lost, %d replays", a.posts, a.rotations, len(s.conns)-good, a.replays)
}

func TestF51TheReplicaIsCutOffBeforeTheMasterFails(t *testing.T) {
	failovers := size(2, 50)
	r := drill(t, 51, fmt.Sprint("Redis, every save awaited by a replica: the replica is cut off for 3 s under load, then kill -9 of the master, the replica promoted, ", failovers, " times"),
		"0 requests while the replica is missing, 0 lost, 0 replays")
	master := servers.StartRedis(t)
	link := servers.StartRelay(t, master.Addr())
	_, port, err := net.SplitHostPort(link.Addr())
	must(t, err)
	follower := func() *servers.Redis { return servers.StartRedis(t, "--replicaof", "127.0.0.1", port) }
	replica := follower()
	relay := servers.StartRelay(t, master.Addr())
	p := place{On: redisKV, DSN: "redis://" + relay.Addr(), Name: "drill", Replicas: 1}
	s := newSceneAt(t, p, 20, orgtest.Config{RefreshTime: 30 * time.Millisecond}).hasty()
	s.timing.Lease = 3 * time.Second // longer than a save waits for replicas, or the fence would take every request back
	without, away := 0, 0
	good, a := s.underLoad(func() {
		for range failovers {
			time.Sleep(2 * time.Second)
			link.Turn("")
			time.Sleep(s.timing.Lease) // what has its intent on the replica is sent by then
			mark := s.mark()
			time.Sleep(3 * time.Second)
			without += s.since(mark).posts
			away += link.Away()
			master.Kill()
			relay.Turn("")
			replica.Promote()
			master = replica
			link.Turn(master.Addr())
			relay.Turn(master.Addr())
			replica = follower()
		}
		time.Sleep(3 * time.Second)
	})
	r.must(good == len(s.conns) && a.replays == 0, "%d lost, %d replays", len(s.conns)-good, a.replays)
	r.must(without == 0 && away > 0, "%d requests while the replica was missing, which it tried to come back from %d times", without, away)
	r.must(a.rotations > len(s.conns), "only %d refreshes", a.rotations)
	r.saw("%d requests, %d rotations, %d while the replica was missing, %d lost, %d replays", a.posts, a.rotations, without, len(s.conns)-good, a.replays)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
