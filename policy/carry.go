package policy

import (
	"cmp"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/fullcast/sfauth/metadata"
)

// carried is where an external client app keeps what a connected app has under another path.
type carried struct {
	from      string // path in the connected app; with a trailing "/" everything inside
	component string
	to        string // element; "" with a whole component
	note      string
}

// carriage is the connected app's schema against those of the external client app's components. What a listed field
// stands for is not in it.
//
// Source: the schemas of Metadata API 68.0; where names differ the pairing is by meaning, checked against a public app
// before and after its migration.
var carriage = []carried{
	{"contactPhone", "ExternalClientApplication", "contactPhone", ""},
	{"description", "ExternalClientApplication", "description", ""},
	{"iconUrl", "ExternalClientApplication", "iconUrl", ""},
	{"infoUrl", "ExternalClientApplication", "infoUrl", ""},
	{"logoUrl", "ExternalClientApplication", "logoUrl", ""},
	{"oauthConfig/certificate", string(PartGlobalSettings), "certificate", "The JWT bearer flow needs it."},
	{"oauthConfig/isDPopEnabled", string(PartGlobalSettings), "isDPopEnabled", ""},
	{"oauthConfig/isDeviceFlowEnabled", string(PartGlobalSettings), "isDeviceFlowEnabled", ""},
	{"oauthConfig/isEnforceRefreshTokenTTL", string(PartGlobalSettings), "isEnforceRefreshTokenTTL", "With it refresh tokens end after 30 days without use, whatever the Refresh Token Policy says."},
	{"oauthConfig/isIntrospectAllTokens", string(PartGlobalSettings), "isIntrospectAllTokens", ""},
	{"oauthConfig/isNamedUserJwtEnabled", string(PartGlobalSettings), "isNamedUserJwtEnabled", "Such access tokens do not work with SOAP, so the app's settings could not be checked."},
	{"oauthConfig/isRefreshTokenRotationEnabled", string(PartGlobalSettings), "isRefreshTokenRotationEnabled", ""},
	{"oauthConfig/isSecretRequiredForTokenExchange", string(PartGlobalSettings), "isSecretRequiredForTokenExchange", ""},
	{"oauthConfig/isTokenExchangeEnabled", string(PartGlobalSettings), "isTokenExchangeEnabled", ""},
	{"oauthConfig/isPKImTLSEnabled", string(PartGlobalSettings), "isMtlsEnabled", ""},
	{"oauthConfig/isClientCredentialEnabled", string(PartGlobalSettings), "isClientCredentialsFlowEnabled", "The OAuth policies have a switch of the same name, which must be on too."},
	{"oauthConfig/oauthClientCredentialUser", string(PartOAuthPolicies), "clientCredentialsFlowUser", ""},
	{"oauthConfig/isCodeCredentialPostOnly", string(PartGlobalSettings), "isCodeCredPostOnly", ""},
	{"oauthConfig/idTokenConfig/idTokenValidity", string(PartGlobalSettings), "idTokenConfig/idTokenValidityInMinutes", ""},
	{"oauthConfig/idTokenConfig/idTokenIncludeCustomPerms", string(PartGlobalSettings), "idTokenConfig/idTokenIncludeCustomPermissions", ""},
	{"oauthConfig/idTokenConfig/idTokenAudience", string(PartGlobalSettings), "idTokenConfig/idTokenAudience", ""},
	{"oauthConfig/idTokenConfig/idTokenIncludeAttributes", string(PartGlobalSettings), "idTokenConfig/idTokenIncludeAttributes", ""},
	{"oauthConfig/idTokenConfig/idTokenIncludeStandardClaims", string(PartGlobalSettings), "idTokenConfig/idTokenIncludeStandardClaims", ""},
	{"oauthConfig/assetTokenConfig/assetAudiences", string(PartOAuthSettings), "assetTokenAudiences", ""},
	{"oauthConfig/assetTokenConfig/assetIncludeAttributes", string(PartOAuthSettings), "areAttributesIncludedInAssetToken", ""},
	{"oauthConfig/assetTokenConfig/assetIncludeCustomPerms", string(PartOAuthSettings), "areCustomPermsIncludedInAssetToken", ""},
	{"oauthConfig/assetTokenConfig/assetSigningCertId", string(PartOAuthSettings), "assetTokenSigningCertificate", "The one is a certificate's ID, the other its name."},
	{"oauthConfig/assetTokenConfig/assetValidityPeriod", string(PartOAuthSettings), "assetTokenValidity", ""},
	{"oauthConfig/singleLogoutUrl", string(PartOAuthSettings), "singleLogoutUrl", ""},
	{"oauthPolicy/singleLogoutUrl", string(PartOAuthPolicies), "singleLogoutUrl", ""},
	{"oauthPolicy/isTokenExchangeFlowEnabled", string(PartOAuthPolicies), "isTokenExchangeFlowEnabled", ""},
	{"ipRanges/start", string(PartOAuthSettings), "trustedIpRanges/startIpAddress", ""},
	{"ipRanges/end", string(PartOAuthSettings), "trustedIpRanges/endIpAddress", ""},
	{"ipRanges/description", string(PartOAuthSettings), "trustedIpRanges/description", ""},
	{"attributes/key", string(PartOAuthSettings), "customAttributes/key", ""},
	{"attributes/formula", string(PartOAuthSettings), "customAttributes/formula", ""},
	{"permissionSetName", string(PartOAuthPolicies), "commaSeparatedPermissionSet", "The connected app holds the permission set's label, the new app takes its API name: look it up in Setup > Permission Sets."},
	{"profileName", string(PartOAuthPolicies), "commaSeparatedProfile", ""},
	{"sessionPolicy/policyAction", string(PartOAuthPolicies), "policyAction", ""},
	{"sessionPolicy/sessionLevel", string(PartOAuthPolicies), "requiredSessionLevel", ""},
	{"sessionPolicy/sessionTimeout", string(PartOAuthPolicies), "sessionTimeoutInMinutes", ""},
	{"startUrl", string(PartPolicies), "startUrl", "It needs Start Page Custom."},
	{"plugin", string(PartOAuthPolicies), "apexHandler", ""},
	{"pluginExecutionUser", string(PartOAuthPolicies), "executeHandlerAs", ""},
	{"samlConfig/", "ExtlClntAppSamlConfigurablePolicies", "", "It is a component of its own."},
	{"canvas/", "ExtlClntAppCanvasSettings", "", "It is a component of its own."},
	{"canvasConfig/", "ExtlClntAppCanvasSettings", "", "It is a component of its own."},
	{"mobileAppConfig/", "ExtlClntAppMobileSettings", "", "It is a component of its own, push messages another."},
}

