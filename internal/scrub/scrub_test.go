package scrub_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"math/rand/v2"
	"net/http"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/fullcast/sfauth/internal/needs"
	"github.com/fullcast/sfauth/internal/scrub"
	"github.com/fullcast/sfauth/internal/secret"
)

const (
	token  = "00DSCRUB0000001!AQ7scrub.Canary_0123456789abcdefgh_Zq3"
	client = "q/7+Zt_3-kV9.uM1xw&Ee<r5"
)

// writings are how a server, a proxy or a tracing tool that repeats a request may write what was in it.
var writings = map[string]func(string) string{
	"as it is":              func(s string) string { return s },
	"a query":               url.QueryEscape,
	"a query, lower case":   func(s string) string { return lowerEscapes(url.QueryEscape(s)) },
	"a query, twice":        func(s string) string { return url.QueryEscape(url.QueryEscape(s)) },
	"a path":                url.PathEscape,
	"all in percents":       func(s string) string { return each(s, "%%%02X") },
	"JSON":                  jsonText,
	"JSON in JSON":          func(s string) string { return jsonText(jsonText(s)) },
	"JSON, slashes escaped": func(s string) string { return strings.ReplaceAll(jsonText(s), "/", `\/`) },
	"JSON, all escaped":     func(s string) string { return each(s, `\u%04x`) },
	"XML":                   html.EscapeString,
	"XML by numbers":        func(s string) string { return each(s, "&#%d;") },
	"XML in JSON":           func(s string) string { return jsonText(html.EscapeString(s)) },
	"a query in XML":        func(s string) string { return html.EscapeString("a=b&token=" + url.QueryEscape(s)) },
	"folded":                func(s string) string { return s[:len(s)/2] + "\r\n\t" + s[len(s)/2:] },
	"in upper case":         strings.ToUpper,
	"in lower case":         strings.ToLower,
	"its beginning":         func(s string) string { return s[:len(s)*9/10] + "…" },
	"behind Bearer":         func(s string) string { return "Authorization: Bearer " + s },
	"hex":                   func(s string) string { return hex.EncodeToString([]byte(s)) },
	"hex, upper case":       func(s string) string { return fmt.Sprintf("%X", s) },
	"hex behind a word":     func(s string) string { return fmt.Sprintf("id%x", "?"+s) },
	"hex in a query":        func(s string) string { return each(hex.EncodeToString([]byte(s)), "%%%02x") },
	"base64":                func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
	"base64 behind a word":  func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte("id:" + s + "?")) },
	"hex of a program":      func(s string) string { return each(s, `\x%02x`) },
	"with marks between":    func(s string) string { return strings.Join(strings.Split(s, ""), "\u200b") },
}

func TestATextThatMentionsWhatWasSentIsWithheldHoweverItIsWritten(t *testing.T) {
	for _, sent := range []string{token, client} {
		said := scrub.New(secret.New("other-secret-0000000"), secret.New(sent))
		for how, write := range writings {
			for _, around := range []string{"%s", "the value '%s', 100%% sure", "x=%s&y=\\", "<a>%s</a>"} {
				text := strings.Replace(strings.ReplaceAll(around, "%%", "%"), "%s", write(sent), 1)
				if how == "its beginning" && sent == client {
					continue // 18 letters and digits are needed
				}
				if got := said.Line(text, 300); got != scrub.Redacted {
					t.Errorf("%s in %q: Line returns %q", how, around, got)
				}
				if got := said.Sentence(text, 300); got != scrub.Redacted {
					t.Errorf("%s in %q: Sentence returns %q", how, around, got)
				}
				if got := said.Value(text); got != scrub.Redacted || !said.Mentions(text) {
					t.Errorf("%s in %q: Value returns %q", how, around, got)
				}
			}
		}
	}
}

