package oauthflow_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

var thirdKey = oauthflow.Key{Tenant: "acme", Name: "third"}

// meantime is what somebody does to a connection after a save of another process, whose outcome that one does not know.
type meantime struct {
	name string
	do   func(w *world, m *oauthflow.Manager) error
	kept bool                // the login is kept: its admin is told that it is connected
	live []oauthflow.Key     // the connections that work afterwards
	told oauthflow.ErrorKind // what the login's admin is told where it is not kept
	only map[bool]bool       // with or without the save being made; nil for both
	err  error               // that the error wraps
}

func login(w *world, m *oauthflow.Manager, k oauthflow.Key) error {
	_, err := m.Complete(w.t.Context(), w.begin(m, k))
	return err
}

var (
	made     = map[bool]bool{true: true}
	mainOnly = []oauthflow.Key{mainKey}
)

var meantimes = []meantime{
	{name: "nothing", do: func(*world, *oauthflow.Manager) error { return nil }, kept: true, live: mainOnly},
	{name: "a refresh", do: func(w *world, m *oauthflow.Manager) error { return m.Renew(w.t.Context(), mainKey) }, kept: true, live: mainOnly, only: made},
	{name: "new credentials", do: func(w *world, m *oauthflow.Manager) error {
		c := w.client()
		c.Kind = oauthflow.ExternalClientAppKind
		return m.SetClient(w.t.Context(), mainKey, c)
	}, kept: true, live: mainOnly, only: made},
	{name: "another kind", do: func(w *world, m *oauthflow.Manager) error {
		return m.SetKind(w.t.Context(), mainKey, w.client().ID, oauthflow.ConnectedAppKind)
	}, kept: true, live: mainOnly, only: made},
	{name: "another admin's login", do: func(w *world, m *oauthflow.Manager) error { return login(w, m, mainKey) },
		live: mainOnly, told: oauthflow.KindState, err: oauthflow.ErrSuperseded},
	{name: "a move to another key", do: func(w *world, m *oauthflow.Manager) error { return m.Move(w.t.Context(), mainKey, targetKey) },
		kept: true, live: []oauthflow.Key{targetKey}, only: made},
	{name: "a move, and another login", do: func(w *world, m *oauthflow.Manager) error {
		return errors.Join(m.Move(w.t.Context(), mainKey, targetKey), login(w, m, mainKey))
	}, kept: true, live: []oauthflow.Key{targetKey, mainKey}, only: made},
	{name: "two moves, and another login that is disconnected", do: func(w *world, m *oauthflow.Manager) error {
		return errors.Join(m.Move(w.t.Context(), mainKey, targetKey), m.Move(w.t.Context(), targetKey, thirdKey),
			login(w, m, mainKey), m.Disconnect(w.t.Context(), mainKey))
	}, kept: true, live: []oauthflow.Key{thirdKey}, only: made},
	{name: "a move there and back", do: func(w *world, m *oauthflow.Manager) error {
		return errors.Join(m.Move(w.t.Context(), mainKey, targetKey), m.Move(w.t.Context(), targetKey, mainKey))
	}, kept: true, live: mainOnly, only: made},
	{name: "a disconnection", do: func(w *world, m *oauthflow.Manager) error { return m.Disconnect(w.t.Context(), mainKey) },
		told: oauthflow.KindNotConnected, only: made},
	{name: "a disconnection, and another login", do: func(w *world, m *oauthflow.Manager) error {
		return errors.Join(m.Disconnect(w.t.Context(), mainKey), login(w, m, mainKey))
	}, live: mainOnly, told: oauthflow.KindState, err: oauthflow.ErrSuperseded, only: made},
	{name: "a migration from another key", do: func(w *world, m *oauthflow.Manager) error {
		return errors.Join(login(w, m, targetKey), m.Move(w.t.Context(), targetKey, mainKey))
	}, live: mainOnly, told: oauthflow.KindState, err: oauthflow.ErrSuperseded},
}

// afterSave has the first save of a connection under the key be followed by something, and its outcome be unknown.
func afterSave(h *hooked, k oauthflow.Key, made bool, then func()) {
	var once sync.Once
	h.onSave(func(r tokenstore.Record, do func() error) (err error) {
		first := false
		if r.ID == "connection/"+k.Tenant+"/"+k.Name {
			once.Do(func() { first = true })
		}
		if !first {
			return do()
		}
		h.onSave(nil)
		if made {
			if err := do(); err != nil {
				return err
			}
		}
		then()
		return errStoreDown
	})
}

