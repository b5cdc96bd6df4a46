package oauthflow_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

func TestAProcessThatKnowsTheFormerStoreAloneServesWhatItHasAndIsToldWhatToDo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		before := w.manager()
		w.connect(before, mainKey)
		held := w.token(before.Source(mainKey))
		_, after := w.newStore()
		w.takeOver(after)
		for range 3 {
			time.Sleep(31 * time.Second)
			if got, err := before.Source(mainKey).TokenContext(t.Context()); err != nil || got.AccessToken != held {
				t.Errorf("the token that it has is not served: %v", err)
			}
		}
		w.org.ExpireSessions()
		ctx := t.Context()
		for what, do := range map[string]func() error{
			"Replace":    func() error { _, err := before.Source(mainKey).Replace(ctx, held); return err },
			"Load":       func() error { _, err := before.Load(ctx, mainKey); return err },
			"Renew":      func() error { return before.Renew(ctx, mainKey) },
			"Disconnect": func() error { return before.Disconnect(ctx, mainKey) },
			"SetClient":  func() error { return before.SetClient(ctx, mainKey, w.client()) },
			"Move":       func() error { return before.Move(ctx, mainKey, secondKey) },
			"Adopt":      func() error { _, err := before.Adopt(ctx, mainKey, w.client(), w.inherited()); return err },
			"BeginAgain": func() error {
				_, err := before.BeginAgain(ctx, mainKey, browser, oauthflow.AuthorizeOptions{})
				return err
			},
			"List": func() error { return lastError(before, mainKey) },
		} {
			wantTakenOver(t, what, do())
		}
		if n := w.wire.refreshes(); n != 0 {
			t.Errorf("%d refreshes were sent", n)
		}
		if conn, err := after.Load(ctx, mainKey); err != nil || conn.Status != oauthflow.StatusActive {
			t.Errorf("the connection is %v, %v", conn.Status, err)
		}
		w.wantEvents("revoke", "", 0)
	})
}

func TestALoginThatReachesAProcessWithTheFormerStoreAloneIsCompletedByOneThatHasBoth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		before := w.manager()
		w.connect(before, mainKey)
		held := w.token(before.Source(mainKey))
		former, after := w.newStore()
		w.takeOver(after)
		exchanged := w.wire.exchanges()
		cb := w.begin(before, mainKey)
		_, err := before.Complete(t.Context(), cb)
		wantTakenOver(t, "Complete", err)
		if n := w.wire.exchanges() - exchanged; n != 0 {
			t.Errorf("%d codes were sent", n)
		}
		if _, err := after.Complete(t.Context(), cb); err != nil {
			t.Fatalf("the page loaded again, by another process: %v", err)
		}
		if _, err := w.after(former).Complete(t.Context(), cb); err != nil || w.wire.exchanges()-exchanged != 1 {
			t.Errorf("the page loaded once more: %v after %d exchanges, want the same connection after one", err, w.wire.exchanges()-exchanged)
		}
		time.Sleep(time.Minute)
		if n := len(w.liveApprovals()); n != 1 || w.alive(held) {
			t.Errorf("%d approvals are alive, want the new login's", n)
		}
	})
}

// The first character of a login's state is its place in the store, one of 64: two stores may have a login in the same place.
func TestALoginOfTheFormerStoreIsCompletedWhateverItsPlaceIsInTheOther(t *testing.T) {
	anotherKey := oauthflow.Key{Tenant: mainKey.Tenant, Name: "another"}
	for name, take := range map[string]func(*world, *oauthflow.Manager){
		"when it comes back":     func(*world, *oauthflow.Manager) {},
		"after another TakeOver": (*world).takeOver,
	} {
		for _, done := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, the first one completed %v", name, done), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := rotating(t)
					before := w.manager()
					first := w.begin(before, mainKey)
					if done {
						if _, err := before.Complete(t.Context(), first); err != nil {
							t.Fatal(err)
						}
					}
					former, after := w.newStore()
					w.takeOver(after) // the first login, or its result, has the place now
					second := w.begin(before, anotherKey)
					for second.Query.Get("state")[0] != first.Query.Get("state")[0] {
						second = w.begin(before, anotherKey)
					}
					begun := logins(t, former)
					take(w, after)
					for range 2 { // the page is loaded again
						for k, cb := range map[oauthflow.Key]oauthflow.Callback{mainKey: first, anotherKey: second} {
							c, err := w.after(former).Complete(t.Context(), cb)
							if err != nil || c.Key != k {
								t.Errorf("%s: %v, %v", k, c.Key, err)
							}
						}
					}
					for _, r := range begun { // a failover of the former store brings them back
						r.Version--
						if err := former.Save(t.Context(), r); err != nil && !errors.Is(err, oauthflow.ErrConflict) { // it is still there
							t.Fatal(err)
						}
					}
					take(w, after)
					for k, cb := range map[oauthflow.Key]oauthflow.Callback{mainKey: first, anotherKey: second} {
						if c, err := w.after(former).Complete(t.Context(), cb); err != nil || c.Key != k {
							t.Errorf("after a failover, %s: %v, %v", k, c.Key, err)
						}
					}
					if n := w.wire.exchanges(); n != 2 {
						t.Errorf("%d codes were sent, want 2", n)
					}
					time.Sleep(time.Hour)
					w.takeOver(after)
					w.keptAlive(time.Hour, after)
					if left := w.records("login/"); len(left) != 0 {
						t.Errorf("an hour later there are %v", left)
					}
				})
			})
		}
	}
}

