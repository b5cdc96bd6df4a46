package oauthflow_test

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/internal/needs"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// stampede has n callers replace the same dead token at once and returns the tokens they got.
func stampede(t *testing.T, s *oauthflow.Source, dead string, n int) map[string]int {
	t.Helper()
	var mu sync.Mutex
	got := map[string]int{}
	var all sync.WaitGroup
	start := make(chan struct{})
	for range n {
		all.Go(func() {
			<-start
			tok, err := s.Replace(t.Context(), dead)
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			got[tok.AccessToken]++
			mu.Unlock()
		})
	}
	close(start)
	all.Wait()
	return got
}

func TestAThousandCallersOfOneExpiredConnectionMakeOneRequest(t *testing.T) {
	w := newWorld(t, orgtest.Config{RotateRefreshTokens: true, RefreshTime: 20 * time.Millisecond})
	m := w.manager()
	w.connect(m, mainKey)
	dead := w.token(m.Source(mainKey))
	w.org.ExpireSessions()
	got := stampede(t, m.Source(mainKey), dead, 1000)
	if len(got) != 1 || got[dead] != 0 {
		t.Errorf("the callers got %d tokens (the dead one %d times), want one fresh one", len(got), got[dead])
	}
	if n := w.wire.refreshes(); n != 1 {
		t.Errorf("%d requests, want exactly 1", n)
	}
	w.wantEvents("refresh", "ok", 1)
}

func TestAThousandCallersInVirtualTimeMakeOneRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, orgtest.Config{RotateRefreshTokens: true, RefreshTime: time.Second})
		m := w.manager()
		w.connect(m, mainKey)
		dead := w.token(m.Source(mainKey))
		w.org.ExpireSessions()
		began := time.Now()
		if got := stampede(t, m.Source(mainKey), dead, 1000); len(got) != 1 || w.wire.refreshes() != 1 {
			t.Errorf("%d tokens after %d requests, want one and 1", len(got), w.wire.refreshes())
		}
		if took := time.Since(began); took != time.Second {
			t.Errorf("the callers waited %v, want the one second that the org takes", took)
		}
	})
}

func TestManyStaleTokensCauseOneRefresh(t *testing.T) {
	w := rotating(t)
	m := w.manager()
	w.connect(m, mainKey)
	s := m.Source(mainKey)
	first := w.token(s)
	w.org.ExpireSessions()
	second, err := s.Replace(t.Context(), first)
	if err != nil {
		t.Fatal(err)
	}
	for range 100 { // callers that come late with what they were refused
		tok, err := s.Replace(t.Context(), first)
		if err != nil || tok.AccessToken != second.AccessToken {
			t.Fatalf("a late caller got another token (%v)", err)
		}
	}
	if n := w.wire.refreshes(); n != 1 {
		t.Errorf("%d requests, want 1", n)
	}
}

func TestTheSameAccessTokenAgainIsASuccess(t *testing.T) {
	w := newWorld(t, orgtest.Config{RotateRefreshTokens: true, SameToken: true})
	m := w.manager()
	w.connect(m, mainKey)
	s := m.Source(mainKey)
	tok := w.token(s)
	again, err := s.Replace(t.Context(), tok)
	if err != nil || again.AccessToken != tok {
		t.Errorf("got another token (error %v), want the same one again", err)
	}
	w.wantEvents("refresh", "ok", 1)
}

func TestAWaiterLeavesOnItsOwnContextAndTheRefreshLivesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, orgtest.Config{RotateRefreshTokens: true, RefreshTime: 3 * time.Second})
		m := w.manager()
		w.connect(m, mainKey)
		s := m.Source(mainKey)
		dead := w.token(s)
		w.org.ExpireSessions()
		var all sync.WaitGroup
		for i := range 64 {
			all.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i+1)*10*time.Millisecond)
				defer cancel()
				began := time.Now()
				_, err := s.Replace(ctx, dead)
				if !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("waiter %d: %v, want its own deadline", i, err)
				}
				if late := time.Since(began) - time.Duration(i+1)*10*time.Millisecond; late > 5*time.Millisecond {
					t.Errorf("waiter %d left %v after its deadline", i, late)
				}
			})
		}
		all.Wait()
		time.Sleep(3 * time.Second)
		if n := w.wire.refreshes(); n != 1 {
			t.Errorf("%d requests, want 1", n)
		}
		fresh := w.token(w.manager().Source(mainKey)) // by another manager: from the store
		if fresh == dead || !w.alive(fresh) || w.wire.refreshes() != 1 {
			t.Error("what the abandoned refresh brought is not in the store")
		}
	})
}

