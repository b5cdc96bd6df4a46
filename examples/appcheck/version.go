package main

import (
	"encoding/json"
	"encoding/xml"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/fullcast/sfauth/metadata"
)

// versionAbove is the API version of the package that the folder holds, or of the Salesforce DX project that the folder is
// or lies in; 0 where neither tells it.
func versionAbove(folder string) metadata.APIVersion {
	root, err := openTree(folder)
	if err != nil {
		return 0
	}
	defer root.Close()
	if v := versionIn(root.FS()); v != 0 {
		return v
	}
	folder, err = filepath.Abs(folder)
	for err == nil {
		var project struct{ SourceAPIVersion string }
		if data, ok := readProject(folder); ok && json.Unmarshal(data, &project) == nil {
			return parseVersion(project.SourceAPIVersion)
		}
		if filepath.Dir(folder) == folder {
			break
		}
		folder = filepath.Dir(folder)
	}
	return 0
}

func readProject(folder string) ([]byte, bool) {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, false
	}
	defer root.Close()
	return read(root.FS(), "sfdx-project.json")
}

// versionIn is the API version of package.xml at the root of a tree, or one folder below as Salesforce puts it.
func versionIn(tree fs.FS) metadata.APIVersion {
	names := []string{"package.xml"}
	entries, _ := fs.ReadDir(tree, ".") // where it fails, reading the apps has failed, too
	for _, e := range entries {
		if e.IsDir() { // fs.Glob would open a pipe, to look for files below it
			names = append(names, path.Join(e.Name(), "package.xml"))
		}
	}
	for _, name := range names {
		var manifest struct {
			Version string `xml:"version"`
		}
		if data, ok := read(tree, name); ok && xml.Unmarshal(data, &manifest) == nil {
			return parseVersion(manifest.Version)
		}
	}
	return 0
}

func read(tree fs.FS, name string) ([]byte, bool) {
	if !regular(tree, name) {
		return nil, false
	}
	f, err := tree.Open(name)
	if err != nil {
		return nil, false
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, 1<<20))
	return data, err == nil
}

func parseVersion(s string) metadata.APIVersion {
	whole, _, _ := strings.Cut(strings.TrimSpace(s), ".")
	n, err := strconv.ParseUint(whole, 10, 16)
	if err != nil {
		return 0
	}
	return metadata.APIVersion(n)
}
