package policy_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/policy"
)

// What a rule may come to.
const (
	finds  = "finding"
	unseen = "not visible"
	passes = "passed"
)

// cell is what one rule judges in one kind of app.
type cell struct {
	rule    string
	file    string // suffix of the file, or the name of a settings file
	element string // path; the last name is the one that is judged, those before are around it
	right   string
	wrong   string
	absent  string // outcome without the element, read with API version 68
	says    string // of the finding of an absent or wrong element; may be empty
}

const (
	ecaHeader, ecaOAuth, ecaGlobal, ecaOAuthPolicies, ecaPolicies, ecaSecurity = "eca", "ecaOauth", "ecaGlblOauth", "ecaOauthPlcy", "ecaPlcy", "ecaOauthSecurity"
	connectedFile, oidcFile, connectedSettings, securityFile                   = "connectedApp", "OauthOidc.settings", "ConnectedApp.settings", "Security.settings"
)

// cells are all rules that judge one element, by the kind of app.
var cells = map[metadata.Kind][]cell{
	metadata.KindExternalClientApp: {
		{"baseline-name", ecaHeader, "label", "Fullcast", "Fullcast 2", finds, ""},
		{"baseline-contact-email", ecaHeader, "contactEmail", "admin@example.com", "other@example.com", finds, ""},
		{"baseline-distribution-state", ecaHeader, "distributionState", "Local", "Packaged", unseen, ""},
		{"baseline-enable-oauth", ecaPolicies, "isOauthPluginEnabled", "true", "false", passes, ""},
		{"baseline-callback-url", ecaGlobal, "callbackUrl", "", "https://app.fullcast.io/other", finds, ""},
		{"baseline-oauth-scopes", ecaOAuth, "commaSeparatedOauthScopes", "Basic, Api, Web, Full, RefreshToken, OpenID", "Api", finds, ""},
		{"baseline-code-and-credentials-flow", ecaGlobal, "isCodeCredFlowEnabled", "true", "false", unseen, ""},
		{"baseline-require-pkce", ecaGlobal, "isPkceRequired", "true", "false", passes, ""},
		{"baseline-secret-for-web-server-flow", ecaGlobal, "isConsumerSecretOptional", "false", "true", passes, ""},
		{"baseline-secret-for-refresh-token-flow", ecaGlobal, "isSecretRequiredForRefreshToken", "true", "false", passes, ""},
		{"baseline-start-page", ecaPolicies, "startPage", "None", "OAuth", unseen, ""},
		{"baseline-permitted-users", ecaOAuthPolicies, "permittedUsersPolicyType", "AllSelfAuthorized", "AdminApprovedPreAuthorized", unseen, ""},
		{"baseline-ip-relaxation", ecaOAuthPolicies, "ipRelaxationPolicyType", "Enforce_relaxrefresh", "Bypass", unseen, ""},
		{"baseline-refresh-token-policy", ecaOAuthPolicies, "refreshTokenPolicyType", "Infinite", "Zero", unseen, ""},

		{"hardening-dpop", ecaGlobal, "isDPopEnabled", "false", "true", unseen, ""},
		{"hardening-mtls", ecaGlobal, "isMtlsEnabled", "false", "true", unseen, ""},
		{"hardening-device-flow", ecaGlobal, "isDeviceFlowEnabled", "false", "true", unseen, ""},
		{"hardening-client-credentials-flow", ecaGlobal, "isClientCredentialsFlowEnabled", "false", "true", unseen, ""},
		{"hardening-token-exchange-flow", ecaGlobal, "isTokenExchangeEnabled", "false", "true", unseen, ""},
		{"hardening-introspect-all-tokens", ecaGlobal, "isIntrospectAllTokens", "false", "true", unseen, ""},
		{"hardening-guest-flow", ecaOAuthPolicies, "isGuestCodeCredFlowEnabled", "false", "true", unseen, ""},
		{"hardening-consumer-key-rotation", ecaGlobal, "shouldRotateConsumerKey", "false", "true", passes, ""},
		{"hardening-consumer-secret-rotation", ecaGlobal, "shouldRotateConsumerSecret", "false", "true", passes, ""},
		{"hardening-superfluous-scopes", ecaOAuth, "commaSeparatedOauthScopes", "Basic, Api, Web, Full, RefreshToken, OpenID", "Basic, Api, Web, Full, RefreshToken, OpenID, Chatter", passes, ""},
		{"hardening-session-level", ecaOAuthPolicies, "requiredSessionLevel", "STANDARD", "LOW", unseen, ""},
		{"hardening-plain-callback-url", ecaGlobal, "callbackUrl", "", "http://app.fullcast.io/other", passes, ""},

		{"partner-pkce", ecaGlobal, "isPkceRequired", "true", "false", unseen, ""},
		{"partner-refresh-token-rotation", ecaGlobal, "isRefreshTokenRotationEnabled", "true", "false", unseen, ""},
		{"partner-idle-limit", ecaGlobal, "isEnforceRefreshTokenTTL", "true", "false", unseen, ""},
		{"partner-refresh-token-ip-allow-list", ecaSecurity, "tokenIpRanges", "<endIpAddress>192.0.2.9</endIpAddress><startIpAddress>192.0.2.1</startIpAddress>", "", finds, ""},

		{"prerequisite-code-and-credentials-flows", oidcFile, "oAuthCdCrdtFlowEnable", "true", "false", unseen, ""},
		{"prerequisite-api-access-control", connectedSettings, "enableAdminApprovedAppsOnly", "false", "true", unseen, ""},
		{"prerequisite-session-lock", securityFile, "sessionSettings/lockSessionsToIp", "false", "true", unseen, ""},
		{"prerequisite-ip-ranges", securityFile, "sessionSettings/enforceIpRangesEveryRequest", "false", "true", unseen, ""},
	},
	metadata.KindConnectedApp: {
		{"baseline-name", connectedFile, "label", "Fullcast Motion Package", "Fullcast", finds, ""},
		{"baseline-contact-email", connectedFile, "contactEmail", "admin@example.com", "other@example.com", finds, ""},
		{"baseline-callback-url", connectedFile, "oauthConfig/callbackUrl", "", "https://app.fullcast.io/other", finds, ""},
		{"baseline-require-pkce", connectedFile, "oauthConfig/isPkceRequired", "false", "true", passes, ""},
		{"baseline-secret-for-web-server-flow", connectedFile, "oauthConfig/isConsumerSecretOptional", "false", "true", unseen, ""},
		{"baseline-secret-for-refresh-token-flow", connectedFile, "oauthConfig/isSecretRequiredForRefreshToken", "true", "false", passes, ""},
		{"baseline-permitted-users", connectedFile, "oauthConfig/isAdminApproved", "false", "true", unseen, ""},
		{"baseline-ip-relaxation", connectedFile, "oauthPolicy/ipRelaxation", "ENFORCE_RELAXREFRESH", "BYPASS", unseen, ""},
		{"baseline-refresh-token-policy", connectedFile, "oauthPolicy/refreshTokenPolicy", "infinite", "zero", unseen, ""},

		{"hardening-dpop", connectedFile, "oauthConfig/isDPopEnabled", "false", "true", unseen, ""},
		{"hardening-mtls", connectedFile, "oauthConfig/isPKImTLSEnabled", "false", "true", unseen, ""},
		{"hardening-device-flow", connectedFile, "oauthConfig/isDeviceFlowEnabled", "false", "true", unseen, ""},
		{"hardening-client-credentials-flow", connectedFile, "oauthConfig/isClientCredentialEnabled", "false", "true", unseen, ""},
		{"hardening-token-exchange-flow", connectedFile, "oauthConfig/isTokenExchangeEnabled", "false", "true", unseen, ""},
		{"hardening-introspect-all-tokens", connectedFile, "oauthConfig/isIntrospectAllTokens", "false", "true", unseen, ""},
		{"hardening-session-level", connectedFile, "sessionPolicy/sessionLevel", "STANDARD", "LOW", unseen, ""},
		{"hardening-plain-callback-url", connectedFile, "oauthConfig/callbackUrl", "", "http://app.fullcast.io/other", passes, ""},

		{"partner-pkce", connectedFile, "oauthConfig/isPkceRequired", "true", "false", unseen, ""},
		{"partner-refresh-token-rotation", connectedFile, "oauthConfig/isRefreshTokenRotationEnabled", "true", "false", unseen, ""},
		{"partner-idle-limit", connectedFile, "oauthConfig/isEnforceRefreshTokenTTL", "true", "false", unseen, ""},

		{"prerequisite-pkce-for-every-app", oidcFile, "isPkceRequired", "false", "true", unseen, ""},
		{"prerequisite-api-access-control", connectedSettings, "enableAdminApprovedAppsOnly", "false", "true", unseen, ""},
		{"prerequisite-session-lock", securityFile, "sessionSettings/lockSessionsToIp", "false", "true", unseen, ""},
		{"prerequisite-ip-ranges", securityFile, "sessionSettings/enforceIpRangesEveryRequest", "false", "true", unseen, ""},
	},
}

