package faults

import (
	"bytes"
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

func TestTheStoresHistoriesAreLinearizable(t *testing.T) {
	t.Run("Memory", func(t *testing.T) {
		linearizable(t, traffic{clients: 8, each: 400, ids: 4, ended: 0.02}, tokenstore.NewMemory())
	})
	for _, on := range []backEnd{files, sqlite, postgres, mariadb, redisKV} {
		t.Run(string(on)+", four handles", func(t *testing.T) {
			linearizable(t, traffic{clients: 8, each: 80, ids: 4, ended: 0.02}, handles(t, newPlace(t, on), 4)...)
		})
	}
}

func TestAHistoryWhoseDatabaseSessionsAreEndedIsLinearizable(t *testing.T) {
	at := newPlace(t, postgres)
	stores := handles(t, at, 4)
	ended, stop := endSessions(t, at, 5*time.Millisecond)
	linearizable(t, traffic{clients: 8, each: 80, ids: 4, broken: true}, stores...)
	if stop(); ended.Load() == 0 {
		t.Error("no session was ended")
	}
}

// handles are several processes' views of the same records.
func handles(t *testing.T, at place, n int) []tokenstore.Store {
	t.Helper()
	var stores []tokenstore.Store
	for range n {
		s, closer, err := at.open(t.Context(), 2)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { closer.Close() })
		stores = append(stores, s)
	}
	return stores
}

func linearizable(t *testing.T, load traffic, stores ...tokenstore.Store) {
	t.Helper()
	ops, err := history(load, stores...)
	if err != nil {
		t.Error(err)
	}
	if n := swaps(ops); n < len(ops)/20 {
		t.Errorf("only %d of %d calls changed a record: nothing was tried", n, len(ops))
	}
	if got := porcupine.CheckOperationsTimeout(registers.ToModel(), ops, time.Minute); got != porcupine.Ok {
		t.Errorf("%d calls: porcupine says %s", len(ops), got)
	}
}

func TestWrongStoresHistoriesAreRejected(t *testing.T) {
	for name, wrong := range map[string]func() tokenstore.Store{
		"one that compares first and swaps later": func() tokenstore.Store { return &hasty{Store: tokenstore.NewMemory()} },
		"one that loads from a copy that lags":    func() tokenstore.Store { return &lagging{Store: tokenstore.NewMemory()} },
	} {
		t.Run(name, func(t *testing.T) {
			for range 20 { // a race may not show at the first time
				ops, err := history(traffic{clients: 8, each: 200, ids: 2}, wrong())
				if err != nil {
					t.Fatal(err)
				}
				if got := porcupine.CheckOperationsTimeout(registers.ToModel(), ops, time.Minute); got == porcupine.Illegal {
					return
				}
			}
			t.Error("porcupine accepts every history of a wrong store")
		})
	}
}

// swaps counts the calls that changed a record.
func swaps(ops []porcupine.Operation) int {
	n := 0
	for _, o := range ops {
		if o.Input.(call).op != "load" && o.Output.(answer).outcome == "ok" {
			n++
		}
	}
	return n
}

// hasty is wrong: between its look at the version and its write somebody else may write.
type hasty struct{ tokenstore.Store }

func (h *hasty) Save(ctx context.Context, r tokenstore.Record) error {
	now, err := h.Load(ctx, r.ID)
	if err == nil && now.Version != r.Version || err != nil && r.Version != 0 {
		return tokenstore.ErrConflict
	}
	runtime.Gosched()
	if err := h.Store.Save(ctx, r); !errors.Is(err, tokenstore.ErrConflict) {
		return err
	}
	return nil // the other's write wins, and this caller is told that his did
}

// lagging is wrong: it answers every third load from what it saw before.
type lagging struct {
	tokenstore.Store

	mu    sync.Mutex
	loads int
	seen  map[string]tokenstore.Record
}

func (l *lagging) Load(ctx context.Context, id string) (tokenstore.Record, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.loads++
	if old, ok := l.seen[id]; ok && l.loads%3 == 0 {
		return old, nil
	}
	r, err := l.Store.Load(ctx, id)
	if err == nil {
		if l.seen == nil {
			l.seen = map[string]tokenstore.Record{}
		}
		kept := r
		kept.Data = bytes.Clone(r.Data)
		l.seen[id] = kept
	}
	return r, err
}
