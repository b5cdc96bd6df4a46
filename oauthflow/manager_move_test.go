package oauthflow_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

var targetKey = oauthflow.Key{Tenant: "acme", Name: "target"}

// interrupted is a store of which one call in a row fails: before it has an effect, or after it.
type interrupted struct {
	tokenstore.Store
	calls atomic.Int64
	at    int64
	acts  bool
}

func (f *interrupted) fails() bool { return f.calls.Add(1) == f.at }

func (f *interrupted) Load(ctx context.Context, id string) (tokenstore.Record, error) {
	if f.fails() {
		return tokenstore.Record{}, errStoreDown
	}
	return f.Store.Load(ctx, id)
}

func (f *interrupted) Save(ctx context.Context, r tokenstore.Record) error {
	if !f.fails() {
		return f.Store.Save(ctx, r)
	}
	if f.acts {
		_ = f.Store.Save(ctx, r)
	}
	return errStoreDown
}

func (f *interrupted) Delete(ctx context.Context, id string, version uint64) error {
	if !f.fails() {
		return f.Store.Delete(ctx, id, version)
	}
	if f.acts {
		_ = f.Store.Delete(ctx, id, version)
	}
	return errStoreDown
}

func TestAMoveThatIsInterruptedAtAnyStoreCallIsTakenUpAgain(t *testing.T) {
	for _, acts := range []bool{false, true} {
		for _, occupied := range []bool{false, true} {
			t.Run(fmt.Sprintf("the call acts %v, the target is occupied %v", acts, occupied), func(t *testing.T) {
				for k, hit := int64(1), true; hit; k++ {
					synctest.Test(t, func(t *testing.T) { hit = interruptedMove(t, k, acts, occupied) })
				}
			})
		}
	}
}

// interruptedMove has the k-th store call of a move fail, and reports whether there was one.
func interruptedMove(t *testing.T, k int64, acts, occupied bool) bool {
	w := rotating(t)
	m := w.manager()
	w.connect(m, mainKey)
	if occupied {
		w.connect(m, targetKey)
	}
	broken := &interrupted{Store: w.store, at: k, acts: acts}
	mover := w.manager(func(c *oauthflow.ManagerConfig) { c.Store = broken })
	err := mover.Move(t.Context(), mainKey, targetKey)
	if err != nil && kindOf(err) != oauthflow.KindStore {
		t.Errorf("store call %d fails: %v", k, err)
	}
	if occupied { // a caller with the second key sees no gap
		if tok, err := m.Source(targetKey).TokenContext(t.Context()); err != nil || tok.AccessToken == "" {
			t.Errorf("store call %d fails: a caller of the target: %v", k, err)
		}
	}
	for range 2 { // the same call again, and once more
		if err := w.manager().Move(t.Context(), mainKey, targetKey); err != nil {
			t.Errorf("store call %d failed, then: %v", k, err)
		}
	}
	synctest.Wait()
	time.Sleep(time.Minute)
	if err := m.Renew(t.Context(), targetKey); err != nil || !w.alive(w.token(m.Source(targetKey))) {
		t.Errorf("store call %d failed, afterwards: %v", k, err)
	}
	if _, err := m.Source(mainKey).TokenContext(t.Context()); kindOf(err) != oauthflow.KindNotConnected {
		t.Errorf("store call %d failed, afterwards the first key: %v", k, err)
	}
	if live := w.liveApprovals(); len(live) != 1 {
		t.Errorf("store call %d failed, afterwards approvals %v are alive, want the moved one", k, live)
	}
	w.wantEvents("refresh", "reuse", 0)
	return broken.calls.Load() >= k
}

func TestCallersOfTheTargetSeeNoGapWhileAConnectionMovesThere(t *testing.T) {
	for round := range 5 {
		w := rotating(t)
		managers := []*oauthflow.Manager{w.manager(), w.manager()}
		w.connect(managers[0], mainKey)
		w.connect(managers[1], targetKey)
		ctx, stop := context.WithCancel(t.Context())
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() {
				client := &http.Client{Transport: managers[i%2].Source(targetKey).Transport(w.org.RoundTripper())}
				for ctx.Err() == nil {
					resp, err := client.Get(w.org.InstanceURL() + "/services/data/v66.0/limits")
					if err != nil {
						t.Errorf("round %d: %v", round, err)
						return
					}
					resp.Body.Close()
					if resp.StatusCode == http.StatusUnauthorized {
						t.Errorf("round %d: a call was refused", round)
						return
					}
				}
			})
		}
		if err := managers[round%2].Move(t.Context(), mainKey, targetKey); err != nil {
			t.Error(err)
		}
		time.Sleep(20 * time.Millisecond)
		stop()
		all.Wait()
		w.wantEvents("refresh", "reuse", 0)
	}
}

