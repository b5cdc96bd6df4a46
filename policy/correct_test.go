package policy_test

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/policy"
)

func TestCorrectLeavesNoFindingAndTouchesNoOtherByte(t *testing.T) {
	for name, spec := range specs() {
		t.Run(name, func(t *testing.T) {
			rules := policy.Baseline(spec)
			for _, m := range mutations(t, spec) {
				files := m.files(newTree(t, spec))
				for suffix, text := range files {
					files[suffix] = odd(text)
				}
				s := files.subject(t, spec.APIName)
				corrected := policy.Check(s, rules...).Correct(s.App)
				after := policy.Check(policy.Subject{App: corrected, Version: 66}, rules...)
				if len(after.Findings) > 0 {
					t.Fatalf("%s: still there after correcting:\n%s", m.name, after)
				}
				checkOneElement(t, m.name, s.App, corrected, m.element)
			}
		})
	}
}

// corrects are the rules of the other sets that have a Correct, with the element that it is about.
var corrects = map[string]string{
	"hardening-dpop":                     "isDPopEnabled",
	"hardening-mtls":                     "isMtlsEnabled|isPKImTLSEnabled",
	"hardening-device-flow":              "isDeviceFlowEnabled",
	"hardening-client-credentials-flow":  "isClientCredential(?:sFlow)?Enabled",
	"hardening-token-exchange-flow":      "isTokenExchangeEnabled",
	"hardening-introspect-all-tokens":    "isIntrospectAllTokens",
	"hardening-guest-flow":               "isGuestCodeCredFlowEnabled",
	"hardening-consumer-key-rotation":    "shouldRotateConsumerKey",
	"hardening-consumer-secret-rotation": "shouldRotateConsumerSecret",
	"hardening-superfluous-scopes":       "scopes|commaSeparatedOauthScopes",
	"hardening-session-level":            "sessionLevel|requiredSessionLevel",
	"partner-pkce":                       "isPkceRequired",
	"partner-refresh-token-rotation":     "isRefreshTokenRotationEnabled",
	"partner-idle-limit":                 "isEnforceRefreshTokenTTL",
}

func TestCorrectionOfEveryOtherSetTouchesNoOtherByte(t *testing.T) {
	corrected := map[string]bool{}
	for name, rules := range sets() {
		for _, s := range badExamples(t, "testdata/"+name) {
			files, err := s.App.Files()
			if err != nil {
				t.Fatal(err)
			}
			tree := fstest.MapFS{}
			for _, f := range files {
				tree[f.Name] = &fstest.MapFile{Data: []byte(odd(string(f.Data)))}
			}
			apps, err := metadata.Parse(tree)
			if err != nil || len(apps) != 1 {
				t.Fatalf("%d apps, %v", len(apps), err)
			}
			s.App = apps[0]
			for _, f := range policy.Check(s, rules...).Findings {
				if f.Correct == nil {
					continue
				}
				corrected[f.Rule] = true
				if corrects[f.Rule] == "" {
					t.Fatalf("nobody says which element %s corrects", f.Rule)
				}
				checkOneElement(t, f.Rule, s.App, f.Correct(s.App), corrects[f.Rule])
			}
		}
		for _, r := range rules {
			if r.Correct != nil && !corrected[r.ID] {
				t.Errorf("no example of %s was corrected", r.ID)
			}
		}
	}
}

// odd puts into a file what no rule is about: comments, odd spacing, an unknown element, and a carriage return in a comment.
func odd(text string) string {
	text = strings.ReplaceAll(text, "\n    <", " \t\n<!-- kept -->\n    <")
	return strings.Replace(text, "\n<!-- kept", "\n  <notKnown  a='1'/><!-- \r\n -->\n<!-- kept", 1)
}

// checkOneElement fails when more changed than one element, which may also have come or gone with the white space before it.
func checkOneElement(t *testing.T, name string, before, after metadata.App, element string) {
	t.Helper()
	was, err := before.Files()
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	is, err := after.Files()
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if len(was) != len(is) {
		t.Fatalf("%s: %d files became %d", name, len(was), len(is))
	}
	about := regexp.MustCompile(`(?s)\s*<(` + element + `)>.*?</(` + element + `)>`)
	changed := 0
	for i, f := range is {
		if f.Name != was[i].Name {
			t.Fatalf("%s: %s became %s", name, was[i].Name, f.Name)
		}
		if !bytes.Equal(f.Data, was[i].Data) {
			changed++
		}
		if x, y := about.ReplaceAll(was[i].Data, nil), about.ReplaceAll(f.Data, nil); !bytes.Equal(x, y) {
			t.Errorf("%s: %s changed elsewhere:\n%s\nbecame\n%s", name, f.Name, was[i].Data, f.Data)
		}
	}
	if changed != 1 {
		t.Errorf("%s: %d files changed, want 1", name, changed)
	}
}

func TestWhatHasNoCorrectionSaysWhy(t *testing.T) {
	eca := fullcast.ExternalClientApp(fullcast.Production, "admin@example.com")
	other := eca
	other.APIName = "Other"
	report := policy.Check(policy.Subject{App: other.New()}, policy.Baseline(eca)...)
	if len(report.Findings) != 1 || report.Findings[0].Correct != nil || report.Findings[0].NoCorrection == "" {
		t.Errorf("%+v", report.Findings)
	}
	if got := report.Correct(other.New()); got.Name != "Other" {
		t.Errorf("Correct changed the API name to %q", got.Name)
	}
}

