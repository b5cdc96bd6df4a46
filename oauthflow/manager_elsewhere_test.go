package oauthflow_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
)

var secondKey = oauthflow.Key{Tenant: "other", Name: "second"}

func oneKeyOnly(c *oauthflow.ManagerConfig) { c.RefuseSecondKey = true }

// tardy is a store whose calls take a random moment.
type tardy struct{ oauthflow.Store }

func linger() { time.Sleep(time.Duration(rand.IntN(300)) * time.Millisecond) }

func (s tardy) Load(ctx context.Context, id string) (oauthflow.Record, error) {
	linger()
	return s.Store.Load(ctx, id)
}

func (s tardy) Save(ctx context.Context, r oauthflow.Record) error {
	linger()
	defer linger()
	return s.Store.Save(ctx, r)
}

// wantOneOf checks that of two keys one is connected and works, and that nothing is left of the other.
func (w *world) wantOneOf(m *oauthflow.Manager, keys [2]oauthflow.Key, errs [2]error) {
	w.t.Helper()
	i := 0
	if errs[0] != nil {
		i = 1
	}
	winner, loser, refusal := keys[i], keys[1-i], errs[1-i]
	if errs[i] != nil || !errors.Is(refusal, oauthflow.ErrConnectedElsewhere) || kindOf(refusal) != oauthflow.KindElsewhere {
		w.t.Fatalf("got %v and %v, want one nil and one ErrConnectedElsewhere", errs[0], errs[1])
	}
	for _, m := range []*oauthflow.Manager{m, w.manager()} {
		if _, err := m.Load(w.t.Context(), loser); kindOf(err) != oauthflow.KindNotConnected {
			w.t.Errorf("the refused key: %v, want not connected", err)
		}
		if _, err := m.Source(loser).TokenContext(w.t.Context()); kindOf(err) != oauthflow.KindNotConnected {
			w.t.Errorf("the refused key's token: %v, want not connected", err)
		}
		if err := m.Renew(w.t.Context(), winner); err != nil {
			w.t.Errorf("the other key: %v", err)
		}
	}
	w.wantEvents("refresh", "reuse", 0)
}

func TestOfTwoLoginsOfOneUserUnderTwoKeysAtOnceOneIsRefused(t *testing.T) {
	for range 100 {
		synctest.Test(t, func(t *testing.T) {
			w := rotating(t)
			w.store = tardy{w.store}
			e := newEventLog()
			managers := [2]*oauthflow.Manager{w.manager(oneKeyOnly, e.observe), w.manager(oneKeyOnly, e.observe)}
			keys := [2]oauthflow.Key{mainKey, secondKey}
			callbacks := [2]oauthflow.Callback{w.begin(managers[0], mainKey), w.begin(managers[1], secondKey)}
			var errs [2]error
			var all sync.WaitGroup
			for i := range 2 {
				all.Go(func() { _, errs[i] = managers[i].Complete(t.Context(), callbacks[i]) })
			}
			all.Wait()
			time.Sleep(time.Minute)
			if n := len(w.liveApprovals()); n != 1 {
				t.Errorf("%d approvals are alive, want the winner's", n)
			}
			if n := e.count(oauthflow.EventConnected); n != 1 {
				t.Errorf("told %d times of a connection, want once", n)
			}
			w.wantOneOf(managers[0], keys, errs)
		})
	}
}

func TestALoginThatIsStoredWhileAnotherTakesItsClaimIsSeenByTheOther(t *testing.T) {
	w := rotating(t)
	shared := w.store
	one, two := &hooked{Store: shared}, &hooked{Store: shared}
	w.store = one
	first := w.manager(oneKeyOnly)
	w.store = two
	second := w.manager(oneKeyOnly)
	callbacks := [2]oauthflow.Callback{w.begin(first, mainKey), w.begin(second, secondKey)}
	var errs [2]error
	claimed, goOn, done := make(chan struct{}), make(chan struct{}), make(chan struct{})
	two.onSave(func(r oauthflow.Record, do func() error) error {
		if isConnection(r.ID) { // it has claimed in place of the first, which is not stored yet
			two.onSave(nil)
			close(claimed)
			<-goOn
		}
		return do()
	})
	claims := 0
	one.onSave(func(r oauthflow.Record, do func() error) error {
		switch {
		case isConnection(r.ID) && claims == 1:
			go func() {
				defer close(done)
				_, errs[1] = second.Complete(context.Background(), callbacks[1])
			}()
			<-claimed
		case strings.HasPrefix(r.ID, "subject/"):
			if claims++; claims == 2 { // it has seen that the second, which holds the claim, is not stored yet
				close(goOn)
				<-done
			}
		}
		return do()
	})
	_, errs[0] = first.Complete(t.Context(), callbacks[0])
	<-done
	w.store = shared
	w.wantOneOf(first, [2]oauthflow.Key{mainKey, secondKey}, errs)
}

