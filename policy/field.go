package policy

import (
	"fmt"
	"slices"

	"github.com/fullcast/sfauth/internal/salesforce"
	"github.com/fullcast/sfauth/metadata"
)

// field is one field of AppSpec as data: where each kind of app has it, why it matters, and how to read it.
type field struct {
	id           string // rule ID without the set's prefix
	name         string // of the field in AppSpec
	why          string
	whyConnected string // of a connected app; empty when it is the same
	where        places
	want         func(metadata.AppSpec) []string // in Setup's words, a member each; nil: not listed, or not read
	empty        bool                            // an absent element is an empty value, not an unknown one
	list         bool                            // a set of members
	do           func(label string, want []string) string

	noCorrection string // why metadata cannot correct it; empty when it can

	judge func(p *Pass, f field, at place, want metadata.AppSpec) // nil: what was read must equal what is wanted
	same  func(a, b metadata.AppSpec) bool                        // whether unequal values mean the same; nil: they do not
}

// sameMeaning reports whether two apps have the same in this field, though they may say it in other words.
func (f field) sameMeaning(a, b metadata.AppSpec) bool { return f.same != nil && f.same(a, b) }

// fields are all of AppSpec, in the order of Fullcast's instructions.
//
// Source: Fullcast support, "Create an external client app" and "Create a Connected App", for labels and screens;
// Metadata API, the types of package metadata, for elements.
var fields = []field{
	{
		id:   "allow-creation-of-connected-apps",
		name: "AllowCreationOfConnectedApps",
		why:  "Salesforce refuses to create a connected app while this is off.",
		where: places{
			metadata.KindExternalClientApp: {"Allow creation of connected apps", connectedCreation, PartSetupOnly, ""},
			metadata.KindConnectedApp:      {"Allow creation of connected apps", connectedCreation, PartSetupOnly, ""},
		},
		want:         checkbox(func(s metadata.AppSpec) metadata.Checkbox { return s.AllowCreationOfConnectedApps }),
		do:           tick,
		noCorrection: "no metadata holds it",
	},
	{
		id:   "name",
		name: "Name",
		why:  "Fullcast's instructions and support look for the app by this name.",
		where: places{
			metadata.KindExternalClientApp: external("External Client App Name", externalBasic, PartApp, "label"),
			metadata.KindConnectedApp:      connected("Connected App Name", connectedBasic, "label"),
		},
		want:  word(func(s metadata.AppSpec) string { return s.Name }),
		empty: true,
		do:    write,
	},
	{
		id:   "api-name",
		name: "APIName",
		why:  "Deployments and checks find the app by its API name; another name is another app.",
		where: places{
			metadata.KindExternalClientApp: external("API Name", externalBasic, PartApp, ""),
			metadata.KindConnectedApp:      connected("API Name", connectedBasic, ""),
		},
		want:         word(func(s metadata.AppSpec) string { return s.APIName }),
		do:           writeAPIName,
		noCorrection: "in metadata an app with another API name is another app",
	},
	{
		id:   "contact-email",
		name: "ContactEmail",
		why:  "Salesforce and Fullcast write to this address about the app.",
		where: places{
			metadata.KindExternalClientApp: external("Contact Email", externalBasic, PartApp, "contactEmail"),
			metadata.KindConnectedApp:      connected("Contact Email", connectedBasic, "contactEmail"),
		},
		want:  word(func(s metadata.AppSpec) string { return s.ContactEmail }),
		empty: true,
		do:    write,
	},
	{
		id:   "distribution-state",
		name: "Distribution",
		why:  "A local app belongs to this org alone; a packaged one is governed from elsewhere.",
		where: places{
			metadata.KindExternalClientApp: external("Distribution State", externalBasic, PartApp, "distributionState"),
		},
		want: word(func(s metadata.AppSpec) metadata.Distribution { return s.Distribution }),
		do:   choose,
	},
	{
		id:   "enable-oauth",
		name: "EnableOAuth",
		why:  "Without OAuth the app authorizes nobody.",
		where: places{
			metadata.KindExternalClientApp: external("Enable OAuth", externalOAuth, PartPolicies, "isOauthPluginEnabled"),
			metadata.KindConnectedApp:      connected("Enable OAuth Settings", connectedOAuth, "oauthConfig"),
		},
		want:  checkbox(func(s metadata.AppSpec) metadata.Checkbox { return s.EnableOAuth }),
		do:    tick,
		judge: judgeEnabledOAuth,
	},
	{
		id:   "callback-url",
		name: "CallbackURLs",
		why:  "Salesforce sends the browser back to a listed URL alone, compared to the letter: a missing one breaks the connection, one too many may send an authorization code elsewhere.",
		where: places{
			metadata.KindExternalClientApp: external("Callback URL", externalOAuth, PartGlobalSettings, "callbackUrl"),
			metadata.KindConnectedApp:      connected("Callback URL", connectedOAuth, "oauthConfig/callbackUrl"),
		},
		want:  callbacks,
		empty: true,
		list:  true,
		do: func(label string, want []string) string {
			return fmt.Sprintf("let %s hold the lines below and no other\n%s", label, list(want))
		},
	},
	{
		id:   "oauth-scopes",
		name: "Scopes",
		why:  "Fullcast asks for these scopes: a missing one makes authorization or an API call fail, one too many gives away more than was agreed.",
		where: places{
			metadata.KindExternalClientApp: external("OAuth Scopes", externalOAuth, PartOAuthSettings, "commaSeparatedOauthScopes"),
			metadata.KindConnectedApp:      connected("OAuth Scopes", connectedOAuth, "oauthConfig/scopes"),
		},
		want:  scopes,
		empty: true,
		list:  true,
		do: func(_ string, want []string) string {
			return "let Selected OAuth Scopes hold those below and no other\n" + list(want)
		},
	},
	{
		id:   "code-and-credentials-flow",
		name: "EnableCodeAndCredentialsFlow",
		why:  "Fullcast's instructions demand it, though this SDK never runs that flow.",
		where: places{
			metadata.KindExternalClientApp: external("Enable Authorization Code and Credentials Flow", externalOAuth, PartGlobalSettings, "isCodeCredFlowEnabled"),
			metadata.KindConnectedApp:      connected("Enable Authorization Code and Credentials Flow", connectedOAuth, "oauthConfig/isCodeCredentialEnabled"),
		},
		want: checkbox(func(s metadata.AppSpec) metadata.Checkbox { return s.EnableCodeAndCredentialsFlow }),
		do:   tick,
	},
	{
		id:           "require-pkce",
		name:         "RequirePKCE",
		why:          "With PKCE a stolen authorization code is worthless.",
		whyConnected: "The older integration, which uses this app, sends no PKCE: it breaks when PKCE is required.",
		where: places{
			metadata.KindExternalClientApp: external("Require Proof Key for Code Exchange (PKCE) Extension for Supported Authorization Flows", externalOAuth, PartGlobalSettings, "isPkceRequired"),
			metadata.KindConnectedApp:      connected("Require Proof Key for Code Exchange (PKCE) extension for Supported Authorization Flows", connectedOAuth, "oauthConfig/isPkceRequired"),
		},
		want:  checkbox(func(s metadata.AppSpec) metadata.Checkbox { return s.RequirePKCE }),
		do:    clearPKCE,
		judge: judgeRequiredPKCE,
	},
	{
		id:   "secret-for-web-server-flow",
		name: "RequireSecretForWebServerFlow",
		why:  "Without it an authorization code is enough to get tokens; who holds the consumer key needs no secret.",
		where: places{
			metadata.KindExternalClientApp: external("Require Secret for Web Server Flow", externalOAuth, PartGlobalSettings, "isConsumerSecretOptional"),
			metadata.KindConnectedApp:      connected("Require secret for Web Server Flow", connectedOAuth, "oauthConfig/isConsumerSecretOptional"),
		},
		want: checkbox(func(s metadata.AppSpec) metadata.Checkbox { return s.RequireSecretForWebServerFlow }),
		do:   tick,
	},
	{
		id:   "secret-for-refresh-token-flow",
		name: "RequireSecretForRefreshTokenFlow",
		why:  "Without it a stolen refresh token is enough to get access tokens.",
		where: places{
			metadata.KindExternalClientApp: external("Require Secret for Refresh Token Flow", externalOAuth, PartGlobalSettings, "isSecretRequiredForRefreshToken"),
			metadata.KindConnectedApp:      connected("Require secret for Refresh Token Flow", connectedOAuth, "oauthConfig/isSecretRequiredForRefreshToken"),
		},
		want: checkbox(func(s metadata.AppSpec) metadata.Checkbox { return s.RequireSecretForRefreshTokenFlow }),
		do:   tick,
	},
	{
		id:   "start-page",
		name: "StartPage",
		why:  "A start page would put the app on users' App Launcher, where it leads nowhere.",
		where: places{
			metadata.KindExternalClientApp: external("Start Page", externalStart, PartPolicies, "startPage"),
		},
		want: word(func(s metadata.AppSpec) metadata.StartPage { return s.StartPage }),
		do:   choose,
	},
	{
		id:   "permitted-users",
		name: "PermittedUsers",
		why:  "When users must be approved beforehand, the connecting user is refused unless a profile or permission set lets him in.",
		where: places{
			metadata.KindExternalClientApp: external("Permitted Users", externalPolicies, PartOAuthPolicies, "permittedUsersPolicyType"),
			metadata.KindConnectedApp:      connected("Permitted Users", connectedPolicies, "oauthConfig/isAdminApproved"),
		},
		want: word(func(s metadata.AppSpec) metadata.PermittedUsers { return s.PermittedUsers }),
		do:   choose,
	},
	{
		id:   "ip-relaxation",
		name: "IPRelaxation",
		why:  "Refreshes come from Fullcast's servers, not from the user's network: enforced for them, the connection breaks; relaxed for everything, the org is less guarded than agreed.",
		where: places{
			metadata.KindExternalClientApp: external("IP Relaxation", externalPolicies, PartOAuthPolicies, "ipRelaxationPolicyType"),
			metadata.KindConnectedApp:      connected("IP Relaxation", connectedPolicies, "oauthPolicy/ipRelaxation"),
		},
		want: word(func(s metadata.AppSpec) metadata.IPRelaxation { return s.IPRelaxation }),
		do:   choose,
	},
	{
		id:   "refresh-token-policy",
		name: "RefreshTokenPolicy",
		why:  "With a shorter time, or one that use does not prolong, the connection ends by itself, and an admin has to connect again.",
		where: places{
			metadata.KindExternalClientApp: external("Refresh Token Policy", externalPolicies, PartOAuthPolicies, "refreshTokenPolicyType"),
			metadata.KindConnectedApp:      connected("Refresh Token Policy", connectedPolicies, "oauthPolicy/refreshTokenPolicy"),
		},
		want:  func(s metadata.AppSpec) []string { return policyInWords(s.RefreshTokenPolicy) },
		do:    choosePolicy,
		judge: judgeRefreshToken,
		same: func(a, b metadata.AppSpec) bool {
			return a.RefreshTokenPolicy.Same(b.RefreshTokenPolicy)
		},
	},
}

