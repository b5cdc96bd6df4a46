package policy_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/policy"
)

// tree is an app's files by suffix, such as "eca", as a new app of the spec has them.
type tree map[string]string

func newTree(t *testing.T, spec metadata.AppSpec) tree {
	t.Helper()
	pkg, err := spec.New().Package(66)
	if err != nil {
		t.Fatal(err)
	}
	files := tree{}
	for _, f := range pkg.Files[1:] {
		files[f.Name[strings.LastIndexByte(f.Name, '.')+1:]] = string(f.Data)
	}
	return files
}

// subject reads the files back, as those of one app.
func (files tree) subject(t *testing.T, name string) policy.Subject {
	t.Helper()
	fsys := fstest.MapFS{}
	for suffix, text := range files {
		base := name
		if strings.HasPrefix(suffix, "ecaO") || suffix == "ecaGlblOauth" || suffix == "ecaPlcy" {
			base += "_" + suffix
		}
		fsys[base+"."+suffix] = &fstest.MapFile{Data: []byte(text)}
	}
	apps, err := metadata.Parse(fsys)
	if err != nil {
		t.Fatal(err)
	}
	if len(apps) != 1 {
		t.Fatalf("%d apps", len(apps))
	}
	return policy.Subject{App: apps[0], Version: 66}
}

// with returns the files with one element's text changed; it fails when the element is not there once.
func (files tree) with(t *testing.T, suffix, element, text string) tree {
	t.Helper()
	re := regexp.MustCompile(`(?s)(<` + element + `>).*(</` + element + `>)`)
	if n := strings.Count(files[suffix], "<"+element+">"); n != 1 {
		t.Fatalf("%d <%s> in the .%s file", n, element, suffix)
	}
	return files.replaced(suffix, re.ReplaceAllString(files[suffix], "${1}"+strings.ReplaceAll(text, "$", "$$")+"${2}"))
}

// without returns the files with every such element taken out.
func (files tree) without(suffix, element string) tree {
	re := regexp.MustCompile(`(?s)\s*<` + element + `>.*</` + element + `>`)
	return files.replaced(suffix, re.ReplaceAllString(files[suffix], ""))
}

func (files tree) replaced(suffix, text string) tree {
	c := tree{}
	for s, t := range files {
		c[s] = t
	}
	c[suffix] = text
	return c
}

// specs are the two apps for the two Sites.
func specs() map[string]metadata.AppSpec {
	return map[string]metadata.AppSpec{
		"external client app, production":     fullcast.ExternalClientApp(fullcast.Production, "admin@example.com"),
		"external client app, pre-production": fullcast.ExternalClientApp(fullcast.PreProduction, "admin@example.com"),
		"connected app, production":           fullcast.ConnectedApp(fullcast.Production, "admin@example.com"),
		"connected app, pre-production":       fullcast.ConnectedApp(fullcast.PreProduction, "admin@example.com"),
	}
}

// badExamples reads the apps in folders whose names end in "-bad".
func badExamples(t *testing.T, root string) []policy.Subject {
	t.Helper()
	dirs, err := filepath.Glob(root + "/*/*-bad")
	if err != nil || len(dirs) == 0 {
		t.Fatalf("%s: no examples (%v)", root, err)
	}
	var all []policy.Subject
	for _, dir := range dirs {
		apps, err := metadata.Parse(os.DirFS(dir))
		if err != nil || len(apps) != 1 {
			t.Fatalf("%s: %d apps, %v", dir, len(apps), err)
		}
		s := policy.Subject{App: apps[0]}
		files, err := filepath.Glob(dir + "/*.settings")
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			s.Settings = &metadata.OrgSettings{}
			data, err := os.ReadFile(name)
			if err == nil {
				err = s.Settings.ParseFile(name, data)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		all = append(all, s)
	}
	return all
}
