package metadata

import (
	"cmp"
	"slices"
)

// Files returns the app's components as they stand, with all they hold, secrets too: for writing back what was read.
// A component read from a file keeps that file's name; another one is named as in [App.Source]. A component that was
// not changed is equal byte for byte.
func (a App) Files() ([]File, error) { return writeParts(a.parts(), asRead) }

// Source returns the app as files of a Salesforce DX source tree, below its package directory (force-app/main/default):
// externalClientApps/Acme.eca-meta.xml. What Salesforce sets itself and what orders it to act is left out, and
// words are spelled as the server spells them, as in [App.Package].
func (a App) Source() ([]File, error) {
	if err := a.validParts(); err != nil {
		return nil, err
	}
	a = a.portable()
	parts := a.parts()
	for _, p := range parts {
		p.file = ""
	}
	return writeParts(parts, asTheServer)
}

// Files returns the settings as files; see [App.Files].
func (s OrgSettings) Files() ([]File, error) {
	var parts []part
	for _, into := range s.settings() {
		if !into.field.IsNil() {
			parts = append(parts, existing(into.componentType, into.field.Elem()))
		}
	}
	return writeParts(parts, asRead)
}

func writeParts(parts []part, words spelling) ([]File, error) {
	var files []File
	for _, p := range parts {
		data, err := p.bytes(words)
		if err != nil {
			return nil, err
		}
		files = append(files, File{cmp.Or(p.file, p.dir+"/"+p.FullName+"."+p.suffix+"-meta.xml"), data})
	}
	slices.SortFunc(files, func(a, b File) int { return cmp.Compare(a.Name, b.Name) })
	return files, nil
}