func TestAWholeAnswerThatRepeatsTheSessionIsRecognised(t *testing.T) {
	said := scrub.New(secret.New(token))
	filling := strings.Repeat("<fullName>An_App</fullName>", 100_000)
	for how, write := range writings {
		body := filling + write(token) + filling
		switch how {
		case "folded", "with marks between":
			continue // the values that are read of such an answer hold no token that anybody could use, or are not read
		}
		if !said.Repeats([]byte(body)) {
			t.Errorf("%s is not found", how)
		}
	}
	if said.Repeats([]byte(filling + "00DSCRUB0000001" + filling)) {
		t.Error("the org's ID is taken for its session")
	}
}

func TestAPartOf31CharactersOfWhatWasSentIsRecognisedInAWholeAnswer(t *testing.T) {
	for _, size := range []int{31, 47, 112} {
		long := random(size)
		said := scrub.New(secret.New(long))
		for how, written := range map[string]string{
			"as it is": long, "in lower case": strings.ToLower(long), "in upper case": strings.ToUpper(long),
			"hex": fmt.Sprintf("%x", long), "hex, upper case": fmt.Sprintf("%X", long),
		} {
			for at := 0; at+31 <= len(written); at++ {
				if !said.Repeats([]byte("<a>" + written[at:at+31] + "</a>")) {
					t.Fatalf("%s: the part at %d of %d bytes is not found", how, at, size)
				}
			}
		}
		if other := random(size); said.Repeats([]byte(other + strings.ToLower(other) + fmt.Sprintf("%x", other))) {
			t.Errorf("%d bytes: another token is taken for it", size)
		}
	}
}