// elsewhere are the rules that judge no one element of a kind of app, and what they come to for the app as instructed.
var elsewhere = map[metadata.Kind]map[string]string{
	metadata.KindExternalClientApp: {"baseline-kind": passes, "baseline-api-name": passes, "prerequisite-pkce-for-every-app": passes},
	metadata.KindConnectedApp: {
		"baseline-kind": passes, "baseline-api-name": passes, "baseline-allow-creation-of-connected-apps": unseen,
		"baseline-enable-oauth": passes, "baseline-oauth-scopes": passes, // many elements: see mutations
		"hardening-superfluous-scopes": passes, "hardening-guest-flow": unseen, "hardening-consumer-key-rotation": passes, "hardening-consumer-secret-rotation": passes,
		"partner-refresh-token-ip-allow-list": unseen, "prerequisite-code-and-credentials-flows": passes,
	},
}

// roots are the elements around those of each file.
var roots = map[string]string{
	ecaHeader: "ExternalClientApplication", ecaOAuth: "ExtlClntAppOauthSettings", ecaGlobal: "ExtlClntAppGlobalOauthSettings", ecaOAuthPolicies: "ExtlClntAppOauthConfigurablePolicies",
	ecaPolicies: "ExtlClntAppConfigurablePolicies", ecaSecurity: "ExtlClntAppOauthSecuritySettings", connectedFile: "ConnectedApp", oidcFile: "OauthOidcSettings", connectedSettings: "ConnectedAppSettings", securityFile: "SecuritySettings",
}

