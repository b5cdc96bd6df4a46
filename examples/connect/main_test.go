package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/fullcast/fullcasttest"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// desk is a person at a terminal, with an environment, a browser and a customer's org.
type desk struct {
	t      *testing.T
	org    *fullcasttest.Org
	env    map[string]string
	secret string
	browse func(authorizeURL string) string // what the person pastes
}

// seat returns a desk whose org has the external client app of the instructions.
func seat(t *testing.T) *desk {
	t.Helper()
	org := fullcasttest.NewOrg(t, fullcast.Production)
	app := org.Client()
	d := &desk{t: t, org: org, secret: app.Secret.Reveal(), env: map[string]string{
		"SFAUTH_KEY":             tokenstore.GenerateSealingKey("x").Key.Reveal(),
		"SFAUTH_DIR":             filepath.Join(t.TempDir(), "connection"),
		"SFAUTH_LOGIN_HOST":      "acme.my.salesforce.com",
		"SFAUTH_CONSUMER_KEY":    app.ID,
		"SFAUTH_CONSUMER_SECRET": app.Secret.Reveal(),
	}}
	d.browse = d.approve
	return d
}

func (d *desk) approve(authorizeURL string) string {
	landed, err := d.org.Approve(context.Background(), authorizeURL)
	if err != nil {
		d.t.Errorf("the browser stays at Salesforce: %v", err)
	}
	return landed
}

// person watches the output, opens the address that appears in it and pastes where the browser landed.
type person struct {
	seen  bytes.Buffer
	d     *desk
	paste *io.PipeWriter
	once  sync.Once
}

func (p *person) Write(b []byte) (int, error) {
	for line := range strings.Lines(string(b)) {
		if strings.HasPrefix(line, "https://") {
			p.once.Do(func() {
				pasted := p.d.browse(strings.TrimSpace(line))
				go func() {
					_, _ = io.WriteString(p.paste, pasted)
					_ = p.paste.Close()
				}()
			})
		}
	}
	return p.seen.Write(b)
}

type result struct {
	code           int
	stdout, stderr string
}

func (d *desk) run(args ...string) result {
	d.t.Helper()
	stdin, paste := io.Pipe()
	p := &person{d: d, paste: paste}
	var stderr bytes.Buffer
	code := run(d.t.Context(), args, func(name string) string { return d.env[name] }, stdin, p, &stderr, d.org.RoundTripper())
	_ = stdin.Close()
	got := result{code, p.seen.String(), stderr.String()}
	for line := range strings.Lines(got.stdout + got.stderr) {
		if !strings.HasPrefix(line, "https://") { // the link is for the admin's browser and holds state and nonce
			d.t.Log(line) // what is printed is looked through for secrets
		}
	}
	for _, secret := range []string{d.secret, d.env["SFAUTH_KEY"]} {
		if len(secret) > 20 && strings.Contains(got.stdout+got.stderr, secret) {
			d.t.Errorf("connect %s: a secret was printed", args)
		}
	}
	return got
}

func (r result) want(t *testing.T, code int, stdout, stderr string) {
	t.Helper()
	if r.code != code || !strings.Contains(r.stdout, stdout) || !strings.Contains(r.stderr, stderr) {
		t.Errorf("got status %d, want %d\nstdout, want %q:\n%s\nstderr, want %q:\n%s", r.code, code, stdout, r.stdout, stderr, r.stderr)
	}
}

func TestTheWholeStoryOfAConnection(t *testing.T) {
	d := seat(t)
	d.run().want(t, 0, "Connected to org "+d.org.ID(), "")
	delete(d.env, "SFAUTH_CONSUMER_SECRET") // it is kept with the connection
	delete(d.env, "SFAUTH_LOGIN_HOST")
	delete(d.env, "SFAUTH_CONSUMER_KEY")
	d.run("-whoami").want(t, 0, "user       admin@acme.example", "")
	d.run("-query", "SELECT Username FROM User").want(t, 0, `"Username":"admin@acme.example"`, "")
	d.run("-check").want(t, 0, "", "")

	d.org.ExpireSessions()
	d.run("-query", "SELECT Username FROM User").want(t, 0, `"Username":"admin@acme.example"`, "")

	if err := d.org.SetAppField("ExtlClntAppOauthConfigurablePolicies", "Fullcast_oauthPlcy", "refreshTokenPolicyType", "Zero"); err != nil {
		t.Fatal(err)
	}
	d.run("-check").want(t, 1, "Refresh Token Policy", "connect: the app is not as the instructions say: 1 findings")

	d.run("-disconnect").want(t, 0, "Salesforce has revoked the tokens", "")
	d.run("-whoami").want(t, 2, "", "connect: no org is connected in ")
	d.run("-disconnect").want(t, 0, "there is nothing to do", "")
}

