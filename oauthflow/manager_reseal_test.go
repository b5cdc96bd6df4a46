package oauthflow_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
)

// vault wraps keys as a KMS does, and counts how often it is asked.
type vault struct {
	mu      sync.Mutex
	wraps   int
	unwraps int
	down    bool
	slow    time.Duration
	pad     []byte
}

func newVault() *vault {
	v := &vault{pad: make([]byte, 32)}
	rand.Read(v.pad)
	return v
}

func (v *vault) ask(ctx context.Context, count *int, key []byte) ([]byte, error) {
	v.mu.Lock()
	*count++
	down, slow := v.down, v.slow
	v.mu.Unlock()
	select {
	case <-time.After(slow):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if down {
		return nil, errors.New("the vault is closed")
	}
	out := bytes.Clone(key)
	for i := range out {
		out[i] ^= v.pad[i]
	}
	return out, nil
}

func (v *vault) Wrap(ctx context.Context, key []byte) ([]byte, error) {
	return v.ask(ctx, &v.wraps, key)
}
func (v *vault) Unwrap(ctx context.Context, wrapped []byte) ([]byte, error) {
	return v.ask(ctx, &v.unwraps, wrapped)
}

func (v *vault) set(down bool, slow time.Duration) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.down, v.slow = down, slow
}

func (v *vault) asked() (wraps, unwraps int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.wraps, v.unwraps
}

// process is a manager with Keys of its own, as another process has them.
func (w *world) process(current oauthflow.SealingKey, former ...oauthflow.SealingKey) *oauthflow.Manager {
	w.t.Helper()
	keys, err := oauthflow.NewKeys(current, former...)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.manager(func(c *oauthflow.ManagerConfig) { c.Keys = keys })
}

func TestAWrapperIsAskedOnceAProcessAndNotOnceARecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		v := newVault()
		key := oauthflow.SealingKey{ID: "kms", Wrapper: v}
		sealing := w.process(key)
		for i := range 4 {
			w.connect(sealing, personsKey(i))
		}
		if wraps, unwraps := v.asked(); wraps != 1 || unwraps != 0 {
			t.Errorf("4 connections: %d wraps and %d unwraps, want 1 and 0", wraps, unwraps)
		}
		opening := w.process(key)
		for range 10 {
			for i := range 4 {
				if !w.alive(w.token(opening.Source(personsKey(i)))) {
					t.Error("what one process sealed does not work in another")
				}
			}
			time.Sleep(time.Minute)
		}
		for i := range 4 { // now it seals as well
			if err := opening.Renew(t.Context(), personsKey(i)); err != nil {
				t.Fatal(err)
			}
		}
		if wraps, unwraps := v.asked(); wraps != 2 || unwraps != 1 {
			t.Errorf("two processes: %d wraps and %d unwraps, want 2 and 1", wraps, unwraps)
		}
	})
}

func TestAWrapperThatIsDownOrSlowFailsNoCallWhileTheKeyIsKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, slow := range []time.Duration{0, time.Hour} {
			w := rotating(t)
			v := newVault()
			key := oauthflow.SealingKey{ID: "kms", Wrapper: v}
			m, other := w.process(key), w.process(key)
			w.connect(m, mainKey)
			for _, known := range []*oauthflow.Manager{other, m, other} { // both know both keys
				if err := known.Renew(t.Context(), mainKey); err != nil {
					t.Fatal(err)
				}
			}
			time.Sleep(time.Minute) // and both know the latest token
			before, _ := v.asked()
			v.set(slow == 0, slow)
			for i := range 40 {
				s := []*oauthflow.Manager{m, other}[i%2].Source(mainKey)
				dead := w.token(s)
				w.org.ExpireSessions()
				if tok, err := s.Replace(t.Context(), dead); err != nil || !w.alive(tok.AccessToken) {
					t.Errorf("call %d: %v", i, err)
				}
				time.Sleep(time.Minute)
			}
			if after, _ := v.asked(); after != before {
				t.Errorf("the wrapper was asked to wrap %d times", after-before)
			}

			cold := w.process(key)
			_, err := cold.Source(mainKey).TokenContext(t.Context())
			wantKind(t, err, oauthflow.KindStore) // to be tried again
			sent := w.wire.refreshes()
			v.set(false, 0)
			if !w.alive(w.token(cold.Source(mainKey))) || w.wire.refreshes() != sent {
				t.Error("the cold process does not heal when the wrapper is back")
			}
		}
	})
}

func TestAKeyThatIsNotAmongTheKeysIsNoOutage(t *testing.T) {
	w := rotating(t)
	w.connect(w.manager(), mainKey)
	same := oauthflow.GenerateSealingKey("k1") // of the same name
	wrong := newVault()
	for name, key := range map[string]oauthflow.SealingKey{
		"another key of the same name": same,
		"another key of another name":  oauthflow.GenerateSealingKey("k2"),
	} {
		_, err := w.process(key).Source(mainKey).TokenContext(t.Context())
		if kind := kindOf(err); kind != oauthflow.KindForeign {
			t.Errorf("%s: got %v, want a foreign record", name, err)
		}
	}
	sealed := rotating(t)
	sealed.connect(sealed.process(oauthflow.SealingKey{ID: "kms", Wrapper: newVault()}), mainKey)
	_, err := sealed.process(oauthflow.SealingKey{ID: "kms", Wrapper: wrong}).Source(mainKey).TokenContext(t.Context())
	wantKind(t, err, oauthflow.KindForeign) // the other vault's key is 32 bytes, and not the right ones
	if n := w.wire.refreshes() + sealed.wire.refreshes(); n != 0 {
		t.Errorf("%d requests, want 0", n)
	}
}

func TestResealUnderLoadFailsNobodyAndMakesTheFormerKeySuperfluous(t *testing.T) {
	const connections, callers = 4, 4
	w := rotating(t)
	old, fresh := oauthflow.GenerateSealingKey("old"), oauthflow.GenerateSealingKey("new")
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
	old, fresh := oauthflow.GenerateSealingKey("old"), oauthflow.GenerateSealingKey("new")
	w.connect(w.process(oauthflow.GenerateSealingKey("lost")), personsKey(0))
	w.connect(w.process(old), personsKey(1))
	m := w.process(fresh, old)
	err := m.Reseal(t.Context(), nil)
	wantKind(t, err, oauthflow.KindForeign)
	last := w.process(fresh)
	if !w.alive(w.token(last.Source(personsKey(1)))) {
		t.Error("the record after the one that cannot be opened was not sealed anew")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := m.Reseal(ctx, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("Reseal with an ended context: %v", err)
	}
}

func TestAColdProcessAsksItsWrapperOnceHoweverManyCallersThereAre(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		v := newVault()
		key := oauthflow.SealingKey{ID: "kms", Wrapper: v}
		first := w.process(key)
		for i := range 4 {
			w.connect(first, personsKey(i))
		}
		v.set(false, 500*time.Millisecond)
		cold := w.process(key)
		var all sync.WaitGroup
		for i := range 4 {
			all.Go(func() {
				if err := cold.Renew(t.Context(), personsKey(i)); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if wraps, unwraps := v.asked(); wraps != 2 || unwraps != 1 {
			t.Errorf("%d wraps and %d unwraps, want 2 and 1", wraps, unwraps)
		}
	})
}
