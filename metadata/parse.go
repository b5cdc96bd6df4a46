package metadata

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Parse reads every app of a file tree. The tree may be a source tree (Name.eca-meta.xml), a metadata package (Name.eca), or a
// mix. Parse knows files by their suffix, in every folder. It skips other files, folders whose name begins with a dot, and
// node_modules. It joins the components of an external client app by the app's API name, so one tree may hold many apps. The
// result is ordered by kind and name. Parse reads files up to a total of 64 MiB and 600,000 tags. A folder more than 32 levels
// down, or with a path of more than 1,024 bytes, is an error and is not read.
//
// The returned apps are usable even if the error is not nil. The error joins one *[Error] for each file that could not be read.
// It also joins one, which wraps [ErrTwice], for each component that its app already has. If an app has components and no header,
// Parse returns it without External. [App.Validate] then reports the missing header and everything else that is missing.
func Parse(fsys fs.FS) ([]App, error) {
	var parts []part
	var errs []error
	begun, left := false, newBudget()
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		again := begun && (name == "." || d != nil && d.IsDir() && d.Name() != path.Base(name))
		begun = true
		switch {
		case again && err == nil: // a folder named "" or ".": it would be walked for ever
			errs = append(errs, &Error{Op: "parse", Name: name, Err: errors.New("holds a folder that leads back to it")})
			return fs.SkipDir
		case err != nil:
			errs = append(errs, &Error{Op: "parse", Name: name, Err: err})
			return nil
		case d.IsDir() && len(name) > maxPath:
			errs = append(errs, &Error{Op: "parse", Name: name, Err: fmt.Errorf("this folder was not read: its path is longer than %d bytes", maxPath)})
			return fs.SkipDir
		case d.IsDir() && levelsOf(name) > maxLevels:
			errs = append(errs, &Error{Op: "parse", Name: name, Err: fmt.Errorf("this folder was not read: it is more than %d levels down", maxLevels)})
			return fs.SkipDir
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
		if err := left.take(data); err != nil {
			errs = append(errs, &Error{Op: "parse", Name: name, Err: err})
			return fs.SkipAll
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

// ErrTwice means that a tree has two files with the same component of one app. The app has the component of the first file. Read
// the other file with [ParseFile].
var ErrTwice = errors.New("a second component of its type for one app")

// twice is that error with the app and the type.
type twice struct{ app, component string }

func (t twice) Error() string {
	return fmt.Sprintf("the app %s already has its %s", quoted(t.app), t.component)
}

func (t twice) Is(target error) bool { return target == ErrTwice }

// ParseFile reads the bytes of one file. Its name says the type and the name of the component. The returned App has only that
// component.
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

// readFile reads no more of a file than a document may have. To open a pipe is to wait for a process that writes to it.
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
		return doc.root.line, fmt.Errorf("the root element is not <%s xmlns=%q>", p.name, namespace)
	}
	unknown, bad, err := fill(doc.root, p.v)
	if err != nil {
		return bad.line, err
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
	type key struct {
		kind Kind
		name string
	}
	var apps []*App
	var errs []error
	known := map[key]*App{}
	find := func(kind Kind, name string) *App {
		a := known[key{kind, name}]
		if a == nil {
			a = &App{Kind: kind, Name: name}
			known[key{kind, name}] = a
			apps = append(apps, a)
		}
		return a
	}
	for _, p := range parts {
		kind := KindExternalClientApp
		if p.name == "ConnectedApp" {
			kind = KindConnectedApp
		}
		a := find(kind, p.appName())
		if !a.setPart(p) {
			errs = append(errs, &Error{Op: "parse", Name: p.label(), Err: twice{a.Name, p.name}})
		}
	}
	slices.SortFunc(apps, func(a, b *App) int { return cmp.Or(cmp.Compare(b.Kind, a.Kind), cmp.Compare(a.Name, b.Name)) })
	out := make([]App, len(apps))
	for i, a := range apps {
		out[i] = *a
	}
	return out, errors.Join(errs...)
}
