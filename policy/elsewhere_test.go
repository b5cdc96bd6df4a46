package policy_test

import (
	"strings"
	"testing"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/policy"
)

func TestWhatIsSwitchedOffElsewhereIsToldByTheElementThatDoesIt(t *testing.T) {
	eca := fullcast.ExternalClientApp(fullcast.Production, "admin@example.com")
	old := fullcast.ConnectedApp(fullcast.Production, "admin@example.com")
	both := []string{"isEnabled", "false", "isOauthPluginEnabled", "false"}
	for _, tt := range []struct {
		name, rule string
		spec       metadata.AppSpec
		file       string
		set        []string // elements of the file and their texts, in turn
		also       []string // the same of the second file that follows
		outcome    string
		at         string // the element that the finding points at
		says, fix  string
	}{
		{"the app itself is disabled", "baseline-enable-oauth", eca, ecaPolicies, []string{"isEnabled", "false"}, nil, finds, "isEnabled", "<isEnabled> is false", "set <isEnabled> to true"},
		{"the app and its OAuth plugin are disabled", "baseline-enable-oauth", eca, ecaPolicies, both, nil, finds, "isEnabled", "<isEnabled> and <isOauthPluginEnabled> are false", "set <isEnabled> and <isOauthPluginEnabled> to true"},
		{"the OAuth plugin is disabled", "baseline-enable-oauth", eca, ecaPolicies, []string{"isOauthPluginEnabled", "false"}, nil, finds, "isOauthPluginEnabled", "<isOauthPluginEnabled> is false", "set <isOauthPluginEnabled> to true"},

		{"the policies keep client credentials off", "hardening-client-credentials-flow", eca, ecaGlobal, []string{"isClientCredentialsFlowEnabled", "true"}, []string{ecaOAuthPolicies, "isClientCredentialsFlowEnabled", "false"}, passes, "", "", ""},
		{"the policies allow client credentials", "hardening-client-credentials-flow", eca, ecaGlobal, []string{"isClientCredentialsFlowEnabled", "true"}, []string{ecaOAuthPolicies, "isClientCredentialsFlowEnabled", "true"}, finds, "isClientCredentialsFlowEnabled", "", ""},
		{"the policies say nothing of client credentials", "hardening-client-credentials-flow", eca, ecaGlobal, []string{"isClientCredentialsFlowEnabled", "true"}, nil, finds, "isClientCredentialsFlowEnabled", "", ""},
		{"the policies keep token exchange off", "hardening-token-exchange-flow", eca, ecaGlobal, []string{"isTokenExchangeEnabled", "true"}, []string{ecaOAuthPolicies, "isTokenExchangeFlowEnabled", "false"}, passes, "", "", ""},
		{"the policies of a connected app keep token exchange off", "hardening-token-exchange-flow", old, connectedFile, []string{"oauthConfig/isTokenExchangeEnabled", "true", "oauthPolicy/isTokenExchangeFlowEnabled", "false"}, nil, passes, "", "", ""},
		{"without the code and credentials flow no guest has it", "hardening-guest-flow", eca, ecaGlobal, []string{"isCodeCredFlowEnabled", "false"}, []string{ecaOAuthPolicies, "isGuestCodeCredFlowEnabled", "true"}, passes, "", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			files := newTree(t, tt.spec)
			for i := 0; i < len(tt.set); i += 2 {
				files = files.set(tt.file, tt.set[i], tt.set[i+1])
			}
			if len(tt.also) > 0 {
				files = files.set(tt.also[0], tt.also[1], tt.also[2])
			}
			s := files.judged(t, tt.spec.APIName)
			rules := everyRule(tt.spec)
			got, f := outcome(t, s, rules, tt.rule)
			if got != tt.outcome || !strings.Contains(f.Message, tt.says) || !strings.Contains(f.Fix, tt.fix) {
				t.Fatalf("%s: %+v", got, f)
			}
			if got != finds {
				return
			}
			before, _, _ := strings.Cut(files[tt.file], "<"+tt.at+">")
			if line := 1 + strings.Count(before, "\n"); f.Line != line || !strings.HasSuffix(f.File, tt.file) {
				t.Errorf("points at %s:%d, want line %d", f.File, f.Line, line)
			}
			reachable(t, tt.spec.Kind, nameIn(files, tt.spec), f)
			s.App = f.Correct(s.App)
			if got, f := outcome(t, s, rules, tt.rule); got != passes {
				t.Errorf("corrected: %s: %s", got, f)
			}
		})
	}
}