func TestTheWholeStoryByFlagsWhichWinOverTheEnvironment(t *testing.T) {
	d := seat(t)
	place := []string{"-dir", d.env["SFAUTH_DIR"], "-site", "production"}
	login := []string{"-login-host", "https://acme.my.salesforce.com/", "-consumer-key", d.env["SFAUTH_CONSUMER_KEY"]}
	for name, elsewhere := range map[string]string{
		"SFAUTH_DIR": "/proc/nowhere", "SFAUTH_SITE": "pre-production", "SFAUTH_LOGIN_HOST": "other.my.salesforce.com", "SFAUTH_CONSUMER_KEY": "3MVG9other",
	} {
		d.env[name] = elsewhere
	}
	with := func(args ...string) []string { return append(args, place...) }
	d.run(with(login...)...).want(t, 0, "Connected to org "+d.org.ID(), "")
	d.run(with("-whoami")...).want(t, 0, "user       admin@acme.example", "")
	d.run(with("-query", "SELECT Username FROM User")...).want(t, 0, `"Username":"admin@acme.example"`, "")
	d.run(with("-check")...).want(t, 0, "", "")
	d.run(with("-disconnect")...).want(t, 0, "Salesforce has revoked the tokens", "")
	d.run(with("-whoami")...).want(t, 2, "", "connect: no org is connected in ")
}

func TestTheSecretCanBeTyped(t *testing.T) {
	d := seat(t)
	delete(d.env, "SFAUTH_CONSUMER_SECRET")
	stdin, keyboard := io.Pipe()
	p := &person{d: d, paste: keyboard}
	go func() { _, _ = io.WriteString(keyboard, d.secret+"\n") }()
	var stderr bytes.Buffer
	code := run(t.Context(), nil, func(name string) string { return d.env[name] }, stdin, p, &stderr, d.org.RoundTripper())
	result{code, p.seen.String(), stderr.String()}.want(t, 0, "Connected to org", "Consumer secret (not shown): ")
}

func TestConnectingAgainReplacesTheConnection(t *testing.T) {
	d := seat(t)
	d.run().want(t, 0, "Connected to org", "")
	d.run().want(t, 0, "Connected to org", "")
	d.run("-whoami").want(t, 0, "admin@acme.example", "")
}

