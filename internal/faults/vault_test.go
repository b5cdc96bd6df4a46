package faults

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

// sealingKey is a key of a worker: plain, or one of the vault when Key is empty.
type sealingKey struct{ ID, Key string }

func newKeys(list []sealingKey, v *vault) (*oauthflow.Keys, error) {
	var all []oauthflow.SealingKey
	for _, k := range list {
		if k.Key == "" {
			all = append(all, oauthflow.SealingKey{ID: k.ID, Wrapper: v})
		} else {
			all = append(all, oauthflow.SealingKey{ID: k.ID, Key: oauthflow.NewSecret(k.Key)})
		}
	}
	return oauthflow.NewKeys(all[0], all[1:]...)
}

// vault is a KMS that all processes share: it turns every bit.
type vault struct {
	mood atomic.Pointer[string] // "down", "slow", or fine
}

func (v *vault) ask(ctx context.Context, b []byte) ([]byte, error) {
	if mood := v.mood.Load(); mood != nil {
		switch *mood {
		case "down":
			return nil, errors.New("the vault is closed")
		case "slow":
			select {
			case <-time.After(time.Hour):
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
	}
	out := slices.Clone(b)
	for i := range out {
		out[i] ^= 0xff
	}
	return out, nil
}

func (v *vault) Wrap(ctx context.Context, b []byte) ([]byte, error)   { return v.ask(ctx, b) }
func (v *vault) Unwrap(ctx context.Context, b []byte) ([]byte, error) { return v.ask(ctx, b) }

func TestF54SealingKeysAreRotatedUnderLoad(t *testing.T) {
	lasting := time.Duration(size(1, 60)) * 500 * time.Millisecond
	r := drill(t, 54, fmt.Sprintf("4 processes × 64 goroutines; a key of a KMS takes over, all is sealed anew; the KMS is down and slow for %v each; a key is lost", lasting),
		"0 failed calls, also without the KMS while its keys are known; whoever lacks a key is told, 0 requests")
	s := newScene(t, 10, orgtest.Config{})
	s.clock = clock{time.Now(), 100} // sessions end all the time
	old, kms := sealingKey{"k1", s.sealing.Key.Reveal()}, sealingKey{ID: "kms"}
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
	deploy(old, kms)
	deploy(kms, old)
	resealed := everybody(workers[:2], order{Op: "reseal"})
	r.must(resealed.Outcomes["ok"] == 2, "reseal: %v", resealed.Outcomes)
	deploy(kms)
	for range 2 { // each seals with a key of its own, and all have to see it
		for i, w := range workers {
			renewed, _ := w.do(order{Op: "renew", Conns: []int{i, i + 4}, Each: 2})
			r.must(renewed.Outcomes["ok"] == 2, "renew: %v", renewed.Outcomes)
		}
		time.Sleep(200 * time.Millisecond)
	}
	cold := s.worker(keyed(kms))
	for _, mood := range []string{"down", "slow"} {
		everybody(append(workers, cold), order{Op: "vault", Text: mood})
		time.Sleep(lasting)
	}
	everybody([]*worker{cold}, order{Op: "vault", Text: "down"})
	told, _ := cold.do(order{Op: "replace", Conns: s.indices(), Each: 20, Within: 5 * time.Second})
	stop()
	count(everybody(workers, order{Op: "halt"}))
	everybody(workers, order{Op: "close"}) // what is under way is stored
	r.must(len(failed) == 0 && ok > 1000, "%d calls fine, failed %v", ok, failed)
	r.within(5*time.Second, worst, "the slowest call took %v", worst)
	r.must(told.Outcomes[string(oauthflow.KindStore)] == 20, "a process that cannot reach the KMS: %v", told.Outcomes)

	s.org.ExpireSessions()
	before := s.since(mark)
	lost := s.worker(keyed(old))
	lacking, _ := lost.do(order{Op: "replace", Conns: s.indices(), Each: 20, Within: 5 * time.Second})
	after := s.since(mark)
	r.must(lacking.Outcomes[string(oauthflow.KindForeign)] == 20 && after.posts == before.posts, "without the key: %v, %d requests", lacking.Outcomes, after.posts-before.posts)
	cold.do(order{Op: "vault", Text: "fine"})
	again, _ := cold.do(order{Op: "call", Conns: s.indices(), Each: 10, Within: 20 * time.Second})
	a := s.since(mark)
	r.must(again.Outcomes["ok"] == 10 && a.replays == 0, "afterwards %v, %d replays", again.Outcomes, a.replays)
	r.must(a.rotations >= 10*len(s.conns), "only %d refreshes", a.rotations)
	r.saw("%d calls and %d refreshes fine, %d failed; cold without KMS %v; without the key %v; %d replays",
		ok, a.rotations, len(failed), told.Outcomes, lacking.Outcomes, a.replays)
}
