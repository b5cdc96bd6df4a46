package policy_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/policy"
)

// mutation is a wrong value of one listed field, written into the metadata.
type mutation struct {
	rule, name string
	element    string // the one that is wrong
	files      func(tree) tree
}

// mutations are every wrong value of every listed field: each other choice, the other side of each checkbox, and for
// lists each member missing, foreign, altered or twice, and one too many.
func mutations(t *testing.T, spec metadata.AppSpec) []mutation {
	var all []mutation
	// set changes an element to each wrong text.
	set := func(rule, suffix, element string, wrong ...string) {
		for _, text := range wrong {
			all = append(all, mutation{"baseline-" + rule, element + "=" + text, element, func(f tree) tree { return f.with(t, suffix, element, text) }})
		}
	}
	callbacks := func(suffix string) {
		other := fullcast.Production
		if strings.HasPrefix(spec.CallbackURLs[0], string(other)) {
			other = fullcast.PreProduction
		}
		set("callback-url", suffix, "callbackUrl", strings.Join(other.CallbackURLs(), "\n"), strings.Join(spec.CallbackURLs, " "), strings.Join(slices.Concat(spec.CallbackURLs, other.CallbackURLs()), "\n"))
		for i, u := range spec.CallbackURLs {
			instead := func(urls ...string) {
				set("callback-url", suffix, "callbackUrl", strings.Join(slices.Replace(slices.Clone(spec.CallbackURLs), i, i+1, urls...), "\n"))
			}
			instead()
			instead(u, u)
			instead(other.CallbackURLs()[i])
			instead(u, other.CallbackURLs()[i])
			instead(strings.ToUpper(u))
			instead(u + "/")
			instead(u + "?x=1")
			instead(strings.Replace(u, "https:", "http:", 1))
			instead(strings.Replace(u, ".io", ".io:8443", 1))
			instead(strings.Replace(u, ".io", ".io.example.com", 1))
			instead(u, "https://example.com/callback")
		}
	}
	extraScopes := []metadata.Scope{"Chatter", "CustomPermissions", "SFAP", "CDP"}
	if !slices.Contains(spec.Scopes, metadata.ScopeOpenID) {
		extraScopes = append(extraScopes, metadata.ScopeOpenID)
	}
	var wrongScopes [][]metadata.Scope
	for i := range spec.Scopes {
		wrongScopes = append(wrongScopes, slices.Delete(slices.Clone(spec.Scopes), i, i+1))
	}
	for _, extra := range extraScopes {
		wrongScopes = append(wrongScopes, append(slices.Clone(spec.Scopes), extra))
	}

	if spec.Kind == metadata.KindExternalClientApp {
		set("name", "eca", "label", "Fullcast Motion Package", "fullcast", "Fullcast 2", "")
		set("contact-email", "eca", "contactEmail", "other@example.com", "")
		set("distribution-state", "eca", "distributionState", "Packaged", "Managed", "AutoInstalled", "Global", "Packageable", "Lokal")
		set("enable-oauth", "ecaPlcy", "isOauthPluginEnabled", "false")
		set("enable-oauth", "ecaPlcy", "isEnabled", "false")
		set("code-and-credentials-flow", "ecaGlblOauth", "isCodeCredFlowEnabled", "false", "0")
		set("require-pkce", "ecaGlblOauth", "isPkceRequired", "false", "0")
		set("secret-for-web-server-flow", "ecaGlblOauth", "isConsumerSecretOptional", "true", "1")
		set("secret-for-refresh-token-flow", "ecaGlblOauth", "isSecretRequiredForRefreshToken", "false")
		set("start-page", "ecaPlcy", "startPage", "Custom", "OAuth", "SAML")
		set("permitted-users", "ecaOauthPlcy", "permittedUsersPolicyType", "AdminApprovedPreAuthorized", "AdminApproved")
		set("ip-relaxation", "ecaOauthPlcy", "ipRelaxationPolicyType", "Enforce", "Bypass", "Bypass_2factor", "Relaxed")
		set("refresh-token-policy", "ecaOauthPlcy", "refreshTokenPolicyType", "Zero", "SpecificLifetime", "SpecificInactivity", "Forever")
		for _, wrong := range wrongScopes {
			var words []string
			for _, s := range wrong {
				words = append(words, string(s))
			}
			set("oauth-scopes", "ecaOauth", "commaSeparatedOauthScopes", strings.Join(words, ", "))
		}
		set("oauth-scopes", "ecaOauth", "commaSeparatedOauthScopes", "", "Basic, Api, Web, Full, refresh_token, OpenID") // a word of the wire
		callbacks("ecaGlblOauth")
		return all
	}
	const ca = "connectedApp"
	set("name", ca, "label", "Fullcast", "Fullcast motion package", "FullcastMotionPackage", "")
	set("contact-email", ca, "contactEmail", "other@example.com", "")
	all = append(all, mutation{"baseline-enable-oauth", "no oauthConfig", "oauthConfig", func(f tree) tree { return f.without(ca, "oauthConfig") }})
	set("require-pkce", ca, "isPkceRequired", "true", "1")
	set("secret-for-web-server-flow", ca, "isConsumerSecretOptional", "true", "1")
	set("secret-for-refresh-token-flow", ca, "isSecretRequiredForRefreshToken", "false", "0")
	set("permitted-users", ca, "isAdminApproved", "true", "1")
	set("ip-relaxation", ca, "ipRelaxation", "ENFORCE", "BYPASS", "BYPASS_2FACTOR", "RELAXED")
	set("refresh-token-policy", ca, "refreshTokenPolicy", "zero", "specific_lifetime:1:DAYS", "specific_lifetime:60:MONTHS", "specific_inactivity:29:DAYS", "specific_inactivity:1:HOURS", "forever")
	for _, wrong := range wrongScopes {
		all = append(all, mutation{"baseline-oauth-scopes", fmt.Sprint("scopes=", wrong), "scopes", func(f tree) tree {
			var b strings.Builder
			for _, s := range wrong {
				fmt.Fprintf(&b, "<scopes>%s</scopes>", s)
			}
			return f.replaced(ca, strings.Replace(f.without(ca, "scopes")[ca], "</oauthConfig>", b.String()+"</oauthConfig>", 1))
		}})
	}
	all = append(all, mutation{"baseline-oauth-scopes", "no scopes", "scopes", func(f tree) tree { return f.without(ca, "scopes") }})
	callbacks(ca)
	return all
}

