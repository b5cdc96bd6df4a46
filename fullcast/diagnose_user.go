package fullcast

import (
	"cmp"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/fullcast/sfauth/internal/scrub"
	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/oauthflow"
)

// MissingScopes returns the scopes of the setup instructions that the connection's user was not asked for, or did not get; none where
// Salesforce has not said yet which there are, as of a connection that was adopted and never refreshed. "full" stands for all but
// the refresh token.
func MissingScopes(c oauthflow.Connection) (missing []metadata.Scope) {
	if len(c.Scopes) == 0 {
		return nil
	}
	spec := ExternalClientApp(Production, "")
	if c.Kind == metadata.KindConnectedApp {
		spec = ConnectedApp(Production, "")
	}
	full := slices.Contains(c.Scopes, metadata.ScopeFull.Wire())
	for _, s := range spec.Scopes {
		has := slices.Contains(c.Scopes, s.Wire()) || full && s != metadata.ScopeRefreshToken ||
			s == metadata.ScopeRefreshToken && slices.Contains(c.Scopes, "offline_access")
		if !has {
			missing = append(missing, s)
		}
	}
	return missing
}

func (x *examination) scopes(stored oauthflow.Connection) {
	missing := MissingScopes(stored)
	switch {
	case len(stored.Scopes) == 0:
		x.say("Scopes", OutcomeNotVisible, "Salesforce has not said yet which the connection has.", 0)
	case len(missing) == 0:
		x.say("Scopes", OutcomeOK, "The connection has those that the instructions name.", 0)
	default:
		labels := make([]string, len(missing))
		for i, s := range missing {
			labels[i] = s.Label()
		}
		again := remedyFor(&oauthflow.Error{Op: "refresh", Kind: oauthflow.KindGrantDead}, x.c.Kind()) // RFC 6749 §6: no refresh adds a scope
		x.say("Scopes", OutcomeProblem, "The connection lacks "+strings.Join(labels, ", ")+"; a login brings them, once the app has them.", again)
	}
}

// soql reads the records of a query into a slice; false means that this user does not see them.
func (x *examination) soql(resource, query string, into any) bool {
	answer := struct{ Records any }{into}
	return x.get(dataPath(resource)+"?q="+url.QueryEscape(query), &answer) == nil
}

// user looks at what the user of the connection may do, and at what the org has installed.
//
// Source: Object Reference, User, UserPermissionAccess, PermissionSetAssignment, PermissionSetGroupComponent, OauthToken; Tooling API, InstalledSubscriberPackage.
func (x *examination) user(stored oauthflow.Connection) {
	is := "'" + stored.UserID[:min(18, len(stored.UserID))] + "'"
	var access []struct{ PermissionsApiEnabled, PermissionsViewAllData, PermissionsModifyAllData *bool }
	var users []struct{ Profile *struct{ Name string } }
	x.soql("query", "SELECT PermissionsApiEnabled, PermissionsViewAllData, PermissionsModifyAllData FROM UserPermissionAccess", &access)
	x.soql("query", "SELECT Profile.Name FROM User WHERE Id = "+is, &users)
	profile := ""
	if len(users) == 1 && users[0].Profile != nil {
		profile = users[0].Profile.Name
	}
	rights := permissionsUnseen
	if profile == standardAdmin {
		rights = permissionsAll
	}
	if len(access) != 1 || access[0].PermissionsApiEnabled == nil {
		x.say("User", OutcomeNotVisible, "What the user may do is not shown to this user."+profileNote(profile), 0)
	} else {
		a := access[0]
		switch {
		case a.PermissionsModifyAllData == nil:
		case *a.PermissionsModifyAllData:
			rights = permissionsAll
		default:
			rights = permissionsSome
		}
		if *a.PermissionsApiEnabled {
			x.say("User", OutcomeOK, "The user has \"API Enabled\"."+profileNote(profile), 0)
		} else {
			x.say("User", OutcomeProblem, "The user lacks \"API Enabled\"."+profileNote(profile), AdminEnablesAPI)
		}
	}
	x.permissionSets(is, rights)
	x.installed()
	x.approvals(is)
}

// named is a name of the org's as it may stand in a line; none of Setup's names is longer than 80 characters.
func named(name string) string {
	const longest = 80
	if utf8.RuneCountInString(name) > longest {
		name = string([]rune(name)[:longest]) + "…"
	}
	return scrub.Word(name)
}

func profileNote(name string) string {
	if name == "" {
		return " The name of the profile is not visible."
	}
	return " The profile is " + named(name) + "."
}

// rights says whether a user needs permission sets.
type rights uint8

const (
	permissionsUnseen rights = iota
	permissionsSome
	permissionsAll // "Modify All Data"
)

// standardAdmin is the profile that has all permissions; its name is in English where it is not changed.
const standardAdmin = "System Administrator"

// assignedRow is a permission set that a user has. That of a group is made by Salesforce, and has the group's label.
type assignedRow struct {
	PermissionSet        *struct{ Label string }
	PermissionSetGroupID string `json:"PermissionSetGroupId"`
}

