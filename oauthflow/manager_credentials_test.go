package oauthflow_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

// withSecret returns the request with another consumer secret in its form.
func withSecret(r *http.Request, form url.Values, secret string) *http.Request {
	form.Set("client_secret", secret)
	again, err := http.NewRequestWithContext(r.Context(), r.Method, r.URL.String(), strings.NewReader(form.Encode()))
	if err != nil {
		panic(err)
	}
	again.Header = r.Header.Clone()
	again.Header.Del("Content-Length")
	return again
}

// reset is an org whose consumer secret was reset: it takes the new one, and no other.
type reset struct {
	w    *world
	done bool // the reset is in force
	sent int  // refreshes, with whatever secret
}

const newSecret = "the-new-secret-0815"

func (s *reset) RoundTrip(r *http.Request) (*http.Response, error) {
	form := readForm(r)
	given := form.Get("client_secret")
	if form.Get("grant_type") == "refresh_token" {
		s.sent++
	}
	if given == newSecret { // the org knows it by its old text
		if !s.done {
			return answered(400, `{"error":"invalid_client","error_description":"invalid client credentials"}`), nil
		}
		return s.w.wire.RoundTrip(withSecret(r, form, s.w.client().Secret.Reveal()))
	}
	if s.done && given != "" {
		status := map[bool]int{true: 400, false: 401}[r.URL.Path == tokenEndpoint]
		return answered(status, `{"error":"invalid_client","error_description":"invalid client credentials"}`), nil
	}
	return s.w.wire.RoundTrip(r)
}

// given returns a world whose secret was reset and given to the connection, and a manager of it.
func given(t *testing.T, e *eventLog) (w *world, m *oauthflow.Manager, org *reset) {
	t.Helper()
	w = rotating(t)
	org = &reset{w: w}
	m = w.manager(e.observe, func(c *oauthflow.ManagerConfig) { c.Flow = w.flow(org) })
	w.connect(m, mainKey)
	org.done = true
	next := w.client()
	next.Secret = oauthflow.NewSecret(newSecret)
	if err := m.SetClient(t.Context(), mainKey, next); err != nil {
		t.Fatal(err)
	}
	return w, m, org
}

func TestADoubtAboutARefreshWithNewCredentialsIsAskedAboutWithThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEventLog()
		w, m, _ := given(t, e)
		w.inject(orgtest.Fault{Path: tokenEndpoint, Drop: orgtest.DropBefore})
		if err := m.Renew(t.Context(), mainKey); err != nil { // as the keep-alive does
			t.Fatalf("an unspent refresh token could not be used: %v", err)
		}
		w.wantEvents("refresh", "ok", 1)
		w.wantEvents("refresh", "reuse", 0)
		if c, err := m.Load(t.Context(), mainKey); err != nil || c.Status != oauthflow.StatusActive {
			t.Errorf("status %q (%v), want active", c.Status, err)
		}
		synctest.Wait()
		if n := e.count(oauthflow.EventClient); n != 1 {
			t.Errorf("told %d times that the new credentials work, want once", n)
		}
	})
}

func TestADoubtIsAskedAboutWithTheCredentialsThatItWasSentWithWhateverIsGivenLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, m, _ := given(t, newEventLog())
		w.inject(orgtest.Fault{Path: tokenEndpoint, Drop: orgtest.DropBefore})
		dead := w.token(m.Source(mainKey))
		w.org.ExpireSessions()
		ctx, cancel := withTimeout(t, time.Second)
		_, _ = m.Source(mainKey).Replace(ctx, dead)
		cancel()
		mistyped := w.client()
		mistyped.Secret = oauthflow.NewSecret("mistyped-secret-123")
		if err := m.SetClient(t.Context(), mainKey, mistyped); err != nil {
			t.Fatal(err)
		}
		ctx, cancel = withTimeout(t, time.Minute)
		defer cancel()
		_, err := m.Source(mainKey).Replace(ctx, dead)
		wantKind(t, err, oauthflow.KindClient) // known to be unspent, sent at once, and refused for the secret
		if w.events("introspect", "active") < 2 {
			t.Error("Salesforce was not asked with the credentials that it accepts")
		}
		right := w.client()
		right.Secret = oauthflow.NewSecret(newSecret)
		if err := m.SetClient(t.Context(), mainKey, right); err != nil {
			t.Fatal(err)
		}
		if err := m.Renew(t.Context(), mainKey); err != nil {
			t.Errorf("with the right secret: %v", err)
		}
		w.wantEvents("refresh", "reuse", 0)
	})
}

