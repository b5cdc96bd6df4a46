package oauthflow_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/internal/needs"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
	"github.com/fullcast/sfauth/oauthflow/tokenstore/filestore"
)

const hostRecord = "host/login.salesforce.com"

// stocked fills the world's store with a record of each kind, and returns how its connections look, by key. The last of the keys
// was disconnected.
func (w *world) stocked(v foreigner) map[oauthflow.Key]string {
	w.t.Helper()
	m := w.manager()
	w.connect(m, mainKey)
	w.renewed(m, mainKey)
	if _, err := m.Adopt(w.t.Context(), secondKey, w.client(), w.inherited()); err != nil {
		w.t.Fatal(err)
	}
	w.connect(m, numbered(1))
	w.breakIt(v, m, numbered(1))
	w.wire.tap(func(*http.Request) error { return errors.New("no network") }, nil)
	if _, err := m.Adopt(w.t.Context(), numbered(2), w.client(), w.inherited()); err == nil {
		w.t.Error("an adoption is proved without a network")
	}
	w.wire.tap(nil, nil)
	time.Sleep(3 * time.Minute) // it is in doubt
	w.connect(m, numbered(3))
	if err := m.Disconnect(w.t.Context(), numbered(3)); err != nil {
		w.t.Fatal(err)
	}
	w.begin(m, numbered(4)) // and the results of the logins before
	until := time.Now().Add(time.Second).UTC()
	v.write(w.store, tokenstore.Record{ID: hostRecord, Due: until}, map[string]any{"Format": 1, "NotBefore": until})
	v.write(w.store, tokenstore.Record{ID: userRecord, Due: time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)}, map[string]any{"Format": 1, "Key": mainKey})
	return w.looks(m)
}

// breakIt has the customer revoke a connection that is in the store.
func (w *world) breakIt(v foreigner, m *oauthflow.Manager, k oauthflow.Key) {
	w.t.Helper()
	refresh := oauthflow.NewSecret(v.read(w.record(k))["Refresh"].(string))
	if err := w.flow(w.wire).Revoke(w.t.Context(), w.client(), &oauthflow.Token{RefreshToken: refresh}); err != nil {
		w.t.Error(err)
	}
	if err := m.Renew(w.t.Context(), k); kindOf(err) != oauthflow.KindGrantDead {
		w.t.Errorf("got %v, want it broken", err)
	}
}

// looks lists all connections.
func (w *world) looks(m *oauthflow.Manager) map[oauthflow.Key]string {
	w.t.Helper()
	all := map[oauthflow.Key]string{}
	for c, err := range m.List(w.t.Context(), "") {
		if err != nil {
			w.t.Error(err)
		}
		all[c.Key] = fmt.Sprintf("%+v", c)
	}
	return all
}

// wantLeft checks that a store holds marks alone, and no secret.
func (w *world) wantLeft(v foreigner, s tokenstore.Store) {
	w.t.Helper()
	for r, err := range s.List(w.t.Context(), "", time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)) {
		if err != nil {
			w.t.Error(err)
			continue
		}
		held := v.read(r)
		switch {
		case strings.HasPrefix(r.ID, "relocated/"):
		case !isConnection(r.ID):
			w.t.Errorf("the store that was left still holds %s", r.ID)
		case held["Refresh"] != "" || held["Access"] != "" || held["Client"].(map[string]any)["Secret"] != "" || held["Client"].(map[string]any)["ID"] != "":
			w.t.Errorf("the store that was left still holds data of %s", r.ID)
		}
	}
}

// over returns a manager over a store.
func (w *world) over(s tokenstore.Store) *oauthflow.Manager {
	w.t.Helper()
	return w.manager(func(c *oauthflow.ManagerConfig) { c.Store = s })
}

