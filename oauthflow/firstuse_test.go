package oauthflow_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

// refusalsOfSessions are answers that refuse each session, by the form of its token.
var refusalsOfSessions = []struct {
	name, form, body string
}{
	{"an opaque token", "opaque", ended},
	{"an opaque token, without a word", "opaque", ""},
	{"a JWT", "JWT", `[{"message":"INVALID_JWT_FORMAT","errorCode":"INVALID_AUTH_HEADER"}]`},
}

func TestTokensThatAreRefusedAtTheirFirstUseSuspendTheConnectionHoweverFarApartTheCallsAre(t *testing.T) {
	for _, refused := range refusalsOfSessions {
		for _, pause := range []time.Duration{10 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute, 10 * time.Minute, 3 * time.Hour} {
			for _, processes := range []int{1, 2} {
				t.Run(fmt.Sprint(refused.name, ", every ", pause, ", processes: ", processes), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						f := &far{answer: func(int, *http.Request) *http.Response { return answered(401, refused.body) }}
						w, _, _ := issued(t, refused.form, f)
						clients := w.processes(processes, f)
						suspended, bare := 0, 0
						for i := range 40 {
							resp, err := clients[i%processes].Get(w.org.InstanceURL() + apiPath)
							if err == nil {
								resp.Body.Close()
							}
							is, loadErr := w.manager().Load(t.Context(), mainKey)
							switch {
							case loadErr != nil:
								t.Fatal(loadErr)
							case is.Status == oauthflow.StatusSuspended:
								suspended++
								if is.Fault == nil || is.Fault.Kind != oauthflow.KindFreshRefused {
									t.Fatalf("call %d: suspended for %v", i, is.Fault)
								}
								if err == nil {
									bare++
								}
							case suspended > 0:
								t.Fatalf("call %d: the suspension has ended, and no token was accepted", i)
							}
							if err != nil {
								wantKind(t, err, oauthflow.KindFreshRefused)
							}
							time.Sleep(pause)
						}
						if n := w.wire.refreshes(); suspended == 0 && n > 5 || n == 0 {
							t.Errorf("%d refreshes, and the connection is not suspended", n)
						}
						if bare >= processes { // each other process is told once of the stored token's refusal
							t.Errorf("%d calls of a suspended connection were told that the session has ended", bare)
						}
						if most := 10 + int(40*pause/(16*time.Minute)); w.wire.refreshes() > min(most, 40) {
							t.Errorf("%d refreshes for 40 calls, want %d at most", w.wire.refreshes(), most)
						}
					})
				})
			}
		}
	}
}

// A body that cannot be read again is sent once: the fresh token is used first by the next call.
func TestTokensThatAreRefusedAtTheirFirstUseByTheNextCallAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &far{answer: func(int, *http.Request) *http.Response { return answered(401, ended) }}
		w, _, client := issued(t, "opaque", f)
		for range 40 {
			resp, err := client.Post(w.org.InstanceURL()+apiPath, "text/csv", io.MultiReader(strings.NewReader("a,b")))
			if err == nil {
				resp.Body.Close()
			}
			time.Sleep(40 * time.Second)
		}
		if n := w.wire.refreshes(); n < 1 || n > 10 {
			t.Errorf("%d refreshes for 40 calls, want few", n)
		}
	})
}

