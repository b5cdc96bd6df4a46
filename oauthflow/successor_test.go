package oauthflow_test

import (
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-resty/resty/v2"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

const apiPath = "/services/data/v66.0/limits"

// only refuses the bearers of some access tokens as malformed.
func only(refused ...string) func(int, *http.Request) *http.Response {
	return func(n int, r *http.Request) *http.Response {
		for _, access := range refused {
			if r.Header.Get("Authorization") == "Bearer "+access {
				return refuseJWTs(n, r)
			}
		}
		return answered(200, "{}")
	}
}

// say changes what the API answers from now on.
func (f *far) say(answer func(int, *http.Request) *http.Response) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answer = answer
}

// holdRefresh holds the next refresh, and those after it, until it is let go, and tells when one is there.
func (w *world) holdRefresh() (there <-chan struct{}, letGo func()) {
	arrived, free := make(chan struct{}, 8), make(chan struct{})
	w.wire.mu.Lock()
	defer w.wire.mu.Unlock()
	w.wire.before = func(*http.Request) error {
		select {
		case arrived <- struct{}{}:
		default: // enough are told of
		}
		<-free
		return nil
	}
	return arrived, func() { close(free) }
}

// For each caller of the refresh, the fresh JWT is issued for the one that was refused as malformed meanwhile.
func TestAFreshJWTIsKnownForOneHoweverItsRefreshBegan(t *testing.T) {
	replace := func(t *testing.T, m *oauthflow.Manager, stale string) error {
		_, err := m.Source(mainKey).Replace(t.Context(), stale)
		return err
	}
	renew := func(t *testing.T, m *oauthflow.Manager, _ string) error { return m.Renew(t.Context(), mainKey) }
	for name, c := range map[string]struct {
		other func(*testing.T, *oauthflow.Manager, string) error
		first bool // the other begins the refresh
	}{
		"by Replace":                      {replace, true},
		"by the request, Replace waiting": {replace, false},
		"by Renew":                        {renew, true},
		"by the request, Renew waiting":   {renew, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				answer := make(chan struct{})
				f := &far{answer: func(n int, r *http.Request) *http.Response {
					<-answer
					return refuseJWTs(n, r)
				}}
				w, _, _ := issued(t, "JWT", f)
				m := w.manager()
				stale, client := w.token(m.Source(mainKey)), &http.Client{Transport: m.Source(mainKey).Transport(f)}
				refused := func() {
					_, err := client.Get(w.org.InstanceURL() + apiPath)
					wantKind(t, err, oauthflow.KindFreshRefused)
				}
				there, letGo := w.holdRefresh()
				var all sync.WaitGroup
				all.Go(refused)
				synctest.Wait() // it has sent the stale token
				steps := []func(){func() { close(answer) }, func() {
					all.Go(func() {
						if err := c.other(t, m, stale); err != nil {
							t.Error(err)
						}
					})
				}}
				if c.first {
					slices.Reverse(steps)
				}
				steps[0]()
				<-there
				steps[1]()
				synctest.Wait()
				letGo()
				all.Wait()
				refused()
				if n := w.wire.refreshes(); n != 1 {
					t.Errorf("%d refreshes, want 1", n)
				}
			})
		})
	}
}

func TestACallerWhoseOldTokenIsRefusedLateGetsTheFreshOneWithoutARefresh(t *testing.T) {
	for name, c := range map[string]struct {
		form   string
		refuse func(int, *http.Request) *http.Response
	}{
		"a JWT, as malformed": {"JWT", refuseJWTs},
		"a JWT":               {"JWT", func(int, *http.Request) *http.Response { return answered(401, ended) }},
		"an opaque token":     {"opaque", func(int, *http.Request) *http.Response { return answered(401, ended) }},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &far{}
				w, s, client := issued(t, c.form, f)
				stale, late := w.token(s), make(chan struct{})
				f.answer = func(n int, r *http.Request) *http.Response {
					if r.Header.Get("Authorization") != "Bearer "+stale {
						return answered(200, "{}")
					}
					if n == 1 {
						<-late
					}
					return c.refuse(n, r)
				}
				get := func() {
					resp, err := client.Get(w.org.InstanceURL() + apiPath)
					if err != nil || resp.StatusCode != 200 {
						t.Errorf("the caller got %v", err)
						return
					}
					resp.Body.Close()
				}
				var all sync.WaitGroup
				all.Go(get)
				synctest.Wait()
				for range 3 {
					get()
				}
				close(late)
				all.Wait()
				if n := w.wire.refreshes(); n != 1 {
					t.Errorf("%d refreshes, want 1", n)
				}
			})
		})
	}
}

