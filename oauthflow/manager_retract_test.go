package oauthflow_test

import (
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
)

// A login that is refused at its end gives the place back to a connection whose refresh was answered meanwhile: that
// answer, the only copy of a rotated refresh token, must be neither dropped nor revoked.
func TestALoginThatIsRefusedAtItsEndLosesNoRefreshThatWasUnderWay(t *testing.T) {
	for name, answered := range map[string]time.Duration{
		"answered while the login is undecided": 3 * time.Second,
		"answered after it was taken back":      9 * time.Second,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := peopled(t, 2)
				h := &hooked{Store: w.store}
				w.store = h
				m, refresher := w.manager(oneKeyOnly), w.manager(oneKeyOnly)
				if err := m.Disconnect(t.Context(), personsKey(1)); err != nil {
					t.Fatal(err)
				}
				w.user = person(1)
				first, second := w.begin(m, personsKey(0)), w.begin(m, secondKey)
				dead := w.token(refresher.Source(personsKey(0)))
				w.org.ExpireSessions()
				w.wire.tap(nil, slowly(answered))
				ended := make(chan error, 1)
				go func() { _, err := refresher.Source(personsKey(0)).Replace(t.Context(), dead); ended <- err }()
				time.Sleep(500 * time.Millisecond)
				w.wire.tap(nil, nil)
				h.onSave(func(r oauthflow.Record, do func() error) error {
					if !strings.HasSuffix(r.ID, "conn00") {
						return do()
					}
					h.onSave(nil)
					if _, err := m.Complete(t.Context(), second); err != nil {
						t.Error(err)
					}
					err := do()
					h.onLoad(func(id string) error {
						if strings.HasPrefix(id, "subject/") {
							h.onLoad(nil)
							time.Sleep(4 * time.Second) // the refresh is answered now
						}
						return nil
					})
					return err
				})
				_, err := m.Complete(t.Context(), first)
				wantKind(t, err, oauthflow.KindElsewhere)
				if err := <-ended; err != nil {
					t.Errorf("the caller of the refresh: %v", err)
				}
				time.Sleep(10 * time.Minute)
				for _, m := range []*oauthflow.Manager{refresher, w.manager()} {
					if err := m.Renew(t.Context(), personsKey(0)); err != nil {
						t.Errorf("the connection that was put back: %v", err)
					}
				}
				w.wantEvents("refresh", "reuse", 0)
			})
		})
	}
}

// Where the process that has sent the refresh is gone as well, nobody knows whether the refresh token was spent.
func TestAConnectionIsPutBackInDoubtWhenItsRefreshNeverEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := peopled(t, 2)
		h := &hooked{Store: w.store}
		w.store = h
		m, lost := w.manager(oneKeyOnly), w.manager(oneKeyOnly)
		if err := m.Disconnect(t.Context(), personsKey(1)); err != nil {
			t.Fatal(err)
		}
		w.user = person(1)
		first, second := w.begin(m, personsKey(0)), w.begin(m, secondKey)
		dead := w.token(lost.Source(personsKey(0)))
		w.org.ExpireSessions()
		w.wire.tap(nil, slowly(time.Minute))
		go func() { _, _ = lost.Source(personsKey(0)).Replace(t.Context(), dead) }()
		time.Sleep(500 * time.Millisecond)
		w.wire.tap(nil, nil)
		h.onSave(func(r oauthflow.Record, do func() error) error {
			if strings.HasSuffix(r.ID, "conn00") {
				h.onSave(nil)
				if _, err := m.Complete(t.Context(), second); err != nil {
					t.Error(err)
				}
			}
			return do()
		})
		_, err := m.Complete(t.Context(), first)
		wantKind(t, err, oauthflow.KindElsewhere)
		time.Sleep(30 * time.Second)
		c, err := w.manager().Load(t.Context(), personsKey(0))
		if err != nil || c.Status != oauthflow.StatusInDoubt {
			t.Errorf("it is %q, %v; want in doubt", c.Status, err)
		}
	})
}

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
			h.onSave(func(r oauthflow.Record, do func() error) error {
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
				want = []int{1, 2} // the first is left over: it was the one that is replaced
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

func TestALoginThatIsTakenBackBringsNothingBackThatWasDisconnectedMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := peopled(t, 2)
		other := w.manager(oneKeyOnly)
		h := &hooked{Store: w.store}
		w.store = h
		m := w.manager(oneKeyOnly)
		if err := other.Disconnect(t.Context(), personsKey(1)); err != nil {
			t.Fatal(err)
		}
		w.user = person(1)
		first, second := w.begin(m, personsKey(0)), w.begin(m, secondKey)
		saves := 0
		h.onSave(func(r oauthflow.Record, do func() error) error {
			if !strings.HasSuffix(r.ID, "conn00") {
				return do()
			}
			switch saves++; saves {
			case 1: // a conflict with that
				if err := other.Disconnect(t.Context(), personsKey(0)); err != nil {
					t.Error(err)
				}
			case 2:
				if _, err := other.Complete(t.Context(), second); err != nil {
					t.Error(err)
				}
			}
			return do()
		})
		_, err := m.Complete(t.Context(), first)
		wantKind(t, err, oauthflow.KindElsewhere)
		if c, err := other.Load(t.Context(), personsKey(0)); kindOf(err) != oauthflow.KindNotConnected {
			t.Errorf("it is there, %q, %v", c.Status, err)
		}
	})
}

func TestALoginWhoseSaveLandsLateIsNotRevoked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		h := &hooked{Store: w.store}
		w.store = h
		m := w.manager()
		callback := w.begin(m, mainKey)
		var late oauthflow.Record
		saves := 0
		h.onSave(func(r oauthflow.Record, do func() error) error {
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