func TestAnAppIsCorrectedWhateverItsFileIsCalled(t *testing.T) {
	for _, spec := range []metadata.AppSpec{fullcast.ExternalClientApp(fullcast.Production, "admin@example.com"), fullcast.ConnectedApp(fullcast.Production, "admin@example.com")} {
		for _, name := range []string{"003", "Fullcast (1)", "acme__Fullcast", "Fullcast%20Motion"} {
			files := map[string]string{}
			all, err := spec.New().Files()
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range all {
				files[strings.Replace(f.Name, spec.APIName, name, 1)] = strings.ReplaceAll(string(f.Data), "<externalClientApplication>"+spec.APIName+"<", "<externalClientApplication>"+name+"<")
			}
			tree := fstest.MapFS{}
			for n, data := range files {
				tree[n] = &fstest.MapFile{Data: []byte(strings.NewReplacer("/app/motion/segments", "/elsewhere", "<isPkceRequired>true", "<isPkceRequired>false").Replace(data))}
			}
			apps, err := metadata.Parse(tree)
			if err != nil || len(apps) != 1 || apps[0].Name != name {
				t.Fatalf("%+v, %v", apps, err)
			}
			rules := policy.Baseline(spec)
			report := policy.Check(policy.Subject{App: apps[0]}, rules...)
			if len(report.Findings) < 2 {
				t.Fatalf("%s: %v", name, report)
			}
			left := policy.Check(policy.Subject{App: report.Correct(apps[0])}, rules...).Findings
			if len(left) != 1 || left[0].Rule != "baseline-api-name" {
				t.Errorf("%s %s: left are %v", spec.Kind, name, left)
			}
		}
	}
}

func TestCorrectLeavesNoAppWithoutScopes(t *testing.T) {
	spec := fullcast.ExternalClientApp(fullcast.Production, "admin@example.com")
	spec.Scopes = []metadata.Scope{"Chatter", "Wave"}
	app := spec.New()
	report := policy.Check(policy.Subject{App: app}, policy.Hardening()...)
	if len(report.Findings) != 1 || report.Findings[0].Correct != nil || report.Findings[0].NoCorrection == "" {
		t.Errorf("%+v", report.Findings)
	}
	if got := report.Correct(app).Spec().Scopes; len(got) != 2 {
		t.Errorf("scopes %v", got)
	}
}

func TestCorrectBringsInNothingThatWasNotRead(t *testing.T) {
	spec := fullcast.ExternalClientApp(fullcast.Production, "admin@example.com")
	app := spec.New()
	app.GlobalOAuthSettings.IsPKCERequired = new(false)
	app = metadata.App{Kind: app.Kind, Name: app.Name, GlobalOAuthSettings: app.GlobalOAuthSettings}
	corrected := policy.Check(policy.Subject{App: app}, policy.Baseline(spec)...).Correct(app)
	if !*corrected.GlobalOAuthSettings.IsPKCERequired {
		t.Error("PKCE was not corrected")
	}
	if corrected.External != nil || corrected.OAuthSettings != nil || corrected.OAuthPolicies != nil || corrected.Policies != nil {
		t.Errorf("correcting one component brought in another: %+v", corrected)
	}
}

func TestCorrectionOfAnotherAppThanTheCheckedOneChangesNothingOfIt(t *testing.T) {
	eca := fullcast.ExternalClientApp(fullcast.Production, "admin@example.com")
	old := fullcast.ConnectedApp(fullcast.Production, "admin@example.com")
	for _, spec := range []metadata.AppSpec{eca, old} {
		bad := spec.New()
		if bad.Connected != nil {
			bad.Connected.OAuthConfig = nil
		} else {
			bad.Policies.IsOAuthPluginEnabled = new(false)
		}
		report := policy.Check(policy.Subject{App: bad}, policy.Baseline(spec)...)
		for _, app := range []metadata.App{{}, {Kind: metadata.KindConnectedApp}, {Kind: metadata.KindExternalClientApp}} {
			if corrected := report.Correct(app); corrected.Kind != app.Kind {
				t.Errorf("%+v", corrected)
			}
		}
	}
}

func printFindings(r policy.Report) {
	fmt.Println(len(r.Findings), "finding(s)")
	for _, f := range r.Findings {
		fmt.Println(f)
	}
}

func TestCorrectDoesNotTouchTheAppItWasGiven(t *testing.T) {
	spec := fullcast.ExternalClientApp(fullcast.Production, "admin@example.com")
	app := spec.New()
	app.External.Label = "Other"
	policy.Check(policy.Subject{App: app}, policy.Baseline(spec)...).Correct(app)
	if app.External.Label != "Other" {
		t.Error("the given app was changed")
	}
}

func ExampleReport_Correct() {
	want := fullcast.ExternalClientApp(fullcast.Production, "admin@example.com")
	app := want.New()
	app.OAuthPolicies.PermittedUsersPolicyType = "AdminApprovedPreAuthorized"

	rules := policy.Baseline(want)
	report := policy.Check(policy.Subject{App: app}, rules...)
	printFindings(report)
	printFindings(policy.Check(policy.Subject{App: report.Correct(app)}, rules...))
	// Output:
	// 1 finding(s)
	// error: Permitted Users is "Admin approved users are pre-authorized", not "All users may self-authorize" [baseline-permitted-users]
	// 0 finding(s)
}
