package metadata

import (
	"slices"
	"strings"
	"sync"
)

// enums are the words of Salesforce's enumerations, by the name that the tag enum of a field has, spelled as the server
// writes them. A name in lower case is that of an element which the schema calls a string and the documents restrict.
//
// A word in another spelling is read as the server's: upper and lower case and white space around it do not count, and
// what follows "/" is another word for the same. Written is the server's. A word that is not here stays as it is: it may
// be newer.
//
// Source: Salesforce's published WSDLs 57 to 66 and types 67 and 68; Metadata API, ExtlClntAppOauthConfigurablePolicies
// and ConnectedApp, for the strings; for Enforce_relaxrefresh what a live org writes.
var enums = map[string]string{
	"AccessMethod": "Get Post",
	"CanvasLocationOptions": "None Chatter UserProfile Visualforce Aura Publisher ChatterFeed ServiceDesk OpenCTI AppLauncher " +
		"MobileNav PageLayout",
	"CanvasOptions": "HideShare HideHeader PersonalEnabled",
	"ConnectedAppOauthAccessScope": "Basic Api Web Full Chatter CustomApplications RefreshToken OpenID Profile Email Address Phone " +
		"OfflineAccess CustomPermissions Wave Eclair Pardot Lightning Content CDPIngest CDPProfile CDPQuery " +
		"Chatbot CDPSegment CDPIdentityResolution CDPCalculatedInsight ForgotPassword UserRegistration " +
		"SFAP/SFApiPlatform Interaction CDP EinsteinGPT PwdlessLogin MCP SCRT DataCloudUserClaims A2A " +
		"CmdbDiscovery SemanticLayer",
	"DevicePlatformType":       "ios android",
	"DeviceType":               "phone tablet minitablet",
	"ExtlClntAppDistState":     "Local Global Packaged Managed AutoInstalled",
	"ExtlClntAppManagedType":   "Local Global",
	"ExtlClntAppStartPage":     "None Custom OAuth SAML",
	"JWTSessionTimeoutType":    "UserSession Custom",
	"PermittedUsersPolicyType": "AllSelfAuthorized AdminApprovedPreAuthorized",
	"PolicyAction":             "Block RaiseSessionLevel StepUpMFA",
	"RefreshTokenPolicyType":   "Infinite Zero SpecificLifetime/specific_lifetime SpecificInactivity/specific_inactivity",
	"SamlEncryptionType":       "AES_128 AES_256 Triple_Des",
	"SamlIdpSLOBinding":        "RedirectBinding PostBinding",
	"SamlInitiationMethod":     "None IdpInitiated SpInitiated",
	"SamlNameIdFormatType":     "Unspecified EmailAddress Persistent Transient",
	"SamlSigningAlgoType":      "SHA1 SHA256",
	"SamlSubjectType":          "Username FederationId UserId SpokeId CustomAttribute PersistentId",
	"SessionSecurityLevel":     "LOW STANDARD HIGH_ASSURANCE",
	"TlsClientAuthCertParamType": "tls_client_auth_subject_dn tls_client_auth_san_dns tls_client_auth_san_uri " +
		"tls_client_auth_san_ip tls_client_auth_san_email tls_client_auth_san_spiffe",

	scopeList: "Basic Api Web Full Chatter CustomApplications RefreshToken OpenID Profile Email Address Phone " +
		"OfflineAccess CustomPermissions Wave Eclair Pardot Lightning Content CDPIngest CDPProfile CDPQuery " +
		"Chatbot CDPSegment CDPIdentityResolution CDPCalculatedInsight ForgotPassword UserRegistration " +
		"SFApiPlatform/SFAP Interaction CDP EinsteinGPT PwdlessLogin MCP SCRT DataCloudUserClaims A2A " +
		"CmdbDiscovery SemanticLayer",

	"ipRelaxation":             "ENFORCE BYPASS_2FACTOR BYPASS ENFORCE_RELAXREFRESH",
	"ipRelaxationPolicyType":   "Enforce Bypass_2factor Bypass Enforce_relaxrefresh",
	"refreshTokenValidityUnit": "Hours/Hour Days/Day Months/Month",
}

// scopeList names the words of an element that holds several, separated by commas.
const scopeList = "commaSeparatedOauthScopes"

// serverWords leads from a folded word to the server's spelling, for each enumeration.
var serverWords = sync.OnceValue(func() map[string]map[string]string {
	all := map[string]map[string]string{}
	for name, words := range enums {
		all[name] = map[string]string{}
		for word := range strings.FieldsSeq(words) {
			same := strings.Split(word, "/")
			for _, w := range same {
				all[name][fold(w)] = same[0]
			}
		}
	}
	return all
})

// fold leaves of a word what all its spellings have in common.
func fold(word string) string { return strings.ToLower(strings.TrimSpace(word)) }

// spelled returns the server's spelling of a word of an enumeration, and any other text as it is.
func spelled(enum, text string) string {
	if enum == scopeList {
		return spelledList(enum, text)
	}
	if word, known := serverWords()[enum][fold(text)]; known {
		return word
	}
	return text
}

// spelledList does the same for a list, which keeps its blanks when no word changes.
func spelledList(enum, text string) string {
	words := strings.Split(text, ",")
	was := slices.Clone(words)
	for i, w := range words {
		was[i] = strings.TrimSpace(w)
		words[i] = was[i]
		if word, known := serverWords()[enum][fold(w)]; known {
			words[i] = word
		}
	}
	if slices.Equal(words, was) {
		return text
	}
	return strings.Join(words, ", ")
}