func checkbox(at func(metadata.AppSpec) metadata.Checkbox) func(metadata.AppSpec) []string {
	return func(s metadata.AppSpec) []string {
		switch at(s) {
		case metadata.Selected:
			return []string{selected}
		case metadata.Cleared:
			return []string{cleared}
		}
		return nil
	}
}

const selected, cleared = "selected", "cleared"

// word reads a text or a choice. Salesforce trims outer white space, so it is never a difference.
func word[T ~string](at func(metadata.AppSpec) T) func(metadata.AppSpec) []string {
	return func(s metadata.AppSpec) []string {
		if w := salesforce.Trim(string(at(s))); w != "" {
			return []string{w}
		}
		return nil
	}
}

// callbacks reads the callback URLs, without the white space around each: Setup's field has one on each line. Where there is
// none, as in what was read from an app, the list is the spec's own.
func callbacks(s metadata.AppSpec) []string {
	if !slices.ContainsFunc(s.CallbackURLs, func(u string) bool { return u == "" || u != salesforce.Trim(u) }) {
		return s.CallbackURLs
	}
	all := make([]string, 0, len(s.CallbackURLs))
	for _, u := range s.CallbackURLs {
		if u = salesforce.Trim(u); u != "" {
			all = append(all, u)
		}
	}
	return all
}

// scopes reads the scopes by Setup's labels, aliases as what they stand for, each once.
func scopes(s metadata.AppSpec) []string {
	var all []string
	seen := map[string]bool{}
	for _, scope := range s.Scopes {
		if label := scope.Label(); !seen[label] {
			seen[label] = true
			all = append(all, label)
		}
	}
	return all
}

func tick(label string, want []string) string {
	if want[0] == cleared {
		return fmt.Sprintf("clear the checkbox %q", label)
	}
	return fmt.Sprintf("select the checkbox %q", label)
}

func choose(label string, want []string) string { return fmt.Sprintf("set %s to %q", label, want[0]) }

// writeAPIName does not promise that Setup renames an app that is there. Its connection does not depend on the API name.
func writeAPIName(label string, want []string) string {
	return "where Setup lets you, " + write(label, want) + "; where it does not, the app keeps its API name and works under it"
}

func write(label string, want []string) string { return fmt.Sprintf("type %q as %s", want[0], label) }