// Each session is accepted, and ends between two calls.
func TestSessionsOfAShortLifetimeNeverSuspendTheConnection(t *testing.T) {
	for _, form := range []string{"opaque", "JWT"} {
		for _, processes := range []int{1, 3} {
			t.Run(fmt.Sprint(form, ", processes: ", processes), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					began := map[string]time.Time{} // by bearer: its first use
					f := &far{}
					f.answer = func(n int, r *http.Request) *http.Response {
						f.mu.Lock()
						defer f.mu.Unlock()
						bearer := r.Header.Get("Authorization")
						if at, used := began[bearer]; used && time.Since(at) > 15*time.Minute {
							return answered(401, ended)
						}
						if began[bearer].IsZero() {
							began[bearer] = time.Now()
						}
						return answered(200, "{}")
					}
					w, _, _ := issued(t, form, f)
					clients := w.processes(processes, f)
					for i := range 60 {
						call200(t, clients[i%processes], "")
						time.Sleep(20 * time.Minute)
					}
					if is, err := w.manager().Load(t.Context(), mainKey); err != nil || is.Status != oauthflow.StatusActive {
						t.Errorf("it is %q, %v", is.Status, err)
					}
				})
			})
		}
	}
}

// A fresh token is refused now and then, and each time the next one is accepted; the processes live for one call each.
func TestAnAcceptedTokenResetsTheCountOfThoseThatWereRefusedAtTheirFirstUse(t *testing.T) {
	for _, lives := range []string{"one process", "a process for each call"} {
		t.Run(lives, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &far{}
				w := newWorld(t, orgtest.Config{RotateRefreshTokens: true})
				_, client := w.issued("opaque", f)
				for i := range 30 {
					if lives != "one process" {
						client = w.processes(1, f)[0]
					}
					switch i % 3 {
					case 0: // its token has ended, and the fresh one is refused
						f.say(func(int, *http.Request) *http.Response { return answered(401, ended) })
					case 1: // that one has, and the next one is accepted
						n := 0
						f.say(func(int, *http.Request) *http.Response {
							if n++; n == 1 {
								return answered(401, ended)
							}
							return answered(200, "{}")
						})
					default:
						f.say(nil)
					}
					resp, err := client.Get(w.org.InstanceURL() + apiPath)
					if err != nil {
						t.Fatalf("call %d: %v", i, err)
					}
					resp.Body.Close()
					time.Sleep(20 * time.Minute)
				}
			})
		})
	}
}

// What is refused at once to one process is accepted of another, whose address the org allows.
func TestATokenThatAnotherProcessUsesIsNotCountedForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &far{answer: func(int, *http.Request) *http.Response { return answered(401, ended) }}
		w, _, outside := issued(t, "opaque", f)
		inside := &http.Client{Transport: w.manager().Source(mainKey).Transport(&far{})}
		for i := range 12 {
			resp, err := outside.Get(w.org.InstanceURL() + apiPath)
			if err != nil {
				var e *oauthflow.Error
				if errors.As(err, &e) {
					t.Fatalf("round %d: %v", i, e)
				}
				t.Fatal(err)
			}
			resp.Body.Close()
			time.Sleep(time.Minute)
			call200(t, inside, "")
			synctest.Wait()
			time.Sleep(time.Minute)
		}
	})
}

// The list of versions is answered whatever session it carries: it is no sign that one is accepted.
func TestTheListOfVersionsEndsNoSuspensionOfTokensThatAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &far{answer: func(_ int, r *http.Request) *http.Response {
			if r.URL.Path == "/services/data/" {
				return answered(200, `[{"version":"66.0"}]`)
			}
			return answered(401, ended)
		}}
		w, _, _ := issued(t, "opaque", f)
		client := w.processes(1, f)[0]
		suspended := false
		for i := range 40 {
			for _, path := range []string{"/services/data/", apiPath} {
				if resp, err := client.Get(w.org.InstanceURL() + path); err == nil {
					resp.Body.Close()
				}
			}
			is, err := w.manager().Load(t.Context(), mainKey)
			if err != nil {
				t.Fatal(err)
			}
			if suspended && is.Status != oauthflow.StatusSuspended {
				t.Fatalf("call %d: the suspension has ended, and no token was accepted", i)
			}
			suspended = is.Status == oauthflow.StatusSuspended
			time.Sleep(10 * time.Second)
		}
		if !suspended {
			t.Errorf("%d refreshes, and the connection is not suspended", w.wire.refreshes())
		}
	})
}
