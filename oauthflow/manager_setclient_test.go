package oauthflow_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
)

// refuseClient answers every refresh by one consumer key or secret before the org sees it.
func refuseClient(id, secret string, status int, body string, headers ...string) func(http.RoundTripper) http.RoundTripper {
	return func(base http.RoundTripper) http.RoundTripper {
		return carrier(func(r *http.Request) (*http.Response, error) {
			if r.URL.Path != tokenEndpoint {
				return base.RoundTrip(r)
			}
			form := readForm(r)
			if form.Get("client_id") == id && form.Get("client_secret") == secret {
				return answered(status, body, headers...), nil
			}
			return base.RoundTrip(r)
		})
	}
}

// readForm reads the form of a request, which can be sent afterwards.
func readForm(r *http.Request) url.Values {
	if r.Body == nil {
		return nil
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	form, _ := url.ParseQuery(string(body))
	return form
}

func TestStagedCredentialsDoNoHarmAtAnyStepOfTheirRotation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		e := newEventLog()
		m := w.manager(e.observe)
		w.connect(m, mainKey)
		old := w.client()
		key, secret, err := w.org.StageCredentials(appName)
		if err != nil {
			t.Fatal(err)
		}
		staged := oauthflow.Client{Host: old.Host, ID: key, Secret: oauthflow.NewSecret(secret)}
		if err := m.SetClient(t.Context(), mainKey, staged); err != nil {
			t.Fatal(err)
		}
		for range 3 { // staged, and not in force yet
			if err := m.Renew(t.Context(), mainKey); err != nil {
				t.Fatalf("before the rotation: %v", err)
			}
			if c, err := m.Load(t.Context(), mainKey); err != nil || c.ConsumerKey != old.ID || c.NextKey != key || c.Status != oauthflow.StatusActive {
				t.Fatalf("before the rotation: %+v, %v", c, err)
			}
		}
		if n := e.count(oauthflow.EventClient); n != 0 {
			t.Errorf("told %d times of credentials that have not worked", n)
		}
		if err := w.org.RotateCredentials(appName); err != nil {
			t.Fatal(err)
		}
		other := w.manager(e.observe)
		for range 2 { // the grant is the old key's, which is good for a while
			if err := other.Renew(t.Context(), mainKey); err != nil {
				t.Fatalf("after the rotation: %v", err)
			}
		}
		if c, err := m.Load(t.Context(), mainKey); err != nil || c.Status != oauthflow.StatusActive || c.ConsumerKey != old.ID || c.NextKey != key {
			t.Fatalf("after the rotation: %+v, %v", c, err)
		}
		redirect, err := m.BeginAgain(t.Context(), mainKey, browser, oauthflow.AuthorizeOptions{LoginHint: w.user})
		if err != nil {
			t.Fatal(err)
		}
		c, err := m.Complete(t.Context(), w.approve(mainKey, redirect))
		if err != nil || c.ConsumerKey != key || c.NextKey != "" {
			t.Errorf("connected again: %+v, %v; want the new key", c, err)
		}
		if err := other.Renew(t.Context(), mainKey); err != nil {
			t.Errorf("with the new key: %v", err)
		}
		w.wantEvents("refresh", "reuse", 0)
	})
}

func TestNewCredentialsThatAreNotKnownYetHarmNobody(t *testing.T) {
	for code, description := range map[string]string{
		"invalid_client_id": "client identifier invalid",
		"invalid_client":    "invalid client credentials",
		"app_not_found":     "External client app is not installed in this org",
		"invalid_grant":     "expired access/refresh token",
	} {
		t.Run(code, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := rotating(t)
				next := w.client()
				next.ID, next.Secret = "3MVG9.another.key.another.key.another.key.another.key.another", oauthflow.NewSecret("another-secret")
				body := fmt.Sprintf(`{"error":%q,"error_description":%q}`, code, description)
				wire := refuseClient(next.ID, "another-secret", http.StatusBadRequest, body)(w.wire)
				m := w.manager(func(c *oauthflow.ManagerConfig) { c.Flow = w.flow(wire) })
				w.connect(m, mainKey)
				if err := m.SetClient(t.Context(), mainKey, next); err != nil {
					t.Fatal(err)
				}
				for range 3 {
					s := m.Source(mainKey)
					dead := w.token(s)
					w.org.ExpireSessions()
					if tok, err := s.Replace(t.Context(), dead); err != nil || !w.alive(tok.AccessToken) {
						t.Errorf("a call with working old credentials: %v", err)
						return
					}
				}
				if c, err := m.Load(t.Context(), mainKey); err != nil || c.Status != oauthflow.StatusActive || c.ConsumerKey != w.client().ID {
					t.Errorf("the connection: %+v, %v", c, err)
				}
				w.wantEvents("refresh", "reuse", 0)
			})
		})
	}
}

