package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/fullcast/fullcasttest"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

// desk is an admin with a browser, at a terminal.
type desk struct {
	t      *testing.T
	org    *orgtest.Org
	env    map[string]string
	secret string
	keys   *io.PipeWriter
	words  string // what the admin types when asked for a word
}

func seat(t *testing.T, c orgtest.Config) *desk {
	t.Helper()
	org := fullcasttest.NewOrg(t, fullcast.Production, fullcasttest.Config(func(all *orgtest.Config) { *all = c }))
	app := org.Client()
	secret := app.Secret.Reveal()
	return &desk{t: t, org: org.Org, secret: secret, env: map[string]string{
		"SFAUTH_LOGIN_HOST": app.Host.String(), "SFAUTH_CONSUMER_KEY": app.ID, "SFAUTH_CONSUMER_SECRET": secret,
	}}
}

// screen does what the program asks of the admin.
type screen struct {
	d    *desk
	seen bytes.Buffer
}

func (s *screen) Write(b []byte) (int, error) {
	for line := range strings.Lines(string(b)) {
		if strings.HasPrefix(line, "https://") {
			landed, err := s.d.org.Approve(context.Background(), strings.TrimSpace(line))
			if err != nil {
				s.d.t.Error(err)
			}
			go fmt.Fprintln(s.d.keys, landed)
		}
		if strings.Contains(line, "Type destroy") {
			go fmt.Fprintln(s.d.keys, s.d.words)
		}
	}
	return s.seen.Write(b)
}

func (d *desk) run(args ...string) (code int, stdout, stderr string) {
	d.t.Helper()
	stdin, keys := io.Pipe()
	d.keys = keys
	var out bytes.Buffer
	watched := &screen{d: d}
	code = run(d.t.Context(), args, func(name string) string { return d.env[name] }, stdin, &out, watched, d.org.RoundTripper())
	_ = stdin.Close()
	for line := range strings.Lines(out.String() + watched.seen.String()) {
		if !strings.HasPrefix(line, "https://") { // the link is for the admin's browser and holds state and nonce
			d.t.Log(line) // what is printed is looked through for secrets
		}
	}
	return code, out.String(), watched.seen.String()
}

// answers reads the table back: question id to answer.
func answers(t *testing.T, table string) map[string]string {
	t.Helper()
	asked, _, _ := strings.Cut(table, "## Not asked")
	found := map[string]string{}
	for line := range strings.Lines(asked) {
		if cells := strings.Split(line, " | "); len(cells) == 5 && regexp.MustCompile(`^\| [A-Z]\d+$`).MatchString(cells[0]) {
			found[strings.TrimPrefix(cells[0], "| ")] = cells[3]
		}
	}
	return found
}

func TestEveryHarmlessQuestionIsAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := seat(t, orgtest.Config{})
		code, table, stderr := d.run()
		if code != 0 {
			t.Fatalf("got status %d, want 0\n%s", code, stderr)
		}
		if !strings.HasPrefix(table, "# Questions to a Salesforce org, 2000-01-01\n") { // the bubble's date
			t.Errorf("want a dated heading, got\n%s", table)
		}
		got := answers(t, table)
		for _, p := range questions() {
			if asked := p.ask != nil && !p.destructive; asked != (got[p.id] != "") {
				t.Errorf("%s: got answer %q, want one: %t", p.id, got[p.id], asked)
			}
		}
		for id, want := range map[string]string{ // what the simulator is known to do
			"L2": "no", "L3": "the host of the login", "R1": "no", "R2": "no", "R4": "active: yes", "R6": "yes",
			"E1": "HTTP 400 invalid_grant: expired access/refresh token", "E8": "HTTP 401", "A1": "5 of 5 in API 66.0", "A4": "HTTP 201",
			"A7": "accepted", "A8": "no", "A9": "68.0", "A11": "no", "A12": "accepted",
			"E9":  "no token: HTTP 403 Bad_OAuth_Token; another org: HTTP 403 Wrong_Org; another user: HTTP 403 Wrong_Org; no id: HTTP 403 Wrong_Org",
			"M1":  "token: HTTP 400, no redirect; introspect: HTTP 200, no redirect; revoke: HTTP 400, no redirect",
			"M2":  "not asked: no former host was named",
			"E10": "HTTP 400 invalid_grant: invalid authorization code",
			"W1":  "unknown: HTTP 404 NOT_FOUND; nothing: HTTP 400 INVALID_MULTIPART_REQUEST; never checked: HTTP 400 INVALID_ID_FIELD",
			"W2":  "HTTP 500, sf:EXCEEDED_ID_LIMIT", "W3": "HTTP 500, sf:EXCEEDED_ID_LIMIT", "W4": "HTTP 500, sf:INVALID_SESSION_ID",
			"W5": "HTTP 500, sf:INVALID_TYPE; HTTP 500, sf:UNKNOWN_EXCEPTION",
		} {
			if got[id] != want {
				t.Errorf("%s: got %q, want %q", id, got[id], want)
			}
		}
		d.wantNothingLeft()
		if _, _, err := d.org.Credentials(throwAwayApp); err == nil {
			t.Error("a harmless question has made an app")
		}
	})
}

func TestHostsThatSendRequestsOnAreSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := seat(t, orgtest.Config{})
		if err := d.org.Rename(orgtest.Rename{Name: "acme-corp", Status: 301}); err != nil {
			t.Fatal(err)
		}
		if err := d.org.RedirectLoginPool(307); err != nil {
			t.Fatal(err)
		}
		d.env["SFAUTH_LOGIN_HOST"] = "acme-corp.my.salesforce.com"
		code, table, stderr := d.run("-old-host", "acme.my.salesforce.com")
		if code != 0 {
			t.Fatalf("got status %d, want 0\n%s", code, stderr)
		}
		got := answers(t, table)
		for id, status := range map[string]string{"M1": "307", "M2": "301"} {
			const to = " to the same path of the org's My Domain"
			want := "token: HTTP " + status + to + "; introspect: HTTP " + status + to + "; revoke: HTTP " + status + to
			if id == "M2" {
				want += "; API: HTTP 301" + to
			}
			if got[id] != want {
				t.Errorf("%s: got %q, want %q", id, got[id], want)
			}
		}
		if strings.Contains(table, "acme") {
			t.Error("the table names the org")
		}
		d.wantNothingLeft()
	})
}

func TestTheDestructiveQuestionsAreAnsweredAfterAConfirmation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := seat(t, orgtest.Config{Release: orgtest.Summer26, RotateRefreshTokens: true, Sandbox: true, RefreshTime: 1e9})
		d.words = "destroy"
		code, table, stderr := d.run("-destructive")
		if code != 0 {
			t.Fatalf("got status %d, want 0\n%s", code, stderr)
		}
		got := answers(t, table)
		if got["R2"] != "yes" || !strings.Contains(got["D1"], "=") ||
			!strings.Contains(got["D3"], "replay accepted: no; afterwards the access token works: no, the new refresh token: no, the user's other grant: yes") ||
			!strings.Contains(got["D4"], "accepted") || !strings.Contains(got["D4"], "token request is already being processed") {
			t.Errorf("got %q", got)
		}
		for _, e := range elements { // the simulator's default, or nothing
			reset, absent, _ := strings.Cut(strings.TrimPrefix(got["D2"], "reset: "), "; absent: ")
			if in := strings.Split(reset+", "+absent, ", "); !slices.Contains(in, e.name) {
				t.Errorf("what became of %s is not told: %s", e.name, got["D2"])
			}
		}
		if _, _, err := d.org.Credentials(throwAwayApp); err == nil {
			t.Error("the throw-away app is still in the org")
		}
		d.wantNothingLeft()
	})
}

