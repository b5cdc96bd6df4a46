package oauthflow_test

import (
	"context"
	"errors"
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

func TestAPanickingObserverIsToldOfTheNextEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		var seen []oauthflow.EventType
		m := w.manager(func(c *oauthflow.ManagerConfig) {
			c.Observe = func(e oauthflow.Event) { seen = append(seen, e.Type); panic(e.Type) }
		})
		w.connect(m, mainKey)
		dead := w.token(m.Source(mainKey))
		w.org.ExpireSessions()
		if _, err := m.Source(mainKey).Replace(t.Context(), dead); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		want := []oauthflow.EventType{oauthflow.EventConnected, oauthflow.EventRefreshed, oauthflow.EventRotated}
		if len(seen) != len(want) || seen[0] != want[0] || seen[1] != want[1] || seen[2] != want[2] {
			t.Errorf("events %v, want %v", seen, want)
		}
	})
}

func TestMissedEventsAreReported(t *testing.T) {
	needs.Patience(t)
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		hold := make(chan struct{})
		seen := map[oauthflow.EventType]int{}
		m := w.manager(func(c *oauthflow.ManagerConfig) { c.Observe = func(e oauthflow.Event) { <-hold; seen[e.Type]++ } })
		w.connect(m, mainKey)
		for range 600 { // two events each
			time.Sleep(2 * time.Minute) // else Salesforce seems to refuse fresh sessions
			dead := w.token(m.Source(mainKey))
			if _, err := m.Source(mainKey).Replace(t.Context(), dead); err != nil {
				t.Fatal(err)
			}
		}
		close(hold)
		synctest.Wait()
		if seen[oauthflow.EventMissed] == 0 || seen[oauthflow.EventRefreshed]+seen[oauthflow.EventRotated] < 1000 {
			t.Errorf("events %v, want the oldest thousand and a report of what is missing", seen)
		}
	})
}

type handler func()

func (handler) Enabled(context.Context, slog.Level) bool    { return true }
func (h handler) Handle(context.Context, slog.Record) error { h(); return nil }
func (h handler) WithAttrs([]slog.Attr) slog.Handler        { return h }
func (h handler) WithGroup(string) slog.Handler             { return h }

func TestNewManagerNamesEveryFieldAtFault(t *testing.T) {
	_, err := oauthflow.NewManager(oauthflow.ManagerConfig{Environment: strings.Repeat("e", 65), Timing: oauthflow.Timing{Recheck: time.Hour, Lease: time.Nanosecond}})
	if err == nil {
		t.Fatal("an empty configuration was accepted")
	}
	for _, field := range []string{"ManagerConfig.Flow", "ManagerConfig.Store", "ManagerConfig.Keyring", "ManagerConfig.Environment",
		"ManagerConfig.Timing.Recheck", "ManagerConfig.Timing.Lease"} {
		if !strings.Contains(err.Error(), field) {
			t.Errorf("%q does not name %s", err, field)
		}
	}
}

func TestAKeyringAndAFlowThatNoConstructorMadeAreRefused(t *testing.T) {
	c := oauthflow.ManagerConfig{Flow: new(oauthflow.Flow), Store: tokenstore.NewMemory(), Keyring: new(tokenstore.Keyring), Environment: "test"}
	_, err := oauthflow.NewManager(c)
	if err == nil || !strings.Contains(err.Error(), "ManagerConfig.Flow") || !strings.Contains(err.Error(), "ManagerConfig.Keyring") {
		t.Errorf("NewManager: %v", err)
	}
	err = oauthflow.Copy(t.Context(), oauthflow.CopyConfig{From: c.Store, To: tokenstore.NewMemory(), Keyring: c.Keyring, Environment: "test"})
	if err == nil || !strings.Contains(err.Error(), "CopyConfig.Keyring") {
		t.Errorf("Copy: %v", err)
	}
}

// rotateUnless switches refresh token rotation in Setup.
func (w *world) rotateUnless(not bool) {
	w.t.Helper()
	value := "true"
	if not {
		value = "false"
	}
	if err := w.org.SetAppField("ExtlClntAppGlobalOauthSettings", appName+"_glbloauth", "isRefreshTokenRotationEnabled", value); err != nil {
		w.t.Fatal(err)
	}
}

