package metadata

import (
	"strconv"
	"strings"

	"github.com/fullcast/sfauth/internal/salesforce"
)

// word is one choice in Setup, with its spelling in the metadata of either kind of app.
type word[T ~string] struct {
	label               T
	external, connected string
}

var ipRelaxations = []word[IPRelaxation]{
	{EnforceIPRestrictions, "Enforce", "ENFORCE"},
	{EnforceIPRelaxForRefreshTokens, "Enforce_relaxrefresh", "ENFORCE_RELAXREFRESH"}, // the documents spell Enforce_RelaxRefresh
	{RelaxIPForActivatedDevices, "Bypass_2factor", "BYPASS_2FACTOR"},
	{RelaxIPRestrictions, "Bypass", "BYPASS"},
}

var permittedUsers = []word[PermittedUsers]{
	{AllUsersMaySelfAuthorize, "AllSelfAuthorized", "false"}, // isAdminApproved
	{AdminApprovedUsersOnly, "AdminApprovedPreAuthorized", "true"},
}

var refreshRules = []word[RefreshTokenRule]{
	{ValidUntilRevoked, "Infinite", "infinite"},
	{ExpireImmediately, "Zero", "zero"},
	{ExpireIfUnused, "SpecificInactivity", "specific_inactivity"},
	{ExpireAfter, "SpecificLifetime", "specific_lifetime"},
}

// spell returns the metadata spelling of a choice; a choice unknown here is returned as it is.
func spell[T ~string](words []word[T], kind Kind, label T) string {
	for _, w := range words {
		if w.label == label {
			if kind == KindConnectedApp {
				return w.connected
			}
			return w.external
		}
	}
	return string(label)
}

// read is the opposite of spell, for a word in any spelling.
func read[T ~string](words []word[T], text string) T {
	text = salesforce.Trim(text)
	for _, w := range words {
		if fold(w.external) == fold(text) || fold(w.connected) == fold(text) {
			return w.label
		}
	}
	return T(text)
}

func known[T ~string](words []word[T], label T) bool {
	for _, w := range words {
		if w.label == label {
			return true
		}
	}
	return false
}

// expires tells the rules that need a period.
func (r RefreshTokenRule) expires() bool { return r == ExpireIfUnused || r == ExpireAfter }

// connectedRefresh writes a policy as connected apps have it: specific_lifetime:60:MONTHS.
func connectedRefresh(p RefreshTokenPolicy) string {
	text := spell(refreshRules, KindConnectedApp, p.Rule)
	if p.Rule.expires() {
		text += ":" + strconv.Itoa(p.Period) + ":" + strings.ToUpper(string(p.Unit))
	}
	return text
}

// readConnectedRefresh is the opposite of connectedRefresh. What it does not understand becomes the Rule.
func readConnectedRefresh(text string) RefreshTokenPolicy {
	text = salesforce.Trim(text)
	name, rest, _ := strings.Cut(text, ":")
	rule := read(refreshRules, name)
	if !rule.expires() {
		return RefreshTokenPolicy{Rule: read(refreshRules, text)}
	}
	period, unit, _ := strings.Cut(rest, ":")
	n, err := strconv.Atoi(salesforce.Trim(period))
	u := readUnit(unit)
	if err != nil || u == "" {
		return RefreshTokenPolicy{Rule: RefreshTokenRule(text)}
	}
	return RefreshTokenPolicy{rule, n, u}
}

// readUnit accepts Days, DAYS, Day.
func readUnit(text string) RefreshUnit {
	text = salesforce.Trim(text)
	for _, u := range []RefreshUnit{Hours, Days, Months} {
		if strings.EqualFold(text, string(u)) || strings.EqualFold(text+"s", string(u)) {
			return u
		}
	}
	return ""
}

// splitURLs splits a callbackUrl element: one URL a line, whatever ends the lines.
func splitURLs(text string) []string {
	var urls []string
	for line := range strings.SplitSeq(text, "\n") {
		for u := range strings.SplitSeq(line, "\r") {
			if u = salesforce.Trim(u); u == "" {
				continue
			}
			if urls == nil { // growing it would take longer than reading the lines
				urls = make([]string, 0, min(1+strings.Count(text, "\n")+strings.Count(text, "\r"), 1+len(text)/2))
			}
			urls = append(urls, u)
		}
	}
	return urls
}

// splitScopes splits a commaSeparatedOauthScopes element.
func splitScopes(text string) []Scope {
	var scopes []Scope
	for s := range strings.SplitSeq(spelled(scopeList, text), ",") {
		if s = salesforce.Trim(s); s != "" {
			scopes = append(scopes, Scope(s))
		}
	}
	return scopes
}
