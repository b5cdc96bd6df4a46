package oauthflow_test

import (
	"context"
	"encoding/base64"
	"errors"
	"iter"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// countedCalls is a store whose every call takes 2 ms. It counts the calls by record, and refuses those for some records.
type countedCalls struct {
	tokenstore.Store
	fails func(id string) bool // nil for never

	mu        sync.Mutex
	calls     map[string]int // loads and saves, by id
	lists     int
	order     []string // ids in the order of their first call
	now, most int
}

func (s *countedCalls) call(id string, do func() error) error {
	s.mu.Lock()
	if s.calls == nil {
		s.calls = map[string]int{}
	}
	if s.calls[id]++; s.calls[id] == 1 {
		s.order = append(s.order, id)
	}
	s.now++
	s.most = max(s.most, s.now)
	failing := s.fails != nil && s.fails(id)
	s.mu.Unlock()
	time.Sleep(2 * time.Millisecond)
	s.mu.Lock()
	s.now--
	s.mu.Unlock()
	if failing {
		return errStoreDown
	}
	return do()
}

func (s *countedCalls) Load(ctx context.Context, id string) (r tokenstore.Record, err error) {
	err = s.call(id, func() (err error) { r, err = s.Store.Load(ctx, id); return err })
	return r, err
}

func (s *countedCalls) Save(ctx context.Context, r tokenstore.Record) error {
	return s.call(r.ID, func() error { return s.Store.Save(ctx, r) })
}

func (s *countedCalls) List(ctx context.Context, prefix string, before time.Time) iter.Seq2[tokenstore.Record, error] {
	s.mu.Lock()
	s.lists++
	s.mu.Unlock()
	return s.Store.List(ctx, prefix, before)
}

// sum returns how many calls there were, beside lists, and the most for one record.
func (s *countedCalls) sum() (all, most int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range s.calls {
		all, most = all+n, max(most, n)
	}
	return all, most
}

// resealing are a store with the records of n connections of the rival, and of acme's login and connection, and a process that has
// a new current key.
func resealing(t *testing.T, n int, change ...func(*oauthflow.ManagerConfig)) (*countedCalls, *oauthflow.Manager) {
	t.Helper()
	w := rotating(t)
	v := w.unlocked()
	w.connect(w.manager(silent), mainKey)
	v.copied(w.store, mainRecord, n, time.Now(), nil)
	s := &countedCalls{Store: w.store}
	keys, err := tokenstore.NewKeyring(tokenstore.GenerateSealingKey("next"),
		tokenstore.SealingKey{ID: v.id, Key: oauthflow.NewSecret(base64.StdEncoding.EncodeToString(v.key))})
	if err != nil {
		t.Fatal(err)
	}
	return s, w.manager(append([]func(*oauthflow.ManagerConfig){silent, func(c *oauthflow.ManagerConfig) { c.Keyring, c.Store = keys, s }}, change...)...)
}

// timed makes a bulk call for so many records, and returns how many it told of, each once and in order, and how long it took.
func timed(t *testing.T, records int, do func(context.Context, func(done, total int)) error) (told int, took time.Duration) {
	t.Helper()
	began := time.Now()
	if err := do(t.Context(), func(done, total int) {
		if told++; done != told || total != records {
			t.Errorf("told %d of %d as number %d", done, total, told)
		}
	}); err != nil {
		t.Fatal(err)
	}
	return told, time.Since(began)
}

func TestARecordIsResealedInTwoCallsOfTheStoreSideBySideAndNeverTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 1000
		s, m := resealing(t, n)
		told, took := timed(t, n+2, m.Reseal)
		if all, most := s.sum(); all != 2*(n+2) || most != 2 || s.lists != 1 || told != n+2 {
			t.Errorf("%d calls, %d for one record, %d lists, %d records told; want %d, 2, 1, %d", all, most, s.lists, told, 2*(n+2), n+2)
		}
		if s.most != 16 || took > time.Second { // one after the other: 4 s
			t.Errorf("%d calls at once, in %v; want 16, and a second at most", s.most, took)
		}
		clear(s.calls)
		if err := m.Reseal(t.Context(), nil); err != nil {
			t.Error(err)
		}
		if all, _ := s.sum(); all != 0 || s.lists != 2 {
			t.Errorf("again: %d calls and %d lists, want a list", all, s.lists-1)
		}
	})
}

