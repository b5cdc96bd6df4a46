package main

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"maps"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/internal/canary/search"
	"github.com/fullcast/sfauth/internal/needs"
)

// planted are secrets as the simulator and the SDK make them; none of them ever opened anything.
var planted = map[string]string{
	"an access token":       "00D5g000001TEST!AQ7" + strings.Repeat("k9_Zq", 8) + "." + strings.Repeat("Xv3_b", 10),
	"a refresh token":       "5Aep861" + strings.Repeat("wT4_e", 8) + "." + strings.Repeat("Rm2hn", 9),
	"an authorization code": "aPrx" + strings.Repeat("Jd8uS_", 12) + "==",
	"a JWT":                 "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJodHRwczovL2xvZ2luIn0.c2lnbmF0dXJl_c2lnbmF0dXJl",
	"a consumer secret":     strings.Repeat("5E11C0DE9A77B04D", 4),
	"a known secret":        "q/7+Zt_3-kV9.uM1xw0EeLr5sH8bNj2Gd4Cy6Pf",
	"a known key":           "\x8f\x03\xd1\x5e\xaa\x10\xfe\x77\x29\xc4\x66\xb0\x3d\x92\x5f\xe8\x14\x7b\xcd\x01\xa9\x36\xf2\x58\x84\x6e\xdb\x20\x9c\x4a\xb7\xe1",
}

// writings are the ways in which a program may print a string.
var writings = map[string]func(string) string{
	"raw":                    func(s string) string { return s },
	"cut off":                func(s string) string { return s[:min(len(s), 40)] },
	"%q":                     func(s string) string { return fmt.Sprintf("%q", s) },
	"%+q of JSON":            func(s string) string { return fmt.Sprintf("%+q", marshal(s)) },
	"%x":                     func(s string) string { return fmt.Sprintf("%x", s) },
	"% X":                    func(s string) string { return fmt.Sprintf("% X", s) },
	"%#v of bytes":           func(s string) string { return fmt.Sprintf("%#v", []byte(s)) },
	"%v of bytes":            func(s string) string { return fmt.Sprint([]byte(s)) },
	"bytes in JSON":          func(s string) string { return marshal([]byte(s)) },
	"a dump":                 func(s string) string { return hex.Dump([]byte(s)) },
	"base64":                 func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
	"base64 + 1":             func(s string) string { return base64.StdEncoding.EncodeToString([]byte(":" + s + "?")) },
	"base64 + 2":             func(s string) string { return base64.RawStdEncoding.EncodeToString([]byte("id" + s + "id")) },
	"base64url":              func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) },
	"base64 behind a word":   func(s string) string { return "xyz/a" + base64.StdEncoding.EncodeToString([]byte(s)) },
	"Basic":                  func(s string) string { return "Basic " + base64.URLEncoding.EncodeToString([]byte("user:"+s)) },
	"a query":                func(s string) string { return "https://x.example/?token=" + url.QueryEscape(s) + "&a=b" },
	"a query, escaped again": func(s string) string { return url.QueryEscape("token=" + url.QueryEscape(s)) },
	"a path":                 url.PathEscape,
	"percents":               func(s string) string { return each(s, "%%%02x") },
	`\x`:                     func(s string) string { return each(s, `\x%02x`) },
	`\u`:                     func(s string) string { return each(s, `\u%04X`) },
	"octal":                  func(s string) string { return each(s, `\%03o`) },
	"JSON with slashes":      func(s string) string { return strings.ReplaceAll(marshal(s), "/", `\/`) },
	"JSON in JSON":           func(s string) string { return marshal(marshal(s)) },
	"HTML":                   func(s string) string { return "<td>" + html.EscapeString(s) + "</td>" },
	"HTML by numbers":        func(s string) string { return each(s, "&#%d;") },
	"hex of base64":          func(s string) string { return fmt.Sprintf("%x", base64.StdEncoding.EncodeToString([]byte(s))) },
	"base64 of JSON": func(s string) string {
		return base64.StdEncoding.EncodeToString([]byte(marshal(map[string]string{"t": s})))
	},
	"base64, its signs quoted": func(s string) string { return url.QueryEscape(base64.StdEncoding.EncodeToString([]byte(s))) },
}

