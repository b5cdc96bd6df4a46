package main

import (
	"bytes"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// desk is an admin at a terminal.
type desk struct {
	t   *testing.T
	org *orgtest.Org
	env map[string]string
}

func seat(t *testing.T, c orgtest.Config) *desk {
	t.Helper()
	org, err := orgtest.New(c)
	if err != nil {
		t.Fatal(err)
	}
	instance, token := org.AdminSession()
	return &desk{t, org, map[string]string{"SF_INSTANCE_URL": instance, "SF_ACCESS_TOKEN": token}}
}

type result struct {
	code           int
	stdout, stderr string
}

// run runs the program, with what the admin types.
func (d *desk) run(typed string, args ...string) result {
	var stdout, stderr bytes.Buffer
	code := run(d.t.Context(), args, func(name string) string { return d.env[name] }, strings.NewReader(typed), &stdout, &stderr, d.org.RoundTripper())
	if typed == "" { // who says yes is shown a secret
		d.t.Logf("%s%s", &stdout, &stderr) // what is printed is looked through for secrets
	}
	return result{code, stdout.String(), stderr.String()}
}

func (r result) want(t *testing.T, code int, stdout, stderr string) {
	t.Helper()
	if r.code != code || !strings.Contains(r.stdout, stdout) || !strings.Contains(r.stderr, stderr) {
		t.Errorf("got status %d, want %d\nstdout, want %q:\n%s\nstderr, want %q:\n%s", r.code, code, stdout, r.stdout, stderr, r.stderr)
	}
}

func (d *desk) deployments() (n int) {
	for _, e := range d.org.Ledger() {
		if e.Event == "deploy" {
			n++
		}
	}
	return n
}

func TestANewAppIsDeployedAndTheSecondRunChangesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := seat(t, orgtest.Config{})
		first := d.run("", "-email", "admin@acme.example")
		first.want(t, 0, "Read back: every listed setting is as the instructions say.", "")
		key, secret, err := d.org.Credentials("Fullcast")
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(first.stdout, key) || strings.Contains(first.stdout+first.stderr, secret) {
			t.Errorf("want the consumer key and not the secret in:\n%s%s", first.stdout, first.stderr)
		}
		before := d.deployments()
		d.run("").want(t, 0, "is as the instructions say; nothing was changed.", "")
		d.run("", "-email", "admin@acme.example").want(t, 0, "nothing was changed.", "")
		if before == 0 || d.deployments() != before {
			t.Errorf("got %d deployments after the first run's %d, want no more", d.deployments(), before)
		}
	})
}

// Whatever an org with the idle limit makes of "valid until revoked", the first run succeeds and the next has nothing to do.
func TestAnOrgThatRewritesOrRefusesValidUntilRevokedIsDeployedToOnce(t *testing.T) {
	for name, c := range map[string]struct {
		cfg  orgtest.Config
		says string
	}{
		"rewrites it": {orgtest.Config{ValidUntilRevoked: orgtest.InfiniteRewritten}, "Deployed: 5 components."},
		"refuses it":  {orgtest.Config{ValidUntilRevoked: orgtest.InfiniteRefused}, "\"not used for\" 30 days was deployed in its place"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := seat(t, c.cfg)
				first := d.run("", "-email", "admin@acme.example")
				first.want(t, 0, c.says, "")
				first.want(t, 0, "Read back: every listed setting is as the instructions say.", "")
				before := d.deployments()
				d.run("").want(t, 0, "is as the instructions say; nothing was changed.", "")
				if d.deployments() != before {
					t.Errorf("%d deployments after the first run's %d", d.deployments(), before)
				}
				if err := d.org.SetAppField("ExtlClntAppOauthConfigurablePolicies", "Fullcast_oauthPlcy", "refreshTokenPolicyType", "Zero"); err != nil {
					t.Fatal(err)
				}
				d.run("").want(t, 0, "Read back: every listed setting is as the instructions say.", "")
				d.run("").want(t, 0, "nothing was changed.", "")
			})
		})
	}
}

func TestACheckChangesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := seat(t, orgtest.Config{})
		d.run("", "-check-only", "-email", "admin@acme.example").want(t, 0, "The org would accept it: 5 components. Nothing was changed.", "")
		if _, _, err := d.org.Credentials("Fullcast"); err == nil {
			t.Error("the app is in the org")
		}
	})
}