func TestALoginThatIsRefusedAtItsEndLeavesTheConnectionThatWasThere(t *testing.T) {
	w := peopled(t, 2) // each has a connection, and the second person's goes
	h := &hooked{Store: w.store}
	w.store = h
	m := w.manager(oneKeyOnly)
	if err := m.Disconnect(t.Context(), personsKey(1)); err != nil {
		t.Fatal(err)
	}
	w.user = person(1)
	first, second := w.begin(m, personsKey(0)), w.begin(m, secondKey)
	h.onSave(func(r oauthflow.Record, do func() error) error {
		if strings.HasSuffix(r.ID, "conn00") { // it has claimed, and is about to be stored
			h.onSave(nil)
			if _, err := m.Complete(t.Context(), second); err != nil {
				t.Error(err)
			}
		}
		return do()
	})
	_, err := m.Complete(t.Context(), first)
	wantKind(t, err, oauthflow.KindElsewhere)
	for _, k := range []oauthflow.Key{personsKey(0), secondKey} {
		for _, m := range []*oauthflow.Manager{m, w.manager()} {
			if !w.alive(w.token(m.Source(k))) {
				t.Errorf("%v: its token is dead", k)
			}
			if err := m.Renew(t.Context(), k); err != nil {
				t.Errorf("%v: %v", k, err)
			}
		}
	}
	was, errWas := m.Load(t.Context(), personsKey(0))
	other, errOther := m.Load(t.Context(), secondKey)
	if errWas != nil || errOther != nil || was.UserID == other.UserID {
		t.Errorf("the first key is connected to the user whose login was refused: %v, %v", errWas, errOther)
	}
}

func TestALoginThatIsStoredIsConnectedWhateverBecomesOfItsClaim(t *testing.T) {
	w := rotating(t)
	h := &hooked{Store: w.store}
	w.store = h
	m := w.manager(oneKeyOnly)
	callback := w.begin(m, mainKey)
	h.onSave(func(r oauthflow.Record, do func() error) error {
		if isConnection(r.ID) {
			h.onLoad(func(id string) error {
				if strings.HasPrefix(id, "subject/") {
					return errStoreDown
				}
				return nil
			})
		}
		return do()
	})
	if _, err := m.Complete(t.Context(), callback); err != nil {
		t.Error(err)
	}
	if !w.alive(w.token(m.Source(mainKey))) {
		t.Error("its tokens were revoked")
	}
}

