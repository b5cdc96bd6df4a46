package orgtest

import "fmt"

// stage is when a deploy carries a change out.
type stage int

const (
	beforeAdditions stage = iota - 1
	addition
	afterAdditions
)

// deletionManifest is a file of a package that lists components to delete.
type deletionManifest struct {
	file  string
	stage stage
}

// deletionManifests are the three, in the order in which they are carried out. destructiveChanges.xml comes before the
// additions, too: "By default, deletions are processed before component additions". That it comes after destructiveChangesPre.xml
// is assumed. Source: docs, deleting components from an organization.
var deletionManifests = []deletionManifest{
	{"destructiveChangesPre.xml", beforeAdditions},
	{"destructiveChanges.xml", beforeAdditions},
	{"destructiveChangesPost.xml", afterAdditions},
}

// deletions lists what a manifest deletes. An unknown type is refused in the words of package.xml, with the name of this file
// (assumed). "Wildcards aren't supported" is of the docs, deleting components; that this is an error is assumed.
func (d deletionManifest) deletions(doc *node) []change {
	var list []change
	for _, m := range members(doc) {
		c := change{kind: m.kind, fullName: m.fullName, file: d.file}
		switch {
		case !m.known:
			c = broken(m.typ, m.fullName, d.file, m.unusable(d.file))
		case m.fullName == "*":
			c = broken(m.kind.typ, m.fullName, d.file, "Wildcards aren't supported in "+d.file+": "+m.typ+" *")
		}
		c.stage = d.stage
		list = append(list, c)
	}
	return list
}

// remove deletes a component; what belongs to an external client app goes with it. A component that is not there is a warning:
// "the rest of the deletions are still attempted". Source: docs, deleting components, and ignoreWarnings of deploy(); sfdx-hardis
// deletes only the app; the text is that of deploy logs.
func remove(draft components, c change, r rules) (deleted bool, warning string, p *problem) {
	if member := c.settingsMember(); member != "" {
		return false, "", &problem{status: "INVALID_INPUT", text: "not simulated: deleting Settings " + member}
	}
	if draft.find(c.typ, c.fullName) == nil {
		warning = fmt.Sprintf("No %s named: %s found", c.packageType(), c.fullName)
		if !r.ignoreWarnings {
			p = &problem{status: "INVALID_CROSS_REFERENCE_KEY", text: warning}
		}
		return false, warning, p
	}
	delete(draft, componentKey{c.typ, c.fullName})
	if c.typ == "ExternalClientApplication" {
		for _, typ := range satellites {
			if s := draft.satellite(typ, c.fullName); s != nil {
				delete(draft, componentKey{s.typ, s.fullName})
			}
		}
	}
	return true, "", nil
}
