package oauthflow_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

// once answers the first request so and the others with 200.
func once(status int, body string) func(int, *http.Request) *http.Response {
	return func(n int, _ *http.Request) *http.Response {
		if n == 1 {
			return answered(status, body)
		}
		return answered(200, "{}")
	}
}

func TestAnEndedSessionIsHealedByOneReplayOfTheRewoundBody(t *testing.T) {
	for name, answer := range map[string]func(int, *http.Request) *http.Response{
		"REST":     once(401, ended),
		"identity": once(403, "Bad_OAuth_Token"),
		"bulk":     once(400, `<error><exceptionCode>InvalidSessionId</exceptionCode></error>`),
		"bare":     once(401, ""),
	} {
		t.Run(name, func(t *testing.T) {
			f := &far{answer: answer}
			w, _, client := call(t, orgtest.Config{}, f)
			resp, err := client.Post(w.org.InstanceURL()+"/services/data", "text/plain", strings.NewReader("the whole body"))
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != 200 || len(f.requests) != 2 {
				t.Fatalf("status %d after %d requests, want 200 after 2", resp.StatusCode, len(f.requests))
			}
			if f.bodies[0] != "the whole body" || f.bodies[1] != "the whole body" {
				t.Errorf("bodies %q, want the same twice", f.bodies)
			}
			if b := f.bearers(); b[0] == b[1] {
				t.Error("the replay carried the dead token")
			}
			w.wantEvents("refresh", "ok", 1)
		})
	}
}

func TestARequestIsReplayedOnceAndNoMore(t *testing.T) {
	f := &far{answer: func(int, *http.Request) *http.Response { return answered(401, ended) }}
	w, _, client := call(t, orgtest.Config{}, f)
	resp, err := client.Get(w.org.InstanceURL() + "/x")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != 401 || string(body) != ended {
		t.Errorf("got %d %q (%v), want Salesforce's refusal whole", resp.StatusCode, body, err)
	}
	if len(f.requests) != 2 {
		t.Errorf("%d requests, want 2", len(f.requests))
	}
	w.wantEvents("refresh", "", 1)
}

func TestTwoDeadTokensInARowReachTheCallerOnceAndTheNextRequestIsHealed(t *testing.T) {
	f := &far{}
	w, s, client := call(t, orgtest.Config{}, f)
	idle := w.token(s)
	if err := w.manager().Renew(t.Context(), mainKey); err != nil { // another process
		t.Fatal(err)
	}
	stored := w.token(w.manager().Source(mainKey))
	f.answer = func(_ int, r *http.Request) *http.Response { // both have sat idle for too long
		if token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "); token == idle || token == stored {
			return answered(401, ended)
		}
		return answered(200, "{}")
	}
	for i, want := range []int{401, 200} {
		resp, err := client.Get(w.org.InstanceURL() + "/x")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want || len(f.requests) != 2*(i+1) {
			t.Errorf("request %d: status %d after %d requests, want %d after %d", i, resp.StatusCode, len(f.requests), want, 2*(i+1))
		}
	}
	w.wantEvents("refresh", "ok", 2)
}

func TestABodyThatCannotBeRewoundIsNotReplayedButTheNextRequestIsHealed(t *testing.T) {
	f := &far{answer: once(401, ended)}
	w, _, client := call(t, orgtest.Config{}, f)
	stream := io.MultiReader(strings.NewReader("a stream")) // net/http knows no way back
	resp, err := client.Post(w.org.InstanceURL()+"/x", "text/plain", stream)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil || resp.StatusCode != 401 || string(body) != ended {
		t.Errorf("got %d %q (%v), want the refusal whole", resp.StatusCode, body, err)
	}
	if len(f.requests) != 1 {
		t.Errorf("%d requests, want 1", len(f.requests))
	}
	resp, err = client.Get(w.org.InstanceURL() + "/x")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if b := f.bearers(); resp.StatusCode != 200 || b[0] == b[1] {
		t.Error("the next request carried the dead token")
	}
	w.wantEvents("refresh", "ok", 1)
}

