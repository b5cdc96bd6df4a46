package policy

import (
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/fullcast/sfauth/internal/salesforce"
	"github.com/fullcast/sfauth/metadata"
)

// Hardening returns rules for settings that Fullcast's instructions do not name. The rules warn about settings that allow more
// than the product needs. They report settings that end the connection as errors. If an absent element would mean Salesforce's
// default, the result is "not visible". Some flows have a second switch, such as one in the OAuth policies of an external client
// app. If it was read and is off, the flow counts as off. Every call returns a new slice.
//
// Source: Salesforce Help, "Configure the External Client App OAuth Settings" and "OAuth 2.0 DPoP Guide"; Metadata API, the
// types named in the rules; OAuth 2.0 Security Best Current Practice (RFC 9700) for the reasons.
func Hardening() []Rule {
	const help = `Salesforce Help, "Configure the External Client App OAuth Settings" and "Review Connected Apps"`
	both := func(label, externalElement, connectedElement string) places {
		return places{
			metadata.KindExternalClientApp: external(label, externalOAuth, PartGlobalSettings, externalElement),
			metadata.KindConnectedApp:      connected(label, connectedOAuth, "oauthConfig/"+connectedElement),
		}
	}
	rules := flagRules([]flag{
		{
			id: "hardening-dpop", title: "The app does not require DPoP", severity: SeverityError, want: metadata.Cleared,
			source: `Salesforce Help, "OAuth 2.0 DPoP Guide"; SOAP API, "DpopProofHeader", for Setup's label`,
			why:    "This SDK sends no DPoP proofs. Where the app requires them, Salesforce refuses its token requests and calls, so that the connection ends.",
			where:  both("Require DPoP (Demonstrating Proof-of-Possession)", "isDPopEnabled", "isDPopEnabled"),
		},
		{
			id: "hardening-mtls", title: "The app does not require mTLS", severity: SeverityWarning, want: metadata.Cleared,
			source: "Metadata API 68, ExtlClntAppGlobalOauthSettings and ConnectedApp; Setup's label is assumed",
			why:    "This SDK authenticates the app by its consumer secret. Unless the service's own transport presents the client certificate that the app names, Salesforce refuses the token requests.",
			where:  both("Require mTLS", "isMtlsEnabled", "isPKImTLSEnabled"),
		},
		{
			id: "hardening-device-flow", title: "The device flow is off", severity: SeverityWarning, want: metadata.Cleared, source: help,
			why: "Fullcast never uses it, and attackers talk users into approving a code on the phone.",
			where: places{
				metadata.KindExternalClientApp: external("Enable Device Flow", externalOAuth, PartGlobalSettings, "isDeviceFlowEnabled"),
				metadata.KindConnectedApp:      connected("Enable for Device Flow", connectedOAuth, "oauthConfig/isDeviceFlowEnabled"),
			},
		},
		{
			id: "hardening-client-credentials-flow", title: "The client credentials flow is off", severity: SeverityWarning, want: metadata.Cleared, source: help,
			why:   "Fullcast never uses it; with it the consumer key and secret alone are enough for access, without any user.",
			where: both("Enable Client Credentials Flow", "isClientCredentialsFlowEnabled", "isClientCredentialEnabled"),
			also:  places{metadata.KindExternalClientApp: {part: PartOAuthPolicies, element: "isClientCredentialsFlowEnabled"}},
		},
		{
			id: "hardening-token-exchange-flow", title: "The token exchange flow is off", severity: SeverityWarning, want: metadata.Cleared, source: help,
			why:   "Fullcast never uses it; with it another identity provider's tokens become Salesforce's.",
			where: both("Enable Token Exchange Flow", "isTokenExchangeEnabled", "isTokenExchangeEnabled"),
			also: places{
				metadata.KindExternalClientApp: {part: PartOAuthPolicies, element: "isTokenExchangeFlowEnabled"},
				metadata.KindConnectedApp:      {part: PartApp, element: "oauthPolicy/isTokenExchangeFlowEnabled"},
			},
		},
		{
			id: "hardening-introspect-all-tokens", title: "The app introspects its own tokens alone", severity: SeverityWarning, want: metadata.Cleared, source: help,
			why:   "With it the app may look into every token of the org. Its own tokens it may always introspect.",
			where: both("Introspect All Tokens", "isIntrospectAllTokens", "isIntrospectAllTokens"),
		},
		{
			id: "hardening-guest-flow", title: "Guests get no tokens", severity: SeverityWarning, want: metadata.Cleared,
			source: "Metadata API, ExtlClntAppOauthConfigurablePolicies; Setup's label as published guides show it",
			why:    "Fullcast never uses it; with it guest users of a site get tokens of this app.",
			where: places{
				metadata.KindExternalClientApp: external("Enable Code and Credentials Flow for Guest Users", externalPolicies, PartOAuthPolicies, "isGuestCodeCredFlowEnabled"),
			},
			also: places{metadata.KindExternalClientApp: {part: PartGlobalSettings, element: "isCodeCredFlowEnabled"}},
		},
		{
			id: "hardening-consumer-key-rotation", title: "A deployment keeps the consumer key", severity: SeverityError, want: metadata.Cleared,
			source: "Metadata API, ExtlClntAppGlobalOauthSettings",
			why:    "This element is an order, not a setting: deploying the file replaces the consumer key, and every connection breaks.",
			order:  "replace the consumer key",
			where: places{
				metadata.KindExternalClientApp: external("Rotation of the consumer key at deployment", externalOAuth, PartGlobalSettings, "shouldRotateConsumerKey"),
			},
		},
		{
			id: "hardening-consumer-secret-rotation", title: "A deployment keeps the consumer secret", severity: SeverityError, want: metadata.Cleared,
			source: "Metadata API, ExtlClntAppGlobalOauthSettings",
			why:    "This element is an order, not a setting: deploying the file replaces the consumer secret, and every connection breaks.",
			order:  "replace the consumer secret",
			where: places{
				metadata.KindExternalClientApp: external("Rotation of the consumer secret at deployment", externalOAuth, PartGlobalSettings, "shouldRotateConsumerSecret"),
			},
		},
	})
	return append(rules, superfluousScopes(), sessionLevel(), plainCallbacks())
}