func TestAPanicOfSomebodyElsesCodeIsContained(t *testing.T) {
	tests := []struct {
		name  string
		spoil func(w *world, h *hooked)
	}{
		{"the transport before it sends", func(w *world, _ *hooked) {
			w.wire.tap(func(*http.Request) error { w.wire.tap(nil, nil); panic("transport") }, nil)
		}},
		{"the transport with the answer", func(w *world, _ *hooked) {
			w.wire.tap(nil, func(r *http.Response) (*http.Response, error) { w.wire.tap(nil, nil); panic("transport") })
		}},
		{"the store in a load", func(_ *world, h *hooked) {
			h.onLoad(func(string) error { h.onLoad(nil); panic("store") })
		}},
		{"the store in the save of an intent", func(_ *world, h *hooked) {
			h.onSave(func(tokenstore.Record, func() error) error { h.onSave(nil); panic("store") })
		}},
		{"the store in the save of a result", func(_ *world, h *hooked) {
			n := 0
			h.onSave(func(_ tokenstore.Record, do func() error) error {
				if n++; n == 2 {
					h.onSave(nil)
					panic("store")
				}
				return do()
			})
		}},
		{"the store after the save of a result", func(_ *world, h *hooked) {
			n := 0
			h.onSave(func(_ tokenstore.Record, do func() error) error {
				if n++; n == 2 {
					h.onSave(nil)
					_ = do()
					panic("store")
				}
				return do()
			})
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, orgtest.Config{})
				w.rotateUnless(tt.name == "the transport with the answer") // what a transport swallows is lost under rotation
				h := &hooked{Store: w.store}
				w.store = h
				m := w.manager()
				w.connect(m, mainKey)
				s := m.Source(mainKey)
				dead := w.token(s)
				w.org.ExpireSessions()
				tt.spoil(w, h)
				var tok string
				for range 100 {
					got, err := s.Replace(t.Context(), dead)
					if err == nil {
						tok = got.AccessToken
						break
					}
					var e *oauthflow.Error
					if !errors.As(err, &e) {
						t.Fatalf("got %T, want a typed error", err)
					}
					time.Sleep(time.Second)
				}
				if tok == "" || !w.alive(tok) {
					t.Fatal("the connection did not survive the panic")
				}
				w.wantEvents("refresh", "reuse", 0)
			})
		})
	}
}

func TestAGoroutineThatATransportEndsIsAnError(t *testing.T) {
	w := rotating(t)
	m := w.manager()
	w.connect(m, mainKey)
	s := m.Source(mainKey)
	dead := w.token(s)
	w.wire.tap(func(*http.Request) error { runtime.Goexit(); return nil }, nil) // as t.Fatal in a test double does
	_, err := s.Replace(t.Context(), dead)
	var e *oauthflow.Error
	if !errors.As(err, &e) {
		t.Errorf("got %v, want a typed error", err)
	}
}

func TestAnObserverCanNeitherBlockNorVeto(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		stuck := make(chan struct{})
		m := w.manager(func(c *oauthflow.ManagerConfig) { c.Observe = func(oauthflow.Event) { <-stuck } })
		w.connect(m, mainKey)
		s := m.Source(mainKey)
		began := time.Now()
		for range 600 { // two events each: more than the queue holds
			dead := w.token(s)
			w.org.ExpireSessions()
			time.Sleep(2 * time.Minute) // else Salesforce seems to refuse fresh sessions
			if _, err := s.Replace(t.Context(), dead); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(began); took != 600*2*time.Minute {
			t.Errorf("the observer cost %v", took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		closed := make(chan error, 1)
		go func() { closed <- m.Close(ctx) }()
		select {
		case <-closed:
		case <-time.After(time.Minute):
			t.Error("Close waits for the observer beyond its context")
		}
		close(stuck)
	})
}

func TestALoggerThatPanicsDoesNoHarm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		h := &hooked{Store: w.store}
		w.store = h
		m := w.manager(func(c *oauthflow.ManagerConfig) {
			c.Logger = slog.New(handler(func() { panic("logger") }))
			c.Observe = func(oauthflow.Event) { panic("observer") }
		})
		w.connect(m, mainKey)
		s := m.Source(mainKey)
		dead := w.token(s)
		w.org.ExpireSessions()
		n := 0
		h.onSave(func(_ tokenstore.Record, do func() error) error {
			if n++; n == 2 {
				return errStoreDown // a warning is due
			}
			return do()
		})
		w.wire.tap(func(*http.Request) error { w.wire.tap(nil, nil); return nil }, nil)
		began := time.Now()
		tok, err := s.Replace(t.Context(), dead)
		if err != nil || !w.alive(tok.AccessToken) {
			t.Fatal(err)
		}
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("the logger cost %v", took)
		}
	})
}
