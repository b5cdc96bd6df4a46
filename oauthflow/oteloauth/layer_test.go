package oteloauth_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

func TestSpansTakeNoCheckFromTheTransportInside(t *testing.T) {
	k := newKit(t, nil)
	org, client, refresh := orgWithApp()
	keys, err := tokenstore.NewKeyring(tokenstore.GenerateSealingKey("test"))
	check(err)
	flow, err := oauthflow.NewFlow(oauthflow.Config{RedirectURLs: []string{"https://app.fullcast.io/app/admin/motion"}, Transport: org.RoundTripper()})
	check(err)
	m, err := oauthflow.NewManager(oauthflow.ManagerConfig{Flow: flow, Store: tokenstore.NewMemory(), Keyring: keys, Environment: "test"})
	check(err)
	defer m.Close(context.Background())
	key := oauthflow.Key{Tenant: "acme", Name: "main"}
	_, err = m.Adopt(t.Context(), key, client, refresh)
	check(err)

	inside := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Error("a server inside was asked, with the token: ", r.Header.Get("Authorization") != "")
	}))
	defer inside.Close()
	dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, inside.Listener.Addr().String())
	}
	for name, base := range map[string]*http.Transport{
		"an address inside":       {DialContext: dial},
		"no certificate verified": {DialContext: dial, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}},
	} {
		k.spans.Reset()
		var kinds [2]oauthflow.ErrorKind
		for i, rt := range []http.RoundTripper{base, k.Transport(base)} {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, org.InstanceURL()+"/services/data", nil)
			check(err)
			_, err = m.Source(key).Transport(rt).RoundTrip(r)
			var e *oauthflow.Error
			if !errors.As(err, &e) {
				t.Fatalf("%s: got %v", name, err)
			}
			kinds[i] = e.Kind
		}
		if kinds[0] != kinds[1] {
			t.Errorf("%s: bare %q, with spans %q", name, kinds[0], kinds[1])
		}
		if n := len(k.spans.GetSpans()); kinds[0] == oauthflow.KindNotSent && n != 1 {
			t.Errorf("%s: %d spans", name, n)
		}
	}
}