// Salesforce may renew the session of a token instead of issuing another.
func TestACallerWhoseJWTIsRefusedLateSendsItAgainWhereItWasRenewedMeanwhile(t *testing.T) {
	for name, later := range map[string]time.Duration{"at once": 0, "when the store is to be asked again": 45 * time.Second} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &far{}
				w, s, client := issued(t, "JWT", f)
				w.wire.tap(nil, replaceIn(`"access_token":"`, `"ignored":"","access_token":"`+w.token(s)+`","was":"`))
				late := make(chan struct{})
				f.answer = func(n int, r *http.Request) *http.Response {
					if n == 1 {
						<-late
					}
					if n <= 2 {
						return refuseJWTs(n, r)
					}
					return answered(200, "{}")
				}
				get := func() {
					resp, err := client.Get(w.org.InstanceURL() + apiPath)
					if err != nil || resp.StatusCode != 200 {
						t.Errorf("the caller got %v", err)
						return
					}
					resp.Body.Close()
				}
				var all sync.WaitGroup
				all.Go(get)
				synctest.Wait()
				get()
				time.Sleep(later)
				close(late)
				all.Wait()
				if n := w.wire.refreshes(); n != 1 {
					t.Errorf("%d refreshes, want 1", n)
				}
			})
		})
	}
}

func TestFiftyCallersWithOneEndedSessionCauseOneRefreshAlsoWhereTheFreshOneIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sent sync.WaitGroup
		sent.Add(50)
		f := &far{answer: func(n int, _ *http.Request) *http.Response {
			if n <= 50 {
				sent.Done()
				sent.Wait() // nobody is refused before all have sent the same token
			}
			return answered(401, ended)
		}}
		w, _, client := issued(t, "opaque", f)
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				resp, err := client.Get(w.org.InstanceURL() + apiPath)
				if err != nil || resp.StatusCode != 401 {
					t.Errorf("the caller got %v", err)
					return
				}
				resp.Body.Close()
			})
		}
		all.Wait()
		if n := w.wire.refreshes(); n != 1 {
			t.Errorf("%d refreshes, want 1", n)
		}
	})
}

func TestAFreshJWTThatWasAcceptedAndIsRefusedAMomentLaterHasEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &far{}
		w, s, client := issued(t, "JWT", f)
		get := func() {
			t.Helper()
			resp, err := client.Get(w.org.InstanceURL() + apiPath)
			if err != nil || resp.StatusCode != 200 {
				t.Fatalf("the caller got %v", err)
			}
			resp.Body.Close()
		}
		first := w.token(s)
		f.say(only(first))
		get()
		f.say(only(first, w.token(s))) // an admin has ended the session
		get()
		if n := w.wire.refreshes(); n != 2 {
			t.Errorf("%d refreshes, want 2", n)
		}
	})
}

// The record does not say what a token was issued for: a process that finds it without a refusal of the one before learns it by a
// refresh of its own.
func TestProcessesThatFindAJWTThatIsRefusedRefreshOnceEach(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &far{answer: refuseJWTs}
		w, _, first := issued(t, "JWT", f)
		clients := []*http.Client{first}
		for range 2 {
			clients = append(clients, &http.Client{Transport: w.manager().Source(mainKey).Transport(f)})
		}
		for range 20 {
			for _, client := range clients {
				if resp, err := client.Get(w.org.InstanceURL() + apiPath); err == nil {
					resp.Body.Close()
				}
			}
		}
		if n := w.wire.refreshes(); n != len(clients) {
			t.Errorf("%d refreshes, want %d", n, len(clients))
		}
	})
}