func TestTheCrewOfAResealIsNoLargerThanConfiguredNorThanWhatTheStoreServes(t *testing.T) {
	for _, tt := range []struct{ crew, calls, want int }{{1, 16, 1}, {5, 16, 5}, {0, 4, 4}, {100, 30, 30}} {
		synctest.Test(t, func(t *testing.T) {
			s, m := resealing(t, 200, func(c *oauthflow.ManagerConfig) { c.Crew, c.StoreCalls = tt.crew, tt.calls })
			if err := m.Reseal(t.Context(), nil); err != nil || s.most != tt.want {
				t.Errorf("crew %d, store %d: %d at once, want %d; %v", tt.crew, tt.calls, s.most, tt.want, err)
			}
		})
	}
	for _, crew := range []int{-1, 257} {
		_, err := oauthflow.NewManager(oauthflow.ManagerConfig{Crew: crew})
		if err == nil || !strings.Contains(err.Error(), "ManagerConfig.Crew") {
			t.Errorf("a crew of %d: %v", crew, err)
		}
	}
}

func TestAResealThatIsInterruptedGoesOnWithTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 300
		s, m := resealing(t, n)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		told := 0
		err := m.Reseal(ctx, func(done, _ int) {
			if told = done; done == 100 {
				cancel()
			}
		})
		var b *oauthflow.BulkError
		if !errors.Is(err, context.Canceled) || !errors.As(err, &b) || b.Done != told || b.Done+b.Left != n+2 || b.Left < n-150 {
			t.Fatalf("%d told: %v", told, err)
		}
		before, _ := s.sum()
		if err := m.Reseal(t.Context(), nil); err != nil {
			t.Error(err)
		}
		if all, _ := s.sum(); all-before > 2*(b.Left+b.Failed) || all-before < 2*b.Left {
			t.Errorf("the rest of %d, and %d that were interrupted, cost %d calls, want two for each", b.Left, b.Failed, all-before)
		}
	})
}

func TestARecordThatCannotBeResealedStopsNoOtherAndAllAreToldInOneError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 1000
		s, m := resealing(t, n)
		s.fails = func(id string) bool { return strings.HasSuffix(id, "7") }
		err := m.Reseal(t.Context(), nil)
		var b *oauthflow.BulkError
		if !errors.As(err, &b) || b.Op != "reseal" || b.Done != n+2 || b.Failed < n/10 || b.Kinds[oauthflow.KindStore] != b.Failed || b.Err != nil || b.Left != 0 {
			t.Fatalf("got %+v", b)
		}
		if !errors.Is(err, errStoreDown) || len(b.Errs) != 100 || len(err.Error()) > 4096 || strings.Contains(err.Error(), "\n") {
			t.Errorf("%d kept, %d bytes: %v", len(b.Errs), len(err.Error()), err)
		}
		s.fails = nil
		clear(s.calls)
		if err := m.Reseal(t.Context(), nil); err != nil {
			t.Error(err)
		}
		if all, _ := s.sum(); all != 2*b.Failed {
			t.Errorf("the rest costs %d calls, want %d", all, 2*b.Failed)
		}
	})
}

// The rival has a thousand connections, and acme one, which is listed last.
func TestTheRecordsOfOneTenantAreNotResealedAfterAllOfAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, m := resealing(t, 1000)
		if err := m.Reseal(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		if at := slices.Index(s.order, mainRecord); at < 0 || at > 40 {
			t.Errorf("acme's record came as number %d, want among the first 40", at)
		}
	})
}

func TestACopyDealsWithManyRecordsSideBySide(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 300
		w := rotating(t)
		v := w.unlocked()
		w.connect(w.manager(silent), mainKey)
		v.copied(w.store, mainRecord, n, time.Now().Add(time.Hour), nil)
		from := &countedCalls{Store: w.store}
		store := &countedCalls{Store: tokenstore.NewMemory()}
		told, took := timed(t, n+2, func(ctx context.Context, progress func(done, total int)) error {
			return oauthflow.Copy(ctx, oauthflow.CopyConfig{From: from, To: store, Keyring: w.keys, Environment: "test", Progress: progress})
		})
		if told != n+2 || took > time.Second || from.most > 16 || from.most < 8 { // one after the other: 3 s and more
			t.Errorf("%d of %d, %d calls of the store at once, in %v", told, n+2, from.most, took)
		}
		listed := 0
		for _, err := range w.manager(silent, func(c *oauthflow.ManagerConfig) { c.Store = store }).List(t.Context(), "") {
			if listed++; err != nil {
				t.Error(err)
			}
		}
		if listed != n+1 {
			t.Errorf("%d connections are here, want %d", listed, n+1)
		}
	})
}
