package fullcast_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// readyz asks a handler, and returns status, body and the state of each subject.
func readyz(t *testing.T, h http.Handler) (status int, body string, states map[string]string) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/readyz", nil))
	var answer struct {
		Ready  *bool
		Checks []struct{ Subject, State, Text string }
	}
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || answer.Ready == nil || *answer.Ready != (w.Code == 200) {
		t.Fatalf("HTTP %d with %q, %v", w.Code, w.Body, err)
	}
	if w.Header().Get("Content-Type") != "application/json" || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("its header is %v", w.Header())
	}
	states = map[string]string{}
	for _, c := range answer.Checks {
		if c.Text == "" || strings.Contains(c.Text, "\n") {
			t.Errorf("%s: %q is no sentence", c.Subject, c.Text)
		}
		states[c.Subject] = c.State
	}
	return w.Code, w.Body.String(), states
}

func handler(t *testing.T, sf *fullcast.Connector) http.Handler {
	t.Helper()
	h, err := sf.ReadinessHandler(fullcast.ReadinessConfig{})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// faulty is a store whose loads do what load says.
type faulty struct {
	tokenstore.Store
	load  func(context.Context) error
	loads atomic.Int64
}

func (f *faulty) Load(ctx context.Context, id string) (tokenstore.Record, error) {
	f.loads.Add(1)
	if err := f.load(ctx); err != nil {
		return tokenstore.Record{}, err
	}
	return f.Store.Load(ctx, id)
}

// roundTrip is a function as a transport.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestAProcessIsReadyAsLongAsNothingOfItsOwnFails(t *testing.T) {
	const dsn = "postgres://sfauth:hunter2hunter2@db.internal/tokens"
	working := func(context.Context) error { return nil }
	dated := func(ahead time.Duration) func(w *world) http.RoundTripper {
		return func(w *world) http.RoundTripper {
			return roundTrip(func(r *http.Request) (*http.Response, error) {
				resp, err := w.rec.RoundTrip(r)
				if err == nil {
					resp.Header.Set("Date", time.Now().Add(-ahead).UTC().Format(http.TimeFormat))
				}
				return resp, err
			})
		}
	}
	for name, tt := range map[string]struct {
		load    func(context.Context) error
		network func(*world) http.RoundTripper
		status  int
		states  map[string]string // that are not ok
	}{
		"all is well":                 {working, dated(0), 200, map[string]string{}},
		"the store refuses":           {func(context.Context) error { return errors.New("cannot connect to " + dsn) }, dated(0), 503, map[string]string{"store": "problem"}},
		"the store hangs":             {func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }, dated(0), 503, map[string]string{"store": "problem"}},
		"the store panics":            {func(context.Context) error { panic(dsn) }, dated(0), 503, map[string]string{"store": "problem"}},
		"the clock is an hour ahead":  {working, dated(time.Hour), 503, map[string]string{"clock": "problem"}},
		"the clock is an hour behind": {working, dated(-time.Hour), 503, map[string]string{"clock": "problem"}},
		"the clocks differ a little":  {working, dated(4 * time.Minute), 200, map[string]string{}},
		"Salesforce is away": {working, func(*world) http.RoundTripper {
			return roundTrip(func(*http.Request) (*http.Response, error) { return nil, errors.New("no route to " + dsn) })
		}, 200, map[string]string{"salesforce": "problem"}},
		"Salesforce hangs": {working, func(*world) http.RoundTripper {
			return roundTrip(func(r *http.Request) (*http.Response, error) { <-r.Context().Done(); return nil, r.Context().Err() })
		}, 200, map[string]string{"salesforce": "problem"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := bubbleWorld(t, config{})
				sf := w.connector(t, &faulty{Store: w.store, load: tt.load}, func(c *fullcast.Config) { c.Transport = tt.network(w) })
				h := handler(t, sf)
				if _, _, states := readyz(t, h); states["salesforce"] != "unknown" {
					t.Errorf("before the first look at Salesforce its state is %q", states["salesforce"])
				}
				time.Sleep(30 * time.Second) // a look takes ten seconds at most
				status, body, states := readyz(t, h)
				if status != tt.status || len(states) != 6 {
					t.Errorf("HTTP %d: %s", status, body)
				}
				for subject, state := range states {
					want := tt.states[subject]
					if want == "" {
						want = "ok"
					}
					if state != want {
						t.Errorf("%s is %q, want %q", subject, state, want)
					}
				}
				if strings.Contains(body, "hunter2") || strings.Contains(body, "db.internal") {
					t.Errorf("it shows the store's own words: %s", body)
				}
			})
		})
	}
}