func TestAClientThatRetriesSeveralTimesCausesOneRefresh(t *testing.T) {
	f := &far{answer: refuseJWTs}
	w, _, client := issued(t, "JWT", f)
	_, err := resty.NewWithClient(client).SetLogger(mute{}).SetRetryCount(4).SetRetryWaitTime(1).SetRetryMaxWaitTime(1).R().
		Get(w.org.InstanceURL() + apiPath)
	wantKind(t, err, oauthflow.KindFreshRefused)
	if n := w.wire.refreshes(); n != 1 {
		t.Errorf("%d refreshes, want 1", n)
	}
}

func TestARejectedTokenIsNotHandedOutAgainWhereAnotherIsRejectedMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, s, _ := issued(t, "opaque", &far{})
		stale := w.token(s)
		if err := w.org.Inject(orgtest.Fault{Path: tokenEndpoint, Times: -1, Status: http.StatusServiceUnavailable}); err != nil {
			t.Fatal(err)
		}
		there, letGo := w.holdRefresh()
		var all sync.WaitGroup
		all.Go(func() { _, _ = s.Replace(t.Context(), stale) })
		<-there
		all.Go(func() { _, _ = s.Replace(t.Context(), "00DTEST000000001!AQ0of.long.ago") })
		synctest.Wait()
		letGo()
		all.Wait()
		if tok, err := s.TokenContext(t.Context()); err == nil && tok.AccessToken == stale {
			t.Error("the rejected token was handed out again")
		}
	})
}

// The refusal of a token that another process has replaced says nothing of what a renewal brings later.
func TestARenewedJWTIsIssuedForNoneThatAnotherProcessHadReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &far{}
		w, _, _ := issued(t, "JWT", f)
		m, other := w.manager(), w.manager()
		s, client := m.Source(mainKey), &http.Client{Transport: m.Source(mainKey).Transport(f)}
		get := func() {
			t.Helper()
			resp, err := client.Get(w.org.InstanceURL() + apiPath)
			if err != nil || resp.StatusCode != 200 {
				t.Fatalf("the caller got %v", err)
			}
			resp.Body.Close()
		}
		stale := w.token(s)
		if err := other.Renew(t.Context(), mainKey); err != nil {
			t.Fatal(err)
		}
		f.say(only(stale))
		get()
		if err := m.Renew(t.Context(), mainKey); err != nil {
			t.Fatal(err)
		}
		f.say(only(w.token(s)))
		get()
		if n := w.wire.refreshes(); n != 3 {
			t.Errorf("%d refreshes, want 3", n)
		}
	})
}

func TestThePauseAfterARefusedJWTIsDoubledAlsoWhereReplaceWaitsForTheNextOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, s, client := issued(t, "JWT", &far{answer: refuseJWTs})
		wantPause := func(least time.Duration) {
			_, err := client.Get(w.org.InstanceURL() + apiPath)
			if e := wantKind(t, err, oauthflow.KindFreshRefused); e.RetryAfter <= least || e.RetryAfter > 2*least {
				t.Errorf("none is refreshed for %v, want more than %v", e.RetryAfter, least)
			}
		}
		wantPause(30 * time.Second)
		refused := w.token(s)
		time.Sleep(time.Minute)
		there, letGo := w.holdRefresh()
		var all sync.WaitGroup
		all.Go(func() { wantPause(time.Minute) })
		<-there
		all.Go(func() { _, _ = s.Replace(t.Context(), refused) })
		synctest.Wait()
		letGo()
		all.Wait()
	})
}

func TestAFreshJWTIsKnownForOneWhileARenewalHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &far{answer: refuseJWTs}
		w, _, _ := issued(t, "JWT", f)
		m := w.manager()
		client := &http.Client{Transport: m.Source(mainKey).Transport(f)}
		_, err := client.Get(w.org.InstanceURL() + apiPath)
		wantKind(t, err, oauthflow.KindFreshRefused)
		there, letGo := w.holdRefresh()
		var all sync.WaitGroup
		all.Go(func() { _ = m.Renew(t.Context(), mainKey) })
		<-there
		time.Sleep(35 * time.Second) // what is handed out is made last longer, as the store cannot have another
		began := time.Now()
		time.AfterFunc(5*time.Second, letGo)
		_, err = client.Get(w.org.InstanceURL() + apiPath)
		wantKind(t, err, oauthflow.KindFreshRefused)
		if time.Since(began) > 0 {
			t.Error("the caller has waited for the renewal")
		}
		all.Wait()
	})
}
