package policy

import (
	"strings"

	"github.com/fullcast/sfauth/metadata"
)

// defaults are the texts that stand for an element which is absent, where Salesforce documents a default.
//
// Source: Metadata API Developer Guide, the pages of the types; elements whose page names no default are not here.
var defaults = map[element]string{
	{"ExternalClientApplication", "isProtected"}: "false",

	{string(PartOAuthSettings), "areAttributesIncludedInAssetToken"}:  "false",
	{string(PartOAuthSettings), "areCustomPermsIncludedInAssetToken"}: "false",

	{string(PartGlobalSettings), "isCodeCredPostOnly"}:                     "false",
	{string(PartGlobalSettings), "isIntrospectAllTokens"}:                  "false",
	{string(PartGlobalSettings), "isNamedUserJwtEnabled"}:                  "false",
	{string(PartGlobalSettings), "idTokenConfig/idTokenValidityInMinutes"}: "2",

	{string(PartOAuthPolicies), "isClientCredentialsFlowEnabled"}: "false",
	{string(PartOAuthPolicies), "isGuestCodeCredFlowEnabled"}:     "false",
	{string(PartOAuthPolicies), "isNamedUserJwtEnabled"}:          "false",
	{string(PartOAuthPolicies), "isTokenExchangeFlowEnabled"}:     "false",

	{string(PartPolicies), "isCanvasPluginEnabled"}:       "true",
	{string(PartPolicies), "isMobilePluginEnabled"}:       "true",
	{string(PartPolicies), "isNotificationPluginEnabled"}: "true",
	{string(PartPolicies), "isOauthPluginEnabled"}:        "true",
	{string(PartPolicies), "isPushPluginEnabled"}:         "true",
	{string(PartPolicies), "isSamlPluginEnabled"}:         "true",

	{"ConnectedApp", "oauthConfig/assetTokenConfig/assetIncludeAttributes"}:  "true",
	{"ConnectedApp", "oauthConfig/assetTokenConfig/assetIncludeCustomPerms"}: "true",
	{"ConnectedApp", "oauthConfig/idTokenConfig/idTokenValidity"}:            "2",
	{"ConnectedApp", "oauthConfig/isClientCredentialEnabled"}:                "false",
	{"ConnectedApp", "oauthConfig/isCodeCredentialPostOnly"}:                 "false",
	{"ConnectedApp", "oauthConfig/isIntrospectAllTokens"}:                    "false",
	{"ConnectedApp", "samlConfig/samlNameIdFormat"}:                          "Unspecified",
}

// withoutDefaults takes out of an app's elements those that say what their absence from the other app says. What is around the
// element must be there: an app without an ID token's settings is not one with the default of such a setting.
func withoutDefaults(elements, others map[element]string, other metadata.App) {
	read := components(other)
	for k, text := range elements {
		if byDefault, documented := defaults[k]; !documented || text != byDefault || read[k.component] == nil {
			continue
		}
		_, there := others[k]
		if i := strings.LastIndexByte(k.path, '/'); i >= 0 && !there {
			around, _ := find(read[k.component], k.path[:i])
			there = !around.IsValid()
		}
		if !there {
			delete(elements, k)
		}
	}
}

// listedDefaults are those of the listed fields that [metadata.App.Spec] does not fill in: a rule that finds nothing there
// cannot tell whether the setting was read.
var listedDefaults = map[metadata.Kind]map[string]string{
	metadata.KindExternalClientApp: {"EnableCodeAndCredentialsFlow": cleared},
	metadata.KindConnectedApp: {
		"EnableCodeAndCredentialsFlow":  cleared,
		"RequireSecretForWebServerFlow": selected,
		"PermittedUsers":                string(metadata.AllUsersMaySelfAuthorize),
	},
}

// orDefault is what an app has in a listed field, or the documented default where the element is absent from a component that
// was read.
func (f field) orDefault(a metadata.App, got []string) []string {
	text := listedDefaults[a.Kind][f.name]
	read := a.GlobalOAuthSettings != nil || a.Connected != nil && a.Connected.OAuthConfig != nil
	if len(got) > 0 || text == "" || !read {
		return got
	}
	return []string{text}
}
