package oauthflow_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/oauth2"

	"github.com/fullcast/sfauth/internal/needs"
	"github.com/fullcast/sfauth/oauthflow"
)

// sentForm sends one exchange of p and returns the form that left.
func sentForm(t testing.TB, c oauthflow.Client, o oauthflow.AuthorizeOptions) (authorize, form url.Values) {
	t.Helper()
	f := wireFlow(t, carrier(func(r *http.Request) (*http.Response, error) {
		body, _ := io.ReadAll(r.Body)
		form, _ = url.ParseQuery(string(body))
		return wireReply(r, 200, tokenAnswer(nil)), nil
	}))
	p, authorize, callback := wireBegin(t, f, c, o)
	if _, err := f.Exchange(context.Background(), p, callback); err != nil {
		t.Fatal(err)
	}
	return authorize, form
}

func TestTheVerifierIsFreshAndInTheAlphabetOfRFC7636(t *testing.T) {
	c := wireClient(t, wireHost)
	shape := regexp.MustCompile(`^[A-Za-z0-9_-]{43,128}$`) // without . and ~, which Salesforce is reported to refuse
	for range 2000 {
		authorize, form := sentForm(t, c, oauthflow.AuthorizeOptions{})
		verifier := form.Get("code_verifier")
		sum := sha256.Sum256([]byte(verifier))
		switch {
		case !shape.MatchString(verifier):
			t.Fatalf("verifier of %d characters, outside the alphabet or range", len(verifier))
		case base64.RawURLEncoding.EncodeToString(sum[:]) != authorize.Get("code_challenge"):
			t.Fatal("the challenge is not the unpadded base64url of the verifier's SHA-256")
		case authorize.Get("code_challenge_method") != "S256":
			t.Fatalf("code_challenge_method = %q", authorize.Get("code_challenge_method"))
		}
	}
}

func TestNoTwoLoginsShareAVerifierStateOrNonce(t *testing.T) {
	n := 50_000
	if needs.Everything() && !raced { // 10 s
		n = 1_000_000
	}
	f, c := wireFlow(t, nil), wireClient(t, wireHost)
	seen := make(map[[sha256.Size / 2]byte]struct{}, 3*n)
	names := []string{"&code_challenge=", "&state=", "&nonce="}
	for range n {
		link, _, err := f.Authorize(c, oauthflow.AuthorizeOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			_, value, found := strings.Cut(link, name)
			value, _, _ = strings.Cut(value, "&")
			if !found || len(value) != 43 { // 256 bits
				t.Fatalf("%s%s is missing or has no 256 bits", name, value)
			}
			sum := sha256.Sum256([]byte(value))
			seen[[sha256.Size / 2]byte(sum[:])] = struct{}{}
		}
	}
	if len(seen) != 3*n {
		t.Errorf("%d logins made %d values, want %d", n, len(seen), 3*n)
	}
}

func TestTheChallengeFunctionInUseHasTheVectorOfRFC7636(t *testing.T) {
	// The verifier is always random, so the vector meets the function that makes the challenge, and the test above
	// ties the challenge that is sent to the verifier that is sent.
	const verifier, challenge = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
	if got := oauth2.S256ChallengeFromVerifier(verifier); got != challenge {
		t.Errorf("got %q, want %q", got, challenge)
	}
}

func TestNothingInTheAPINamesAnotherChallengeMethodOrEndpoint(t *testing.T) {
	for _, v := range []any{oauthflow.Config{}, oauthflow.Client{}, oauthflow.AuthorizeOptions{}} {
		for _, field := range reflect.VisibleFields(reflect.TypeOf(v)) {
			for _, word := range []string{"PKCE", "Challenge", "Verifier", "Method", "Plain", "Endpoint", "TokenURL", "AuthURL", "Insecure", "State", "Nonce"} {
				if field.IsExported() && strings.Contains(field.Name, word) {
					t.Errorf("%T.%s lets a caller choose what is not his to choose", v, field.Name)
				}
			}
		}
	}
}

