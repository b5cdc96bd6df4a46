package metadata

import (
	"cmp"
	"errors"
	"slices"
	"strings"
)

// Files returns the app's components as they are, with all their content, including secrets. Use it to write back an app that was
// read. A component that was read from a file keeps the file's name. Another component is named as in [App.Source]. A component
// that was not changed is equal byte for byte. An org may return any name. So if a component was not read from a file, and its
// full name cannot be a file name ("../x"), Files returns an error.
func (a App) Files() ([]File, error) { return writeParts(a.parts()) }

// Source returns the app as files of a Salesforce DX source tree, below its package directory (force-app/main/default):
// externalClientApps/Acme.eca-meta.xml. As in [App.Package], it leaves out the values that Salesforce sets itself and orders to
// Salesforce; it leaves out or refuses secrets; and it spells words as the server spells them.
func (a App) Source() ([]File, error) {
	if err := a.validParts(); err != nil {
		return nil, err
	}
	known := a.known()
	a = a.portable()
	parts := a.parts()
	data, err := withoutSecrets(parts, known)
	if err != nil {
		return nil, err
	}
	var files []File
	for i, p := range parts {
		files = append(files, File{p.dir + "/" + p.FullName + "." + p.suffix + "-meta.xml", data[i]})
	}
	slices.SortFunc(files, func(a, b File) int { return cmp.Compare(a.Name, b.Name) })
	return files, nil
}

// Files returns the settings as files; see [App.Files].
func (s OrgSettings) Files() ([]File, error) {
	var parts []part
	for _, into := range s.settings() {
		if !into.field.IsNil() {
			parts = append(parts, existing(into.componentType, into.field.Elem()))
		}
	}
	return writeParts(parts)
}

var errUnfitName = errors.New("the full name is empty or not fit for a file name")

// fitsAFileName reports whether a full name, put between a folder and a suffix, names a file in that folder and no other.
func fitsAFileName(fullName string) bool {
	return fullName != "" && !strings.ContainsAny(fullName, "/\\\x00") && !strings.Contains(fullName, "..")
}

func writeParts(parts []part) ([]File, error) {
	var files []File
	for _, p := range parts {
		if p.file == "" && !fitsAFileName(p.FullName) {
			return nil, &Error{Op: "validate", Name: p.label(), Err: errUnfitName}
		}
		data, err := p.bytes(asRead)
		if err != nil {
			return nil, err
		}
		files = append(files, File{cmp.Or(p.file, p.dir+"/"+p.FullName+"."+p.suffix+"-meta.xml"), data})
	}
	slices.SortFunc(files, func(a, b File) int { return cmp.Compare(a.Name, b.Name) })
	return files, nil
}
