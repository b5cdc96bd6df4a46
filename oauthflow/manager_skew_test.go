package oauthflow_test

import (
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

// off returns a manager of a process whose clock is off.
func (w *world) off(by time.Duration) *oauthflow.Manager {
	w.t.Helper()
	var skew atomic.Int64
	skew.Store(int64(by))
	return w.manager(func(c *oauthflow.ManagerConfig) { c.Flow = w.skewed(&skew) })
}

func TestClocksOfTwoProcessesMayBeFiveMinutesApart(t *testing.T) {
	const limit = 5 * time.Minute
	for name, apart := range map[string]time.Duration{
		"five minutes behind": -limit, "90 s behind": -90 * time.Second, "equal": 0, "90 s ahead": 90 * time.Second, "five minutes ahead": limit,
	} {
		for what, do := range map[string]func(t *testing.T, w *world, one, other *oauthflow.Manager){
			"a login that one begins, the other completes, and shows again": func(t *testing.T, w *world, one, other *oauthflow.Manager) {
				cb := w.begin(one, mainKey)
				time.Sleep(2 * time.Second)
				if _, err := other.Complete(t.Context(), cb); err != nil { // with an id_token by Salesforce's clock
					t.Fatalf("two seconds after it began: %v", err)
				}
				for range 2 {
					for _, m := range []*oauthflow.Manager{one, other} {
						if _, err := m.Complete(t.Context(), cb); err != nil {
							t.Errorf("its result: %v", err)
						}
					}
					time.Sleep(4 * time.Minute)
				}
			},
			"the result of a login, for ten minutes": func(t *testing.T, w *world, one, other *oauthflow.Manager) {
				for _, m := range []*oauthflow.Manager{one, other} { // also the other way round
					cb := w.begin(m, mainKey)
					if _, err := m.Complete(t.Context(), cb); err != nil {
						t.Fatal(err)
					}
					w.keptAlive(resultAge-time.Second, one, other)
					for _, reader := range []*oauthflow.Manager{one, other} {
						if _, err := reader.Complete(t.Context(), cb); err != nil {
							t.Errorf("asked by the process that completed it (%t): %v", reader == m, err)
						}
					}
				}
			},
			"a login that takes nine minutes while both look after the store": func(t *testing.T, w *world, one, other *oauthflow.Manager) {
				redirect, err := one.Begin(t.Context(), mainKey, w.client(), browser, oauthflow.AuthorizeOptions{LoginHint: w.user})
				if err != nil {
					t.Fatal(err)
				}
				w.keptAlive(9*time.Minute, one, other)
				if _, err := other.Complete(t.Context(), w.approve(mainKey, redirect)); err != nil {
					t.Error(err)
				}
			},
			"a pause that Salesforce asks one for is as long for the other": func(t *testing.T, w *world, one, other *oauthflow.Manager) {
				w.connect(one, mainKey)
				w.wantPause(t, one, other, orgtest.Fault{Path: tokenEndpoint, Status: 503, Header: http.Header{"Retry-After": {"30"}}}, 30*time.Second)
			},
			"a pause after a refusal is as long for the other": func(t *testing.T, w *world, one, other *oauthflow.Manager) {
				w.connect(one, mainKey)
				w.wantPause(t, one, other, orgtest.Fault{Path: tokenEndpoint, Status: 400, Body: `{"error":"invalid_grant","error_description":"ip restricted"}`}, 30*time.Second)
			},
		} {
			t.Run(what+", "+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := rotating(t)
					do(t, w, w.manager(), w.off(apart))
				})
			})
		}
	}
}

// wantPause checks that after a refusal to one process the other asks again, once the pause is over, and gets a token.
func (w *world) wantPause(t *testing.T, one, other *oauthflow.Manager, refusal orgtest.Fault, most time.Duration) {
	t.Helper()
	for _, m := range []*oauthflow.Manager{one, other} { // also the other way round
		time.Sleep(time.Hour)
		dead := w.token(m.Source(mainKey))
		w.org.ExpireSessions()
		if err := w.org.Inject(refusal); err != nil {
			t.Fatal(err)
		}
		if _, err := m.Source(mainKey).Replace(t.Context(), dead); err == nil {
			t.Fatal("it was not refused")
		}
		began := time.Now()
		next := other
		if m == other {
			next = one
		}
		for {
			_, err := next.Source(mainKey).Replace(t.Context(), dead)
			if err == nil {
				break
			}
			var e *oauthflow.Error
			if errors.As(err, &e) && e.RetryAfter > most {
				t.Errorf("it is told to wait %v of a pause of %v at most", e.RetryAfter, most)
			}
			if time.Since(began) > most+15*time.Second {
				t.Errorf("after %v: %v", time.Since(began), err)
				return
			}
			time.Sleep(time.Second)
		}
	}
}