func marshal(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// signs writes what is neither letter nor digit in a format.
func signs(s, format string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, format, c)
		}
	}
	return b.String()
}

func each(s, format string) string {
	var b strings.Builder
	for i := range len(s) {
		fmt.Fprintf(&b, format, s[i])
	}
	return b.String()
}

// text reports whether a way of writing keeps bytes that are no text.
func text(how string) bool {
	return strings.Contains(how, "JSON") || strings.HasPrefix(how, "HTML") || how == `\u`
}

func TestAPlantedSecretIsFoundHoweverItIsWritten(t *testing.T) {
	f := search.New([]string{planted["a known secret"], planted["a known key"]})
	for what, s := range planted {
		for how, write := range writings {
			if what == "a known key" && text(how) && how != "bytes in JSON" {
				continue
			}
			for _, around := range [][2]string{{"", ""}, {"error: refused \"", "\": 400"}, {"{\"k\":\"", "\"}"}} {
				found := false
				for line := range strings.Lines(around[0] + write(s) + around[1]) {
					found = found || f.Find(line) != ""
				}
				// A part of a shape may be none, and a dump has sixteen bytes a line; of a known secret both are enough.
				part := how == "cut off" || how == "a dump"
				if !found && (!part || strings.Contains(what, "known")) {
					t.Errorf("%s, written as %s between %q, is not found: %q", what, how, around, write(s))
				}
			}
		}
	}
}

