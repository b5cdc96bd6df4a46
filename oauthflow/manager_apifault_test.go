package oauthflow_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

var asJSON = http.Header{"Content-Type": {"application/json;charset=UTF-8"}}

func apiError(code string) string { return `[{"message":"no","errorCode":"` + code + `"}]` }

// withholding are refusals of all API calls of an org.
var withholding = map[string]struct {
	fault orgtest.Fault
	kind  oauthflow.ErrorKind
}{
	"the org has no API":  {orgtest.Fault{Status: 403, Header: asJSON, Body: apiError("API_DISABLED_FOR_ORG")}, oauthflow.KindUserPolicy},
	"the API is off":      {orgtest.Fault{Status: 403, Header: asJSON, Body: apiError("API_CURRENTLY_DISABLED")}, oauthflow.KindUserPolicy},
	"the limit is used":   {orgtest.Fault{Status: 403, Header: asJSON, Body: apiError("REQUEST_LIMIT_EXCEEDED")}, oauthflow.KindLimit},
	"maintenance":         {orgtest.Fault{Status: 503, Header: asJSON, Body: apiError("SERVER_UNAVAILABLE")}, oauthflow.KindBusy},
	"maintenance, a page": {orgtest.Fault{Status: 503, Body: "<html>maintenance</html>"}, oauthflow.KindBusy},
}

// withhold has the org refuse the next calls of its REST API.
func (w *world) withhold(f orgtest.Fault, times int) {
	w.t.Helper()
	f.Path, f.Times = "/services/data/", times
	if err := w.org.Inject(f); err != nil {
		w.t.Fatal(err)
	}
}

// saves counts what is written, and lets a test come in between.
type saves struct {
	tokenstore.Store
	n      atomic.Int32
	before func()
}

func (s *saves) Save(ctx context.Context, r tokenstore.Record) error {
	s.n.Add(1)
	if before := s.before; before != nil {
		s.before = nil
		before()
	}
	return s.Store.Save(ctx, r)
}

func listed(t *testing.T, m *oauthflow.Manager) oauthflow.Connection {
	t.Helper()
	for c, err := range m.List(t.Context(), mainKey.Tenant) {
		if err != nil || c.Key == mainKey {
			if err != nil {
				t.Fatal(err)
			}
			return c
		}
	}
	t.Fatal("it is not listed")
	return oauthflow.Connection{}
}

func wantAsk(t *testing.T, w *world, m *oauthflow.Manager, want int) {
	t.Helper()
	if status, err := ask(t, w, m, w.org.RoundTripper()); status != want || err != nil {
		t.Fatalf("a call answers %d, %v; want %d", status, err, want)
	}
}

func wantStatus(t *testing.T, m *oauthflow.Manager, want oauthflow.Status) {
	t.Helper()
	if c := listed(t, m); c.Status != want {
		t.Errorf("it is %q, %v; want %q", c.Status, c.Fault, want)
	}
}

// seen is what a test sees of a manager's work.
type seen struct {
	saves  *saves
	events *eventLog
}

// calledOnce is a connection whose first call has worked.
func calledOnce(t *testing.T) (*world, *oauthflow.Manager, seen) {
	t.Helper()
	w := rotating(t)
	s := seen{&saves{Store: w.store}, newEventLog()}
	w.store = s.saves
	m := w.manager(s.events.observe)
	w.connect(m, mainKey)
	wantAsk(t, w, m, 200)
	return w, m, s
}

func TestAnOrgThatRefusesItsAPIIsSuspendedInEveryProcessUntilACallWorks(t *testing.T) {
	for name, tt := range withholding {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := rotating(t)
				events := newEventLog()
				first, second := w.manager(events.observe), w.manager(events.observe)
				w.connect(first, mainKey)
				wantAsk(t, w, second, 200) // it has a view of before
				w.withhold(tt.fault, 3)
				for range 3 {
					wantAsk(t, w, first, tt.fault.Status)
					synctest.Wait() // the first is stored; the others wait, and are old when a call has worked
				}
				time.Sleep(59 * time.Second)
				c := listed(t, second)
				if c.Status != oauthflow.StatusSuspended || c.Fault == nil || c.Fault.Kind != tt.kind {
					t.Fatalf("it is %q, %v; want suspended, %q", c.Status, c.Fault, tt.kind)
				}
				refused := &http.Response{StatusCode: tt.fault.Status, Body: io.NopCloser(strings.NewReader(tt.fault.Body))}
				var e *oauthflow.Error
				if !errors.As(oauthflow.ResponseError(refused), &e) || e.Sentence() != c.Fault.Sentence() || e.Code != c.Fault.Code || e.Status != c.Fault.Status {
					t.Errorf("the call said %v, the connection says %v", e, c.Fault)
				}
				if status, err := ask(t, w, second, w.org.RoundTripper()); status != 200 || err != nil { // one call of another process
					t.Errorf("a call answers %d, %v", status, err)
				}
				time.Sleep(time.Minute)
				if c = listed(t, first); c.Status != oauthflow.StatusActive || c.Fault != nil {
					t.Errorf("after a call has worked it is %q, %v", c.Status, c.Fault)
				}
				synctest.Wait()
				if s, r := events.count(oauthflow.EventSuspended), events.count(oauthflow.EventRepaired); s != 1 || r != 1 {
					t.Errorf("told %d times suspended and %d times repaired, want once each", s, r)
				}
			})
		})
	}
}