func TestARefusalOfThePKCEIsNeverFollowedByALoginWithoutIt(t *testing.T) {
	requests := 0
	f := wireFlow(t, carrier(func(r *http.Request) (*http.Response, error) {
		requests++
		return wireReply(r, 400, `{"error":"invalid_request","error_description":"code challenge not supported"}`), nil
	}))
	c := wireClient(t, wireHost)
	p, _, callback := wireBegin(t, f, c, oauthflow.AuthorizeOptions{})
	_, err := f.Exchange(t.Context(), p, callback)
	wireError(t, err, oauthflow.KindPKCE)
	if _, q, _ := wireBegin(t, f, c, oauthflow.AuthorizeOptions{}); requests != 1 || q.Get("code_challenge_method") != "S256" {
		t.Errorf("%d requests, and the next login has the method %q", requests, q.Get("code_challenge_method"))
	}
}

func TestEveryKindOfAppIsAskedWithS256AndItsOwnScopes(t *testing.T) {
	for _, c := range []struct {
		name   string
		kind   oauthflow.AppKind
		scopes string
		nonce  bool
	}{
		{"an external client app: the six scopes, and a nonce for openid", "ExternalClientApp", "id full api web refresh_token openid", true},
		{"no kind: as an external client app", "", "id full api web refresh_token openid", true},
		{"a connected app: five scopes, since openid would be refused", "ConnectedApp", "id full api web refresh_token", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			client := wireClient(t, wireHost)
			client.Kind = c.kind
			q, form := sentForm(t, client, oauthflow.AuthorizeOptions{})
			if q.Get("scope") != c.scopes || q.Has("nonce") != c.nonce {
				t.Errorf("scope %q, nonce %v", q.Get("scope"), q.Has("nonce"))
			}
			if q.Get("code_challenge_method") != "S256" || len(q.Get("code_challenge")) != 43 || len(form.Get("code_verifier")) < 43 {
				t.Errorf("PKCE is missing: %v", q)
			}
		})
	}
}

