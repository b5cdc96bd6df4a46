package sfauth_test

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// moduleFiles returns the text of each go.mod, by the folder of its module, and of go.work.
func moduleFiles(t *testing.T) (mods map[string]string, work string) {
	t.Helper()
	mods = map[string]string{}
	for _, pattern := range []string{"go.mod", "*/go.mod", "*/*/go.mod", "*/*/*/go.mod"} {
		paths, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			mods[filepath.ToSlash(filepath.Dir(path))] = read(t, path)
		}
	}
	return mods, read(t, "go.work")
}

var (
	ownVersion    = regexp.MustCompile(regexp.QuoteMeta(module) + `(\S*) (v\S+)`)
	usedModule    = regexp.MustCompile(`(?m)^\t(\.\S*)$`)
	releasedAlike = regexp.MustCompile(`^v[01]\.\d+\.\d+(-[\w.-]+)?$`)
)

// releaseFaults returns why a module could not be used by its version.
func releaseFaults(mods map[string]string, work string) (faults []string) {
	versions := map[string]bool{}
	for folder, text := range mods {
		released := slices.ContainsFunc(usedModule.FindAllStringSubmatch(work, -1), func(m []string) bool { return filepath.ToSlash(filepath.Clean(m[1])) == folder })
		if released && strings.Contains(text, "=>") {
			faults = append(faults, folder+" has a replace, which counts nowhere else")
		}
		for _, m := range ownVersion.FindAllStringSubmatch(text, -1) {
			versions[m[2]] = true
			if !strings.Contains(work, fmt.Sprintf("\t%s%s %s => .%s\n", module, m[1], m[2], m[1])) && released {
				faults = append(faults, fmt.Sprintf("go.work does not say that this tree is %s%s %s", module, m[1], m[2]))
			}
		}
	}
	for version := range versions {
		if len(versions) > 1 || !releasedAlike.MatchString(version) || version == "v0.0.0" {
			faults = append(faults, "a module requires another at "+version)
		}
	}
	return faults
}

func TestEveryReleasedModuleCanBeUsedByItsVersion(t *testing.T) {
	mods, work := moduleFiles(t)
	if len(mods) < 9 || len(usedModule.FindAllString(work, -1)) < 5 {
		t.Fatalf("found %d modules, and in go.work %q", len(mods), usedModule.FindAllString(work, -1))
	}
	for _, fault := range releaseFaults(mods, work) {
		t.Error(fault)
	}
}

func TestEachWayToMakeAModuleUselessElsewhereIsSeen(t *testing.T) {
	for _, tt := range []struct{ name, folder, was, is, want string }{
		{"a replace", "examples", "require (", "replace " + module + " => ..\n\nrequire (", "examples has a replace"},
		{"no version", "oauthflow/tokenstore/sqlstore", module + " v", module + " v0.0.0 // v", "at v0.0.0"},
		{"another version", "oauthflow/tokenstore/redisstore", module + " v", module + " v0.99.", "at v0.99."},
		{"a version that go.work does not know", "examples", module + "/oauthflow/tokenstore/sqlstore v", module + "/oauthflow/tokenstore/redisstore v", "go.work does not say"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			mods, work := moduleFiles(t)
			mods[tt.folder] = strings.Replace(mods[tt.folder], tt.was, tt.is, 1)
			faults := releaseFaults(mods, work)
			if !slices.ContainsFunc(faults, func(f string) bool { return strings.Contains(f, tt.want) }) {
				t.Errorf("got %q, want one that says %q", faults, tt.want)
			}
		})
	}
}