func TestWhatHoldsNothingThatWasSentStaysReadable(t *testing.T) {
	said := scrub.New(secret.New(token), secret.New("my refresh token 1"))
	for _, text := range []string{
		"expired access/refresh token", "org 00DSCRUB0000001 is locked", "100% sure", `a \ b`, "Ärger mit Ümläuten: 株式会社",
		"In field: surveyJob - no CustomField named Account.surveyJob__c found", "ExternalClientApplication2 duplicates value on record with id: 888xx0000004C92AAE",
		"extlClntAppOauthConfigurablePolicies/Fullcast_Motion_Package_2_oauthPlcy.ecaOauthPlcy (line 12)",
		"https://help.salesforce.com/s/articleView?id=sf.connected_app",
	} {
		if got := said.Line(text, 300); got != text {
			t.Errorf("%q became %q", text, got)
		}
		if got := said.Value(text); got != text {
			t.Errorf("the value %q became %q", text, got)
		}
	}
	for text, want := range map[string]string{
		"token 5Aep861abc of another connection": "token [redacted] of another connection",
		"got 00D000000000001!AQ0abc.def":         "got [redacted]",
		"got 00D000000000001%21AQ0abc.def":       "got [redacted]",
		"key=3MVG9abc.def":                       "[redacted]",
	} {
		if got := said.Line(text, 300); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
}

// Work is bounded by what is read of a text, however long it is and whatever it is made of.
func TestOfALongTextTheBeginningAloneCostsWork(t *testing.T) {
	var sent []secret.Secret
	for i := range 8 {
		sent = append(sent, secret.New(fmt.Sprintf("%d-%s", i, strings.Repeat(token, 2))))
	}
	said := scrub.New(sent...)
	for _, unit := range []string{"%", "%2", "%25", "&", "&amp;", "&#37;", `\`, `\u`, "\\u0025", "a", "a ", "\u202e", "\xff", "5Aep", "eyJ", "00D!", "://", "0123456789"} {
		text := strings.Repeat(unit, 1<<20/len(unit))
		begin := time.Now()
		const often = 50
		for range often {
			for _, got := range []string{said.Line(text, 300), said.Sentence(text, 200), said.Value(text)} {
				if len(got) > 300 || !utf8.ValidString(got) {
					t.Fatalf("a MiB of %q becomes %d bytes", unit, len(got))
				}
			}
		}
		if each := time.Since(begin) / often; needs.Late(each, 100*time.Millisecond) { // some microseconds; a search of the whole takes seconds
			t.Errorf("a MiB of %q costs %v", unit, each)
		}
	}
}

func TestNothingSteersATerminalOrForgesALogLine(t *testing.T) {
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if !utf8.ValidRune(r) {
			continue
		}
		got := scrub.Printable("a" + string(r) + "b")
		for _, g := range got {
			if unicode.IsControl(g) || unicode.In(g, unicode.Cf, unicode.Co, unicode.Cs, unicode.Zl, unicode.Zp, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector) ||
				!unicode.IsGraphic(g) {
				t.Fatalf("%U is shown as %q", r, got)
			}
		}
	}
	for text, want := range map[string]string{
		"two\nlines\r\n": "two lines  ", "\x1b[31mred": "\ufffd[31mred", "\u009b31m": "\ufffd31m", "a\u2028b": "a b", "\xffx": "\ufffdx",
		"\u202eevil": "\ufffdevil", "z\u200bw": "z\ufffdw", "plain": "plain", "né": "né",
	} {
		if got := scrub.Printable(text); got != want {
			t.Errorf("%q is shown as %q, want %q", text, got, want)
		}
	}
	if got := (scrub.Scrubber{}).Line("a\n\x1b]0;x\ab\u202e", 300); got != "a \ufffd]0;x\ufffdb\ufffd" {
		t.Errorf("a line is %q", got)
	}
}

func TestJSONKeepsItsValuesAndHidesNothing(t *testing.T) {
	for _, value := range []string{"plain", "\u0085\u009b\u202e\u2066\u200b\ufeff\u00ad", "\U000e0041\U0001f600", "né", "\x7f", "\\u202e", "\ue000"} {
		var plain strings.Builder
		e := json.NewEncoder(&plain)
		e.SetEscapeHTML(false)
		if err := e.Encode(map[string]string{value: value}); err != nil {
			t.Fatal(err)
		}
		text := scrub.JSON([]byte(plain.String()))
		var back map[string]string
		if err := json.Unmarshal(text, &back); err != nil || back[value] != value {
			t.Errorf("%q comes back as %q, %v", value, back, err)
		}
		for _, r := range string(text) {
			if r != '\n' && r != ' ' && !scrub.Visible(r) {
				t.Errorf("%q is written as %q", value, text)
			}
		}
	}
}

func TestAnIdentifierThatIsPlainStaysAsItIs(t *testing.T) {
	for id, want := range map[string]string{
		"acme": "acme", "customer-7": "customer-7", "a.b_c@example.com+x": "a.b_c@example.com+x", "": `""`, "acme/eu": `"acme/eu"`, "a b": `"a b"`,
		"a\nb": `"a\nb"`, "\x1b[2J": `"\x1b[2J"`, "аcme": `"\u0430cme"`, `"acme"`: `"\"acme\""`, "\u202e": `"\u202e"`, "\xff": `"\xff"`,
	} {
		if got := scrub.Word(id); got != want {
			t.Errorf("%q is shown as %s, want %s", id, got, want)
		}
	}
	for name, want := range map[string]string{
		"Fullcast Motion Package": "Fullcast Motion Package", "Fullcast Motion Package ": `"Fullcast Motion Package "`, "a/b.eca": "a/b.eca",
		"a  b": `"a  b"`, "a: b": `"a: b"`, "Ünder": `"\u00dcnder"`,
	} {
		if got := scrub.Name(name); got != want {
			t.Errorf("%q is shown as %s, want %s", name, got, want)
		}
	}
}

// Whatever two identifiers are, what is shown of them differs, is ASCII and is one line.
func FuzzTwoIdentifiersNeverReadTheSame(f *testing.F) {
	for _, pair := range [][2]string{{"acme/eu", "acme"}, {"a", `"a"`}, {"a\n", "a"}, {"аcme", "acme"}, {"", `""`}, {"a\\n", "a\n"}, {"\xff", "\ufffd"}, {"e\u0301", "\u00e9"}} {
		f.Add(pair[0], pair[1])
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		for _, show := range []func(string) string{scrub.Word, scrub.Name} {
			if (show(a) == show(b)) != (a == b) {
				t.Errorf("%q and %q are shown as %s and %s", a, b, show(a), show(b))
			}
			for _, c := range []byte(show(a)) {
				if c < ' ' || c > '~' {
					t.Errorf("%q is shown as %q", a, show(a))
				}
			}
		}
		// A path of two is read back in one way.
		if a+"/"+b != b+"/"+a && scrub.Word(a)+"/"+scrub.Word(b) == scrub.Word(b)+"/"+scrub.Word(a) {
			t.Errorf("%q and %q are shown as the same path", a, b)
		}
	})
}

func TestARequestsSecretsAreFoundWhereverItCarriesThem(t *testing.T) {
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://acme.my.salesforce.com/x?access_token=query0123",
		strings.NewReader("<h><urn:sessionId>soap&#33;0123</urn:sessionId></h>"))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"Authorization": "Bearer bearer0123", "X-SFDC-Session": "bulk0123", "Cookie": "sid=cookie0123; other=value0123", "SOAPAction": `""`,
	} {
		req.Header.Set(name, value)
	}
	said := scrub.New(scrub.SentWith(req)...)
	for _, sent := range []string{"query0123", "soap!0123", "bearer0123", "bulk0123", "cookie0123", "value0123"} {
		if !said.Mentions("it was " + sent) {
			t.Errorf("%s is not known", sent)
		}
	}
	if said.Mentions("it was Bearer or nothing") || len(scrub.SentWith(nil)) > 0 {
		t.Error("more is known than was sent")
	}
}

// A server reads a request in more ways than one client writes it.
func TestASessionIsFoundInEveryFormInWhichAServerWouldTakeIt(t *testing.T) {
	const session = "soap!0123456789"
	envelopes := map[string]string{
		"an attribute":        `<u:sessionId xsi:type="xsd:string">soap&#33;0123456789</u:sessionId>`,
		"a blank in the tag":  "<sessionId\n>soap!0123456789</sessionId >",
		"CDATA":               "<sessionId><![CDATA[soap!0123456789]]></sessionId>",
		"a comment inside":    "<sessionId>soap!0<!-- x -->123456789</sessionId>",
		"a comment before":    "<!--sessionId>x<--><sessionId>soap!0123456789</sessionId>",
		"an empty one before": "<a:sessionId></a:sessionId><sessionId/><sessionId> soap!0123456789 </sessionId>",
	}
	for name, header := range map[string]http.Header{
		"SOAPAction": {"Soapaction": {`""`}}, "SOAPAction by a map": {"SOAPAction": {`""`}}, "SOAP 1.2": {"Content-Type": {"application/soap+xml; charset=UTF-8"}},
		"XML": {"content-type": {"Text/XML"}},
	} {
		for form, envelope := range envelopes {
			found(t, name+", "+form, session, "https://acme.my.salesforce.com/", envelope, header)
		}
	}
	for _, query := range []string{"sid=other012345&sid=soap%210123456789", "SID=soap!0123456789", "x=1;sid=soap!0123456789", "sid=soap!0123456789&%zz=1", "%74oken=soap!0123456789"} {
		found(t, "query "+query, session, "https://acme.my.salesforce.com/?"+query, "", nil)
		found(t, "form "+query, session, "https://acme.my.salesforce.com/", query, http.Header{"Content-Type": {"application/x-www-form-urlencoded; charset=utf-8"}})
	}
	for _, cookie := range []string{`sid="soap!0123456789"`, "a=1; sid=soap!0123456789", `sid=so ap!0123456789`, "s\x01d=soap!0123456789", "bad name=soap!0123456789;x"} {
		found(t, "cookie "+cookie, session, "https://acme.my.salesforce.com/", "", http.Header{"Cookie": {cookie}})
	}
}

func found(t *testing.T, how, session, url, body string, header http.Header) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = header
	if !scrub.New(scrub.SentWith(req)...).Mentions("it was " + session) {
		t.Errorf("%s: the session is not known", how)
	}
}