func TestASecondLoginIsAllowedWhereItIsAskedFor(t *testing.T) {
	w := rotating(t)
	m := w.manager(oneKeyOnly)
	w.connect(m, mainKey)
	redirect, err := m.Begin(t.Context(), secondKey, w.client(), browser, oauthflow.AuthorizeOptions{LoginHint: w.user, SecondKey: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Complete(t.Context(), w.approve(secondKey, redirect)); err != nil {
		t.Error(err)
	}
	for _, k := range []oauthflow.Key{mainKey, secondKey} {
		if err := m.Renew(t.Context(), k); err != nil {
			t.Errorf("%v: %v", k, err)
		}
	}
}

func TestAdoptNeverSendsARefreshTokenThatAnotherKeyWasGiven(t *testing.T) {
	tests := []struct {
		name string
		held func(w *world, m *oauthflow.Manager) oauthflow.Secret // a refresh token that mainKey was given
	}{
		{"which has spent it since", func(w *world, m *oauthflow.Manager) oauthflow.Secret {
			token := w.inherited()
			if _, err := m.Adopt(w.t.Context(), mainKey, w.client(), token); err != nil {
				w.t.Fatal(err)
			}
			return token
		}},
		{"which could not prove it yet", func(w *world, m *oauthflow.Manager) oauthflow.Secret {
			token := w.inherited()
			h := w.store.(*hooked)
			h.onSave(func(r oauthflow.Record, do func() error) error {
				if r.Version > 0 {
					return errStoreDown
				}
				return do()
			})
			if _, err := m.Adopt(w.t.Context(), mainKey, w.client(), token); kindOf(err) != oauthflow.KindStore {
				w.t.Fatal(err)
			}
			h.onSave(nil)
			return token
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := rotating(t)
			w.store = &hooked{Store: w.store}
			m := w.manager()
			token := tt.held(w, m)
			sent := w.wire.refreshes()
			for _, m := range []*oauthflow.Manager{m, w.manager()} {
				for _, k := range []oauthflow.Key{secondKey, {Tenant: "acme", Name: "second"}} {
					_, err := m.Adopt(t.Context(), k, w.client(), token)
					if wantKind(t, err, oauthflow.KindElsewhere); !errors.Is(err, oauthflow.ErrConnectedElsewhere) {
						t.Errorf("%v, want ErrConnectedElsewhere", err)
					}
					if _, err := m.Load(t.Context(), k); kindOf(err) != oauthflow.KindNotConnected {
						t.Errorf("the refused key holds something: %v", err)
					}
				}
			}
			if n := w.wire.refreshes() - sent; n != 0 {
				t.Errorf("%d requests, want 0", n)
			}
			if n := len(w.records("connection/")); n != 1 { // else a crash would leave a record that sends it some day
				t.Errorf("%d records of connections, want 1", n)
			}
			if err := m.Renew(t.Context(), mainKey); err != nil {
				t.Errorf("the connection that was there: %v", err)
			}
			w.wantEvents("refresh", "reuse", 0)
		})
	}
}

func TestOneTokenAdoptedUnderTwoKeysAtOnceIsSentUnderOneAtMost(t *testing.T) {
	for range 100 {
		synctest.Test(t, func(t *testing.T) {
			w := rotating(t)
			w.store = tardy{w.store}
			token := w.inherited()
			keys := [2]oauthflow.Key{mainKey, secondKey}
			managers := [2]*oauthflow.Manager{w.manager(), w.manager()}
			var errs [2]error
			var all sync.WaitGroup
			for i, k := range keys {
				all.Go(func() { _, errs[i] = managers[i].Adopt(t.Context(), k, w.client(), token) })
			}
			all.Wait()
			if n := w.wire.refreshes(); n > 1 {
				t.Fatalf("it was sent %d times", n)
			}
			w.wantEvents("refresh", "reuse", 0)
			if errs[0] != nil && errs[1] != nil { // each has seen the other: then nothing is spent
				if _, errs[0] = managers[0].Adopt(t.Context(), mainKey, w.client(), token); errs[0] != nil {
					t.Error(errs[0])
				}
			}
			w.wantOneOf(managers[0], keys, errs)
		})
	}
}

func TestABrokenConnectionKeepsNobodyFromAdoptingItsUsersToken(t *testing.T) {
	w := rotating(t)
	m := w.manager()
	dead := w.inherited()
	if err := w.org.RevokeAll(appName); err != nil {
		t.Fatal(err)
	}
	for _, k := range []oauthflow.Key{mainKey, secondKey} {
		_, err := m.Adopt(t.Context(), k, w.client(), dead)
		wantKind(t, err, oauthflow.KindGrantDead)
	}
}

func TestAMovedConnectionKeepsTheTokenThatItWasGiven(t *testing.T) {
	w := rotating(t)
	m := w.manager()
	token := w.inherited()
	if _, err := m.Adopt(t.Context(), mainKey, w.client(), token); err != nil {
		t.Fatal(err)
	}
	moved := oauthflow.Key{Tenant: "acme", Name: "moved"}
	if err := m.Move(t.Context(), mainKey, moved); err != nil {
		t.Fatal(err)
	}
	_, err := m.Adopt(t.Context(), secondKey, w.client(), token)
	wantKind(t, err, oauthflow.KindElsewhere)
	w.wantEvents("refresh", "reuse", 0)
	if err := m.Disconnect(t.Context(), moved); err != nil {
		t.Fatal(err)
	}
	if left := w.records("adopted/"); len(left) != 0 {
		t.Errorf("%d claims are left of a connection that is gone", len(left))
	}
}

func TestAdoptFailsClosedWhenItCannotLookWhoWasGivenTheToken(t *testing.T) {
	w := rotating(t)
	h := &hooked{Store: w.store}
	h.onLoad(func(id string) error {
		if strings.HasPrefix(id, "adopted/") {
			return errStoreDown
		}
		return nil
	})
	w.store = h
	_, err := w.manager().Adopt(t.Context(), mainKey, w.client(), w.inherited())
	wantKind(t, err, oauthflow.KindStore)
	if n := w.wire.refreshes(); n != 0 {
		t.Errorf("%d requests, want 0", n)
	}
	if !strings.Contains(err.Error(), errStoreDown.Error()) {
		t.Errorf("%v does not say why", err)
	}
}

func TestARefusedAdoptionLeavesNothingAlsoWhenItsCallerHasLeft(t *testing.T) {
	w := rotating(t)
	ctx, cancel := context.WithCancel(t.Context())
	h := &hooked{Store: w.store}
	h.onSave(func(r oauthflow.Record, do func() error) error {
		err := do()
		if isConnection(r.ID) { // it is stored, and not confirmed yet
			cancel()
		}
		return err
	})
	w.store = h
	_, err := w.manager().Adopt(ctx, mainKey, w.client(), w.inherited())
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v, want the context's error", err)
	}
	if _, err := w.manager().Load(t.Context(), mainKey); kindOf(err) != oauthflow.KindNotConnected {
		t.Errorf("a record is left that nobody has looked after: %v", err)
	}
}