// productScopes are all that Fullcast's instructions ever ask for.
var productScopes = []metadata.Scope{
	metadata.ScopeBasic, metadata.ScopeAPI, metadata.ScopeWeb, metadata.ScopeFull, metadata.ScopeRefreshToken, metadata.ScopeOpenID,
}

func superfluousScopes() Rule {
	return Rule{
		ID:       "hardening-superfluous-scopes",
		Title:    "The app has no scope that Fullcast never uses",
		Why:      "A stolen token can do what the app's scopes allow.",
		Source:   `Fullcast support, "Create an external client app", OAuth Scopes`,
		Severity: SeverityWarning,
		Field:    "OAuth Scopes",
		Want:     "no other scopes than the instructions name",
		Fix:      externalOAuth.clicks("move the scopes named above back to Available OAuth Scopes"),
		Needs:    []Part{PartOAuthSettings},

		FixConnected: connectedOAuth.clicks("move the scopes named above back to Available OAuth Scopes"),
		Correct: func(a metadata.App) metadata.App {
			keep := slices.DeleteFunc(a.Spec().Scopes, superfluous)
			if len(keep) == 0 {
				return a
			}
			return merge(metadata.AppSpec{Kind: a.Kind, APIName: a.Name, Scopes: keep}, a)
		},
		Check: func(p *Pass) {
			path, fix := "commaSeparatedOauthScopes", externalOAuth
			if p.Subject.App.Kind == metadata.KindConnectedApp {
				path, fix = "oauthConfig/scopes", connectedOAuth
			}
			var got []string
			for _, s := range p.Spec.Scopes {
				if superfluous(s) {
					if len(got) == 0 {
						p.at = p.Subject.positionOf(PartOAuthSettings, path, string(s))
					}
					got = append(got, s.Label())
				}
			}
			if len(got) == 0 {
				return
			}
			f := Finding{
				Got:     list(got),
				Message: "Fullcast never uses " + strings.Join(got, ", "),
				Fix:     fix.clicks("move these back to Available OAuth Scopes\n" + list(got)),
			}
			if len(got) == len(p.Spec.Scopes) {
				f.NoCorrection = "no scope would be left; select those of the instructions first"
			}
			p.Find(f)
		},
	}
}

