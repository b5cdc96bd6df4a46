package policy

import (
	"errors"
	"fmt"
	"regexp"

	"github.com/fullcast/sfauth/metadata"
)

// Severity says how serious a finding is. The words are the levels of SARIF.
type Severity string

// Severities, worst first.
const (
	SeverityError   Severity = "error"   // the app contradicts the instructions, or the connection breaks
	SeverityWarning Severity = "warning" // the app works, and should be corrected
	SeverityNote    Severity = "note"    // for information; the admin decides
)

// Part is a part of an app or of its org that a rule needs. If a part was not read, the result of the rule is "not visible". A
// connected app is one file; it holds all parts except the last three.
type Part string

// Parts. Each constant is named by the component in which an external client app or its org keeps the part.
const (
	PartApp            Part = "ExternalClientApplication"            // name, contact, distribution
	PartOAuthSettings  Part = "ExtlClntAppOauthSettings"             // scopes
	PartGlobalSettings Part = "ExtlClntAppGlobalOauthSettings"       // callbacks, PKCE, secrets, flows
	PartOAuthPolicies  Part = "ExtlClntAppOauthConfigurablePolicies" // permitted users, IP relaxation, refresh tokens
	PartPolicies       Part = "ExtlClntAppConfigurablePolicies"      // enabled, start page
	PartSecurity       Part = "ExtlClntAppOauthSecuritySettings"     // refresh token IP allow-list; API 67
	PartOrgSettings    Part = "Settings"                             // the settings of the org
	PartSetupOnly      Part = "Setup"                                // only in Setup; never visible
)

// Rule checks one thing about an app. A Rule is a value, and it is safe for concurrent use if its functions are.
type Rule struct {
	ID       string   // Required. Lower-case words joined by hyphens, such as "baseline-callback-url"; at most 60 bytes; unique in a set
	Title    string   // Required. The state that the rule requires, in a few words; it must also be true for an app that the rule does not concern
	Why      string   // Required. Why it matters, in a sentence or two
	Source   string   // Required. Title and section of the document that says so
	Severity Severity // Required: one of the constants
	Field    string   // Required. The setting that the rule checks, by Setup's label
	Want     string   // Optional. The right value, in Setup's words
	Fix      string   // Required. The clicks in Setup that correct it; {app} stands for the app's name
	Needs    []Part   // Optional. Parts that Check needs; Check runs only if all of them were read

	// FixConnected are the clicks for a connected app, because its Setup pages differ. Optional. If it is empty, Fix is used for
	// both kinds of app.
	FixConnected string

	// Correct returns a copy of an app in which this rule finds nothing. All other bytes must stay the same. NoCorrection says
	// why there is no Correct. Exactly one of the two is required.
	Correct      func(metadata.App) metadata.App
	NoCorrection string

	// Check reports problems to the Pass. It must not change the app. If it reports nothing, the rule has passed. Required unless
	// Needs holds PartSetupOnly.
	Check func(*Pass)

	kind     metadata.Kind // the one whose screens Fix names; empty where the rule is for both
	concerns metadata.Kind // the one that the rule is about; an app of the other kind passes unseen. Empty: both
}

// fix is what to do in an app of a kind.
func (r Rule) fix(kind metadata.Kind) string {
	switch {
	case r.kind != "" && r.kind != kind:
		return nothingToClick
	case kind == metadata.KindConnectedApp && r.FixConnected != "":
		return r.FixConnected
	}
	return r.Fix
}

var ruleID = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)

// Validate checks a set of rules. It returns nil if [Check] accepts the set, also for an empty set. Otherwise it returns one
// error without a type that joins one error for each fault. The faults are: an ID that is not lower-case words joined by hyphens,
// or has more than 60 bytes, or is in the set twice; an empty Title, Why, Source, Field or Fix; an unknown Severity or Part; both
// or none of Correct and NoCorrection; and a missing Check.
func Validate(rules ...Rule) error {
	var errs []error
	seen := map[string]bool{}
	for i, r := range rules {
		refuse := func(format string, args ...any) {
			errs = append(errs, fmt.Errorf("policy: rule %d, ID %.60q: %s", i, r.ID, fmt.Sprintf(format, args...)))
		}
		if !ruleID.MatchString(r.ID) || len(r.ID) > 60 {
			refuse("ID must be lower-case words joined by hyphens, at most 60 bytes")
		}
		if seen[r.ID] {
			refuse("ID is in the set already; leave one out")
		}
		seen[r.ID] = true
		for _, text := range []struct{ field, value string }{
			{"Title", r.Title}, {"Why", r.Why}, {"Source", r.Source}, {"Field", r.Field}, {"Fix", r.Fix},
		} {
			if text.value == "" {
				refuse("%s is empty; a rule is documented", text.field)
			}
		}
		switch r.Severity {
		case SeverityError, SeverityWarning, SeverityNote:
		default:
			refuse("Severity %.20q is none of error, warning, note", r.Severity)
		}
		if (r.Correct == nil) == (r.NoCorrection == "") {
			refuse("one of Correct and NoCorrection must be there, and not both")
		}
		setupOnly := false
		for _, p := range r.Needs {
			setupOnly = setupOnly || p == PartSetupOnly
			if !p.known() {
				refuse("Needs holds the unknown part %.60q", p)
			}
		}
		if r.Check == nil && !setupOnly {
			refuse("Check is nil")
		}
	}
	return errors.Join(errs...)
}

func (p Part) known() bool {
	switch p {
	case PartApp, PartOAuthSettings, PartGlobalSettings, PartOAuthPolicies, PartPolicies, PartSecurity, PartOrgSettings, PartSetupOnly:
		return true
	}
	return false
}
