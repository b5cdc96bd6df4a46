package oauthflow_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

const (
	oldName = "acme.my.salesforce.com"
	newName = "acme-corp.my.salesforce.com"
)

// renamedTo answers for the old name with a redirect to the same path of another host, and for every other with {}.
func renamedTo(status int, host string) *far {
	return &far{answer: func(_ int, r *http.Request) *http.Response {
		if r.URL.Host == oldName {
			return answered(status, "moved", "Location", "https://"+host+r.URL.RequestURI())
		}
		return answered(200, "{}")
	}}
}

// to returns the hosts that were asked, in order.
func (f *far) to() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var hosts []string
	for _, r := range f.requests {
		hosts = append(hosts, r.URL.Host)
	}
	return join(hosts)
}

// careful is a client that follows no redirect that would do harm.
func careful(rt http.RoundTripper) *http.Client {
	return &http.Client{Transport: rt, CheckRedirect: oauthflow.CheckRedirect}
}

func rename(t *testing.T, w *world, r orgtest.Rename) {
	t.Helper()
	r.Name = "acme-corp"
	if err := w.org.Rename(r); err != nil {
		t.Fatal(err)
	}
}

func TestARequestThatTheOldMyDomainRedirectsIsSentOnceMoreToTheNewOneAsItWas(t *testing.T) {
	for _, status := range []int{301, 302, 303, 307, 308} {
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPatch, http.MethodDelete} {
			t.Run(fmt.Sprint(status, " ", method), func(t *testing.T) {
				f := renamedTo(status, newName)
				w, s, _ := call(t, orgtest.Config{}, f)
				rename(t, w, orgtest.Rename{})
				var body io.Reader
				want := ""
				if method == http.MethodPost || method == http.MethodPatch {
					want = "the whole body"
					body = strings.NewReader(want)
				}
				req, err := http.NewRequest(method, "https://"+oldName+"/services/data/v66.0/x?q=1", body)
				if err != nil {
					t.Fatal(err)
				}
				req.Header.Set("X-Mine", "1")
				for name, client := range map[string]*http.Client{"a careful client": careful(s.Transport(f)), "net/http's own": {Transport: s.Transport(f)}} {
					resp, err := client.Do(req)
					if err != nil {
						t.Fatalf("%s: %v", name, err)
					}
					resp.Body.Close()
					if resp.StatusCode != 200 {
						t.Errorf("%s: status %d", name, resp.StatusCode)
					}
					if req.GetBody != nil {
						req.Body, _ = req.GetBody()
					}
				}
				if got := f.to(); got != join([]string{oldName, newName, newName}) { // the second goes there at once
					t.Errorf("asked %s", got)
				}
				for i, r := range f.requests {
					if r.Method != method || f.bodies[i] != want || r.URL.RequestURI() != "/services/data/v66.0/x?q=1" || r.Header.Get("X-Mine") != "1" || r.Header.Get("Authorization") == "" {
						t.Errorf("request %d: %s %s with %q", i, r.Method, r.URL.RequestURI(), f.bodies[i])
					}
				}
				if b := f.bearers(); b[0] == b[1] || b[1] != b[2] {
					t.Error("the repeated request did not carry the fresh token")
				}
				w.wantEvents("refresh", "", 1)
				if n := f.open.Load(); n != 0 {
					t.Errorf("%d bodies are left open", n)
				}
			})
		}
	}
}

func TestARedirectStormCausesOneRefreshAcrossManagers(t *testing.T) {
	for name, cfg := range map[string]orgtest.Config{"a new access token": {RotateRefreshTokens: true}, "the same one again": {SameToken: true}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cfg.RefreshTime = time.Second
				w := newWorld(t, cfg)
				var sources []*oauthflow.Source
				for range 4 {
					sources = append(sources, w.manager().Source(mainKey))
				}
				w.connect(w.manager(), mainKey)
				for _, s := range sources {
					w.token(s)
				}
				f := renamedTo(307, newName)
				rename(t, w, orgtest.Rename{KeepSessions: true})
				var all sync.WaitGroup
				for i := range 200 {
					all.Go(func() {
						client := careful(sources[i%4].Transport(f))
						for range 3 {
							resp, err := client.Post("https://"+oldName+"/services/data", "text/plain", strings.NewReader("body"))
							if err != nil {
								t.Error(err)
								return
							}
							resp.Body.Close()
							if resp.StatusCode != 200 {
								t.Errorf("status %d", resp.StatusCode)
							}
						}
					})
				}
				all.Wait()
				w.wantEvents("refresh", "ok", 1)
				w.wantEvents("refresh", "", 1)
			})
		})
	}
}

