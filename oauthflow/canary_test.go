package oauthflow_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/internal/needs"
	"github.com/fullcast/sfauth/oauthflow"
)

// encodings are the ways in which an echo may write what it was sent.
var encodings = map[string]func(string) string{
	"raw":               func(s string) string { return s },
	"hex":               func(s string) string { return hex.EncodeToString([]byte(s)) },
	"HEX":               func(s string) string { return strings.ToUpper(hex.EncodeToString([]byte(s))) },
	"base64":            func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
	"base64 + 1":        func(s string) string { return base64.StdEncoding.EncodeToString([]byte(":" + s + "?")) },
	"base64 + 2":        func(s string) string { return base64.StdEncoding.EncodeToString([]byte("id" + s + "id")) },
	"base64url":         func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) },
	"url":               url.QueryEscape,
	"path":              url.PathEscape,
	"url twice":         func(s string) string { return url.QueryEscape(url.QueryEscape(s)) },
	"url, all bytes":    func(s string) string { return allBytes(s, "%%%02X") },
	"JSON, all":         func(s string) string { return allBytes(s, `\u%04x`) },
	"JSON, slashes":     func(s string) string { return strings.ReplaceAll(s, "/", `\/`) },
	"folded":            func(s string) string { return s[:len(s)/2] + "\r\n " + s[len(s)/2:] },
	"in a sentence":     func(s string) string { return "unknown value '" + s + "', 100% sure" },
	"url in a sentence": func(s string) string { return "unknown " + allBytes(s, "%%%02x") + ", 100% sure" },
	"in a query":        func(s string) string { return "https://login.salesforce.com/error?token=" + url.QueryEscape(s) },
}

func allBytes(s, format string) string {
	var b strings.Builder
	for i := range len(s) {
		fmt.Fprintf(&b, format, s[i])
	}
	return b.String()
}

// leaks returns the names of what is found in text, in whatever encoding.
func leaks(text string, secrets map[string]string) []string {
	var found []string
	text = strings.ToLower(strings.Join(strings.Fields(text), ""))
	for name, s := range secrets {
		for how, encode := range encodings {
			if strings.HasSuffix(how, "in a sentence") || how == "in a query" || strings.HasPrefix(how, "base64 +") {
				continue
			}
			if e := strings.ToLower(strings.Join(strings.Fields(encode(s)), "")); strings.Contains(text, strings.TrimRight(e, "=")) {
				found = append(found, name+" ("+how+")")
			}
		}
		// A third of a secret is too much, too.
		for i := 0; i+len(s)/3 <= len(s); i++ {
			if part := strings.ToLower(s[i : i+len(s)/3]); strings.Contains(text, part) {
				found = append(found, "a part of "+name)
				break
			}
		}
	}
	return found
}

// shown is everything that can be seen of an error: its text, fields, chain, JSON and log line.
func shown(err error) string {
	var b bytes.Buffer
	slog.New(slog.NewJSONHandler(&b, nil)).Error("failed", "error", err, "fields", fmt.Sprintf("%+v %#v", err, err))
	for e := err; e != nil; e = errors.Unwrap(e) {
		fmt.Fprintf(&b, "%v %+v %#v %q\n", e, e, e, e)
		if j, jerr := json.Marshal(e); jerr == nil {
			b.Write(j)
		}
		var typed *oauthflow.Error
		if errors.As(e, &typed) {
			b.WriteString(typed.Sentence())
		}
	}
	return b.String()
}

// echo answers with what it was sent, in one place of the answer and one encoding.
type echo struct {
	place  string
	answer func(r *http.Request, said string) (*http.Response, error)
}