func TestTheTableHoldsNoSecret(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := seat(t, orgtest.Config{RotateRefreshTokens: true})
		d.words = "destroy"
		bodies := &listener{base: d.org.RoundTripper()}
		stdin, keys := io.Pipe()
		d.keys = keys
		var out bytes.Buffer
		code := run(t.Context(), []string{"-destructive"}, func(name string) string { return d.env[name] }, stdin, &out, &screen{d: d}, bodies)
		_ = stdin.Close()
		if code != 0 || len(bodies.tokens) < 4 {
			t.Fatalf("got status %d and %d tokens, want 0 and some", code, len(bodies.tokens))
		}
		for _, secret := range append(bodies.tokens, d.secret, d.env["SFAUTH_CONSUMER_KEY"], d.org.ID(), "acme.my.salesforce.com", "admin@acme.example") {
			if strings.Contains(out.String(), secret) {
				t.Errorf("the table holds %q", secret)
			}
		}
	})
}

// listener collects the tokens that the org hands out.
type listener struct {
	base   http.RoundTripper
	tokens []string
}

var tokenIn = regexp.MustCompile(`"(?:access_token|refresh_token|id_token)"\s*:\s*"([^"]+)"`)

func (l *listener) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := l.base.RoundTrip(req)
	if err != nil || !strings.HasPrefix(req.URL.Path, tokenPath) {
		return resp, err
	}
	body, err := io.ReadAll(resp.Body)
	resp.Body = io.NopCloser(bytes.NewReader(body))
	for _, m := range tokenIn.FindAllSubmatch(body, -1) {
		l.tokens = append(l.tokens, string(m[1]))
	}
	return resp, err
}

func TestWithoutTheWordNothingDestructiveHappens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := seat(t, orgtest.Config{RotateRefreshTokens: true})
		d.words = "yes"
		code, _, stderr := d.run("-destructive")
		if code != 2 || !strings.Contains(stderr, "orgprobe: the destructive questions were not confirmed; nothing was asked\n") {
			t.Errorf("got status %d and\n%s", code, stderr)
		}
		d.wantNothingLeft()
	})
}

func TestNothingIsDestroyedInAProductionOrg(t *testing.T) {
	d := seat(t, orgtest.Config{})
	if err := d.org.Inject(orgtest.Fault{
		Path: "/services/data/v66.0/query", Times: -1, Status: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}},
		Body: `{"totalSize":1,"done":true,"records":[{"OrganizationType":"Enterprise Edition","IsSandbox":false}]}`,
	}); err != nil {
		t.Fatal(err)
	}
	d.words = "destroy"
	code, stdout, stderr := d.run("-destructive")
	if code != 2 || stdout != "" || !strings.Contains(stderr, "-destructive is for a sandbox or a Developer Edition; this org is: Enterprise Edition\n") {
		t.Errorf("got status %d, %q and\n%s", code, stdout, stderr)
	}
	d.wantNothingLeft()
}

func TestWithoutAnOrgTheQuestionsAreListed(t *testing.T) {
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), nil, func(string) string { return "" }, strings.NewReader(""), &stdout, &stderr, refuse{t}); code != 0 || stderr.Len() > 0 {
		t.Errorf("got status %d and %q, want 0 and nothing", code, stderr.String())
	}
	for _, p := range questions() {
		if !strings.Contains(stdout.String(), "| "+p.id+" | "+cell(p.question)+" | "+cell(p.why)+" | ") {
			t.Errorf("%s is not in the list", p.id)
		}
	}
}

func TestEveryQuestionCanBeAskedInOneWay(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range questions() {
		if seen[p.id] || p.question == "" || p.why == "" || (p.ask == nil) == (p.byHand == "") {
			t.Errorf("%s is there twice, says too little, or is asked in no way or two", p.id)
		}
		seen[p.id] = true
	}
}

