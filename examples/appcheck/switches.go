package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/fullcast/sfauth/examples/internal/outcome"
	"github.com/fullcast/sfauth/metadata"
)

func isSettings(name string) bool {
	return strings.HasSuffix(strings.TrimSuffix(name, "-meta.xml"), ".settings")
}

// ofApps tells the settings that matter to apps.
func ofApps(base string) bool {
	name, _, _ := strings.Cut(base, ".")
	return isSettings(base) && slices.Contains([]string{"ExternalClientApp", "OauthOidc", "ConnectedApp"}, name)
}

// switchesFile is one settings file of a tree.
type switchesFile struct {
	path  string // as a person finds it
	data  []byte
	value reflect.Value // in OrgSettings
}

// settingsOf reads the settings of a tree that matter to apps; nil where there are none. at is the tree's own path. Where two files
// hold other settings of one type, as a tree of several orgs has them, neither counts, and a doubt says so.
func settingsOf(tree fs.FS, at string) (*metadata.OrgSettings, []string, error) {
	found := map[int][]switchesFile{} // by field of OrgSettings
	err := fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			if err == nil && name != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "node_modules") {
				return fs.SkipDir
			}
			return err
		}
		if !ofApps(d.Name()) {
			return nil
		}
		file := switchesFile{path: path.Join(filepath.ToSlash(at), name)}
		if file.data, err = readRegular(tree, name); err != nil {
			return fmt.Errorf("%s: %w", file.path, err)
		}
		one := &metadata.OrgSettings{}
		if err := one.ParseFile(file.path, file.data); err != nil {
			return err
		}
		for i := range reflect.ValueOf(*one).NumField() {
			if file.value = reflect.ValueOf(*one).Field(i); !file.value.IsNil() {
				found[i] = append(found[i], file)
			}
		}
		return nil
	})
	if err != nil || len(found) == 0 {
		return nil, nil, err
	}
	settings, doubts := &metadata.OrgSettings{}, []string(nil)
	for i := range reflect.TypeFor[metadata.OrgSettings]().NumField() {
		files := found[i]
		if len(files) == 0 {
			continue
		}
		other := slices.IndexFunc(files, func(f switchesFile) bool { return !bytes.Equal(f.data, files[0].data) })
		if other >= 0 {
			doubts = append(doubts, fmt.Sprintf("%s and %s are the same settings of two orgs; neither is judged: name the files of one org",
				printable(concealed(files[0].path)), printable(concealed(files[other].path))))
			continue
		}
		reflect.ValueOf(settings).Elem().Field(i).Set(files[0].value)
	}
	return settings, doubts, nil
}

func readRegular(tree fs.FS, name string) ([]byte, error) {
	if !regular(tree, name) {
		return nil, errors.New("is no regular file")
	}
	f, err := tree.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxFile))
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
