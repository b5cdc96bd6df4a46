package oauthflow_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
)

func refreshWith(t testing.TB, rt http.RoundTripper) (*oauthflow.Token, error) {
	t.Helper()
	return wireFlow(t, rt).Refresh(context.Background(), wireClient(t, wireHost), wireToken())
}

func TestATokenAnswerIsRead(t *testing.T) {
	tok, err := refreshWith(t, says(200, tokenAnswer(map[string]string{"id_token": "eyJ.e.s", "scope": "refresh_token web openid", "id": "https://test.salesforce.com/id/00DWIRE00000001/005WIRE00000002"})))
	if err != nil {
		t.Fatal(err)
	}
	switch {
	case tok.AccessToken.Reveal() != wireAccess, tok.RefreshToken.Reveal() != wireRefresh, tok.IDToken.Reveal() != "eyJ.e.s":
		t.Error("a token is not the one of the answer")
	case tok.InstanceURL != "https://"+wireHost, len(tok.OrgID) != 18, tok.OrgID[:15] != wireOrg[:15], len(tok.UserID) != 18:
		t.Errorf("got %+v", tok)
	case !slices.Equal(tok.Scopes, []string{"refresh_token", "web", "openid"}):
		t.Errorf("scopes %v", tok.Scopes)
	case !tok.IssuedAt.Equal(time.Date(2019, 5, 22, 19, 37, 53, 237e6, time.UTC)): // milliseconds
		t.Errorf("issued at %v", tok.IssuedAt)
	}
}

func TestIssuedAtIsForInformationOnly(t *testing.T) {
	for _, v := range []string{"", "soon", "-5", "99999999999999999999", "1.5"} {
		if _, err := refreshWith(t, says(200, tokenAnswer(map[string]string{"issued_at": v}))); err != nil {
			t.Errorf("issued_at %q: %v", v, err)
		}
	}
}

func TestARefreshMayAnswerWithTheAccessTokenThatIsThereAlready(t *testing.T) {
	tok, err := refreshWith(t, says(200, tokenAnswer(map[string]string{"refresh_token": ""})))
	if err != nil || tok.AccessToken.Reveal() != wireAccess || !tok.RefreshToken.IsZero() {
		t.Errorf("got %v, %v", tok, err)
	}
}

func TestAnAnswerThatCannotBeUsedKeepsItsRefreshTokenOnly(t *testing.T) {
	whole := tokenAnswer(nil)
	for _, c := range []struct {
		name   string
		answer carrier
		kept   bool
	}{
		{"no access token", says(200, tokenAnswer(map[string]string{"access_token": ""})), true},
		{"an access token with a blank", says(200, tokenAnswer(map[string]string{"access_token": "00D! x"})), true},
		{"an access token with a line break", says(200, tokenAnswer(map[string]string{"access_token": "00D!\r\nX-Evil: 1"})), true},
		{"an access token beyond 16 KiB", says(200, tokenAnswer(map[string]string{"access_token": strings.Repeat("a", 16<<10+1)})), true},
		{"no instance URL", says(200, tokenAnswer(map[string]string{"instance_url": ""})), true},
		{"a token type that is not Bearer", says(200, tokenAnswer(map[string]string{"token_type": "mac"})), true},
		{"an identity URL elsewhere", says(200, tokenAnswer(map[string]string{"id": "https://evil.io/id/" + wireOrg + "/" + wireUser})), true},
		{"members in another case only", says(200, strings.ReplaceAll(strings.ReplaceAll(whole, "access_token", "ACCESS_TOKEN"), "refresh_token\":", "Refresh_Token\":")), false},
		{"two different access tokens", says(200, strings.Replace(whole, "{", `{"access_token":"other",`, 1)), true},
		{"two different refresh tokens", says(200, strings.Replace(whole, "{", `{"refresh_token":"other",`, 1)), false},
		{"three different refresh tokens", says(200, strings.Replace(whole, "{", `{"refresh_token":"other","refresh_token":"third",`, 1)), false},
		{"the same refresh token twice", says(200, strings.Replace(whole, "{", `{"refresh_token":"`+wireRefresh+`",`, 1)), true},
		{"a refresh token and an object of the same name", says(200, strings.Replace(whole, "{", `{"refresh_token":{},`, 1)), false},
		{"a refresh token with a control character", says(200, tokenAnswer(map[string]string{"refresh_token": "5Aep\x00"})), false},
		{"something after the end", says(200, whole+`{"refresh_token":"other"}`), true},
		{"a list", says(200, "["+whole+"]"), false},
		{"a word", says(200, `"ok"`), false},
		{"nothing", says(200, ""), false},
		{"HTML with status 200", says(200, "<html>"+wireRefresh, "Content-Type", "text/html"), false},
		{"JSON that calls itself HTML", says(200, whole, "Content-Type", "text/html;charset=UTF-8"), true},
		{"a body that breaks off", func(r *http.Request) (*http.Response, error) {
			resp := wireReply(r, 200, "")
			resp.Body = io.NopCloser(io.MultiReader(strings.NewReader(whole), failing{errors.New("connection reset by peer")}))
			return resp, nil
		}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			tok, err := refreshWith(t, c.answer)
			wireError(t, err, oauthflow.KindBadAnswer)
			switch {
			case !c.kept && tok != nil:
				t.Errorf("something was kept of it: %+v", tok)
			case c.kept && (tok == nil || tok.RefreshToken.Reveal() != wireRefresh):
				t.Fatal("the refresh token is lost")
			case c.kept && (!tok.AccessToken.IsZero() || tok.InstanceURL != "" || tok.OrgID != "" || !tok.IDToken.IsZero()):
				t.Errorf("more than the refresh token was kept: %+v", tok)
			}
		})
	}
}

