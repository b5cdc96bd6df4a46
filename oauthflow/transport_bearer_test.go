package oauthflow_test

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fullcast/sfauth/internal/needs"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

// far is the far end of a connection's transport: it notes each request and answers by a script, else with 200.
type far struct {
	mu       sync.Mutex
	requests []*http.Request
	bodies   []string
	answer   func(n int, r *http.Request) *http.Response
	open     atomic.Int32 // bodies that nobody has closed
}

func (f *far) RoundTrip(r *http.Request) (*http.Response, error) {
	body := ""
	if r.Body != nil {
		b, err := io.ReadAll(r.Body)
		r.Body.Close()
		if err != nil {
			return nil, err
		}
		body = string(b)
	}
	f.mu.Lock()
	f.requests, f.bodies = append(f.requests, r), append(f.bodies, body)
	n := len(f.requests)
	f.mu.Unlock()
	resp := answered(200, "{}")
	if f.answer != nil {
		resp = f.answer(n, r)
	}
	if resp == nil {
		return nil, errCut
	}
	resp.Request = r
	f.open.Add(1)
	resp.Body = &watched{ReadCloser: resp.Body, closed: func() { f.open.Add(-1) }}
	return resp, nil
}

func (f *far) bearers() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []string
	for _, r := range f.requests {
		out = append(out, r.Header.Get("Authorization"))
	}
	return out
}

type watched struct {
	io.ReadCloser
	closed func()
	once   sync.Once
}

func (w *watched) Close() error { w.once.Do(w.closed); return w.ReadCloser.Close() }

func answered(status int, body string, header ...string) *http.Response {
	h := http.Header{}
	for i := 0; i < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body)), ProtoMajor: 1, ProtoMinor: 1}
}

const ended = `[{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}]`

// call is a connected world with a client whose requests end at f.
func call(t *testing.T, cfg orgtest.Config, f *far) (*world, *oauthflow.Source, *http.Client) {
	t.Helper()
	cfg.RotateRefreshTokens = true
	w := newWorld(t, cfg)
	m := w.manager()
	w.connect(m, mainKey)
	s := m.Source(mainKey)
	return w, s, &http.Client{Transport: s.Transport(f)}
}

func TestTheBearerGoesToTheConnectionsOwnHostsOnly(t *testing.T) {
	f := &far{}
	_, s, _ := call(t, orgtest.Config{}, f)
	rt := s.Transport(f)
	for _, raw := range hostileURLs() {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://x.invalid", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		if req.URL, err = req.URL.Parse(raw); err != nil {
			continue // net/http cannot send it either
		}
		resp, err := rt.RoundTrip(req)
		if err == nil {
			resp.Body.Close()
			t.Errorf("%s was requested", raw)
			continue
		}
		wantKind(t, err, oauthflow.KindInvalid)
	}
	for _, b := range f.bearers() {
		if b != "" {
			t.Error("a bearer went to a host that is not the connection's")
		}
	}
}

