package oauthflow_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/internal/needs"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// denies answers every token request with a refusal.
func denies(body string) func(*http.Response) (*http.Response, error) {
	return func(resp *http.Response) (*http.Response, error) {
		resp.Body.Close()
		return answered(http.StatusBadRequest, body), nil
	}
}

func TestWhatIsRefusedIsAskedAboutSeldomAndASuspensionsEndIsSeenWithinAnHour(t *testing.T) {
	number := 0
	for name, c := range map[string]struct {
		body         string
		idle         time.Duration
		days         int
		least, most  int // requests meanwhile
		healsUnasked bool
	}{
		"suspended":                           {`{"error":"invalid_grant","error_description":"ip restricted"}`, 30 * day, 5, 100, 130, true},
		"suspended, no idle limit configured": {`{"error":"invalid_grant","error_description":"ip restricted"}`, 0, 5, 100, 130, true},
		"broken":                              {`{"error":"invalid_client","error_description":"invalid client credentials"}`, 30 * day, 40, 10, 25, false},
		"nobody knows why":                    {`{"error":"odd","error_description":"odd"}`, 30 * day, 25, 1, 190, false},
	} {
		if number++; !needs.OneIn(4, number) {
			continue
		}
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, orgtest.Config{})
				idle := func(cfg *oauthflow.ManagerConfig) {
					cfg.IdleLimit = func(oauthflow.Connection) time.Duration { return c.idle }
				}
				m, other := w.manager(idle), w.manager(idle)
				w.connect(m, mainKey)
				w.wire.tap(nil, denies(c.body))
				if err := m.Renew(t.Context(), mainKey); err == nil {
					t.Fatal("it was not refused")
				}
				before := w.wire.refreshes()
				w.keptAlive(time.Duration(c.days)*day, m, other)
				if n := w.wire.refreshes() - before; n < c.least || n > c.most {
					t.Errorf("in %d days it was asked about %d times, want %d to %d", c.days, n, c.least, c.most)
				}
				if !c.healsUnasked {
					return
				}
				w.wire.tap(nil, nil)
				w.keptAlive(65*time.Minute, m)
				if now, err := other.Load(t.Context(), mainKey); err != nil || now.Status != oauthflow.StatusActive {
					t.Errorf("an hour after the switch it is %q, %v", now.Status, err)
				}
				settled := w.wire.refreshes()
				w.keptAlive(5*day, m, other)
				if n := w.wire.refreshes() - settled; n != 0 {
					t.Errorf("it was asked about %d times after it had healed", n)
				}
			})
		})
	}
}

func TestARevocationThatCannotBeConfirmedIsTriedLessAndLessOften(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, orgtest.Config{})
		m := w.manager()
		w.connect(m, mainKey)
		var asked atomic.Int64
		away := w.manager(func(c *oauthflow.ManagerConfig) {
			c.Flow = w.flow(carrier(func(*http.Request) (*http.Response, error) {
				asked.Add(1)
				return nil, errors.New("the network is down")
			}))
		})
		if err := away.Disconnect(t.Context(), mainKey); err == nil {
			t.Fatal("the revocation was confirmed")
		}
		w.keptAlive(2*day, away)
		if n := asked.Load(); n < 40 || n > 60 {
			t.Errorf("asked %d times in two days, want about once an hour", n)
		}
		w.keptAlive(65*time.Minute, m)
		if _, err := m.Load(t.Context(), mainKey); kindOf(err) != oauthflow.KindNotConnected {
			t.Errorf("an hour after the network is back: %v", err)
		}
	})
}

func TestARestoredConnectionThatNobodyCanJudgeIsAskedAboutOnceAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		w.connect(w.manager(), mainKey)
		var asked atomic.Int64
		restored := w.manager(func(c *oauthflow.ManagerConfig) {
			c.StoreEpoch = "restored"
			c.Flow = w.flow(carrier(func(r *http.Request) (*http.Response, error) {
				if strings.HasSuffix(r.URL.Path, "/introspect") {
					asked.Add(1)
					return answered(http.StatusUnauthorized, `{"error":"invalid_client"}`), nil
				}
				return w.wire.RoundTrip(r)
			}))
		})
		time.Sleep(25 * day)
		w.keptAlive(day, restored)
		if n := asked.Load(); n < 10 || n > 30 {
			t.Errorf("asked %d times in a day, want about once an hour", n)
		}
		if n := w.wire.refreshes(); n != 0 {
			t.Errorf("%d refreshes of a token that may be an old one", n)
		}
	})
}

// stuck is a store of which the first call of one kind hangs until it is given up.
type stuck struct {
	tokenstore.Store
	list bool
	once atomic.Bool
}