func TestARefusalThatAFreshTokenDoesNotCureCausesNoRefresh(t *testing.T) {
	for _, tt := range []struct {
		status int
		body   string
	}{
		{401, `[{"message":"This session is not valid for use with the REST API","errorCode":"INVALID_SESSION_ID"}]`},
		{401, `[{"message":"INVALID_HEADER_TYPE","errorCode":"INVALID_AUTH_HEADER"}]`},
		{401, `[{"message":"Connected app is not attached to Agent","errorCode":"INVALID_SESSION_ID"}]`},
		{401, `[{"message":"","errorCode":"INVALID_ISS"}]`},
		{401, `[{"message":"","errorCode":"INVALID_ISSUER"}]`},
		{403, `[{"message":"The REST API is not enabled for this Organization","errorCode":"API_DISABLED_FOR_ORG"}]`},
		{403, "Wrong_Org"},
		{403, `[{"message":"TotalRequests Limit exceeded.","errorCode":"REQUEST_LIMIT_EXCEEDED"}]`},
		{400, `[{"errorCode":"MALFORMED_QUERY"}]`},
		{500, "oops"},
		{404, ""},
	} {
		t.Run(fmt.Sprint(tt.status, " ", tt.body), func(t *testing.T) {
			f := &far{answer: func(int, *http.Request) *http.Response { return answered(tt.status, tt.body) }}
			w, _, client := call(t, orgtest.Config{}, f)
			resp, err := client.Get(w.org.InstanceURL() + "/x")
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if err != nil || resp.StatusCode != tt.status || string(body) != tt.body {
				t.Errorf("got %d %q (%v), want the answer as it came", resp.StatusCode, body, err)
			}
			if len(f.requests) != 1 || w.wire.refreshes() != 0 {
				t.Errorf("%d requests and %d refreshes, want 1 and 0", len(f.requests), w.wire.refreshes())
			}
		})
	}
}

func TestManyRequestsThatMeetAnEndedSessionCauseOneRefresh(t *testing.T) {
	w := rotating(t)
	m := w.manager()
	w.connect(m, mainKey)
	client := &http.Client{Transport: m.Source(mainKey).Transport(w.org.RoundTripper())}
	w.org.ExpireSessions()
	var all sync.WaitGroup
	for range 200 {
		all.Go(func() {
			resp, err := client.Get(w.org.InstanceURL() + "/services/data/v66.0/limits")
			if err != nil {
				t.Error(err)
				return
			}
			resp.Body.Close()
			if resp.StatusCode == http.StatusUnauthorized {
				t.Error("a caller saw the ended session")
			}
		})
	}
	all.Wait()
	if n := w.wire.refreshes(); n != 1 {
		t.Errorf("%d refreshes, want 1", n)
	}
}

func mustRequest(t *testing.T, url string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

func TestTheDefaultTransportIsReadAtEachCall(t *testing.T) {
	w := rotating(t)
	m := w.manager()
	w.connect(m, mainKey)
	client := &http.Client{Transport: m.Source(mainKey).Transport(nil)}
	f := &far{}
	was := http.DefaultTransport
	http.DefaultTransport = f
	defer func() { http.DefaultTransport = was }()
	resp, err := client.Get(w.org.InstanceURL() + "/x")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if len(f.requests) != 1 {
		t.Error("a test double put in place later was not used")
	}
}

func TestARenamedMyDomainIsAdoptedAndTheOldHostIsRewritten(t *testing.T) {
	for _, loginHost := range []string{"login.salesforce.com", "acme.my.salesforce.com"} {
		t.Run("logging in at "+loginHost, func(t *testing.T) {
			w := rotating(t)
			seen := make(chan oauthflow.Event, 16)
			m := w.manager(func(c *oauthflow.ManagerConfig) { c.Observe = func(e oauthflow.Event) { seen <- e } })
			c := w.client()
			var err error
			if c.Host, err = oauthflow.ParseHost(loginHost); err != nil {
				t.Fatal(err)
			}
			redirect, err := m.Begin(t.Context(), mainKey, c, browser, oauthflow.AuthorizeOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := m.Complete(t.Context(), w.approve(mainKey, redirect)); err != nil {
				t.Fatal(err)
			}
			s := m.Source(mainKey)
			old := w.org.InstanceURL()
			if loginHost == "login.salesforce.com" {
				if err := w.org.RenameMyDomain("acme-corp"); err != nil {
					t.Fatal(err)
				}
			} else { // the org tells of its new address although it is asked at the old one
				w.wire.tap(nil, replaceIn(`"instance_url":"https://acme.my`, `"instance_url":"https://acme-corp.my`))
			}
			if _, err := s.Replace(t.Context(), w.token(s)); err != nil {
				t.Fatal(err)
			}
			now, err := s.InstanceURL(t.Context())
			if err != nil || now != "https://acme-corp.my.salesforce.com" {
				t.Fatalf("InstanceURL is %q (%v)", now, err)
			}
			f := &far{}
			resp, err := s.Transport(f).RoundTrip(mustRequest(t, old+"/services/data?q=1"))
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if got := f.requests[0].URL.String(); got != "https://acme-corp.my.salesforce.com/services/data?q=1" {
				t.Errorf("the request went to %s", got)
			}
			if f.requests[0].Header.Get("Authorization") == "" {
				t.Error("without the token")
			}
			for e := range seen {
				if e.Type == oauthflow.EventInstance {
					return
				}
			}
		})
	}
}
