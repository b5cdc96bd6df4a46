package oauthflow_test

import (
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

// calls has each exported method called with usable arguments; nil for one that neither works nor fails.
type calls map[string]func() error

// wantAll fails the test unless the calls are of every exported method of the value.
func (c calls) wantAll(t *testing.T, of any) {
	t.Helper()
	var methods []string
	for m := range reflect.TypeOf(of).Methods() {
		methods = append(methods, m.Name)
	}
	if have := slices.Sorted(maps.Keys(c)); !slices.Equal(have, methods) {
		t.Errorf("the test calls %v, and %T has %v", have, of, methods)
	}
}

func TestEveryMethodSaysThatTheManagerIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		store := &counted{Store: w.store}
		w.store = store
		m := w.manager()
		w.connect(m, mainKey)
		s := m.Source(mainKey)
		w.token(s) // is in memory
		back := w.begin(m, targetKey)
		client := w.client()
		ctx := t.Context()
		api := &http.Client{Transport: s.Transport(w.org.RoundTripper())}
		get := func() error {
			resp, err := api.Get(w.org.InstanceURL() + "/services/data/v66.0/limits")
			if err == nil {
				_, _ = io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
			}
			return err
		}
		if err := get(); err != nil {
			t.Fatal(err)
		}
		listing := m.List(ctx, "")
		methods := calls{
			"Adopt": func() error {
				_, err := m.Adopt(ctx, targetKey, client, oauthflow.NewSecret("5Aep861-of-tests"))
				return err
			},
			"AdoptDryRun": func() error {
				_, err := m.AdoptDryRun(ctx, targetKey, client, oauthflow.NewSecret("5Aep861-of-tests"))
				return err
			},
			"Begin": func() error {
				_, err := m.Begin(ctx, targetKey, client, browser, oauthflow.AuthorizeOptions{})
				return err
			},
			"BeginAgain": func() error { _, err := m.BeginAgain(ctx, mainKey, browser, oauthflow.AuthorizeOptions{}); return err },
			"Close":      nil,
			"Complete":   func() error { _, err := m.Complete(ctx, back); return err },
			"Disconnect": func() error { return m.Disconnect(ctx, mainKey) },
			"Introspect": func() error { _, err := m.Introspect(ctx, mainKey); return err },
			"KeepAlive":  func() error { return m.KeepAlive(ctx) },
			"List": func() error {
				for _, err := range listing {
					return err
				}
				return errors.New("an empty list")
			},
			"Load":      func() error { _, err := m.Load(ctx, mainKey); return err },
			"Move":      func() error { return m.Move(ctx, mainKey, targetKey) },
			"Readiness": nil, // has no error, and says so
			"Renew":     func() error { return m.Renew(ctx, mainKey) },
			"Reseal":    func() error { return m.Reseal(ctx, nil) },
			"Sessionless": func() error {
				req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://login.salesforce.com/services/data/", http.NoBody)
				if err != nil {
					return nil
				}
				resp, err := m.Sessionless(nil).RoundTrip(req)
				if err == nil {
					resp.Body.Close()
				}
				return err
			},
			"SetClient":     func() error { return m.SetClient(ctx, mainKey, client) },
			"SetKind":       func() error { return m.SetKind(ctx, mainKey, client.ID, oauthflow.ExternalClientAppKind) },
			"SetIdlePeriod": func() error { return m.SetIdlePeriod(ctx, mainKey, client.ID, 7*24*time.Hour) },
			"Source":        nil,
		}
		methods.wantAll(t, m)
		source := calls{
			"InstanceURL":  func() error { _, err := s.InstanceURL(ctx); return err },
			"Present":      func() error { _, err := s.Present(ctx); return err },
			"Replace":      func() error { _, err := s.Replace(ctx, "another"); return err },
			"Token":        func() error { _, err := s.Token(); return err },
			"TokenContext": func() error { _, err := s.TokenContext(ctx); return err },
			"Transport":    get,
			"PresentTransport": func() error {
				_, err := s.PresentTransport(w.org.RoundTripper()).RoundTrip(httptest.NewRequest("GET", w.org.InstanceURL()+"/services/data/v66.0/limits", nil))
				return err
			},
		}
		source.wantAll(t, s)
		maps.Copy(methods, source)
		if err := m.Close(ctx); err != nil {
			t.Fatal(err)
		}
		sent, loaded, began := len(w.org.Ledger()), store.loads.Load(), time.Now()
		for name, call := range methods {
			if call == nil {
				continue
			}
			if err := call(); !errors.Is(err, oauthflow.ErrClosed) {
				t.Errorf("%s: got %v, want ErrClosed", name, err)
			}
		}
		if took := time.Since(began); took > 0 {
			t.Errorf("all calls took %v", took)
		}
		if n := store.loads.Load() - loaded; n != 0 {
			t.Errorf("the store was asked %d times", n)
		}
		if n := len(w.org.Ledger()) - sent; n != 0 {
			t.Errorf("the org has heard of %d requests", n)
		}
	})
}