func TestWhatAnAdminHasChangedIsCorrectedAndTheRestStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := seat(t, orgtest.Config{})
		d.run("", "-email", "admin@acme.example").want(t, 0, "Deployed", "")
		for _, c := range [][4]string{
			{"ExtlClntAppOauthConfigurablePolicies", "Fullcast_oauthPlcy", "refreshTokenPolicyType", "Zero"},
			{"ExternalClientApplication", "Fullcast", "description", "our own words"},
		} {
			if err := d.org.SetAppField(c[0], c[1], c[2], c[3]); err != nil {
				t.Fatal(err)
			}
		}
		d.run("").want(t, 0, "Refresh Token Policy: Immediately expire refresh token -> Refresh token is valid until revoked\n", "")
		d.run("").want(t, 0, "nothing was changed", "")

		d.run("", "-site", "pre-production").want(t, 0, "https://sandbox.fullcast.io/app/admin/motion", "")
		instance, token := d.org.AdminSession()
		d.env["SF_INSTANCE_URL"], d.env["SF_ACCESS_TOKEN"] = instance, token
		s, err := parse(nil, func(name string) string { return d.env[name] })
		if err != nil {
			t.Fatal(err)
		}
		org, _, err := s.source.Open(t.Context(), apiVersion, d.org.RoundTripper())
		if err != nil {
			t.Fatal(err)
		}
		app, err := org.Read(t.Context(), metadata.KindExternalClientApp, "Fullcast")
		if err != nil {
			t.Fatal(err)
		}
		if got := app.External.Description; got != "our own words" {
			t.Errorf("got description %q, want the admin's own", got)
		}
	})
}

func TestTheSecretIsShownOnlyToWhoSaysYes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, tt := range []struct {
			typed string
			shown bool
		}{{"", false}, {"\n", false}, {"n\n", false}, {"maybe\n", false}, {"y\n", true}, {"YES\n", true}} {
			d := seat(t, orgtest.Config{})
			if err := d.org.SetAppField("ExternalClientAppSettings", "ExternalClientApp", "enableClientSecretInRestApiAccess", "true"); err != nil {
				t.Fatal(err)
			}
			got := d.run(tt.typed, "-email", "admin@acme.example")
			_, secret, err := d.org.Credentials("Fullcast")
			if err != nil {
				t.Fatal(err)
			}
			if shown := strings.Contains(got.stdout, secret); shown != tt.shown || got.code != 0 || strings.Contains(got.stderr, secret) {
				t.Errorf("typed %q: got shown %t, status %d, want %t and 0\n%s%s", tt.typed, shown, got.code, tt.shown, got.stdout, got.stderr)
			}
		}
	})
}

func TestASecretThatTheOrgKeepsToItselfIsExplained(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := seat(t, orgtest.Config{})
		d.run("y\n", "-email", "admin@acme.example").want(t, 1, "Deployed", "the app is deployed; its secret cannot be read")
	})
}

func TestARefusedDeploymentNamesFileLineAndAdvice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := seat(t, orgtest.Config{})
		d.run("", "-email", "admin@acme.example").want(t, 0, "Deployed", "")
		pkg, err := fullcast.ExternalClientApp(fullcast.PreProduction, "admin@acme.example").New().Package(apiVersion)
		if err != nil {
			t.Fatal(err)
		}
		existing := map[string]string{}
		for _, f := range pkg.Files {
			existing[f.Name] = strings.Replace(string(f.Data), "<permittedUsersPolicyType>AllSelfAuthorized</permittedUsersPolicyType>",
				"<commaSeparatedPermissionSet>0PS000000000001</commaSeparatedPermissionSet>\n    <permittedUsersPolicyType>AdminApprovedPreAuthorized</permittedUsersPolicyType>", 1)
		}
		d = seat(t, orgtest.Config{Existing: existing})
		got := d.run("")
		got.want(t, 1, "", "deploy: the org refused the deployment; nothing was changed\n  extlClntAppOauthPolicies/Fullcast_oauthPlcy.ecaOauthPlcy:")
		got.want(t, 1, "", "We couldn't find permission sets")
		if strings.Count(got.stderr, "\n") != 2 {
			t.Errorf("got %q, want a line for the deployment and one for the file", got.stderr)
		}
	})
}

func TestASessionThatHasEndedIsRefusedWithStatusOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := seat(t, orgtest.Config{})
		d.org.ExpireSessions()
		d.run("", "-email", "admin@acme.example").want(t, 1, "", "the session of SF_ACCESS_TOKEN has ended; get a new one")
	})
}

func TestTheConnectionOfTheOtherExampleServesToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := seat(t, orgtest.Config{})
		d.run("", "-email", "admin@acme.example").want(t, 0, "Deployed", "")
		dir, sealing := filepath.Join(t.TempDir(), "connection"), tokenstore.GenerateSealingKey("x").Key.Reveal()
		connectOrg(t, d.org, dir, sealing)
		d.env = map[string]string{"SFAUTH_KEY": sealing}
		d.run("", "-dir", dir).want(t, 0, "nothing was changed", "")
		d.org.ExpireSessions()
		d.run("", "-dir", dir).want(t, 0, "nothing was changed", "")
	})
}