func TestARefusedAPIHoldsUpNeitherTokensNorRefreshes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, m, _ := calledOnce(t)
		w.withhold(withholding["the API is off"].fault, 1)
		wantAsk(t, w, m, 403)
		time.Sleep(time.Minute)
		wantStatus(t, m, oauthflow.StatusSuspended)
		before := w.token(m.Source(mainKey))
		if err := m.Renew(t.Context(), mainKey); err != nil {
			t.Errorf("a refresh: %v", err)
		}
		if w.token(m.Source(mainKey)) == before {
			t.Error("no fresh token is handed out")
		}
		if c := listed(t, m); c.Status != oauthflow.StatusSuspended {
			t.Errorf("a refresh says nothing of the API, and it is %q", c.Status)
		}
	})
}

func TestARefusedAPINeitherHidesARefusedRefreshNorPutsOffWhenItIsAskedAboutAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, m, seen := calledOnce(t)
		if err := w.org.Inject(orgtest.Fault{Path: tokenEndpoint, Status: 400, Header: asJSON,
			Body: `{"error":"invalid_grant","error_description":"ip restricted"}`}); err != nil {
			t.Fatal(err)
		}
		wantKind(t, m.Renew(t.Context(), mainKey), oauthflow.KindIPRestricted)
		due, before := w.record(mainKey).Due, seen.saves.n.Load()
		time.Sleep(30 * time.Second)
		w.withhold(withholding["maintenance"].fault, 1)
		wantAsk(t, w, m, 503)
		synctest.Wait()
		if n, r := seen.saves.n.Load()-before, w.record(mainKey); n != 1 || !r.Due.Equal(due) {
			t.Errorf("%d writes, and it is due at %v; want %v as before", n, r.Due, due)
		}
		if c := listed(t, m); c.Status != oauthflow.StatusSuspended || c.Fault.Kind != oauthflow.KindIPRestricted {
			t.Errorf("it is %q, %v", c.Status, c.Fault)
		}
		if err := m.Renew(t.Context(), mainKey); err != nil { // after the pause that the refused refresh asked for
			time.Sleep(time.Minute)
			if err = m.Renew(t.Context(), mainKey); err != nil {
				t.Fatal(err)
			}
		}
		if c := listed(t, m); c.Status != oauthflow.StatusSuspended || c.Fault.Kind != oauthflow.KindBusy {
			t.Errorf("the refresh has healed, the API has not, and it is %q, %v", c.Status, c.Fault)
		}
		synctest.Wait()
		if n := seen.events.count(oauthflow.EventSuspended); n != 1 {
			t.Errorf("told %d times that it is suspended", n)
		}
	})
}

func TestOneCallThatWorksIsEnoughHoweverSoonItComes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, m, _ := calledOnce(t)
		w.withhold(withholding["maintenance"].fault, 1)
		wantAsk(t, w, m, 503)
		time.Sleep(time.Second)
		wantAsk(t, w, m, 200)
		time.Sleep(time.Minute)
		wantStatus(t, m, oauthflow.StatusActive)
	})
}

func TestACallThatWorksWhileTheRefusalIsBeingStoredIsNotForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, m, seen := calledOnce(t)
		seen.saves.before = func() {
			if status, err := ask(t, w, m, w.org.RoundTripper()); status != 200 || err != nil {
				t.Errorf("a call answers %d, %v", status, err)
			}
		}
		w.withhold(withholding["maintenance"].fault, 1)
		wantAsk(t, w, m, 503)
		time.Sleep(2 * time.Minute)
		wantStatus(t, m, oauthflow.StatusActive)
	})
}

func TestAThousandRefusedCallsAreOneWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, m, seen := calledOnce(t)
		before := seen.saves.n.Load()
		w.withhold(withholding["the limit is used"].fault, 1000)
		var all sync.WaitGroup
		for range 1000 {
			all.Go(func() {
				if status, err := ask(t, w, m, w.org.RoundTripper()); status != 403 || err != nil {
					t.Errorf("a call answers %d, %v", status, err)
				}
			})
		}
		all.Wait()
		time.Sleep(2 * time.Minute)
		if n := seen.saves.n.Load() - before; n != 1 {
			t.Errorf("%d writes, want 1", n)
		}
	})
}