// logins are the records of a store's logins.
func logins(t *testing.T, s oauthflow.Store) (all []oauthflow.Record) {
	t.Helper()
	for r, err := range s.List(t.Context(), "login/", time.Date(9999, 12, 31, 12, 0, 0, 0, time.UTC)) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	return all
}

func TestALoginThatManyTakeOverIsCompletedOnce(t *testing.T) {
	for range 50 {
		synctest.Test(t, func(t *testing.T) {
			w := rotating(t)
			w.store = tardy{w.store}
			before := w.manager()
			cb := w.begin(before, mainKey)
			former := w.store
			w.store = tardy{oauthflow.NewMemoryStore()}
			one, two := w.after(former), w.after(former)
			done := make(chan error)
			go func() { done <- one.TakeOver(t.Context(), nil) }()
			for _, m := range []*oauthflow.Manager{before, one, two, one, two} {
				go func() { _, err := m.Complete(t.Context(), cb); done <- err }()
			}
			for range 6 {
				if err := <-done; err != nil && kindOf(err) != oauthflow.KindState && !errors.Is(err, oauthflow.ErrConflict) {
					t.Error(err)
				}
			}
			w.takeOver(one)
			_, _ = two.Complete(t.Context(), cb) // whoever comes late
			if n := w.wire.exchanges(); n > 1 {
				t.Errorf("the code was sent %d times", n)
			}
		})
	}
}

// rivals connects one key twice: with the former store alone, and with the new one where nothing of that is known.
func (w *world) rivals(formerFirst bool, between func(m *oauthflow.Manager)) (former oauthflow.Store, there, here string) {
	w.t.Helper()
	former = w.store
	before := w.manager()
	w.store = oauthflow.NewMemoryStore()
	fresh := w.manager()
	connect := func(m *oauthflow.Manager) string {
		w.connect(m, mainKey)
		time.Sleep(time.Minute)
		return w.token(m.Source(mainKey))
	}
	if formerFirst {
		there = connect(before)
		here = connect(fresh)
		between(fresh)
		return former, there, here
	}
	here = connect(fresh)
	between(fresh)
	there = connect(before)
	return former, there, here
}

func TestOfTwoConnectionsUnderOneKeyOneStaysAndTheOtherIsRevoked(t *testing.T) {
	nothing := func(*oauthflow.Manager) {}
	for name, c := range map[string]struct {
		formerFirst bool
		between     func(w *world, v foreigner, m *oauthflow.Manager, k oauthflow.Key)
		want        string
	}{
		"the younger, which is there":                 {want: "there"},
		"the younger, which is here":                  {formerFirst: true, want: "here"},
		"the older, as the younger is broken":         {formerFirst: true, between: breakIt, want: "there"},
		"none, as it was disconnected after both":     {formerFirst: true, between: disconnect, want: "none"},
		"the one made there after a disconnection":    {between: disconnect, want: "there"},
		"the one there, as the first here was broken": {between: breakIt, want: "there"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := rotating(t)
				v := w.unlocked()
				between := nothing
				if c.between != nil {
					between = func(m *oauthflow.Manager) { c.between(w, v, m, mainKey) }
				}
				former, there, here := w.rivals(c.formerFirst, between)
				after := w.after(former)
				w.takeOver(after)
				w.takeOver(after)
				time.Sleep(time.Minute)
				w.wantNothingOfWorth(v, former)
				if got := w.alive(there); got != (c.want == "there") {
					t.Errorf("that the former store's lives is %v", got)
				}
				if got := w.alive(here); got != (c.want == "here") {
					t.Errorf("that the store's lives is %v", got)
				}
				conn, err := after.Load(t.Context(), mainKey)
				if c.want == "none" {
					wantKind(t, err, oauthflow.KindNotConnected)
					return
				}
				if err != nil || conn.Status != oauthflow.StatusActive {
					t.Fatalf("the connection is %v, %v", conn.Status, err)
				}
				if err := after.Renew(t.Context(), mainKey); err != nil {
					t.Error(err)
				}
				w.wantEvents("refresh", "reuse", 0)
			})
		})
	}
}

