package oauthflow_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
)

// mortal is a store of a process that dies at its last write, before or after that has its effect.
type mortal struct {
	oauthflow.Store
	last  int64
	late  bool // it has its effect
	wrote *atomic.Int64
}

func (s mortal) write(do func() error) error {
	n := s.wrote.Add(1)
	if n > s.last || n == s.last && !s.late {
		return errStoreDown
	}
	if err := do(); n < s.last || err != nil {
		return err
	}
	return errStoreDown
}

func (s mortal) Load(ctx context.Context, id string) (oauthflow.Record, error) {
	if s.wrote.Load() >= s.last {
		return oauthflow.Record{}, errStoreDown
	}
	return s.Store.Load(ctx, id)
}

func (s mortal) Save(ctx context.Context, r oauthflow.Record) error {
	return s.write(func() error { return s.Store.Save(ctx, r) })
}

func (s mortal) Delete(ctx context.Context, id string, version uint64) error {
	return s.write(func() error { return s.Store.Delete(ctx, id, version) })
}

const hostRecord = "host/login.salesforce.com"

// asksToWait says in a store until when the login host is to be left alone.
func asksToWait(v foreigner, s oauthflow.Store, until time.Time) {
	until = until.UTC()
	v.write(s, oauthflow.Record{ID: hostRecord, Due: until}, map[string]any{"Format": 1, "NotBefore": until})
}

func TestATakeOverThatIsInterruptedAnywhereIsFinishedByTheNext(t *testing.T) {
	for last, finished := int64(1), false; !finished; last++ {
		for _, late := range []bool{false, true} {
			t.Run(fmt.Sprintf("at write %d, late %v", last, late), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := rotating(t)
					v := w.unlocked()
					before := w.manager()
					w.connect(before, mainKey)
					if _, err := before.Adopt(t.Context(), secondKey, w.client(), w.inherited()); err != nil {
						t.Fatal(err)
					}
					w.connect(before, numbered(1))
					disconnect(w, v, before, numbered(1))
					revoked := w.events("revoke", "")
					pending := w.begin(before, numbered(0))
					asksToWait(v, w.store, time.Now().Add(time.Second))
					former, _ := w.newStore()
					store, wrote := w.store, new(atomic.Int64)

					w.store = mortal{store, last, late, wrote}
					dying := w.after(mortal{former, last, late, wrote})
					err := dying.TakeOver(t.Context(), nil)
					finished = wrote.Load() < last
					if finished != (err == nil) {
						t.Errorf("got %v after %d writes", err, wrote.Load())
					}
					w.store = store
					after := w.after(former)
					w.takeOver(after)
					w.wantNothingOfWorth(v, former)
					if _, err := after.Complete(t.Context(), pending); err != nil && (kindOf(err) != oauthflow.KindState || finished) {
						t.Errorf("the login: %v", err)
					}
					time.Sleep(2 * time.Second)
					for _, k := range []oauthflow.Key{mainKey, secondKey} {
						if err := after.Renew(t.Context(), k); err != nil {
							t.Errorf("%v: %v", k, err)
						}
					}
					w.wantEvents("refresh", "reuse", 0)
					w.wantEvents("revoke", "", revoked)
				})
			})
		}
	}
}

func TestTheLaterOfTwoWaitsForAHostStays(t *testing.T) {
	for name, c := range map[string]struct{ there, here, want time.Duration }{
		"there":      {time.Hour, time.Minute, time.Hour},
		"here":       {time.Minute, time.Hour, time.Hour},
		"only there": {time.Hour, 0, time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := rotating(t)
				v := w.unlocked()
				former, after := w.newStore()
				asksToWait(v, former, time.Now().Add(c.there))
				if c.here > 0 {
					asksToWait(v, w.store, time.Now().Add(c.here))
				}
				w.takeOver(after)
				r, err := w.store.Load(t.Context(), hostRecord)
				if err != nil {
					t.Fatal(err)
				}
				want := time.Now().Add(c.want)
				at, err := time.Parse(time.RFC3339Nano, v.read(r)["NotBefore"].(string))
				if err != nil || !at.Equal(want) || !r.Due.Equal(want) {
					t.Errorf("left alone until %v, due %v, want %v: %v", at, r.Due, want, err)
				}
				w.wantNothingOfWorth(v, former)
			})
		})
	}
}

// underWay connects, and leaves a refresh of the dead session held behind for a minute, of which 35 s are over.
func (w *world) underWay() (held string, done <-chan error) {
	w.t.Helper()
	before := w.manager()
	w.connect(before, mainKey)
	held = w.token(before.Source(mainKey))
	w.org.ExpireSessions()
	slow, ended := make(chan struct{}), make(chan error)
	w.wire.tap(nil, func(resp *http.Response) (*http.Response, error) {
		close(slow)
		time.Sleep(time.Minute)
		return resp, nil
	})
	go func() {
		_, err := before.Source(mainKey).Replace(w.t.Context(), held)
		ended <- err
	}()
	<-slow
	w.wire.tap(nil, nil)
	time.Sleep(35 * time.Second)
	return held, ended
}

