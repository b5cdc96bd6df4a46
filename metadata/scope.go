package metadata

import "strings"

// Label returns Setup's label of the scope. If the product's pages do not name the scope, Label returns the scope itself.
func (s Scope) Label() string {
	if row, ok := scopeTable[s.family()]; ok {
		return row.label
	}
	return string(s)
}

// Wire returns the word for the scope in an authorize request. If there are several words, it returns the first. If the product's
// pages do not name the scope, it returns "".
func (s Scope) Wire() string { return scopeTable[s.family()].wire }

var scopeTable = map[Scope]struct{ wire, label string }{
	ScopeBasic:        {"id", "Access the identity URL service (id, profile, email, address, phone)"},
	ScopeAPI:          {"api", "Manage user data via APIs (api)"},
	ScopeWeb:          {"web", "Manage user data via Web browsers (web)"},
	ScopeFull:         {"full", "Full access (full)"},
	ScopeRefreshToken: {"refresh_token", "Perform requests at any time (refresh_token, offline_access)"},
	ScopeOpenID:       {"openid", "Access unique user identifiers (openid)"},
}

// family returns the one word for scopes that are the same to Salesforce.
//
// Source: Metadata API, ConnectedApp, ConnectedAppOauthAccessScope.
func (s Scope) family() Scope {
	switch s = Scope(spelled("ConnectedAppOauthAccessScope", string(s))); s {
	case "Profile", "Email", "Address", "Phone":
		return ScopeBasic
	case "OfflineAccess":
		return ScopeRefreshToken
	}
	return s
}

// scopePlatform is the one scope that the two kinds of app spell differently.
const scopePlatform Scope = "SFAP"

// scopeOrder is the order in which Salesforce lists scopes.
const scopeOrder = " Basic Api Web Full Chatter CustomApplications RefreshToken OpenID "

// fit reports what is wrong with the spelling of a scope; "" for nothing.
func (s Scope) fit() string {
	for word, row := range scopeTable {
		if strings.EqualFold(string(s), string(word)) && s != word || strings.EqualFold(string(s), row.wire) && s != word {
			return "is spelled " + string(word) + " in metadata"
		}
	}
	if s == "" || s[0] < 'A' || s[0] > 'Z' || strings.ContainsFunc(string(s), func(r rune) bool {
		return (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && (r < '0' || r > '9')
	}) {
		return "is not spelled as metadata spells scopes: one word such as Api"
	}
	return ""
}

// families returns the scopes without aliases and repetitions.
func families(scopes []Scope) []Scope {
	var out []Scope
	seen := map[Scope]bool{}
	for _, s := range scopes {
		if f := s.family(); !seen[f] {
			seen[f] = true
			out = append(out, f)
		}
	}
	return out
}