func TestAnAppWithoutOAuthSettingsHasNothingToClickInThem(t *testing.T) {
	old := fullcast.ConnectedApp(fullcast.Production, "admin@example.com")
	s := newTree(t, old).without(connectedFile, "oauthConfig").judged(t, old.APIName)
	for _, f := range policy.Check(s, append(policy.Hardening(), policy.PartnerRequirements2026()...)...).NotVisible {
		if l := f.Rule; l == "hardening-guest-flow" || l == "hardening-session-level" || l == "partner-refresh-token-ip-allow-list" {
			continue // not in the OAuth settings
		}
		if f.Message != "the app has no OAuth settings" || f.Screen != "There is nothing to click" {
			t.Errorf("%s: %s; %s", f.Rule, f.Message, f.Screen)
		}
	}
}

func TestInstructionsForOneKindOfAppNameNoClicksInTheOther(t *testing.T) {
	eca := fullcast.ExternalClientApp(fullcast.Production, "admin@example.com")
	old := fullcast.ConnectedApp(fullcast.Production, "admin@example.com")
	for _, pair := range [][2]metadata.AppSpec{{eca, old}, {old, eca}} {
		got, want := pair[0], pair[1]
		report := policy.Check(policy.Subject{App: got.New(), Version: 68}, policy.Baseline(want)...)
		where := map[string]string{}
		for _, f := range report.Findings {
			where[f.Rule] = f.Fix
		}
		for _, u := range report.NotVisible {
			where[u.Rule] = u.Screen
		}
		for rule, clicks := range where {
			if rule != "baseline-kind" && rule != "baseline-allow-creation-of-connected-apps" && clicks != "There is nothing to click" {
				t.Errorf("%s as %s: %s: %s", got.Kind, want.Kind, rule, clicks)
			}
		}
	}
}

func TestWhatOnlyLooksLikeTheWantedValueIsFoundAndCanBeSeen(t *testing.T) {
	spec := fullcast.ExternalClientApp(fullcast.Production, "admin@example.com")
	for _, tt := range []struct{ rule, file, element, text string }{
		{"baseline-name", ecaHeader, "label", "Fullcast\u00a0"},
		{"baseline-callback-url", ecaGlobal, "callbackUrl", strings.Join(spec.CallbackURLs, "\u00a0\n")},
		{"baseline-oauth-scopes", ecaOAuth, "commaSeparatedOauthScopes", "Basic, Api,\u00a0Web, Full, RefreshToken, OpenID"},
		{"baseline-ip-relaxation", ecaOAuthPolicies, "ipRelaxationPolicyType", "\u2007Enforce_relaxrefresh"},
	} {
		s := newTree(t, spec).set(tt.file, tt.element, tt.text).judged(t, spec.APIName)
		report := policy.Check(s, policy.Baseline(spec)...)
		if len(report.Findings) != 1 || report.Findings[0].Rule != tt.rule {
			t.Errorf("%s: %s", tt.rule, report)
		} else if !strings.Contains(report.String(), "\ufffd") {
			t.Errorf("%s: nobody sees why: %s", tt.rule, report)
		}
		s.App = report.Correct(s.App)
		if left := policy.Check(s, policy.Baseline(spec)...); len(left.Findings) > 0 {
			t.Errorf("%s, corrected: %s", tt.rule, left)
		}
	}
}

func TestWhatNoMetadataOfAConnectedAppHoldsIsLookedForInSetup(t *testing.T) {
	spec := fullcast.ConnectedApp(fullcast.Production, "admin@example.com")
	s := newTree(t, spec).judged(t, spec.APIName)
	for _, id := range []string{"partner-refresh-token-ip-allow-list", "baseline-allow-creation-of-connected-apps"} {
		if got, f := outcome(t, s, everyRule(spec), id); got != unseen || f.Message != "no metadata holds it; only Setup shows it" {
			t.Errorf("%s: %s: %+v", id, got, f)
		}
	}
}