func TestAnAnswerThatIsCutAfterAnyByteNeverLosesAWholeRefreshToken(t *testing.T) {
	whole := tokenAnswer(nil)
	quoted := `"refresh_token":"` + wireRefresh + `"`
	end := strings.Index(whole, quoted) + len(quoted)
	for _, torn := range []bool{true, false} { // with and without an error of the transport
		for k := range len(whole) {
			tok, err := refreshWith(t, carrier(func(r *http.Request) (*http.Response, error) {
				resp := wireReply(r, 200, whole[:k])
				if torn {
					resp.Body = io.NopCloser(io.MultiReader(strings.NewReader(whole[:k]), failing{errors.New("connection reset by peer")}))
				}
				return resp, nil
			}))
			wireError(t, err, oauthflow.KindBadAnswer)
			switch {
			case k >= end && (tok == nil || tok.RefreshToken.Reveal() != wireRefresh):
				t.Fatalf("cut after %d bytes: the refresh token ended at %d and is lost", k, end)
			case k < end && tok != nil:
				t.Fatalf("cut after %d bytes: %d bytes of a refresh token were taken for a whole one", k, len(tok.RefreshToken.Reveal()))
			}
		}
	}
}

func TestOnlyTheExactNamesOfMembersCount(t *testing.T) {
	body := strings.Replace(tokenAnswer(nil), "{", `{"ACCESS_TOKEN":"before","Refresh_token":"before",`, 1)
	body = strings.Replace(body, "}", `,"Access_Token":"after","REFRESH_TOKEN":"after"}`, 1)
	tok, err := refreshWith(t, says(200, body))
	if err != nil || tok.AccessToken.Reveal() != wireAccess || tok.RefreshToken.Reveal() != wireRefresh {
		t.Errorf("a member of another case was taken: %v", err)
	}
}

func TestAJSONAnswerNeedsNoContentTypeButMayNotHaveAnother(t *testing.T) {
	for media, ok := range map[string]bool{
		"": true, "application/json": true, "application/json;charset=UTF-8": true, "Application/JSON": true,
		"text/html": false, "text/plain": false, "application/xml": false,
	} {
		if _, err := refreshWith(t, says(200, tokenAnswer(nil), "Content-Type", media)); (err == nil) != ok {
			t.Errorf("%q: %v", media, err)
		}
	}
}

// grown is how many bytes were allocated while f ran: an upper bound of what memory grew by.
func grown(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// resident is how many bytes of memory the process holds, and the most that it held since forget; zero where the system does
// not tell.
func resident() (now, most int) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, 0
	}
	for line := range strings.Lines(string(status)) {
		var kib int
		if n, _ := fmt.Sscanf(line, "VmRSS: %d kB", &kib); n == 1 {
			now = kib << 10
		} else if n, _ := fmt.Sscanf(line, "VmHWM: %d kB", &kib); n == 1 {
			most = kib << 10
		}
	}
	return now, most
}

// forget makes the most memory that was held so far not count any more, where the system can.
func forget() bool { return os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) == nil }

