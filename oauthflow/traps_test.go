package oauthflow_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/go-resty/resty/v2"
	"github.com/jarcoal/httpmock"
	"golang.org/x/oauth2"

	"github.com/fullcast/sfauth/oauthflow"
)

// These tests pin what software of others does, as the reasons why this package does it itself. When one turns red
// after an upgrade, its reason is gone and the design may be looked at again.

// otherServer is a token endpoint that counts, and an x/oauth2 client of it.
func otherServer(t *testing.T, h http.HandlerFunc) (*oauth2.Config, *atomic.Int64) {
	t.Helper()
	posts := new(atomic.Int64)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { posts.Add(1); h(w, r) }))
	t.Cleanup(s.Close)
	return &oauth2.Config{ClientID: wireKey, ClientSecret: wireSecret, Endpoint: oauth2.Endpoint{TokenURL: s.URL + "/token"}}, posts
}

func oldToken() *oauth2.Token { return &oauth2.Token{RefreshToken: wireRefresh} }

func TestXOAuth2SendsARefreshTokenTwiceUnlessToldTheAuthStyle(t *testing.T) {
	for style, want := range map[oauth2.AuthStyle]int64{oauth2.AuthStyleAutoDetect: 2, oauth2.AuthStyleInParams: 1} {
		cfg, posts := otherServer(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) })
		cfg.Endpoint.AuthStyle = style
		if _, err := cfg.TokenSource(t.Context(), oldToken()).Token(); err == nil || posts.Load() != want {
			t.Errorf("style %d: %d POSTs, %v", style, posts.Load(), err)
		}
	}
}

func TestXOAuth2PrintsTheBodyOfARefusal(t *testing.T) {
	cfg, _ := otherServer(t, func(w http.ResponseWriter, r *http.Request) {
		r.ParseForm()
		w.WriteHeader(500)
		io.WriteString(w, "<html>"+r.PostForm.Encode())
	})
	cfg.Endpoint.AuthStyle = oauth2.AuthStyleInParams
	_, err := cfg.TokenSource(t.Context(), oldToken()).Token()
	if !strings.Contains(fmt.Sprint(err), wireSecret) || !strings.Contains(fmt.Sprint(err), "wireCanaryRefresh") {
		t.Errorf("the error holds no secrets any more: %v", err)
	}
}

func TestXOAuth2FollowsARedirectWithTheSecret(t *testing.T) {
	var stolen string
	thief := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		stolen = string(b)
	}))
	defer thief.Close()
	cfg, _ := otherServer(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, thief.URL, http.StatusTemporaryRedirect)
	})
	cfg.Endpoint.AuthStyle = oauth2.AuthStyleInParams
	_, _ = cfg.TokenSource(t.Context(), oldToken()).Token()
	if !strings.Contains(stolen, wireSecret) {
		t.Error("a 307 no longer carries the secret away")
	}
}

func TestXOAuth2DropsTheRefreshTokenOfAnAnswerItCannotUse(t *testing.T) {
	cfg, _ := otherServer(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, `{"refresh_token":"rotated"}`)
	})
	cfg.Endpoint.AuthStyle = oauth2.AuthStyleInParams
	if tok, err := cfg.TokenSource(t.Context(), oldToken()).Token(); err == nil || tok != nil {
		t.Errorf("got %v, %v", tok, err)
	}
}

func TestXOAuth2AsksOncePerTokenSource(t *testing.T) {
	cfg, posts := otherServer(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, `{"access_token":"a"}`)
	})
	cfg.Endpoint.AuthStyle = oauth2.AuthStyleInParams
	for range 64 {
		if _, err := cfg.TokenSource(t.Context(), oldToken()).Token(); err != nil {
			t.Fatal(err)
		}
	}
	if posts.Load() != 64 {
		t.Errorf("64 sources sent %d POSTs", posts.Load())
	}
}

func TestXOAuth2TakesATokenWithoutALifetimeForValidForEver(t *testing.T) {
	cfg, posts := otherServer(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, `{"access_token":"a"}`) // Salesforce sends no expires_in
	})
	cfg.Endpoint.AuthStyle = oauth2.AuthStyleInParams
	source := cfg.TokenSource(t.Context(), oldToken())
	for range 3 {
		if _, err := source.Token(); err != nil {
			t.Fatal(err)
		}
	}
	if posts.Load() != 1 {
		t.Errorf("%d POSTs", posts.Load())
	}
}

func TestXOAuth2PrintsItsTokensAndSecrets(t *testing.T) {
	j, _ := json.Marshal(oldToken())
	text := fmt.Sprintf("%v %v %s", oldToken(), oauth2.Config{ClientSecret: wireSecret}, j)
	if strings.Count(text, "wireCanaryRefresh") != 2 || !strings.Contains(text, wireSecret) {
		t.Error("x/oauth2 has learnt to keep secrets to itself")
	}
}

func TestATraceOfNetHTTPSeesTheHeadersThatAreSent(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer s.Close()
	seen := ""
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{WroteHeaderField: func(name string, values []string) {
		if name == "Authorization" {
			seen = values[0]
		}
	}})
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+wireAccess)
	resp, err := s.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if seen != "Bearer "+wireAccess {
		t.Error("a trace sees no secret any more")
	}
}

func TestEncodingJSONIgnoresTheCaseOfMembersAndTakesTheLast(t *testing.T) {
	var v struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.Unmarshal([]byte(`{"access_token":"a","ACCESS_TOKEN":"b"}`), &v); err != nil || v.AccessToken != "b" {
		t.Errorf("got %q, %v", v.AccessToken, err)
	}
}