func TestALoginWhoseSaveIsUnknownTakesNothingFromWhoCameAfterIt(t *testing.T) {
	for _, tt := range meantimes {
		for _, made := range []bool{true, false} {
			for _, before := range []bool{true, false} {
				if tt.only != nil && !tt.only[made] {
					continue
				}
				t.Run(fmt.Sprintf("%s, the save was made %v, connected before %v", tt.name, made, before), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						w := newWorld(t, orgtest.Config{RotateRefreshTokens: true, ApprovalLimit: 20})
						h := &hooked{Store: w.store}
						e := newEventLog()
						m := w.manager(e.observe, func(c *oauthflow.ManagerConfig) { c.Store = h })
						other := w.manager()
						if before {
							w.connect(other, mainKey)
						}
						back := w.begin(m, mainKey)
						afterSave(h, mainKey, made, func() {
							if err := tt.do(w, other); err != nil {
								t.Error(err)
							}
						})
						c, err := m.Complete(t.Context(), back)
						if tt.kept && (err != nil || c.Status != oauthflow.StatusActive) {
							t.Errorf("the admin is told %v, want connected", err)
						}
						if !tt.kept && (kindOf(err) != tt.told || tt.err != nil && !errors.Is(err, tt.err)) {
							t.Errorf("the admin is told %v, want %q", err, tt.told)
						}
						time.Sleep(time.Minute)
						w.wantLive(tt.live)
						want := 0
						if tt.kept {
							want = 1
						}
						if n := e.count(oauthflow.EventConnected); n != want {
							t.Errorf("told %d times that it is connected, want %d", n, want)
						}
					})
				})
			}
		}
	}
}

// wantLive fails the test unless just these connections exist, each with an approval of its own that works.
func (w *world) wantLive(keys []oauthflow.Key) {
	w.t.Helper()
	m := w.manager()
	for _, k := range []oauthflow.Key{mainKey, targetKey, thirdKey} {
		_, err := m.Load(w.t.Context(), k)
		want := false
		for _, live := range keys {
			want = want || live == k
		}
		switch {
		case !want && kindOf(err) != oauthflow.KindNotConnected:
			w.t.Errorf("%v: got %v, want not connected", k, err)
		case want:
			if err := m.Renew(w.t.Context(), k); err != nil {
				w.t.Errorf("%v: %v", k, err)
			}
		}
	}
	if live := w.liveApprovals(); len(live) != len(keys) {
		w.t.Errorf("approvals %v are alive, want %d", live, len(keys))
	}
	w.wantEvents("refresh", "reuse", 0)
}

func TestAMoveWhoseSaveIsUnknownTakesNothingFromWhoCameAfterIt(t *testing.T) {
	for name, tt := range map[string]struct {
		do   func(w *world, m *oauthflow.Manager) error
		live []oauthflow.Key // of what was moved, and of what came after
	}{
		"nothing":                {func(*world, *oauthflow.Manager) error { return nil }, []oauthflow.Key{targetKey}},
		"another admin's login":  {func(w *world, m *oauthflow.Manager) error { return login(w, m, targetKey) }, []oauthflow.Key{targetKey}},
		"a move to a third key":  {func(w *world, m *oauthflow.Manager) error { return m.Move(w.t.Context(), targetKey, thirdKey) }, []oauthflow.Key{thirdKey}},
		"a disconnection":        {func(w *world, m *oauthflow.Manager) error { return m.Disconnect(w.t.Context(), targetKey) }, nil},
		"a refresh of the token": {func(w *world, m *oauthflow.Manager) error { return m.Renew(w.t.Context(), targetKey) }, []oauthflow.Key{targetKey}},
		"a move to a third key, and a login": {func(w *world, m *oauthflow.Manager) error {
			return errors.Join(m.Move(w.t.Context(), targetKey, thirdKey), login(w, m, targetKey))
		}, []oauthflow.Key{thirdKey, targetKey}},
	} {
		for _, visited := range []bool{false, true} { // the target is a key that the tokens came from
			t.Run(fmt.Sprintf("%s, back to where it was %v", name, visited), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t, orgtest.Config{RotateRefreshTokens: true, ApprovalLimit: 20})
					h := &hooked{Store: w.store}
					m := w.manager(func(c *oauthflow.ManagerConfig) { c.Store = h })
					other := w.manager()
					if visited {
						w.connect(other, targetKey)
						if err := other.Move(t.Context(), targetKey, mainKey); err != nil {
							t.Fatal(err)
						}
					} else {
						w.connect(other, mainKey)
					}
					afterSave(h, targetKey, true, func() {
						if err := tt.do(w, other); err != nil {
							t.Error(err)
						}
					})
					err := m.Move(t.Context(), mainKey, targetKey)
					for range 3 {
						if err == nil {
							break
						}
						if kindOf(err) != oauthflow.KindStore && kindOf(err) != oauthflow.KindNotConnected {
							t.Fatal(err)
						}
						time.Sleep(time.Second)
						err = m.Move(t.Context(), mainKey, targetKey)
					}
					time.Sleep(time.Minute)
					w.wantLive(tt.live)
				})
			})
		}
	}
}

