package orgtest

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"
)

// unpack reads a package: package.xml at the top with singlePackage, else one folder holding it. What is wrong with a
// manifest is a failure of that component; err is for what is no zip. Source: docs, REST deploy and file-based development, for
// limits and layout; salesforce.stackexchange.com questions 252340 and 98368 show the failures of package.xml.
func unpack(archive []byte, options deployOptions, newest int) (list []change, version int, err error) {
	files, err := unzip(archive)
	if err != nil {
		return nil, 0, err
	}
	var roots []string
	for name := range files {
		dir, base := path.Split(name)
		if base == "package.xml" && (options.SinglePackage && dir == "" || !options.SinglePackage && strings.Count(dir, "/") == 1) {
			roots = append(roots, dir)
		}
	}
	unusable := func(file, text string) ([]change, int, error) {
		return []change{broken("", file, file, text)}, newest, nil
	}
	switch len(roots) {
	case 0:
		return unusable("package.xml", "No package.xml found")
	case 1:
	default:
		return unusable("package.xml", "not simulated: more than one package")
	}
	root := roots[0]
	manifest, text := parseManifest(files[root+"package.xml"])
	if text != "" {
		return unusable("package.xml", text)
	}
	for _, n := range manifest.children {
		if !slices.Contains([]string{"types", "version", "description", "apiAccessLevel"}, n.name) {
			return unusable("package.xml", "not simulated: "+n.name)
		}
	}
	if version, err = apiVersion(manifest.value("version"), newest); err != nil {
		return unusable("package.xml", err.Error())
	}
	list = named(manifest, files, root)
	for _, d := range deletionManifests {
		if data, ok := files[root+d.file]; ok {
			doc, text := parseManifest(data)
			if text != "" {
				return unusable(d.file, text)
			}
			list = append(list, d.deletions(doc)...)
		}
	}
	return list, version, nil
}

// parseManifest reads a package.xml or a manifest of deletions, or says what is wrong with it.
func parseManifest(data []byte) (doc *node, text string) {
	doc, err := parseXML(data)
	if err != nil {
		return nil, "Error parsing file: " + err.Error()
	}
	if doc.name != "Package" || doc.space != metadataNamespace {
		return nil, fmt.Sprintf("Element {%s}%s invalid at this location", doc.space, doc.name)
	}
	return doc, ""
}

func unzip(archive []byte) (map[string][]byte, error) {
	z, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		return nil, statementf("The zip file is not readable: %v", err)
	}
	if len(z.File) > 10000 {
		return nil, statement("Maximum number of files exceeded: 10000")
	}
	files := map[string][]byte{}
	for _, f := range z.File {
		if strings.HasSuffix(f.Name, "/") {
			continue
		}
		r, err := f.Open()
		if err != nil {
			return nil, fmt.Errorf("%s: %v", f.Name, err)
		}
		data, err := io.ReadAll(io.LimitReader(r, 10<<20))
		r.Close()
		if err != nil {
			return nil, fmt.Errorf("%s: %v", f.Name, err)
		}
		files[f.Name] = data
	}
	return files, nil
}

// member is one entry of a package.xml.
type member struct {
	kind
	typ      string
	fullName string
	known    bool
}

// members lists what a package.xml names. Children may come in any order.
func members(manifest *node) []member {
	var out []member
	for _, types := range manifest.all("types") {
		name := types.value("name")
		for _, m := range types.texts("members") {
			found := member{typ: name, fullName: m}
			for _, k := range kinds {
				if k.packageType() == name && (name != "Settings" || m == "*" || k.settingsMember() == m) {
					found.kind, found.known = k, true
					break
				}
			}
			out = append(out, found)
		}
	}
	return out
}

// named pairs package.xml with the files of the zip. A file that the manifest does not name, and a name without a file, are
// both failures; the first is assumed, the second is Salesforce's text.
func named(manifest *node, files map[string][]byte, root string) []change {
	var list []change
	wanted := map[componentKey]bool{}
	wild := map[string]bool{}
	for _, m := range members(manifest) {
		switch {
		case !m.known:
			list = append(list, broken(m.typ, m.fullName, "package.xml", m.unusable("package.xml")))
		case m.fullName == "*":
			for _, k := range kinds {
				wild[k.typ] = wild[k.typ] || k.packageType() == m.typ
			}
		default:
			wanted[componentKey{m.kind.typ, m.fullName}] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		rest, inside := strings.CutPrefix(name, root)
		if !inside || !strings.Contains(rest, "/") {
			continue
		}
		k, fullName, ok := kindOfFile(rest)
		key := componentKey{k.typ, fullName}
		if !ok {
			list = append(list, broken("", rest, rest, notSimulated+"the file "+rest))
			continue
		}
		if !wanted[key] && !wild[k.typ] {
			list = append(list, broken(k.typ, fullName, rest, "The file '"+rest+"' is in the zip but its component is not in package.xml"))
			continue
		}
		delete(wanted, key)
		body, err := parseXML(files[name])
		switch {
		case err != nil:
			list = append(list, broken(k.typ, fullName, rest, "Error parsing file: "+err.Error()))
		case body.name != k.typ || body.space != metadataNamespace:
			list = append(list, broken(k.typ, fullName, rest, fmt.Sprintf("Element {%s}%s invalid at this location", body.space, body.name)))
		default:
			list = append(list, change{kind: k, fullName: fullName, body: body, file: rest})
		}
	}
	for _, k := range kinds {
		for key := range wanted {
			if key.typ == k.typ {
				list = append(list, broken(key.typ, key.fullName, "package.xml", fmt.Sprintf(
					"An object '%s' of type %s was named in package.xml, but was not found in zipped directory", key.fullName, k.packageType())))
			}
		}
	}
	return list
}

// broken is a change that cannot even be tried.
func broken(typ, fullName, file, text string) change {
	k, _ := kindOf(typ)
	if k.typ == "" {
		k.typ = typ
	}
	return change{kind: k, fullName: fullName, file: file, defect: text}
}
