package policy_test

import (
	"fmt"
	"io/fs"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/policy"
	"github.com/fullcast/sfauth/policy/policytest"
)

// sets are the rule sets that judge what Fullcast's instructions do not list, with their examples in testdata.
func sets() map[string][]policy.Rule {
	return map[string][]policy.Rule{
		"hardening":     policy.Hardening(),
		"partner":       policy.PartnerRequirements2026(),
		"prerequisites": policy.Prerequisites(),
	}
}

func TestEachRuleFindsItsExamplesAloneWithinItsSet(t *testing.T) {
	for name, rules := range sets() {
		t.Run(name, func(t *testing.T) {
			examples := os.DirFS("testdata/" + name)
			policytest.Run(t, examples, rules...)
			for _, r := range rules {
				cases, err := fs.ReadDir(examples, r.ID)
				if err != nil {
					t.Errorf("%s has no examples: %v", r.ID, err)
					continue
				}
				for _, end := range []string{"-bad", "-ok"} {
					if !slices.ContainsFunc(cases, func(d fs.DirEntry) bool { return strings.HasSuffix(d.Name(), end) }) {
						t.Errorf("%s has no example that ends in %s", r.ID, end)
					}
				}
			}
		})
	}
}

func TestAllSetsTogetherAreOneSet(t *testing.T) {
	for name, spec := range specs() {
		all := slices.Concat(policy.Baseline(spec), policy.Hardening(), policy.PartnerRequirements2026(), policy.Prerequisites())
		if err := policy.Validate(all...); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNoSetButThePartnersContradictsTheBaseline(t *testing.T) {
	for name, spec := range specs() {
		report := policy.Check(policy.Subject{App: spec.New(), Version: 66}, slices.Concat(policy.Hardening(), policy.Prerequisites())...)
		if len(report.Findings) > 0 {
			t.Errorf("%s: the app as instructed has findings:\n%s", name, report)
		}
	}
}

func TestWhatContradictsTheInstructionsIsNeverCorrected(t *testing.T) {
	for name, spec := range specs() {
		app := spec.New()
		if app.GlobalOAuthSettings != nil {
			app.GlobalOAuthSettings.IsEnforceRefreshTokenTTL = new(false)
		} else {
			app.Connected.OAuthConfig.IsEnforceRefreshTokenTTL = new(false)
		}
		report := policy.Check(policy.Subject{App: app, Version: 68}, policy.PartnerRequirements2026()...)
		corrected := policy.Check(policy.Subject{App: report.Correct(app), Version: 68}, policy.Baseline(spec)...)
		if len(report.Findings) == 0 || len(corrected.Findings) > 0 {
			t.Errorf("%s: corrected against the instructions:\n%s", name, corrected)
		}
		for _, f := range report.Findings {
			if f.Correct == nil && !strings.Contains(f.NoCorrection, "instructions") {
				t.Errorf("%s: %s is not corrected, because %q", name, f.Rule, f.NoCorrection)
			}
		}
	}
}

func TestThePartnersRulesSayWhomTheyBindAndWhatTheyContradict(t *testing.T) {
	for _, r := range policy.PartnerRequirements2026() {
		if !strings.HasPrefix(r.Why, "Salesforce requires it of apps that a partner provides, used in more than two customers' production orgs. ") {
			t.Errorf("%s does not say whom it binds: %s", r.ID, r.Why)
		}
		if r.Severity != policy.SeverityWarning {
			t.Errorf("%s is no advice but an %s", r.ID, r.Severity)
		}
	}
	for _, spec := range specs() {
		for _, r := range policy.Baseline(spec) {
			if strings.HasPrefix(r.ID, "partner-") {
				t.Errorf("%s is in the baseline", r.ID)
			}
		}
		app := spec.New()
		for _, l := range leaves(spec.Kind) {
			if l.names[len(l.names)-1] == "isEnforceRefreshTokenTTL" {
				app = l.set(app, 0, reflect.ValueOf(new(false)))
			}
		}
		for _, f := range policy.Check(policy.Subject{App: app, Version: 68}, policy.PartnerRequirements2026()...).Findings {
			if f.Rule == "partner-idle-limit" && !(strings.Contains(f.Why, `"Refresh token is valid until revoked", which Fullcast's instructions choose`) && strings.Contains(f.Why, "met by either") && f.Correct != nil) {
				t.Errorf("what becomes of the policy is not explained: %+v", f)
			}
		}
	}
}

func TestPrerequisitesAreForInformationAndNobodyCorrectsThem(t *testing.T) {
	for _, r := range policy.Prerequisites() {
		if r.Severity != policy.SeverityNote || r.Correct != nil || !strings.Contains(r.NoCorrection, "admin's own choice") || !slices.Equal(r.Needs, []policy.Part{policy.PartOrgSettings}) {
			t.Errorf("%+v", r)
		}
	}
}

func TestPKCERequiredOfAConnectedAppIsANoteThatTellsOfTheOlderIntegration(t *testing.T) {
	spec := fullcast.ConnectedApp(fullcast.Production, "admin@example.com")
	app := spec.New()
	app.Connected.OAuthConfig.IsPKCERequired = new(true)
	found := policy.Check(policy.Subject{App: app, Version: 66}, policy.Baseline(spec)...).Findings
	if len(found) != 1 || !strings.Contains(found[0].Why, "older integration") || found[0].Severity != policy.SeverityNote {
		t.Errorf("%+v", found)
	}
}

func TestEveryCorrectionOfASetEndsItsFinding(t *testing.T) {
	for name, rules := range sets() {
		for _, s := range badExamples(t, "testdata/"+name) {
			report := policy.Check(s, rules...)
			s.App = report.Correct(s.App)
			for _, f := range policy.Check(s, rules...).Findings {
				if f.Correct != nil {
					t.Errorf("%s: still there after correcting: %s", name, f)
				}
			}
			for _, f := range report.Findings {
				if (f.Correct == nil) == (f.NoCorrection == "") {
					t.Errorf("%s: %s: one of Correct and NoCorrection (%q) must be there", name, f, f.NoCorrection)
				}
			}
		}
	}
}

func ExampleHardening() {
	for _, r := range policy.Hardening() {
		fmt.Printf("%s: %s\n", r.Severity, r.Title)
	}
	// Output:
	// error: The app does not require DPoP
	// warning: The app does not require mTLS
	// warning: The device flow is off
	// warning: The client credentials flow is off
	// warning: The token exchange flow is off
	// warning: The app introspects its own tokens alone
	// warning: Guests get no tokens
	// error: A deployment keeps the consumer key
	// error: A deployment keeps the consumer secret
	// warning: The app has no scope that Fullcast never uses
	// warning: A session of low assurance is not enough
	// warning: Every callback URL is https
}

func ExamplePartnerRequirements2026() {
	for _, r := range policy.PartnerRequirements2026() {
		fmt.Printf("%s: %s\n", r.Severity, r.Title)
	}
	// Output:
	// warning: PKCE is required
	// warning: Refresh tokens rotate
	// warning: Refresh tokens end after 30 days without use
	// warning: Refresh tokens work from known addresses alone
}

func ExamplePrerequisites() {
	for _, r := range policy.Prerequisites() {
		fmt.Printf("%s: %s\n", r.Severity, r.Title)
	}
	// Output:
	// note: No switch of the org blocks the app's code and credentials flow
	// note: No switch of the org requires PKCE of an integration that sends none
	// note: The org does not limit API access to apps that an admin approved
	// note: The org does not tie sessions to one network address
	// note: The org does not apply the Login IP Ranges of profiles to each request
}