func TestWhatIsNoSecretIsNotFound(t *testing.T) {
	f := search.New([]string{
		planted["a known secret"], planted["a known key"], "00D5g000001TEST!AQ7" + strings.Repeat("k9_Zq", 8), strings.Repeat("A", 43) + "=",
	})
	for _, innocent := range []string{
		"--- PASS: TestThousandsOfCallersOfOneExpiredConnectionMakeOneRequest/with_rotation (0.12s)\n",
		"ok  \tgithub.com/fullcast/sfauth/oauthflow/orgtest\t12.345s\n",
		"connected to org 00D5g000001TESTAAA as 0055g000001TESTAAA",
		"00D5g000001TEST! is how an access token begins",
		"the consumer key is 3MVG9" + strings.Repeat("k9_Zq", 16),
		"[redacted] and again [redacted]", "5Aep861", "aPrx", strings.Repeat("A", 200),
		"sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
		"[1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18]",
		"https://login.salesforce.com/services/oauth2/authorize?client_id=3MVG9x&code_challenge_method=S256",
		"", "\n", "%", `\`, "%zz \\", "&",
	} {
		if what := f.Find(innocent); what != "" {
			t.Errorf("%s is found in %q", what, innocent)
		}
	}
}

func TestOfATestThatPassesEverythingIsLookedAtAndNothingIsShown(t *testing.T) {
	event := func(action, test, output string) string {
		return marshal(map[string]string{"Action": action, "Package": "p", "Test": test, "Output": output}) + "\n"
	}
	secret := planted["a refresh token"]
	for _, c := range []struct {
		name, in, shown string
		hits            bool
	}{
		{"a pass", event("run", "TestA", "") + event("output", "TestA", "hello\n") + event("pass", "TestA", "") + event("output", "", "PASS\n") + event("output", "", "ok  \tp\t1s\n"), "ok  \tp\t1s\n", false},
		{"a failure", event("output", "TestA", "wrong\n") + event("fail", "TestA", ""), "wrong\n", false},
		{"a panic", event("output", "TestA", "panic: gone\n") + event("output", "", "FAIL\tp\t1s\n") + event("fail", "", ""), "FAIL\tp\t1s\npanic: gone\n", false},
		{"a pass with a secret", event("output", "TestA", "token "+secret+"\n") + event("pass", "TestA", ""), "canary: line 1, printed by p TestA, holds a refresh token\n", true},
		{"a compiler's complaint", event("build-output", "", "no such name\n") + "go: broken\n", "no such name\ngo: broken\n", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out strings.Builder
			err := watch(strings.NewReader(c.in), &out, true, "")
			if out.String() != c.shown || (err != nil) != c.hits {
				t.Errorf("got %q and error %v, want %q and an error %v", out.String(), err, c.shown, c.hits)
			}
		})
	}
}

// A test's server that repeats requests has them taken for tokens, in each of the ways in which it writes them. Their words are
// those of any sentence.
func TestAQuotedRequestIsNoSecretHoweverItIsEscaped(t *testing.T) {
	secret, ways := planted["a known secret"], maps.Clone(writings)
	for name, format := range map[string]string{`signs as \u`: `\u%04x`, `signs as \x`: `\x%02x`, "signs as HTML": "&#x%x;", "signs as percents": "%%%02x"} {
		ways[name] = func(s string) string { return signs(s, format) }
		ways[name+", twice"] = func(s string) string { return signs(signs(s, format), format) }
	}
	for how, write := range ways {
		for pad := range 4 { // parts of a secret begin at every fourth byte
			request := strings.Repeat("x", pad) + "client_id=3MVG9k9&code=" + planted["an authorization code"] + "&grant_type=authorization_code"
			path := filepath.Join(t.TempDir(), "values")
			values := strconv.Quote(write(request)) + "\n" + strconv.Quote(secret) + "\n"
			if err := os.WriteFile(path, []byte(values), 0o600); err != nil {
				t.Fatal(err)
			}
			var out strings.Builder
			if err := watch(strings.NewReader("end-user denied authorization\nexpired_authorization_code\n"), &out, false, path); err != nil {
				t.Errorf("%s: %s", how, out.String())
			}
			if err := watch(strings.NewReader("it was "+write(secret)+"\n"), &out, false, path); err == nil {
				t.Errorf("%s: the secret beside the request is not found", how)
			}
		}
	}
}

func TestWhoKnowsNoSecretDoesNotCallTheOutputClean(t *testing.T) {
	path := filepath.Join(t.TempDir(), "values")
	for _, content := range []string{"", "\"short\"\n", "\"cut o"} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := watch(strings.NewReader("all is well\n"), &strings.Builder{}, false, path); err == nil {
			t.Errorf("with %q for secrets nothing is found and all is well", content)
		}
	}
}

// The whole way: a program is built over the overlay, writes down its secret, prints all it can and panics.
func TestAProgramThatSpeaksOfItsSecretTurnsTheScanRed(t *testing.T) {
	needs.Program(t, "go")
	dir := t.TempDir()
	if err := writeOverlay("../..", dir); err != nil {
		t.Fatal(err)
	}
	talk := filepath.Join(dir, "talk")
	build := exec.CommandContext(t.Context(), "go", "build", "-overlay", filepath.Join(dir, "overlay.json"), "-o", talk, "./testdata/talk")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, c := range []struct {
		name string
		args []string
		red  bool
	}{{"what a secret shows of itself", nil, false}, {"a panic that reveals it", []string{"reveal"}, true}} {
		values := filepath.Join(t.TempDir(), "values")
		run := exec.CommandContext(t.Context(), talk, c.args...)
		run.Env = append(os.Environ(), "SFAUTH_CANARY="+values)
		said, err := run.CombinedOutput()
		if err == nil || !strings.Contains(string(said), "panic: ") || !strings.Contains(string(said), `"level":"DEBUG"`) {
			t.Fatalf("%s: %v: %s", c.name, err, said)
		}
		if err := watch(strings.NewReader(string(said)), &strings.Builder{}, false, values); (err != nil) != c.red {
			t.Errorf("%s: the scan says %v, want an error %v:\n%s", c.name, err, c.red, said)
		}
	}
}
