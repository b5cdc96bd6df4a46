package oauthflow_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

func TestTwoManagersOverOneStoreRefreshOnce(t *testing.T) {
	for round := range 50 {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, orgtest.Config{RotateRefreshTokens: true, RefreshTime: time.Duration(round) * 10 * time.Millisecond})
			h := &hooked{Store: w.store}
			h.onSave(func(_ tokenstore.Record, do func() error) error {
				time.Sleep(10 * time.Millisecond) // in which another manager looks at the same record
				return do()
			})
			w.store = h
			managers := []*oauthflow.Manager{w.manager(), w.manager(), w.manager()}
			w.connect(managers[0], mainKey)
			dead := w.token(managers[0].Source(mainKey))
			w.org.ExpireSessions()
			var all sync.WaitGroup
			for i := range 30 {
				all.Go(func() {
					time.Sleep(time.Duration(rand.IntN(20)) * time.Millisecond)
					tok, err := managers[i%3].Source(mainKey).Replace(t.Context(), dead)
					if err != nil || !w.alive(tok.AccessToken) {
						t.Errorf("round %d: %v", round, err)
					}
				})
			}
			all.Wait()
			if n := w.wire.refreshes(); n != 1 {
				t.Errorf("round %d: %d requests, want 1", round, n)
			}
		})
	}
}

func TestARequestIsTakenBackWhenItsLeaseEndsBeforeTheFirstByte(t *testing.T) {
	w := rotating(t)
	server, err := w.org.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	transport := server.Transport()
	dial := transport.DialTLSContext
	const lease = 100 * time.Millisecond
	transport.DialTLSContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		time.Sleep(2 * lease) // a process that is held up after it has won the right to send
		return dial(context.WithoutCancel(ctx), network, addr)
	}
	m := w.manager(func(c *oauthflow.ManagerConfig) {
		c.Flow = w.flow(transport)
		c.Timing = oauthflow.Timing{Lease: lease, Quiet: lease, Confirm: 20 * time.Millisecond}
	})
	w.connect(w.manager(), mainKey)
	s := m.Source(mainKey)
	dead := w.token(s)
	w.org.ExpireSessions()
	_, err = s.Replace(t.Context(), dead)
	wantKind(t, err, oauthflow.KindNotSent)
	w.wantEvents("refresh", "", 0)
	transport.DialTLSContext = dial
	other := w.manager()
	tok, err := other.Source(mainKey).Replace(t.Context(), dead)
	for kindOf(err) == oauthflow.KindBusy || kindOf(err) == oauthflow.KindNotSent {
		time.Sleep(50 * time.Millisecond)
		tok, err = other.Source(mainKey).Replace(t.Context(), dead)
	}
	if err != nil || !w.alive(tok.AccessToken) {
		t.Fatal(err)
	}
	w.wantEvents("refresh", "ok", 1)
}

func TestDisconnectDuringARefreshLeavesNoLiveToken(t *testing.T) {
	for _, rotate := range []bool{true, false} {
		for at := range 40 { // the moment of the disconnection, in steps through the refresh
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, orgtest.Config{RotateRefreshTokens: rotate, RefreshTime: 10 * time.Millisecond})
				h := &hooked{Store: w.store}
				w.store = h
				m, other := w.manager(), w.manager()
				w.connect(m, mainKey)
				dead := w.token(m.Source(mainKey))
				w.org.ExpireSessions()
				slow := func(d time.Duration) { time.Sleep(d * time.Millisecond) }
				h.onSave(func(_ tokenstore.Record, do func() error) error { slow(2); err := do(); slow(2); return err })
				issued := newCollector()
				w.wire.tap(func(*http.Request) error { slow(5); return nil }, func(r *http.Response) (*http.Response, error) {
					r, err := issued.collect(r)
					slow(10)
					return r, err
				})
				var all sync.WaitGroup
				all.Go(func() {
					if tok, err := m.Source(mainKey).Replace(t.Context(), dead); err == nil {
						issued.add(tok.AccessToken)
					}
				})
				slow(time.Duration(at))
				if err := other.Disconnect(t.Context(), mainKey); err != nil {
					t.Fatalf("at %d ms: %v", at, err)
				}
				all.Wait()
				time.Sleep(time.Minute)
				for _, access := range issued.tokens() {
					if w.alive(access) {
						t.Errorf("rotation %v, at %d ms: an access token outlives the disconnection", rotate, at)
					}
				}
				for _, refresh := range issued.refreshTokens() {
					if w.active(refresh) || !w.wire.revokes(refresh) {
						t.Errorf("rotation %v, at %d ms: a newer refresh token is not revoked", rotate, at)
					}
				}
				if live := w.liveApprovals(); len(live) != 0 {
					t.Errorf("rotation %v, at %d ms: the approvals %v are left", rotate, at, live)
				}
				if _, err := m.Load(t.Context(), mainKey); !errors.Is(err, tokenstore.ErrNotFound) {
					t.Errorf("rotation %v, at %d ms: the record is still there (%v)", rotate, at, err)
				}
				if tok, err := m.Source(mainKey).Replace(t.Context(), dead); err == nil {
					t.Errorf("at %d ms: %v is handed out after the disconnection", at, tok != nil)
				}
			})
		}
	}
}

