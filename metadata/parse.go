package metadata

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
)

// Parse reads every app of a file tree: a source tree (Name.eca-meta.xml), a metadata package (Name.eca), or a mix.
// Files are known by their suffix, wherever they lie; others are skipped, as are directories that begin with a dot
// and node_modules. Components of an external client app are joined by the app's API name, so one tree may hold many
// apps. The result is ordered by kind and name.
//
// The apps are good even when the error is not nil: it joins one [*Error] for each file that could not be read and
// each component of which the app already has one. A component whose app has no header is still an App, without
// External: [App.Validate] reports it and whatever else is missing.
func Parse(fsys fs.FS) ([]App, error) {
	var parts []part
	var errs []error
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			errs = append(errs, &Error{Op: "parse", Name: name, Err: err})
			return nil
		case d.IsDir() && name != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "node_modules"):
			return fs.SkipDir
		case d.IsDir():
			return nil
		}
		if _, _, ok := typeOfFile(name); !ok {
			return nil
		}
		data, err := readFile(fsys, name)
		if err != nil {
			errs = append(errs, &Error{Op: "parse", Name: name, Err: err})
			return nil
		}
		p, err := parsePart(name, data)
		if err != nil {
			errs = append(errs, err)
			return nil
		}
		parts = append(parts, p)
		return nil
	})
	if err != nil {
		errs = append(errs, &Error{Op: "parse", Name: ".", Err: err})
	}
	apps, joinErr := join(parts)
	return apps, errors.Join(append(errs, joinErr)...)
}

// ParseFile reads one file's bytes, the name telling type and component. The App has that one component.
func ParseFile(name string, data []byte) (App, error) {
	p, err := parsePart(name, data)
	if err != nil {
		return App{}, err
	}
	apps, err := join([]part{p})
	if err != nil {
		return App{}, err
	}
	return apps[0], nil
}

// readFile reads no more of a file than a document may have. To open a pipe is to wait for whoever writes to it.
func readFile(fsys fs.FS, name string) ([]byte, error) {
	info, err := fs.Stat(fsys, name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("is no regular file")
	}
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxDocument+1))
}

func parsePart(name string, data []byte) (part, error) {
	t, fullName, ok := typeOfFile(name)
	if !ok {
		return part{}, &Error{Op: "parse", Name: name, Err: errors.New("its suffix is that of no app component")}
	}
	p := newPart(t)
	p.FullName, p.file = fullName, name
	if line, err := p.read(slices.Clone(data)); err != nil {
		return part{}, &Error{Op: "parse", Name: name, Line: line, Err: err}
	}
	return p, nil
}

// read fills the component from its document, which it keeps. It returns the line of an error.
func (p part) read(data []byte) (int, error) {
	doc, line, err := parseDocument(data)
	if err != nil {
		return line, err
	}
	if !doc.root.known || doc.root.name != p.name {
		return doc.line(doc.root.start), fmt.Errorf("the root element is not <%s xmlns=%q>", p.name, namespace)
	}
	unknown, bad, err := fill(doc.root, p.v)
	if err != nil {
		return doc.line(bad.start), err
	}
	if p.v.Type() == otherType {
		unknown = nil
	}
	src := source{doc, unknown}
	p.Component.source = func() source { return src }
	return 0, nil
}

// join makes apps of components. A second component of a type for one app is an error; the first stays.
func join(parts []part) ([]App, error) {
	var apps []*App
	var errs []error
	find := func(kind Kind, name string) *App {
		for _, a := range apps {
			if a.Kind == kind && a.Name == name {
				return a
			}
		}
		a := &App{Kind: kind, Name: name}
		apps = append(apps, a)
		return a
	}
	for _, p := range parts {
		kind := KindExternalClientApp
		if p.name == "ConnectedApp" {
			kind = KindConnectedApp
		}
		a := find(kind, p.appName())
		if !a.setPart(p) {
			errs = append(errs, &Error{Op: "parse", Name: p.label(), Err: fmt.Errorf("the app %q already has its %s", a.Name, p.name)})
		}
	}
	slices.SortFunc(apps, func(a, b *App) int { return cmp.Or(cmp.Compare(b.Kind, a.Kind), cmp.Compare(a.Name, b.Name)) })
	out := make([]App, len(apps))
	for i, a := range apps {
		out[i] = *a
	}
	return out, errors.Join(errs...)
}