func TestALoginOfAClockThatIsFurtherAheadThanClocksMayBeHasExpired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		cb := w.begin(w.manager(), mainKey)
		_, err := w.off(-5*time.Minute-time.Second).Complete(t.Context(), cb)
		wantKind(t, err, oauthflow.KindState)
	})
}

func TestAnAppIsNewByATimeThatItsClockMayHaveSaid(t *testing.T) {
	for name, row := range map[string]struct {
		created time.Duration // from now
		isNew   bool
	}{
		"not known":                      {created: 0},
		"an hour ago":                    {created: -time.Hour},
		"29 minutes ago":                 {created: -29 * time.Minute, isNew: true},
		"a second ago":                   {created: -time.Second, isNew: true},
		"five minutes ahead":             {created: 5 * time.Minute, isNew: true},
		"six minutes ahead":              {created: 6 * time.Minute},
		"nine hours ahead, a time zone":  {created: 9 * time.Hour},
		"ten years ahead, a wrong clock": {created: 10 * 365 * 24 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := rotating(t)
				c := w.client()
				if row.created != 0 {
					c.Created = time.Now().Add(row.created)
				}
				m := w.manager()
				refuse := func() {
					if err := w.org.Inject(orgtest.Fault{Path: tokenEndpoint, Status: 400, Body: `{"error":"invalid_client_id","error_description":"client identifier invalid"}`}); err != nil {
						t.Fatal(err)
					}
				}
				cb := w.beginWith(m, mainKey, c)
				refuse()
				_, err := m.Complete(t.Context(), cb)
				if e := wantKind(t, err, oauthflow.KindAppMissing); e.AppIsNew != row.isNew || (e.RetryAfter > 0) != row.isNew {
					t.Errorf("at the login the app is new: %v, again in %v; want %v", e.AppIsNew, e.RetryAfter, row.isNew)
				}
				if _, err := m.Complete(t.Context(), w.beginWith(m, mainKey, c)); err != nil {
					t.Fatal(err)
				}
				refuse()
				if err := m.Renew(t.Context(), mainKey); err == nil {
					t.Fatal("it was not refused")
				}
				want := oauthflow.StatusBroken
				if row.isNew {
					want = oauthflow.StatusSuspended
				}
				if got, err := m.Load(t.Context(), mainKey); err != nil || got.Status != want || got.Fault.AppIsNew != row.isNew {
					t.Errorf("the connection is %q, %v; want %q", got.Status, err, want)
				}
			})
		})
	}
}

// Salesforce's Retry-After may be a date, by the clock that has written the answer's Date.
func TestARetryAfterThatIsADateIsByTheClockThatWroteIt(t *testing.T) {
	for name, apart := range map[string]time.Duration{"five minutes behind": -5 * time.Minute, "equal": 0, "five minutes ahead": 5 * time.Minute} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := rotating(t)
				m := w.off(apart)
				w.connect(m, mainKey)
				now := time.Now().UTC()
				if err := w.org.Inject(orgtest.Fault{Path: tokenEndpoint, Status: 503, Header: http.Header{
					"Date": {now.Format(http.TimeFormat)}, "Retry-After": {now.Add(40 * time.Second).Format(http.TimeFormat)},
				}}); err != nil {
					t.Fatal(err)
				}
				dead := w.token(m.Source(mainKey))
				w.org.ExpireSessions()
				_, err := m.Source(mainKey).Replace(t.Context(), dead)
				if e := wantKind(t, err, oauthflow.KindBusy); e.RetryAfter > 41*time.Second || e.RetryAfter < 30*time.Second {
					t.Errorf("again in %v, want 40 s", e.RetryAfter)
				}
			})
		})
	}
}