func files(t *testing.T) tokenstore.Store {
	t.Helper()
	s, err := filestore.Open(filestore.Config{Dir: filepath.Join(t.TempDir(), "store")})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestACopyBringsARecordOfEachKindAndLeavesMarks(t *testing.T) {
	memory := func(*testing.T) tokenstore.Store { return tokenstore.NewMemory() }
	for name, stores := range map[string][2]func(*testing.T) tokenstore.Store{
		"from memory to memory": {memory, memory}, "from files to memory": {files, memory}, "from memory to files": {memory, files},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, orgtest.Config{RotateRefreshTokens: true, ApprovalLimit: 20})
				v := w.unlocked()
				w.store = stores[0](t)
				w.stocked(v)
				pending := w.begin(w.manager(), numbered(5))
				adopted := w.inherited()
				if _, err := w.manager().Adopt(t.Context(), numbered(6), w.client(), adopted); err != nil {
					t.Fatal(err)
				}
				before := w.looks(w.manager())
				revoked, ledger := w.events("revoke", ""), len(w.org.Ledger())
				from := w.copyTo(stores[1](t))
				if n := len(w.org.Ledger()) - ledger; n != 0 {
					t.Errorf("%d requests were sent", n)
				}
				w.wantLeft(v, from)
				after := w.manager()
				if got := w.looks(after); !maps.Equal(got, before) {
					t.Errorf("the connections are\n%v\nwant\n%v", got, before)
				}
				_, err := after.Load(t.Context(), numbered(3))
				wantKind(t, err, oauthflow.KindNotConnected)
				_, err = after.Complete(t.Context(), pending)
				wantKind(t, err, oauthflow.KindState)
				if _, err := after.Adopt(t.Context(), numbered(7), w.client(), adopted); !errors.Is(err, oauthflow.ErrConnectedElsewhere) {
					t.Errorf("the same token under another key: %v, want ErrConnectedElsewhere", err)
				}
				if got := len(w.records(hostRecord)); got != 0 {
					t.Errorf("%d waits for a host, which nothing reads any more", got)
				}
				time.Sleep(2 * time.Second)
				for _, k := range []oauthflow.Key{mainKey, secondKey, numbered(2), numbered(6)} {
					if err := after.Renew(t.Context(), k); err != nil {
						t.Errorf("%v: %v", k, err)
					}
				}
				w.connect(after, numbered(3))
				w.wantEvents("refresh", "reuse", 0)
				w.wantEvents("revoke", "", revoked)
				if err := w.copied(from); err != nil {
					t.Errorf("once more: %v", err)
				}
			})
		})
	}
}

// ends is one of two stores whose process dies at its last call of either, before or after that has its effect.
type ends struct {
	tokenstore.Store
	mu    *sync.Mutex
	calls *int
	last  int
	late  bool
	stop  func() // instead of an error
}

func (s ends) call(do func() error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	*s.calls++
	if *s.calls > s.last || *s.calls == s.last && !s.late {
		s.stop()
		return errStoreDown
	}
	err := do()
	if *s.calls == s.last {
		s.stop()
		return errStoreDown
	}
	return err
}

func (s ends) Load(ctx context.Context, id string) (r tokenstore.Record, err error) {
	err = s.call(func() error { r, err = s.Store.Load(ctx, id); return err })
	return r, err
}

func (s ends) Save(ctx context.Context, r tokenstore.Record) error {
	return s.call(func() error { return s.Store.Save(ctx, r) })
}

func (s ends) Delete(ctx context.Context, id string, version uint64) error {
	return s.call(func() error { return s.Store.Delete(ctx, id, version) })
}

// copyInterrupted copies the world's store, has each copy die step calls later, and gives each result to then, in a world of its own,
// whose store is the one that was copied. Where every case is tried, step is 1.
func copyInterrupted(t *testing.T, step int, fill func(w *world, v foreigner), then func(w *world, v foreigner, to tokenstore.Store)) {
	t.Helper()
	if needs.EveryCase() {
		step = 1
	}
	for last, finished := 1, false; !finished && !t.Failed(); last += step {
		for _, late := range []bool{false, true} {
			t.Run(fmt.Sprintf("at call %d, late %v", last, late), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t, orgtest.Config{RotateRefreshTokens: true, ApprovalLimit: 20})
					v := w.unlocked()
					fill(w, v)
					calls, to := 0, tokenstore.NewMemory()
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					stop := cancel
					if last%2 == 0 {
						stop = func() {}
					}
					var mu sync.Mutex
					err := oauthflow.Copy(ctx, oauthflow.CopyConfig{
						From: ends{w.store, &mu, &calls, last, late, stop}, To: ends{to, &mu, &calls, last, late, stop}, Keyring: w.keys, Environment: "test",
					})
					if finished = calls < last; finished != (err == nil) {
						t.Errorf("got %v after %d calls", err, calls)
					}
					then(w, v, to)
				})
			})
		}
	}
}

// usable is whether a manager over a store would use a connection.
func (w *world) usable(s tokenstore.Store, k oauthflow.Key) bool {
	w.t.Helper()
	_, err := w.over(s).Load(w.t.Context(), k)
	if err != nil && kindOf(err) != oauthflow.KindStore && kindOf(err) != oauthflow.KindNotConnected {
		w.t.Errorf("%v: %v", k, err)
	}
	return err == nil
}