func disconnect(w *world, _ foreigner, m *oauthflow.Manager, k oauthflow.Key) {
	w.t.Helper()
	if err := m.Disconnect(w.t.Context(), k); err != nil {
		w.t.Error(err)
	}
	time.Sleep(time.Minute)
}

// breakIt has the customer revoke the connection that is in the store.
func breakIt(w *world, v foreigner, m *oauthflow.Manager, k oauthflow.Key) {
	w.t.Helper()
	refresh := oauthflow.NewSecret(v.read(w.record(k))["Refresh"].(string))
	if err := w.flow(w.wire).Revoke(w.t.Context(), w.client(), &oauthflow.Token{RefreshToken: refresh}); err != nil {
		w.t.Error(err)
	}
	if err := m.Renew(w.t.Context(), k); kindOf(err) != oauthflow.KindGrantDead {
		w.t.Errorf("got %v, want it broken", err)
	}
}

func TestAYoungerConnectionOfAnotherOrgIsTakenOverOnceTheFirstIsDisconnected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		v := w.unlocked()
		former, there, here := w.rivals(false, func(*oauthflow.Manager) {})
		other := "00DTESTOTHERORG000"
		was := ""
		v.change(former, mainRecord, func(fields map[string]any) { was, fields["OrgID"] = fields["OrgID"].(string), other })
		after := w.after(former)
		var stranger *oauthflow.StrangerError
		err := after.TakeOver(t.Context(), nil)
		if !errors.Is(err, oauthflow.ErrOrgChanged) || !errors.As(err, &stranger) || stranger.OrgID != other {
			t.Fatalf("got %v, want ErrOrgChanged", err)
		}
		if !w.alive(there) || !w.alive(here) || w.token(after.Source(mainKey)) != here {
			t.Error("one of them was given up")
		}
		v.change(former, mainRecord, func(fields map[string]any) {
			fields["OrgID"] = was
			fields["ConnectedAt"] = time.Now().Add(time.Minute)
		})
		disconnect(w, v, after, mainKey)
		w.takeOver(after)
		if w.token(after.Source(mainKey)) != there || !w.alive(there) {
			t.Error("the other one was not taken over")
		}
	})
}

func TestOfTwoAdoptionsOfOneTokenTheOneThatStandsStays(t *testing.T) {
	for name, c := range map[string]struct {
		end       func(w *world, v foreigner, m *oauthflow.Manager, k oauthflow.Key)
		wantThere bool
	}{
		"both stand, and the store's stays":     {end: func(*world, foreigner, *oauthflow.Manager, oauthflow.Key) {}},
		"the store's was disconnected":          {disconnect, true},
		"the store's belongs to a broken login": {breakIt, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, orgtest.Config{})
				v := w.unlocked()
				token := w.inherited()
				adopt := func(m *oauthflow.Manager, k oauthflow.Key) {
					if _, err := m.Adopt(t.Context(), k, w.client(), token); err != nil {
						t.Fatal(err)
					}
				}
				before := w.manager()
				former := w.store
				w.store = oauthflow.NewMemoryStore()
				adopt(w.manager(), mainKey)
				adopt(before, secondKey)          // which knows nothing of the first
				c.end(w, v, w.manager(), mainKey) // which leaves the claim
				w.takeOver(w.after(former))
				claims := w.records("adopted/")
				if len(claims) != 1 {
					t.Fatalf("the claims are %v", claims)
				}
				r, err := w.store.Load(t.Context(), claims[0])
				if err != nil {
					t.Fatal(err)
				}
				if there := v.read(r)["Key"].(map[string]any)["Name"] == secondKey.Name; there != c.wantThere {
					t.Errorf("that the former store's claim is here is %v", there)
				}
			})
		})
	}
}