// A foreign app is told that a token is inactive whatever it is.
func TestNoAnswerToAForeignConsumerKeyEndsAConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, orgtest.Config{RotateRefreshTokens: true, Existing: appFiles("Other")})
		w.connect(w.manager(), mainKey)
		asking := true
		wire := carrier(func(r *http.Request) (*http.Response, error) {
			if r.URL.Path == "/services/oauth2/introspect" && asking && readForm(r).Get("client_id") == w.client().ID {
				return answered(503, ""), nil
			}
			return w.wire.RoundTrip(r)
		})
		m := w.manager(func(c *oauthflow.ManagerConfig) { c.Flow, c.StoreEpoch = w.flow(wire), "restored" })
		if err := m.SetClient(t.Context(), mainKey, w.clientOf("Other")); err != nil {
			t.Fatal(err)
		}
		dead := w.token(m.Source(mainKey))
		w.org.ExpireSessions()
		for range 3 {
			ctx, cancel := withTimeout(t, 3*time.Minute)
			_, _ = m.Source(mainKey).Replace(ctx, dead)
			cancel()
		}
		if c, err := m.Load(t.Context(), mainKey); err != nil || c.Status == oauthflow.StatusBroken {
			t.Fatalf("status %q (%v): nobody who may know has said that the token is spent", c.Status, err)
		}
		asking = false
		ctx, cancel := withTimeout(t, time.Minute)
		defer cancel()
		if tok, err := m.Source(mainKey).Replace(ctx, dead); err != nil || !w.alive(tok.AccessToken) {
			t.Errorf("when the host answers again: %v", err)
		}
		w.wantEvents("refresh", "reuse", 0)
	})
}

func TestAGrantThatDiesWhileNewCredentialsWaitIsToldAsThat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEventLog()
		w, m, _ := given(t, e)
		if err := w.org.RevokeAll(appName); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			err := m.Renew(t.Context(), mainKey)
			wantKind(t, err, oauthflow.KindGrantDead)
			time.Sleep(time.Hour)
		}
		c, err := m.Load(t.Context(), mainKey)
		if err != nil || c.Status != oauthflow.StatusBroken || c.Fault == nil || c.Fault.Kind != oauthflow.KindGrantDead {
			t.Errorf("status %q, %v (%v); want broken, grant dead", c.Status, c.Fault, err)
		}
		if c.NextKey != "" {
			t.Error("credentials that Salesforce has accepted still wait")
		}
		redirect, err := m.BeginAgain(t.Context(), mainKey, browser, oauthflow.AuthorizeOptions{LoginHint: w.user})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := m.Complete(t.Context(), w.approve(mainKey, redirect)); err != nil {
			t.Fatalf("a login with the new credentials: %v", err)
		}
		if err := m.Renew(t.Context(), mainKey); err != nil {
			t.Errorf("afterwards: %v", err)
		}
	})
}

// The new credentials are right, and another admin's switch is the reason.
func TestARefusalOfTheUserIsNotToldAsOneOfTheOldSecret(t *testing.T) {
	for name, tt := range map[string]struct {
		user orgtest.User
		want oauthflow.ErrorKind
	}{
		"frozen":   {orgtest.User{Frozen: true}, oauthflow.KindUserPolicy},
		"inactive": {orgtest.User{Inactive: true}, oauthflow.KindUserPolicy},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, m, _ := given(t, newEventLog())
				tt.user.Username = w.user
				if err := w.org.SetUser(tt.user); err != nil {
					t.Fatal(err)
				}
				wantKind(t, m.Renew(t.Context(), mainKey), tt.want)
				if c, err := m.Load(t.Context(), mainKey); err != nil || c.Status != oauthflow.StatusSuspended || c.Fault.Kind != tt.want {
					t.Errorf("%+v (%v), want suspended for the user", c.Fault, err)
				}
				if err := w.org.SetUser(orgtest.User{Username: w.user}); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Hour)
				if err := m.Renew(t.Context(), mainKey); err != nil {
					t.Errorf("when the user is back: %v", err)
				}
			})
		})
	}
}

// A gateway's refusal of the first credentials is no proof that the refresh token is unspent.
func TestAGatewaysRefusalOfNewCredentialsIsNotFollowedByTheOldOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, m, org := given(t, newEventLog())
		w.inject(orgtest.Fault{Path: tokenEndpoint, Status: 403, Body: "<html>blocked</html>", Acts: true})
		_ = m.Renew(t.Context(), mainKey)
		if org.sent != 1 {
			t.Errorf("%d requests, want 1", org.sent)
		}
		w.wantEvents("refresh", "reuse", 0)
	})
}