func TestBadInputIsOneLineAndStatusTwo(t *testing.T) {
	tests := []struct {
		name string
		env  map[string]string
		args []string
		want string
	}{
		{"an unknown flag", nil, []string{"-nonsense"}, "flag provided but not defined: -nonsense"},
		{"a word that is no flag", nil, []string{"whoami"}, `"whoami" is no flag`},
		{"two actions", nil, []string{"-whoami", "-check"}, "exclude each other"},
		{"a query and another action", nil, []string{"-query", "SELECT Id FROM User", "-disconnect"}, "exclude each other"},
		{"an empty query", nil, []string{"-query", " "}, "-query is empty"},
		{"a query flag without a query", nil, []string{"-query"}, "flag needs an argument"},
		{"a flag for connecting with another action", nil, []string{"-whoami", "-login-host", "acme.my.salesforce.com"}, "is for connecting"},
		{"a site that does not exist", nil, []string{"-site", "staging"}, "-site must be production or pre-production"},
		{"a site of somebody else", nil, []string{"-site", "https://app.fullcast.io.evil.example"}, "-site must be production or pre-production"},
		{"no login host", map[string]string{"SFAUTH_LOGIN_HOST": ""}, nil, "-login-host is missing"},
		{"a login host that is not Salesforce's", nil, []string{"-login-host", "salesforce.evil.example"}, "-login-host:"},
		{"a login host with a path of somebody else", nil, []string{"-login-host", "https://evil.example/acme.my.salesforce.com"}, "-login-host:"},
		{"no consumer key", map[string]string{"SFAUTH_CONSUMER_KEY": " "}, nil, "-consumer-key is missing"},
		{"a consumer key with a line break", nil, []string{"-consumer-key", "3MVG9\nabc"}, "-consumer-key must be"},
		{"no sealing key", map[string]string{"SFAUTH_KEY": ""}, nil, "SFAUTH_KEY is not set: it seals what is kept; make one with: openssl rand -base64 32"},
		{"a sealing key that is no base64", map[string]string{"SFAUTH_KEY": "hunter2"}, nil, "SFAUTH_KEY must be 32 random bytes"},
		{"a sealing key that is too short", map[string]string{"SFAUTH_KEY": "aHVudGVyMg=="}, nil, "SFAUTH_KEY must be 32 random bytes"},
		{"a directory that cannot be", map[string]string{"SFAUTH_DIR": "/proc/nowhere/connection"}, nil, "cannot keep a connection in /proc/nowhere/connection"},
		{"a flag of several lines", nil, []string{"-non\nsense\x1b[2J"}, "flag provided but not defined"},
		{"a word of several lines", nil, []string{"who\nami"}, "is no flag"},
		{"a login host of several lines", nil, []string{"-login-host", "acme.my.salesforce.com\nHost: evil.example"}, "-login-host:"},
		{"a directory of several lines", nil, []string{"-dir", "/proc/no\nwhere"}, "cannot keep a connection in"},
		{"a flag that takes no value has a wrong one", nil, []string{"-check=perhaps"}, "invalid boolean value"},
		{"a login host without its value", nil, []string{"-login-host"}, "flag needs an argument"},
		{"nothing connected yet", nil, []string{"-whoami"}, "no org is connected"},
		{"no secret in the environment and none typed", map[string]string{"SFAUTH_CONSUMER_SECRET": ""}, nil, "no consumer secret was typed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := seat(t)
			for name, value := range tt.env {
				d.env[name] = value
			}
			var stdout, stderr bytes.Buffer
			code := run(t.Context(), tt.args, func(name string) string { return d.env[name] }, strings.NewReader(""), &stdout, &stderr, refuse(t))
			got := strings.TrimPrefix(stderr.String(), "Consumer secret (not shown): ")
			if code != 2 || !strings.HasPrefix(got, "connect: ") || !strings.Contains(got, tt.want) {
				t.Errorf("got status %d and %q, want 2 and a line with %q", code, got, tt.want)
			}
			if strings.Count(got, "\n") != 1 {
				t.Errorf("got %q, want one line", got)
			}
		})
	}
}

func TestABadPasteIsOneLineAndStatusTwo(t *testing.T) {
	const page = "https://app.fullcast.io/app/admin/motion"
	tests := []struct {
		name   string
		browse func(d *desk, authorizeURL string) string
		want   string
	}{
		{"nothing", paste(""), "no address was pasted"},
		{"words", paste("it says connected\n"), "not the address of a page"},
		{"the address that was to be opened", func(_ *desk, u string) string { return u + "\n" }, "is of acme.my.salesforce.com and not a callback page"},
		{"a page of the other site", paste("https://sandbox.fullcast.io/app/admin/motion?code=x&state=y\n"), "is of sandbox.fullcast.io"},
		{"a page that looks like ours", paste("https://app.fullcast.io.evil.example/app/admin/motion?code=x&state=y\n"), "is of app.fullcast.io.evil.example"},
		{"another page of the site", paste("https://app.fullcast.io/login?code=x&state=y\n"), "not a callback page"},
		{"no query", paste(page + "\n"), "holds no answer of Salesforce"},
		{"no code", paste(page + "?state=y\n"), "holds no answer of Salesforce"},
		{"a damaged query", paste(page + "?code=%zz&state=y\n"), "the pasted address is damaged"},
		{"a state that was not begun here", paste(page + "?code=x&state=y\n"), "callback"},
		{"another callback page than the one begun with", func(d *desk, u string) string {
			return strings.Replace(d.approve(u), "/app/admin/motion", "/app/motion/segments", 1) + "\n"
		}, "callback"},
		{"a line without end", paste(page + "?code=" + strings.Repeat("x", 20<<10)), "longer than 16 KiB"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := seat(t)
			d.browse = func(u string) string { return tt.browse(d, u) }
			got := d.run()
			line := got.stderr[strings.LastIndex(got.stderr, "connect: ")+1:]
			if got.code != 2 || !strings.Contains(line, tt.want) || strings.Count(line, "\n") != 1 {
				t.Errorf("got status %d and %q, want 2 and one line with %q", got.code, got.stderr, tt.want)
			}
			for _, e := range d.org.Ledger() {
				if e.Event == "exchange" {
					t.Error("the code was sent to Salesforce")
				}
			}
		})
	}
}