func TestAListThatCloseOvertakesEnds(t *testing.T) {
	w := peopled(t, 3)
	m := w.manager()
	n := 0
	var last error
	for _, last = range m.List(t.Context(), "") {
		if n++; n == 1 {
			if err := m.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n != 2 || !errors.Is(last, oauthflow.ErrClosed) {
		t.Errorf("%d entries, the last with %v; want one, and ErrClosed", n, last)
	}
}

// busyKeepAlive are the things that a keep-alive may be waiting for.
var busyKeepAlive = map[string]func(t *testing.T, w *world){
	"the pause between two sweeps": func(*testing.T, *world) {},
	"a refresh that hangs": func(t *testing.T, w *world) {
		w.wire.tap(nil, slowly(100*time.Second))
		time.Sleep(26 * 24 * time.Hour)
	},
	"a doubt": func(t *testing.T, w *world) {
		w.inject(orgtest.Fault{Path: tokenEndpoint, Status: 502, Times: -1})
		time.Sleep(26 * 24 * time.Hour)
	},
	"a revocation that hangs": func(t *testing.T, w *world) {
		w.inject(orgtest.Fault{Path: revokeEndpoint, Status: 503})
		_ = w.manager().Disconnect(t.Context(), mainKey)
		w.inject(orgtest.Fault{Path: revokeEndpoint, Delay: 100 * time.Second, Times: -1})
		time.Sleep(time.Hour)
	},
}

func TestAKeepAliveEndsAtOnceWithItsContextOrItsManager(t *testing.T) {
	for name, prepare := range busyKeepAlive {
		for _, closes := range []bool{false, true} {
			t.Run(name+", "+map[bool]string{false: "ctx ends", true: "Close"}[closes], func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := rotating(t)
					w.connect(w.manager(), mainKey)
					prepare(t, w)
					m := w.manager()
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					var ended time.Time
					var err error
					var all sync.WaitGroup
					all.Go(func() { err = m.KeepAlive(ctx); ended = time.Now() })
					time.Sleep(5 * time.Second)
					at, want := time.Now(), context.Canceled
					if closes {
						want = oauthflow.ErrClosed
						all.Go(func() {
							if err := m.Close(t.Context()); err != nil {
								t.Error(err)
							}
						})
					} else {
						cancel()
					}
					all.Wait()
					if !errors.Is(err, want) {
						t.Errorf("got %v, want %v", err, want)
					}
					if took := ended.Sub(at); took > time.Second {
						t.Errorf("it ended %v later", took)
					}
				})
			})
		}
	}
}

func TestAKeepAliveWhoseContextHasEndedDoesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		m := w.manager()
		w.connect(m, mainKey)
		time.Sleep(26 * 24 * time.Hour)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := m.KeepAlive(ctx); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		synctest.Wait()
		if n := w.wire.refreshes(); n != 0 {
			t.Errorf("%d refreshes", n)
		}
	})
}

// What a keep-alive has begun is Close's to wait for.
func TestCloseWaitsForWhatAKeepAliveHasSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		w.connect(w.manager(), mainKey)
		time.Sleep(26 * 24 * time.Hour)
		w.wire.tap(nil, slowly(100*time.Second))
		m := w.manager()
		ctx, cancel := context.WithCancel(t.Context())
		go func() { _ = m.KeepAlive(ctx) }()
		time.Sleep(5 * time.Second)
		cancel()
		if err := m.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.wire.tap(nil, nil)
		if err := w.manager().Renew(t.Context(), mainKey); err != nil {
			t.Errorf("the result was lost: %v", err)
		}
		w.wantEvents("refresh", "reuse", 0)
		w.wantEvents("refresh", "ok", 2)
		for _, e := range w.org.Ledger() {
			if strings.HasPrefix(e.Event, "introspect") {
				t.Error("the result was not stored: it had to be asked about")
			}
		}
	})
}
