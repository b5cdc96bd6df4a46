package oauthflow_test

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

// loseNextAnswer lets the org act on the next token request and break the connection.
func (w *world) loseNextAnswer() {
	w.t.Helper()
	if err := w.org.Inject(orgtest.Fault{Path: tokenEndpoint, Drop: orgtest.DropAfter}); err != nil {
		w.t.Fatal(err)
	}
}

// Nobody needs what a renewal is for, so that nothing may be risked for it.
func TestARenewalWhoseAnswerIsLostNeverEndsALivingSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		m := w.manager()
		w.connect(m, mainKey)
		s := m.Source(mainKey)
		old := w.token(s)
		w.loseNextAnswer()
		wantKind(t, m.Renew(t.Context(), mainKey), oauthflow.KindInDoubt)
		for began := time.Now(); time.Since(began) < 30*time.Minute; time.Sleep(time.Minute) {
			for _, s := range []*oauthflow.Source{s, w.manager().Source(mainKey)} {
				if tok, err := s.TokenContext(t.Context()); err != nil || tok.AccessToken != old || !w.alive(old) {
					t.Fatalf("after %v: %v; the session lives: %v", time.Since(began), err, w.alive(old))
				}
			}
		}
		if n := w.wire.refreshes(); n != 1 {
			t.Errorf("%d requests while the session lived, want 1", n)
		}
		w.wantEvents("refresh", "reuse", 0)
		w.org.ExpireSessions() // nothing is left to lose
		_, err := s.Replace(t.Context(), old)
		wantKind(t, err, oauthflow.KindGrantDead)
		if n := w.wire.refreshes(); n != 2 {
			t.Errorf("%d requests, want one last try", n)
		}
	})
}

func TestAKeepAliveWhoseAnswerIsLostNeverEndsAConnectionInUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		m := w.manager()
		w.connect(m, mainKey)
		s := m.Source(mainKey)
		w.loseNextAnswer()
		ctx, cancel := context.WithTimeout(t.Context(), 28*day)
		defer cancel()
		go func() { _ = m.KeepAlive(ctx) }()
		for ctx.Err() == nil {
			time.Sleep(time.Hour) // in use: Salesforce prolongs the session
			if tok, err := s.TokenContext(t.Context()); err != nil || !w.alive(tok.AccessToken) {
				t.Fatalf("on %v: %v", time.Now(), err)
			}
		}
		if n := w.wire.refreshes(); n != 1 {
			t.Errorf("%d requests, want the one whose answer is lost", n)
		}
		w.wantEvents("refresh", "reuse", 0)
	})
}

func TestASlowRenewalKeepsNobodyFromTheTokenThatThereIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		m := w.manager()
		w.connect(w.manager(), mainKey)
		s := m.Source(mainKey)
		w.wire.tap(nil, slowly(100*time.Second))
		done := make(chan error, 1)
		go func() { done <- m.Renew(t.Context(), mainKey) }()
		for _, at := range []time.Duration{time.Second, 40 * time.Second} {
			time.Sleep(at)
			began := time.Now()
			tok, err := s.TokenContext(t.Context())
			if err != nil || !w.alive(tok.AccessToken) || time.Since(began) > 0 {
				t.Errorf("%v into the renewal: %v after %v", at, err, time.Since(began))
			}
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
		if tok, err := s.TokenContext(t.Context()); err != nil || !w.alive(tok.AccessToken) {
			t.Errorf("afterwards: %v", err)
		}
	})
}

func TestWhoComesBeforeARenewalHasLookedIntoTheStoreIsServedToo(t *testing.T) {
	for name, spoil := range map[string]func(*world){
		"and its answer is slow": func(w *world) { w.wire.tap(nil, slowly(100*time.Second)) },
		"and its answer is lost": (*world).loseNextAnswer,
		"and nothing is sent":    func(w *world) { w.wire.tap(func(*http.Request) error { return errCut }, nil) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := rotating(t)
				w.connect(w.manager(), mainKey)
				h := &hooked{Store: w.store}
				h.onLoad(func(string) error { time.Sleep(time.Second); return nil })
				w.store = h
				m := w.manager()
				spoil(w)
				go func() { _ = m.Renew(t.Context(), mainKey) }()
				time.Sleep(1500 * time.Millisecond) // Renew has looked, its flight has not
				ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
				defer cancel()
				began := time.Now()
				tok, err := m.Source(mainKey).TokenContext(ctx)
				if took := time.Since(began); err != nil || !w.alive(tok.AccessToken) || took > 5*time.Second {
					t.Errorf("after %v: %v, want the token that lives, at once", took, err)
				}
			})
		})
	}
}

func TestARejectedTokenIsNotServedBecauseItIsBeingRenewed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		m := w.manager()
		w.connect(m, mainKey)
		s := m.Source(mainKey)
		dead := w.token(s)
		w.wire.tap(nil, slowly(60*time.Second))
		go func() { _ = m.Renew(t.Context(), mainKey) }()
		time.Sleep(10 * time.Second)
		w.org.ExpireSessions()
		go func() { _, _ = s.Replace(t.Context(), dead) }()
		time.Sleep(time.Second)
		if tok, err := s.TokenContext(t.Context()); err != nil || tok.AccessToken == dead {
			t.Errorf("handed out the rejected token, or %v", err)
		}
		if n := w.wire.refreshes(); n != 1 {
			t.Errorf("%d requests, want 1", n)
		}
	})
}

func TestWhoseTokenIsRejectedDuringARenewalIsToldTheOutcome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		m := w.manager()
		w.connect(m, mainKey)
		s := m.Source(mainKey)
		dead := w.token(s)
		w.loseNextAnswer()
		go func() { _ = m.Renew(t.Context(), mainKey) }()
		time.Sleep(time.Second) // it is in doubt
		w.org.ExpireSessions()
		_, err := s.Replace(t.Context(), dead)
		wantKind(t, err, oauthflow.KindGrantDead)
	})
}
