package orgtest

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
)

// deployOptions are the options of a deploy that this org heeds.
type deployOptions struct {
	CheckOnly       bool `json:"checkOnly"`
	IgnoreWarnings  bool `json:"ignoreWarnings"`
	RollbackOnError bool `json:"rollbackOnError"`
	SinglePackage   bool `json:"singlePackage"`
}

// givenOptions are all that there are. Source: WSDL, DeployOptions; docs, REST deploy.
type givenOptions struct {
	deployOptions
	AllowMissingFiles bool     `json:"allowMissingFiles"`
	AutoUpdatePackage bool     `json:"autoUpdatePackage"`
	PerformRetrieve   bool     `json:"performRetrieve"`
	PurgeOnDelete     bool     `json:"purgeOnDelete"`
	RunTests          []string `json:"runTests"`
	TestLevel         string   `json:"testLevel"`
}

// unread says which option this org does not simulate, "" for none. It has no Apex, no Recycle Bin and no package to update.
func (g givenOptions) unread() string {
	switch {
	case g.TestLevel != "" && g.TestLevel != "NoTestRun":
		return notSimulated + "testLevel " + g.TestLevel
	case len(g.RunTests) > 0:
		return notSimulated + "runTests " + strings.Join(g.RunTests, ", ")
	case g.AllowMissingFiles:
		return notSimulated + "allowMissingFiles"
	case g.AutoUpdatePackage:
		return notSimulated + "autoUpdatePackage"
	case g.PerformRetrieve:
		return notSimulated + "performRetrieve"
	case g.PurgeOnDelete:
		return notSimulated + "purgeOnDelete"
	}
	return ""
}

// jsonOptions reads the options of a REST deploy. unknown is the option that no version has; a second one is not looked for.
func jsonOptions(data []byte) (g givenOptions, unknown string, ok bool) {
	body := struct {
		DeployOptions *givenOptions `json:"deployOptions"`
	}{}
	d := json.NewDecoder(strings.NewReader(string(data)))
	d.DisallowUnknownFields()
	err := d.Decode(&body)
	if err == nil && body.DeployOptions != nil {
		return *body.DeployOptions, "", true
	}
	if err != nil {
		if _, name, found := strings.Cut(err.Error(), "unknown field "); found {
			return g, name, true
		}
	}
	return g, "", false
}

// soapOptions reads the options of a SOAP deploy, or refuses an element that is none. Source: WSDL, DeployOptions; the words are those
// of a deploy about a component's element.
func soapOptions(at *node) (givenOptions, *fault) {
	if at == nil {
		at = &node{}
	}
	known := []string{"allowMissingFiles", "autoUpdatePackage", "checkOnly", "ignoreWarnings", "performRetrieve", "purgeOnDelete",
		"rollbackOnError", "runTests", "singlePackage", "testLevel"}
	for _, n := range at.children {
		if !slices.Contains(known, n.name) {
			return givenOptions{}, &fault{"UNKNOWN_EXCEPTION", "Element {" + cmp.Or(n.space, metadataNamespace) + "}" + n.name + " invalid at this location in type DeployOptions"}
		}
	}
	return givenOptions{
		deployOptions: deployOptions{
			CheckOnly: at.is("checkOnly"), IgnoreWarnings: at.is("ignoreWarnings"),
			RollbackOnError: at.is("rollbackOnError"), SinglePackage: at.is("singlePackage"),
		},
		AllowMissingFiles: at.is("allowMissingFiles"), AutoUpdatePackage: at.is("autoUpdatePackage"),
		PerformRetrieve: at.is("performRetrieve"), PurgeOnDelete: at.is("purgeOnDelete"),
		RunTests: slices.DeleteFunc(at.texts("runTests"), func(s string) bool { return s == "" }), TestLevel: at.value("testLevel"),
	}, nil
}
