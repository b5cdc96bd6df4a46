package oauthflow_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// process is a manager with Keys of its own, as another process has them.
func (w *world) process(current tokenstore.SealingKey, former ...tokenstore.SealingKey) *oauthflow.Manager {
	w.t.Helper()
	keys, err := tokenstore.NewKeyring(current, former...)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.manager(func(c *oauthflow.ManagerConfig) { c.Keyring = keys })
}

func TestAKeyThatIsNotAmongTheKeysIsNoOutage(t *testing.T) {
	w := rotating(t)
	w.connect(w.manager(), mainKey)
	same := tokenstore.GenerateSealingKey("k1") // of the same name
	for name, key := range map[string]tokenstore.SealingKey{
		"another key of the same name": same,
		"another key of another name":  tokenstore.GenerateSealingKey("k2"),
	} {
		_, err := w.process(key).Source(mainKey).TokenContext(t.Context())
		if kind := kindOf(err); kind != oauthflow.KindForeign {
			t.Errorf("%s: got %v, want a foreign record", name, err)
		}
	}
	if n := w.wire.refreshes(); n != 0 {
		t.Errorf("%d requests, want 0", n)
	}
}

func TestResealUnderLoadFailsNobodyAndMakesTheFormerKeySuperfluous(t *testing.T) {
	const connections, callers = 4, 4
	w := rotating(t)
	old, fresh := tokenstore.GenerateSealingKey("old"), tokenstore.GenerateSealingKey("new")
	before := w.process(old, fresh)
	for i := range connections {
		w.connect(before, personsKey(i))
	}
	w.begin(before, personsKey(9)) // a login under way is a record, too
	callback := w.begin(before, mainKey)

	managers := []*oauthflow.Manager{w.process(fresh, old), w.process(fresh, old)}
	ctx, stop := context.WithCancel(t.Context())
	var all sync.WaitGroup
	var calls atomic.Int64
	for i := range connections * callers {
		all.Go(func() {
			s := managers[i%2].Source(personsKey(i / callers))
			for ctx.Err() == nil {
				tok, err := s.TokenContext(t.Context())
				if err == nil && !w.alive(tok.AccessToken) {
					_, err = s.Replace(t.Context(), tok.AccessToken)
				}
				if err != nil {
					t.Errorf("connection %d: %v", i/callers, err)
					return
				}
				calls.Add(1)
			}
		})
	}
	for range 5 {
		w.org.ExpireSessions()
		var both sync.WaitGroup
		for _, m := range managers { // two at once
			both.Go(func() {
				looked, of := 0, -1
				err := m.Reseal(t.Context(), func(done, total int) {
					if done != looked+1 || of >= 0 && total != of {
						t.Errorf("progress went from %d of %d to %d of %d", looked, of, done, total)
					}
					looked, of = done, total
				})
				if err != nil || looked != of {
					t.Errorf("Reseal: %v; told of %d of %d", err, looked, of)
				}
			})
		}
		both.Wait()
	}
	stop()
	all.Wait()
	if calls.Load() == 0 {
		t.Fatal("nobody called")
	}
	w.wantEvents("refresh", "reuse", 0)

	last := w.process(fresh)
	if _, err := last.Complete(t.Context(), callback); err != nil {
		t.Errorf("the login that was under way: %v", err)
	}
	n := 0
	for _, err := range last.List(t.Context(), "") {
		if n++; err != nil {
			t.Error(err)
		}
	}
	if n != connections+1 {
		t.Errorf("%d connections, want %d", n, connections+1)
	}
	for i := range connections {
		if err := last.Renew(t.Context(), personsKey(i)); err != nil {
			t.Errorf("without the former key: %v", err)
		}
	}
}

func TestResealGoesOnAfterARecordThatCannotBeOpenedAndSaysSo(t *testing.T) {
	w := rotating(t)
	old, fresh := tokenstore.GenerateSealingKey("old"), tokenstore.GenerateSealingKey("new")
	w.connect(w.process(tokenstore.GenerateSealingKey("lost")), personsKey(0))
	w.connect(w.process(old), personsKey(1))
	m := w.process(fresh, old)
	err := m.Reseal(t.Context(), nil)
	wantKind(t, err, oauthflow.KindForeign)
	last := w.process(fresh)
	if !w.alive(w.token(last.Source(personsKey(1)))) {
		t.Error("the record after the one that cannot be opened was not resealed")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := m.Reseal(ctx, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("Reseal with an ended context: %v", err)
	}
}