func TestAnEndlessAnswerIsReadNoFurtherThanItsLimit(t *testing.T) {
	const limit = 16 << 20 // allocated in all, by client and server; the answer itself is 1 MiB in a buffer that grows
	growth := 8 << 20
	if raced { // the detector keeps several bytes for each that is touched
		growth = 64 << 20
	}
	chunk := bytes.Repeat([]byte("a"), 64<<10)
	zip := func(s string) []byte {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		io.WriteString(z, s)
		z.Close()
		return b.Bytes()
	}
	// 1 GiB as 64 members of one archive.
	bomb := append(zip(`{"refresh_token":"`+wireRefresh+`","pad":"`), bytes.Repeat(zip(strings.Repeat("a", 16<<20)), 64)...)

	zipped := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Encoding", "gzip")
		w.Write(bomb)
	}
	for _, c := range []struct {
		name    string
		foreign bool
		serve   http.HandlerFunc
		kept    bool
	}{
		{"a body of 1 GiB", false, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprintf(w, `{"refresh_token":%q,"pad":"`, wireRefresh)
			for range 1 << 30 / len(chunk) {
				if _, err := w.Write(chunk); err != nil {
					return
				}
			}
		}, true},
		{"a gzip bomb, though nobody asked for gzip", false, zipped, false},
		{"a gzip bomb that a foreign transport unpacks", true, zipped, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := wireServer(t, c.serve)
			var rt http.RoundTripper = server
			if c.foreign {
				rt = carrier(server.RoundTrip)
			}
			f, client := wireFlow(t, rt), wireClient(t, wireHost)
			var tok *oauthflow.Token
			var err error
			forgot := forget()
			before, _ := resident()
			if n := grown(func() { tok, err = f.Refresh(t.Context(), client, wireToken()) }); n > limit {
				t.Errorf("it cost %d MiB", n>>20)
			}
			if _, most := resident(); forgot && most-before > growth {
				t.Errorf("the process grew by %d MiB, want %d at most", (most-before)>>20, growth>>20)
			}
			wireError(t, err, oauthflow.KindBadAnswer)
			if kept := tok != nil && tok.RefreshToken.Reveal() == wireRefresh; kept != c.kept {
				t.Errorf("the refresh token at the answer's beginning kept: %v, want %v", kept, c.kept)
			}
		})
	}
}

func TestHeadersOfMoreThan64KiBAreRefused(t *testing.T) {
	body := tokenAnswer(nil)
	start := fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\nX-Pad: ", len(body))
	one := func(size int) string { // a head of so many bytes, in one field
		return start + strings.Repeat("a", size-len(start)-4) + "\r\n\r\n"
	}
	many := func(size int) string { // the same in a thousand
		head := strings.Builder{}
		head.WriteString(start)
		for i := 0; head.Len() < size-100; i++ {
			fmt.Fprintf(&head, "a\r\nX-%d: ", i)
		}
		head.WriteString(strings.Repeat("a", size-head.Len()-4) + "\r\n\r\n")
		return head.String()
	}
	for _, c := range []struct {
		name string
		head string
		ok   bool
	}{
		{"60 KiB", one(60 << 10), true},
		{"60 KiB in many fields", many(60 << 10), true},
		{"one byte under 64 KiB", one(64<<10 - 1), true},
		{"one byte over 64 KiB", one(64<<10 + 1), false},
		{"one byte over 64 KiB in many fields", many(64<<10 + 1), false},
		{"68 KiB", one(68 << 10), false},
		{"16 MiB", one(16 << 20), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			rt := wireServer(t, func(w http.ResponseWriter, _ *http.Request) {
				conn, _, err := w.(http.Hijacker).Hijack()
				if err != nil {
					return
				}
				defer conn.Close()
				io.WriteString(conn, c.head+body)
			})
			tok, err := wireFlow(t, rt).Refresh(t.Context(), wireClient(t, wireHost), wireToken())
			if !c.ok {
				wireError(t, err, oauthflow.KindInDoubt)
			} else if err != nil || tok.RefreshToken.Reveal() != wireRefresh {
				t.Errorf("an answer with a head of %d bytes: %v", len(c.head), err)
			}
		})
	}
}

func TestTheSignatureIsCheckedAndAMismatchIsReported(t *testing.T) {
	const issued = "1558553873237"
	// printf %s ID ISSUED_AT | openssl dgst -sha256 -hmac SECRET -binary | base64, of wireID, issued and wireSecret
	const vector = "QDji5/5ib6DrmREn2hMYWwwGDH3uVgYJkrNYdBeiFJw="
	sum, err := base64.StdEncoding.DecodeString(vector)
	if err != nil {
		t.Fatal(err)
	}
	mismatch := func(signature string) bool {
		tok, err := refreshWith(t, says(200, tokenAnswer(map[string]string{"signature": signature, "issued_at": issued})))
		if err != nil || tok.AccessToken.IsZero() || tok.RefreshToken.IsZero() {
			t.Fatalf("an answer with signature %q was refused: %v", signature, err)
		}
		return tok.SignatureMismatch
	}
	if mismatch(vector) {
		t.Error("the right signature was not recognized")
	}
	if mismatch("") {
		t.Error("a missing signature counts as a wrong one")
	}
	flips := 0
	for bit := range 8 * len(sum) {
		bad := slices.Clone(sum)
		bad[bit/8] ^= 1 << (bit % 8)
		if !mismatch(base64.StdEncoding.EncodeToString(bad)) {
			t.Errorf("bit %d flipped, and nobody noticed", bit)
		}
		flips++
	}
	for _, odd := range []string{"not base64!", base64.StdEncoding.EncodeToString(sum[:31]), base64.RawStdEncoding.EncodeToString(sum), "AA=="} {
		if !mismatch(odd) {
			t.Errorf("signature %q was accepted", odd)
		}
	}
	if flips < 64 {
		t.Errorf("only %d flips were tried", flips)
	}
}

