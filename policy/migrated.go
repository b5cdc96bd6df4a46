package policy

import (
	"strings"

	"github.com/fullcast/sfauth/internal/salesforce"
	"github.com/fullcast/sfauth/metadata"
)

// migrated says by what an external client app looks as if Setup's "Migrate to External Client App" had made it;
// empty when it does not. That is recognised, never judged: what differs from the instructions is found by the rules.
//
// Source: assumed, from one public app before and after its migration; for the lost list, Salesforce knowledge article 005387022.
func migrated(s Subject) string {
	a := s.App
	if a.Kind != metadata.KindExternalClientApp {
		return ""
	}
	var signs []string
	var names []string
	if c := a.OAuthSettings; c != nil {
		names = append(names, c.FullName)
	}
	if c := a.GlobalOAuthSettings; c != nil {
		names = append(names, c.FullName)
	}
	if c := a.OAuthPolicies; c != nil {
		names = append(names, c.FullName)
	}
	if c := a.Policies; c != nil {
		names = append(names, c.FullName)
	}
	for _, n := range names {
		for _, end := range []string{"_defOauthSet", "_defGlblOauthSet", "_defOauthPlcy", "_defPlcy"} {
			if strings.HasSuffix(n, end) {
				signs = append(signs, "its component "+n+" has such a name")
			}
		}
	}
	if s.Before != nil && s.Before.Connected != nil {
		old := salesforce.Trim(s.Before.Connected.Label) // no more of it: one old app may stand beside thousands of new ones
		if a.Name == s.Before.Name {
			signs = append(signs, "it has the API name of the connected app")
		}
		if a.External != nil && old != "" && salesforce.Trim(a.External.Label) == old {
			signs = append(signs, "it has the name of the connected app")
		}
		if sameKey(a, *s.Before) {
			signs = append(signs, "it has the consumer key of the connected app")
		}
	}
	if len(signs) == 0 {
		return ""
	}
	return "Setup's migration seems to have made this app from a connected app: " + strings.Join(signs, "; ") + ". Such an app keeps the old settings; what the instructions want otherwise is found below. " +
		"Where the connected app had a Refresh Token IP Allowlist, the migration has not carried it over."
}

func sameKey(a, before metadata.App) bool {
	if a.GlobalOAuthSettings == nil || before.Connected.OAuthConfig == nil {
		return false
	}
	key := salesforce.Trim(a.GlobalOAuthSettings.ConsumerKey)
	return key != "" && key == salesforce.Trim(before.Connected.OAuthConfig.ConsumerKey)
}
