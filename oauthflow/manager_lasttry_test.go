package oauthflow_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
)

// What the last try is answered says nothing of the refresh whose answer was lost, unless it is about the refresh token.
func TestADoubtOutlastsALastTryThatDoesNotSettleIt(t *testing.T) {
	for name, said := range map[string]func() (*http.Response, error){
		"429 in Salesforce's words": func() (*http.Response, error) { return answered(429, busyWords), nil },
		"429 of a gateway":          func() (*http.Response, error) { return answered(429, "<html>"), nil },
		"503":                       func() (*http.Response, error) { return answered(503, "<html>"), nil },
		"an unknown refusal": func() (*http.Response, error) {
			return answered(400, `{"error":"something_never_seen","error_description":"nobody knows why"}`), nil
		},
		"a refusal without words": func() (*http.Response, error) { return answered(400, ""), nil },
		"a wrong secret": func() (*http.Response, error) {
			return answered(400, `{"error":"invalid_client","error_description":"invalid client credentials"}`), nil
		},
		"a user who is frozen": func() (*http.Response, error) {
			return answered(400, `{"error":"inactive_user","error_description":"user is inactive"}`), nil
		},
		"an address that is not allowed": func() (*http.Response, error) {
			return answered(400, `{"error":"invalid_grant","error_description":"ip restricted"}`), nil
		},
		"no answer": func() (*http.Response, error) { return nil, errCut },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := rotating(t)
				first := w.manager()
				w.connect(first, mainKey)
				dead := w.token(first.Source(mainKey))
				w.org.ExpireSessions()
				w.loseNextAnswer() // the refresh token is spent
				lost := w.manager()
				ctx, cancel := withTimeout(t, time.Second)
				_, err := lost.Source(mainKey).Replace(ctx, dead)
				cancel()
				if err == nil {
					t.Fatal("a token came out of nothing")
				}
				if err := lost.Close(t.Context()); err != nil {
					t.Fatal(err)
				}
				e := newEventLog()
				tried := 0
				wire := carrier(func(r *http.Request) (*http.Response, error) {
					if r.URL.Path == tokenEndpoint {
						if tried++; tried == 1 {
							return said()
						}
					}
					return w.wire.RoundTrip(r)
				})
				m := w.manager(e.observe, func(c *oauthflow.ManagerConfig) { c.Flow = w.flow(wire) })
				ctx, cancel = withTimeout(t, 4*time.Minute)
				_, err = m.Source(mainKey).Replace(ctx, dead)
				cancel()
				if err == nil {
					t.Fatal("a token came out of nothing")
				}
				if tried != 1 {
					t.Fatalf("%d requests, want the last try", tried)
				}
				time.Sleep(2 * time.Hour) // all pauses are over
				asked := w.events("introspect", "")
				_, err = m.Source(mainKey).Replace(t.Context(), dead)
				if got := wantKind(t, err, oauthflow.KindGrantDead); got.Err == nil {
					t.Error("the error does not tell that the outcome was lost")
				}
				if w.events("introspect", "") == asked {
					t.Error("the token was sent again before Salesforce was asked about it")
				}
				synctest.Wait()
				if n := e.count(oauthflow.EventReplay); n != 0 {
					t.Errorf("told %d times that somebody else has used the token, who does not exist", n)
				}
			})
		})
	}
}

// A doubt that an admin's mistake has prolonged ends with the mistake, where the refresh token is unspent.
func TestADoubtThatAWrongSecretHasProlongedEndsWithTheRightOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		m := w.manager()
		wrong := w.client()
		wrong.Secret = oauthflow.NewSecret("not-the-secret-4711")
		w.connect(m, mainKey)
		dead := w.token(m.Source(mainKey))
		w.org.ExpireSessions()
		reset := refuseClient(wrong.ID, w.client().Secret.Reveal(), 400, `{"error":"invalid_client","error_description":"invalid client credentials"}`)
		gateway := true
		wire := carrier(func(r *http.Request) (*http.Response, error) {
			if r.URL.Path == tokenEndpoint && gateway {
				gateway = false
				return answered(502, ""), nil
			}
			form := readForm(r)
			if form.Get("client_secret") == "the-new-secret-0815" { // the org knows it by its old text
				return w.wire.RoundTrip(withSecret(r, form, w.client().Secret.Reveal()))
			}
			if r.URL.Path != tokenEndpoint && form.Get("client_secret") != "" {
				return answered(401, `{"error":"invalid_client"}`), nil
			}
			return reset(w.wire).RoundTrip(r)
		})
		slow := w.manager(func(c *oauthflow.ManagerConfig) { c.Flow = w.flow(wire) })
		ctx, cancel := withTimeout(t, 4*time.Minute)
		_, err := slow.Source(mainKey).Replace(ctx, dead) // in doubt, cannot ask, last try: the secret is wrong
		cancel()
		wantKind(t, err, oauthflow.KindClient)
		next := w.client()
		next.Secret = oauthflow.NewSecret("the-new-secret-0815")
		if err := slow.SetClient(t.Context(), mainKey, next); err != nil {
			t.Fatal(err)
		}
		ctx, cancel = withTimeout(t, time.Minute)
		defer cancel()
		if tok, err := slow.Source(mainKey).Replace(ctx, dead); err != nil || !w.alive(tok.AccessToken) {
			t.Errorf("with the right secret: %v", err)
		}
		w.wantEvents("refresh", "reuse", 0)
	})
}