func TestALoginOfAnotherOrgThanExpectedIsRefusedWithItsTokens(t *testing.T) {
	for _, c := range []struct {
		name, expect string
		ok           bool
	}{
		{"any org", "", true},
		{"the same org, 18 characters", "00DWIRE000000012DA", true},
		{"the same org, 15 characters", wireOrg[:15], true},
		{"another org", "00DWIRE000000092DA", false},
		{"an org that differs in case only", "00Dwire00000001", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := wireFlow(t, says(200, tokenAnswer(nil)))
			p, _, q := wireBegin(t, f, wireClient(t, wireHost), oauthflow.AuthorizeOptions{ExpectOrg: c.expect})
			tok, err := f.Exchange(t.Context(), p, q)
			if c.ok {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			wireError(t, err, oauthflow.KindOrgChanged)
			if !errors.Is(err, oauthflow.ErrOrgChanged) || tok == nil || tok.RefreshToken.IsZero() {
				t.Errorf("got %v without the token that is to be revoked", err)
			}
		})
	}
}

func TestALoginWithoutARefreshTokenSaysWhichSettingIsWrong(t *testing.T) {
	f := wireFlow(t, says(200, tokenAnswer(map[string]string{"refresh_token": "", "scope": "api id"})))
	p, _, q := wireBegin(t, f, wireClient(t, wireHost), oauthflow.AuthorizeOptions{})
	tok, err := f.Exchange(t.Context(), p, q)
	e := wireError(t, err, oauthflow.KindNoRefresh)
	if !errors.Is(err, oauthflow.ErrNoRefreshToken) || tok == nil || tok.AccessToken.IsZero() {
		t.Errorf("got %v", err)
	}
	for _, word := range []string{"Perform requests at any time", "Refresh Token Policy"} {
		if !strings.Contains(e.Error(), word) || !strings.Contains(e.Sentence(), word) {
			t.Errorf("neither text nor sentence may leave out %q: %q, %q", word, e, e.Sentence())
		}
	}
}

func TestALoginWhoseOrgIsUnknownIsNotAccepted(t *testing.T) {
	f := wireFlow(t, says(200, tokenAnswer(map[string]string{"id": ""})))
	p, _, q := wireBegin(t, f, wireClient(t, wireHost), oauthflow.AuthorizeOptions{})
	_, err := f.Exchange(t.Context(), p, q)
	wireError(t, err, oauthflow.KindBadAnswer)
}

func FuzzTokenAnswer(f *testing.F) {
	whole := tokenAnswer(nil)
	for _, s := range []string{
		whole, whole[:len(whole)/2], tokenAnswer(map[string]string{"refresh_token": ""}), strings.Replace(whole, "{", `{"refresh_token":"x",`, 1),
		"[]", "null", `{"error":"invalid_grant"}`, `{"refresh_token":{"a":1}}`, `{"a":[[[[]]]]}`, "\xff\xfe", `{"refresh_token":"\ud800"}`, "<html>", "",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) {
		tok, err := refreshWith(t, says(200, body))
		if err != nil && tok == nil {
			return
		}
		if r := tok.RefreshToken.Reveal(); r != "" && (len(r) > 16<<10 || strings.ContainsFunc(r, func(c rune) bool { return c <= ' ' || c > '~' })) {
			t.Fatalf("%q: a refresh token that no header can hold", body)
		}
		if err != nil {
			if !tok.AccessToken.IsZero() || tok.RefreshToken.IsZero() {
				t.Fatalf("%q: an unusable answer left more or less than a refresh token", body)
			}
			return
		}
		if tok.AccessToken.IsZero() || !strings.HasPrefix(tok.InstanceURL, "https://") || (tok.OrgID == "") != (tok.IdentityURL == "") {
			t.Fatalf("%q was accepted as %+v", body, tok)
		}
	})
}