func TestARedirectWhoseAddressRepeatsTheTokenLeadsNowhere(t *testing.T) {
	for location, kept := range map[string]bool{
		"https://acme.my.salesforce.com/next": true, "https://evil.example/?t=" + url.QueryEscape(token): false, "/" + token: false,
		"/" + strings.Repeat("x", 5000): false, "https://[x/and some words": false, "https://acme.my.salesforce.com:port/": false, "": true,
	} {
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://acme.my.salesforce.com/", nil)
		req.Header.Set("Authorization", "Bearer "+token)
		resp := &http.Response{StatusCode: http.StatusFound, Header: http.Header{"Location": {location}}}
		scrub.Answered(req, resp)
		if _, got := resp.Header["Location"]; got != kept || resp.Request != req {
			t.Errorf("%.60s: kept %v, want %v", location, got, kept)
		}
	}
}

func TestAHeadersNameIsFoundInWhateverCaseAMapHoldsIt(t *testing.T) {
	for _, name := range []string{"authorization", "AUTHORIZATION", "x-sfdc-session", "X-SFDC-Session", "cookie"} {
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://acme.my.salesforce.com/", nil)
		req.Header[name] = []string{"sid=" + token}
		if !scrub.New(scrub.SentWith(req)...).Mentions("it was " + token) {
			t.Errorf("what %s carries is not known", name)
		}
	}
}