func TestNetHTTPRepeatsAPostThatHasAnIdempotencyKey(t *testing.T) {
	for header, want := range map[string]int64{"": 1, "Idempotency-Key": 2, "X-Idempotency-Key": 2} {
		var posts atomic.Int64
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
			if r.Method == http.MethodPost && posts.Add(1) == 1 { // on a connection that was used before: hang up without an answer
				c, _, _ := w.(http.Hijacker).Hijack()
				c.Close()
			}
		}))
		c := &http.Client{Transport: &http.Transport{}}
		warm, err := c.Get(s.URL)
		if err != nil {
			t.Fatal(err)
		}
		warm.Body.Close()
		req, _ := http.NewRequest(http.MethodPost, s.URL, strings.NewReader("refresh"))
		if header != "" {
			req.Header.Set(header, "1")
		}
		if resp, err := c.Do(req); err == nil {
			resp.Body.Close()
		}
		if posts.Load() != want {
			t.Errorf("with header %q: %d POSTs, want %d", header, posts.Load(), want)
		}
		s.Close()
	}
}

type mute struct{}

func (mute) Errorf(string, ...any) {}
func (mute) Warnf(string, ...any)  {}
func (mute) Debugf(string, ...any) {}

func TestRestyRepeatsARefreshWhenItMayRetry(t *testing.T) {
	cfg, posts := otherServer(t, func(w http.ResponseWriter, r *http.Request) {
		c, _, _ := w.(http.Hijacker).Hijack()
		c.Close()
	})
	_, err := resty.New().SetLogger(mute{}).SetRetryCount(2).SetRetryWaitTime(1).SetRetryMaxWaitTime(1).R().
		SetFormData(map[string]string{"grant_type": "refresh_token", "refresh_token": wireRefresh}).Post(cfg.Endpoint.TokenURL)
	if err == nil || posts.Load() != 3 {
		t.Errorf("%d POSTs of one refresh token, %v", posts.Load(), err)
	}
}

func TestHTTPMockActivateDoesNotReachClientsWithATransportOfTheirOwn(t *testing.T) {
	httpmock.Activate()
	defer httpmock.DeactivateAndReset()
	unreachable := "http://127.0.0.1:1/"
	httpmock.RegisterResponder("GET", unreachable, httpmock.NewStringResponder(200, "mocked"))
	if _, err := http.Get(unreachable); err != nil {
		t.Errorf("the default client is not mocked: %v", err)
	}
	for name, c := range map[string]*resty.Client{"resty.New": resty.New().SetLogger(mute{}), "resty.NewWithClient": resty.NewWithClient(&http.Client{}).SetLogger(mute{})} {
		if _, err := c.R().Get(unreachable); err == nil {
			t.Errorf("%s is reached by httpmock.Activate now", name)
		}
	}
}

func TestHTTPMockActivateNonDefaultDoesNotReachAClientThatWasMadeBefore(t *testing.T) {
	base := &http.Client{Transport: &http.Transport{}}
	ctx := context.WithValue(t.Context(), oauth2.HTTPClient, base)
	made := oauth2.NewClient(ctx, oauth2.StaticTokenSource(&oauth2.Token{AccessToken: "a"}))
	httpmock.ActivateNonDefault(base)
	defer httpmock.DeactivateAndReset()
	unreachable := "http://127.0.0.1:1/"
	httpmock.RegisterResponder("GET", unreachable, httpmock.NewStringResponder(200, "mocked"))
	if _, err := base.Get(unreachable); err != nil {
		t.Errorf("the base client is not mocked: %v", err)
	}
	if _, err := made.Get(unreachable); err == nil {
		t.Error("a client that was made before is reached now")
	}
}

// mockToken makes a mock answer refreshes of the wire client.
func mockToken(register func(method, url string, r httpmock.Responder)) {
	register("POST", "https://"+wireHost+"/services/oauth2/token", httpmock.NewStringResponder(200, tokenAnswer(nil)))
}

func TestHTTPMockReachesAFlowWhetherItIsActivatedBeforeOrAfter(t *testing.T) {
	before := wireFlow(t, nil)
	httpmock.Activate()
	defer httpmock.DeactivateAndReset()
	mockToken(httpmock.RegisterResponder)
	after := wireFlow(t, nil)
	c := wireClient(t, wireHost)
	for name, f := range map[string]*oauthflow.Flow{"made before": before, "made after": after} {
		if _, err := f.Refresh(t.Context(), c, wireToken()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := httpmock.GetTotalCallCount(); n != 2 {
		t.Errorf("%d calls", n)
	}
	own := httpmock.NewMockTransport()
	mockToken(own.RegisterResponder)
	if _, err := wireFlow(t, own).Refresh(t.Context(), c, wireToken()); err != nil || own.GetTotalCallCount() != 1 || httpmock.GetTotalCallCount() != 2 {
		t.Errorf("a mock transport of its own: %v", err)
	}
}

func TestAFlowLeavesTheMockWhenItIsDeactivated(t *testing.T) {
	f := wireFlow(t, nil)
	httpmock.Activate()
	mockToken(httpmock.RegisterResponder)
	httpmock.DeactivateAndReset()
	resolveTo(t, nil)
	var addr *url.Error
	if _, err := f.Refresh(t.Context(), wireClient(t, wireHost), wireToken()); err == nil || errors.As(err, &addr) {
		t.Errorf("got %v", err)
	}
}