func TestALoginThatFailsEndsWithStatusOne(t *testing.T) {
	d := seat(t, orgtest.Config{})
	d.env["SFAUTH_CONSUMER_SECRET"] = "WRONG"
	code, stdout, stderr := d.run()
	if code != 1 || stdout != "" || !strings.Contains(stderr, "what it means: Salesforce does not accept the consumer secret") {
		t.Errorf("got status %d, %q and\n%s", code, stdout, stderr)
	}
}

func TestBadInputIsOneLineAndStatusTwo(t *testing.T) {
	whole := map[string]string{"SFAUTH_LOGIN_HOST": "acme.my.salesforce.com", "SFAUTH_CONSUMER_KEY": "3MVG9", "SFAUTH_CONSUMER_SECRET": "S"}
	tests := []struct {
		name string
		env  map[string]string
		args []string
		want string
	}{
		{"an unknown flag", nil, []string{"-all"}, "flag provided but not defined: -all"},
		{"a word that is no flag", nil, []string{"sandbox"}, `"sandbox" is no flag`},
		{"a site that does not exist", nil, []string{"-site", "staging"}, "-site must be production or pre-production"},
		{"an app that is no API name", nil, []string{"-app", "Full cast"}, "-app must be an API name"},
		{"a former host that is none", whole, []string{"-old-host", "login.salesforce.com"}, "-old-host must be a My Domain host"},
		{"destruction without an org", nil, []string{"-destructive"}, "-destructive needs an org"},
		{"a key without a host", nil, []string{"-consumer-key", "3MVG9"}, "-login-host is missing"},
		{"a host without a key", nil, []string{"-login-host", "acme.my.salesforce.com"}, "-consumer-key is missing"},
		{"a host that is not Salesforce's", whole, []string{"-login-host", "evil.example"}, "-login-host:"},
		{"nothing pasted", whole, nil, "no address was pasted"},
		{"no secret", map[string]string{"SFAUTH_LOGIN_HOST": "acme.my.salesforce.com", "SFAUTH_CONSUMER_KEY": "3MVG9"}, nil, "no consumer secret was typed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			code := run(t.Context(), tt.args, func(name string) string { return tt.env[name] }, strings.NewReader(""), &stdout, &stderr, refuse{t})
			_, line, _ := strings.Cut(stderr.String(), "orgprobe: ")
			if code != 2 || !strings.Contains(line, tt.want) || strings.Count(line, "\n") != 1 || stdout.Len() > 0 {
				t.Errorf("got status %d, %q and %q, want 2 and one line with %q", code, stdout.String(), stderr.String(), tt.want)
			}
		})
	}
}

// wantNothingLeft wants every grant of the run revoked.
func (d *desk) wantNothingLeft() {
	d.t.Helper()
	made, ended := map[int]bool{}, map[int]bool{}
	for _, e := range d.org.Ledger() {
		switch {
		case e.Event == "exchange" && e.Outcome == "ok":
			made[e.Approval] = true
		case e.Event == "revoke" && e.Outcome == "ok", e.Outcome == "reuse":
			ended[e.Approval] = true
		}
	}
	for approval := range made {
		if !ended[approval] {
			d.t.Errorf("grant %d of %d is left in the org", approval, len(made))
		}
	}
	if len(made) == 0 {
		d.t.Error("no grant was made")
	}
}

// refuse fails the test when anything is sent at all.
type refuse struct{ t *testing.T }

func (r refuse) RoundTrip(req *http.Request) (*http.Response, error) {
	r.t.Errorf("a request was sent to %s%s", req.URL.Host, req.URL.Path)
	return nil, io.ErrUnexpectedEOF
}

func TestTextFromTheOrgStaysWithinItsCellAndSteersNoTerminal(t *testing.T) {
	if got, want := cell("a|b\n<c> \u009b31m\u202e"), `a\|b &lt;c> `+"\uFFFD31m\uFFFD"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
