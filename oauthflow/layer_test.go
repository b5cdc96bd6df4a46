package oauthflow_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/fullcast/sfauth/oauthflow"
)

// counting is a layer that counts what passes.
type counting struct {
	inner http.RoundTripper
	calls *atomic.Int64
}

func (c counting) RoundTrip(r *http.Request) (*http.Response, error) {
	c.calls.Add(1)
	return c.inner.RoundTrip(r)
}
func (c counting) Unwrap() http.RoundTripper                      { return c.inner }
func (c counting) Wrap(inner http.RoundTripper) http.RoundTripper { return counting{inner, c.calls} }

// unbound is a layer that gives each request a context of its own.
type unbound struct{ counting }

func (u unbound) RoundTrip(r *http.Request) (*http.Response, error) {
	return u.counting.RoundTrip(r.WithContext(context.Background()))
}
func (u unbound) Wrap(inner http.RoundTripper) http.RoundTripper {
	return unbound{counting{inner, u.calls}}
}

func TestATransportInsideALayerIsGuardedAsOneThatIsBare(t *testing.T) {
	var asked atomic.Int64
	inside := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	defer inside.Close()
	dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, inside.Listener.Addr().String())
	}
	calls := new(atomic.Int64)
	twice := func(rt http.RoundTripper) http.RoundTripper { return counting{counting{rt, calls}, calls} }
	reaches := twice(&http.Transport{DialContext: dial})
	insecure := twice(&http.Transport{DialContext: dial, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}})

	t.Run("token calls", func(t *testing.T) {
		for call, do := range wireCalls(t) {
			f, err := oauthflow.NewFlow(oauthflow.Config{RedirectURLs: []string{callbackURL}, Transport: reaches})
			if err != nil {
				t.Fatal(err)
			}
			calls.Store(0)
			if err := do(f); wireError(t, err, oauthflow.KindNotSent) != nil && !strings.Contains(err.Error(), "not a public address") {
				t.Errorf("%s: %v", call, err)
			}
			if n := calls.Load(); n != 2 {
				t.Errorf("%s: the layers were called %d times", call, n)
			}
		}
		if _, err := oauthflow.NewFlow(oauthflow.Config{RedirectURLs: []string{callbackURL}, Transport: insecure}); err == nil || !strings.Contains(err.Error(), "Config.Transport") {
			t.Errorf("without certificate checks: got %v", err)
		}
	})
	t.Run("API calls", func(t *testing.T) {
		w := rotating(t)
		m := w.manager(silent)
		w.connect(m, mainKey)
		for name, rt := range map[string]http.RoundTripper{"reaches": reaches, "insecure": insecure} {
			for way, with := range map[string]func(http.RoundTripper) http.RoundTripper{
				"Transport": m.Source(mainKey).Transport, "PresentTransport": m.Source(mainKey).PresentTransport, "Sessionless": m.Sessionless,
			} {
				r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.org.InstanceURL()+"/services/data", nil)
				if err != nil {
					t.Fatal(err)
				}
				_, err = with(rt).RoundTrip(r)
				var e *oauthflow.Error
				if !errors.As(err, &e) || e.Kind != oauthflow.KindNotSent && e.Kind != oauthflow.KindInvalid {
					t.Errorf("%s by %s: got %v", name, way, err)
				}
			}
		}
		_, err := oauthflow.NewManager(oauthflow.ManagerConfig{Flow: w.flow(w.wire), Store: w.store, Keyring: w.keys, Environment: "test", APITransport: insecure})
		if err == nil || !strings.Contains(err.Error(), "APITransport") {
			t.Errorf("a manager without certificate checks: got %v", err)
		}
	})
	if n := asked.Load(); n != 0 {
		t.Errorf("%d requests arrived inside", n)
	}
}

// The fence must not depend on what a layer does with the context: a request that has left is in doubt.
func TestARequestThatLeftThroughALayerIsInDoubtWhenItsAnswerIsLost(t *testing.T) {
	for name, layer := range map[string]func(http.RoundTripper) http.RoundTripper{
		"a layer":                           func(rt http.RoundTripper) http.RoundTripper { return counting{rt, new(atomic.Int64)} },
		"a layer with a context of its own": func(rt http.RoundTripper) http.RoundTripper { return unbound{counting{rt, new(atomic.Int64)}} },
	} {
		rt := wireServer(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
		f, err := oauthflow.NewFlow(oauthflow.Config{RedirectURLs: []string{callbackURL}, Transport: layer(rt)})
		if err != nil {
			t.Fatal(err)
		}
		_, err = f.Refresh(t.Context(), wireClient(t, wireHost), wireToken())
		var e *oauthflow.Error
		if !errors.As(err, &e) || e.Kind != oauthflow.KindInDoubt {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
