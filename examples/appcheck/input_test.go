package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/fullcast"
)

func TestBadInputIsOneLineAndStatusTwo(t *testing.T) {
	project(t, external(fullcast.Production), connected())
	other := external(fullcast.Production)
	other.APIName, other.CallbackURLs = "Other", []string{"https://other.example/callback"}
	for _, name := range []string{"Other", "Another"} {
		put(t, "others/"+name+".eca", strings.ReplaceAll(get(t, header), "<label>Fullcast<", "<label>"+name+"<"))
	}
	for i := range 9 {
		put(t, fmt.Sprintf("many/App%d.eca", i+1), get(t, "others/Other.eca"))
	}
	put(t, "empty/readme.txt", "nothing of interest")
	put(t, "broken/a.eca", "<ExternalClientApplication")
	put(t, "broken/b.eca", "<!DOCTYPE x><x/>")
	put(t, "no.zip", "PK")
	put(t, "bad.settings", "<Settings/>")
	put(t, "readme.md", "words")
	switches := `<OauthOidcSettings xmlns="http://soap.sforce.com/2006/04/metadata"/>`
	put(t, "one/OauthOidc.settings", switches)
	put(t, "two/OauthOidc.settings", switches)
	put(t, "three/OauthOidc.settings", "<OauthOidcSettings/>")
	pkg, err := external(fullcast.PreProduction).New().Package(66)
	if err != nil {
		t.Fatal(err)
	}
	data, err := pkg.Zip()
	if err != nil {
		t.Fatal(err)
	}
	put(t, "app.zip", string(data))

	session := map[string]string{"SF_INSTANCE_URL": "https://acme.my.salesforce.com", "SF_ACCESS_TOKEN": "00D!x"}
	const sealing = "TmV3S2V5TmV3S2V5TmV3S2V5TmV3S2V5TmV3S2V5Tm8="
	tests := []struct {
		name string
		env  map[string]string
		args []string
		want string
	}{
		{"an unknown flag", nil, []string{"-force", "."}, "flag provided but not defined: -force"},
		{"a flag without its value", nil, []string{".", "-app"}, "flag needs an argument: -app"},
		{"a form that does not exist", nil, []string{"-format", "xml", "."}, `-format: "xml" is none of text, markdown, html, json, sarif`},
		{"a rule set that does not exist", nil, []string{"-rules", "baseline,strict", "."}, `-rules: "strict" is none of baseline, hardening, partner2026, prerequisites`},
		{"a site that does not exist", nil, []string{"-site", "staging", "."}, "-site must be production or pre-production"},
		{"an empty path", nil, []string{""}, "a path is empty"},
		{"a name that steers a terminal", nil, []string{"a\u009b31m\x1b[1mb.eca"}, "stat a\uFFFD31m\uFFFD[1mb.eca: "},
		{"a path that does not exist", nil, []string{"nowhere"}, "stat nowhere: no such file or directory"},
		{"a folder without apps", nil, []string{"empty"}, "empty: there is no app in it"},
		{"files that are broken", nil, []string{"broken"}, "broken: metadata: parse a.eca:1:"},
		{"files that are broken, more than one", nil, []string{"broken"}, "(and 1 more)"},
		{"a broken file", nil, []string{"broken/b.eca"}, "broken/b.eca: metadata: parse b.eca"},
		{"a file of something else", nil, []string{"readme.md"}, "readme.md: metadata: parse readme.md: its suffix is that of no app component"},
		{"a zip that is none", nil, []string{"no.zip"}, "no.zip: metadata: parse zip:"},
		{"settings that are none", nil, []string{"force-app", "bad.settings"}, "parse bad.settings:1:"},
		{"broken settings in a folder", nil, []string{"three"}, "appcheck: metadata: parse three/OauthOidc.settings:1:"},
		{"settings alone", nil, []string{"one"}, "one: there is no app in it"},
		{"settings of two orgs", nil, []string{"force-app", "one", "two"}, "two: OauthOidcSettings are there a second time; check one org at a time"},
		{"no app of Fullcast among several", nil, []string{"others"}, `others: no app of Fullcast is in it; name one with -app, or -app '*' for all of "Another", "Other"`},
		{"no app of Fullcast among many", nil, []string{"many"}, `"App8" and 1 more`},
		{"an app that is not there", nil, []string{"-app", "Nobody", "force-app"}, `-app: force-app has no app "Nobody", only `},
		{"two things at once", nil, []string{"-correct", "-migrate", "."}, "-correct, -diff and -migrate exclude each other"},
		{"a yes without a question", nil, []string{"-write", "."}, "-write is for -correct"},
		{"correcting an org", session, []string{"-correct"}, "-correct is for files; examples/deploy brings an org's app in line"},
		{"correcting inside a zip", nil, []string{"-correct", "-write", "app.zip"}, "app.zip/extlClntAppGlobalOauthSets/Fullcast_glbloauth.ecaGlblOauth is inside a zip"},
		{"a comparison as HTML", nil, []string{"-format", "html", "-diff", "app.zip", "."}, "-diff and -migrate write text or json, not html"},
		{"a comparison with nothing", nil, []string{"-diff", "nowhere", "force-app"}, "stat nowhere"},
		{"a comparison with what lacks the app", nil, []string{"-diff", "app.zip", "force-app"}, `-diff: app.zip has 0 apps to compare "Fullcast_Motion_Package" with`},
		{"a comparison of an org with itself", session, []string{"-diff", "org"}, "-diff org compares files with an org; name a path"},
		{"a comparison with an org that is not named", nil, []string{"-diff", "org", "."}, "no org is named"},
		{"a migration of no connected app", nil, []string{"-migrate", "-app", "Fullcast", "force-app"}, "-migrate is for connected apps"},
		{"neither a path nor an org", nil, nil, "no path is given, and as to an org: no org is named"},
		{"an address without a token", map[string]string{"SF_INSTANCE_URL": "https://acme.my.salesforce.com"}, nil, "SF_ACCESS_TOKEN is not"},
		{"a token without an address", map[string]string{"SF_ACCESS_TOKEN": "00D!x"}, nil, "SF_INSTANCE_URL is not"},
		{"an address of somebody else", map[string]string{"SF_INSTANCE_URL": "https://evil.example", "SF_ACCESS_TOKEN": "x"}, nil, "SF_INSTANCE_URL:"},
		{"the login host of all orgs", map[string]string{"SF_INSTANCE_URL": "https://login.salesforce.com", "SF_ACCESS_TOKEN": "x"}, nil, "serves all orgs"},
		{"a session and a connection", session, []string{"-dir", "x"}, "exclude each other"},
		{"files and a connection", nil, []string{"-dir", "x", "."}, "-dir is for an org; with a path it has no use"},
		{"a sealing key that is none", map[string]string{"SFAUTH_KEY": "x"}, nil, "SFAUTH_KEY must be 32 random bytes"},
		{"a directory without a connection", map[string]string{"SFAUTH_KEY": sealing}, []string{"-dir", t.TempDir() + "/empty"}, "no org is connected"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := checkWith(t, tt.env, refuse{t}, "", tt.args...)
			if got.code != 2 || !strings.HasPrefix(got.stderr, "appcheck: ") || !strings.Contains(got.stderr, tt.want) || strings.Count(got.stderr, "\n") != 1 || got.stdout != "" {
				t.Errorf("got status %d, want 2 and a line with %q\nstdout: %s\nstderr: %s", got.code, tt.want, got.stdout, got.stderr)
			}
		})
	}
}

func TestHelpNamesEveryFlag(t *testing.T) {
	got := check(t, "", "-h")
	for _, name := range []string{"-format", "-rules", "-site", "-app", "-correct", "-write", "-diff", "-migrate", "-dir"} {
		got.want(t, 0, name, "")
	}
}

func TestADeviceIsNoFile(t *testing.T) {
	check(t, "", os.DevNull).want(t, 2, "", "is no file of up to 64 MiB")
}

func TestAReportThatCannotBeWrittenIsAnError(t *testing.T) {
	project(t, external(fullcast.Production))
	var stderr bytes.Buffer
	code := run(t.Context(), []string{"."}, func(string) string { return "" }, strings.NewReader(""), full{}, &stderr, refuse{t})
	if code != 1 || !strings.Contains(stderr.String(), "no space") {
		t.Errorf("status %d: %s", code, &stderr)
	}
}

// full is a disk without room.
type full struct{}

func (full) Write([]byte) (int, error) {
	return 0, os.NewSyscallError("write: no space left", os.ErrClosed)
}
