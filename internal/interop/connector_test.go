package interop_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

const (
	browserSession = "a value of the admin's session cookie"
	queryPath      = "/services/data/v66.0/query?q=SELECT+Id+FROM+Organization"
)

var acme = oauthflow.Key{Tenant: "acme", Name: "main"}

// newConnector is a Connector as a service makes one; only its transport leads to the provider instead of to Salesforce.
func newConnector(t *testing.T, p provider) *fullcast.Connector {
	t.Helper()
	keys, err := tokenstore.NewKeyring(tokenstore.GenerateSealingKey("run"))
	if err != nil {
		t.Fatal(err)
	}
	sf, err := fullcast.NewConnector(fullcast.Config{
		Site:      fullcast.Production,
		Store:     tokenstore.NewMemory(),
		Keyring:   keys,
		Transport: p.transport(),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := sf.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return sf
}

// begin runs one login up to the callback: the admin follows the link that the Connector made, after change had its way
// with the link's parameters.
func begin(t *testing.T, p provider, sf *fullcast.Connector, secret string, change func(url.Values)) oauthflow.Callback {
	t.Helper()
	host, err := oauthflow.ParseHost(myDomain)
	if err != nil {
		t.Fatal(err)
	}
	link, err := sf.Begin(t.Context(), acme, fullcast.BeginOptions{
		Client:  oauthflow.Client{Host: host, ID: consumerKey, Secret: oauthflow.NewSecret(secret)},
		Binding: browserSession,
	})
	if err != nil {
		t.Fatal(err)
	}
	to, err := url.Parse(link)
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		q := to.Query()
		change(q)
		to.RawQuery = q.Encode()
	}
	landed, err := p.admin.follow(to.String())
	if err != nil {
		t.Fatal(err)
	}
	return oauthflow.Callback{Tenant: acme.Tenant, Path: landed.Path, Binding: browserSession, Query: landed.Query()}
}

// call asks the API for the org's id with the connection's client.
func call(t *testing.T, conn *fullcast.Connection) (id string, err error) {
	t.Helper()
	instance, err := conn.InstanceURL(t.Context())
	if err != nil {
		return "", err
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, instance+queryPath, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := conn.HTTPClient().Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var answer struct {
		Records []struct{ ID string }
	}
	if err := json.Unmarshal(body, &answer); err != nil || resp.StatusCode != http.StatusOK || len(answer.Records) != 1 {
		t.Fatalf("the API answers %s: %s", resp.Status, body)
	}
	return answer.Records[0].ID, nil
}

// endSession kills the newest access token at the provider, as a session timeout does; the refresh token lives.
func endSession(t *testing.T, p provider) {
	t.Helper()
	if got := post(t, p, "/end-session?token="+url.QueryEscape(lastAnswer(t, p).AccessToken), nil).StatusCode; got != http.StatusNoContent {
		t.Fatalf("ending the session: status %d", got)
	}
}

// post sends a form to the provider past the SDK.
func post(t *testing.T, p provider, path string, form url.Values) *http.Response {
	t.Helper()
	resp, err := (&http.Client{Transport: p.transport()}).PostForm("https://"+myDomain+path, form)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	return resp
}

type tokenAnswer struct {
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token"`
}

// lastAnswer holds the newest tokens that the provider gave out. An answer without a refresh token leaves the older one.
func lastAnswer(t *testing.T, p provider) tokenAnswer {
	t.Helper()
	var last tokenAnswer
	for _, c := range p.calls("") {
		if c.Status != http.StatusOK {
			continue
		}
		if err := json.Unmarshal(c.Answer, &last); err != nil {
			t.Fatal(err)
		}
	}
	return last
}

func TestConnectorLivesThroughAConnectionAtTheCertifiedProvider(t *testing.T) {
	for _, tt := range []struct {
		name   string
		policy rotation
	}{
		{"with rotation", rotatesToken},
		{"without rotation", keepsToken},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := startProvider(t, tt.policy, fullcast.Production.CallbackURLs())
			sf := newConnector(t, p)

			conn, err := sf.Complete(t.Context(), begin(t, p, sf, consumerSecret, nil))
			if err != nil {
				t.Fatal(err)
			}
			if id, err := call(t, conn); err != nil || id != orgID {
				t.Errorf("the first call: got org %q, %v", id, err)
			}
			if n := len(p.calls("refresh_token")); n != 0 {
				t.Errorf("a living session was refreshed %d times", n)
			}

			for round := range 3 {
				endSession(t, p)
				if id, err := call(t, conn); err != nil || id != orgID {
					t.Errorf("the call after the session ended: got org %q, %v", id, err)
				}
				if n := len(p.calls("refresh_token")); n != round+1 {
					t.Fatalf("%d sessions ended, %d refreshes", round+1, n)
				}
			}
			first := p.calls("authorization_code")[0]
			var connected tokenAnswer
			if err := json.Unmarshal(first.Answer, &connected); err != nil {
				t.Fatal(err)
			}
			spent := map[string]bool{}
			for _, c := range p.calls("refresh_token") {
				if c.Form.Has("scope") {
					t.Error("a refresh asked for scopes")
				}
				spent[c.Form.Get("refresh_token")] = true
			}
			if want := map[rotation]int{keepsToken: 1, rotatesToken: 3}[tt.policy]; len(spent) != want || !spent[connected.RefreshToken] {
				t.Errorf("%d different refresh tokens were sent, want %d, the first from the login", len(spent), want)
			}

			again, err := sf.Open(t.Context(), acme)
			if err != nil {
				t.Fatal(err)
			}
			if id, err := call(t, again); err != nil || id != orgID {
				t.Errorf("a call of the opened connection: got org %q, %v", id, err)
			}

			last := lastAnswer(t, p)
			if err := sf.Disconnect(t.Context(), acme); err != nil {
				t.Fatal(err)
			}
			if active(t, p, last.AccessToken) || active(t, p, last.RefreshToken) {
				t.Error("the provider still accepts a token of the disconnected org")
			}
			var e *fullcast.Error
			if _, err := call(t, conn); !errors.As(err, &e) || e.Remedy != fullcast.Reauthorize {
				t.Errorf("a call after the disconnect: got %v, want the remedy to connect again", err)
			}
			if _, err := sf.Open(t.Context(), acme); !errors.As(err, &e) {
				t.Errorf("opening after the disconnect: got %v, want a *fullcast.Error", err)
			}
			if err := sf.Disconnect(t.Context(), acme); err != nil {
				t.Errorf("disconnecting twice: %v", err)
			}
		})
	}
}