func TestBadInputIsOneLineAndStatusTwo(t *testing.T) {
	session := map[string]string{"SF_INSTANCE_URL": "https://acme.my.salesforce.com", "SF_ACCESS_TOKEN": "00D!x"}
	with := func(name, value string) map[string]string {
		return map[string]string{"SF_INSTANCE_URL": session["SF_INSTANCE_URL"], "SF_ACCESS_TOKEN": session["SF_ACCESS_TOKEN"], name: value}
	}
	tests := []struct {
		name string
		env  map[string]string
		args []string
		want string
	}{
		{"an unknown flag", session, []string{"-force"}, "flag provided but not defined: -force"},
		{"a word that is no flag", session, []string{"production"}, `"production" is no flag`},
		{"a site that does not exist", session, []string{"-site", "staging"}, "-site must be production or pre-production"},
		{"a contact email that is none", session, []string{"-email", "nobody"}, "-email:"},
		{"nothing set", nil, nil, "no org is named"},
		{"an address without a token", with("SF_ACCESS_TOKEN", ""), nil, "SF_INSTANCE_URL is set and SF_ACCESS_TOKEN is not"},
		{"a token without an address", with("SF_INSTANCE_URL", ""), nil, "SF_ACCESS_TOKEN is set and SF_INSTANCE_URL is not"},
		{"an address of somebody else", with("SF_INSTANCE_URL", "https://evil.example"), nil, "SF_INSTANCE_URL:"},
		{"an address without encryption", with("SF_INSTANCE_URL", "http://acme.my.salesforce.com"), nil, "SF_INSTANCE_URL:"},
		{"the login host of all orgs", with("SF_INSTANCE_URL", "https://login.salesforce.com"), nil, "serves all orgs"},
		{"a session and a connection", session, []string{"-dir", "x"}, "exclude each other"},
		{"a sealing key that is none", map[string]string{"SFAUTH_KEY": "x"}, nil, "SFAUTH_KEY must be 32 random bytes"},
		{"a directory without a connection", map[string]string{"SFAUTH_KEY": "TmV3S2V5TmV3S2V5TmV3S2V5TmV3S2V5TmV3S2V5Tm8="}, []string{"-dir", t.TempDir() + "/empty"}, "no org is connected"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			code := run(t.Context(), tt.args, func(name string) string { return tt.env[name] }, strings.NewReader(""), &stdout, &stderr, refuse{t})
			if got := stderr.String(); code != 2 || !strings.HasPrefix(got, "deploy: ") || !strings.Contains(got, tt.want) || strings.Count(got, "\n") != 1 {
				t.Errorf("got status %d and %q, want 2 and one line with %q", code, got, tt.want)
			}
		})
	}
}

func TestANewAppNeedsAContactEmail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := seat(t, orgtest.Config{})
		d.run("").want(t, 2, "", "a new one needs -email")
	})
}

func TestProgressIsALineForEachChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := seat(t, orgtest.Config{DeployTime: 700 * time.Millisecond})
		got := d.run("", "-email", "admin@acme.example")
		got.want(t, 0, "InProgress: ", "")
		got.want(t, 0, "Succeeded: 5 of 5 components\n", "")
	})
}

func TestProgressWithoutChangeIsNoLine(t *testing.T) {
	var out strings.Builder
	show := lines(&out)
	for _, done := range []int{1, 1, 2} {
		show(metadata.DeployResult{Status: "InProgress", Components: metadata.Counts{Total: 5, Finished: done}})
	}
	if got := out.String(); got != "InProgress: 1 of 5 components\nInProgress: 2 of 5 components\n" {
		t.Errorf("got %q", got)
	}
}

func TestProgressIsABarOnATerminal(t *testing.T) {
	var screen bytes.Buffer
	show := bar(&screen)
	for done := range 6 {
		show(metadata.DeployResult{Status: "InProgress", Components: metadata.Counts{Total: 5, Finished: done}})
	}
	if !strings.Contains(screen.String(), "InProgress") || !strings.Contains(screen.String(), "5/5") {
		t.Errorf("got %q, want the status and the count", screen.String())
	}
}

func TestHelpNeedsNothing(t *testing.T) {
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), []string{"-h"}, func(string) string { return "" }, strings.NewReader(""), &stdout, &stderr, refuse{t})
	result{code, stdout.String(), stderr.String()}.want(t, 0, "-check-only", "")
}

// refuse fails the test when anything is sent at all.
type refuse struct{ t *testing.T }

func (r refuse) RoundTrip(req *http.Request) (*http.Response, error) {
	r.t.Errorf("a request was sent to %s%s", req.URL.Host, req.URL.Path)
	return nil, io.ErrUnexpectedEOF
}

func TestAValueOfTheOrgSteersNoTerminal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := seat(t, orgtest.Config{})
		d.run("", "-email", "admin@acme.example").want(t, 0, "Deployed", "")
		if err := d.org.SetAppField("ExternalClientApplication", "Fullcast", "label", "Full\u009b31mcast\u202e"); err != nil {
			t.Fatal(err)
		}
		got := d.run("")
		got.want(t, 0, "Full\uFFFD31mcast\uFFFD -> Fullcast\n", "")
		if strings.ContainsAny(got.stdout+got.stderr, "\u009b\u202e") {
			t.Errorf("%q", got.stdout)
		}
	})
}
