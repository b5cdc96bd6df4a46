package main

import (
	"archive/zip"
	"bytes"
	"fmt"
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
		read, err := readPath(fromHere(p))
		if err != nil {
			return in, err
		}
		for _, sub := range read.subjects {
			in.add(sub)
		}
		in.doubts, in.second = append(in.doubts, read.doubts...), append(in.second, read.second...)
		if in.settings, err = joinSettings(in.settings, read.settings, p); err != nil {
			return in, err
		}
	}
	return in, nil
}

func readPath(name string) (input, error) {
	info, err := os.Stat(name)
	if err != nil {
		return input{}, outcome.Input("%v", err)
	}
	folder, base := name, ""
	if !info.IsDir() {
		folder, base = filepath.Split(name)
		folder = filepath.Clean(folder)
	}
	root, err := openTree(folder)
	if err != nil {
		return input{}, outcome.Input("%v", err)
	}
	defer root.Close()
	if info.IsDir() {
		return readTree(root.FS(), name, versionAbove(name))
	}
	data, err := readIn(root, base)
	if err != nil {
		return input{}, outcome.Input("%s: %v", name, err)
	}
	switch {
	case strings.EqualFold(filepath.Ext(name), ".zip"):
		return readZip(name, data)
	case isSettings(name):
		settings := &metadata.OrgSettings{}
		if err := settings.ParseFile(filepath.ToSlash(name), data); err != nil {
			return input{}, outcome.Input("%v", err)
		}
		return input{settings: settings}, nil
	}
	app, err := metadata.ParseFile(base, data)
	if err != nil {
		return input{}, outcome.Input("%s: %v", name, err)
	}
	files := map[string]file{base: {path: filepath.ToSlash(name), tree: folder, name: base}}
	return input{subjects: []subject{{app: app, version: versionAbove(folder), files: files}}}, nil
}

// readTree reads a tree whose files a person finds below the path at.
func readTree(tree fs.FS, at string, version metadata.APIVersion) (in input, err error) {
	apps, err := metadata.Parse(tree)
	second, err := twiceIn(err)
	if err != nil {
		return input{}, outcome.Input("%s: %v", at, firstOf(err))
	}
	if in.settings, in.doubts, err = settingsOf(tree, at); err != nil {
		return input{}, outcome.Input("%v", err)
	}
	for _, app := range apps {
		files, err := app.Files()
		if err != nil {
			return input{}, err
		}
		sub := subject{app: app, version: version, files: map[string]file{}}
		for _, f := range files {
			sub.files[f.Name] = file{path: path.Join(filepath.ToSlash(at), f.Name), tree: at, name: f.Name}
		}
		in.subjects = append(in.subjects, sub)
	}
	for _, name := range second {
		sub, err := readSecond(tree, at, name)
		if err != nil {
			return input{}, err
		}
		sub.version = version
		in.subjects, in.second = append(in.subjects, sub), append(in.second, path.Join(filepath.ToSlash(at), name))
	}
	return in, nil
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

func readZip(name string, data []byte) (input, error) {
	_, err := metadata.ParseZip(data)
	if _, err = twiceIn(err); err != nil { // which also judges whether the zip may be opened at all
		return input{}, outcome.Input("%s: %v", name, firstOf(err))
	}
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return input{}, outcome.Input("%s: %v", name, err)
	}
	in, err := readTree(z, name, versionIn(z))
	for _, sub := range in.subjects {
		for n, f := range sub.files {
			f.inside = true
			sub.files[n] = f
		}
	}
	return in, err
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