func TestABodyThatCannotBeReadAgainIsATypedErrorAndNeverAnEmptyRequest(t *testing.T) {
	nothing := func() (io.ReadCloser, error) { return nil, nil }
	fails := func() (io.ReadCloser, error) { return nil, errors.New("the file is gone") }
	for name, getBody := range map[string]func() (io.ReadCloser, error){"no GetBody": nil, "one that fails": fails, "one that returns nothing": nothing} {
		for _, gone := range []bool{false, true} {
			t.Run(fmt.Sprint(name, ", gone ", gone), func(t *testing.T) {
				f := renamedTo(302, newName)
				w, s, _ := call(t, orgtest.Config{}, f)
				rename(t, w, orgtest.Rename{})
				client := careful(s.Transport(vanishing{f, gone}))
				req, err := http.NewRequest(http.MethodPost, "https://"+oldName+"/services/data", io.MultiReader(strings.NewReader("a stream")))
				if err != nil {
					t.Fatal(err)
				}
				req.GetBody = getBody
				_, err = client.Do(req)
				if e := wantKind(t, err, oauthflow.KindInvalid); !strings.Contains(e.Error(), "Request.GetBody") || e.Host != newName {
					t.Errorf("got %v", e)
				}
				if strings.Contains(f.to(), newName) {
					t.Error("something was sent to the new host")
				}
				resp, err := client.Post("https://"+oldName+"/services/data", "text/plain", io.MultiReader(strings.NewReader("a stream")))
				if err != nil {
					t.Fatal(err)
				}
				resp.Body.Close()
				if last := len(f.bodies) - 1; resp.StatusCode != 200 || f.bodies[last] != "a stream" || f.requests[last].URL.Host != newName {
					t.Errorf("the next request: %d %q", resp.StatusCode, f.bodies[last])
				}
				w.wantEvents("refresh", "", 1)
				if n := f.open.Load(); n != 0 {
					t.Errorf("%d bodies are left open", n)
				}
			})
		}
	}
}

// vanishing is a network in which the old name does not exist, if gone.
type vanishing struct {
	far  *far
	gone bool
}

func (v vanishing) RoundTrip(r *http.Request) (*http.Response, error) {
	if v.gone && r.URL.Host == oldName {
		closed(r)
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: r.URL.Host, IsNotFound: true}}
	}
	return v.far.RoundTrip(r)
}

func closed(r *http.Request) {
	if r.Body != nil {
		r.Body.Close()
	}
}

func TestAHostThatIsGoneCausesOneRefreshAndTheRequestGoesToTheNewOne(t *testing.T) {
	f := &far{}
	w, s, _ := call(t, orgtest.Config{}, f)
	rename(t, w, orgtest.Rename{Gone: true})
	client := careful(s.Transport(vanishing{f, true}))
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			resp, err := client.Post("https://"+oldName+"/services/data", "text/plain", strings.NewReader("body"))
			if err != nil {
				t.Error(err)
				return
			}
			resp.Body.Close()
		})
	}
	all.Wait()
	for i, b := range f.bodies {
		if b != "body" || f.requests[i].URL.Host != newName || f.requests[i].Method != http.MethodPost {
			t.Errorf("%s to %s with %q", f.requests[i].Method, f.requests[i].URL.Host, b)
		}
	}
	if len(f.bodies) != 50 {
		t.Errorf("%d requests arrived, want 50", len(f.bodies))
	}
	w.wantEvents("refresh", "", 1)
}