func hostileURLs() []string {
	urls := []string{
		"http://acme.my.salesforce.com/", "HTTP://acme.my.salesforce.com/", "ftp://acme.my.salesforce.com/", "//evil.example/",
		"https://acme.my.salesforce.com@evil.example/", "https://evil.example/?https://acme.my.salesforce.com",
		"https://evil.example#acme.my.salesforce.com", "https://acme.my.salesforce.com%2eevil.example/", "https://acme.my.salesforce.com%00.evil.example/",
		"https://acme.my.salesforce.com.:443/", "https://acme.my.salesforce.com:443:443/", "https://acme.my.salesforce.com:/", "https://[::1]/", "https://127.0.0.1/",
		"https://169.254.169.254/latest/meta-data", "https://0x7f.1/", "https://017700000001/", "https://2130706433/", "https://[fe80::1]/", "https://localhost/",
	}
	for _, host := range []string{
		"acme.my.salesforce.com.", "acme.my.salesforce.com.evil.example", "evil-acme.my.salesforce.com", "acme.my.salesforce.com:8443", "acme.my.salesforce.com:80",
		"evil.my.salesforce.com", "acme.my.salesforce.mil", "acme2.my.salesforce.com", "acme--uat.sandbox.my.salesforce.com", "my.salesforce.com",
		"salesforce.com", "www.salesforce.com", "login.salesforce.com", "test.salesforce.com", "acme.lightning.force.com", "acme.my.site.com",
		"acme.my.salesforce-sites.com", "acme.file.force.com", "acme.salesforce.com", "xn--acme-my-salesforce-com.example", "acme.my.salesforce.co",
		"acme.my.salesforce.com.mx", "acmemy.salesforce.com", "acme.my.salesforce.comm", "аcme.my.salesforce.com", "acme。my.salesforce.com", "acme.my.sаlesforce.com",
		"acme.my.salesforce.com\t", "acme.my.salesforce.com ", "api.salesforce.com", "evil.example:443", "evil.example", "sub.acme.my.salesforce.com",
		"..acme.my.salesforce.com", ".acme.my.salesforce.com", "acme..my.salesforce.com", "acme.my.salesforce.com/../evil.example",
		"169.254.169.254", "metadata.google.internal", "[::ffff:127.0.0.1]", "10.0.0.1", "192.168.1.1",
	} {
		if !strings.Contains(host, "/") {
			urls = append(urls, "https://"+host+"/services/data")
		}
	}
	return urls
}

func TestThereAreSixtyHostileURLs(t *testing.T) {
	if n := len(hostileURLs()); n < 60 {
		t.Errorf("%d, want at least 60", n)
	}
}

func TestARedirectToAnotherHostCarriesNoToken(t *testing.T) {
	f := &far{answer: func(n int, r *http.Request) *http.Response {
		if n == 1 {
			return answered(302, "", "Location", "https://files.evil.example/download")
		}
		return answered(200, "the file")
	}}
	w, _, client := call(t, orgtest.Config{}, f)
	resp, err := client.Get(w.org.InstanceURL() + "/services/data/v66.0/sobjects/Document/015/body")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	got := f.bearers()
	if len(got) != 2 || got[0] == "" || got[1] != "" {
		t.Errorf("%d requests, bearer on the first %v, on the redirected one %v; want 2, true, false", len(got), got[0] != "", len(got) > 1 && got[1] != "")
	}
}

func TestARedirectToPlainHTTPCarriesNoToken(t *testing.T) {
	f := &far{answer: func(n int, r *http.Request) *http.Response {
		if n == 1 {
			return answered(301, "", "Location", "http://acme.my.salesforce.com/services/data")
		}
		return answered(200, "")
	}}
	w, _, client := call(t, orgtest.Config{}, f)
	resp, err := client.Get(w.org.InstanceURL() + "/services/data")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if got := f.bearers(); len(got) > 1 && got[1] != "" {
		t.Error("the token went over plain HTTP")
	}
}

func TestTheInstanceMayBeSpelledAsHTTPAllows(t *testing.T) {
	f := &far{}
	_, _, client := call(t, orgtest.Config{}, f)
	for _, raw := range []string{"https://acme.my.salesforce.com/a", "https://ACME.My.Salesforce.com/a", "https://acme.my.salesforce.com:443/a"} {
		resp, err := client.Get(raw)
		if err != nil {
			t.Errorf("%s: %v", raw, err)
			continue
		}
		resp.Body.Close()
	}
	if got := f.bearers(); len(got) != 3 || slices.Contains(got, "") {
		t.Errorf("bearers %d of 3", len(got))
	}
}