// A move to a key that has held these tokens before is decided by what is there now, not by that history.
func TestAMoveBackWhoseSaveIsUnknownAndWasNotMadeLosesNothing(t *testing.T) {
	for name, there := range map[string]func(w *world, m *oauthflow.Manager) error{
		"nothing there":             func(*world, *oauthflow.Manager) error { return nil },
		"another connection there":  func(w *world, m *oauthflow.Manager) error { return login(w, m, targetKey) },
		"another one, and a change": func(w *world, m *oauthflow.Manager) error { return login(w, m, targetKey) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, orgtest.Config{RotateRefreshTokens: true, ApprovalLimit: 20})
				h := &hooked{Store: w.store}
				m := w.manager(func(c *oauthflow.ManagerConfig) { c.Store = h })
				other := w.manager()
				w.connect(other, targetKey)
				if err := errors.Join(other.Move(t.Context(), targetKey, mainKey), there(w, other)); err != nil {
					t.Fatal(err)
				}
				afterSave(h, targetKey, false, func() {
					if name == "another one, and a change" {
						w.renewed(other, targetKey)
					}
				})
				err := m.Move(t.Context(), mainKey, targetKey)
				if err != nil {
					err = m.Move(t.Context(), mainKey, targetKey)
				}
				if err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Minute)
				w.wantLive([]oauthflow.Key{targetKey})
			})
		})
	}
}

// A save that has failed may be made later all the same, such as one that waits in a database's pool.
func TestALoginThatIsGivenUpNeverTakesTheRecordLater(t *testing.T) {
	for _, before := range []bool{true, false} {
		for _, late := range []time.Duration{300 * time.Millisecond, 3 * time.Second, 10 * time.Second} {
			t.Run(fmt.Sprintf("connected before %v, made after %v", before, late), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := rotating(t)
					h := &hooked{Store: w.store}
					m := w.manager(func(c *oauthflow.ManagerConfig) { c.Store = h })
					other := w.manager()
					var live []oauthflow.Key
					if before {
						w.connect(other, mainKey)
						live = mainOnly
					}
					back := w.begin(m, mainKey)
					failing := 5
					h.onSave(func(r tokenstore.Record, do func() error) error {
						if !isConnection(r.ID) || failing == 0 {
							return do()
						}
						failing--
						time.AfterFunc(late, func() { _ = h.Store.Save(context.Background(), r) })
						return errStoreDown
					})
					_, err := m.Complete(t.Context(), back)
					if late > time.Second {
						wantKind(t, err, oauthflow.KindStore)
					} else if err == nil {
						live = mainOnly
					}
					time.Sleep(time.Minute)
					if _, err := other.Load(t.Context(), mainKey); err == nil && !before {
						live = mainOnly // it was made before it was given up
					}
					w.wantLive(live)
				})
			})
		}
	}
}

// What a refresh has brought is not revoked because its key is another connection's now.
func TestAResultWhoseSaveIsUnknownIsNotRevokedUnderAnotherKey(t *testing.T) {
	for name, do := range map[string]func(w *world, m *oauthflow.Manager) error{
		"a move": func(w *world, m *oauthflow.Manager) error { return m.Move(w.t.Context(), mainKey, targetKey) },
		"a move, and another login": func(w *world, m *oauthflow.Manager) error {
			return errors.Join(m.Move(w.t.Context(), mainKey, targetKey), login(w, m, mainKey))
		},
		"a move, and a login that is disconnected": func(w *world, m *oauthflow.Manager) error {
			return errors.Join(m.Move(w.t.Context(), mainKey, targetKey), login(w, m, mainKey), m.Disconnect(w.t.Context(), mainKey))
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, orgtest.Config{RotateRefreshTokens: true, ApprovalLimit: 20})
				h := &hooked{Store: w.store}
				m := w.manager(func(c *oauthflow.ManagerConfig) { c.Store = h })
				other := w.manager()
				w.connect(other, mainKey)
				saves := 0
				h.onSave(func(r tokenstore.Record, save func() error) error {
					if saves++; !isConnection(r.ID) || saves != 2 {
						return save()
					}
					if err := save(); err != nil {
						return err
					}
					if err := do(w, other); err != nil {
						t.Error(err)
					}
					return errStoreDown
				})
				_ = m.Renew(t.Context(), mainKey)
				time.Sleep(time.Minute)
				if err := other.Renew(t.Context(), targetKey); err != nil {
					t.Errorf("the moved connection: %v", err)
				}
				w.wantEvents("refresh", "reuse", 0)
			})
		})
	}
}

func TestARefusalWhoseSaveIsUnknownIsToldOnce(t *testing.T) {
	for _, made := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			w := rotating(t)
			h := &hooked{Store: w.store}
			e := newEventLog()
			m := w.manager(e.observe, func(c *oauthflow.ManagerConfig) { c.Store = h })
			w.connect(w.manager(), mainKey)
			if err := w.org.RevokeAll(appName); err != nil {
				t.Fatal(err)
			}
			saves := 0
			h.onSave(func(r tokenstore.Record, do func() error) error {
				if saves++; !isConnection(r.ID) || saves != 2 {
					return do()
				}
				if made {
					if err := do(); err != nil {
						return err
					}
				}
				return errStoreDown
			})
			wantKind(t, m.Renew(t.Context(), mainKey), oauthflow.KindGrantDead)
			synctest.Wait()
			if n := e.count(oauthflow.EventBroken); n != 1 {
				t.Errorf("the save was made %v: told %d times that it is broken, want once", made, n)
			}
			if n := w.wire.refreshes(); n != 1 {
				t.Errorf("the save was made %v: %d requests, want 1", made, n)
			}
		})
	}
}
