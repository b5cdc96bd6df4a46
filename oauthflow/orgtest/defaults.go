package orgtest

import (
	"slices"
	"strings"
)

// defaults are what an org writes when a file says nothing. Booleans are always written back. Elements that a deploy leaves
// out return to these values; Salesforce is known to do so for the certificate, for the rest it is assumed.
// What a release selects by itself is not here but in [Org.fixed].
// Source: docs defaults and the files public projects retrieved from their orgs.
var defaults = map[string][]string{
	"ExternalClientApplication": {"distributionState=Local", "isProtected=false"},
	"ExtlClntAppOauthSettings":  {"isFirstPartyAppEnabled=false"},
	"ExtlClntAppGlobalOauthSettings": {
		"isClientCredentialsFlowEnabled=false", "isCodeCredFlowEnabled=false", "isCodeCredPostOnly=false",
		"isConsumerSecretOptional=false", "isDPopEnabled=false", "isDeviceFlowEnabled=false",
		"isEnforceRefreshTokenTTL=false", "isIntrospectAllTokens=false", "isMtlsEnabled=false",
		"isNamedUserJwtEnabled=false", "isPkceRequired=true", "isRefreshTokenRotationEnabled=false",
		"isSecretRequiredForRefreshToken=true", "isSecretRequiredForTokenExchange=true", "isTokenExchangeEnabled=false",
		"shouldRotateConsumerKey=false", "shouldRotateConsumerSecret=false",
	},
	"ExtlClntAppOauthConfigurablePolicies": {
		"ipRelaxationPolicyType=Enforce", "isClientCredentialsFlowEnabled=false", "isGuestCodeCredFlowEnabled=false",
		"isTokenExchangeFlowEnabled=false", "permittedUsersPolicyType=AllSelfAuthorized", "requiredSessionLevel=STANDARD",
	},
	"ExtlClntAppConfigurablePolicies": {"isEnabled=true", "isOauthPluginEnabled=true", "startPage=None"},
	securitySettings: {
		"sessionSettings/enforceIpRangesEveryRequest=false", "sessionSettings/forceLogoutOnSessionTimeout=true",
		"sessionSettings/lockSessionsToDomain=true", "sessionSettings/lockSessionsToIp=false",
	},
	"ConnectedApp": {
		"oauthConfig/isAdminApproved=false", "oauthConfig/isClientCredentialEnabled=false",
		"oauthConfig/isCodeCredentialEnabled=false", "oauthConfig/isCodeCredentialPostOnly=false",
		"oauthConfig/isConsumerSecretOptional=false", "oauthConfig/isEnforceRefreshTokenTTL=false",
		"oauthConfig/isIntrospectAllTokens=false",
		"oauthConfig/isNamedUserJwtEnabled=false", "oauthConfig/isPkceRequired=false",
		"oauthConfig/isRefreshTokenRotationEnabled=false", "oauthConfig/isSecretRequiredForRefreshToken=true",
		"oauthConfig/isSecretRequiredForTokenExchange=false", "oauthConfig/isTokenExchangeEnabled=false",
		"oauthPolicy/ipRelaxation=ENFORCE", "oauthPolicy/isTokenExchangeFlowEnabled=false",
		"oauthPolicy/refreshTokenPolicy=infinite",
	},
}

// complete fills in what the org adds to a component on its own.
func (o *Org) complete(draft components, c *component) {
	for _, line := range defaults[c.typ] {
		path, value, _ := strings.Cut(line, "=")
		if strings.HasPrefix(path, "oauth") && c.body.at("oauthConfig") == nil {
			continue // a connected app without OAuth has neither part
		}
		c.body.fill(path, value)
	}
	if c.settingsMember() != "" {
		for _, f := range schema().types[c.typ] {
			if f.kind == "boolean" && f.span.has(newestAPI) {
				c.body.fill(f.name, "false")
			}
		}
		return
	}
	c.body.fill("label", c.fullName) // retrieved satellites have a label equal to their name
	switch c.typ {
	case "ExternalClientApplication":
		c.body.set("orgScopedExternalApp", o.id[:15]+":"+c.fullName)
	case "ExtlClntAppOauthSettings":
		words := splitList(c.body.value("commaSeparatedOauthScopes"))
		c.body.set("commaSeparatedOauthScopes", strings.Join(inOrder(words), ", "))
		c.body.fill("oauthLink", o.id[:15]+":"+o.newID("888")[:15])
	case "ExtlClntAppGlobalOauthSettings":
		c.body.set("shouldRotateConsumerKey", "false")
		c.body.set("shouldRotateConsumerSecret", "false")
		if draft.setting("OauthOidcSettings", "isPkceRequired") {
			c.body.set("isPkceRequired", "true") // reported: reads back true; that the org's switch is the cause is assumed
		}
	case "ExtlClntAppOauthConfigurablePolicies":
		completePolicy(c.body)
	case "ConnectedApp":
		if config := c.body.at("oauthConfig"); config != nil {
			words := inOrder(config.texts("scopes"))
			config.remove("scopes")
			for _, w := range words {
				config.children = append(config.children, &node{name: "scopes", text: w})
			}
		}
	}
}

func completePolicy(body *node) {
	if body.at("refreshTokenPolicyType") == nil {
		// the policy the platform itself creates, as retrieved from a real org
		body.set("refreshTokenPolicyType", "SpecificLifetime")
		body.set("refreshTokenValidityPeriod", "365")
		body.set("refreshTokenValidityUnit", "Days")
	}
	if !strings.HasPrefix(body.value("refreshTokenPolicyType"), "Specific") {
		body.remove("refreshTokenValidityPeriod") // absent in retrieved files with Infinite
		body.remove("refreshTokenValidityUnit")
	}
	if i := indexFold(ipRelaxations, body.value("ipRelaxationPolicyType")); i >= 0 {
		body.set("ipRelaxationPolicyType", ipRelaxations[i])
	}
}

// ipRelaxations in the spelling a live org was reported to use; the docs write Enforce_RelaxRefresh. That case does not
// matter is assumed.
var ipRelaxations = []string{"Enforce", "Bypass", "Bypass_2factor", "Enforce_relaxrefresh"}

// createPolicies makes the policies an org creates by itself when a deploy brought none, under the platform's names:
// <settings>_defaultPolicy for OAuth (retrieved by a public project) and <app>_defaultPolicy for the app (reported).
func (o *Org) createPolicies(draft components) {
	for _, eca := range draft.of("ExternalClientApplication") {
		oauth := draft.satellite("ExtlClntAppOauthSettings", eca.fullName)
		if oauth != nil && draft.satellite("ExtlClntAppOauthConfigurablePolicies", eca.fullName) == nil {
			o.put(draft, "ExtlClntAppOauthConfigurablePolicies", oauth.fullName+"_defaultPolicy", belongsTo(eca.fullName), rules{})
		}
		if draft.satellite("ExtlClntAppConfigurablePolicies", eca.fullName) == nil {
			o.put(draft, "ExtlClntAppConfigurablePolicies", eca.fullName+"_defaultPolicy", belongsTo(eca.fullName), rules{})
		}
	}
}

func belongsTo(app string) *node {
	n := &node{}
	n.set("externalClientApplication", app)
	return n
}

func splitList(text string) []string {
	var out []string
	for word := range strings.SplitSeq(text, ",") {
		if word = strings.TrimSpace(word); word != "" {
			out = append(out, word)
		}
	}
	return out
}

func indexFold(words []string, word string) int {
	return slices.IndexFunc(words, func(w string) bool { return strings.EqualFold(w, word) })
}