func TestACopyThatIsInterruptedAnywhereIsFinishedByTheNext(t *testing.T) {
	var before map[oauthflow.Key]string
	copyInterrupted(t, 3, func(w *world, v foreigner) { before = w.stocked(v) }, func(w *world, v foreigner, to tokenstore.Store) {
		for k := range before {
			if w.usable(w.store, k) && w.usable(to, k) {
				w.t.Errorf("%v can be used in both stores", k)
			}
		}
		revoked := w.events("revoke", "")
		from := w.copyTo(to)
		w.wantLeft(v, from)
		if got := w.looks(w.manager()); !maps.Equal(got, before) {
			w.t.Errorf("the connections are\n%v\nwant\n%v", got, before)
		}
		time.Sleep(2 * time.Second)
		for _, k := range []oauthflow.Key{mainKey, secondKey, numbered(2)} {
			if err := w.manager().Renew(w.t.Context(), k); err != nil {
				w.t.Errorf("%v: %v", k, err)
			}
		}
		w.wantEvents("refresh", "reuse", 0)
		w.wantEvents("revoke", "", revoked)
	})
}

// A service that works with both stores after an interrupted copy loses nothing: no token lives under two keys, and none that
// lives elsewhere is revoked, whatever has happened to the connection in between.
func TestAfterAnInterruptedCopyNoTokenIsSentFromTwoPlacesOrRevoked(t *testing.T) {
	for _, again := range []bool{true, false} { // that the key is connected again after its connection was moved
		for _, both := range []bool{true, false} { // that processes work with both stores, or with the new one alone
			t.Run(fmt.Sprintf("connected again %v, over both stores %v", again, both), func(t *testing.T) { movedBetweenCopies(t, again, both) })
		}
	}
}

func movedBetweenCopies(t *testing.T, again, both bool) {
	t.Helper()
	copyInterrupted(t, 3, func(w *world, _ foreigner) { w.connect(w.manager(), mainKey) }, func(w *world, _ foreigner, to tokenstore.Store) {
		t, from := w.t, w.store
		old, after := w.over(from), w.over(to)
		sent := w.wire.refreshes()
		for _, m := range []*oauthflow.Manager{old, after} {
			if m == old && !both {
				continue
			}
			err := m.Move(t.Context(), mainKey, secondKey)
			if err != nil && kindOf(err) != oauthflow.KindStore && kindOf(err) != oauthflow.KindNotConnected {
				t.Errorf("Move: %v", err)
			}
			if err != nil || !again {
				continue
			}
			if cb, err := w.tryBegin(m, mainKey); err != nil && !errors.Is(err, oauthflow.ErrRelocated) {
				t.Errorf("Begin: %v", err)
			} else if err == nil {
				if _, err := m.Complete(t.Context(), cb); err != nil {
					t.Errorf("Complete: %v", err)
				}
			}
		}
		w.keptAliveAsLongAsItLasts(2*day, after) // so that what is left of the move is forgotten
		w.store = to
		if err := w.copied(from); err != nil && kindOf(err) != oauthflow.KindForeign {
			t.Errorf("the copy again: %v", err)
		}
		w.keptAliveAsLongAsItLasts(2*day, after)
		usable := 0
		for _, s := range []tokenstore.Store{from, to} {
			for _, k := range []oauthflow.Key{mainKey, secondKey} {
				if !w.usable(s, k) {
					continue
				}
				usable++
				if err := w.over(s).Renew(t.Context(), k); err != nil {
					t.Errorf("%v: %v", k, err)
				}
			}
		}
		if live := len(w.liveApprovals()); usable != live {
			t.Errorf("%d connections can be used, and %d approvals are alive", usable, live)
		}
		if w.wire.refreshes() == sent {
			t.Error("nothing was tried")
		}
		w.wantEvents("refresh", "reuse", 0)
		w.wantEvents("revoke", "", 0)
	})
}

func TestATokenIsNotAdoptedInBothStoresOfACopy(t *testing.T) {
	adopted := oauthflow.Secret{}
	copyInterrupted(t, 3, func(w *world, _ foreigner) {
		w.connect(w.manager(), mainKey)
		adopted = w.inherited()
	}, func(w *world, _ foreigner, to tokenstore.Store) {
		old, after := w.over(w.store), w.over(to)
		marked := len(w.records("connection/")) == 1 && !w.usable(w.store, mainKey)
		_, err := old.Adopt(w.t.Context(), secondKey, w.client(), adopted)
		if marked && !errors.Is(err, oauthflow.ErrRelocated) {
			w.t.Errorf("over the store that was left: %v, want ErrRelocated", err)
		} else if err != nil && !errors.Is(err, oauthflow.ErrRelocated) {
			w.t.Error(err)
		}
		if err != nil {
			if _, err := after.Adopt(w.t.Context(), secondKey, w.client(), adopted); err != nil {
				w.t.Error(err)
			}
		}
		w.copyTo(to)
		if err := w.manager().Renew(w.t.Context(), secondKey); err != nil {
			w.t.Error(err)
		}
		w.wantEvents("refresh", "reuse", 0)
	})
}