// wantFewRefreshes asks an org that has not moved, though an answer says so, again and again: each access token is refreshed once, and
// once more after an hour.
func (w *world) wantFewRefreshes(s *oauthflow.Source, f *far, ask func()) {
	w.t.Helper()
	for range 20 {
		ask()
	}
	w.wantEvents("refresh", "", 1)
	if _, err := s.Replace(w.t.Context(), w.token(s)); err != nil { // its session has ended
		w.t.Fatal(err)
	}
	ask()
	w.wantEvents("refresh", "", 2)
	time.Sleep(61 * time.Minute)
	ask()
	ask()
	w.wantEvents("refresh", "", 3)
	if strings.Contains(f.to(), newName) {
		w.t.Error("the new host was asked")
	}
}

func TestWhereARefreshNamesTheSameHostTheAnswerGoesToTheCallerAndNoMoreRefreshes(t *testing.T) {
	for _, gone := range []bool{false, true} {
		t.Run(fmt.Sprint("gone ", gone), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := renamedTo(307, newName) // and the org knows nothing of that
				w, s, _ := call(t, orgtest.Config{}, f)
				client := careful(s.Transport(vanishing{f, gone}))
				ask := func() {
					t.Helper()
					resp, err := client.Post("https://"+oldName+"/services/data", "text/plain", strings.NewReader("body"))
					if gone {
						if e := wantKind(t, err, oauthflow.KindNotSent); !errors.Is(e, oauthflow.ErrNoSuchHost) {
							t.Errorf("got %v", e)
						}
						return
					}
					if err != nil {
						t.Fatal(err)
					}
					body, err := io.ReadAll(resp.Body)
					resp.Body.Close()
					if err != nil || resp.StatusCode != 307 || string(body) != "moved" || !strings.Contains(resp.Header.Get("Location"), newName) {
						t.Errorf("got %d %q (%v), want the answer as it came", resp.StatusCode, body, err)
					}
				}
				w.wantFewRefreshes(s, f, ask)
			})
		})
	}
}

func TestARedirectThatSaysNothingOfTheOrgsAddressComesBackAsItIs(t *testing.T) {
	for _, location := range []string{
		"https://login.salesforce.com/services/data", "https://test.salesforce.com/?ec=302", "https://acme.file.force.com/sfc/1",
		"https://acme--c.na1.content.force.com/sfc/1", "https://acme.documentforce.com/sfc/1", "https://acme.my.site.com/s", "https://acme.force.com/s",
		"https://acme.my.salesforce-sites.com/x", "https://acme.lightning.force.com/one/one.app", "https://acme.my.salesforce-setup.com/x",
		"https://evil.example/services/data", "https://acme.my.sfcrmproducts.cn/services/data", "https://agency.my.salesforce.mil/services/data",
		"http://" + newName + "/services/data", "https://" + newName + ":8443/services/data", "https://x@" + newName + "/services/data",
		"https://www.salesforce.com/", "https://api.salesforce.com/x", "//" + newName + "/services/data", "/services/other", "https://" + oldName + "/services/other", "", "https://%zz/",
		"https://" + oldName + "/services/data", "https://" + strings.ToUpper(oldName) + ".:443/services/data", // itself
	} {
		t.Run(location, func(t *testing.T) {
			f := &far{answer: func(int, *http.Request) *http.Response { return answered(307, "moved", "Location", location) }}
			w, s, _ := call(t, orgtest.Config{}, f)
			resp, err := s.Transport(f).RoundTrip(mustRequest(t, "https://"+oldName+"/services/data"))
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if err != nil || resp.StatusCode != 307 || string(body) != "moved" || len(f.requests) != 1 {
				t.Errorf("got %d %q (%v) after %d requests", resp.StatusCode, body, err, len(f.requests))
			}
			w.wantEvents("refresh", "", 0)
		})
	}
}