func TestTheAuthorizeURLHoldsWhatSalesforceAsksForAndNoSecret(t *testing.T) {
	f, c := wireFlow(t, nil), wireClient(t, wireHost)
	link, _, err := f.Authorize(c, oauthflow.AuthorizeOptions{
		LoginHint: "user+sales@acme.example", Prompt: "login  consent", Display: "popup", Scopes: []string{"api", "refresh_token"}, ExpectOrg: wireOrg[:15],
	})
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(link)
	if err != nil {
		t.Fatal(err)
	}
	if u.Scheme != "https" || u.Host != wireHost || u.Path != "/services/oauth2/authorize" || u.User != nil || u.Fragment != "" {
		t.Errorf("got %s", link)
	}
	q := u.Query()
	for name, want := range map[string]string{
		"response_type": "code", "client_id": wireKey, "redirect_uri": "https://app.fullcast.io/app/admin/motion",
		"scope": "api refresh_token", "login_hint": "user+sales@acme.example", "prompt": "login consent", "display": "popup",
		"code_challenge_method": "S256",
	} {
		if got := q[name]; len(got) != 1 || got[0] != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	if q.Has("nonce") || strings.Contains(link, wireSecret) || strings.Contains(link, wireOrg) || q.Has("code_verifier") {
		t.Errorf("the URL holds a nonce without openid, the secret, the expected org or the verifier: %s", link)
	}
}

func TestARedirectURLThatIsNotListedByteForByteIsRefused(t *testing.T) {
	listed := []string{"https://app.fullcast.io/app/motion/segments", "https://app.fullcast.io/app/admin/motion", "https://app.fullcast.io/app/admin/export-import"}
	f, err := oauthflow.NewFlow(oauthflow.Config{RedirectURLs: listed})
	if err != nil {
		t.Fatal(err)
	}
	c := wireClient(t, wireHost)
	for _, near := range []string{
		"https://app.fullcast.io/app/admin/motion/", "https://app.fullcast.io/app/admin/motion//", "https://app.fullcast.io//app/admin/motion",
		"https://app.fullcast.io/app/admin/Motion", "https://APP.fullcast.io/app/admin/motion", "HTTPS://app.fullcast.io/app/admin/motion",
		"http://app.fullcast.io/app/admin/motion", "https://app.fullcast.io:443/app/admin/motion", "https://app.fullcast.io:8443/app/admin/motion",
		"https://user@app.fullcast.io/app/admin/motion", "https://app.fullcast.io@evil.io/app/admin/motion", "https://app.fullcast.io.evil.io/app/admin/motion",
		"https://app.fullcast.io/app/admin/motion?", "https://app.fullcast.io/app/admin/motion?next=//evil.io", "https://app.fullcast.io/app/admin/motion#",
		"https://app.fullcast.io/app/admin/motion#x", "https://app.fullcast.io/app/admin/%6dotion", "https://app.fullcast.io/app/%2e%2e/app/admin/motion",
		"https://app.fullcast.io/app/admin/../admin/motion", " https://app.fullcast.io/app/admin/motion", "https://app.fullcast.io/app/admin/motion ",
		"https://sandbox.fullcast.io/app/admin/motion", "https://app.fullcast.io/app/admin", "https://app.fullcast.io/app/admin/motion2", "/app/admin/motion",
		"https://app.fullcast.io/app/admin/motion,https://app.fullcast.io/app/motion/segments",
	} {
		if link, _, err := f.Authorize(c, oauthflow.AuthorizeOptions{RedirectURL: near}); err == nil {
			t.Errorf("%q was accepted: %s", near, link)
		} else if e := wireError(t, err, oauthflow.KindInvalid); !strings.Contains(e.Error(), "RedirectURL") {
			t.Errorf("%q: %v does not name the field", near, e)
		}
	}
	for _, want := range listed {
		if _, q, _ := wireBegin(t, f, c, oauthflow.AuthorizeOptions{RedirectURL: want}); q.Get("redirect_uri") != want {
			t.Errorf("redirect_uri = %q, want %q", q.Get("redirect_uri"), want)
		}
	}
	if _, _, err := f.Authorize(c, oauthflow.AuthorizeOptions{}); err == nil {
		t.Error("a login without RedirectURL was begun although there are three")
	}
}

func TestTheExchangeRepeatsTheRedirectURLOfItsLogin(t *testing.T) {
	authorize, form := sentForm(t, wireClient(t, wireHost), oauthflow.AuthorizeOptions{})
	want := url.Values{
		"grant_type": {"authorization_code"}, "code": {wireCode}, "redirect_uri": {authorize.Get("redirect_uri")},
		"code_verifier": form["code_verifier"], "client_id": {wireKey}, "client_secret": {wireSecret},
	}
	if form.Encode() != want.Encode() {
		t.Errorf("sent the fields %v, want %v", keysOf(form), keysOf(want))
	}
}

func keysOf(v url.Values) []string {
	var out []string
	for k := range v {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

func TestAnAuthorizeOptionOutOfItsRangeIsRefusedByName(t *testing.T) {
	f, c := wireFlow(t, nil), wireClient(t, wireHost)
	for field, o := range map[string]oauthflow.AuthorizeOptions{
		"LoginHint":   {LoginHint: strings.Repeat("a", 256)},
		"LoginHint ":  {LoginHint: "a\nb"},
		"Prompt":      {Prompt: "none"},
		"Display":     {Display: "wap"},
		"ExpectOrg":   {ExpectOrg: "00D1"},
		"ExpectOrg ":  {ExpectOrg: "005WIRE00000001AA2"},
		"Scopes[1]":   {Scopes: []string{"api", "two words"}},
		"Scopes[0]":   {Scopes: []string{""}},
		"RedirectURL": {RedirectURL: "https://evil.io"},
	} {
		_, _, err := f.Authorize(c, o)
		if e := wireError(t, err, oauthflow.KindInvalid); !strings.Contains(e.Error(), "AuthorizeOptions."+strings.TrimSpace(field)) {
			t.Errorf("%s: got %v", field, e)
		}
	}
}

func TestAClientThatCannotBeIsRefusedByName(t *testing.T) {
	for field, change := range map[string]func(*oauthflow.Client){
		"Client.Host":   func(c *oauthflow.Client) { c.Host = oauthflow.Host{} },
		"Client.ID":     func(c *oauthflow.Client) { c.ID = "" },
		"Client.ID ":    func(c *oauthflow.Client) { c.ID = "with blank" },
		"Client.ID  ":   func(c *oauthflow.Client) { c.ID = strings.Repeat("a", 513) },
		"Client.Secret": func(c *oauthflow.Client) { c.Secret = oauthflow.Secret{} },
		"Client.Secret ": func(c *oauthflow.Client) {
			c.Secret = oauthflow.NewSecret(wireSecret + "\n")
		},
		"Client.Secret  ": func(c *oauthflow.Client) { c.Secret = oauthflow.NewSecret(" " + wireSecret) },
	} {
		requests := 0
		f := wireFlow(t, carrier(func(*http.Request) (*http.Response, error) { requests++; return nil, errors.New("sent") }))
		c := wireClient(t, wireHost)
		change(&c)
		_, _, authorize := f.Authorize(c, oauthflow.AuthorizeOptions{})
		_, refresh := f.Refresh(t.Context(), c, wireToken())
		_, introspect := f.Introspect(t.Context(), c, wireToken())
		for _, err := range []error{authorize, refresh, introspect, f.Revoke(t.Context(), c, wireToken())} {
			e := wireError(t, err, oauthflow.KindInvalid)
			if !strings.Contains(e.Error(), strings.TrimSpace(field)) || strings.Contains(e.Error(), wireSecret) {
				t.Errorf("%s: got %v", field, e)
			}
		}
		if requests != 0 {
			t.Errorf("%s: %d requests were sent", field, requests)
		}
	}
}

func TestNewFlowNamesEveryFieldAtFault(t *testing.T) {
	_, err := oauthflow.NewFlow(oauthflow.Config{RedirectURLs: []string{
		"https://app.fullcast.io/ok", "http://app.fullcast.io/plain", "https://app.fullcast.io/q?x=1", "https://app.fullcast.io/#f",
		"https://me@app.fullcast.io/", "/relative", "https://app.fullcast.io/ok", "https://app.fullcast.io/a b", "http://localhost:8080/cb",
	}})
	for i, want := range []bool{false, true, true, true, true, true, true, true, false} {
		if got := strings.Contains(fmt.Sprint(err), fmt.Sprintf("RedirectURLs[%d]", i)); got != want {
			t.Errorf("RedirectURLs[%d] named: %v, want %v, in %v", i, got, want, err)
		}
	}
	if _, err := oauthflow.NewFlow(oauthflow.Config{}); err == nil || !strings.Contains(err.Error(), "RedirectURLs") {
		t.Errorf("without redirect URLs: %v", err)
	}
}

func TestAFlowKeepsItsOwnListOfRedirectURLs(t *testing.T) {
	list := []string{"https://app.fullcast.io/app/admin/motion"}
	f, err := oauthflow.NewFlow(oauthflow.Config{RedirectURLs: list})
	if err != nil {
		t.Fatal(err)
	}
	list[0] = "https://evil.io/"
	if _, _, err := f.Authorize(wireClient(t, wireHost), oauthflow.AuthorizeOptions{RedirectURL: "https://evil.io/"}); err == nil {
		t.Error("a change of the caller's slice reached the Flow")
	}
}
