package fullcast_test

import (
	"context"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// many is Salesforce for many orgs in virtual time: every answer takes 300 ms, and a refresh token is good for one use.
type many struct {
	refuse func(host, token string) *http.Response // nil, or returns nil, for an answer as usual

	mu        sync.Mutex
	sent      map[string]int // requests, by path and token
	asked     map[string][]time.Time
	now, most map[string]int // requests at once, by host
	all, peak int            // the same at all hosts
}

const (
	revocation = "/services/oauth2/revoke"
	grants     = "/services/oauth2/token"
)

func newMany() *many {
	return &many{sent: map[string]int{}, asked: map[string][]time.Time{}, now: map[string]int{}, most: map[string]int{}}
}

func (s *many) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, err
	}
	host, token := req.URL.Host, form.Get("refresh_token")+form.Get("token")
	s.mu.Lock()
	s.sent[req.URL.Path+" "+token]++
	first := s.sent[req.URL.Path+" "+token] == 1
	s.asked[host] = append(s.asked[host], time.Now())
	s.now[host]++
	s.most[host] = max(s.most[host], s.now[host])
	s.all++
	s.peak = max(s.peak, s.all)
	s.mu.Unlock()
	time.Sleep(300 * time.Millisecond)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now[host]--
	s.all--
	answer := func(status int, body string) (*http.Response, error) {
		return &http.Response{
			StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body)), Request: req,
		}, nil
	}
	if s.refuse != nil {
		if resp := s.refuse(host, token); resp != nil {
			s.sent[req.URL.Path+" "+token]-- // it has spent nothing
			resp.Request = req
			return resp, nil
		}
	}
	switch {
	case req.URL.Path == revocation:
		return answer(http.StatusOK, "")
	case !first:
		return answer(http.StatusBadRequest, `{"error":"invalid_grant","error_description":"expired access/refresh token"}`)
	}
	return answer(http.StatusOK, fmt.Sprintf(`{"access_token":"00DTEST000000001!of-%s","refresh_token":"%s-next","instance_url":"https://acme.my.salesforce.com",
		"token_type":"Bearer","scope":"api refresh_token","id":"https://login.salesforce.com/id/00DTEST000000001AA/005TEST000000001AA"}`, token, token))
}

// times returns how often requests to a path were sent that spend something, and the most that one token had.
func (s *many) times(path string) (all, most int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for what, n := range s.sent {
		if strings.HasPrefix(what, path+" ") {
			all, most = all+n, max(most, n)
		}
	}
	return all, most
}

// mostAt returns how many requests were under way at once, at one host and at all.
func (s *many) mostAt() (host, all int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range s.most {
		host = max(host, n)
	}
	return host, s.peak
}

// far is a store whose every call takes two milliseconds.
type far struct{ tokenstore.Store }

func (f far) Load(ctx context.Context, id string) (tokenstore.Record, error) {
	time.Sleep(2 * time.Millisecond)
	return f.Store.Load(ctx, id)
}

func (f far) Save(ctx context.Context, r tokenstore.Record) error {
	time.Sleep(2 * time.Millisecond)
	return f.Store.Save(ctx, r)
}

func (f far) Delete(ctx context.Context, id string, version uint64) error {
	time.Sleep(2 * time.Millisecond)
	return f.Store.Delete(ctx, id, version)
}

// process is one over a store, and ends with the test.
func (s *many) process(t *testing.T, store tokenstore.Store, keys *tokenstore.Keyring, change ...func(*fullcast.Config)) *fullcast.Connector {
	t.Helper()
	cfg := fullcast.Config{Site: fullcast.Production, Store: far{store}, Keyring: keys, Transport: s}
	return opened(t, cfg, change...)
}

func sealingKeys(t *testing.T) *tokenstore.Keyring {
	t.Helper()
	keys, err := tokenstore.NewKeyring(tokenstore.GenerateSealingKey("k1"))
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func atHost(t *testing.T, name string) oauthflow.Host {
	t.Helper()
	h, err := oauthflow.ParseHost(name)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// ownHost is a login host of the org with a number.
func ownHost(i int) string { return fmt.Sprintf("org%d.my.salesforce.com", i) }

func adoption(t *testing.T, k oauthflow.Key, host, token string) fullcast.Adoption {
	return fullcast.Adoption{
		Key: k, Client: oauthflow.Client{Kind: "ConnectedApp", Host: atHost(t, host), ID: "key", Secret: oauthflow.NewSecret("secret")},
		RefreshToken: oauthflow.NewSecret(token),
	}
}

// adoptions are of n tenants, each at the host that at returns.
func adoptions(t *testing.T, n int, at func(i int) string) (all []fullcast.Adoption) {
	for i := range n {
		all = append(all, adoption(t, oauthflow.Key{Tenant: fmt.Sprint("tenant", i), Name: "main"}, at(i), fmt.Sprint("5Aep-", i)))
	}
	return all
}

func read(all []fullcast.Adoption) iter.Seq2[fullcast.Adoption, error] {
	return func(yield func(fullcast.Adoption, error) bool) {
		for _, a := range all {
			if !yield(a, nil) {
				return
			}
		}
	}
}

// results counts what a call tells, and sees that it tells each connection once, one after the other.
type results struct {
	t    *testing.T
	done int
	errs map[oauthflow.Key]error
}

func (r *results) told(p fullcast.Progress) {
	if r.errs == nil {
		r.errs = map[oauthflow.Key]error{}
	}
	if _, again := r.errs[p.Key]; p.Done != r.done+1 || p.Total < p.Done || again {
		r.t.Errorf("after %d: %+v, told before: %v", r.done, p, again)
	}
	r.done, r.errs[p.Key] = p.Done, p.Err
}