func TestWaitersInRealTimeLeaveWithinFiveMilliseconds(t *testing.T) {
	needs.Patience(t)
	w := rotating(t)
	release := make(chan struct{})
	m := w.manager()
	w.connect(m, mainKey)
	s := m.Source(mainKey)
	dead := w.token(s)
	w.org.ExpireSessions()
	w.wire.tap(func(*http.Request) error { <-release; return nil }, nil)
	var late []time.Duration
	for range 20 {
		ctx, cancel := context.WithCancel(t.Context())
		left := make(chan time.Time, 1)
		go func() { _, _ = s.Replace(ctx, dead); left <- time.Now() }()
		time.Sleep(2 * time.Millisecond)
		began := time.Now()
		cancel()
		late = append(late, (<-left).Sub(began))
	}
	close(release)
	over := 0
	for _, d := range late {
		if d > 5*time.Millisecond {
			over++
		}
	}
	if over > 2 { // a loaded machine may hold one up
		t.Errorf("%d of 20 waiters left more than 5 ms after they were cancelled: %v", over, late)
	}
}

func TestIntentComesBeforeTheRequestAndTheResultBeforeItsUse(t *testing.T) {
	w := rotating(t)
	var mu sync.Mutex
	var order []string
	note := func(what string) { mu.Lock(); order = append(order, what); mu.Unlock() }
	h := &hooked{Store: w.store}
	w.store = h
	m := w.manager()
	w.connect(m, mainKey)
	s := m.Source(mainKey)
	dead := w.token(s)
	w.org.ExpireSessions()
	h.onSave(func(r tokenstore.Record, do func() error) error {
		err := do()
		if isConnection(r.ID) {
			note("save")
		}
		return err
	})
	w.wire.tap(func(*http.Request) error { note("send"); return nil },
		func(r *http.Response) (*http.Response, error) { note("answer"); return r, nil })
	if _, err := s.Replace(t.Context(), dead); err != nil {
		t.Fatal(err)
	}
	note("use")
	want := "save send answer save use"
	if got := join(order); got != want {
		t.Errorf("the order was %q, want %q", got, want)
	}
}

func TestASaveThatWasDoneButReportedAFailureIsRecognized(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		h := &hooked{Store: w.store}
		w.store = h
		m := w.manager()
		w.connect(m, mainKey)
		s := m.Source(mainKey)
		for round := range 6 {
			dead := w.token(s)
			time.Sleep(2 * time.Hour) // the session ends by itself
			saves := 0
			h.onSave(func(_ tokenstore.Record, do func() error) error {
				saves++
				if err := do(); err != nil {
					return err
				}
				if saves == round%2+1 { // the intent's, then the result's
					return errStoreDown
				}
				return nil
			})
			tok, err := s.Replace(t.Context(), dead)
			if err != nil || !w.alive(tok.AccessToken) {
				t.Fatalf("round %d: %v", round, err)
			}
		}
		w.wantEvents("refresh", "ok", 6)
		w.wantEvents("refresh", "reuse", 0)
		if n := w.wire.refreshes(); n != 6 {
			t.Errorf("%d requests, want 6", n)
		}
	})
}

func TestWithoutAWritableStoreNothingIsSent(t *testing.T) {
	w := rotating(t)
	h := &hooked{Store: w.store}
	w.store = h
	m := w.manager()
	w.connect(m, mainKey)
	s := m.Source(mainKey)
	dead := w.token(s)
	w.org.ExpireSessions()
	h.onSave(func(tokenstore.Record, func() error) error { return errStoreDown })
	for range 20 {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		_, err := s.Replace(ctx, dead)
		cancel()
		wantKind(t, err, oauthflow.KindStore)
		if !errors.Is(err, errStoreDown) {
			t.Fatalf("%v hides the store's error", err)
		}
	}
	if n := w.wire.refreshes(); n != 0 {
		t.Errorf("%d requests, want 0", n)
	}
	h.onSave(nil)
	if tok, err := s.Replace(t.Context(), dead); err != nil || !w.alive(tok.AccessToken) {
		t.Errorf("after the store came back: %v", err)
	}
	w.wantEvents("refresh", "ok", 1)
}

func TestWhatIsStillValidIsServedWhileTheStoreCannotBeRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		h := &hooked{Store: w.store}
		w.store = h
		m := w.manager()
		w.connect(m, mainKey)
		s := m.Source(mainKey)
		good := w.token(s)
		h.onLoad(func(string) error { return errStoreDown })
		for range 60 { // an hour, far beyond what is handed out without asking
			time.Sleep(time.Minute)
			tok, err := s.TokenContext(t.Context())
			if err != nil || tok.AccessToken != good {
				t.Fatalf("%v, want the token of before", err)
			}
			if left := time.Until(tok.Expiry); left < 20*time.Second || left > time.Minute {
				t.Fatalf("Expiry is %v ahead, want at most a minute and enough for caches", left)
			}
		}
		_, err := s.Replace(t.Context(), good) // refused by Salesforce, and no store: nothing can be done
		wantKind(t, err, oauthflow.KindStore)
		if n := w.wire.refreshes(); n != 0 {
			t.Errorf("%d requests, want 0", n)
		}
	})
}

