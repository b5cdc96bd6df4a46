package oauthflow_test

import (
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/internal/needs"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

// unusedFor sets the Refresh Token Policy of the app, as an admin does in Setup; 0 days make it valid until revoked.
func (w *world) unusedFor(number, unit string) {
	w.t.Helper()
	for _, click := range [][2]string{
		{"refreshTokenPolicyType", ""}, {"refreshTokenValidityPeriod", number}, {"refreshTokenValidityUnit", unit},
		{"refreshTokenPolicyType", "SpecificInactivity"},
	} {
		if err := w.org.SetAppField("ExtlClntAppOauthConfigurablePolicies", appName+"_oauthPlcy", click[0], click[1]); err != nil {
			w.t.Fatal(err)
		}
	}
}

func TestTheKeepAliveRefreshesBeforeTheShortestIdlePeriodThatIsKnown(t *testing.T) {
	of := func(d time.Duration) func(oauthflow.Connection) time.Duration {
		return func(oauthflow.Connection) time.Duration { return d }
	}
	number := 0
	for name, c := range map[string]struct {
		configured   func(oauthflow.Connection) time.Duration
		read         []time.Duration // what SetIdlePeriod is told, in order
		number, unit string          // of the app's policy; empty: valid until revoked
		least, most  time.Duration   // between two refreshes
	}{
		"nothing is known":                          {nil, nil, "", "", 15 * day, 25 * day},
		"configured as none":                        {of(0), nil, "", "", 15 * day, 25 * day},
		"configured as less than none":              {of(-day), nil, "", "", 15 * day, 25 * day},
		"configured longer than Salesforce allows":  {of(90 * day), nil, "", "", 15 * day, 25 * day},
		"configured shorter":                        {of(10 * day), nil, "10", "Days", 5 * day, 9 * day},
		"the code that is asked panics":             {func(oauthflow.Connection) time.Duration { panic("of a test") }, nil, "", "", 15 * day, 25 * day},
		"an app of 7 days":                          {nil, []time.Duration{7 * day}, "7", "Days", 4 * day, 6 * day},
		"an app of 7 days, configured as none":      {of(0), []time.Duration{7 * day}, "7", "Days", 4 * day, 6 * day},
		"an app of 7 days, configured longer":       {of(20 * day), []time.Duration{7 * day}, "7", "Days", 4 * day, 6 * day},
		"an app of 20 days, configured shorter":     {of(10 * day), []time.Duration{20 * day}, "20", "Days", 5 * day, 9 * day},
		"an app of an hour":                         {nil, []time.Duration{time.Hour}, "1", "Hours", 30 * time.Minute, 55 * time.Minute},
		"an app of 45 days":                         {nil, []time.Duration{45 * day}, "45", "Days", 15 * day, 25 * day},
		"an app that got longer":                    {nil, []time.Duration{7 * day, 20 * day}, "20", "Days", 11 * day, 17 * day},
		"an app that is valid until revoked by now": {nil, []time.Duration{7 * day, 0}, "", "", 15 * day, 25 * day},
	} {
		if number++; !needs.OneIn(7, number) {
			continue
		}
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, orgtest.Config{RotateRefreshTokens: true})
				if c.number != "" {
					w.unusedFor(c.number, c.unit)
				}
				m := w.manager(func(cfg *oauthflow.ManagerConfig) { cfg.IdleLimit = c.configured })
				now := w.connect(m, mainKey)
				for _, period := range c.read {
					if err := m.SetIdlePeriod(t.Context(), mainKey, now.ConsumerKey, period); err != nil {
						t.Fatal(err)
					}
				}
				last := time.Now()
				w.keptAlive(3*c.most, m)
				refreshes := 0
				for _, e := range w.org.Ledger() {
					if e.Event != "refresh" {
						continue
					}
					refreshes++
					if idle := e.Time.Sub(last); e.Outcome != "ok" || idle < c.least || idle > c.most {
						t.Errorf("a refresh after %v ended %q, want ok after %v to %v", idle, e.Outcome, c.least, c.most)
					}
					last = e.Time
				}
				if refreshes < 2 {
					t.Errorf("%d refreshes", refreshes)
				}
				if now, err := m.Load(t.Context(), mainKey); err != nil || now.Status != oauthflow.StatusActive {
					t.Errorf("at the end it is %q, %v", now.Status, err)
				}
			})
		})
	}
}