func TestTwoCopiesAtOnceEndWell(t *testing.T) {
	for seed := range 40 {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, orgtest.Config{RotateRefreshTokens: true, ApprovalLimit: 20})
			v := w.unlocked()
			before := w.stocked(v)
			from := w.store
			w.store = tardy{tokenstore.NewMemory()}
			done := make(chan error)
			for i := range 2 {
				go func() {
					time.Sleep(time.Duration(i*seed) * time.Millisecond)
					done <- w.copied(tardy{from})
				}()
			}
			for range 2 {
				if err := <-done; err != nil {
					t.Error(err)
				}
			}
			w.wantLeft(v, from)
			if got := w.looks(w.manager()); !maps.Equal(got, before) {
				t.Errorf("the connections are\n%v\nwant\n%v", got, before)
			}
		})
	}
}

func TestAManagerOverTheStoreThatWasLeftIsToldWhereTheRecordsAreAndSendsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		running := w.manager()
		w.connect(running, mainKey)
		held, pending, fresh := w.token(running.Source(mainKey)), w.begin(running, mainKey), w.inherited()
		from := w.copyTo(tokenstore.NewMemory())
		w.store, w.wire.posts = from, map[string]int{}
		m, other := w.manager(), numbered(1)
		ctx, ledger := t.Context(), len(w.org.Ledger())
		time.Sleep(time.Hour)
		if got := w.token(running.Source(mainKey)); got != held {
			t.Error("what a process holds is not served any more")
		}
		begin := func(k oauthflow.Key) error { _, err := w.tryBegin(m, k); return err }
		for what, do := range map[string]func() error{
			"Token":            func() error { _, err := m.Source(mainKey).Token(); return err },
			"Replace":          func() error { _, err := running.Source(mainKey).Replace(ctx, held); return err },
			"Load":             func() error { _, err := m.Load(ctx, mainKey); return err },
			"List":             func() error { return lastError(m, mainKey) },
			"Renew":            func() error { return m.Renew(ctx, mainKey) },
			"Disconnect":       func() error { return m.Disconnect(ctx, mainKey) },
			"SetClient":        func() error { return m.SetClient(ctx, mainKey, w.client()) },
			"Move":             func() error { return m.Move(ctx, mainKey, other) },
			"Adopt":            func() error { _, err := m.Adopt(ctx, mainKey, w.client(), fresh); return err },
			"Adopt, a new key": func() error { _, err := m.Adopt(ctx, other, w.client(), fresh); return err },
			"AdoptDryRun":      func() error { _, err := m.AdoptDryRun(ctx, other, w.client(), fresh); return err },
			"Begin":            func() error { return begin(mainKey) },
			"Begin, a new key": func() error { return begin(other) },
			"BeginAgain": func() error {
				_, err := m.BeginAgain(ctx, mainKey, browser, oauthflow.AuthorizeOptions{})
				return err
			},
			"KeepAlive":      func() error { return m.KeepAlive(ctx) },
			"KeepAlive, old": func() error { return running.KeepAlive(ctx) },
		} {
			err := do()
			if !errors.Is(err, oauthflow.ErrRelocated) || kindOf(err) != oauthflow.KindStore || !strings.Contains(err.Error(), "set ManagerConfig.Store") {
				t.Errorf("%s: got %v, want ErrRelocated and what to do", what, err)
			}
		}
		_, err := m.Complete(ctx, pending)
		wantKind(t, err, oauthflow.KindState)
		if m.Readiness(ctx).Ready() {
			t.Error("it is ready")
		}
		if n := len(w.org.Ledger()) - ledger; n != 0 || len(w.wire.posts) != 0 {
			t.Errorf("%d requests were sent: %v", n, w.wire.posts)
		}
	})
}

