package oauthflow_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/internal/needs"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

func TestCloseWaitsUntilTheRefreshUnderWayIsStored(t *testing.T) {
	for round := range 50 {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, orgtest.Config{RotateRefreshTokens: true, RefreshTime: 20 * time.Millisecond})
			h := &hooked{Store: w.store}
			w.store = h
			m := w.manager()
			w.connect(m, mainKey)
			s := m.Source(mainKey)
			dead := w.token(s)
			w.org.ExpireSessions()
			h.onSave(func(_ tokenstore.Record, do func() error) error {
				time.Sleep(5 * time.Millisecond)
				err := do()
				time.Sleep(5 * time.Millisecond)
				return err
			})
			go func() { _, _ = s.Replace(t.Context(), dead) }()
			time.Sleep(time.Duration(round) * time.Millisecond)
			began := time.Now()
			if err := m.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(began); took > 140*time.Millisecond {
				t.Errorf("closing at %d ms took %v, want the round trip and at most 100 ms", round, took)
			}
			h.onSave(nil)
			next := w.manager() // the process that takes over
			tok, err := next.Source(mainKey).Replace(t.Context(), dead)
			if err != nil || !w.alive(tok.AccessToken) {
				t.Errorf("closing at %d ms lost the connection: %v", round, err)
			}
			w.wantEvents("refresh", "reuse", 0)
			if n := w.events("refresh", "ok"); n != 1 {
				t.Errorf("closing at %d ms: %d refreshes, want 1", round, n)
			}
			if _, err := s.Replace(t.Context(), tok.AccessToken); !errors.Is(err, oauthflow.ErrClosed) {
				t.Errorf("after Close: %v, want ErrClosed", err)
			}
		})
	}
}

func TestCloseDoesNotWaitForADoubtToBeResolved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		m := w.manager()
		w.connect(m, mainKey)
		s := m.Source(mainKey)
		dead := w.token(s)
		w.org.ExpireSessions()
		if err := w.org.Inject(orgtest.Fault{Path: tokenEndpoint, Status: 500, Times: -1}); err != nil {
			t.Fatal(err)
		}
		waiter := make(chan error, 1)
		go func() { _, err := s.Replace(t.Context(), dead); waiter <- err }()
		time.Sleep(time.Second)
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if err := m.Close(ctx); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took > time.Second {
			t.Errorf("Close took %v although nothing was being sent", took)
		}
		if err := <-waiter; err == nil {
			t.Error("the waiter got a token out of nothing")
		}
	})
}

func TestCloseGivesUpWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		m := w.manager()
		w.connect(m, mainKey)
		s := m.Source(mainKey)
		dead := w.token(s)
		w.wire.tap(nil, func(r *http.Response) (*http.Response, error) { time.Sleep(time.Minute); return r, nil })
		go func() { _, _ = s.Replace(t.Context(), dead) }()
		time.Sleep(time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		began := time.Now()
		if err := m.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want the context's error", err)
		}
		if took := time.Since(began); took > time.Second {
			t.Errorf("Close took %v, want its 100 ms", took)
		}
		time.Sleep(5 * time.Minute) // what was abandoned ends without harm
	})
}

func TestAnObserverThatNeverReturnsHoldsUpCloseForSecondsOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		never := make(chan struct{})
		defer close(never)
		w := rotating(t)
		m := w.manager(func(c *oauthflow.ManagerConfig) { c.Observe = func(oauthflow.Event) { <-never } })
		w.connect(m, mainKey)
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		began := time.Now()
		if err := m.Close(ctx); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("Close took %v", took)
		}
		if !w.alive(w.token(w.manager().Source(mainKey))) {
			t.Error("the connection was not stored")
		}
	})
}

// A line is written before the call goes on: none waits, and none can be pushed out by another tenant's.
func TestEveryLineIsWrittenBeforeTheCallThatItIsAboutReturns(t *testing.T) {
	w := rotating(t)
	w.connect(w.manager(), mainKey)
	const many = 500
	for i := range many {
		r := tokenstore.Record{ID: fmt.Sprintf("connection/%s/c%d", rival, i), Due: time.Now(), Data: []byte("sealed elsewhere")}
		if err := w.store.Save(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	var log bytes.Buffer
	m := w.manager(func(c *oauthflow.ManagerConfig) { c.Logger = slog.New(slog.NewJSONHandler(&log, nil)) })
	for i := range many {
		if _, err := m.Load(t.Context(), oauthflow.Key{Tenant: rival, Name: fmt.Sprintf("c%d", i)}); err == nil {
			t.Fatal("a record that was sealed elsewhere opens")
		}
	}
	if n := strings.Count(log.String(), `"record":"connection/`+rival); n != many {
		t.Errorf("%d of %d lines were written", n, many)
	}
}

func TestCloseWaitsForAnObserverThatIsSlowButGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		told := 0
		m := w.manager(func(c *oauthflow.ManagerConfig) {
			c.Observe = func(oauthflow.Event) { time.Sleep(4 * time.Second); told++ }
		})
		w.connect(m, mainKey)
		for range 10 {
			if err := m.Renew(t.Context(), mainKey); err != nil {
				t.Fatal(err)
			}
		}
		if err := m.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if told != 21 {
			t.Errorf("told of %d events, want all 21", told)
		}
	})
}

func TestCloseIsSafeToRepeat(t *testing.T) {
	w := rotating(t)
	m := w.manager()
	w.connect(m, mainKey)
	for range 3 {
		if err := m.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
	_, err := m.Begin(t.Context(), mainKey, w.client(), browser, oauthflow.AuthorizeOptions{})
	if !errors.Is(err, oauthflow.ErrClosed) {
		t.Errorf("Begin: %v", err)
	}
	if _, err := m.Adopt(t.Context(), mainKey, w.client(), oauthflow.NewSecret("x")); !errors.Is(err, oauthflow.ErrClosed) {
		t.Errorf("Adopt: %v", err)
	}
	if err := m.Disconnect(t.Context(), mainKey); !errors.Is(err, oauthflow.ErrClosed) {
		t.Errorf("Disconnect: %v", err)
	}
}

func TestNothingIsLeftRunningAfterClose(t *testing.T) {
	w := rotating(t)
	server, err := w.org.Start()
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	for range 20 {
		m := w.manager(func(c *oauthflow.ManagerConfig) {
			c.Flow = w.flow(server.Transport())
			c.Observe = func(oauthflow.Event) {}
		})
		w.connect(m, mainKey)
		s := m.Source(mainKey)
		for range 3 {
			if _, err := s.Replace(t.Context(), w.token(s)); err != nil {
				t.Fatal(err)
			}
		}
		if err := m.Disconnect(t.Context(), mainKey); err != nil {
			t.Fatal(err)
		}
		if err := m.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	var left string
	for range needs.Size(100, 3000) {
		if left = ours(); left == "" {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Errorf("goroutines are left after Close:\n%s", left)
}

// ours returns the stacks of goroutines that run this package's code or a client connection of net/http.
func ours() string {
	buf := make([]byte, 1<<20)
	var left []string
	for _, stack := range strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
		if strings.Contains(stack, "testing.tRunner") || strings.Contains(stack, "orgtest.(*Org).Start") || strings.Contains(stack, "net/http.(*conn).serve") {
			continue
		}
		if strings.Contains(stack, "sfauth/oauthflow.") || strings.Contains(stack, "net/http.(*persistConn)") {
			left = append(left, stack)
		}
	}
	return strings.Join(left, "\n\n")
}
