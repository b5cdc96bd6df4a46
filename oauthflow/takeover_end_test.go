package oauthflow_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

func TestAKeyThatWasDisconnectedInTheNewStoreIsConnectedAgainAfterGoingBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		first := w.store
		w.connect(w.manager(), mainKey)
		_, after := w.newStore()
		w.takeOver(after)
		second := w.store
		if err := after.Disconnect(t.Context(), mainKey); err != nil {
			t.Fatal(err)
		}
		w.keptAlive(2*day, after) // so that what is left is forgotten
		w.store = first
		back := w.after(second)
		w.takeOver(back)
		w.connect(back, mainKey)
		w.connect(w.manager(), mainKey)
	})
}

func TestALateResultDoesNotUndoADisconnectionInTheNewStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		_, done := w.underWay()
		_, after := w.newStore()
		w.takeOver(after)
		if err := w.org.Inject(orgtest.Fault{Path: revokeEndpoint, Status: 503}); err != nil {
			t.Fatal(err)
		}
		if err := after.Disconnect(t.Context(), mainKey); err == nil {
			t.Fatal("the revocation succeeded")
		}
		<-done
		w.takeOver(after)
		if c, err := after.Load(t.Context(), mainKey); err == nil && c.Status == oauthflow.StatusActive {
			t.Error("a connection that is being disconnected is active again")
		}
		w.keptAlive(time.Hour, after)
		if left := w.liveApprovals(); len(left) != 0 {
			t.Errorf("approvals %v are alive", left)
		}
	})
}

func TestAProcessThatDiedInARefreshHoldsItsConnectionUpForSecondsAndCostsNoLogin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		setup := w.manager()
		w.connect(setup, mainKey)
		good := w.token(setup.Source(mainKey))
		h := &hooked{Store: w.store}
		former := w.store
		w.store = h
		dying := w.manager()
		gone := make(chan struct{})
		over, end := context.WithCancel(t.Context())
		h.onSave(func(_ oauthflow.Record, do func() error) error {
			err := do()
			close(gone)
			<-over.Done() // it has stopped after the intent
			return err
		})
		ended := make(chan error)
		go func() { ended <- dying.Renew(t.Context(), mainKey) }()
		<-gone
		w.store = former
		_, after := w.newStore()
		back := w.begin(after, mainKey)
		if _, err := after.Complete(t.Context(), back); kindOf(err) != oauthflow.KindStore {
			t.Errorf("Complete: %v, want an error of the store before the code is sent", err)
		}
		time.Sleep(15 * time.Second)
		if tok, err := after.Source(mainKey).TokenContext(t.Context()); err != nil || tok.AccessToken != good {
			t.Errorf("after lease and quiet: %v, want the token that there is", err)
		}
		if _, err := after.Complete(t.Context(), back); err != nil {
			t.Errorf("the same callback again: %v", err)
		}
		end()
		<-ended
	})
}

func TestAStoreThatTakesNoWritesTakesNothingOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		w.connect(w.manager(), mainKey)
		former := w.store
		h := &hooked{Store: oauthflow.NewMemoryStore()}
		h.onSave(func(oauthflow.Record, func() error) error { return errStoreDown })
		w.store = h
		if err := w.after(former).Renew(t.Context(), mainKey); kindOf(err) != oauthflow.KindStore {
			t.Errorf("Renew: %v, want an error of the store", err)
		}
		w.store = former // as it was before
		if err := w.manager().Renew(t.Context(), mainKey); err != nil {
			t.Errorf("rolled back: %v", err)
		}
	})
}

// forgetful is a store that makes every deletion, and says that it is unsafe.
type forgetful struct{ oauthflow.Store }

func (f forgetful) Delete(ctx context.Context, id string, version uint64) error {
	if err := f.Store.Delete(ctx, id, version); err != nil {
		return err
	}
	return errTooFew
}

func TestALoginWhoseDeletionInTheFormerStoreIsUnsafeIsCompletedAllTheSame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		back := w.begin(w.manager(), mainKey)
		former := w.store
		w.store = oauthflow.NewMemoryStore()
		if _, err := w.after(forgetful{former}).Complete(t.Context(), back); err != nil {
			t.Error(err)
		}
	})
}