func TestAFindingAboutAListPointsAtItsFirstMemberThatIsWrong(t *testing.T) {
	eca := fullcast.ExternalClientApp(fullcast.Production, "admin@example.com")
	old := fullcast.ConnectedApp(fullcast.Production, "admin@example.com")
	u := eca.CallbackURLs
	for _, tt := range []struct {
		name, rule string
		spec       metadata.AppSpec
		file, old  string // what is replaced, with
		new        string
		line       string // the one that the finding points at holds this
	}{
		{"a URL too many", "baseline-callback-url", eca, ecaGlobal, u[2], u[2] + "\nhttps://example.com/own", "https://example.com/own"},
		{"one of another instance", "baseline-callback-url", old, connectedFile, u[1], strings.Replace(u[1], "app.", "sandbox.", 1), "sandbox."},
		{"one that stands twice", "baseline-callback-url", eca, ecaGlobal, u[2], u[2] + "\n" + u[0], u[0] + "</callbackUrl>"},
		{"one that is missing", "baseline-callback-url", eca, ecaGlobal, u[1] + "\n", "", "<callbackUrl>"},
		{"one with a character that is escaped", "baseline-callback-url", eca, ecaGlobal, u[1], u[1] + "?a=1&amp;b=2", "&amp;b=2"},
		{"a scope too many", "baseline-oauth-scopes", old, connectedFile, "<scopes>RefreshToken</scopes>", "<scopes>RefreshToken</scopes>\n<scopes>Chatter</scopes>", "<scopes>Chatter"},
		{"a scope in another spelling", "baseline-oauth-scopes", old, connectedFile, "<scopes>RefreshToken</scopes>", "<scopes>RefreshToken</scopes>\n<scopes>chatter</scopes>", "<scopes>"},
		{"a scope that is missing", "baseline-oauth-scopes", old, connectedFile, "<scopes>Api</scopes>", "", "<scopes>"},
		{"a scope too many of an external client app", "baseline-oauth-scopes", eca, ecaOAuth, "OpenID", "OpenID, Chatter", "Chatter"},
	} {
		files := newTree(t, tt.spec)
		if strings.Count(files[tt.file], tt.old) != 1 {
			t.Fatalf("%s: %q is there %d times", tt.name, tt.old, strings.Count(files[tt.file], tt.old))
		}
		files = files.replaced(tt.file, strings.Replace(files[tt.file], tt.old, tt.new, 1))
		got, f := outcome(t, files.judged(t, tt.spec.APIName), policy.Baseline(tt.spec), tt.rule)
		lines := strings.Split(files[tt.file], "\n")
		if got != finds || f.Line < 1 || !strings.Contains(lines[f.Line-1], tt.line) {
			t.Errorf("%s: %s: line %d of\n%s", tt.name, got, f.Line, files[tt.file])
		}
	}
}

func TestASwitchOfTheOrgThatDoesNotConcernAKindOfAppIsNotLookedFor(t *testing.T) {
	concerns := map[string]metadata.Kind{"prerequisite-code-and-credentials-flows": metadata.KindExternalClientApp, "prerequisite-pkce-for-every-app": metadata.KindConnectedApp}
	for name, spec := range specs() {
		s := policy.Subject{App: spec.New(), Version: 68} // without settings
		for _, r := range policy.Prerequisites() {
			want := unseen
			if kind := concerns[r.ID]; kind != "" && kind != spec.Kind {
				want = passes
			}
			if got, f := outcome(t, s, policy.Prerequisites(), r.ID); got != want || got == unseen && f.Message != "the org's settings were not read" {
				t.Errorf("%s: %s: %s, want %s: %s", name, r.ID, got, want, f.Message)
			}
		}
	}
}

func TestAFindingAboutTheKindOfAppPointsAtItsFile(t *testing.T) {
	eca := fullcast.ExternalClientApp(fullcast.Production, "admin@example.com")
	old := fullcast.ConnectedApp(fullcast.Production, "admin@example.com")
	for file, pair := range map[string][2]metadata.AppSpec{"Fullcast.eca": {eca, old}, "Fullcast_Motion_Package.connectedApp": {old, eca}} {
		got, f := outcome(t, newTree(t, pair[0]).subject(t, pair[0].APIName), policy.Baseline(pair[1]), "baseline-kind")
		if got != finds || f.File != file || f.Line != 2 {
			t.Errorf("%s: %s at %s:%d", file, got, f.File, f.Line)
		}
	}
}