func TestAuthorizingAnewDuringARefreshWins(t *testing.T) {
	for _, rotate := range []bool{true, false} {
		for at := range 40 {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, orgtest.Config{RotateRefreshTokens: rotate, RefreshTime: 10 * time.Millisecond})
				h := &hooked{Store: w.store}
				w.store = h
				m, other := w.manager(), w.manager()
				w.connect(m, mainKey)
				dead := w.token(m.Source(mainKey))
				w.org.ExpireSessions()
				again := w.begin(other, mainKey)
				slow := func(d time.Duration) { time.Sleep(d * time.Millisecond) }
				h.onSave(func(_ tokenstore.Record, do func() error) error { slow(2); err := do(); slow(2); return err })
				w.wire.tap(func(*http.Request) error { slow(5); return nil }, func(r *http.Response) (*http.Response, error) { slow(10); return r, nil })
				var all sync.WaitGroup
				all.Go(func() { _, _ = m.Source(mainKey).Replace(t.Context(), dead) })
				slow(time.Duration(at))
				if _, err := other.Complete(t.Context(), again); err != nil {
					t.Fatalf("at %d ms: %v", at, err)
				}
				all.Wait()
				time.Sleep(time.Minute)
				approvals := w.liveApprovals()
				if len(approvals) != 1 || approvals[0] != 2 {
					t.Errorf("rotation %v, at %d ms: the approvals %v are alive, want only the second", rotate, at, approvals)
				}
				access := w.token(w.manager().Source(mainKey))
				if !w.alive(access) {
					t.Errorf("rotation %v, at %d ms: the stored access token is dead", rotate, at)
				}
				w.org.ExpireSessions()
				tok, err := w.manager().Source(mainKey).Replace(t.Context(), access)
				if err != nil || !w.alive(tok.AccessToken) {
					t.Errorf("rotation %v, at %d ms: the new grant does not refresh: %v", rotate, at, err)
				}
				w.wantEvents("refresh", "reuse", 0)
			})
		}
	}
}

func TestAnotherOrgsLoginNeverOverwritesAConnection(t *testing.T) {
	w := rotating(t)
	m := w.manager()
	before := w.connect(m, mainKey)
	stranger := newWorld(t, orgtest.Config{RotateRefreshTokens: true})
	stranger.store, stranger.keys = w.store, w.keys
	foreign := stranger.manager()
	_, err := foreign.Complete(t.Context(), stranger.begin(foreign, mainKey))
	if !errors.Is(err, oauthflow.ErrOrgChanged) {
		t.Fatalf("got %v, want ErrOrgChanged", err)
	}
	after, err := m.Load(t.Context(), mainKey)
	if err != nil || after.OrgID != before.OrgID || after.Status != oauthflow.StatusActive {
		t.Errorf("the connection was touched: %+v, %v", after, err)
	}
	if access := w.token(w.manager().Source(mainKey)); !w.alive(access) {
		t.Error("the connection's token is dead")
	}
	if err := foreign.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if live := stranger.liveApprovals(); len(live) != 0 {
		t.Errorf("approvals %v that nobody holds are left in the other org", live)
	}
}

