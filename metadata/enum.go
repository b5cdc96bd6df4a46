package metadata

import (
	"fmt"
	"strings"
	"sync"

	"github.com/fullcast/sfauth/internal/salesforce"
)

// enums are the words of Salesforce's enumerations, by the name that the tag enum of a field has, spelled as the server
// writes them. A name in lower case is that of an element which the schema calls a string and the documents restrict.
//
// A word in another spelling is read as the server's: upper and lower case and white space around it do not count, and
// what follows "/" is another word for the same. Written is the server's. A word that is not here stays as it is: it may
// be newer. After "@" stands the API version that a word came with, where its element is older, or the first and the last
// one; what the schema calls a string takes any word in every version.
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
		"Chatbot CDPSegment CDPIdentityResolution CDPCalculatedInsight ForgotPassword UserRegistration@58 " +
		"SFAP/SFApiPlatform@58 Interaction@58 CDP@58 EinsteinGPT@59 PwdlessLogin@59 MCP@66 SCRT@66 DataCloudUserClaims@67 A2A@68 " +
		"CmdbDiscovery@68 SemanticLayer@68",
	"DevicePlatformType":       "ios android",
	"DeviceType":               "phone tablet minitablet",
	"ExtlClntAppDistState":     "Local Global@57-57 Packaged Managed AutoInstalled@62",
	"ExtlClntAppManagedType":   "Local Global",
	"ExtlClntAppStartPage":     "None Custom OAuth SAML@63",
	"JWTSessionTimeoutType":    "UserSession Custom",
	"PermittedUsersPolicyType": "AllSelfAuthorized AdminApprovedPreAuthorized",
	"PolicyAction":             "Block RaiseSessionLevel StepUpMFA@67",
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
	"policyAction":             "Block RaiseSessionLevel StepUpMFA",
	"refreshTokenValidityUnit": "Hours/Hour Days/Day Months/Month",
}

// scopeList names the words of an element that holds several, separated by commas.
const scopeList = "commaSeparatedOauthScopes"

// vocabulary is one of enums. spellings leads from a word as the server spells it, and from every other one folded, to the
// server's spelling; spans from that to the versions of a word that not all versions of its element have.
type vocabulary struct {
	spellings map[string]string
	spans     map[string]span
}

// span is a first and a last API version; 0 is no limit.
type span struct{ since, until APIVersion }

var vocabularies = sync.OnceValue(func() map[string]vocabulary {
	all := map[string]vocabulary{}
	for name, words := range enums {
		v := vocabulary{map[string]string{}, map[string]span{}}
		for word := range strings.FieldsSeq(words) {
			word, versions, limited := strings.Cut(word, "@")
			same := strings.Split(word, "/")
			v.spellings[same[0]] = same[0]
			for _, w := range same {
				v.spellings[fold(w)] = same[0]
			}
			if limited {
				v.spans[same[0]] = readSpan(versions)
			}
		}
		all[name] = v
	}
	return all
})

// readSpan reads "59", or "61-63".
func readSpan(text string) span {
	since, until, _ := strings.Cut(text, "-")
	return span{number(since), number(until)}
}

// misfit says why a version does not have what the span is of; "" when it has.
func (s span) misfit(what string, v APIVersion) string {
	switch {
	case v < s.since:
		return fmt.Sprintf("%s needs API version %s; the package is for %s", what, s.since, v)
	case s.until > 0 && v > s.until:
		return fmt.Sprintf("%s exists up to API version %s; the package is for %s", what, s.until, v)
	}
	return ""
}

// fold leaves of a word what all its spellings have in common.
func fold(word string) string { return strings.ToLower(salesforce.Trim(word)) }

// spelled returns the server's spelling of a word of an enumeration, and any other text as it is.
func spelled(enum, text string) string {
	switch enum {
	case "":
		return text
	case scopeList:
		return spelledList(text)
	}
	return spelledWord(enum, text)
}

func spelledWord(enum, text string) string {
	words := vocabularies()[enum].spellings
	if word, known := words[text]; known { // nearly always
		return word
	}
	if word, known := words[fold(text)]; known {
		return word
	}
	return text
}

// spelledList does the same for a list, which keeps its blanks when no word changes.
func spelledList(text string) string {
	same := true
	for word := range strings.SplitSeq(text, ",") {
		word = salesforce.Trim(word)
		same = same && spelledWord(scopeList, word) == word
	}
	if same {
		return text
	}
	words := strings.Split(text, ",")
	for i, word := range words {
		words[i] = spelledWord(scopeList, salesforce.Trim(word))
	}
	return strings.Join(words, ", ")
}