var listIndex = regexp.MustCompile(`\[\d+\]`)

// unlistedItems says what becomes of everything that no listed field stands for.
func unlistedItems(from metadata.App, to metadata.AppSpec) []Item {
	var items []Item
	elements := unlisted(from)
	for _, k := range order(elements) {
		items = append(items, unlistedItem(k.path, elements[k], to))
	}
	strange := unknown(from, "")
	for _, k := range order(strange) {
		items = append(items, Item{Fate: Lost, Field: k.path, Old: "present", Why: "This element is not known; look it up in Setup before the connected app goes."})
	}
	return append(items, Item{
		Fate: Lost, Field: "Consumer Key and Secret", Old: "not shown",
		Why: "A new app gets its own: give them to Fullcast, and authorize again. Setup's own migration is reported to keep both, which is an assumption.",
	})
}

func unlistedItem(path, value string, to metadata.AppSpec) Item {
	item := Item{Fate: Lost, Field: path, Old: value, Why: "External client apps have no place for it that is known; decide whether it is still needed."}
	plain := listIndex.ReplaceAllString(path, "")
	if plain == "startUrl" && to.StartPage != "" && to.StartPage != metadata.StartPageCustom {
		item.Fate, item.New = Changed, "Start Page "+string(to.StartPage)
		item.Why = "Fullcast's instructions say so; the new app would take the URL with Start Page Custom."
		return item
	}
	for _, c := range carriage {
		if plain == c.from || strings.HasSuffix(c.from, "/") && strings.HasPrefix(plain, c.from) {
			item.Fate, item.New = Offered, value
			item.Place = strings.TrimSuffix(c.component+"/"+c.to, "/")
			item.Why = strings.TrimSpace("Fullcast's instructions leave it alone, so the new app starts without it; the admin decides. " + c.note)
			break
		}
	}
	return item
}

// offers are the elements of the new app that would hold what the wanted app does not list.
func (f field) offers(at place, from metadata.AppSpec) []Item {
	only := metadata.AppSpec{Kind: metadata.KindExternalClientApp}
	f.copy(&only, from)
	var items []Item
	component := reflect.ValueOf(Subject{App: only.New()}.component(at.part)).Elem()
	values("", component, func(path string, _ reflect.StructTag, text string) {
		if path != "externalClientApplication" {
			items = append(items, Item{
				Fate: Offered, Field: at.label, Old: list(f.want(from)), New: text, Place: string(at.part) + "/" + path,
				Why: "The wanted app does not list it, so the new app starts with Salesforce's default; the admin decides.",
			})
		}
	})
	return items
}

// extras are the members of a connected app's list that the new app's has not: an item each, and one for all of those that
// nobody reads one by one.
func extras(f field, at place, from, to metadata.AppSpec) []Item {
	spelled := map[string]string{} // the scopes of a label as the new app spells them
	if f.name == "Scopes" {
		for _, scope := range from.Scopes {
			word := string(scope)
			if word == "SFAP" {
				word = "SFApiPlatform"
			}
			if others := spelled[scope.Label()]; others != "" {
				word = others + ", " + word
			}
			spelled[scope.Label()] = word
		}
	}
	var items []Item
	has := setOf(f.want(to))
	var members []string
	for _, member := range f.want(from) {
		if !has[member] {
			has[member] = true
			members = append(members, member)
		}
	}
	for i, member := range members {
		old, spelling := member, cmp.Or(spelled[member], member)
		if i == maxNamed {
			rest := slices.Clone(members[i:])
			old = list(rest)
			for k, m := range rest {
				rest[k] = cmp.Or(spelled[m], m)
			}
			spelling = list(rest)
		}
		item := Item{
			Fate: Offered, Field: at.label, Old: old, New: spelling, Place: string(at.part) + "/" + at.element,
			Why: "Fullcast's instructions do not name it, so the new app starts without it; the admin decides.",
		}
		if member == "SFAP" {
			item.Why += " External client apps spell it otherwise."
		}
		items = append(items, item)
		if i == maxNamed {
			break
		}
	}
	return items
}
