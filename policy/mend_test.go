package policy_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/policy"
)

func TestMendLeavesNoFindingAndTouchesNothingElse(t *testing.T) {
	for name, spec := range specs() {
		t.Run(name, func(t *testing.T) {
			rules := policy.Baseline(spec)
			for _, m := range mutations(t, spec) {
				files := m.files(newTree(t, spec))
				for suffix, text := range files { // what no rule is about: a comment, odd spacing, an unknown element
					files[suffix] = strings.Replace(text, "\n    <", "\n<!-- kept -->\n  <notKnown  a='1'/>\n    <", 1)
				}
				s := files.subject(t, spec.APIName)
				mended := policy.Check(s, rules...).Mend(s.App)
				after := policy.Check(policy.Subject{App: mended, Version: 66}, rules...)
				if len(after.Findings) > 0 {
					t.Fatalf("%s: still there after mending:\n%s", m.name, after)
				}
				checkOnlyOneChange(t, m.name, s.App, mended)
			}
		})
	}
}

// checkOnlyOneChange fails when more than one file changed, or when a kept line is gone.
func checkOnlyOneChange(t *testing.T, name string, before, after metadata.App) {
	t.Helper()
	read := func(a metadata.App) (map[string]string, error) {
		pkg, err := a.Package(66)
		if err != nil {
			return nil, err
		}
		files := map[string]string{}
		for _, f := range pkg.Files[1:] {
			files[f.Name] = string(f.Data)
		}
		return files, nil
	}
	is, err := read(after)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	was, err := read(before)
	if err != nil {
		was = nil // the wrong value is one that the schema forbids
	}
	changed := 0
	for file, text := range is {
		if text != was[file] {
			changed++
		}
		if !strings.Contains(text, "\n<!-- kept -->\n  <notKnown  a='1'/>\n") {
			t.Errorf("%s: %s lost what no rule is about:\n%s", name, file, text)
		}
	}
	if was != nil && (len(was) != len(is) || changed != 1) {
		t.Errorf("%s: %d files of %d changed, want 1", name, changed, len(is))
	}
}

func TestWhatHasNoMendSaysWhy(t *testing.T) {
	eca := fullcast.ExternalClientApp(fullcast.Production, "admin@example.com")
	other := eca
	other.APIName = "Other"
	report := policy.Check(policy.Subject{App: other.New()}, policy.Baseline(eca)...)
	if len(report.Findings) != 1 || report.Findings[0].Mend != nil || report.Findings[0].NoMend == "" {
		t.Errorf("%+v", report.Findings)
	}
	if got := report.Mend(other.New()); got.Name != "Other" {
		t.Errorf("Mend changed the API name to %q", got.Name)
	}
}

func TestMendLeavesNoAppWithoutScopes(t *testing.T) {
	spec := fullcast.ExternalClientApp(fullcast.Production, "admin@example.com")
	spec.Scopes = []metadata.Scope{"Chatter", "Wave"}
	app := spec.New()
	report := policy.Check(policy.Subject{App: app}, policy.Hardening()...)
	if len(report.Findings) != 1 || report.Findings[0].Mend != nil || report.Findings[0].NoMend == "" {
		t.Errorf("%+v", report.Findings)
	}
	if got := report.Mend(app).Spec().Scopes; len(got) != 2 {
		t.Errorf("scopes %v", got)
	}
}

func TestMendBringsInNothingThatWasNotRead(t *testing.T) {
	spec := fullcast.ExternalClientApp(fullcast.Production, "admin@example.com")
	app := spec.New()
	app.GlobalOAuthSettings.IsPKCERequired = new(false)
	app = metadata.App{Kind: app.Kind, Name: app.Name, GlobalOAuthSettings: app.GlobalOAuthSettings}
	mended := policy.Check(policy.Subject{App: app}, policy.Baseline(spec)...).Mend(app)
	if !*mended.GlobalOAuthSettings.IsPKCERequired {
		t.Error("PKCE was not mended")
	}
	if mended.External != nil || mended.OAuthSettings != nil || mended.OAuthPolicies != nil || mended.Policies != nil {
		t.Errorf("mending one component brought in another: %+v", mended)
	}
}

func TestMendOfAnotherAppThanTheCheckedOneChangesNothingOfIt(t *testing.T) {
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
			if mended := report.Mend(app); mended.Kind != app.Kind {
				t.Errorf("%+v", mended)
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

func TestMendDoesNotTouchTheAppItWasGiven(t *testing.T) {
	spec := fullcast.ExternalClientApp(fullcast.Production, "admin@example.com")
	app := spec.New()
	app.External.Label = "Other"
	policy.Check(policy.Subject{App: app}, policy.Baseline(spec)...).Mend(app)
	if app.External.Label != "Other" {
		t.Error("the given app was changed")
	}
}

func ExampleReport_Mend() {
	want := fullcast.ExternalClientApp(fullcast.Production, "admin@example.com")
	app := want.New()
	app.OAuthPolicies.PermittedUsersPolicyType = "AdminApprovedPreAuthorized"

	rules := policy.Baseline(want)
	report := policy.Check(policy.Subject{App: app}, rules...)
	printFindings(report)
	printFindings(policy.Check(policy.Subject{App: report.Mend(app)}, rules...))
	// Output:
	// 1 finding(s)
	// error: Permitted Users is "Admin approved users are pre-authorized", not "All users may self-authorize" [baseline-permitted-users]
	// 0 finding(s)
}