func (s *stuck) Load(ctx context.Context, id string) (tokenstore.Record, error) {
	if !s.list && s.once.CompareAndSwap(false, true) {
		<-ctx.Done()
		return tokenstore.Record{}, ctx.Err()
	}
	return s.Store.Load(ctx, id)
}

func (s *stuck) List(ctx context.Context, prefix string, before time.Time) iter.Seq2[tokenstore.Record, error] {
	if s.list && s.once.CompareAndSwap(false, true) {
		return func(yield func(tokenstore.Record, error) bool) {
			<-ctx.Done()
			yield(tokenstore.Record{}, ctx.Err())
		}
	}
	return s.Store.List(ctx, prefix, before)
}

func TestAStoreCallThatHangsDoesNotEndTheKeepAlive(t *testing.T) {
	for _, list := range []bool{false, true} {
		t.Run(fmt.Sprintf("list %v", list), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := rotating(t)
				w.connect(w.manager(), mainKey)
				time.Sleep(25 * day)
				hangs := &stuck{Store: w.store, list: list}
				w.keptAlive(time.Hour, w.manager(func(c *oauthflow.ManagerConfig) { c.Store = hangs }))
				if !hangs.once.Load() {
					t.Error("no call hung")
				}
				w.wantEvents("refresh", "ok", 1)
			})
		})
	}
}

func TestAdoptingAgainWithAnotherClientLosesNoRefreshThatWasUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		m, again := w.manager(), w.manager()
		old, first := w.inherited(), w.client()
		second := first
		second.Kind = oauthflow.ConnectedAppKind
		w.wire.tap(nil, slowly(20*time.Second))
		ended := make(chan error, 1)
		go func() { _, err := m.Adopt(t.Context(), mainKey, first, old); ended <- err }()
		time.Sleep(time.Second)
		w.wire.tap(nil, nil)
		if _, err := again.Adopt(t.Context(), mainKey, second, old); err != nil {
			t.Errorf("adopted again: %v", err)
		}
		if err := <-ended; err != nil {
			t.Errorf("the first: %v", err)
		}
		for range 2 {
			if err := again.Renew(t.Context(), mainKey); err != nil {
				t.Errorf("afterwards: %v", err)
			}
		}
		if c, err := m.Load(t.Context(), mainKey); err != nil || c.Kind != second.Kind || c.Status != oauthflow.StatusActive {
			t.Errorf("the connection: %+v, %v", c, err)
		}
		w.wantEvents("refresh", "reuse", 0)
		w.wantEvents("revoke", "", 0)
	})
}

func TestANewLoginHostIsTriedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		m := w.manager()
		host := func() oauthflow.Host {
			h, err := oauthflow.ParseHost(w.org.InstanceURL())
			if err != nil {
				t.Fatal(err)
			}
			return h
		}
		c := w.client()
		c.Host = host()
		if _, err := m.Complete(t.Context(), w.beginWith(m, mainKey, c)); err != nil {
			t.Fatal(err)
		}
		if err := w.org.RenameMyDomain("renamed"); err != nil {
			t.Fatal(err)
		}
		w.wire.tap(nil, func(resp *http.Response) (*http.Response, error) {
			if resp.StatusCode == http.StatusFound { // to where no token request is sent
				resp.Header.Set("Location", "https://renamed.my.site.com/services/oauth2/token")
			}
			return resp, nil
		})
		for range 12 {
			time.Sleep(time.Minute)
			if err := m.Renew(t.Context(), mainKey); kindOf(err) != oauthflow.KindInvalid {
				t.Fatalf("with the host that redirects: %v", err)
			}
		}
		c.Host = host()
		if err := m.SetClient(t.Context(), mainKey, c); err != nil {
			t.Fatal(err)
		}
		if err := m.Renew(t.Context(), mainKey); err != nil {
			t.Errorf("with the new host: %v", err)
		}
	})
}

func TestAnErrorOfAForeignTransportThatQuotesTheTokenIsNotHandedOn(t *testing.T) {
	w := rotating(t)
	m := w.manager()
	w.connect(m, mainKey)
	access := w.token(m.Source(mainKey))
	plain := errors.New("the proxy is in a bad mood")
	for _, quote := range []bool{true, false} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.org.InstanceURL()+"/services/data/v66.0/limits", nil)
		if err != nil {
			t.Fatal(err)
		}
		_, err = m.Source(mainKey).Transport(carrier(func(r *http.Request) (*http.Response, error) {
			if quote {
				return nil, fmt.Errorf("%w: sent %v", plain, r.Header)
			}
			return nil, plain
		})).RoundTrip(req)
		if err == nil || strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, errors.Unwrap(err)), access) {
			t.Errorf("quoting %v: %v", quote, err)
		}
		if errors.Is(err, plain) == quote {
			t.Errorf("quoting %v: got %v", quote, err)
		}
	}
}
