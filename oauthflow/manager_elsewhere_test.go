package oauthflow_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/internal/needs"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

var secondKey = oauthflow.Key{Tenant: "other", Name: "second"}

// tardy is a store whose calls take a random moment.
type tardy struct{ tokenstore.Store }

func linger() { time.Sleep(time.Duration(rand.IntN(300)) * time.Millisecond) }

func (s tardy) Load(ctx context.Context, id string) (tokenstore.Record, error) {
	linger()
	return s.Store.Load(ctx, id)
}

func (s tardy) Save(ctx context.Context, r tokenstore.Record) error {
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

func TestTwoLoginsOfOneOrgUserAndAppAreTwoConnections(t *testing.T) {
	w := rotating(t)
	e := newEventLog()
	m := w.manager(e.observe)
	w.connect(m, mainKey)
	if _, err := m.Complete(t.Context(), w.begin(m, secondKey)); err != nil {
		t.Fatalf("the second login: %v", err)
	}
	adopted, moved := oauthflow.Key{Tenant: "acme", Name: "adopted"}, oauthflow.Key{Tenant: "acme", Name: "moved"}
	posts := w.wire.refreshes()
	if _, err := m.Adopt(t.Context(), adopted, w.client(), w.inherited()); err != nil { // it must not spend the token and drop what came
		t.Fatalf("the adoption: %v", err)
	}
	if n := w.wire.refreshes() - posts; n != 1 {
		t.Errorf("the adoption has sent %d refreshes, want 1", n)
	}
	if err := m.Move(t.Context(), secondKey, moved); err != nil {
		t.Fatalf("the move: %v", err)
	}
	for _, k := range []oauthflow.Key{mainKey, moved, adopted} {
		for _, m := range []*oauthflow.Manager{m, w.manager()} {
			if err := m.Renew(t.Context(), k); err != nil {
				t.Errorf("%v: %v", k, err)
			}
		}
	}
	if n := len(w.liveApprovals()); n != 2 {
		t.Errorf("the approvals of %d logins are alive, want 2", n)
	}
	if left := w.records("subject/"); len(left) != 0 {
		t.Errorf("records of users: %v, want none", left)
	}
	w.wantEvents("refresh", "reuse", 0)
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
			h.onSave(func(r tokenstore.Record, do func() error) error {
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
	for range needs.Size(100, 15) {
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
	h.onSave(func(r tokenstore.Record, do func() error) error {
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

// An admin who pastes many refresh tokens for one connection leaves one record.
func TestRefreshTokensThatAreAdoptedOneAfterAnotherLeaveNothingInTheStore(t *testing.T) {
	w := rotating(t)
	m := w.manager()
	paste := func(i int) {
		t.Helper()
		_, err := m.Adopt(t.Context(), mainKey, w.client(), oauthflow.NewSecret(fmt.Sprintf("5Aep861pasted%d", i)))
		wantKind(t, err, oauthflow.KindGrantDead)
	}
	count := func() (n int) {
		t.Helper()
		for _, err := range w.store.List(t.Context(), "adopted/", time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC)) {
			if err != nil {
				t.Fatal(err)
			}
			n++
		}
		return n
	}
	for i := range 20 {
		paste(i)
	}
	if n := count(); n != 1 {
		t.Errorf("%d tokens are remembered, want that of the connection alone", n)
	}
	if _, err := m.Adopt(t.Context(), mainKey, w.client(), w.inherited()); err != nil {
		t.Fatal(err)
	}
	if n := count(); n != 1 {
		t.Errorf("%d tokens are remembered, want that of the connection alone", n)
	}
	w.connect(m, mainKey) // by a login, in place of what was adopted
	if n := count(); n != 0 {
		t.Errorf("%d tokens are remembered after a login, want none", n)
	}
	_, err := m.Adopt(t.Context(), secondKey, w.client(), oauthflow.NewSecret("5Aep861pasted0")) // nobody has it any more
	wantKind(t, err, oauthflow.KindGrantDead)
}