func TestAnIdlePeriodIsStoredForTheAppThatItWasReadFrom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, orgtest.Config{Existing: appFiles("Second")})
		m := w.manager()
		now := w.connect(m, mainKey)
		due := func() time.Duration {
			t.Helper()
			r, err := w.store.Load(t.Context(), "connection/"+mainKey.Tenant+"/"+mainKey.Name)
			if err != nil {
				t.Fatal(err)
			}
			return time.Until(r.Due)
		}
		version := func() uint64 {
			r, err := w.store.Load(t.Context(), "connection/"+mainKey.Tenant+"/"+mainKey.Name)
			if err != nil {
				t.Fatal(err)
			}
			return r.Version
		}
		set := func(key string, period time.Duration) error {
			return m.SetIdlePeriod(t.Context(), mainKey, key, period)
		}
		before := version()
		for _, d := range []time.Duration{0, 30 * day, 400 * day} { // nothing shorter than what is taken anyway
			if err := set(now.ConsumerKey, d); err != nil || version() != before {
				t.Errorf("%v: %v, or it was saved", d, err)
			}
		}
		if err := set("another app's key", 7*day); err != nil || version() != before {
			t.Errorf("of another app: %v, or it was saved", err)
		}
		var e *oauthflow.Error
		if err := set(now.ConsumerKey, -1); !errors.As(err, &e) || e.Kind != oauthflow.KindInvalid {
			t.Errorf("a negative period: %v", err)
		}
		if err := m.SetIdlePeriod(t.Context(), oauthflow.Key{Tenant: "acme", Name: "none"}, now.ConsumerKey, day); !errors.As(err, &e) || e.Kind != oauthflow.KindNotConnected {
			t.Errorf("a missing connection: %v", err)
		}
		if err := m.SetIdlePeriod(t.Context(), oauthflow.Key{}, now.ConsumerKey, day); !errors.As(err, &e) || e.Kind != oauthflow.KindInvalid {
			t.Errorf("no key: %v", err)
		}
		if err := set(now.ConsumerKey, 7*day); err != nil || due() > 6*day || version() != before+1 {
			t.Errorf("%v, due in %v", err, due())
		}
		if err := set(now.ConsumerKey, 7*day); err != nil || version() != before+1 {
			t.Errorf("the same again: %v, or it was saved", err)
		}
		w.connect(m, mainKey)
		if due() > 6*day {
			t.Errorf("after a new login with the same app it is due in %v", due())
		}
		cb := w.beginWith(m, mainKey, w.clientOf("Second"))
		if _, err := m.Complete(t.Context(), cb); err != nil {
			t.Fatal(err)
		}
		if due() < 15*day {
			t.Errorf("after a login with another app it is due in %v", due())
		}
	})
}