var echoes = []echo{
	{"an error code", func(r *http.Request, s string) (*http.Response, error) {
		return wireReply(r, 400, oauthBody(s, "bad")), nil
	}},
	{"a description", func(r *http.Request, s string) (*http.Response, error) {
		return wireReply(r, 400, oauthBody("invalid_grant", s)), nil
	}},
	{"the end of a long description", func(r *http.Request, s string) (*http.Response, error) {
		return wireReply(r, 400, oauthBody("invalid_grant", strings.Repeat("x ", 80)+s)), nil
	}},
	{"a query string", func(r *http.Request, s string) (*http.Response, error) {
		return wireReply(r, 400, url.Values{"error": {"e"}, "error_description": {s}}.Encode()), nil
	}},
	{"a REST error", func(r *http.Request, s string) (*http.Response, error) {
		m, _ := json.Marshal([]map[string]string{{"errorCode": s, "message": s}})
		return wireReply(r, 403, string(m)), nil
	}},
	{"a SOAP fault", func(r *http.Request, s string) (*http.Response, error) {
		return wireReply(r, 500, "<e><exceptionCode>"+s+"</exceptionCode><exceptionMessage>"+s+"</exceptionMessage></e>"), nil
	}},
	{"a bare word", func(r *http.Request, s string) (*http.Response, error) { return wireReply(r, 403, s), nil }},
	{"a page", func(r *http.Request, s string) (*http.Response, error) {
		return wireReply(r, 502, "<html><body>"+s+"</body></html>", "Content-Type", "text/html"), nil
	}},
	{"a success that is a page", func(r *http.Request, s string) (*http.Response, error) {
		return wireReply(r, 200, "<html>"+s, "Content-Type", "text/html; x="+s), nil
	}},
	{"the name of a member", func(r *http.Request, s string) (*http.Response, error) {
		m, _ := json.Marshal(s)
		return wireReply(r, 200, "{"+string(m)+":1,"+string(m)+":2}"), nil
	}},
	{"a token type", func(r *http.Request, s string) (*http.Response, error) {
		return wireReply(r, 200, tokenAnswer(map[string]string{"token_type": s})), nil
	}},
	{"an instance URL", func(r *http.Request, s string) (*http.Response, error) {
		return wireReply(r, 200, tokenAnswer(map[string]string{"instance_url": "https://" + s, "id": s})), nil
	}},
	{"a redirect", func(r *http.Request, s string) (*http.Response, error) {
		return wireReply(r, 307, s, "Location", "https://evil.io/?x="+s, "Retry-After", s), nil
	}},
	{"a transport's error", func(_ *http.Request, s string) (*http.Response, error) { return nil, errors.New("cannot send " + s) }},
	{"a wrapped error", func(r *http.Request, s string) (*http.Response, error) {
		return nil, fmt.Errorf("%s: %w", s, &url.Error{Op: "Post", URL: "https://x?y=" + s, Err: errors.New(s)})
	}},
	{"a cancellation", func(_ *http.Request, s string) (*http.Response, error) {
		return nil, fmt.Errorf("%s: %w", s, context.Canceled)
	}},
	{"a network error", func(_ *http.Request, s string) (*http.Response, error) {
		return nil, &net.OpError{Op: s, Net: "tcp", Err: errors.New(s)}
	}},
	{"a name error", func(_ *http.Request, s string) (*http.Response, error) {
		return nil, &net.DNSError{Name: s, Err: s, IsNotFound: true}
	}},
	{"an error of the body", func(r *http.Request, s string) (*http.Response, error) {
		resp := wireReply(r, 200, "")
		resp.Body = io.NopCloser(io.MultiReader(strings.NewReader("{"), failing{errors.New(s)}))
		return resp, nil
	}},
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestNoErrorShowsAnythingThatWasSent(t *testing.T) {
	paths, said, number := 0, 0, 0
	for _, e := range echoes {
		for how, encode := range encodings {
			if number++; !needs.OneIn(4, number) {
				continue
			}
			for name, call := range wireCalls(t) {
				secrets := map[string]string{}
				for field := 0; ; field++ { // one request for each thing that is sent
					var values []string
					err := call(wireFlow(t, carrier(func(r *http.Request) (*http.Response, error) {
						values = nil
						if r.Body != nil {
							body, _ := io.ReadAll(r.Body)
							form, _ := url.ParseQuery(string(body))
							for _, k := range keysOf(form) {
								if v := form.Get(k); k != "grant_type" && k != "token_type_hint" && k != "redirect_uri" {
									values, secrets[k] = append(values, v), v
								}
							}
						}
						if bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
							values, secrets["bearer"] = append(values, bearer), bearer
						}
						if field >= len(values) {
							return e.answer(r, "nothing")
						}
						return e.answer(r, encode(values[field]))
					})))
					if field >= len(values) {
						break
					}
					paths++
					if err == nil {
						continue
					}
					said++
					if found := leaks(shown(err), secrets); len(found) > 0 {
						t.Errorf("%s, echoed as %s in %s, shows %v: %v", name, how, e.place, found, err)
					}
				}
			}
		}
	}
	if paths < needs.Size(1000, 200) || said < paths*9/10 {
		t.Errorf("only %d echoes were tried, and %d led to errors", paths, said)
	}
}