func TestARefreshUnderTheFirstKeyIsNotLostByAMove(t *testing.T) {
	for _, late := range []time.Duration{time.Second, 12 * time.Second, 30 * time.Second, 100 * time.Second} {
		for _, rotate := range []bool{true, false} {
			t.Run(fmt.Sprintf("answer after %v, rotation %v", late, rotate), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t, orgtest.Config{RotateRefreshTokens: rotate})
					slow, mover := w.manager(), w.manager()
					w.connect(slow, mainKey)
					s := slow.Source(mainKey)
					dead := w.token(s)
					w.org.ExpireSessions()
					w.wire.tap(nil, slowly(late))
					done := make(chan error, 1)
					go func() { _, err := s.Replace(t.Context(), dead); done <- err }()
					time.Sleep(500 * time.Millisecond)
					for {
						err := mover.Move(t.Context(), mainKey, targetKey)
						if err == nil {
							break
						}
						t.Logf("Move: %v", err)
						time.Sleep(time.Second)
					}
					<-done
					w.wire.tap(nil, nil)
					time.Sleep(5 * time.Minute)
					target := mover.Source(targetKey)
					if err := mover.Renew(t.Context(), targetKey); err != nil || !w.alive(w.token(target)) {
						t.Errorf("the moved connection: %v", err)
					}
					w.wantEvents("refresh", "reuse", 0)
				})
			})
		}
	}
}

func TestAMoveNeverOverwritesAnotherOrgsConnection(t *testing.T) {
	w := rotating(t)
	m := w.manager()
	w.connect(m, mainKey)
	rival := newWorld(t, orgtest.Config{MyDomain: "rival"})
	rival.store, rival.keys = w.store, w.keys
	theirs := rival.manager()
	rival.connect(theirs, targetKey)
	if err := m.Move(t.Context(), mainKey, targetKey); !errors.Is(err, oauthflow.ErrOrgChanged) {
		t.Fatalf("got %v, want ErrOrgChanged", err)
	}
	if c, err := theirs.Load(t.Context(), targetKey); err != nil || c.OrgID != rival.org.ID() {
		t.Errorf("the target: %v, %v", c.OrgID, err)
	}
	if !rival.alive(rival.token(theirs.Source(targetKey))) {
		t.Error("the target's token was revoked")
	}
}

func TestAMoveThatMakesNoSenseIsRefused(t *testing.T) {
	w := rotating(t)
	m := w.manager()
	w.connect(m, mainKey)
	none := oauthflow.Key{Tenant: "acme", Name: "none"}
	wantKind(t, m.Move(t.Context(), mainKey, mainKey), oauthflow.KindInvalid)
	wantKind(t, m.Move(t.Context(), oauthflow.Key{}, mainKey), oauthflow.KindInvalid)
	wantKind(t, m.Move(t.Context(), none, targetKey), oauthflow.KindNotConnected)
	wantKind(t, m.Move(t.Context(), none, mainKey), oauthflow.KindNotConnected)
	if err := m.Move(t.Context(), mainKey, targetKey); err != nil {
		t.Fatal(err)
	}
	wantKind(t, m.Move(t.Context(), mainKey, none), oauthflow.KindNotConnected)
	if err := m.Move(t.Context(), targetKey, mainKey); err != nil { // and back
		t.Fatal(err)
	}
	if !w.alive(w.token(m.Source(mainKey))) {
		t.Error("the connection that was moved there and back does not work")
	}
	if n := w.wire.refreshes(); n != 0 {
		t.Errorf("%d refreshes, want 0", n)
	}
}