// Answers of both kinds in turns are no reason to write at every one of them.
func TestAnAPIThatAnswersThisAndThatIsWrittenDownOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, m, seen := calledOnce(t)
		before := seen.saves.n.Load()
		for range 600 {
			w.withhold(withholding["maintenance"].fault, 1)
			wantAsk(t, w, m, 503)
			wantAsk(t, w, m, 200)
			time.Sleep(time.Second)
		}
		if n := seen.saves.n.Load() - before; n > 11 {
			t.Errorf("%d writes in 10 minutes", n)
		}
		time.Sleep(2 * time.Minute)
		if c := listed(t, m); c.Status != oauthflow.StatusActive {
			t.Errorf("the last call worked, and it is %q", c.Status)
		}
	})
}

func TestARefusalOfTheAPICountsForAnHourAndIsRenewedWhileItLasts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, m, seen := calledOnce(t)
		before := seen.saves.n.Load()
		w.withhold(withholding["the limit is used"].fault, 36)
		for range 36 {
			wantAsk(t, w, m, 403)
			time.Sleep(5 * time.Minute)
			if c := listed(t, m); c.Status != oauthflow.StatusSuspended {
				t.Fatalf("it is refused still, and %q", c.Status)
			}
		}
		if n, s := seen.saves.n.Load()-before, seen.events.count(oauthflow.EventSuspended); n > 10 || s != 1 {
			t.Errorf("%d writes and %d events in 3 hours", n, s)
		}
		time.Sleep(time.Hour)
		if c := listed(t, m); c.Status != oauthflow.StatusActive || c.Fault != nil {
			t.Errorf("an hour after the last refusal it is %q, %v", c.Status, c.Fault)
		}
	})
}

func TestANoteOfTheAPIThatMeetsAnotherWriterLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		other := w.manager() // over the plain store
		between := &saves{Store: w.store}
		m := w.manager(func(c *oauthflow.ManagerConfig) { c.Store = between })
		w.connect(m, mainKey)
		wantAsk(t, w, m, 200)
		between.before = func() {
			if err := other.Renew(context.Background(), mainKey); err != nil {
				t.Error(err)
			}
		}
		w.withhold(withholding["the API is off"].fault, 1)
		wantAsk(t, w, m, 403)
		time.Sleep(time.Minute)
		wantStatus(t, m, oauthflow.StatusSuspended)
		if err := m.Renew(t.Context(), mainKey); err != nil { // its refresh token is the one that the other has stored
			t.Error(err)
		}
		w.wantEvents("refresh", "ok", 2)
	})
}

func TestNothingIsNotedWhileARefreshIsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, m, seen := calledOnce(t)
		if err := w.org.Inject(orgtest.Fault{Path: tokenEndpoint, Delay: 5 * time.Second}); err != nil {
			t.Fatal(err)
		}
		renewed := make(chan error)
		go func() { renewed <- m.Renew(context.Background(), mainKey) }()
		time.Sleep(time.Second)
		before := seen.saves.n.Load()
		w.withhold(withholding["the API is off"].fault, 2)
		wantAsk(t, w, m, 403)
		time.Sleep(time.Second)
		if n := seen.saves.n.Load() - before; n != 0 {
			t.Errorf("%d writes while the refresh is under way", n)
		}
		if err := <-renewed; err != nil {
			t.Error(err)
		}
		time.Sleep(time.Minute)
		wantAsk(t, w, m, 403)
		time.Sleep(time.Minute)
		if c := listed(t, m); c.Status != oauthflow.StatusSuspended {
			t.Errorf("afterwards it is %q", c.Status)
		}
		w.wantEvents("refresh", "ok", 1)
	})
}

// A call of before is answered when the key has another login: that says nothing of this one.
func TestALateRefusalIsNotNotedOfALaterLogin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		m := w.manager()
		w.connect(m, mainKey)
		api := carrier(func(req *http.Request) (*http.Response, error) {
			w.connect(m, mainKey)
			return answered(403, apiError("API_DISABLED_FOR_ORG")), nil
		})
		if status, err := ask(t, w, m, api); status != 403 || err != nil {
			t.Fatalf("a call answers %d, %v", status, err)
		}
		time.Sleep(2 * time.Minute)
		wantStatus(t, m, oauthflow.StatusActive)
	})
}

