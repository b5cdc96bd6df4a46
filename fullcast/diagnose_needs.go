package fullcast

import (
	"fmt"
	"slices"
	"strings"

	"github.com/fullcast/sfauth/internal/badfields"
)

// InstalledPackage names a package and its oldest version that will do.
type InstalledPackage struct {
	Name         string // as Setup > Installed Packages shows it; one of any namespace will do
	Major, Minor int
}

// userNeeds are what a diagnosis looks for at the user of a connection, and in the org.
type userNeeds struct {
	permissionSets []string
	packages       []InstalledPackage
}

// needsOf fills in what Fullcast's instructions name.
//
// Source: Fullcast support, on the integration user: its permission sets, and the package Fullcast Motion from V2.177.
func needsOf(c Config) userNeeds {
	n := userNeeds{slices.Clone(c.PermissionSets), slices.Clone(c.Packages)}
	if c.PermissionSets == nil {
		n.permissionSets = []string{"Fullcast Import", "Fullcast Export", "Fullcast Motion"}
	}
	if c.Packages == nil {
		n.packages = []InstalledPackage{{"Fullcast Motion", 2, 177}}
	}
	return n
}

// validate adds the names that are empty: a diagnosis would miss what nobody can have.
func (n userNeeds) validate(bad *badfields.List) {
	for i, label := range n.permissionSets {
		if strings.TrimSpace(label) == "" {
			bad.Add(fmt.Sprintf("Config.PermissionSets[%d]", i), "is empty; give the label of a permission set, or leave it out")
		}
	}
	for i, p := range n.packages {
		if strings.TrimSpace(p.Name) == "" {
			bad.Add(fmt.Sprintf("Config.Packages[%d].Name", i), "is empty; give the name that Setup > Installed Packages shows, or leave the package out")
		}
	}
}