func TestTheResultOfARefreshThatComesAfterATakeOverIsFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		held, done := w.underWay()
		_, after := w.newStore(func(c *oauthflow.ManagerConfig) { c.Timing.LastTry = 30 * time.Second })
		w.takeOver(after) // nobody waits that long for a process that may be dead
		tok, err := after.Source(mainKey).Replace(t.Context(), held)
		if err != nil || !w.alive(tok.AccessToken) {
			t.Errorf("the result is not found: %v", err)
		}
		if err := <-done; err != nil {
			t.Errorf("whoever had sent: %v", err)
		}
		if err := after.Renew(t.Context(), mainKey); err != nil {
			t.Error(err)
		}
		w.wantEvents("refresh", "reuse", 0)
	})
}

func TestADisconnectedConnectionDoesNotComeBackFromAHalfDoneTakeOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		v := w.unlocked()
		w.connect(w.manager(), mainKey)
		former := w.store
		store, wrote := oauthflow.NewMemoryStore(), new(atomic.Int64)
		w.store = mortal{store, 6, true, wrote} // the result of the login, a trial, marked and stored
		oneByOne := func(c *oauthflow.ManagerConfig) { c.Crew = 1 }
		if err := w.after(mortal{former, 6, true, wrote}, oneByOne).TakeOver(t.Context(), nil); err == nil {
			t.Fatal("it was not interrupted")
		}
		w.store = store
		after := w.after(former)
		if err := after.Disconnect(t.Context(), mainKey); err != nil {
			t.Fatal(err)
		}
		late := w.inherited().Reveal() // as a result that came after the disconnection would have brought
		v.change(former, mainRecord, func(fields map[string]any) { fields["Refresh"], fields["Generation"] = late, 1 })
		w.keptAlive(2*day, after)
		if w.active(late) {
			t.Error("a late result lives on")
		}
		if left := w.records("connection/"); len(left) != 0 {
			t.Fatalf("the store holds %v", left)
		}
		_, err := w.after(former).Load(t.Context(), mainKey)
		wantKind(t, err, oauthflow.KindNotConnected)
	})
}

func TestATakeOverCanBeUndoneByAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		v := w.unlocked()
		first := w.store
		before := w.manager()
		w.connect(before, mainKey)
		w.connect(before, secondKey)
		_, after := w.newStore()
		w.takeOver(after)
		second := w.store
		w.store = first
		back := w.after(second)
		if err := back.Renew(t.Context(), mainKey); err != nil { // before it is all back
			t.Error(err)
		}
		if err := lastError(back, secondKey); err != nil {
			t.Errorf("List tells %v of what is not back yet", err)
		}
		w.takeOver(back)
		w.wantNothingOfWorth(v, second)
		wantTakenOver(t, "Renew", w.manager(func(c *oauthflow.ManagerConfig) { c.Store = second }).Renew(t.Context(), mainKey))
		listed := 0
		for _, err := range back.List(t.Context(), "") {
			if listed++; err != nil {
				t.Error(err)
			}
		}
		if listed != 2 {
			t.Errorf("%d connections are listed, want 2", listed)
		}
		for _, k := range []oauthflow.Key{mainKey, secondKey} {
			if err := before.Renew(t.Context(), k); err != nil {
				t.Errorf("%v: %v", k, err)
			}
		}
		w.wantEvents("refresh", "reuse", 0)
	})
}

// A login that is stored twice could be completed twice, and its code be sent twice.
func TestALoginThatIsTakenOverIsNeverStoredASecondTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		back := w.begin(w.manager(), mainKey)
		former := w.store
		h := &hooked{Store: oauthflow.NewMemoryStore()}
		w.store = h
		other := w.after(former)
		h.onSave(func(r oauthflow.Record, do func() error) error {
			if !strings.HasPrefix(r.ID, "login/") {
				return do()
			}
			h.onSave(nil)
			if err := do(); err != nil {
				return err
			}
			if _, err := other.Complete(t.Context(), back); err != nil { // another process is faster
				t.Error(err)
			}
			return errStoreDown
		})
		m := w.after(former)
		for range 3 {
			_, _ = m.Complete(t.Context(), back) // shows the result, or that it cannot be looked up now
		}
		if n := w.wire.exchanges(); n != 1 {
			t.Errorf("the code was sent %d times, want once", n)
		}
		if err := other.Renew(t.Context(), mainKey); err != nil {
			t.Error(err)
		}
	})
}
