package oauthflow_test

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

func TestALoginOnItsWayBetweenTheStoresIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		cb := w.begin(w.manager(), mainKey)
		former := w.store
		shared := oauthflow.NewMemoryStore()
		slow := &hooked{Store: shared}
		slow.onSave(func(r oauthflow.Record, do func() error) error {
			time.Sleep(100 * time.Millisecond)
			return do()
		})
		w.store = slow
		taking := w.after(former)
		w.store = shared
		done := make(chan error)
		go func() { done <- taking.TakeOver(t.Context(), nil) }()
		time.Sleep(50 * time.Millisecond)
		if _, err := w.after(former).Complete(t.Context(), cb); err != nil {
			t.Error(err)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestAConnectionThatWasMovedIsNotRevokedByTheRestOfATakeOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		w.connect(w.manager(), mainKey)
		former := w.store
		store, wrote := oauthflow.NewMemoryStore(), new(atomic.Int64)
		w.store = mortal{store, 2, true, wrote}
		if err := w.after(mortal{former, 2, true, wrote}).TakeOver(t.Context(), nil); err == nil {
			t.Fatal("it was not interrupted")
		}
		w.store = store
		after := w.after(former)
		if err := after.Move(t.Context(), mainKey, secondKey); err != nil {
			t.Fatal(err)
		}
		w.takeOver(after)
		if err := after.Renew(t.Context(), secondKey); err != nil {
			t.Error(err)
		}
		w.wantEvents("revoke", "", 0)
	})
}

func TestAConnectionIsNotTakenOverInPlaceOfOneThatIsBeingDisconnected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		names := &nameless{RoundTripper: w.wire.base}
		w.wire.base = names
		former, there, _ := w.rivals(true, func(m *oauthflow.Manager) {
			names.gone.Store(true)
			if err := m.Disconnect(t.Context(), mainKey); !errors.Is(err, oauthflow.ErrNoSuchHost) {
				t.Errorf("got %v, want it unconfirmed", err)
			}
			names.gone.Store(false)
		})
		after := w.after(former)
		if err := after.TakeOver(t.Context(), nil); kindOf(err) != oauthflow.KindStore || !strings.Contains(err.Error(), "repeat") {
			t.Errorf("got %v, want to be told to repeat it", err)
		}
		if err := after.Disconnect(t.Context(), mainKey); err != nil {
			t.Fatal(err)
		}
		w.takeOver(after)
		_, err := after.Load(t.Context(), mainKey)
		wantKind(t, err, oauthflow.KindNotConnected)
		if w.alive(there) {
			t.Error("the former store's lives on")
		}
	})
}

func TestTokensOnTheirWayToAnotherKeyArriveThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		before := w.manager()
		w.connect(before, mainKey)
		moving := w.token(before.Source(mainKey))
		former := w.store
		w.store = mortal{former, 1, true, new(atomic.Int64)}
		if err := w.manager().Move(t.Context(), mainKey, secondKey); err == nil {
			t.Fatal("it was not interrupted")
		}
		w.store = oauthflow.NewMemoryStore()
		fresh := w.manager()
		time.Sleep(time.Minute)
		w.connect(fresh, mainKey)
		after := w.after(former)
		w.takeOver(after)
		if got := w.token(after.Source(secondKey)); got != moving || !w.alive(got) {
			t.Error("the tokens have not arrived")
		}
		if got := w.token(after.Source(mainKey)); got != w.token(fresh.Source(mainKey)) || !w.alive(got) {
			t.Error("the younger connection is gone")
		}
	})
}

func TestAnEarlierMoveDoesNotComeBackOverWhatIsTakenOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		before := w.manager()
		former := w.store
		store := oauthflow.NewMemoryStore()
		w.store = store
		w.connect(w.manager(), secondKey)
		w.store = mortal{store, 2, true, new(atomic.Int64)} // it is in both places
		if err := w.manager().Move(t.Context(), secondKey, mainKey); err == nil {
			t.Fatal("it was not interrupted")
		}
		time.Sleep(time.Minute)
		w.connect(before, mainKey)
		want := w.token(before.Source(mainKey))
		w.store = store
		after := w.after(former)
		w.takeOver(after)
		if err := after.Move(t.Context(), secondKey, mainKey); err != nil {
			t.Error(err)
		}
		if got := w.token(w.manager().Source(mainKey)); got != want {
			t.Error("the older login is back")
		}
	})
}

func TestATokenThatBothStoresWereGivenIsNotRevoked(t *testing.T) {
	for _, formerFirst := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, orgtest.Config{})
			before := w.manager()
			_, after := w.newStore()
			inherited := w.inherited()
			order := []*oauthflow.Manager{w.manager(), before}
			if formerFirst {
				order = []*oauthflow.Manager{before, w.manager()}
			}
			for _, m := range order {
				if _, err := m.Adopt(t.Context(), mainKey, w.client(), inherited); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Minute)
			}
			w.takeOver(after)
			time.Sleep(time.Minute)
			w.wantEvents("revoke", "", 0)
			if err := after.Renew(t.Context(), mainKey); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestWhoeverWasStoppedInATakeOverDoesNotRepeatItAfterItWasUndone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		w.connect(w.manager(), mainKey)
		first, second := w.store, oauthflow.NewMemoryStore()
		w.store = mortal{second, 1, true, new(atomic.Int64)}
		wrote := new(atomic.Int64)
		if err := w.after(mortal{first, 1, true, wrote}).TakeOver(t.Context(), nil); err == nil {
			t.Fatal("it was not interrupted")
		}
		w.store = second
		other := w.after(first)
		w.store = first
		back := w.after(second)
		dies := new(atomic.Int64)
		stopped := &hooked{Store: mortal{second, 1, true, dies}}
		stopped.onLoad(func(string) error {
			stopped.onLoad(nil)
			w.takeOver(other)
			w.takeOver(back)
			return nil
		})
		w.store = stopped
		if err := w.after(mortal{first, 1, true, dies}).TakeOver(t.Context(), nil); err == nil {
			t.Fatal("it has not died")
		}
		w.store = second
		wantTakenOver(t, "Renew", w.manager().Renew(t.Context(), mainKey))
		w.store = first
		if err := w.manager().Renew(t.Context(), mainKey); err != nil {
			t.Error(err)
		}
	})
}

func TestWhatWasTakenOverIsKeptAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		w.connect(w.manager(), mainKey)
		_, after := w.newStore()
		w.takeOver(after)
		w.keptAlive(31*day, after)
		if n := w.wire.refreshes(); n != 1 {
			t.Errorf("%d refreshes in a month, want 1", n)
		}
	})
}

func TestALoginThatCouldNotBeStoredIsRevokedAlsoAfterATakeOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		shared := w.store
		failing := &hooked{Store: shared}
		w.store = failing
		before := w.manager()
		w.connect(before, mainKey)
		cb := w.begin(before, mainKey)
		failing.onSave(func(oauthflow.Record, func() error) error { return errStoreDown })
		_, err := before.Complete(t.Context(), cb)
		wantKind(t, err, oauthflow.KindStore)
		w.store = shared
		_, after := w.newStore()
		w.takeOver(after)
		time.Sleep(time.Minute)
		if n := len(w.liveApprovals()); n != 1 {
			t.Errorf("%d approvals are alive, want the first", n)
		}
		if err := after.Renew(t.Context(), mainKey); err != nil {
			t.Error(err)
		}
	})
}
