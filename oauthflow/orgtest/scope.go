package orgtest

import (
	"cmp"
	"slices"
	"strings"
)

// scope pairs what Setup stores with what goes over the wire. Several wire words may mean the same assigned scope.
type scope struct {
	connected, external string // word in a ConnectedApp, word in an external client app
	wire                []string
}

// scopes in enum order, which is the order a retrieve writes. Source: ConnectedAppOauthAccessScope of the WSDL, the list of
// words a live org printed in a deploy error, and discovery's scopes_supported; wire words not among those are assumed.
var scopes = []scope{
	{"Basic", "Basic", []string{"id", "profile", "email", "address", "phone"}},
	{"Api", "Api", []string{"api"}},
	{"Web", "Web", []string{"web"}},
	{"Full", "Full", []string{"full"}},
	{"Chatter", "Chatter", []string{"chatter_api"}},
	{"CustomApplications", "CustomApplications", []string{"visualforce"}},
	{"RefreshToken", "RefreshToken", []string{"refresh_token", "offline_access"}},
	{"OpenID", "OpenID", []string{"openid"}},
	{"CustomPermissions", "CustomPermissions", []string{"custom_permissions"}},
	{"Wave", "Wave", []string{"wave_api"}},
	{"Eclair", "Eclair", []string{"eclair_api"}},
	{"Pardot", "Pardot", []string{"pardot_api"}},
	{"Lightning", "Lightning", []string{"lightning"}},
	{"Content", "Content", []string{"content"}},
	{"CDPIngest", "CDPIngest", []string{"cdp_ingest_api"}},
	{"CDPProfile", "CDPProfile", []string{"cdp_profile_api"}},
	{"CDPQuery", "CDPQuery", []string{"cdp_query_api"}},
	{"Chatbot", "Chatbot", []string{"chatbot_api"}},
	{"CDPSegment", "CDPSegment", []string{"cdp_segment_api"}},
	{"CDPIdentityResolution", "CDPIdentityResolution", []string{"cdp_identityresolution_api"}},
	{"CDPCalculatedInsight", "CDPCalculatedInsight", []string{"cdp_calculated_insight_api"}},
	{"ForgotPassword", "ForgotPassword", []string{"forgot_password"}},
	{"UserRegistration", "UserRegistration", []string{"user_registration_api"}},
	{"SFAP", "SFApiPlatform", []string{"sfap_api"}},
	{"Interaction", "Interaction", []string{"interaction_api"}},
	{"CDP", "CDP", []string{"cdp_api"}},
	{"EinsteinGPT", "EinsteinGPT", []string{"einstein_gpt_api"}},
	{"PwdlessLogin", "PwdlessLogin", []string{"pwdless_login_api"}},
	{"MCP", "MCP", []string{"mcp_api"}},
	{"SCRT", "SCRT", []string{"scrt_api"}},
	{"DataCloudUserClaims", "DataCloudUserClaims", []string{"data_cloud_user_claims"}},
}

// scopeAlias are words that mean another one. Source: docs, ConnectedApp ("a retrieve returns only Basic and RefreshToken").
var scopeAlias = map[string]string{
	"Profile": "Basic", "Email": "Basic", "Address": "Basic", "Phone": "Basic", "OfflineAccess": "RefreshToken",
}

// findScope finds an assigned scope by its metadata word.
func findScope(word string) (scope, bool) {
	word = cmp.Or(scopeAlias[word], word)
	i := slices.IndexFunc(scopes, func(s scope) bool { return s.connected == word || s.external == word })
	if i < 0 {
		return scope{}, false
	}
	return scopes[i], true
}

// inOrder drops aliases and repetitions and puts metadata words in enum order.
func inOrder(words []string) []string {
	var out []string
	for _, s := range scopes {
		for _, w := range words {
			w = cmp.Or(scopeAlias[w], w)
			if (w == s.connected || w == s.external) && !slices.Contains(out, w) {
				out = append(out, w)
			}
		}
	}
	for _, w := range words { // newer words keep their place at the end
		if _, known := findScope(w); !known && !slices.Contains(out, w) {
			out = append(out, w)
		}
	}
	return out
}

// granted works out the scopes of an authorize request: what was asked for, or all that are assigned when nothing was.
// An unknown or unassigned word is an error, "full" or not. Source: docs, scope parameter values. The identity URL is always
// reachable, so "id" is among the granted ones (docs, example responses).
func granted(assigned []string, requested string) (list []string, ok bool) {
	allowed := map[string]bool{}
	var all []string
	for _, word := range assigned {
		if s, known := findScope(word); known {
			for _, w := range s.wire {
				allowed[w] = true
			}
			all = append(all, s.wire[0])
		}
	}
	list = strings.Fields(requested)
	if len(list) == 0 {
		list = all
	}
	for _, w := range list {
		if !allowed[w] {
			return nil, false
		}
	}
	if !slices.Contains(list, "id") {
		list = append(list, "id")
	}
	slices.Sort(list)
	return slices.Compact(list), len(all) > 0
}