func (x *examination) permissionSets(is string, has rights) {
	wanted := x.c.connector.needs.permissionSets
	var rows []assignedRow
	seen := x.soql("query", "SELECT PermissionSet.Label, PermissionSetGroupId FROM PermissionSetAssignment WHERE AssigneeId = "+is, &rows)
	labels, groups := labelsOf(rows)
	missing := missingLabels(wanted, labels)
	groupsSeen := true
	if len(missing) > 0 && len(groups) > 0 && has != permissionsAll {
		var members []assignedRow
		groupsSeen = x.soql("query", "SELECT PermissionSet.Label FROM PermissionSetGroupComponent WHERE PermissionSetGroupId IN ("+strings.Join(groups, ", ")+")", &members)
		of, _ := labelsOf(members)
		missing = missingLabels(missing, of)
	}
	switch {
	case len(wanted) == 0:
		x.say("Permission sets", OutcomeOK, "The service asks for none.", 0)
	case has == permissionsAll:
		x.say("Permission sets", OutcomeOK, "The user may modify all data, and needs none.", 0)
	case !seen || len(labels) == 0:
		x.say("Permission sets", OutcomeNotVisible, "Those of the user are not shown to this user.", 0)
	case len(missing) == 0:
		x.say("Permission sets", OutcomeOK, "The user has "+strings.Join(wanted, ", ")+".", 0)
	case !groupsSeen:
		x.say("Permission sets", OutcomeNotVisible, "The user has a permission set group, and what is in that is not shown to this user.", 0)
	case has == permissionsUnseen:
		x.say("Permission sets", OutcomeNotVisible, "The user lacks "+strings.Join(missing, ", ")+", which somebody who may modify all data does not need; whether the user may is not shown.", 0)
	default:
		x.say("Permission sets", OutcomeProblem, "The user lacks "+strings.Join(missing, ", ")+".", AdminGivesPermission)
	}
}

// recordID matches a record's id, which may stand in a query.
var recordID = regexp.MustCompile(`^[A-Za-z0-9]{15,18}$`)

// labelsOf returns the labels of permission sets, and the quoted ids of groups.
func labelsOf(rows []assignedRow) (labels, groups []string) {
	for _, r := range rows {
		if r.PermissionSet != nil {
			labels = append(labels, r.PermissionSet.Label)
		}
		if recordID.MatchString(r.PermissionSetGroupID) {
			groups = append(groups, "'"+r.PermissionSetGroupID+"'")
		}
	}
	return labels, groups
}

// missingLabels returns what is wanted and not there; case does not count.
func missingLabels(wanted, have []string) (missing []string) {
	for _, w := range wanted {
		if !slices.ContainsFunc(have, func(h string) bool { return sameName(h, w) }) {
			missing = append(missing, w)
		}
	}
	return missing
}

// installedRow is a package that an org has.
type installedRow struct {
	SubscriberPackage        *struct{ Name string }
	SubscriberPackageVersion *struct{ MajorVersion, MinorVersion int }
}

func (x *examination) installed() {
	wanted := x.c.connector.needs.packages
	if len(wanted) == 0 {
		x.say("Package", OutcomeOK, "The service asks for none.", 0)
		return
	}
	var rows []installedRow
	if !x.soql("tooling/query", "SELECT SubscriberPackage.Name, SubscriberPackageVersion.MajorVersion, SubscriberPackageVersion.MinorVersion FROM InstalledSubscriberPackage", &rows) || len(rows) == 0 {
		x.say("Package", OutcomeNotVisible, "The installed packages are not shown to this user.", 0)
		return
	}
	for _, want := range wanted {
		x.installedOf(want, rows)
	}
}

// installedOf looks at the newest package of a name; there may be one in each namespace.
func (x *examination) installedOf(want InstalledPackage, rows []installedRow) {
	type version struct{ major, minor int }
	var have version
	found := false
	for _, r := range rows {
		if r.SubscriberPackage == nil || r.SubscriberPackageVersion == nil || !sameName(r.SubscriberPackage.Name, want.Name) {
			continue
		}
		v := version{r.SubscriberPackageVersion.MajorVersion, r.SubscriberPackageVersion.MinorVersion}
		if !found || cmp.Or(cmp.Compare(v.major, have.major), cmp.Compare(v.minor, have.minor)) > 0 {
			have, found = v, true
		}
	}
	is := fmt.Sprintf("%s %d.%d is installed", want.Name, have.major, have.minor)
	switch {
	case !found:
		x.say("Package", OutcomeNotVisible, want.Name+" is not among the installed packages that this user sees; not every customer has it.", 0)
	case cmp.Or(cmp.Compare(have.major, want.Major), cmp.Compare(have.minor, want.Minor)) >= 0:
		x.say("Package", OutcomeOK, is+".", 0)
	default:
		x.say("Package", OutcomeProblem, fmt.Sprintf("%s; the service needs %d.%d.", is, want.Major, want.Minor), AdminUpdatesPackage)
	}
}

// sameName compares what Setup shows with what is wanted: case and blanks around it do not count.
func sameName(a, b string) bool { return strings.EqualFold(strings.TrimSpace(a), strings.TrimSpace(b)) }

// approvals counts what the user has approved. Salesforce keeps five of a user and app and drops the oldest for a sixth.
func (x *examination) approvals(is string) {
	var rows []struct{ AppName string }
	if !x.soql("query", "SELECT AppName FROM OauthToken WHERE UserId = "+is, &rows) || len(rows) == 0 {
		x.say("Approvals", OutcomeNotVisible, "Those of the user are not shown to this user.", 0)
		return
	}
	count := map[string]int{}
	for _, r := range rows {
		count[r.AppName]++
	}
	var full []string
	for name, n := range count {
		if n >= keptApprovals {
			full = append(full, fmt.Sprintf("%s (%d)", named(name), n))
		}
	}
	slices.Sort(full)
	if len(full) > 0 {
		x.say("Approvals", OutcomeOK, "Note: the user has as many approvals as Salesforce keeps of "+strings.Join(full, ", ")+"; the next login ends the oldest connection of that app.", 0)
		return
	}
	x.say("Approvals", OutcomeOK, fmt.Sprintf("The user has %d of %d apps; the next login ends none.", len(rows), len(count)), 0)
}

const keptApprovals = 5
