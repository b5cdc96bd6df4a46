package main

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/fullcast/sfauth/examples/internal/outcome"
	"github.com/fullcast/sfauth/metadata"
)

// maxFile is more than a zip or a component of apps ever is.
const maxFile = 64 << 20

// readPaths reads the apps and the org's settings of all paths. Components of one app may lie in several of them. A file
// that cannot be read is bad input: a report on the others could be taken for a report on all.
func readPaths(paths []string) (input, error) {
	in := input{from: strings.Join(paths, ", ")}
	for _, p := range paths {
		if p == "" { // an empty variable of a script; it does not mean this folder
			return in, outcome.Input("a path is empty; name a file or folder, . for this one")
		}
		subjects, settings, err := readPath(fromHere(p))
		if err != nil {
			return in, err
		}
		for _, sub := range subjects {
			in.add(sub)
		}
		if in.settings, err = joinSettings(in.settings, settings, p); err != nil {
			return in, err
		}
	}
	return in, nil
}

func readPath(name string) ([]subject, *metadata.OrgSettings, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, nil, outcome.Input("%v", err)
	}
	folder, base := name, ""
	if !info.IsDir() {
		folder, base = filepath.Split(name)
		folder = filepath.Clean(folder)
	}
	root, err := openTree(folder)
	if err != nil {
		return nil, nil, outcome.Input("%v", err)
	}
	defer root.Close()
	if info.IsDir() {
		return readTree(root.FS(), name, versionAbove(name))
	}
	data, err := readIn(root, base)
	if err != nil {
		return nil, nil, outcome.Input("%s: %v", name, err)
	}
	switch {
	case strings.EqualFold(filepath.Ext(name), ".zip"):
		return readZip(name, data)
	case isSettings(name):
		settings := &metadata.OrgSettings{}
		if err := settings.ParseFile(filepath.ToSlash(name), data); err != nil {
			return nil, nil, outcome.Input("%v", err)
		}
		return nil, settings, nil
	}
	app, err := metadata.ParseFile(base, data)
	if err != nil {
		return nil, nil, outcome.Input("%s: %v", name, err)
	}
	return []subject{{app: app, version: versionAbove(folder), files: map[string]file{base: {path: filepath.ToSlash(name), tree: folder, name: base}}}}, nil, nil
}

// readTree reads a tree whose files a person finds below the path at.
func readTree(tree fs.FS, at string, version metadata.APIVersion) ([]subject, *metadata.OrgSettings, error) {
	apps, err := metadata.Parse(tree)
	if err != nil {
		return nil, nil, outcome.Input("%s: %v", at, firstOf(err))
	}
	settings, err := settingsOf(tree)
	if err != nil {
		return nil, nil, outcome.Input("%s: %v", at, err)
	}
	var subjects []subject
	for _, app := range apps {
		files, err := app.Files()
		if err != nil {
			return nil, nil, err
		}
		sub := subject{app: app, version: version, files: map[string]file{}}
		for _, f := range files {
			sub.files[f.Name] = file{path: path.Join(filepath.ToSlash(at), f.Name), tree: at, name: f.Name}
		}
		subjects = append(subjects, sub)
	}
	return subjects, settings, nil
}

// firstOf is the first of joined errors, with the number of the others: bad input is one line.
func firstOf(err error) error {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok || len(joined.Unwrap()) == 0 {
		return err
	}
	first := firstOf(joined.Unwrap()[0])
	if more := len(joined.Unwrap()) - 1; more > 0 {
		return fmt.Errorf("%w (and %d more)", first, more)
	}
	return first
}

func readZip(name string, data []byte) ([]subject, *metadata.OrgSettings, error) {
	if _, err := metadata.ParseZip(data); err != nil { // which also judges whether the zip may be opened at all
		return nil, nil, outcome.Input("%s: %v", name, firstOf(err))
	}
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, nil, outcome.Input("%s: %v", name, err)
	}
	subjects, settings, err := readTree(z, name, versionIn(z))
	for _, sub := range subjects {
		for n, f := range sub.files {
			f.inside = true
			sub.files[n] = f
		}
	}
	return subjects, settings, err
}

