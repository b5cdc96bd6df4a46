package oauthflow_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

// processes are clients of one connection, each over a manager of its own.
func (w *world) processes(n int, f http.RoundTripper) []*http.Client {
	w.t.Helper()
	var all []*http.Client
	for range n {
		s := w.manager().Source(mainKey)
		w.token(s)
		all = append(all, careful(s.Transport(f)))
	}
	return all
}

func TestEveryCallWhoseJWTsAreRefusedIsATypedErrorInEveryProcess(t *testing.T) {
	for _, callers := range []int{1, 5} {
		for _, pause := range []time.Duration{0, 20 * time.Second, time.Minute, 7 * time.Minute} {
			t.Run(fmt.Sprint(callers, " callers, every ", pause), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					f := &far{}
					w, _, _ := issued(t, "JWT", f)
					clients := w.processes(4, f)
					f.say(refuseJWTs)
					for round := range 12 {
						for i, client := range clients {
							var all sync.WaitGroup
							for range callers {
								all.Go(func() {
									resp, err := client.Get(w.org.InstanceURL() + apiPath)
									if err == nil {
										resp.Body.Close()
										t.Errorf("round %d, process %d: status %d without an error", round, i, resp.StatusCode)
										return
									}
									wantKind(t, err, oauthflow.KindFreshRefused)
								})
							}
							all.Wait()
							time.Sleep(pause / 4)
						}
					}
					if n := w.wire.refreshes(); n < 1 || pause <= time.Minute && n > 8 {
						t.Errorf("%d refreshes of 4 processes within %v, want few", n, 12*pause)
					}
				})
			})
		}
	}
}

func TestProcessesWhoseJWTIsRefusedAtOnceRefreshOnceTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &far{}
		w, _, _ := issued(t, "JWT", f)
		clients := w.processes(4, f)
		f.say(refuseJWTs)
		var all sync.WaitGroup
		for _, client := range clients {
			for range 10 {
				all.Go(func() {
					_, err := client.Get(w.org.InstanceURL() + apiPath)
					wantKind(t, err, oauthflow.KindFreshRefused)
				})
			}
		}
		all.Wait()
		if n := w.wire.refreshes(); n != 1 {
			t.Errorf("%d refreshes, want 1", n)
		}
	})
}

// What a process knows of a token that another has stored lasts as long as what it knows of its own.
func TestAProcessWhoseStoredJWTIsRefusedTriesAnotherAfterAPauseThatGrows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &far{}
		w, _, _ := issued(t, "JWT", f)
		clients := w.processes(2, f)
		f.say(refuseJWTs)
		for _, client := range clients {
			_, err := client.Get(w.org.InstanceURL() + apiPath)
			wantKind(t, err, oauthflow.KindFreshRefused)
		}
		var at []time.Duration
		began, seen := time.Now(), w.wire.refreshes()
		for range 30 {
			time.Sleep(20 * time.Second)
			_, err := clients[1].Get(w.org.InstanceURL() + apiPath)
			wantKind(t, err, oauthflow.KindFreshRefused)
			if n := w.wire.refreshes(); n != seen {
				seen = n
				at = append(at, time.Since(began).Round(time.Minute))
			}
		}
		if got, want := fmt.Sprint(at), fmt.Sprint([]time.Duration{time.Minute, 3 * time.Minute, 7 * time.Minute}); got != want {
			t.Errorf("it has refreshed after %s, want %s", got, want)
		}
	})
}

// A refresh may bring the very same access token, whose session it has renewed. What processes have sent with it before says nothing
// of the renewed one.
func TestProcessesWithOneAccessTokenRefreshItOnceAlsoWhereItStaysTheSame(t *testing.T) {
	for name, start := range map[string]func(*sync.WaitGroup, func()){
		"at once":             func(all *sync.WaitGroup, f func()) { all.Go(f) },
		"one after the other": func(_ *sync.WaitGroup, f func()) { f() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, orgtest.Config{})
				w.connect(w.manager(), mainKey)
				same := w.token(w.manager().Source(mainKey))
				w.wire.tap(nil, replaceIn(`"access_token":"`, `"access_token":"`+same+`","ignored":"`))
				asked := map[string]bool{}
				f := &far{}
				f.answer = func(_ int, r *http.Request) *http.Response {
					f.mu.Lock()
					defer f.mu.Unlock()
					if who := r.Header.Get("Traceparent"); !asked[who] { // each process has sent it before it was renewed
						asked[who] = true
						return answered(401, ended)
					}
					return answered(200, "{}")
				}
				clients := w.processes(4, f)
				for round := 1; round <= 3; round++ {
					for i, client := range clients { // all have what is stored
						asked[fmt.Sprint("before ", round, i)] = true
						call200(t, client, fmt.Sprint("before ", round, i))
					}
					var all sync.WaitGroup
					for i, client := range clients {
						start(&all, func() { call200(t, client, fmt.Sprint(round, i)) })
					}
					all.Wait()
					if n := w.wire.refreshes(); n != round {
						t.Errorf("%d refreshes after round %d", n, round)
					}
					time.Sleep(2 * time.Minute)
				}
			})
		})
	}
}

func TestASessionThatEndsAgainAfterItsRenewalIsRenewedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, orgtest.Config{})
		w.connect(w.manager(), mainKey)
		same := w.token(w.manager().Source(mainKey))
		w.wire.tap(nil, replaceIn(`"access_token":"`, `"access_token":"`+same+`","ignored":"`))
		n := 0
		f := &far{answer: func(int, *http.Request) *http.Response {
			if n++; n%2 == 1 {
				return answered(401, ended)
			}
			return answered(200, "{}")
		}}
		clients := w.processes(2, f)
		for i := range 6 {
			call200(t, clients[i%2], "")
			if got := w.wire.refreshes(); got > i+1 || got < i/2 {
				t.Errorf("%d refreshes after %d ended sessions", got, i+1)
			}
			time.Sleep(2 * time.Minute)
		}
		if got := w.wire.refreshes(); got != 6 {
			t.Errorf("%d refreshes for 6 ended sessions", got)
		}
	})
}

func call200(t *testing.T, client *http.Client, who string) {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, "https://"+oldName+apiPath, http.NoBody)
	if err != nil {
		t.Error(err)
		return
	}
	req.Header.Set("Traceparent", who)
	resp, err := client.Do(req)
	if err != nil || resp.StatusCode != 200 {
		t.Errorf("the caller got %v", err)
		return
	}
	resp.Body.Close()
}

// A JWT that has not ended is refused for another reason than its age, however long ago it was issued.
func TestJWTsThatAreRefusedBeforeTheirEndAreNotReplacedForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &far{}
		w, _, _ := issued(t, "a JWT of two hours", f)
		clients := w.processes(4, f)
		f.say(refuseJWTs)
		calls := 0
		for range 20 {
			for _, client := range clients {
				calls++
				if resp, err := client.Get(w.org.InstanceURL() + apiPath); err == nil {
					resp.Body.Close()
				}
				time.Sleep(105 * time.Second)
			}
		}
		if n := w.wire.refreshes(); n > calls/4 {
			t.Errorf("%d refreshes for %d calls, want few", n, calls)
		}
		if now, err := w.manager().Load(t.Context(), mainKey); err != nil || now.Status != oauthflow.StatusSuspended {
			t.Errorf("it is %q, %v; want suspended", now.Status, err)
		}
	})
}