// A server that means to show what it was sent can write it so that nobody recognises it. No reader is bound to know its writing.
func TestWhatAServerWritesInAnAlphabetOfItsOwnIsNotRecognised(t *testing.T) {
	said := scrub.New(secret.New(token))
	backwards, wide := []byte(token), []rune(token)
	slices.Reverse(backwards)
	for i, r := range wide {
		if r > ' ' && r <= '~' {
			wide[i] = r + 0xfee0
		}
	}
	for how, text := range map[string]string{"backwards": string(backwards), "in letters of full width": string(wide)} {
		if said.Mentions(text) {
			t.Errorf("%s it is recognised now: say so in SECURITY.md", how)
		}
	}
}

func jsonText(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func each(s, format string) string {
	var b strings.Builder
	for i := range len(s) {
		fmt.Fprintf(&b, format, s[i])
	}
	return b.String()
}

func lowerEscapes(s string) string {
	b := []byte(s)
	for i := 0; i+2 < len(b); i++ {
		if b[i] == '%' {
			copy(b[i:], strings.ToLower(string(b[i:i+3])))
		}
	}
	return string(b)
}

// windows are the parts of 18 characters of a text.
func windows(s string) (out []string) {
	for at := 0; at+18 <= len(s); at++ {
		out = append(out, s[at:at+18])
	}
	return out
}

func TestEveryPartOfATokenOfAnyLengthBetraysIt(t *testing.T) {
	for _, size := range []int{18, 19, 27, 28, 112, 2 << 10} {
		long := random(size)
		said := scrub.New(secret.New(long))
		for at, w := range windows(long) {
			if !said.Mentions("said " + w + ".") {
				t.Fatalf("%d bytes: the part at %d is shown", size, at)
			}
		}
		for name, encoded := range map[string]string{"hex": hex.EncodeToString([]byte(long)), "base64": base64.StdEncoding.EncodeToString([]byte("ab" + long + "cde"))[3 : (2+size)*8/6]} {
			for _, w := range windows(encoded) {
				if strings.ContainsAny(w, "0123456789") && !said.Mentions(w) {
					t.Fatalf("%d bytes: the part %s in %s is shown", size, w, name)
				}
			}
		}
		if said.Mentions(random(17)) || said.Mentions(long[:12]+" "+random(size)) {
			t.Errorf("%d bytes: a text with another token is withheld", size)
		}
	}
}

// random is a token of letters and digits, with a digit at every tenth place.
func random(size int) string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	b := make([]byte, size)
	for i := range b {
		if b[i] = letters[rand.IntN(len(letters))]; i%10 == 0 {
			b[i] = byte('0' + rand.IntN(10))
		}
	}
	return string(b)
}

func TestALongTokenCostsLittleMoreThanItsLength(t *testing.T) {
	for _, size := range []int{2 << 10, 16 << 10} {
		long := secret.New(random(size))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		scrub.New(long)
		runtime.ReadMemStats(&after)
		if each := float64(after.TotalAlloc-before.TotalAlloc) / float64(size); each > 250 {
			t.Errorf("a token of %d bytes takes %.0f bytes of memory for each of its own", size, each)
		}
	}
}