func TestARequestIsNotChanged(t *testing.T) {
	f := &far{answer: func(n int, _ *http.Request) *http.Response {
		if n == 1 {
			return answered(401, ended)
		}
		return answered(200, "")
	}}
	w, s, _ := call(t, orgtest.Config{}, f)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.org.InstanceURL()+"/x?a=b", strings.NewReader("body"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Mine", "1")
	before := req.Header.Clone()
	url, host := *req.URL, req.Host
	resp, err := s.Transport(f).RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if len(req.Header) != len(before) || req.Header.Get("Authorization") != "" || *req.URL != url || req.Host != host {
		t.Errorf("the caller's request was changed: %v", req)
	}
	if f.requests[1].Header.Get("X-Mine") != "1" {
		t.Error("the caller's header is missing")
	}
}

func TestAnAnswersBodyIsClosedOnEveryPath(t *testing.T) {
	unreadable := errors.New("the body broke")
	for name, tt := range map[string]struct {
		answer func(n int, r *http.Request) *http.Response
		spoil  func(w *world)
	}{
		"success": {answer: func(int, *http.Request) *http.Response { return answered(200, "ok") }},
		"healed": {answer: func(n int, _ *http.Request) *http.Response {
			if n == 1 {
				return answered(401, ended)
			}
			return answered(200, "ok")
		}},
		"refused twice": {answer: func(int, *http.Request) *http.Response { return answered(401, ended) }},
		"no fresh token": {
			answer: func(int, *http.Request) *http.Response { return answered(401, ended) },
			spoil: func(w *world) {
				if err := w.org.RevokeAll(appName); err != nil {
					w.t.Fatal(err)
				}
			},
		},
		"incurable": {answer: func(int, *http.Request) *http.Response { return answered(403, "Wrong_Org") }},
		"a body that breaks": {answer: func(int, *http.Request) *http.Response {
			r := answered(401, "")
			r.Body = io.NopCloser(io.MultiReader(strings.NewReader("[{"), broken{unreadable}))
			return r
		}},
		"the second request fails": {answer: func(n int, _ *http.Request) *http.Response {
			if n == 1 {
				return answered(401, ended)
			}
			return nil
		}},
	} {
		t.Run(name, func(t *testing.T) {
			f := &far{answer: tt.answer}
			w, _, client := call(t, orgtest.Config{}, f)
			if tt.spoil != nil {
				tt.spoil(w)
			}
			sent := &watchedBody{Reader: strings.NewReader("body")}
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.org.InstanceURL()+"/x", sent)
			if err != nil {
				t.Fatal(err)
			}
			req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("body")), nil }
			resp, err := client.Do(req)
			if err == nil {
				resp.Body.Close()
			}
			if n := f.open.Load(); n != 0 {
				t.Errorf("%d bodies of answers are left open", n)
			}
			if !sent.closed.Load() {
				t.Error("the request's body is left open")
			}
		})
	}
}

func TestARequestsBodyIsClosedEvenIfItIsNeverSent(t *testing.T) {
	f := &far{}
	w, s, _ := call(t, orgtest.Config{}, f)
	broken := w.manager().Source(oauthflow.Key{Tenant: "acme", Name: "unknown"})
	for name, rt := range map[string]http.RoundTripper{"foreign host": s.Transport(f), "no connection": broken.Transport(f)} {
		body := &watchedBody{Reader: strings.NewReader("body")}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://evil.example/", body)
		if err != nil {
			t.Fatal(err)
		}
		if resp, err := rt.RoundTrip(req); err == nil {
			resp.Body.Close()
			t.Errorf("%s: the request was sent", name)
		}
		if !body.closed.Load() {
			t.Errorf("%s: the body is left open", name)
		}
	}
}

type broken struct{ err error }

func (b broken) Read([]byte) (int, error) { return 0, b.err }

type watchedBody struct {
	io.Reader
	closed atomic.Bool
}

func (b *watchedBody) Close() error { b.closed.Store(true); return nil }

func TestAnEndedCallerDoesNotWaitForTheRefresh(t *testing.T) {
	f := &far{answer: func(int, *http.Request) *http.Response { return answered(401, ended) }}
	w, _, client := call(t, orgtest.Config{RefreshTime: 300 * time.Millisecond}, f)
	client.Timeout = 50 * time.Millisecond
	began := time.Now()
	resp, err := client.Get(w.org.InstanceURL() + "/x")
	if err == nil {
		resp.Body.Close()
		t.Fatal("a refused request succeeded")
	}
	if took := time.Since(began); needs.Late(took, 250*time.Millisecond) {
		t.Errorf("the caller was held for %v, want its 50 ms", took)
	}
}
