package faults

import (
	"testing"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// sealingKey is a key of a worker.
type sealingKey struct{ ID, Key string }

func newKeys(list []sealingKey) (*tokenstore.Keyring, error) {
	var all []tokenstore.SealingKey
	for _, k := range list {
		all = append(all, tokenstore.SealingKey{ID: k.ID, Key: oauthflow.NewSecret(k.Key)})
	}
	return tokenstore.NewKeyring(all[0], all[1:]...)
}

func TestF54SealingKeysAreRotatedUnderLoad(t *testing.T) {
	r := drill(t, 54, "4 processes × 64 goroutines; another key takes over, one process after the other, and all is sealed again; a process has lost the key",
		"0 failed calls; the process that lacks the key is told, 0 requests")
	s := newScene(t, 10, orgtest.Config{})
	old, fresh := sealingKey{"k1", s.sealing.Key.Reveal()}, sealingKey{"k2", tokenstore.GenerateSealingKey("k2").Key.Reveal()}
	s.timing.Recheck = 50 * time.Millisecond
	keyed := func(list ...sealingKey) func(*script) { return func(sc *script) { sc.Keys = list } }
	hammer := order{Op: "hammer", Conns: s.indices(), Each: 64, Within: 20 * time.Second}
	workers := s.workers(4, keyed(old))
	everybody(workers, hammer)
	mark := s.mark()
	stop := s.expireEvery(400 * time.Millisecond)
	ok, failed := 0, map[string]int{}
	var worst time.Duration
	count := func(sum reply) {
		worst = max(worst, sum.Worst)
		for o, n := range sum.Outcomes {
			switch o {
			case "ok":
				ok += n
			case "left", "refused": // halted; or its session ended twice within the call
			default:
				failed[o] += n
			}
		}
	}
	deploy := func(list ...sealingKey) { // one process after the other
		for i, w := range workers {
			reply, _ := w.do(order{Op: "halt"})
			count(reply)
			closed, alive := w.do(order{Op: "close", Within: 10 * time.Second})
			r.must(alive && closed.Err == "", "close: %v", closed.Err)
			<-w.gone
			workers[i] = s.worker(keyed(list...))
			workers[i].do(hammer)
		}
		time.Sleep(300 * time.Millisecond)
	}
	deploy(old, fresh)
	deploy(fresh, old)
	resealed := everybody(workers[:2], order{Op: "reseal"})
	r.must(resealed.Outcomes["ok"] == 2, "reseal: %v", resealed.Outcomes)
	deploy(fresh)
	for i, w := range workers {
		renewed, _ := w.do(order{Op: "renew", Conns: []int{i, i + 4}, Each: 2})
		r.must(renewed.Outcomes["ok"] == 2, "renew: %v", renewed.Outcomes)
	}
	time.Sleep(time.Duration(size(1, 60)) * 500 * time.Millisecond)
	for began := time.Now(); s.since(mark).rotations < 10*len(s.conns) && time.Since(began) < time.Minute; { // sessions end all the time
		time.Sleep(100 * time.Millisecond)
	}
	stop()
	count(everybody(workers, order{Op: "halt"}))
	everybody(workers, order{Op: "close"}) // what is under way is stored
	r.must(len(failed) == 0 && ok > 1000, "%d calls fine, failed %v", ok, failed)
	r.within(5*time.Second, worst, "the slowest call took %v", worst)

	s.org.ExpireSessions()
	before := s.since(mark)
	lost := s.worker(keyed(old))
	lacking, _ := lost.do(order{Op: "replace", Conns: s.indices(), Each: 20, Within: 5 * time.Second})
	after := s.since(mark)
	r.must(lacking.Outcomes[string(oauthflow.KindForeign)] == 20 && after.posts == before.posts, "without the key: %v, %d requests", lacking.Outcomes, after.posts-before.posts)
	cold := s.worker(keyed(fresh))
	again, _ := cold.do(order{Op: "call", Conns: s.indices(), Each: 10, Within: 20 * time.Second})
	a := s.since(mark)
	r.must(again.Outcomes["ok"] == 10 && a.replays == 0, "afterwards %v, %d replays", again.Outcomes, a.replays)
	r.must(a.rotations >= 10*len(s.conns), "only %d refreshes", a.rotations)
	r.saw("%d calls and %d refreshes fine, %d failed; without the key %v; %d replays", ok, a.rotations, len(failed), lacking.Outcomes, a.replays)
}
