package faults

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

func TestF42AndF43TheStoreIsDown(t *testing.T) {
	r42 := drill(t, 42, "store down, access tokens valid, 4 processes × 64 goroutines for 2 s", "every call succeeds, 0 requests")
	r43 := drill(t, 43, "store down, access tokens expired", "typed within 1 s, 0 requests; all heal when it is back")
	s := newScene(t, 10, orgtest.Config{})
	workers := s.workers(4, timed(func(t *oauthflow.Timing) { t.Recheck = 50 * time.Millisecond }))
	everybody(workers, order{Op: "call", Conns: s.indices(), Each: 64})
	mark := s.mark()
	everybody(workers, order{Op: "store", Text: "down"})
	everybody(workers, order{Op: "hammer", Conns: s.indices(), Each: 64, Within: 5 * time.Second})
	time.Sleep(2 * time.Second)
	sum := everybody(workers, order{Op: "halt"})
	failed := 0
	for o, n := range sum.Outcomes {
		if o != "ok" {
			failed += n
		}
	}
	r42.must(failed == 0 || failed <= 4*64 && sum.Outcomes["left"] == failed, "outcomes %v", sum.Outcomes) // halting cuts calls short
	r42.must(s.since(mark).posts == 0 && sum.Outcomes["ok"] > 1000, "%d requests, outcomes %v", s.since(mark).posts, sum.Outcomes)
	r42.saw("%d calls fine, %d requests", sum.Outcomes["ok"], s.since(mark).posts)

	s.org.ExpireSessions()
	sum = everybody(workers, order{Op: "replace", Conns: s.indices(), Each: 64, Within: 5 * time.Second})
	sum = everybody(workers, order{Op: "call", Conns: s.indices(), Each: 64, Within: 5 * time.Second})
	r43.must(sum.Outcomes[string(oauthflow.KindStore)] == 4*64, "outcomes %v", sum.Outcomes)
	r43.within(time.Second, sum.Worst, "the slowest took %v", sum.Worst)
	r43.must(s.since(mark).posts == 0, "%d requests", s.since(mark).posts)
	worst := sum.Worst
	everybody(workers, order{Op: "store", Text: "up"})
	sum = everybody(workers, order{Op: "call", Conns: s.indices(), Each: 64})
	r43.must(sum.Outcomes["ok"] == 4*64 && s.since(mark).posts == 10, "afterwards %v, %d requests", sum.Outcomes, s.since(mark).posts)
	r43.saw("%d typed, slowest %v, 0 requests; then %d fine with %d requests", 4*64, worst.Round(time.Millisecond), sum.Outcomes["ok"], s.since(mark).posts)
}

func TestF44SavesFailBetweenIntentAndResult(t *testing.T) {
	each := size(20, 200)
	r := drill(t, 44, fmt.Sprintf("a store whose saves fail with ENOSPC, EROFS and EIO for up to 2 s from the intent on, %d times each", each), "0 lost, 0 replays: the result waits for the disk")
	s := newScene(t, 3*each, orgtest.Config{})
	s.org.ExpireSessions()
	mark := s.mark()
	var failures atomic.Int32
	var all sync.WaitGroup
	for i, errno := range []error{syscall.ENOSPC, syscall.EROFS, syscall.EIO} {
		m := s.manager(&failingStore{Store: s.open(), err: &fs.PathError{Op: "write", Path: "record", Err: errno}, failures: &failures, saves: map[string]int{}, until: map[string]time.Time{}},
			func(c *oauthflow.ManagerConfig) { c.Timing.Lease = 10 * time.Second }) // all of them at once take their time
		for _, k := range s.conns[i*each : (i+1)*each] {
			all.Go(func() {
				ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
				defer cancel()
				if err := use(ctx, m, s, k); err != nil {
					t.Error(err)
				}
			})
		}
	}
	all.Wait()
	a := s.since(mark)
	good, bad := s.healthy(20 * time.Second)
	r.must(good == len(s.conns) && a.replays == 0 && a.posts == len(s.conns), "%d lost (%v), %d replays, %d requests", len(s.conns)-good, bad, a.replays, a.posts)
	r.must(int(failures.Load()) > 3*each, "only %d saves failed", failures.Load())
	r.saw("%d saves failed, %d lost, %d replays, %d requests for %d connections", failures.Load(), len(s.conns)-good, a.replays, a.posts, len(s.conns))
}

// failingStore stores each connection's first record, its intent, and then fails for a while.
type failingStore struct {
	tokenstore.Store
	err      error
	failures *atomic.Int32

	mu    sync.Mutex
	saves map[string]int
	until map[string]time.Time
}

func (f *failingStore) Save(ctx context.Context, r tokenstore.Record) error {
	f.mu.Lock()
	f.saves[r.ID]++
	first := f.saves[r.ID] == 1
	if first {
		f.until[r.ID] = time.Now().Add(time.Duration(rand.IntN(2000)) * time.Millisecond)
	}
	down := !first && time.Now().Before(f.until[r.ID])
	f.mu.Unlock()
	if down {
		f.failures.Add(1)
		return f.err
	}
	return f.Store.Save(ctx, r)
}