func superfluous(s metadata.Scope) bool { return !slices.Contains(productScopes, s) }

func sessionLevel() Rule {
	return Rule{
		ID:       "hardening-session-level",
		Title:    "A session of low assurance is not enough",
		Why:      "Salesforce gives the level LOW to logins it trusts least.",
		Source:   "Metadata API, ExtlClntAppOauthConfigurablePolicies and ConnectedApp",
		Severity: SeverityWarning,
		Field:    "Required Session Level",
		Want:     "STANDARD or HIGH_ASSURANCE",
		Fix:      externalPolicies.clicks("set the session level of the app to Standard"),
		Needs:    []Part{PartOAuthPolicies},

		FixConnected: connectedSession.clicks("set the session level of the app to Standard"),
		Correct: func(a metadata.App) metadata.App {
			return setElement(a, PartOAuthPolicies, sessionLevelPath(a.Kind), reflect.ValueOf("STANDARD"))
		},
		Check: func(p *Pass) {
			path := sessionLevelPath(p.Subject.App.Kind)
			p.at = p.Subject.position(PartOAuthPolicies, path)
			v, _ := p.Subject.element(PartOAuthPolicies, path)
			switch {
			case !v.IsValid():
				p.NotVisible("there is no <" + path + ">")
			case strings.EqualFold(salesforce.Trim(v.String()), "LOW"):
				p.Find(Finding{Got: "LOW"})
			}
		},
	}
}

func sessionLevelPath(k metadata.Kind) string {
	if k == metadata.KindConnectedApp {
		return "sessionPolicy/sessionLevel"
	}
	return "requiredSessionLevel"
}

var urlScheme = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*:`)

func plainCallbacks() Rule {
	return Rule{
		ID:           "hardening-plain-callback-url",
		Title:        "Every callback URL is https",
		Why:          "An authorization code sent over plain http, to this machine or another scheme can be read by anybody who listens there.",
		Source:       "RFC 9700, section 2.6",
		Severity:     SeverityWarning,
		Field:        "Callback URL",
		Want:         "https URLs",
		Fix:          externalOAuth.clicks("remove from Callback URL the lines named above"),
		FixConnected: connectedOAuth.clicks("remove from Callback URL the lines named above"),
		Needs:        []Part{PartGlobalSettings},
		NoCorrection: "only the admin knows who uses these callback URLs",
		Check: func(p *Pass) {
			path, fix := "callbackUrl", externalOAuth
			if p.Subject.App.Kind == metadata.KindConnectedApp {
				path, fix = "oauthConfig/callbackUrl", connectedOAuth
			}
			var got []string
			for _, u := range callbacks(p.Spec) {
				// What a build puts in the place of ${INSTANCE} is not known.
				if scheme := urlScheme.FindString(u); scheme != "" && !strings.EqualFold(scheme, "https:") {
					got = append(got, u)
				}
			}
			if len(got) > 0 {
				p.at = p.Subject.positionOf(PartGlobalSettings, path, got[0])
				p.Find(Finding{Got: list(got), Message: named("Callback URL: not https", got), Fix: fix.clicks("remove these lines from Callback URL\n" + list(got))})
			}
		},
	}
}
