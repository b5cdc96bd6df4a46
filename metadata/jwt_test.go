package metadata_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/metadata"
)

// jwtNo makes a JWT-based access token of a generation.
func jwtNo(n int) string {
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(`{"alg":"RS256","typ":"JWT"}`)) + "." + encode(fmt.Appendf(nil, `{"jti":"%d"}`, 7000+n)) + ".c2lnbmF0dXJlMTIzNA"
}

func opaqueNo(n int) string { return fmt.Sprintf("00DTEST000000001!AQ0.9f8e7d6c.%d", n) }

// Salesforce decides whether it takes a JWT for SOAP: it is sent. What SOAP says of an expired one and of one that it does not take
// may be the same.
func TestSOAPDecidesItselfWhetherItTakesAJWT(t *testing.T) {
	soapAuth := strings.ReplaceAll(expired, "INVALID_SESSION_ID", "INVALID_AUTH_HEADER")
	restAuth := `[{"message":"INVALID_JWT_FORMAT","errorCode":"INVALID_AUTH_HEADER"}]`
	for _, c := range []struct {
		name    string
		token   func(int) string
		refused int // how many generations of tokens, from the first
		status  int
		body    string
		calls   int
		jwt     bool
		session bool
	}{
		{"a JWT that is taken", jwtNo, 0, 0, "", 1, false, false},
		{"a JWT that had expired", jwtNo, 1, 500, expired, 2, false, false},
		{"a JWT that had expired, in the words of a JWT", jwtNo, 1, 500, soapAuth, 2, false, false},
		{"a JWT that had expired, as REST says it", jwtNo, 1, 401, restAuth, 2, false, false},
		{"no JWT is taken", jwtNo, 9, 500, expired, 2, true, true},
		{"no JWT is taken, in the words of a JWT", jwtNo, 9, 500, soapAuth, 2, true, true},
		{"no JWT is taken, as REST says it", jwtNo, 9, 401, restAuth, 2, true, true},
		{"no JWT is taken, with a byte order mark", jwtNo, 9, 500, "\ufeff" + expired, 2, true, true},
		{"no JWT is taken, without a word", jwtNo, 9, 401, "", 2, true, true},
		{"a JWT that lacks a scope", jwtNo, 9, 401, `[{"message":"INVALID_SCOPES","errorCode":"INVALID_AUTH_HEADER"}]`, 1, false, false},
		{"a firewall's page", jwtNo, 9, 401, "<html>log in to the proxy</html>", 1, false, false},
		{"an opaque token that had expired", opaqueNo, 1, 500, expired, 2, false, false},
		{"no opaque token is taken", opaqueNo, 9, 500, expired, 2, false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			calls, generation, asked := 0, 1, 0
			org := open(t, func(w http.ResponseWriter, r *http.Request) {
				calls++
				body, _ := io.ReadAll(r.Body)
				for n := 1; n <= c.refused; n++ {
					if strings.Contains(string(body), c.token(n)) {
						w.WriteHeader(c.status)
						fmt.Fprint(w, c.body)
						return
					}
				}
				fmt.Fprint(w, soapAnswer("readMetadata", `<result><records><fullName>A</fullName><label>A</label></records></result>`))
			}, func(_ context.Context, rejected string) (string, error) {
				if rejected != "" {
					asked++
					generation++
				}
				return c.token(generation), nil
			})
			_, err := org.Read(t.Context(), metadata.KindConnectedApp, "A")
			if errors.Is(err, metadata.ErrJWTSession) != c.jwt || errors.Is(err, metadata.ErrSession) != c.session || calls != c.calls || asked != c.calls-1 {
				t.Errorf("%d calls, %d tokens replaced, %v", calls, asked, err)
			}
			if c.jwt && (!strings.Contains(err.Error(), "REST only") || !strings.Contains(err.Error(), "has ended") || strings.Contains(err.Error(), jwtNo(1))) {
				t.Errorf("the text is %q", err)
			}
			if !c.jwt {
				return
			}
			for range 3 { // known by now: no token is replaced for it again
				if _, err := org.Read(t.Context(), metadata.KindConnectedApp, "A"); !errors.Is(err, metadata.ErrJWTSession) {
					t.Error(err)
				}
			}
			if asked != 1 || calls != 5 {
				t.Errorf("after three more reads: %d calls, %d tokens replaced, want 5 and 1", calls, asked)
			}
		})
	}
}

// Where the connection has no other JWT to give, the same one would be refused again: it is not sent twice.
func TestAJWTThatNothingReplacesIsSentToSOAPOnce(t *testing.T) {
	calls := 0
	org := open(t, func(w http.ResponseWriter, _ *http.Request) {
		calls++
		w.WriteHeader(http.StatusInternalServerError)
		fmt.Fprint(w, expired)
	}, func(context.Context, string) (string, error) { return jwtNo(1), nil })
	for n := range 3 {
		if _, err := org.Read(t.Context(), metadata.KindConnectedApp, "A"); !errors.Is(err, metadata.ErrJWTSession) || calls != n+1 {
			t.Errorf("%d calls after %d reads, %v", calls, n+1, err)
		}
	}
}

func TestARefusalByRESTIsReadInEveryForm(t *testing.T) {
	for name, body := range map[string]string{
		"a list": `[{"message":"m","errorCode":"INSUFFICIENT_ACCESS"}]`, "one object": `{"message":"m","errorCode":"INSUFFICIENT_ACCESS"}`,
		"XML":               `<?xml version="1.0"?><Errors><Error><errorCode>INSUFFICIENT_ACCESS</errorCode><message>m</message></Error></Errors>`,
		"a byte order mark": "\ufeff" + `[{"message":"m","errorCode":"INSUFFICIENT_ACCESS"}]`,
	} {
		t.Run(name, func(t *testing.T) {
			org := open(t, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(http.StatusForbidden)
				fmt.Fprint(w, body)
			}, nil)
			_, err := org.Credentials(t.Context(), "A")
			var e *metadata.Error
			if !errors.As(err, &e) || e.Code != "INSUFFICIENT_ACCESS" || e.Status != 403 {
				t.Errorf("got %v", err)
			}
		})
	}
}
