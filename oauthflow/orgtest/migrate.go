package orgtest

import (
	"strings"
)

// migrated turns a connected app's metadata into the components of an external client app.
// Source: a before and after pair in a public repository (names _defOauthSet and so on); the two schemas for the rest.
func migrated(name string, body *node) []change {
	config := body.at("oauthConfig")
	header, oauth, global, policy, general := &node{}, belongsTo(name), belongsTo(name), belongsTo(name), belongsTo(name)
	carry(header, body, "contactEmail", "contactPhone", "description", "iconUrl", "infoUrl", "label", "logoUrl")

	var words []string
	for _, w := range config.texts("scopes") {
		if s, ok := findScope(w); ok {
			words = append(words, s.external)
		}
	}
	oauth.set("commaSeparatedOauthScopes", strings.Join(words, ", "))

	carry(global, config, "callbackUrl", "certificate", "isConsumerSecretOptional", "isEnforceRefreshTokenTTL", "isIntrospectAllTokens", "isNamedUserJwtEnabled",
		"isPkceRequired", "isRefreshTokenRotationEnabled", "isSecretRequiredForRefreshToken", "isSecretRequiredForTokenExchange",
		"isTokenExchangeEnabled")

	policy.set("permittedUsersPolicyType", "AllSelfAuthorized")
	if config.is("isAdminApproved") {
		policy.set("permittedUsersPolicyType", "AdminApprovedPreAuthorized")
	}
	if list := body.texts("profileName"); len(list) > 0 {
		policy.set("commaSeparatedProfile", strings.Join(list, ", "))
	}
	if i := indexFold(ipRelaxations, body.value("oauthPolicy/ipRelaxation")); i >= 0 {
		policy.set("ipRelaxationPolicyType", ipRelaxations[i])
	}
	parts := strings.Split(body.value("oauthPolicy/refreshTokenPolicy"), ":")
	policy.set("refreshTokenPolicyType", map[string]string{
		"zero": "Zero", "specific_lifetime": "SpecificLifetime", "specific_inactivity": "SpecificInactivity",
	}[parts[0]])
	if len(parts) == 3 {
		policy.set("refreshTokenValidityPeriod", parts[1])
		policy.set("refreshTokenValidityUnit", parts[2][:1]+strings.ToLower(parts[2][1:]))
	} else if parts[0] == "infinite" {
		policy.set("refreshTokenPolicyType", "Infinite")
	}
	general.set("isEnabled", "true")
	general.set("isOauthPluginEnabled", "true")
	if body.value("startUrl") != "" {
		general.set("startPage", "OAuth")
	}

	list := []change{
		{kind: kind{typ: "ExternalClientApplication"}, fullName: name, body: header},
		{kind: kind{typ: "ExtlClntAppOauthSettings"}, fullName: name + "_defOauthSet", body: oauth},
		{kind: kind{typ: "ExtlClntAppGlobalOauthSettings"}, fullName: name + "_defGlblOauthSet", body: global},
		{kind: kind{typ: "ExtlClntAppOauthConfigurablePolicies"}, fullName: name + "_defOauthPlcy", body: policy},
		{kind: kind{typ: "ExtlClntAppConfigurablePolicies"}, fullName: name + "_defPlcy", body: general},
	}
	for i := range list {
		list[i].kind, _ = kindOf(list[i].typ)
	}
	return list
}

func carry(to, from *node, names ...string) {
	for _, name := range names {
		if n := from.at(name); n != nil {
			to.children = append(to.children, n.clone())
		}
	}
}
