package bench

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// transport answers without a network. Tokens are counted and numbered, as with rotation.
type transport struct {
	latency time.Duration
	posts   atomic.Int64
}

func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	body := "{}"
	if r.URL.Path == "/services/oauth2/token" {
		time.Sleep(t.latency)
		n := t.posts.Add(1)
		serial := strings.Repeat("x", 60) + string(rune('a'+n%26)) + time.Now().Format("150405.000000000")
		body = `{"access_token":"00DTEST000000001!` + serial + `","refresh_token":"5Aep` + serial +
			`","instance_url":"https://acme.my.salesforce.com","token_type":"Bearer",` +
			`"id":"https://login.salesforce.com/id/00DTEST000000001AA/005TEST000000001AA"}`
	}
	return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

// distant is a store whose every call takes a while.
type distant struct {
	tokenstore.Store
	away time.Duration
}

func (s *distant) Load(ctx context.Context, id string) (tokenstore.Record, error) {
	time.Sleep(s.away)
	return s.Store.Load(ctx, id)
}

func (s *distant) Save(ctx context.Context, r tokenstore.Record) error {
	time.Sleep(s.away)
	return s.Store.Save(ctx, r)
}

func manager(t testing.TB, rt http.RoundTripper, s tokenstore.Store) *oauthflow.Manager {
	t.Helper()
	return managerWith(t, rt, s, benchKey)
}

func managerWith(t testing.TB, rt http.RoundTripper, s tokenstore.Store, current tokenstore.SealingKey, former ...tokenstore.SealingKey) *oauthflow.Manager {
	t.Helper()
	m, err := newManager(rt, s, current, former...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return m
}

func newManager(rt http.RoundTripper, s tokenstore.Store, current tokenstore.SealingKey, former ...tokenstore.SealingKey) (*oauthflow.Manager, error) {
	flow, err := oauthflow.NewFlow(oauthflow.Config{RedirectURLs: []string{"https://app.fullcast.io/app/admin/motion"}, Transport: rt})
	if err != nil {
		return nil, err
	}
	keys, err := tokenstore.NewKeyring(current, former...)
	if err != nil {
		return nil, err
	}
	return oauthflow.NewManager(oauthflow.ManagerConfig{Flow: flow, Store: s, Keyring: keys, Environment: environment})
}

// benchKey is fixed, so that several processes share a store.
var benchKey = tokenstore.SealingKey{ID: "bench", Key: oauthflow.NewSecret("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")}

func adopt(t testing.TB, m *oauthflow.Manager, k oauthflow.Key) *oauthflow.Source {
	t.Helper()
	host, err := oauthflow.ParseHost("acme.my.salesforce.com")
	if err != nil {
		t.Fatal(err)
	}
	c := oauthflow.Client{Host: host, ID: "3MVG9bench", Secret: oauthflow.NewSecret("secret")}
	if _, err := m.Adopt(t.Context(), k, c, oauthflow.NewSecret("5Aep-"+k.Tenant+"-"+k.Name)); err != nil {
		t.Fatal(err)
	}
	return m.Source(k)
}

var acme = oauthflow.Key{Tenant: "acme", Name: "main"}
