package policy_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/policy"
)

// screens are Setup's screens by the kind of app that an admin edits there, each with the labels that it shows. {app} is the
// app's name. What both kinds have is what is the org's own.
//
// Source: Fullcast support, "Create an external client app" and "Create a Connected App"; Salesforce Help, "Configure the
// External Client App OAuth Settings", "Set an IP Allowlist for Refresh Tokens", "Review Connected Apps".
var screens = map[metadata.Kind]map[string][]string{
	metadata.KindExternalClientApp: {
		"Setup > Apps > External Client Apps > External Client App Manager":                                                   {"New External Client App"},
		"Setup > Apps > External Client Apps > External Client App Manager > {app} > Settings tab > Basic Information > Edit": {"External Client App Name", "API Name", "Contact Email", "Distribution State"},
		"Setup > Apps > External Client Apps > External Client App Manager > {app} > Policies tab > Edit":                     {"Start Page"},
		"Setup > Apps > External Client Apps > External Client App Manager > {app} > Policies tab > Edit > OAuth Policies":    {"Permitted Users", "IP Relaxation", "Refresh Token Policy", "Enable Code and Credentials Flow for Guest Users", "session level"},
		"Setup > Apps > External Client Apps > External Client App Manager > {app} > Settings tab > OAuth Settings > Edit": append(shared,
			"Enable OAuth", "Enable Device Flow", "Enable Authorization Code and Credentials Flow", "Require Secret for Web Server Flow", "Require Secret for Refresh Token Flow",
			"Require Proof Key for Code Exchange (PKCE) Extension for Supported Authorization Flows", "Require DPoP (Demonstrating Proof-of-Possession)", "Require mTLS"),
	},
	metadata.KindConnectedApp: {
		"Setup > Apps > External Client Apps > Settings > Connected Apps":                                     {"Allow creation of connected apps"},
		"Setup > Apps > App Manager > {app} > Action menu > Edit > Basic Information":                         {"Connected App Name", "API Name", "Contact Email"},
		"Setup > Apps > App Manager > {app} > Action menu > View > Manage > Edit Policies > OAuth Policies":   {"Permitted Users", "IP Relaxation", "Refresh Token Policy"},
		"Setup > Apps > App Manager > {app} > Action menu > View > Manage > Edit Policies > Session Policies": {"session level"},
		"Setup > Apps > App Manager > {app} > Action menu > Edit > API (Enable OAuth Settings)": append(shared,
			"Enable OAuth Settings", "Enable for Device Flow", "Require secret for Web Server Flow", "Require secret for Refresh Token Flow",
			"Require Proof Key for Code Exchange (PKCE) extension for Supported Authorization Flows", "Require DPoP (Demonstrating Proof-of-Possession)", "Require mTLS"),
	},
}

// shared are labels that the OAuth settings of both kinds have.
var shared = []string{
	"Callback URL", "Selected OAuth Scopes", "Available OAuth Scopes", "Enable Client Credentials Flow", "Enable Token Exchange Flow",
	"Introspect All Tokens", "Enable Refresh Token Rotation", "Limit Idle Refresh Token TTL", "Enforce Refresh Token IP Allowlist",
}

// ofTheOrg are the screens of switches that are the org's.
var ofTheOrg = map[string][]string{
	"Setup > Security > OAuth and OpenID Connect Settings": {"decide whether to"},
	"Setup > Security > API Access Control":                {"decide whether to"},
	"Setup > Security > Session Settings":                  {"decide whether to"},
}

// noClicks begin the fixes that name no screen, since there is none.
var noClicks = []string{"In the file", "There is nothing to click", "Check this app against the instructions"}

// reachable fails unless what a finding says to click exists where the admin edits that kind of app.
func reachable(t *testing.T, kind metadata.Kind, name string, f policy.Finding) {
	t.Helper()
	for _, begin := range noClicks {
		if strings.HasPrefix(f.Fix, begin) {
			return
		}
	}
	path, do, _ := strings.Cut(strings.Replace(f.Fix, " "+name+" ", " {app} ", 1), ": ")
	labels, there := screens[kind][path]
	if !there {
		labels, there = ofTheOrg[path]
	}
	if !there {
		t.Errorf("%s: %s has no screen %q", f.Rule, kind, path)
		return
	}
	if do == "" {
		return // it only says where to look
	}
	for _, label := range labels {
		if strings.Contains(do, label) {
			return
		}
	}
	t.Errorf("%s: the screen %q has nothing that %q names", f.Rule, path, do)
}

func TestTheHelpOfASARIFRuleHasTheClicksOfEachKindOfAppInTheRun(t *testing.T) {
	var reports []policy.Report
	for _, spec := range specs() {
		reports = append(reports, policy.Check(policy.Subject{App: spec.New(), Version: 68}, everyRule(spec)...))
	}
	var b strings.Builder
	if err := policy.Write(&b, policy.SARIF, reports...); err != nil {
		t.Fatal(err)
	}
	var log struct {
		Runs []struct {
			Tool struct {
				Driver struct {
					Rules []struct {
						ID   string
						Help struct{ Text string }
					}
				}
			}
		}
	}
	if err := json.Unmarshal([]byte(b.String()), &log); err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, r := range log.Runs[0].Tool.Driver.Rules {
		if r.ID != "baseline-name" && r.ID != "hardening-device-flow" {
			continue
		}
		seen++
		for _, clicks := range []string{"external client app: Setup > Apps > External Client Apps > ", "connected app: Setup > Apps > App Manager > "} {
			if strings.Count(r.Help.Text, clicks) != 1 {
				t.Errorf("%s: %q: %s", r.ID, clicks, r.Help.Text)
			}
		}
	}
	if seen != 2 {
		t.Errorf("%d rules", seen)
	}
}

func TestASARIFResultPointsAtItsFileWhateverThePathIs(t *testing.T) {
	spec := specs()["connected app, production"]
	text := newTree(t, spec).with(t, connectedFile, "label", "Other")[connectedFile]
	for path, uri := range map[string]string{
		"a b/App.connectedApp": "a%20b/App.connectedApp", "c:d/App.connectedApp": "./c:d/App.connectedApp", "App.connectedApp": "App.connectedApp",
		"/tree/ü/App.connectedApp": "file:///tree/%C3%BC/App.connectedApp", "a/c:d/App.connectedApp": "a/c:d/App.connectedApp",
	} {
		app, err := metadata.ParseFile(path, []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		got := write(t, policy.SARIF, policy.Check(policy.Subject{App: app, Version: 66}, policy.Baseline(spec)...))
		if !strings.Contains(got, `"uri":"`+uri+`"`) {
			t.Errorf("%s: no %s", path, uri)
		}
	}
}