// What Salesforce answers is the same for every ended refresh token; what is known of its use tells them apart.
func TestARefreshTokenThatNobodyUsedForTooLongIsSaidToHaveEndedForThat(t *testing.T) {
	const dead = `{"error":"invalid_grant","error_description":"expired access/refresh token"}`
	const limit = "where the org's idle limit is on, Salesforce ends a refresh token after 30 days without use"
	for name, c := range map[string]struct {
		unused, period time.Duration
		body           string
		says           string // in Error and Sentence; empty: nothing of an idle limit
		replay         int    // events
	}{
		"after 34 days":                   {34*day + time.Hour, 0, dead, "was not used for 34 days; " + limit, 0},
		"after 30 days":                   {30 * day, 0, dead, "was not used for 30 days; " + limit, 0},
		"in other words":                  {31 * day, 0, `{"error":"invalid_grant","error_description":"token validity expired"}`, "was not used for 31 days; " + limit, 0},
		"after 9 days, an app of 7":       {9 * day, 7 * day, dead, "was not used for 9 days; the app's Refresh Token Policy ends a refresh token after 7 days without use", 0},
		"after 3 hours, an app of 1 hour": {3 * time.Hour, time.Hour, dead, "was not used for 3 hours; the app's Refresh Token Policy ends a refresh token after 1 hour without use", 0},
		"after 29 days":                   {29 * day, 0, dead, "", 1},
		"after 6 days, an app of 7":       {6 * day, 7 * day, dead, "", 1},
		"for another reason":              {34 * day, 0, `{"error":"wrong_version"}`, "", 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, orgtest.Config{RotateRefreshTokens: true, SessionTimeout: 1000 * day})
				var mu sync.Mutex
				seen := map[oauthflow.EventType]int{}
				m := w.manager(func(cfg *oauthflow.ManagerConfig) {
					cfg.Observe = func(e oauthflow.Event) {
						mu.Lock()
						defer mu.Unlock()
						seen[e.Type]++
					}
				})
				now := w.connect(m, mainKey)
				if err := m.Renew(t.Context(), mainKey); err != nil { // it rotates
					t.Fatal(err)
				}
				if err := m.SetIdlePeriod(t.Context(), mainKey, now.ConsumerKey, c.period); err != nil {
					t.Fatal(err)
				}
				time.Sleep(c.unused)
				w.wire.tap(nil, denies(c.body))
				err := m.Renew(t.Context(), mainKey)
				later, loadErr := m.Load(t.Context(), mainKey)
				if loadErr != nil || later.Fault == nil {
					t.Fatalf("%+v, %v", later, loadErr)
				}
				for what, err := range map[string]error{"the call": err, "the record": later.Fault} {
					var e *oauthflow.Error
					if !errors.As(err, &e) || e.Kind != oauthflow.KindGrantDead {
						t.Fatalf("%s: %v", what, err)
					}
					text := e.Error() + "\n" + e.Sentence()
					if n := strings.Count(text, "without use"); (n == 2) != (c.says != "") || strings.Count(text, c.says) < 2 {
						t.Errorf("%s: %s\nwant %q", what, text, c.says)
					}
				}
				synctest.Wait()
				mu.Lock()
				defer mu.Unlock()
				if seen[oauthflow.EventReplay] != c.replay || seen[oauthflow.EventBroken] != 1 {
					t.Errorf("events %v, want %d of a suspected replay", seen, c.replay)
				}
			})
		})
	}
}

func TestAnAdoptedRefreshTokenThatIsDeadMayHaveEndedForWantOfUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, orgtest.Config{})
		token := w.inherited()
		time.Sleep(31 * day) // the former owner has not refreshed
		_, err := w.manager().Adopt(t.Context(), mainKey, w.client(), token)
		var e *oauthflow.Error
		if !errors.As(err, &e) || e.Kind != oauthflow.KindGrantDead {
			t.Fatalf("%v", err)
		}
		for _, part := range []string{"revoked, expired, or pushed out", "not known when the refresh token was used last", "30 days without use."} {
			if !strings.Contains(e.Sentence(), part) {
				t.Errorf("%q is not in: %s", part, e.Sentence())
			}
		}
	})
}

func TestOnTheDayOfEnforcementEveryConnectionInUseIsRefreshedOnceAndGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, orgtest.Config{Release: orgtest.Summer26, RotateRefreshTokens: true, SessionTimeout: 1000 * day})
		one, two := w.manager(), w.manager()
		w.connect(one, mainKey)
		idle := oauthflow.Key{Tenant: "acme", Name: "idle"}
		w.connect(one, idle)
		time.Sleep(31 * day)
		w.token(one.Source(mainKey))
		if err := one.Renew(t.Context(), mainKey); err != nil {
			t.Fatal(err)
		}
		before := w.wire.refreshes()
		if err := w.org.Upgrade(orgtest.Winter27); err != nil {
			t.Fatal(err)
		}
		for _, m := range []*oauthflow.Manager{one, two, one, two} {
			client := &http.Client{Transport: m.Source(mainKey).Transport(w.wire)}
			resp, err := client.Get(w.org.InstanceURL() + "/services/data/v66.0/limits")
			if err != nil || resp.StatusCode != http.StatusOK {
				t.Fatalf("a call: %v, %v", resp, err)
			}
			resp.Body.Close()
		}
		if n := w.wire.refreshes() - before; n != 1 {
			t.Errorf("%d refreshes of the connection in use, want 1", n)
		}
		if _, err := two.Source(idle).Replace(t.Context(), w.token(two.Source(idle))); err == nil || !strings.Contains(err.Error(), "not used for 31 days") {
			t.Errorf("the one that nobody had used: %v", err)
		}
		w.keptAlive(time.Duration(needs.Size(40, 16))*day, one, two)
		if now, err := two.Load(t.Context(), mainKey); err != nil || now.Status != oauthflow.StatusActive {
			t.Errorf("at the end it is %q, %v", now.Status, err)
		}
	})
}
