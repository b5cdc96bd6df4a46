package oauthflow_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

func TestALoginRunsFromAuthorizeToRevokeOverTLS(t *testing.T) {
	w := newWorld(t, orgtest.Config{RotateRefreshTokens: true})
	server, err := w.org.Start()
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	f, c := w.flow(server.Transport()), w.client()
	tok := w.login(t, f, w.org.LoginHost())
	if !w.alive(tok.AccessToken.Reveal()) || tok.OrgID != w.org.ID() || tok.InstanceURL != w.org.InstanceURL() || tok.SignatureMismatch {
		t.Fatalf("got %+v", tok)
	}
	is, err := f.Introspect(t.Context(), c, tok)
	if err != nil || !is.Active || is.ClientID != c.ID {
		t.Errorf("introspection: %+v, %v", is, err)
	}
	fresh, err := f.Refresh(t.Context(), c, tok)
	if err != nil || fresh.RefreshToken.IsZero() || fresh.RefreshToken.Equal(tok.RefreshToken) || fresh.OrgID != tok.OrgID {
		t.Fatalf("refresh: %+v, %v", fresh, err)
	}
	if err := f.Revoke(t.Context(), c, fresh); err != nil {
		t.Fatal(err)
	}
	if err := f.Revoke(t.Context(), c, fresh); err != nil {
		t.Errorf("revoking again: %v", err)
	}
	if w.alive(fresh.AccessToken.Reveal()) {
		t.Error("the access token outlived the revocation of its refresh token")
	}
	if is, err := f.Introspect(t.Context(), c, fresh); err != nil || is.Active {
		t.Errorf("introspection afterwards: %+v, %v", is, err)
	}
	_, err = f.Refresh(t.Context(), c, fresh)
	wireError(t, err, oauthflow.KindGrantDead)
	w.wantEvents("refresh", "ok", 1)
	w.wantEvents("refresh", "reuse", 0)
}

func TestEveryFaultOnTheWayLeavesAtMostOneRefreshInTheLedger(t *testing.T) {
	for _, c := range []struct {
		name  string
		fault orgtest.Fault
		kind  oauthflow.ErrorKind
		acted int
	}{
		{"the connection drops before the org acts", orgtest.Fault{Drop: orgtest.DropBefore}, oauthflow.KindInDoubt, 0},
		{"the connection drops after the org has acted", orgtest.Fault{Drop: orgtest.DropAfter}, oauthflow.KindInDoubt, 1},
		{"the answer is cut at once", orgtest.Fault{Drop: orgtest.CutBody}, oauthflow.KindBadAnswer, 1},
		{"HTML with 503", orgtest.Fault{Status: 503, Body: "<html>"}, oauthflow.KindBusy, 0},
		{"HTML with 502 after the org has acted", orgtest.Fault{Status: 502, Body: "<html>", Acts: true}, oauthflow.KindInDoubt, 1},
		{"a redirect to another host", orgtest.Fault{Status: 302, Header: http.Header{"Location": {"https://acme.my.salesforce.com/services/oauth2/token"}}}, oauthflow.KindInvalid, 0},
		{"the page of an expired org", orgtest.Fault{Status: 420, Body: "<html>The data you were trying to access could not be found.</html>"}, oauthflow.KindBusy, 0},
		{"a delay of a minute", orgtest.Fault{Delay: time.Minute}, "", 1},
		{"a delay beyond two minutes", orgtest.Fault{Delay: time.Hour}, oauthflow.KindInDoubt, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := rotating(t)
				f := w.flow(w.org.RoundTripper())
				tok := w.login(t, f, w.org.LoginHost())
				c.fault.Path, c.fault.GrantType = tokenEndpoint, "refresh_token"
				if err := w.org.Inject(c.fault); err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				defer cancel()
				_, err := f.Refresh(ctx, w.client(), tok)
				if c.kind == "" {
					if err != nil {
						t.Error(err)
					}
				} else {
					wireError(t, err, c.kind)
				}
				synctest.Wait()
				w.wantEvents("refresh", "ok", c.acted)
				w.wantEvents("refresh", "reuse", 0)
			})
		})
	}
}

func TestWhatTheOrgForbidsIsToldApart(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(*world) error
		kind oauthflow.ErrorKind
	}{
		{"all tokens revoked", func(w *world) error { return w.org.RevokeAll(appName) }, oauthflow.KindGrantDead},
		{"the app deleted", func(w *world) error { return w.org.DeleteApp(appName) }, oauthflow.KindAppMissing},
		{"the user frozen", func(w *world) error { return w.org.SetUser(orgtest.User{Username: w.user, Frozen: true}) }, oauthflow.KindUserPolicy},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, orgtest.Config{})
			f, client := w.flow(w.org.RoundTripper()), w.client()
			tok := w.login(t, f, w.org.LoginHost())
			if err := c.do(w); err != nil {
				t.Fatal(err)
			}
			_, err := f.Refresh(t.Context(), client, tok)
			wireError(t, err, c.kind)
		})
	}
	t.Run("another secret", func(t *testing.T) {
		w := newWorld(t, orgtest.Config{})
		f, client := w.flow(w.org.RoundTripper()), w.client()
		tok := w.login(t, f, w.org.LoginHost())
		client.Secret = oauthflow.NewSecret("another-secret-0123456789")
		_, err := f.Refresh(t.Context(), client, tok)
		wireError(t, err, oauthflow.KindClient)
	})
	t.Run("the code a second time", func(t *testing.T) {
		w := newWorld(t, orgtest.Config{})
		f := w.flow(w.org.RoundTripper())
		link, p, err := f.Authorize(w.client(), oauthflow.AuthorizeOptions{})
		if err != nil {
			t.Fatal(err)
		}
		cb := w.approve(mainKey, link)
		if _, err := f.Exchange(t.Context(), p, cb.Query); err != nil {
			t.Fatal(err)
		}
		_, err = f.Exchange(t.Context(), p, cb.Query)
		wireError(t, err, oauthflow.KindGrantDead)
	})
	t.Run("a code injected from another login", func(t *testing.T) {
		w := newWorld(t, orgtest.Config{})
		f := w.flow(w.org.RoundTripper())
		victim, _, err := f.Authorize(w.client(), oauthflow.AuthorizeOptions{})
		if err != nil {
			t.Fatal(err)
		}
		link, p, err := f.Authorize(w.client(), oauthflow.AuthorizeOptions{})
		if err != nil {
			t.Fatal(err)
		}
		stolen, mine := w.approve(mainKey, victim).Query, w.approve(mainKey, link).Query
		mine.Set("code", stolen.Get("code"))
		_, err = f.Exchange(t.Context(), p, mine)
		wireError(t, err, oauthflow.KindPKCE)
	})
	t.Run("a renamed My Domain", func(t *testing.T) {
		w := newWorld(t, orgtest.Config{})
		f, client := w.flow(w.org.RoundTripper()), w.client()
		tok := w.login(t, f, "acme.my.salesforce.com")
		if err := w.org.RenameMyDomain("globex"); err != nil {
			t.Fatal(err)
		}
		w.org.RemoveOldDomains()
		client.Host, _ = oauthflow.ParseHost("acme.my.salesforce.com")
		if _, err := f.Refresh(t.Context(), client, tok); !errors.Is(err, oauthflow.ErrNoSuchHost) {
			t.Errorf("got %v", err)
		}
	})
}
