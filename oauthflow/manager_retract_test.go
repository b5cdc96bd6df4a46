package oauthflow_test

import (
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

func TestALoginWhoseStoreFailsAtItsEndIsRevokedOnlyWhenItWasNotStored(t *testing.T) {
	for _, acts := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			w := rotating(t)
			h := &hooked{Store: w.store}
			w.store = h
			m := w.manager()
			w.connect(m, mainKey)
			callback := w.begin(m, mainKey)
			var failing atomic.Bool
			h.onSave(func(r tokenstore.Record, do func() error) error {
				if isConnection(r.ID) {
					failing.Store(true)
					if acts {

						_ = do()

					}
					return errStoreDown
				}
				return do()
			})
			h.onLoad(func(string) error {
				if failing.Load() {
					return errStoreDown
				}
				return nil
			})
			_, err := m.Complete(t.Context(), callback)
			wantKind(t, err, oauthflow.KindStore)
			time.Sleep(time.Minute)
			h.onSave(nil)
			h.onLoad(nil)
			time.Sleep(time.Minute)
			want := []int{1}
			if acts {
				want = []int{2} // the first was the one that is replaced
			}
			if live := w.liveApprovals(); !slices.Equal(live, want) {
				t.Errorf("the save acts %v: the approvals %v are alive, want %v", acts, live, want)
			}
			if err := w.manager().Renew(t.Context(), mainKey); err != nil {
				t.Errorf("the save acts %v: %v", acts, err)
			}
		})
	}
}

func TestALoginWhoseSaveLandsLateIsNotRevoked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		h := &hooked{Store: w.store}
		w.store = h
		m := w.manager()
		callback := w.begin(m, mainKey)
		var late tokenstore.Record
		saves := 0
		h.onSave(func(r tokenstore.Record, do func() error) error {
			if !isConnection(r.ID) {
				return do()
			}
			if saves++; saves < 5 {
				late = r
				return errStoreDown
			}
			h.onSave(nil)
			if err := h.Store.Save(t.Context(), late); err != nil {
				t.Error(err)
			}
			return do()
		})
		if _, err := m.Complete(t.Context(), callback); err == nil {
			t.Error("the login ended well")
		}
		time.Sleep(time.Minute)
		if err := w.manager().Renew(t.Context(), mainKey); err != nil {
			t.Errorf("what is stored does not work: %v", err)
		}
	})
}