func TestNoCallbackErrorShowsTheLoginsSecrets(t *testing.T) {
	for how, encode := range encodings {
		for _, param := range []string{"error", "error_description", "iss", "code", "state"} {
			f := wireFlow(t, says(200, ""))
			p, authorize, q := wireBegin(t, f, wireClient(t, wireHost), oauthflow.AuthorizeOptions{})
			secrets := map[string]string{"state": authorize.Get("state"), "nonce": authorize.Get("nonce"), "key": wireKey, "code": wireCode}
			for name, s := range secrets {
				if param != "iss" {
					q.Del("code")
				}
				q.Set("error", "access_denied")
				q.Set(param, encode(s))
				_, err := f.Exchange(t.Context(), p, q)
				if err == nil {
					t.Fatal("a callback with an error was exchanged")
				}
				if found := leaks(shown(err), secrets); len(found) > 0 {
					t.Errorf("%s as %s in %s: %v: %v", name, how, param, found, err)
				}
			}
		}
	}
}

func TestAShortSecretIsWithheldInEveryEncoding(t *testing.T) {
	// Too short to look like a token: only the comparison with what was sent can find it.
	client := wireClient(t, wireHost)
	client.ID, client.Secret = "Ke/y+k9", oauthflow.NewSecret("Zq/7+ab9?x")
	for how, encode := range encodings {
		said := "the value " + encode(client.Secret.Reveal()) + " is bad"
		e := wireError(t, refused(t, client, "refresh", "some_new_code", said, 400), oauthflow.KindUnknownAnswer)
		if e.Description != "[redacted]" {
			t.Errorf("%s: %q", how, e.Description)
		}
	}
}

func TestADescriptionStaysReadable(t *testing.T) {
	for _, description := range []string{
		"expired access/refresh token", "user hasn't approved this consumer", "redirect_uri must match configuration",
		"External client app is not installed in this org", "missing required code challenge", "client identifier invalid",
		"This session is not valid for use with the REST API", "see https://help.salesforce.com/",
	} {
		e := wireError(t, refused(t, wireClient(t, wireHost), "refresh", "some_new_code", description, 400), oauthflow.KindUnknownAnswer)
		if e.Description != description {
			t.Errorf("%q became %q", description, e.Description)
		}
	}
	for _, token := range []string{
		"00D000000000001!AQ0abc.def", "5Aep861abcdef", "eyJhbGciOiJSUzI1NiJ9.e30.c2ln", "aPrx0123456789", "3MVG9abc", strings.Repeat("z", 60),
		"0123456789abcdef0123456789abcdef",
	} { // of another connection: nobody told us that these are secrets
		e := wireError(t, refused(t, wireClient(t, wireHost), "refresh", "some_new_code", "token "+token+" is bad", 400), oauthflow.KindUnknownAnswer)
		if strings.Contains(e.Description, token) || !strings.Contains(e.Description, "is bad") {
			t.Errorf("%q was quoted as %q", token, e.Description)
		}
	}
	long := wireError(t, refused(t, wireClient(t, wireHost), "refresh", "some_new_code", strings.Repeat("né ", 500), 400), oauthflow.KindUnknownAnswer)
	if len(long.Description) > 200 || strings.Contains(long.Description, "\ufffd") {
		t.Errorf("%d bytes: %q", len(long.Description), long.Description)
	}
}

func TestWhatIsHandedOutPrintsNoSecret(t *testing.T) {
	f := wireFlow(t, says(200, tokenAnswer(map[string]string{"id_token": "eyJq1w2.eyJz9x8.c7v6"})))
	c := wireClient(t, wireHost)
	link, p, err := f.Authorize(c, oauthflow.AuthorizeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	u, _ := url.Parse(link)
	tok, err := f.Exchange(t.Context(), p, url.Values{"code": {wireCode}, "state": {u.Query().Get("state")}})
	if err != nil {
		t.Fatal(err)
	}
	secrets := map[string]string{
		"secret": wireSecret, "access": wireAccess, "refresh": wireRefresh, "id_token": "eyJq1w2.eyJz9x8.c7v6",
		"state": u.Query().Get("state"), "nonce": u.Query().Get("nonce"), "challenge": u.Query().Get("code_challenge"),
	}
	for _, v := range []any{c, &c, p, &p, tok, *tok, f} {
		var b bytes.Buffer
		j, _ := json.Marshal(v)
		fmt.Fprintf(&b, "%v %+v %#v %s %q %x %s", v, v, v, v, v, v, j)
		slog.New(slog.NewJSONHandler(&b, nil)).Info("x", "v", v)
		if found := leaks(b.String(), secrets); len(found) > 0 {
			t.Errorf("%T shows %v", v, found)
		}
	}
}
