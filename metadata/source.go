package metadata

import (
	"cmp"
	"errors"
	"slices"
	"strings"
)

// Files returns the app's components as they stand, with all they hold, secrets too: for writing back what was read.
// A component read from a file keeps that file's name; another one is named as in [App.Source]. A component that was
// not changed is equal byte for byte. A component that was not read from a file, and whose full name is unfit for a file name
// ("../x"), is refused: an org may answer with any name.
func (a App) Files() ([]File, error) { return writeParts(a.parts()) }

// Source returns the app as files of a Salesforce DX source tree, below its package directory (force-app/main/default):
// externalClientApps/Acme.eca-meta.xml. What Salesforce sets itself, what orders it to act and secrets are left out or
// refused, and words are spelled as the server spells them, as in [App.Package].
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