func TestWhatDoesNotOpenIsNamedAndLeftAndAllElseIsCopied(t *testing.T) {
	w := newWorld(t, orgtest.Config{RotateRefreshTokens: true, ApprovalLimit: 20})
	v := w.unlocked()
	m := w.manager()
	for i := range 4 {
		w.connect(m, numbered(i))
	}
	if _, err := m.Adopt(t.Context(), numbered(4), w.client(), w.inherited()); err != nil {
		t.Fatal(err)
	}
	claim := w.claim()
	v.change(w.store, "connection/acme/1", newer)
	v.change(w.store, claim, renamedClaim)
	elsewhere := w.manager(func(c *oauthflow.ManagerConfig) { c.Environment = "staging" })
	w.connect(elsewhere, oauthflow.Key{Tenant: "staging", Name: "main"})
	w.connect(w.process(tokenstore.GenerateSealingKey("another")), oauthflow.Key{Tenant: "sealed", Name: "main"})
	v.write(w.store, tokenstore.Record{ID: "later/kind", Due: time.Now()}, map[string]any{"Format": 1})
	left := []string{"connection/acme/1", claim, "connection/staging/main", "connection/sealed/main", "later/kind"}
	for _, id := range w.records("login/") {
		if r, err := w.store.Load(t.Context(), id); err != nil {
			t.Fatal(err)
		} else if !v.opens(r) {
			left = append(left, id) // of the other environment, and of the other key
		}
	}
	kept := w.all(w.store)
	from := w.store
	w.store = tokenstore.NewMemory()
	for range 2 {
		err := w.copied(from)
		var b *oauthflow.BulkError
		if !errors.As(err, &b) || b.Failed != len(left) || b.Kinds[oauthflow.KindForeign] != len(left) || b.Op != "copy" {
			t.Fatalf("got %v, want %d that were left", err, len(left))
		}
		all := fmt.Sprint(b.Errs)
		for _, id := range left {
			if !strings.Contains(all, `record "`+id+`"`) {
				t.Errorf("%s is not named in %s", id, all)
			}
			if r, err := from.Load(t.Context(), id); err != nil || fmt.Sprint(r) != kept[id] {
				t.Errorf("%s was changed: %v", id, err)
			}
			if _, err := w.store.Load(t.Context(), id); !errors.Is(err, tokenstore.ErrNotFound) {
				t.Errorf("%s is in the other store: %v", id, err)
			}
		}
	}
	for _, i := range []int{0, 2, 3, 4} {
		if err := w.manager().Renew(t.Context(), numbered(i)); err != nil {
			t.Errorf("connection %d: %v", i, err)
		}
	}
	w.connect(w.manager(), numbered(5))
}

// all is what a store holds.
func (w *world) all(s tokenstore.Store) map[string]string {
	w.t.Helper()
	all := map[string]string{}
	for r, err := range s.List(w.t.Context(), "", time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)) {
		if err != nil {
			w.t.Fatal(err)
		}
		all[r.ID] = fmt.Sprint(r)
	}
	return all
}

func (w *world) claim() string {
	w.t.Helper()
	for id := range w.all(w.store) {
		if strings.HasPrefix(id, "adopted/") {
			return id
		}
	}
	w.t.Fatal("there is no claim")
	return ""
}

func TestARecordThatIsThereAlreadyIsLeftUnlessItIsTheSame(t *testing.T) {
	for name, change := range map[string]func(map[string]any){
		"the same":          func(map[string]any) {},
		"another token":     func(fields map[string]any) { fields["Refresh"] = "another" },
		"newer credentials": func(fields map[string]any) { fields["Next"] = fields["Client"] },
		"one that has gone": func(fields map[string]any) { fields["Gone"] = true },
	} {
		t.Run(name, func(t *testing.T) {
			w := rotating(t)
			v := w.unlocked()
			w.connect(w.manager(), mainKey)
			r, from := w.record(mainKey), w.store
			w.store = tokenstore.NewMemory()
			fields := v.read(r)
			change(fields)
			r.Version = 0
			v.write(w.store, r, fields)
			there, here := w.all(from)[mainRecord], w.all(w.store)[mainRecord]
			err := w.copied(from)
			if name == "the same" {
				if err != nil {
					t.Error(err)
				}
				w.wantLeft(v, from)
				if err := w.manager().Renew(t.Context(), mainKey); err != nil {
					t.Error(err)
				}
				return
			}
			if kindOf(err) != oauthflow.KindForeign || !strings.Contains(err.Error(), mainRecord) {
				t.Errorf("got %v, want to be told of %s", err, mainRecord)
			}
			if w.all(from)[mainRecord] != there || w.all(w.store)[mainRecord] != here {
				t.Error("one of the two was changed")
			}
		})
	}
}

func TestACopyCanBeCopiedBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		v := w.unlocked()
		first := w.manager()
		w.connect(first, mainKey)
		w.connect(first, secondKey)
		a := w.copyTo(tokenstore.NewMemory())
		second := w.manager()
		w.renewed(second, mainKey)
		w.connect(second, numbered(1))
		if err := second.Disconnect(t.Context(), secondKey); err != nil {
			t.Fatal(err)
		}
		w.keptAlive(2*day, second) // so that what is left of it is forgotten
		b := w.copyTo(a)
		w.wantLeft(v, b)
		back := w.manager()
		for _, k := range []oauthflow.Key{mainKey, numbered(1)} {
			if err := back.Renew(t.Context(), k); err != nil {
				t.Errorf("%v: %v", k, err)
			}
			if _, err := second.Load(t.Context(), k); !errors.Is(err, oauthflow.ErrRelocated) {
				t.Errorf("%v: %v, want ErrRelocated", k, err)
			}
		}
		w.connect(back, secondKey)
		w.copyTo(b)
		if got := w.looks(w.manager()); len(got) != 3 {
			t.Errorf("there are %v, want three connections", got)
		}
		w.keptAlive(31*day, w.manager())
		w.wantEvents("refresh", "reuse", 0)
	})
}

func TestWhatWasCopiedIsKeptAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		w.connect(w.manager(), mainKey)
		w.copyTo(tokenstore.NewMemory())
		w.keptAlive(31*day, w.manager())
		if n := w.wire.refreshes(); n != 1 {
			t.Errorf("%d refreshes in a month, want 1", n)
		}
	})
}

// A version before v0.1.0 moved records to another store while services went on. What it has left is understood.
func TestWhatAnEarlierVersionHasLeftOfAChangeOfStoresIsUnderstood(t *testing.T) {
	marked := func(fields map[string]any) {
		maps.DeleteFunc(fields, func(name string, _ any) bool { return name != "Format" && name != "Key" && name != "Epoch" })
		fields["Gone"], fields["Leaving"], fields["Left"], fields["TakeOvers"] = false, true, true, 1
	}
	halfDone := func(fields map[string]any) { fields["Leaving"] = true }
	for name, c := range map[string]struct {
		change      func(map[string]any)
		connections int // of the next store after a copy
	}{"a mark": {marked, 0}, "a connection that was about to leave": {halfDone, 1}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := rotating(t)
				v := w.unlocked()
				w.connect(w.manager(), mainKey)
				v.change(w.store, mainRecord, c.change)
				m := w.manager()
				for what, do := range map[string]func() error{
					"Load":       func() error { _, err := m.Load(t.Context(), mainKey); return err },
					"Renew":      func() error { return m.Renew(t.Context(), mainKey) },
					"Disconnect": func() error { return m.Disconnect(t.Context(), mainKey) },
					"List":       func() error { return lastError(m, mainKey) },
					"Complete":   func() error { _, err := m.Complete(t.Context(), w.begin(m, mainKey)); return err },
				} {
					if err := do(); !errors.Is(err, oauthflow.ErrRelocated) {
						t.Errorf("%s: got %v, want ErrRelocated", what, err)
					}
				}
				w.keptAlive(25*day, m)
				w.wantEvents("refresh", "", 0)
				w.wantEvents("revoke", "", 0)
				from := w.copyTo(tokenstore.NewMemory())
				if got := w.looks(w.manager()); len(got) != c.connections {
					t.Errorf("copied are %v, want %d", got, c.connections)
				}
				if c.connections > 0 {
					w.wantLeft(v, from)
					w.renewed(w.manager(), mainKey)
				}
			})
		})
	}
	t.Run("a connection that came", func(t *testing.T) {
		w := rotating(t)
		v := w.unlocked()
		w.connect(w.manager(), mainKey)
		v.change(w.store, mainRecord, func(fields map[string]any) { fields["TakeOvers"] = 2 })
		w.renewed(w.manager(), mainKey)
		if _, there := v.read(w.record(mainKey))["TakeOvers"]; there {
			t.Error("a field that nothing reads is kept")
		}
	})
}

func TestACopyRefusesWhatCannotBeMeant(t *testing.T) {
	w := rotating(t)
	w.connect(w.manager(), mainKey)
	good := oauthflow.CopyConfig{From: w.store, To: tokenstore.NewMemory(), Keyring: w.keys, Environment: "test"}
	before := w.all(w.store)
	with := func(change func(*oauthflow.CopyConfig)) oauthflow.CopyConfig {
		c := good
		change(&c)
		return c
	}
	third := tokenstore.NewMemory()
	refused := func(c oauthflow.CopyConfig, fields ...string) {
		t.Helper()
		err := oauthflow.Copy(t.Context(), c)
		wantKind(t, err, oauthflow.KindInvalid)
		for _, f := range fields {
			if !strings.Contains(err.Error(), "CopyConfig."+f) {
				t.Errorf("%v does not name %s", err, f)
			}
		}
	}
	refused(oauthflow.CopyConfig{}, "From", "To", "Keyring", "Environment")
	refused(with(func(c *oauthflow.CopyConfig) { c.To = c.From }), "To")
	refused(with(func(c *oauthflow.CopyConfig) { c.From, c.To = c.To, c.From }), "From")
	if !maps.Equal(w.all(w.store), before) {
		t.Error("a copy that was refused has changed the store")
	}
	if err := oauthflow.Copy(t.Context(), good); err != nil {
		t.Fatal(err)
	}
	refused(with(func(c *oauthflow.CopyConfig) { c.To = third }), "To")
	refused(with(func(c *oauthflow.CopyConfig) { c.To = c.From }), "To")
	if n := len(w.all(third)); n != 0 {
		t.Errorf("the third store holds %d records", n)
	}
	w.store = good.To
	w.renewed(w.manager(), mainKey)
}