func TestEachWrongValueOfAListedFieldIsFoundOnceByItsRuleAlone(t *testing.T) {
	for name, spec := range specs() {
		t.Run(name, func(t *testing.T) {
			files, rules := newTree(t, spec), policy.Baseline(spec)
			clean := policy.Check(files.subject(t, spec.APIName), rules...)
			if len(clean.Findings) > 0 {
				t.Fatalf("the unchanged app has findings:\n%s", clean)
			}
			covered := map[string]bool{"baseline-kind": true, "baseline-api-name": true} // their own tests below
			for _, m := range mutations(t, spec) {
				covered[m.rule] = true
				report := policy.Check(m.files(files).subject(t, spec.APIName), rules...)
				if len(report.Findings) != 1 || report.Findings[0].Rule != m.rule {
					t.Errorf("%s: want one finding of %s, got:\n%s", m.name, m.rule, report)
				}
				if slices.Contains(report.Passed, m.rule) {
					t.Errorf("%s: %s passed as well", m.name, m.rule)
				}
			}
			for _, r := range rules {
				if !covered[r.ID] && !slices.Contains(r.Needs, policy.PartSetupOnly) {
					t.Errorf("no mutation for %s", r.ID)
				}
			}
		})
	}
}

func TestAnotherAPINameIsFoundByItsRuleAlone(t *testing.T) {
	for name, spec := range specs() {
		t.Run(name, func(t *testing.T) {
			other := spec
			other.APIName += "_2"
			report := policy.Check(newTree(t, other).subject(t, other.APIName), policy.Baseline(spec)...)
			if len(report.Findings) != 1 || report.Findings[0].Rule != "baseline-api-name" {
				t.Errorf("want one finding, got:\n%s", report)
			}
		})
	}
}

func TestAConnectedAppOfferedForANewConnectionIsFoundByItsRuleAlone(t *testing.T) {
	want := fullcast.ExternalClientApp(fullcast.Production, "admin@example.com")
	got := fullcast.ConnectedApp(fullcast.Production, "admin@example.com")
	report := policy.Check(newTree(t, got).subject(t, got.APIName), policy.Baseline(want)...)
	if len(report.Findings) != 1 || report.Findings[0].Rule != "baseline-kind" || len(report.Passed) != 0 {
		t.Errorf("want one finding and nothing passed, got:\n%s", report)
	}
}

func TestAChangeInAnUnlistedFieldIsNoFinding(t *testing.T) {
	for name, spec := range specs() {
		t.Run(name, func(t *testing.T) {
			rules := policy.Baseline(spec)
			want := policy.Check(policy.Subject{App: spec.New(), Version: 66}, rules...)
			changes := 0
			for _, l := range leaves(spec.Kind) {
				if l.listed() || l.names[0] == "externalClientApplication" {
					continue
				}
				for _, member := range l.members() {
					for _, value := range l.values() {
						changes++
						got := policy.Check(policy.Subject{App: l.set(spec.New(), member, value), Version: 66}, rules...)
						if len(got.Findings) > 0 || !slices.Equal(got.Passed, want.Passed) {
							t.Errorf("%s = %v:\n%s", l, value, got)
						}
					}
				}
			}
			if changes < 180 {
				t.Errorf("only %d changes", changes)
			}
		})
	}
}
