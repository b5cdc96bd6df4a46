package policy

import (
	"errors"
	"fmt"
	"regexp"

	"github.com/fullcast/sfauth/metadata"
)

// Severity says how bad it is when a rule finds something. The words are those of SARIF's levels.
type Severity string

// Severities, worst first.
const (
	SeverityError   Severity = "error"   // against the instructions, or the connection breaks
	SeverityWarning Severity = "warning" // works, and should be corrected
	SeverityNote    Severity = "note"    // for information; the admin's own choice
)

// Part is a part of an app, or of its org, that a rule must see. A part that was not read makes the rule's outcome
// "not visible". A connected app is one file, which holds all parts but the last three.
type Part string

// Parts, by where an external client app and its org keep them.
const (
	PartApp            Part = "ExternalClientApplication"            // name, contact, distribution
	PartOAuthSettings  Part = "ExtlClntAppOauthSettings"             // scopes
	PartGlobalSettings Part = "ExtlClntAppGlobalOauthSettings"       // callbacks, PKCE, secrets, flows
	PartOAuthPolicies  Part = "ExtlClntAppOauthConfigurablePolicies" // permitted users, IP relaxation, refresh tokens
	PartPolicies       Part = "ExtlClntAppConfigurablePolicies"      // enabled, start page
	PartSecurity       Part = "ExtlClntAppOauthSecuritySettings"     // refresh token IP allow-list; API 67
	PartOrgSettings    Part = "Settings"                             // the org's own switches
	PartSetupOnly      Part = "Setup"                                // in Setup alone; never visible
)

// Rule is one thing that is judged about an app, as data. It is a value; rule sets are plain slices.
type Rule struct {
	ID       string   // Required. Lower-case words joined by hyphens, such as "baseline-callback-url"; unique in a set
	Title    string   // Required. What is so when the rule passes, in a few words; true as well of an app it does not concern
	Why      string   // Required. Why it matters, in a sentence or two
	Source   string   // Required. Where it is written: title and section of a document
	Severity Severity // Required
	Field    string   // Required. What it judges, by Setup's label
	Want     string   // Optional. What it wants, in Setup's words
	Fix      string   // Required. The clicks in Setup that correct it; {app} stands for the app's name
	Needs    []Part   // Parts that Check must see; it runs only when all of them were read

	// FixConnected are the clicks for a connected app, whose screens of Setup are others. Empty: Fix serves both kinds.
	FixConnected string

	// Correct returns a changed copy of an app in which this rule finds nothing, all else byte for byte as it was. NoCorrection
	// says why there is none. One of the two is required.
	Correct      func(metadata.App) metadata.App
	NoCorrection string

	// Check reports what is wrong to the Pass, and must not change the app. Required unless Needs holds PartSetupOnly.
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

// Validate returns one error that names every rule that is ill-named, undocumented, without a known severity or
// part, without a Check, or twice in the set. A nil error means [Check] takes the set.
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