func TestARefreshAnsweredForAnotherOrgEndsTheConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		m := w.manager()
		before := w.connect(m, mainKey)
		s := m.Source(mainKey)
		dead := w.token(s)
		w.org.ExpireSessions()
		w.wire.tap(nil, replaceIn(before.OrgID[:15], "00DTESTelsewher"))
		_, err := s.Replace(t.Context(), dead)
		if !errors.Is(err, oauthflow.ErrOrgChanged) {
			t.Fatalf("got %v, want ErrOrgChanged", err)
		}
		after, err := m.Load(t.Context(), mainKey)
		if err != nil || after.OrgID != before.OrgID || after.Status != oauthflow.StatusBroken {
			t.Errorf("got %+v, %v; want the org of before, broken", after, err)
		}
		if _, err := s.Replace(t.Context(), dead); kindOf(err) != oauthflow.KindOrgChanged {
			t.Errorf("later: %v", err)
		}
		if n := w.wire.refreshes(); n != 1 {
			t.Errorf("%d requests, want 1", n)
		}
	})
}

func TestARefreshAnsweredForAnotherUserEndsTheConnectionAndIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		e := newEventLog()
		m := w.manager(e.observe)
		before := w.connect(m, mainKey)
		s := m.Source(mainKey)
		dead := w.token(s)
		w.org.ExpireSessions()
		w.wire.tap(nil, replaceIn(before.UserID[:15], "005TESTelsewher"))
		_, err := s.Replace(t.Context(), dead)
		var who *oauthflow.StrangerError
		if !errors.Is(err, oauthflow.ErrUserChanged) || !errors.As(err, &who) || who.UserID[:15] != "005TESTelsewher" || who.OrgID != before.OrgID {
			t.Fatalf("got %v, want ErrUserChanged and who has answered", err)
		}
		after, err := w.manager().Load(t.Context(), mainKey)
		if err != nil || after.UserID != before.UserID || after.IdentityURL != before.IdentityURL || after.Status != oauthflow.StatusBroken {
			t.Errorf("got %+v, %v; want the user of before, broken", after, err)
		}
		if !errors.Is(after.Fault, oauthflow.ErrUserChanged) {
			t.Errorf("the stored fault is %v, want ErrUserChanged", after.Fault)
		}
		for _, s := range []*oauthflow.Source{s, w.manager().Source(mainKey)} {
			tok, err := s.TokenContext(t.Context())
			if kindOf(err) != oauthflow.KindUserChanged {
				t.Errorf("later it hands out %v, %v", tok != nil, err)
			}
		}
		synctest.Wait()
		if n := e.count(oauthflow.EventUserChanged); n != 1 {
			t.Errorf("told %d times, want once", n)
		}
		if n := w.wire.refreshes(); n != 1 {
			t.Errorf("%d requests, want 1", n)
		}
	})
}

func TestALoginThatNamesTheNewOrgTakesTheConnectionsPlace(t *testing.T) {
	w := newWorld(t, orgtest.Config{Sandbox: true, MyDomain: "acme--uat"})
	m := w.manager()
	before := w.connect(m, mainKey)
	fresh := newWorld(t, orgtest.Config{Sandbox: true, MyDomain: "acme--uat"}) // the same sandbox, refreshed
	fresh.store, fresh.keys = w.store, w.keys
	fm := fresh.manager()
	_, err := fm.Complete(t.Context(), fresh.begin(fm, mainKey))
	var who *oauthflow.StrangerError
	if !errors.As(err, &who) || who.OrgID != fresh.org.ID() {
		t.Fatalf("got %v, want an error that names the new org", err)
	}
	redirect, err := fm.Begin(t.Context(), mainKey, fresh.client(), browser, oauthflow.AuthorizeOptions{ExpectOrg: who.OrgID})
	if err != nil {
		t.Fatal(err)
	}
	after, err := fm.Complete(t.Context(), fresh.approve(mainKey, redirect))
	if err != nil || after.OrgID == before.OrgID || after.OrgID != fresh.org.ID() {
		t.Fatalf("got org %s, %v", after.OrgID, err)
	}
	if !fresh.alive(fresh.token(fm.Source(mainKey))) {
		t.Error("its access token is dead")
	}
}
