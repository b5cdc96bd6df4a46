package bench

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/k-capehart/go-salesforce/v3"
)

// restPeer makes the same call of an API with go-salesforce, the peer of Salesforce's own kind.
func restPeer(t *testing.T, rt http.RoundTripper) func() {
	t.Helper()
	sf, err := salesforce.Init(salesforce.Creds{Domain: "https://acme.my.salesforce.com", AccessToken: "a"},
		salesforce.WithRoundTripper(rt), salesforce.WithValidateAuthentication(false))
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		resp, err := sf.DoRequest(http.MethodGet, "", nil)
		if err != nil {
			panic(err)
		}
		resp.Body.Close()
	}
}

// sessions is an org for go-salesforce, which asks for tokens over the default transport: a server for that, and the API
// without a network.
type sessions struct {
	live, posts atomic.Int64
}

func (s *sessions) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	time.Sleep(latency)
	s.posts.Add(1)
	fmt.Fprintf(w, `{"access_token":"%09d","instance_url":"http://%s","id":"i","token_type":"Bearer"}`, s.live.Load(), r.Host)
}

func (s *sessions) RoundTrip(r *http.Request) (*http.Response, error) {
	status, body := http.StatusOK, "{}"
	if r.Header.Get("Authorization") != fmt.Sprintf("Bearer %09d", s.live.Load()) {
		status, body = http.StatusUnauthorized, `[{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}]`
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

// peerStampede returns how long the last of its callers waits, and how often it asks for a token.
func peerStampede(t *testing.T) (wait time.Duration, posts int64) {
	t.Helper()
	s := &sessions{}
	server := httptest.NewServer(s)
	defer server.Close()
	sf, err := salesforce.Init(salesforce.Creds{Domain: server.URL, ConsumerKey: "k", ConsumerSecret: "s"}, salesforce.WithRoundTripper(s))
	if err != nil {
		t.Fatal(err)
	}
	s.live.Add(1)
	before := s.posts.Load()
	for _, took := range stampede(t, func(context.Context) error {
		resp, err := sf.DoRequest(http.MethodGet, "", nil)
		if err == nil {
			resp.Body.Close()
		}
		return err
	}) {
		wait = max(wait, took)
	}
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	return wait, s.posts.Load() - before
}