func TestADeadGrantCostsOneRequestInTotal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		first, second := w.manager(), w.manager() // two processes over one store
		w.connect(first, mainKey)
		dead := w.token(first.Source(mainKey))
		if err := w.org.RevokeAll(appName); err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		for i := range 64 {
			all.Go(func() {
				s := []*oauthflow.Source{first.Source(mainKey), second.Source(mainKey)}[i%2]
				for range 20 {
					_, err := s.Replace(t.Context(), dead)
					if e := wantKindOnly(t, err, oauthflow.KindGrantDead); e != nil && e.Description != "expired access/refresh token" {
						t.Errorf("Salesforce's words are missing: %v", e)
					}
					time.Sleep(30 * time.Second)
				}
			})
		}
		all.Wait()
		if _, err := first.Source(mainKey).TokenContext(t.Context()); kindOf(err) != oauthflow.KindGrantDead {
			t.Errorf("Token of a dead grant: %v", err)
		}
		if n := w.wire.refreshes(); n != 1 {
			t.Errorf("%d requests in ten minutes, want 1 in total", n)
		}
		c, err := second.Load(t.Context(), mainKey)
		if err != nil || c.Status != oauthflow.StatusBroken || c.Fault == nil {
			t.Errorf("Load: %+v, %v; want a broken connection with its fault", c, err)
		}
	})
}

func TestAnUnknownRefusalIsNeverTakenForTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		m := w.manager()
		w.connect(m, mainKey)
		s := m.Source(mainKey)
		dead := w.token(s)
		w.org.ExpireSessions()
		if err := w.org.Inject(orgtest.Fault{Path: tokenEndpoint, Times: 3, Status: 400,
			Body: `{"error":"invalid_grant","error_description":"something nobody has seen before"}`}); err != nil {
			t.Fatal(err)
		}
		_, err := s.Replace(t.Context(), dead)
		e := wantKind(t, err, oauthflow.KindUnknownAnswer)
		if e.RetryAfter <= 0 {
			t.Error("the error does not say when to come back")
		}
		for began := time.Now(); time.Since(began) < time.Hour; time.Sleep(time.Second) {
			if tok, err := s.Replace(t.Context(), dead); err == nil {
				if !w.alive(tok.AccessToken) || w.wire.refreshes() != 4 {
					t.Errorf("%d requests, want 4", w.wire.refreshes())
				}
				return
			}
		}
		t.Error("the connection did not heal within an hour")
	})
}

// wantKindOnly is wantKind for other goroutines than the test's.
func wantKindOnly(t *testing.T, err error, kind oauthflow.ErrorKind) *oauthflow.Error {
	t.Helper()
	var e *oauthflow.Error
	if !errors.As(err, &e) || e.Kind != kind {
		t.Errorf("got %v, want kind %q", err, kind)
		return nil
	}
	return e
}

func TestNobodySeesATokenBeforeItIsSaved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		h := &hooked{Store: w.store}
		w.store = h
		m := w.manager()
		w.connect(m, mainKey)
		s := m.Source(mainKey)
		dead := w.token(s)
		w.org.ExpireSessions()
		down, saves := true, 0
		h.onSave(func(r tokenstore.Record, do func() error) error {
			h.mu.Lock()
			saves++
			refuse := saves > 1 && down // the intent is stored, the result is not
			h.mu.Unlock()
			if refuse {
				return errStoreDown
			}
			return do()
		})
		type result struct {
			access string
			err    error
		}
		got := make(chan result, 1)
		go func() {
			tok, err := s.Replace(t.Context(), dead)
			if err != nil {
				got <- result{err: err}
				return
			}
			got <- result{access: tok.AccessToken}
		}()
		time.Sleep(time.Minute)
		select {
		case r := <-got:
			t.Fatalf("a caller got an answer (error %v) before anything was stored", r.err)
		default:
		}
		if n := w.wire.refreshes(); n != 1 {
			t.Fatalf("%d requests while the result waits to be stored, want 1", n)
		}
		h.mu.Lock()
		down = false
		h.mu.Unlock()
		r := <-got
		if r.err != nil || !w.alive(r.access) {
			t.Fatalf("after the store came back: %v", r.err)
		}
		if stored := w.token(w.manager().Source(mainKey)); stored != r.access || w.wire.refreshes() != 1 {
			t.Error("what was handed out is not what is stored")
		}
		w.wantEvents("refresh", "reuse", 0)
	})
}
