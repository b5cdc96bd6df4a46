package fullcasttest_test

import (
	"errors"
	"net/http"
	"net/url"
	"testing"

	"github.com/jarcoal/httpmock"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/fullcast/fullcasttest"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

const query = "/services/data/v66.0/query"

// adopted is a mocked org with a connection.
func adopted(t *testing.T, conditions ...fullcasttest.Condition) (*fullcasttest.Mock, *httpmock.MockTransport, *fullcast.Connector) {
	t.Helper()
	mock := httpmock.NewMockTransport()
	org := fullcasttest.Responders(t, mock, conditions...)
	org.API("GET", query, httpmock.NewJsonResponderOrPanic(http.StatusOK, map[string]int{"totalSize": 1}))
	sf := connector(t, org.Config())
	if _, err := sf.Adopt(t.Context(), acme, org.Client(), org.RefreshToken()); err != nil {
		t.Fatal(err)
	}
	return org, mock, sf
}

func kindOf(err error) oauthflow.ErrorKind {
	var e *oauthflow.Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return ""
}

func TestALoginOfAMockedOrgExchangesItsCode(t *testing.T) {
	org := fullcasttest.Responders(t, httpmock.NewMockTransport(), fullcasttest.Rotation)
	org.API("GET", query, httpmock.NewJsonResponderOrPanic(http.StatusOK, map[string]int{"totalSize": 1}))
	sf := connector(t, org.Config())
	const session = "a random value of the session"
	redirect, err := sf.Begin(t.Context(), acme, fullcast.BeginOptions{Client: org.Client(), Binding: session})
	if err != nil {
		t.Fatal(err)
	}
	page := org.Login(redirect)
	if _, err := sf.Complete(t.Context(), oauthflow.Callback{Tenant: "acme", Path: page.Path, Binding: session, Query: page.Query()}); err != nil {
		t.Fatal(err)
	}
	if n, err := countUsers(t.Context(), sf); n != 1 || err != nil {
		t.Errorf("got %d, %v", n, err)
	}
}

func TestAMockedSessionThatEndsIsRefreshedUnderEachCondition(t *testing.T) {
	for name, conditions := range map[string][]fullcasttest.Condition{
		"as it is":     nil,
		"rotation":     {fullcasttest.Rotation},
		"JWT":          {fullcasttest.JWT},
		"rotating JWT": {fullcasttest.Rotation, fullcasttest.JWT},
		"moved":        {fullcasttest.Rotation, fullcasttest.MovedHost},
	} {
		t.Run(name, func(t *testing.T) {
			org, mock, sf := adopted(t, conditions...)
			for range 3 {
				before := mock.GetTotalCallCount()
				first := org.RefreshToken()
				org.Set(append(conditions, fullcasttest.EndedSession)...)
				if n, err := countUsers(t.Context(), sf); n != 1 || err != nil {
					t.Fatalf("got %d, %v", n, err)
				}
				if mock.GetTotalCallCount() < before+3 {
					t.Error("nothing was refreshed")
				}
				if rotated := !first.Equal(org.RefreshToken()); rotated != (len(conditions) > 0 && conditions[0] == fullcasttest.Rotation) {
					t.Errorf("a new refresh token: %t", rotated)
				}
			}
		})
	}
}

func TestAMockedOrgThatMovesIsFound(t *testing.T) {
	org, _, sf := adopted(t)
	org.Set(fullcasttest.MovedHost)
	if n, err := countUsers(t.Context(), sf); n != 1 || err != nil {
		t.Fatalf("got %d, %v", n, err)
	}
	conn, err := sf.Open(t.Context(), acme)
	if err != nil {
		t.Fatal(err)
	}
	if u, err := conn.InstanceURL(t.Context()); u != "https://acme-corp.my.salesforce.com" || err != nil {
		t.Errorf("got %q, %v", u, err)
	}
	org.Set(fullcasttest.EndedSession)
	if n, err := countUsers(t.Context(), sf); n != 1 || err != nil {
		t.Errorf("later: got %d, %v", n, err)
	}
}

func TestWhatAMockedOrgRefusesIsATypedError(t *testing.T) {
	org, _, sf := adopted(t)
	for _, c := range []struct {
		conditions []fullcasttest.Condition
		want       oauthflow.ErrorKind
	}{
		{[]fullcasttest.Condition{fullcasttest.RateLimit}, oauthflow.KindLimit},
		{nil, ""},
		{[]fullcasttest.Condition{fullcasttest.EndedSession, fullcasttest.Refusal}, oauthflow.KindGrantDead},
	} {
		org.Set(c.conditions...)
		if _, err := countUsers(t.Context(), sf); kindOf(err) != c.want {
			t.Errorf("%v: got %v, want the kind %q", c.conditions, err, c.want)
		}
	}
}

// What the mock says is what the simulator says: each request is sent to both.
func TestTheMockAnswersInTheWordsOfTheSimulator(t *testing.T) {
	mock := httpmock.NewMockTransport()
	org := fullcasttest.Responders(t, mock, fullcasttest.Rotation)
	org.API("GET", query, httpmock.NewStringResponder(http.StatusOK, "{}"))
	sim := fullcasttest.NewOrg(t, fullcast.Production, fullcasttest.Config(func(c *orgtest.Config) { c.AllowConnectedApps = true }))
	token, err := sim.UserApproved("Fullcast", "admin@acme.example")
	if err != nil {
		t.Fatal(err)
	}
	side := []struct {
		transport http.RoundTripper
		client    oauthflow.Client
		token     string
	}{{mock, org.Client(), org.RefreshToken().Reveal()}, {sim.RoundTripper(), sim.Client(), token}}

	const host, end = "https://acme.my.salesforce.com", "/services/oauth2/token"
	refresh := func(i int) url.Values {
		return url.Values{"grant_type": {"refresh_token"}, "refresh_token": {side[i].token}}
	}
	introspect := func(i int) *http.Request {
		return posted(t, host+"/services/oauth2/introspect", side[i].client, url.Values{"token": {side[i].token}})
	}
	for _, c := range []struct {
		name string
		req  func(i int) *http.Request
	}{
		{"a wrong secret", func(i int) *http.Request {
			f := refresh(i)
			f.Set("client_secret", "wrong7secret")
			return posted(t, host+end, side[i].client, f)
		}},
		{"an unknown client", func(i int) *http.Request {
			c := side[i].client
			c.ID = "3MVG9unknown"
			return posted(t, host+end, c, refresh(i))
		}},
		{"an unknown grant type", func(i int) *http.Request {
			return posted(t, host+end, side[i].client, url.Values{"grant_type": {"nonsense"}})
		}},
		{"an unknown code", func(i int) *http.Request {
			return posted(t, host+end, side[i].client, url.Values{"grant_type": {"authorization_code"}, "code": {"aPrx1unknown"}})
		}},
		{"an ended session", func(i int) *http.Request { return called(t, host+query, "00DTEST000000001!ended") }},
		{"introspection before a refresh", introspect},
		{"a refresh", func(i int) *http.Request { return posted(t, host+end, side[i].client, refresh(i)) }},
		{"introspection of a spent token", introspect},
		{"the same token again", func(i int) *http.Request { return posted(t, host+end, side[i].client, refresh(i)) }},
	} {
		if got, want := said(t, side[0].transport, c.req(0)), said(t, side[1].transport, c.req(1)); got != want {
			t.Errorf("%s: got %q, want %q", c.name, got, want)
		}
	}
	if !org.RefreshToken().IsZero() {
		t.Error("a second use of a refresh token has not ended the grant")
	}

	if err := sim.RenameMyDomain("acme-corp"); err != nil {
		t.Fatal(err)
	}
	org.Set(fullcasttest.MovedHost)
	const asked = host + query + "?q=SELECT+Id+FROM+User"
	if got, want := said(t, mock, called(t, asked, "x")), said(t, sim.RoundTripper(), called(t, asked, "x")); got != want {
		t.Errorf("a call after the move: got %q, want %q", got, want)
	}
	if got, want := said(t, mock, posted(t, host+end, org.Client(), refresh(0))), said(t, sim.RoundTripper(), posted(t, host+end, sim.Client(), refresh(1))); got != want {
		t.Errorf("a token request after the move: got %q, want %q", got, want)
	}
}

func TestAMockedJWTEndsInTheWordsOfTheSimulator(t *testing.T) {
	mock := httpmock.NewMockTransport()
	org := fullcasttest.Responders(t, mock, fullcasttest.JWT)
	org.API("GET", query, httpmock.NewStringResponder(http.StatusOK, "{}"))
	sim := fullcasttest.NewOrg(t, fullcast.Production)
	const ended = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl"
	const where = "https://acme.my.salesforce.com" + query
	if got, want := said(t, mock, called(t, where, ended)), said(t, sim.RoundTripper(), called(t, where, ended)); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestAMockChecksTheProofKeyOfALogin(t *testing.T) {
	mock := httpmock.NewMockTransport()
	org := fullcasttest.Responders(t, mock)
	const page = "https://app.fullcast.io/app/admin/motion"
	login := url.Values{"redirect_uri": {page}, "state": {"s"}, "code_challenge": {"of another verifier"}}
	code := org.Login("https://acme.my.salesforce.com/services/oauth2/authorize?" + login.Encode()).Query().Get("code")
	form := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {page}, "code_verifier": {"v"}}
	got := said(t, mock, posted(t, "https://acme.my.salesforce.com/services/oauth2/token", org.Client(), form))
	if want := "400  error=invalid_grant error_description=invalid code verifier "; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestNoMockedCallIsAnsweredWithoutTheAccessToken(t *testing.T) {
	_, mock, _ := adopted(t)
	got := said(t, mock, called(t, "https://acme.my.salesforce.com"+query, ""))
	if want := "401  errorCode=INVALID_SESSION_ID message=Session expired or invalid "; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