func TestAMoveThatLagsBehindBringsNothingBackThatWasDisconnected(t *testing.T) {
	for _, occupied := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			w := rotating(t)
			other := w.manager()
			w.connect(other, mainKey)
			if occupied {
				w.connect(other, targetKey)
			}
			h := &hooked{Store: w.store}
			mover := w.manager(func(c *oauthflow.ManagerConfig) { c.Store = h })
			h.onSave(func(r tokenstore.Record, do func() error) error {
				if r.ID == "connection/acme/target" {
					h.onSave(nil)
					for _, k := range []oauthflow.Key{mainKey, targetKey} {
						if err := other.Disconnect(t.Context(), k); err != nil {
							t.Error(err)
						}
					}
				}
				return do()
			})
			if err := mover.Move(t.Context(), mainKey, targetKey); err != nil && kindOf(err) != oauthflow.KindNotConnected {
				t.Error(err)
			}
			time.Sleep(time.Minute)
			for _, k := range []oauthflow.Key{mainKey, targetKey} {
				if _, err := w.manager().Load(t.Context(), k); kindOf(err) != oauthflow.KindNotConnected {
					t.Errorf("occupied %v: %v is there, %v", occupied, k, err)
				}
			}
			if live := w.liveApprovals(); len(live) != 0 {
				t.Errorf("occupied %v: the approvals %v are alive", occupied, live)
			}
		})
	}
}

func TestDisconnectingAHalfMovedConnectionEndsWhileTheStoreCannotBeWritten(t *testing.T) {
	w := rotating(t)
	h := &hooked{Store: w.store}
	m := w.manager(func(c *oauthflow.ManagerConfig) { c.Store = h })
	w.connect(m, mainKey)
	rival := newWorld(t, orgtest.Config{MyDomain: "rival"})
	rival.store, rival.keys = w.store, w.keys
	h.onSave(func(_ tokenstore.Record, do func() error) error {
		err := do() // it is marked as moved, and another org comes to where it goes
		h.onSave(func(tokenstore.Record, func() error) error { return errStoreDown })
		rival.connect(rival.manager(), targetKey)
		return err
	})
	if err := m.Move(t.Context(), mainKey, targetKey); err == nil {
		t.Fatal("it was moved over another org's connection")
	}
	ended := make(chan error, 1)
	go func() { ended <- m.Disconnect(t.Context(), mainKey) }()
	select {
	case err := <-ended:
		wantKindOnly(t, err, oauthflow.KindStore)
	case <-time.After(20 * time.Second):
		t.Error("Disconnect asks the store without end")
	}
	h.onSave(nil)
	if err := m.Disconnect(t.Context(), mainKey); err != nil {
		t.Errorf("when the store is back: %v", err)
	}
	if c, err := m.Load(t.Context(), targetKey); err != nil || c.OrgID != rival.org.ID() {
		t.Errorf("the other org's connection: %v, %v", c.OrgID, err)
	}
}

// A request that Salesforce has kept for long is answered at last, when another process has been refused for its own
// address, and has moved the connection.
func TestAnAnswerThatComesAfterAMoveIsTheMovedConnections(t *testing.T) {
	for _, half := range []bool{false, true} {
		t.Run(fmt.Sprintf("half moved %v", half), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := rotating(t)
				slow := w.manager()
				w.connect(slow, mainKey)
				h := &hooked{Store: w.store}
				mover := w.manager(func(c *oauthflow.ManagerConfig) {
					c.Store = h
					c.Flow = w.flow(carrier(func(r *http.Request) (*http.Response, error) {
						if r.URL.Path == tokenEndpoint {
							return answered(http.StatusBadRequest, `{"error":"invalid_grant","error_description":"ip restricted"}`), nil
						}
						return w.org.RoundTripper().RoundTrip(r)
					}))
				})
				dead := w.token(slow.Source(mainKey))
				w.org.ExpireSessions()
				kept := make(chan struct{})
				w.wire.tap(func(*http.Request) error { <-kept; return nil }, nil)
				ended := make(chan error, 1)
				go func() { _, err := slow.Source(mainKey).Replace(t.Context(), dead); ended <- err }()
				time.Sleep(time.Second)
				_, err := mover.Source(mainKey).Replace(t.Context(), dead)
				wantKind(t, err, oauthflow.KindIPRestricted)
				saves := 0
				h.onSave(func(r tokenstore.Record, do func() error) error {
					if saves++; half && saves == 3 { // it is marked and copied
						close(kept)
						time.Sleep(3 * time.Second)
					}
					return do()
				})
				if err := mover.Move(t.Context(), mainKey, targetKey); err != nil {
					t.Error(err)
				}
				if !half {
					close(kept)
				}
				if err := <-ended; err != nil {
					t.Errorf("the caller who has waited: %v", err)
				}
				w.wire.tap(nil, nil)
				time.Sleep(10 * time.Minute)
				fresh := w.manager()
				if err := fresh.Renew(t.Context(), targetKey); err != nil || !w.alive(w.token(fresh.Source(targetKey))) {
					t.Errorf("the moved connection: %v", err)
				}
				w.wantEvents("refresh", "reuse", 0)
			})
		})
	}
}