// active asks the provider itself about a token.
func active(t *testing.T, p provider, token string) bool {
	t.Helper()
	resp := post(t, p, "/services/oauth2/introspect", url.Values{
		"token": {token}, "client_id": {consumerKey}, "client_secret": {consumerSecret},
	})
	var answer struct{ Active *bool }
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || answer.Active == nil {
		t.Fatalf("introspection answers %s, %v", resp.Status, err)
	}
	return *answer.Active
}

func TestConnectorReportsWhatTheCertifiedProviderRefuses(t *testing.T) {
	p := startProvider(t, rotatesToken, fullcast.Production.CallbackURLs())

	// Each login is refused after posts POSTs to the token endpoint, and nothing is connected by it.
	tests := []struct {
		name     string
		secret   string
		change   func(url.Values)          // of the link
		callback func(*oauthflow.Callback) // of what reaches the page
		posts    int
		kind     oauthflow.ErrorKind
		remedy   fullcast.Remedy
	}{
		{
			name:   "a verifier that does not fit the challenge",
			change: func(q url.Values) { q.Set("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM") },
			posts:  1, kind: oauthflow.KindPKCE, remedy: fullcast.ContactCSM,
		},
		{
			name:   "a wrong consumer secret",
			secret: "another secret",
			posts:  1, kind: oauthflow.KindClient, remedy: fullcast.FixConfiguration,
		},
		{
			name:     "a code that is not the provider's",
			callback: func(cb *oauthflow.Callback) { cb.Query.Set("code", "made-up") },
			posts:    1, kind: oauthflow.KindGrantDead, remedy: fullcast.Reauthorize,
		},
		{
			name:     "a callback in another browser session",
			callback: func(cb *oauthflow.Callback) { cb.Binding = "a value of somebody else's cookie" },
			posts:    0, kind: oauthflow.KindState, remedy: fullcast.Reauthorize,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			sf := newConnector(t, p)
			secret := consumerSecret
			if tt.secret != "" {
				secret = tt.secret
			}
			before := len(p.calls("authorization_code"))
			callback := begin(t, p, sf, secret, tt.change)
			if tt.callback != nil {
				tt.callback(&callback)
			}
			_, err := sf.Complete(t.Context(), callback)
			wantKind(t, err, tt.kind)
			var e *fullcast.Error
			if !errors.As(err, &e) || e.Remedy != tt.remedy {
				t.Errorf("got %v, want the remedy %q", err, tt.remedy)
			}
			if n := len(p.calls("authorization_code")) - before; n != tt.posts {
				t.Errorf("%d token requests, want %d", n, tt.posts)
			}
			if _, err := sf.Open(t.Context(), acme); err == nil {
				t.Error("there is a connection all the same")
			}
		})
	}

	t.Run("a callback that was completed already", func(t *testing.T) {
		sf := newConnector(t, p)
		callback := begin(t, p, sf, consumerSecret, nil)
		conn, err := sf.Complete(t.Context(), callback)
		if err != nil {
			t.Fatal(err)
		}
		before := len(p.calls("authorization_code"))
		if again, err := sf.Complete(t.Context(), callback); err != nil || again.Key() != conn.Key() {
			t.Errorf("the same callback again: %v, %v; want the connection", again, err)
		}
		if n := len(p.calls("authorization_code")) - before; n != 0 {
			t.Errorf("the replayed callback cost %d token requests", n)
		}
		if _, err := call(t, conn); err != nil {
			t.Errorf("the connection does not outlive the replay: %v", err)
		}
	})

	t.Run("a code that another login has spent", func(t *testing.T) {
		sf := newConnector(t, p)
		first := begin(t, p, sf, consumerSecret, nil)
		if _, err := sf.Complete(t.Context(), first); err != nil {
			t.Fatal(err)
		}
		second := begin(t, p, sf, consumerSecret, nil)
		second.Query.Set("code", first.Query.Get("code"))
		if _, err := sf.Complete(t.Context(), second); err == nil {
			t.Error("the spent code was accepted")
		}
	})

	t.Run("a grant that was revoked behind the connection's back", func(t *testing.T) {
		sf := newConnector(t, p)
		conn, err := sf.Complete(t.Context(), begin(t, p, sf, consumerSecret, nil))
		if err != nil {
			t.Fatal(err)
		}
		post(t, p, "/services/oauth2/revoke", url.Values{"token": {lastAnswer(t, p).RefreshToken}})
		before := len(p.calls("refresh_token"))
		for range 3 {
			_, err = call(t, conn)
			wantKind(t, err, oauthflow.KindGrantDead)
		}
		if n := len(p.calls("refresh_token")) - before; n != 1 {
			t.Errorf("a dead grant was tried %d times, want once", n)
		}
	})
}