func TestNetHTTPTurnsNoPostIntoAGetAtAnotherAPIHost(t *testing.T) {
	f := renamedTo(302, newName) // the refresh names the same host again, so that the redirect comes back
	_, s, client := call(t, orgtest.Config{}, f)
	_, err := client.Post("https://"+oldName+"/services/data", "text/plain", strings.NewReader("body"))
	if e := wantKind(t, err, oauthflow.KindInvalid); !strings.Contains(e.Error(), "CheckRedirect") {
		t.Errorf("got %v", e)
	}
	resp, err := careful(s.Transport(f)).Post("https://"+oldName+"/services/data", "text/plain", strings.NewReader("body"))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 302 || strings.Contains(f.to(), newName) {
		t.Errorf("status %d; asked %s", resp.StatusCode, f.to())
	}
}

// With rotation, the refresh token of a lost answer is spent. An access token that is good for no host is not waited for.
func TestARedirectAfterALostAnswerEndsInTheTrueReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		m := w.manager()
		w.connect(m, mainKey)
		rename(t, w, orgtest.Rename{})
		if err := w.org.Inject(orgtest.Fault{Path: tokenEndpoint, Drop: orgtest.DropAfter}); err != nil {
			t.Fatal(err)
		}
		client := careful(m.Source(mainKey).Transport(w.org.RoundTripper()))
		var err error
		for range 20 {
			var resp *http.Response
			if resp, err = client.Get("https://" + oldName + "/services/data/v66.0/limits"); err == nil {
				resp.Body.Close()
			}
			if kindOf(err) == oauthflow.KindGrantDead {
				break
			}
			time.Sleep(time.Minute)
		}
		if e := wantKind(t, err, oauthflow.KindGrantDead); !strings.Contains(e.Error(), "its answer was lost") || !strings.Contains(e.Error(), newName) {
			t.Errorf("got %v", e)
		}
		if now, err := m.Load(t.Context(), mainKey); err != nil || now.Status != oauthflow.StatusBroken {
			t.Errorf("got %v, %v", now.Status, err)
		}
	})
}

func TestAnInstanceThatRedirectsIsNoHostToConnectAt(t *testing.T) {
	f := renamedTo(302, "na139.salesforce.com")
	w, s, _ := call(t, orgtest.Config{}, f)
	if err := w.org.RevokeAll(appName); err != nil {
		t.Fatal(err)
	}
	_, err := careful(s.Transport(f)).Get("https://" + oldName + "/services/data")
	if e := wantKind(t, err, oauthflow.KindGrantDead); !e.MovedTo.IsZero() || !strings.Contains(e.Error(), "My Domain changed") {
		t.Errorf("got %v", e)
	}
}

// A redirect is no proof that a session works.
func TestARedirectDoesNotCountAsAnAcceptedAccessToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		m := w.manager()
		w.connect(m, mainKey)
		s := m.Source(mainKey)
		n := 0
		f := &far{answer: func(int, *http.Request) *http.Response {
			if n++; n%3 == 2 {
				return answered(302, "", "Location", "https://login.salesforce.com/?ec=302")
			}
			return answered(401, ended)
		}}
		var err error
		for range 30 {
			var resp *http.Response
			if resp, err = s.Transport(f).RoundTrip(mustRequest(t, "https://"+oldName+"/services/data")); err == nil {
				resp.Body.Close()
			}
		}
		wantKind(t, err, oauthflow.KindFreshRefused)
	})
}

// Nor is the login page at which a redirect ends.
func TestALoginPageAfterARedirectDoesNotCountAsAnAcceptedAccessToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		m := w.manager()
		w.connect(m, mainKey)
		n := 0
		f := &far{answer: func(_ int, r *http.Request) *http.Response {
			if r.URL.Path == "/" {
				return answered(200, "<html>log in</html>", "Content-Type", "text/html")
			}
			if n++; n%3 == 2 {
				return answered(302, "", "Location", "/?ec=302&startURL=x")
			}
			return answered(401, ended)
		}}
		client := careful(m.Source(mainKey).Transport(f))
		var err error
		for range 30 {
			var resp *http.Response
			if resp, err = client.Get("https://" + oldName + apiPath); err == nil {
				resp.Body.Close()
			}
		}
		wantKind(t, err, oauthflow.KindFreshRefused)
	})
}