func TestAConnectionInWhoseRefreshAProcessWasKilledWaitsAndIsCopiedInDoubt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		v := w.unlocked()
		w.connect(w.manager(), mainKey)
		v.change(w.store, mainRecord, func(fields map[string]any) {
			fields["Intent"] = map[string]any{"Attempt": "of-a-dead-process", "Lease": 10 * time.Second, "At": time.Now()}
		})
		from := w.store
		w.store = tokenstore.NewMemory()
		err := w.copied(from)
		if kindOf(err) != oauthflow.KindStore || !strings.Contains(err.Error(), "stop the services") {
			t.Errorf("got %v, want to be told to stop the services", err)
		}
		if !w.usable(from, mainKey) || len(w.records("connection/")) != 0 {
			t.Error("it was copied")
		}
		time.Sleep(3 * time.Minute)
		if err := w.copied(from); err != nil {
			t.Fatal(err)
		}
		w.org.ExpireSessions()
		w.renewed(w.manager(), mainKey)
		if w.events("introspect", "") < 2 {
			t.Error("the org was not asked about the token")
		}
	})
}

func TestNothingIsGivenUpForASaveThatAFailoverMayUndo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, unsafe := range []error{errTooFew, errStoreDown} {
			w, from := copying(t)
			v := w.unlocked()
			w.connect(w.manager(), mainKey)
			there := w.backup().restored(t)
			to := copiesOf(tokenstore.NewMemory())
			w.store = to
			for _, c := range []*copies{to, from} {
				c.say(always(unsafe))
				for range 3 {
					if err := w.copied(from); err == nil {
						t.Error("Copy says that all is done")
					}
				}
				if w.usable(from, mainKey) && w.usable(to, mainKey) || !w.usable(from, mainKey) && c == to {
					t.Error("it can be used in the wrong store")
				}
				c.say(nil)
				if c == from {
					if w.usable(to, mainKey) {
						t.Error("it can be used in the new store while the former one may forget the mark")
					}
					c.failOver(there)
				}
			}
			if err := w.copied(from); err != nil {
				t.Errorf("after the failover: %v", err)
			}
			w.wantLeft(v, from)
			w.renewed(w.manager(), mainKey)
			w.wantEvents("refresh", "reuse", 0)
		}
	})
}

func TestACopyThatIsNotFinishedIsToldAndKeptFromTheKeepAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		w.connect(w.manager(), mainKey)
		from := savesNoConnection(w.store)
		w.store = tokenstore.NewMemory()
		if err := w.copied(from); kindOf(err) != oauthflow.KindStore {
			t.Fatalf("got %v, want it interrupted", err)
		}
		m := w.manager()
		if err := m.Renew(t.Context(), mainKey); kindOf(err) != oauthflow.KindStore || !strings.Contains(err.Error(), "repeat the Copy") {
			t.Errorf("got %v, want to be told to repeat the copy", err)
		}
		w.keptAlive(31*day, m)
		if n := w.wire.refreshes(); n != 0 {
			t.Errorf("%d refreshes", n)
		}
		if err := lastError(m, mainKey); kindOf(err) != oauthflow.KindStore {
			t.Errorf("List: %v", err)
		}
		ids := slices.Collect(maps.Keys(w.all(w.store)))
		if !slices.Contains(ids, mainRecord) {
			t.Errorf("it holds %v", ids)
		}
		third := tokenstore.NewMemory()
		err := oauthflow.Copy(t.Context(), oauthflow.CopyConfig{From: w.store, To: third, Keyring: w.keys, Environment: "test"})
		if kindOf(err) != oauthflow.KindStore || !strings.Contains(err.Error(), "finish it first") {
			t.Errorf("copied onward: %v", err)
		}
	})
}

// A service that was not stopped refreshes while two copies are under way: the older token that one of them has loaded must not
// take the place of the newer one that the other has.
func TestOfTwoCopiesNoneBringsAnOlderContent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		m := w.manager()
		w.connect(m, mainKey)
		from, to := w.store, tokenstore.NewMemory()
		created, overwritten, done := make(chan struct{}), make(chan struct{}), make(chan error)
		secondFrom, secondTo := &hooked{Store: from}, &hooked{Store: to}
		secondTo.onSave(func(r tokenstore.Record, do func() error) error {
			err := do()
			if r.ID == mainRecord {
				secondTo.onSave(nil)
				close(created)
			}
			return err
		})
		secondFrom.onSave(func(r tokenstore.Record, do func() error) error {
			if r.ID == mainRecord {
				secondFrom.onSave(nil)
				<-overwritten
			}
			return do()
		})
		firstTo := &hooked{Store: to}
		firstTo.onLoad(func(id string) error {
			if id == mainRecord {
				firstTo.onLoad(nil)
				w.renewed(m, mainKey)
				go func() {
					done <- oauthflow.Copy(t.Context(), oauthflow.CopyConfig{From: secondFrom, To: secondTo, Keyring: w.keys, Environment: "test"})
				}()
				<-created
			}
			return nil
		})
		firstTo.onSave(func(r tokenstore.Record, do func() error) error {
			err := do()
			if r.ID == mainRecord {
				firstTo.onSave(nil)
				close(overwritten)
				time.Sleep(time.Second)
			}
			return err
		})
		w.store = firstTo
		if err := w.copied(from); err != nil {
			t.Error(err)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
		w.store = to
		w.renewed(w.manager(), mainKey)
		w.wantEvents("refresh", "reuse", 0)
	})
}