func TestASecretThatWasResetIsTriedAtOnceWhenItIsGiven(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		var wrongly bool
		wire := carrier(func(r *http.Request) (*http.Response, error) {
			if r.URL.Path == tokenEndpoint && wrongly && readForm(r).Get("client_secret") != "the-new-secret" {
				return answered(http.StatusBadRequest, `{"error":"invalid_client","error_description":"invalid client credentials"}`), nil
			}
			if form := readForm(r); form.Get("client_secret") == "the-new-secret" { // the org knows it by its old text
				form.Set("client_secret", w.client().Secret.Reveal())
				again, err := http.NewRequestWithContext(r.Context(), r.Method, r.URL.String(), strings.NewReader(form.Encode()))
				if err != nil {
					return nil, err
				}
				again.Header = r.Header.Clone()
				again.Header.Del("Content-Length")
				return w.wire.RoundTrip(again)
			}
			return w.wire.RoundTrip(r)
		})
		e := newEventLog()
		m := w.manager(e.observe, func(c *oauthflow.ManagerConfig) { c.Flow = w.flow(wire) })
		w.connect(m, mainKey)
		s := m.Source(mainKey)
		dead := w.token(s)
		w.org.ExpireSessions()
		wrongly = true
		for range 20 { // the wait grows
			if _, err := s.Replace(t.Context(), dead); kindOf(err) != oauthflow.KindClient {
				t.Fatalf("with the reset secret: %v", err)
			}
			time.Sleep(time.Minute)
		}
		next := w.client()
		next.Secret = oauthflow.NewSecret("the-new-secret")
		if err := m.SetClient(t.Context(), mainKey, next); err != nil {
			t.Fatal(err)
		}
		if tok, err := s.Replace(t.Context(), dead); err != nil || !w.alive(tok.AccessToken) {
			t.Errorf("with the new secret: %v", err)
		}
		synctest.Wait()
		var types []oauthflow.EventType
		for _, e := range e.all() {
			types = append(types, e.Type)
		}
		for _, want := range []oauthflow.EventType{oauthflow.EventBroken, oauthflow.EventClient} {
			if n := len(slices.DeleteFunc(slices.Clone(types), func(t oauthflow.EventType) bool { return t != want })); n != 1 {
				t.Errorf("told %d times %q, want once; %v", n, want, types)
			}
		}
	})
}

func TestABrokenConnectionTakesNoNewCredentials(t *testing.T) {
	w := rotating(t)
	m := w.manager()
	w.connect(m, mainKey)
	if err := w.org.RevokeAll(appName); err != nil {
		t.Fatal(err)
	}
	if err := m.Renew(t.Context(), mainKey); kindOf(err) != oauthflow.KindGrantDead {
		t.Fatal(err)
	}
	wantKind(t, m.SetClient(t.Context(), mainKey, w.client()), oauthflow.KindGrantDead)
	wantKind(t, m.SetClient(t.Context(), mainKey, oauthflow.Client{}), oauthflow.KindInvalid)
	wantKind(t, m.SetClient(t.Context(), oauthflow.Key{Tenant: "acme", Name: "none"}, w.client()), oauthflow.KindNotConnected)
}

func TestWhateverIsSaidToNewCredentialsTheOldOnesWorkOn(t *testing.T) {
	for code, description := range map[string]string{
		"invalid_client_id":      "client identifier invalid",
		"invalid_client":         "invalid client credentials",
		"app_not_found":          "External client app is not installed in this org",
		"invalid_grant":          "expired access/refresh token",
		"invalid_app_access":     "this app is blocked by admin",
		"OAUTH_APP_BLOCKED":      "this app is blocked by admin",
		"inactive_user":          "user is inactive",
		"unsupported_grant_type": "grant type not supported",
		"invalid_scope":          "the requested scope is not allowed",
		"unauthorized_client":    "user hasn't approved this consumer",
		"something_never_seen":   "nobody knows why",
	} {
		t.Run(code, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := rotating(t)
				next := w.client()
				next.ID, next.Secret = "3MVG9.another.key.another.key.another.key.another.key.another", oauthflow.NewSecret("another-secret")
				body := fmt.Sprintf(`{"error":%q,"error_description":%q}`, code, description)
				wire := refuseClient(next.ID, "another-secret", http.StatusBadRequest, body)(w.wire)
				m := w.manager(func(c *oauthflow.ManagerConfig) { c.Flow = w.flow(wire) })
				w.connect(m, mainKey)
				if err := m.SetClient(t.Context(), mainKey, next); err != nil {
					t.Fatal(err)
				}
				for range 3 {
					s := m.Source(mainKey)
					dead := w.token(s)
					w.org.ExpireSessions()
					if tok, err := s.Replace(t.Context(), dead); err != nil || !w.alive(tok.AccessToken) {
						t.Errorf("a call with working old credentials: %v", err)
						return
					}
				}
				if c, err := m.Load(t.Context(), mainKey); err != nil || c.Status != oauthflow.StatusActive || c.ConsumerKey != w.client().ID {
					t.Errorf("the connection: %+v, %v", c, err)
				}
				w.wantEvents("refresh", "reuse", 0)
			})
		})
	}
}

func TestNewCredentialsOnAHostThatDoesNotExistHarmNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		m := w.manager()
		w.connect(m, mainKey)
		next := w.client()
		host, err := oauthflow.ParseHost("acne.my.salesforce.com") // mistyped
		if err != nil {
			t.Fatal(err)
		}
		next.Host = host
		if err := m.SetClient(t.Context(), mainKey, next); err != nil {
			t.Fatal(err)
		}
		s := m.Source(mainKey)
		dead := w.token(s)
		w.org.ExpireSessions()
		ctx, cancel := withTimeout(t, 2*time.Minute)
		defer cancel()
		if tok, err := s.Replace(ctx, dead); err != nil || !w.alive(tok.AccessToken) {
			t.Errorf("a call with working old credentials: %v", err)
		}
	})
}