// add puts the components of one app together, unless it is read a second time: then it is another one.
func (in *input) add(sub subject) {
	key := identity{sub.app.Kind, sub.app.Name}
	for _, i := range in.known[key] {
		have := in.subjects[i]
		if overlap(have.app, sub.app) {
			continue
		}
		into := reflect.ValueOf(&in.subjects[i].app).Elem()
		from := reflect.ValueOf(sub.app)
		for _, field := range components(from) {
			into.FieldByIndex(field.Index).Set(from.FieldByIndex(field.Index))
		}
		in.subjects[i].app.Other = slices.Concat(have.app.Other, sub.app.Other)
		for n, f := range sub.files {
			in.subjects[i].files[n] = f
		}
		in.subjects[i].version = max(have.version, sub.version)
		return
	}
	if in.known == nil {
		in.known = map[identity][]int{}
	}
	in.known[key] = append(in.known[key], len(in.subjects))
	in.subjects = append(in.subjects, sub)
}

func overlap(a, b metadata.App) bool {
	va := reflect.ValueOf(a)
	return slices.ContainsFunc(components(reflect.ValueOf(b)), func(f reflect.StructField) bool { return !va.FieldByIndex(f.Index).IsNil() })
}

// components are the fields of an app that hold one.
func components(app reflect.Value) []reflect.StructField {
	return slices.DeleteFunc(reflect.VisibleFields(app.Type()), func(f reflect.StructField) bool {
		return f.Tag.Get("type") == "" || app.FieldByIndex(f.Index).IsNil()
	})
}

func isSettings(name string) bool {
	return strings.HasSuffix(strings.TrimSuffix(name, "-meta.xml"), ".settings")
}

// settingsOf reads the settings of a tree that matter to apps; nil where there are none.
func settingsOf(tree fs.FS) (*metadata.OrgSettings, error) {
	var all *metadata.OrgSettings
	err := fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			if err == nil && name != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "node_modules") {
				return fs.SkipDir
			}
			return err
		}
		if !isSettings(name) || !slices.Contains([]string{"ExternalClientApp", "OauthOidc", "ConnectedApp"}, strings.SplitN(d.Name(), ".", 2)[0]) {
			return nil
		}
		if !regular(tree, name) {
			return outcome.Input("%s is no regular file", name)
		}
		f, err := tree.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		data, err := io.ReadAll(io.LimitReader(f, maxFile))
		if err != nil {
			return err
		}
		one := &metadata.OrgSettings{}
		if err := one.ParseFile(name, data); err != nil {
			return err
		}
		all, err = joinSettings(all, one, name)
		return err
	})
	return all, err
}

// regular tells files from pipes, which would be waited for.
func regular(tree fs.FS, name string) bool {
	info, err := fs.Stat(tree, name)
	return err == nil && info.Mode().IsRegular()
}

// joinSettings refuses to let settings of one org hide those of another.
func joinSettings(all, more *metadata.OrgSettings, from string) (*metadata.OrgSettings, error) {
	if all == nil || more == nil {
		if all == nil {
			all = more
		}
		return all, nil
	}
	joined := *all
	into, with := reflect.ValueOf(&joined).Elem(), reflect.ValueOf(*more)
	for i := range with.NumField() {
		switch {
		case with.Field(i).IsNil():
		case !into.Field(i).IsNil():
			return nil, outcome.Input("%s: %s are there a second time; check one org at a time", from, with.Type().Field(i).Tag.Get("type"))
		default:
			into.Field(i).Set(with.Field(i))
		}
	}
	return &joined, nil
}

// fromHere is the path relative to the working directory where it lies below that, as code scanning wants it.
func fromHere(name string) string {
	here, err := os.Getwd()
	if err != nil || !filepath.IsAbs(name) {
		return filepath.Clean(name)
	}
	if below, err := filepath.Rel(here, name); err == nil && filepath.IsLocal(below) {
		return below
	}
	return filepath.Clean(name)
}