func TestWhatSalesforceRefusesHasMeaningAndRemedyAndStatusOne(t *testing.T) {
	t.Run("the person does not allow access", func(t *testing.T) {
		d := seat(t)
		d.browse = func(u string) string {
			landed, err := d.org.Deny(context.Background(), u)
			if err != nil {
				t.Error(err)
			}
			return landed
		}
		refusal(t, d.run(), "Connect the org again")
	})
	t.Run("the consumer secret is wrong", func(t *testing.T) {
		d := seat(t)
		d.env["SFAUTH_CONSUMER_SECRET"] = "WRONG"
		refusal(t, d.run(), "Check what was entered: login host, consumer key, consumer secret")
	})
	t.Run("the connection was revoked in Setup", func(t *testing.T) {
		d := seat(t)
		d.run().want(t, 0, "Connected", "")
		if err := d.org.RevokeAll("Fullcast"); err != nil {
			t.Fatal(err)
		}
		refusal(t, d.run("-whoami"), "Connect the org again")
	})
	t.Run("Salesforce is down while disconnecting", func(t *testing.T) {
		d := seat(t)
		d.run().want(t, 0, "Connected", "")
		if err := d.org.Inject(orgtest.Fault{Path: "/services/oauth2/revoke", Status: 503, Times: -1}); err != nil {
			t.Fatal(err)
		}
		refusal(t, d.run("-disconnect"), "Try again later")
	})
}

func TestTheWrongSealingKeyIsBadInput(t *testing.T) {
	d := seat(t)
	d.run().want(t, 0, "Connected", "")
	d.env["SFAUTH_KEY"] = tokenstore.GenerateSealingKey("x").Key.Reveal()
	d.run("-whoami").want(t, 2, "", "sealed")
}

func TestAQueryThatTheOrgDoesNotUnderstandIsBadInput(t *testing.T) {
	d := seat(t)
	d.run().want(t, 0, "Connected", "")
	d.run("-query", "DELETE everything").want(t, 2, "", "MALFORMED_QUERY")
}

func TestAnotherOrgDoesNotReplaceTheConnection(t *testing.T) {
	d, other := seat(t), seat(t)
	d.run().want(t, 0, "Connected", "")
	other.env["SFAUTH_DIR"], other.env["SFAUTH_KEY"] = d.env["SFAUTH_DIR"], d.env["SFAUTH_KEY"]
	other.run().want(t, 2, "", "keeps a connection to another org")
	d.run("-whoami").want(t, 0, "admin@acme.example", "")
}

func TestHelpNeedsNothing(t *testing.T) {
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), []string{"-h"}, func(string) string { return "" }, strings.NewReader(""), &stdout, &stderr, refuse(t))
	result{code, stdout.String(), stderr.String()}.want(t, 0, "openssl rand -base64 32", "")
}

// refusal wants the error, its meaning and its remedy, a line each, after the questions.
func refusal(t *testing.T, got result, remedy string) {
	t.Helper()
	_, said, _ := strings.Cut(got.stderr, "connect: ")
	lines := strings.Split(strings.TrimSpace(said), "\n")
	if got.code != 1 || len(lines) != 3 || !strings.HasPrefix(lines[1], "  what it means: ") ||
		!strings.HasPrefix(lines[2], "  what to do:    "+remedy) {
		t.Errorf("got status %d and %q, want 1, a meaning and the remedy %q", got.code, got.stderr, remedy)
	}
}

func paste(s string) func(*desk, string) string { return func(*desk, string) string { return s } }

// refuse fails the test when anything is sent at all.
func refuse(t *testing.T) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		t.Errorf("a request was sent to %s", (&url.URL{Host: r.URL.Host, Path: r.URL.Path}))
		return nil, io.ErrUnexpectedEOF
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// hostile is a network on which an org's records hold what steers a terminal.
type hostile struct{ http.RoundTripper }

func (h hostile) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := h.RoundTripper.RoundTrip(req)
	if err != nil || !strings.HasSuffix(req.URL.Path, "/query") {
		return resp, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	body = bytes.ReplaceAll(body, []byte("admin@"), []byte("admin\u009b31m\u202e\u007f@"))
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	resp.Header.Del("Content-Length")
	return resp, err
}

func TestARecordOfTheOrgSteersNoTerminal(t *testing.T) {
	d := seat(t)
	d.run().want(t, 0, "Connected to org "+d.org.ID(), "")
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), []string{"-query", "SELECT Username FROM User"}, func(name string) string { return d.env[name] }, strings.NewReader(""), &stdout, &stderr,
		hostile{d.org.RoundTripper()})
	result{code, stdout.String(), stderr.String()}.want(t, 0, `"Username":"admin\u009b31m\u202e\u007f@acme.example"`, "")
}
