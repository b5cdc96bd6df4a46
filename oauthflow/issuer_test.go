package oauthflow_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

// metadata is a login host's discovery document, with or without the promise that every callback names the host.
func metadata(r *http.Request, promised bool) *http.Response {
	return wireReply(r, 200, fmt.Sprintf(`{"issuer":"https://%s","jwks_uri":"https://%[1]s/id/keys","authorization_response_iss_parameter_supported":%t}`,
		r.URL.Host, promised))
}

// RFC 9207 §2.4: a client refuses a response without iss from a server whose metadata promises iss, before it uses the
// response.
func TestACodeWithoutIssuerIsNotSentToAHostThatPromisesToNameItself(t *testing.T) {
	const generic = "login.salesforce.com"
	for _, c := range []struct {
		name     string
		promises string // the host whose metadata does
		iss      string // of the callback
		issuer   string // of the id_token; "" is a login without openid
		want     oauthflow.Kind
	}{
		{"promised by the host that was asked, and missing", wireHost, "", wireHost, oauthflow.KindState},
		{"promised by the host that was asked, and missing, in a login whose id_token is the generic host's", wireHost, "", generic, oauthflow.KindState},
		{"promised by the host that was asked, and missing, in a login without openid", wireHost, "", "", oauthflow.KindState},
		{"promised by the host that was asked, and given", wireHost, "https://" + wireHost, wireHost, ""},
		{"promised by the generic host alone, which was not asked", generic, "", generic, ""},
		{"promised by nobody", "", "", wireHost, ""},
		{"promised by nobody, and given", "", "https://" + wireHost, generic, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			sim := newIssuerSim(wireHost)
			sim.discovery = func(r *http.Request) (*http.Response, error) { return metadata(r, r.URL.Host == c.promises), nil }
			f, client := wireFlow(t, sim), wireClient(t, wireHost)
			o := oauthflow.AuthorizeOptions{}
			if c.issuer == "" {
				o.Scopes = []string{"api", "refresh_token"}
			}
			p, authorize, q := wireBegin(t, f, client, o)
			if c.iss != "" {
				q.Set("iss", c.iss)
			}
			idToken := func(nonce string) func() string {
				return func() string { return jwt(goodHeader(), goodClaims(c.issuer, nonce), rs256(rsaKeys()[0])) }
			}
			if c.issuer != "" {
				sim.idToken = idToken(authorize.Get("nonce"))
			}
			tok, err := f.Exchange(t.Context(), p, q)
			if c.want != "" {
				wireError(t, err, c.want)
				if n := sim.fetches[wireHost+tokenEndpoint]; n != 0 || tok != nil {
					t.Errorf("the code was sent %d times", n)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if err := f.VerifyIDToken(t.Context(), client, tok); err != nil {
				t.Error(err)
			}
			if c.issuer == "" {
				return
			}
			sim.idToken = idToken("")
			if tok, err = f.Refresh(t.Context(), client, tok); err != nil {
				t.Fatal(err)
			}
			if err := f.VerifyIDToken(t.Context(), client, tok); err != nil {
				t.Errorf("a refresh has no callback: %v", err)
			}
		})
	}
}

func TestMetadataThatCannotBeReadPromisesNothing(t *testing.T) {
	for name, discovery := range map[string]func(*http.Request) (*http.Response, error){
		"there is none":           func(r *http.Request) (*http.Response, error) { return wireReply(r, 404, ""), nil },
		"the host has a bad hour": func(r *http.Request) (*http.Response, error) { return wireReply(r, 503, "<html>"), nil },
		"it is not JSON":          func(r *http.Request) (*http.Response, error) { return wireReply(r, 200, "<html>"), nil },
		"it is another host's": func(r *http.Request) (*http.Response, error) {
			resp := metadata(r, true)
			body, err := io.ReadAll(resp.Body)
			return wireReply(r, 200, strings.ReplaceAll(string(body), wireHost, "evil.my.salesforce.com")), err
		},
		"nobody answers": func(*http.Request) (*http.Response, error) { return nil, io.ErrUnexpectedEOF },
		"nobody answers in time": func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sim := newIssuerSim(wireHost)
				sim.discovery = discovery
				f := wireFlow(t, sim)
				p, _, q := wireBegin(t, f, wireClient(t, wireHost), oauthflow.AuthorizeOptions{})
				begin := time.Now()
				if _, err := f.Exchange(t.Context(), p, q); err != nil {
					t.Error(err)
				}
				if took := time.Since(begin); took > 5*time.Second {
					t.Errorf("the login waited %s", took)
				}
			})
		})
	}
}