func TestF48TheStoreIsRestoredFromABackup(t *testing.T) {
	r := drill(t, 48, "20 connections refreshed, then the store copied back: while processes run, and announced to new ones", "0 stale tokens sent, 0 replays, typed")
	s := newScene(t, 20, orgtest.Config{})
	running := s.worker()
	backup := newPlace(t, s.place.On)
	s.place.copyTo(t, backup)
	call := order{Op: "call", Conns: s.indices(), Each: 20}
	running.do(call)
	for range 3 {
		s.org.ExpireSessions()
		running.do(call)
	}
	mark := s.mark()
	backup.copyTo(t, s.place)
	s.org.ExpireSessions()
	running.do(order{Op: "call", Conns: s.indices(), Each: 20, Within: 10 * time.Second}) // the stored tokens are tried, and are dead
	seen, _ := running.do(order{Op: "call", Conns: s.indices(), Each: 20, Within: 10 * time.Second})
	a1 := s.since(mark)
	r.must(a1.posts == 0, "the running process sent %d stale tokens", a1.posts)
	fresh := s.worker(func(sc *script) { sc.StoreEpoch = "restored" })
	told, _ := fresh.do(order{Op: "call", Conns: s.indices(), Each: 20, Within: 10 * time.Second})
	a2 := s.since(mark)
	r.must(a2.posts == 0 && a2.replays == 0, "%d requests, %d replays", a2.posts, a2.replays)
	r.must(a2.introspections > 0, "nobody asked whether the tokens are unspent")
	for _, o := range []map[string]int{seen.Outcomes, told.Outcomes} {
		r.must(o[string(oauthflow.KindGrantDead)] == 20, "outcomes %v", o)
	}
	r.saw("running process: %v; new one: %v; %d requests, %d introspections", seen.Outcomes, told.Outcomes, a2.posts, a2.introspections)
}

func copyFiles(t *testing.T, from, to string) {
	t.Helper()
	if err := os.MkdirAll(to, 0o700); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(from)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".rec") {
			continue
		}
		b, err := os.ReadFile(filepath.Join(from, e.Name()))
		if err == nil {
			err = os.WriteFile(filepath.Join(to, e.Name()+".new"), b, 0o600)
		}
		if err == nil {
			err = os.Rename(filepath.Join(to, e.Name()+".new"), filepath.Join(to, e.Name()))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestF49ProductionIsClonedToStaging(t *testing.T) {
	r := drill(t, 49, "the store copied and opened with another environment, and with another key", "0 requests, typed errors, the original unharmed")
	s := newScene(t, 10, orgtest.Config{})
	original := s.place
	s.place = newPlace(t, original.On)
	original.copyTo(t, s.place)
	s.org.ExpireSessions()
	mark := s.mark()
	staging := s.worker(func(sc *script) { sc.Environment = "staging" })
	otherKey := s.worker(func(sc *script) { sc.SealingKey = tokenstore.GenerateSealingKey("k1").Key.Reveal() })
	call := order{Op: "call", Conns: s.indices(), Each: 20, Within: 5 * time.Second}
	a, _ := staging.do(call)
	b, _ := otherKey.do(call)
	n := len(s.org.Ledger()) - mark
	for _, o := range []map[string]int{a.Outcomes, b.Outcomes} {
		r.must(o[string(oauthflow.KindForeign)] == 20, "outcomes %v", o)
	}
	r.must(n == 0, "%d requests reached the org", n)
	s.place = original
	good, _ := s.healthy(10 * time.Second)
	r.must(good == 10, "%d lost", 10-good)
	r.saw("other environment: %v; other key: %v; %d requests", a.Outcomes, b.Outcomes, n)
}

func TestF53EveryByteOfARecordIsSpoiled(t *testing.T) {
	r := drill(t, 53, "each byte of a record's file flipped, files swapped, cut, grown to 10 MiB, another version", "every one refused and typed, the others unaffected, 0 requests")
	s := newSceneOn(t, files, 3, orgtest.Config{})
	s.org.ExpireSessions()
	mark := s.mark()
	names, err := filepath.Glob(s.place.Name + "/*.rec")
	if err != nil {
		t.Fatal(err)
	}
	m := s.manager(s.open())
	owner := map[string]oauthflow.Key{}
	files := map[string][]byte{}
	for _, name := range names { // whose is it? take each away in turn
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
		for _, k := range s.conns {
			if _, err := m.Load(t.Context(), k); errors.Is(err, tokenstore.ErrNotFound) {
				owner[name] = k
				files[name] = b
			}
		}
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if len(owner) != 3 {
		t.Fatalf("%d of 3 files found", len(owner))
	}
	tried, refused, others := 0, 0, 0
	spoil := func(name string, b []byte) {
		t.Helper()
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
		tried++
		for other, k := range owner {
			_, err := m.Load(t.Context(), k)
			var e *oauthflow.Error
			switch {
			case other == name && errors.As(err, &e) && e.Kind != oauthflow.KindNotConnected:
				refused++
			case other == name:
				t.Errorf("spoiled and not refused: %v", err)
			case err == nil:
				others++
			default:
				t.Errorf("another connection suffers: %v", err)
			}
		}
	}
	var victim, second string
	for name := range owner {
		victim, second = second, name
	}
	whole := files[victim]
	for i := range whole {
		b := append([]byte(nil), whole...)
		b[i] ^= 1 << rand.IntN(8)
		spoil(victim, b)
	}
	for n := 0; n < len(whole); n += 7 {
		spoil(victim, whole[:n])
	}
	spoil(victim, append(append([]byte(nil), whole...), make([]byte, 10<<20)...))
	spoil(victim, files[second])
	if err := os.WriteFile(victim, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = m.Source(owner[victim]).Token()
	a := s.since(mark)
	r.must(refused == tried && others == 2*tried, "%d of %d refused, others fine %d of %d", refused, tried, others, 2*tried)
	r.must(a.posts == 0 && err == nil, "%d requests; unspoiled: %v", a.posts, err)
	r.saw("%d of %d refused, the others fine each time", refused, tried)
}