// set returns the files with one element, a line of its own, or without it where text is empty.
func (files tree) set(suffix, path, text string) tree {
	names := strings.Split(path, "/")
	element, around := names[len(names)-1], roots[suffix]
	if files[suffix] == "" {
		files = files.replaced(suffix, `<`+around+` xmlns="http://soap.sforce.com/2006/04/metadata">`+"\n    <externalClientApplication>Fullcast</externalClientApplication>\n</"+around+">\n")
		if strings.HasSuffix(suffix, ".settings") {
			files = files.without(suffix, "externalClientApplication")
		}
	}
	files = files.without(suffix, element)
	if len(names) > 1 {
		if around = names[0]; !strings.Contains(files[suffix], "<"+around+">") {
			files = files.replaced(suffix, strings.Replace(files[suffix], "</"+roots[suffix]+">", "<"+around+">\n</"+around+">\n</"+roots[suffix]+">", 1))
		}
	}
	if text == "" {
		return files
	}
	return files.replaced(suffix, strings.Replace(files[suffix], "</"+around+">", "\n<"+element+">"+text+"</"+element+">\n</"+around+">", 1))
}

// judged is the subject that the files are, the settings files taken as those of its org.
func (files tree) judged(t *testing.T, name string) policy.Subject {
	t.Helper()
	app, settings := tree{}, &metadata.OrgSettings{}
	for suffix, text := range files {
		if !strings.HasSuffix(suffix, ".settings") {
			app[suffix] = text
		} else if err := settings.ParseFile(suffix, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	s := app.subject(t, name)
	s.Version, s.Settings = 68, settings
	return s
}

func everyRule(spec metadata.AppSpec) []policy.Rule {
	return slices.Concat(policy.Baseline(spec), policy.Hardening(), policy.PartnerRequirements2026(), policy.Prerequisites())
}

// ideal are the files of an app in which every rule of its table passes; callbacks and lists come from the spec.
func ideal(t *testing.T, spec metadata.AppSpec) tree {
	files := newTree(t, spec)
	for _, c := range cells[spec.Kind] {
		if c.right != "" && !strings.HasPrefix(c.rule, "baseline") {
			files = files.set(c.file, c.element, c.right)
		}
	}
	return files
}

// outcome is what a rule came to, and its findings.
func outcome(t *testing.T, s policy.Subject, rules []policy.Rule, id string) (string, policy.Finding) {
	t.Helper()
	report := policy.Check(s, rules...)
	for _, f := range report.Findings {
		if f.Rule == id {
			return finds, f
		}
	}
	for _, u := range report.NotVisible {
		if u.Rule == id {
			return unseen, toLook(u)
		}
	}
	if !slices.Contains(report.Passed, id) {
		t.Errorf("%s has no outcome", id)
	}
	return passes, policy.Finding{}
}

// toLook is what was not seen as a finding whose fix names the screen alone.
func toLook(u policy.Unseen) policy.Finding {
	return policy.Finding{Rule: u.Rule, Field: u.Field, Want: u.Want, Message: u.Message, Fix: u.Screen}
}

func TestEveryRuleForEveryKindOfAppIsInTheTable(t *testing.T) {
	for name, spec := range specs() {
		known := map[string]bool{}
		for _, c := range cells[spec.Kind] {
			known[c.rule] = true
		}
		s := ideal(t, spec).judged(t, spec.APIName)
		for _, r := range everyRule(spec) {
			want, other := elsewhere[spec.Kind][r.ID]
			if known[r.ID] == other {
				t.Errorf("%s: %s must be in one of the two tables", name, r.ID)
			}
			if !other {
				continue
			}
			got, f := outcome(t, s, everyRule(spec), r.ID)
			if got != want {
				t.Errorf("%s: %s: %s, want %s", name, r.ID, got, want)
			}
			if got == unseen {
				reachable(t, spec.Kind, spec.Name, f)
			}
		}
	}
}

func TestEachFieldRightWrongAndAbsentForEachKindOfApp(t *testing.T) {
	for _, spec := range []metadata.AppSpec{fullcast.ExternalClientApp(fullcast.Production, "admin@example.com"), fullcast.ConnectedApp(fullcast.Production, "admin@example.com")} {
		files, rules := ideal(t, spec), everyRule(spec)
		for _, c := range cells[spec.Kind] {
			t.Run(fmt.Sprintf("%s %s", spec.Kind, c.rule), func(t *testing.T) {
				right := files
				if c.right != "" {
					right = files.set(c.file, c.element, c.right)
				}
				if got, f := outcome(t, right.judged(t, spec.APIName), rules, c.rule); got != passes {
					t.Errorf("right: %s: %s", got, f)
				}
				if c.wrong != "" {
					c.checkWrong(t, spec, files.set(c.file, c.element, c.wrong), rules)
				}
				absent := files.set(c.file, c.element, "")
				got, f := outcome(t, absent.judged(t, spec.APIName), rules, c.rule)
				if got != c.absent {
					t.Errorf("absent: %s, want %s: %s", got, c.absent, f)
				}
				if got != passes {
					reachable(t, spec.Kind, nameIn(absent, spec), f)
				}
			})
		}
	}
}

// nameIn is what Setup calls the app of the files.
func nameIn(files tree, spec metadata.AppSpec) string {
	suffix := ecaHeader
	if spec.Kind == metadata.KindConnectedApp {
		suffix = connectedFile
	}
	if m := regexp.MustCompile(`<label>(.*)</label>`).FindStringSubmatch(files[suffix]); m != nil {
		return m[1]
	}
	return spec.APIName
}

// checkWrong wants one true finding that points at the element, clicks that exist, and nothing left after correcting.
func (c cell) checkWrong(t *testing.T, spec metadata.AppSpec, files tree, rules []policy.Rule) {
	t.Helper()
	s := files.judged(t, spec.APIName)
	got, f := outcome(t, s, rules, c.rule)
	if got != finds {
		t.Errorf("wrong: %s", got)
		return
	}
	names := strings.Split(c.element, "/")
	before, _, _ := strings.Cut(files[c.file], "<"+names[len(names)-1]+">")
	if line := 1 + strings.Count(before, "\n"); f.Line != line || !strings.HasSuffix(f.File, c.file) {
		t.Errorf("wrong: points at %s:%d, want .%s line %d", f.File, f.Line, c.file, line)
	}
	reachable(t, spec.Kind, nameIn(files, spec), f)
	if f.Correct == nil {
		if f.NoCorrection == "" {
			t.Error("neither corrected nor said why not")
		}
		return
	}
	s.App = f.Correct(s.App)
	if got, f := outcome(t, s, rules, c.rule); got != passes {
		t.Errorf("corrected: %s: %s", got, f)
	}
}

func TestAnAppWithEveryFieldWrongHasEveryFindingAndNoneAfterItsCorrection(t *testing.T) {
	for _, spec := range []metadata.AppSpec{fullcast.ExternalClientApp(fullcast.Production, "admin@example.com"), fullcast.ConnectedApp(fullcast.Production, "admin@example.com")} {
		files := ideal(t, spec)
		wrong := map[string]bool{}
		for _, c := range cells[spec.Kind] {
			if c.wrong == "" || strings.HasPrefix(c.rule, "partner-") && c.element == "oauthConfig/isPkceRequired" || c.element == "isCodeCredFlowEnabled" {
				continue // partner-pkce contradicts the instructions of connected apps; without the flow no guest has it
			}
			if _, set := wrong[c.file+c.element]; !set {
				files = files.set(c.file, c.element, c.wrong)
			}
			wrong[c.file+c.element], wrong[c.rule] = true, true
		}
		rules := slices.Concat(policy.Baseline(spec), policy.Hardening(), policy.Prerequisites())
		s := files.judged(t, spec.APIName)
		report := policy.Check(s, rules...)
		for _, r := range rules {
			if wrong[r.ID] && r.ID != "hardening-superfluous-scopes" && r.ID != "hardening-plain-callback-url" && !slices.ContainsFunc(report.Findings, func(f policy.Finding) bool { return f.Rule == r.ID }) {
				t.Errorf("%s: %s found nothing", spec.Kind, r.ID)
			}
		}
		for what, app := range map[string]metadata.App{"corrected": report.Correct(s.App), "merged, then corrected": report.Correct(spec.Merge(s.App))} {
			s := s
			s.App = app
			for _, f := range policy.Check(s, rules...).Findings {
				if f.Correct != nil {
					t.Errorf("%s, %s: %s", spec.Kind, what, f)
				}
			}
		}
	}
}