// The generic hosts speak for the orgs of the public cloud alone, and not for one another.
func TestAnIssuerThatDoesNotSpeakForTheLoginHostIsAskedForNoKeys(t *testing.T) {
	for _, c := range []struct {
		host, issuer string
		accepted     bool
	}{
		{wireHost, "login.salesforce.com", true},
		{wireHost, "other.my.salesforce.com", false},
		{"agency.my.salesforce.mil", "agency.my.salesforce.mil", true},
		{"agency.my.salesforce.mil", "login.salesforce.com", false},
		{"acme.my.sfcrmproducts.cn", "login.salesforce.com", false},
		{"login.salesforce.com", "test.salesforce.com", false},
		{"test.salesforce.com", "login.salesforce.com", false},
		{"login.salesforce.com", wireHost, false},
	} {
		t.Run(c.host+" "+c.issuer, func(t *testing.T) {
			sim := newIssuerSim(c.host)
			f, client := wireFlow(t, sim), wireClient(t, wireHost)
			var err error
			if client.Host, err = oauthflow.ParseHost(c.host, oauthflow.GovernmentCloud, oauthflow.China); err != nil {
				t.Fatal(err)
			}
			tok := sim.login(t, f, client, func(nonce string) string { return jwt(goodHeader(), goodClaims(c.issuer, nonce), rs256(rsaKeys()[0])) })
			err = f.VerifyIDToken(t.Context(), client, tok)
			if c.accepted {
				if err != nil {
					t.Error(err)
				}
				return
			}
			wireError(t, err, oauthflow.KindIDToken)
			if n := sim.fetches[c.issuer+"/id/keys"]; n != 0 {
				t.Errorf("%d requests for its keys", n)
			}
		})
	}
}

func TestAPromiseCountsAlsoWhereTheKeysCannotBeUsed(t *testing.T) {
	for name, keys := range map[string]string{"elsewhere": `"https://keys.example/id/keys"`, "nowhere": `""`} {
		t.Run(name, func(t *testing.T) {
			sim := newIssuerSim(wireHost)
			sim.discovery = func(r *http.Request) (*http.Response, error) {
				return wireReply(r, 200, `{"issuer":"https://`+wireHost+`","jwks_uri":`+keys+`,"authorization_response_iss_parameter_supported":true}`), nil
			}
			f := wireFlow(t, sim)
			p, _, q := wireBegin(t, f, wireClient(t, wireHost), oauthflow.AuthorizeOptions{})
			_, err := f.Exchange(t.Context(), p, q)
			wireError(t, err, oauthflow.KindState)
			if n := sim.fetches[wireHost+tokenEndpoint]; n != 0 {
				t.Errorf("the code was sent %d times", n)
			}
		})
	}
}

func TestAPromiseThatWasReadOnceIsHeldToWhenItCannotBeReadAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := newIssuerSim(wireHost)
		down := false
		sim.discovery = func(r *http.Request) (*http.Response, error) {
			if down {
				return wireReply(r, 503, ""), nil
			}
			return metadata(r, true), nil
		}
		f, client := wireFlow(t, sim), wireClient(t, wireHost)
		for range 2 {
			p, _, q := wireBegin(t, f, client, oauthflow.AuthorizeOptions{})
			_, err := f.Exchange(t.Context(), p, q)
			wireError(t, err, oauthflow.KindState)
			down = true
			time.Sleep(25 * time.Hour)
		}
		if n := sim.fetches[wireHost+"/.well-known/openid-configuration"]; n != 2 {
			t.Errorf("the metadata was asked for %d times, want at each login of another day", n)
		}
	})
}

func TestALoginWithoutThePromisedIssuerLeavesNothingBehind(t *testing.T) {
	w := newWorld(t, orgtest.Config{})
	host := w.org.LoginHost()
	org := w.wire.base
	w.wire.base = carrier(func(r *http.Request) (*http.Response, error) {
		if r.URL.Host == host && strings.HasPrefix(r.URL.Path, "/.well-known/") {
			resp, err := org.RoundTrip(r)
			if err != nil {
				return nil, err
			}
			body, err := io.ReadAll(resp.Body)
			return wireReply(r, 200, strings.Replace(string(body), "{", `{"authorization_response_iss_parameter_supported":true,`, 1)), err
		}
		return org.RoundTrip(r)
	})
	m := w.manager()
	cb := w.begin(m, mainKey)
	for range 2 { // the second time the login has been consumed
		_, err := m.Complete(t.Context(), cb)
		wantKind(t, err, oauthflow.KindState)
	}
	if err := m.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := w.wire.exchanges(); n != 0 {
		t.Errorf("the code was sent %d times", n)
	}
	for r, err := range w.store.List(t.Context(), "", time.Now().AddDate(100, 0, 0)) {
		if err != nil || !strings.HasPrefix(r.ID, "login/") { // how the login ended
			t.Errorf("%q stays in the store, %v", r.ID, err)
		}
	}
	w.wantEvents("exchange", "", 0)

	m = w.manager() // and the same login with the issuer is completed
	cb = w.begin(m, mainKey)
	cb.Query = url.Values{"code": cb.Query["code"], "state": cb.Query["state"], "iss": {"https://" + host}}
	if _, err := m.Complete(t.Context(), cb); err != nil {
		t.Error(err)
	}
}