// What an unfinished copy from one store has brought is not made usable by an earlier one from another.
func TestAnUnfinishedCopyIsFinishedFromItsOwnStoreAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		w.connect(w.manager(), mainKey)
		a, b, c := w.store, tokenstore.NewMemory(), tokenstore.NewMemory()
		w.copyTo(b)
		w.copyTo(c)
		w.store = b
		if err := w.copied(savesNoConnection(c)); kindOf(err) != oauthflow.KindStore {
			t.Fatalf("got %v, want it interrupted", err)
		}
		if err := w.copied(a); err != nil {
			t.Error(err)
		}
		if w.usable(b, mainKey) || !w.usable(c, mainKey) {
			t.Error("it can be used where its copy is not finished")
		}
		if err := w.copied(c); err != nil {
			t.Error(err)
		}
		w.renewed(w.manager(), mainKey)
	})
}

// savesNoConnection is a store that takes no save of a connection.
func savesNoConnection(s tokenstore.Store) tokenstore.Store {
	h := &hooked{Store: s}
	h.onSave(func(r tokenstore.Record, do func() error) error {
		if isConnection(r.ID) {
			return errStoreDown
		}
		return do()
	})
	return h
}

func TestMarksStayUntilACopyBackHasBroughtEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		w.connect(w.manager(), mainKey)
		w.connect(w.manager(), secondKey)
		a := w.copyTo(tokenstore.NewMemory())
		b := &hooked{Store: w.store}
		b.onLoad(func(id string) error {
			if id == mainRecord {
				return errStoreDown
			}
			return nil
		})
		w.store = a
		if err := w.copied(b); kindOf(err) != oauthflow.KindStore {
			t.Errorf("got %v, want an error of the store", err)
		}
		for _, k := range []oauthflow.Key{mainKey, numbered(1)} {
			if _, err := w.tryBegin(w.manager(), k); !errors.Is(err, oauthflow.ErrRelocated) {
				t.Errorf("Begin for %v: %v, want ErrRelocated", k, err)
			}
		}
		if err := w.manager().Renew(t.Context(), mainKey); !errors.Is(err, oauthflow.ErrRelocated) {
			t.Errorf("Renew: %v, want ErrRelocated", err)
		}
		b.onLoad(nil)
		if err := w.copied(b); err != nil {
			t.Error(err)
		}
		w.renewed(w.manager(), mainKey)
	})
}

func TestATokenThatWasAdoptedUnderAnotherKeyInEachStoreIsTold(t *testing.T) {
	w := newWorld(t, orgtest.Config{})
	token := w.inherited()
	if _, err := w.manager().Adopt(t.Context(), mainKey, w.client(), token); err != nil {
		t.Fatal(err)
	}
	from := w.store
	w.store = tokenstore.NewMemory()
	if _, err := w.manager().Adopt(t.Context(), secondKey, w.client(), token); err != nil {
		t.Fatal(err)
	}
	claim := w.claim()
	there, here := w.all(from)[claim], w.all(w.store)[claim]
	if err := w.copied(from); kindOf(err) != oauthflow.KindForeign || !strings.Contains(err.Error(), claim) {
		t.Errorf("got %v, want to be told of %s", err, claim)
	}
	if w.all(from)[claim] != there || w.all(w.store)[claim] != here {
		t.Error("one of the two was changed")
	}
}

func TestWhatIsLeftOfADisconnectionStaysWhileItsCopyIsNotFinished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		w.connect(w.manager(), mainKey)
		if err := w.manager().Disconnect(t.Context(), mainKey); err != nil {
			t.Fatal(err)
		}
		from := w.store
		w.store = tokenstore.NewMemory()
		if err := w.copied(savesNoConnection(from)); kindOf(err) != oauthflow.KindStore {
			t.Fatalf("got %v, want it interrupted", err)
		}
		w.keptAlive(2*day, w.manager())
		if _, there := w.all(w.store)[mainRecord]; !there {
			t.Error("the keep-alive has deleted it")
		}
	})
}
