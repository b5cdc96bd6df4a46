package main

import (
	"encoding/json"
	"encoding/xml"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/fullcast/sfauth/metadata"
)

// versionAbove is the API version of the package that the folder holds, or of the Salesforce DX project that the folder is
// or lies in; 0 where neither tells it.
func versionAbove(folder string) metadata.APIVersion {
	if v := versionIn(os.DirFS(folder)); v != 0 {
		return v
	}
	folder, err := filepath.Abs(folder)
	for err == nil {
		var project struct{ SourceAPIVersion string }
		if data, ok := read(os.DirFS(folder), "sfdx-project.json"); ok && json.Unmarshal(data, &project) == nil {
			return parseVersion(project.SourceAPIVersion)
		}
		if filepath.Dir(folder) == folder {
			break
		}
		folder = filepath.Dir(folder)
	}
	return 0
}

// versionIn is the API version of package.xml at the root of a tree, or one folder below as Salesforce puts it.
func versionIn(tree fs.FS) metadata.APIVersion {
	for _, pattern := range []string{"package.xml", "*/package.xml"} {
		names, _ := fs.Glob(tree, pattern) // fails only for a bad pattern
		for _, name := range names {
			var manifest struct {
				Version string `xml:"version"`
			}
			if data, ok := read(tree, name); ok && xml.Unmarshal(data, &manifest) == nil {
				return parseVersion(manifest.Version)
			}
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