func TestReadinessIsAnsweredInTimeAndGathersNoCallsAtAStoreThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := bubbleWorld(t, config{})
		hangs := &faulty{Store: w.store, load: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }}
		h, err := w.connector(t, hangs).ReadinessHandler(fullcast.ReadinessConfig{Timeout: 300 * time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour) // the time counts from when it runs
		for range 10 {
			began := time.Now()
			if status, _, _ := readyz(t, h); status != 503 || time.Since(began) != 300*time.Millisecond {
				t.Errorf("HTTP %d after %v", status, time.Since(began))
			}
		}
		if n := hangs.loads.Load(); n != 1 {
			t.Errorf("the store had %d loads at once", n)
		}
	})
}

func TestSalesforceIsLookedAtOnceAMinuteHoweverOftenReadinessIsAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := bubbleWorld(t, config{})
		h := handler(t, w.sf)
		for range 180 {
			readyz(t, h)
			time.Sleep(time.Second)
		}
		if n := w.rec.count("login.salesforce.com"); n != 3 || len(w.rec.sent) != 3 {
			t.Errorf("in three minutes were sent %q", w.rec.sent)
		}
	})
}

func TestAnObserverThatDoesNotReturnMakesTheProcessNotReady(t *testing.T) {
	w := newWorld(t, config{
		RotateRefreshTokens: true, Existing: existing(t, fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example").New()),
	})
	w.connect(t)
	w.rec.quiet = true
	held := make(chan struct{})
	sf := w.connector(t, w.store, func(c *fullcast.Config) { c.Observe = func(oauthflow.Event) { <-held } })
	h := handler(t, sf)
	renewals := 0
	for ; renewals < 2000; renewals++ {
		if err := sf.Manager().Renew(t.Context(), main); err != nil {
			t.Fatal(err)
		}
		if _, _, states := readyz(t, h); states["events"] == "problem" {
			break
		}
	}
	if status, _, states := readyz(t, h); renewals < 100 || status != 503 || states["store"] != "ok" {
		t.Errorf("after %d renewals: HTTP %d, %v", renewals, status, states)
	}
	close(held)
	for began := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		if status, _, _ := readyz(t, h); status == 200 {
			break
		}
		if time.Since(began) > time.Minute {
			t.Fatal("it does not become ready again")
		}
	}
}

func TestAConnectorThatIsClosedIsNotReadyAndTheHandlerTakesItsInput(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := bubbleWorld(t, config{})
		h := handler(t, w.sf)
		for method, want := range map[string]int{http.MethodGet: 200, http.MethodHead: 200, http.MethodPost: 405} {
			r := httptest.NewRecorder()
			if h.ServeHTTP(r, httptest.NewRequest(method, "/readyz", nil)); r.Code != want {
				t.Errorf("%s: HTTP %d, want %d", method, r.Code, want)
			}
		}
		for _, wrong := range []time.Duration{-1, time.Millisecond, time.Minute} {
			if _, err := w.sf.ReadinessHandler(fullcast.ReadinessConfig{Timeout: wrong}); err == nil || !strings.Contains(err.Error(), "ReadinessConfig.Timeout: ") {
				t.Errorf("%v: got %v", wrong, err)
			}
		}
		if err := w.sf.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if status, body, states := readyz(t, h); status != 503 || states["manager"] != "problem" {
			t.Errorf("after Close: HTTP %d, %s", status, body)
		}
	})
}