func TestOtherRefusalsLeaveTheConnectionActive(t *testing.T) {
	const data = "/services/data/v66.0/query"
	for name, tt := range map[string]struct {
		status int
		url    string // from the instance URL
		media  string
		body   string
	}{
		"no access to an object":     {403, data, "application/json", apiError("INSUFFICIENT_ACCESS_OR_READONLY")},
		"a plain 403":                {403, data, "text/html", "<html>no</html>"},
		"long calls at once":         {403, data, "application/json", `[{"message":"ConcurrentPerOrgLongTxn Limit exceeded.","errorCode":"REQUEST_LIMIT_EXCEEDED"}]`},
		"another 503":                {503, data, "application/json", apiError("UNKNOWN_EXCEPTION")},
		"a 503 without words":        {503, data, "application/json", ""},
		"a customer's Apex code":     {503, "/services/apexrest/quota", "text/html", "<html>later</html>"},
		"the identity service":       {403, "/services/oauth2/userinfo", "application/json", apiError("API_DISABLED_FOR_ORG")},
		"the API's words with a 500": {500, data, "application/json", apiError("REQUEST_LIMIT_EXCEEDED")},
		"a foreign host":             {403, "https://files.example" + data, "application/json", apiError("API_DISABLED_FOR_ORG")},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := rotating(t)
				counted := &saves{Store: w.store}
				w.store = counted
				m := w.manager()
				w.connect(m, mainKey)
				wantAsk(t, w, m, 200)
				before := counted.n.Load()
				to := w.org.InstanceURL() + tt.url
				if strings.HasPrefix(tt.url, "https") {
					to = tt.url
				}
				req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, to, nil)
				if err != nil {
					t.Fatal(err)
				}
				req.Response = answered(302, "") // so that a foreign host is asked
				api := carrier(func(*http.Request) (*http.Response, error) {
					resp := answered(tt.status, tt.body)
					resp.Header.Set("Content-Type", tt.media)
					return resp, nil
				})
				resp, err := m.Source(mainKey).Transport(api).RoundTrip(req)
				if err != nil || resp.StatusCode != tt.status {
					t.Fatalf("got %v, %v", resp, err)
				}
				time.Sleep(2 * time.Minute)
				if n, c := counted.n.Load()-before, listed(t, m); n != 0 || c.Status != oauthflow.StatusActive {
					t.Errorf("%d writes, and it is %q, %v", n, c.Status, c.Fault)
				}
			})
		})
	}
}

// What works without the API, or whatever it says, does not show that the API is back.
func TestOnlyACallOfTheAPIShowsThatItIsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		m := w.manager()
		w.connect(m, mainKey)
		w.withhold(withholding["the API is off"].fault, 1)
		wantAsk(t, w, m, 403)
		for status, path := range map[int]string{
			200: "/services/oauth2/userinfo", 201: "/services/apexrest/quota", 202: "/services/data", 304: "/services/data/v66.0/query", 404: "/services/data/v66.0/none",
		} {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.org.InstanceURL()+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			api := carrier(func(*http.Request) (*http.Response, error) { return answered(status, "{}"), nil })
			if _, err := m.Source(mainKey).Transport(api).RoundTrip(req); err != nil {
				t.Fatal(err)
			}
			time.Sleep(2 * time.Minute)
			if c := listed(t, m); c.Status != oauthflow.StatusSuspended {
				t.Errorf("%d from %s, and it is %q", status, path, c.Status)
			}
		}
	})
}

func TestTheBodyOfARefusalIsHandedOnWhole(t *testing.T) {
	for _, size := range []int{0, 64<<10 - 1, 64 << 10, 64<<10 + 1, 300 << 10} {
		for _, status := range []int{403, 503} {
			t.Run(fmt.Sprint(status, " ", size), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := rotating(t)
					m := w.manager()
					w.connect(m, mainKey)
					code := map[int]string{403: "API_DISABLED_FOR_ORG", 503: "SERVER_UNAVAILABLE"}[status]
					want := []byte(apiError(code) + strings.Repeat(" ", size) + "\n")
					w.withhold(orgtest.Fault{Status: status, Header: asJSON, Body: string(want)}, 1)
					req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.org.InstanceURL()+"/services/data/v66.0/limits", nil)
					if err != nil {
						t.Fatal(err)
					}
					resp, err := m.Source(mainKey).Transport(w.org.RoundTripper()).RoundTrip(req)
					if err != nil {
						t.Fatal(err)
					}
					defer resp.Body.Close()
					if got, err := io.ReadAll(resp.Body); err != nil || !bytes.Equal(got, want) {
						t.Errorf("%d bytes of %d arrive, %v", len(got), len(want), err)
					}
					time.Sleep(time.Minute)
					wantStatus(t, m, oauthflow.StatusSuspended)
				})
			})
		}
	}
}
