package interop_test

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/internal/needs"
	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/policy"
)

// validate returns which of the files xmllint takes by Salesforce's schema of API version 66, and all that it said.
func validate(t *testing.T, files []string) (valid map[string]bool, said string) {
	t.Helper()
	dir, lint := needs.Folder(t, "SFAUTH_SCHEMA"), needs.Program(t, "xmllint")
	args := append([]string{"--noout", "--nonet", "--schema", filepath.Join(dir, "salesforce-metadata-66.0.xsd")}, files...)
	out, err := exec.CommandContext(t.Context(), lint, args...).CombinedOutput()
	if _, refused := err.(*exec.ExitError); err != nil && !refused {
		t.Fatal(err)
	}
	valid = map[string]bool{}
	for line := range strings.Lines(string(out)) {
		if name, ok := strings.CutSuffix(strings.TrimSpace(line), " validates"); ok {
			valid[name] = true
		}
	}
	return valid, string(out)
}

// packed writes the files of an app's package, package.xml among them, and returns their names.
func packed(t *testing.T, app metadata.App) []string {
	t.Helper()
	pkg, err := app.Package(66)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	writeFiles(t, dir, pkg.Files)
	var names []string
	for _, f := range pkg.Files {
		names = append(names, filepath.Join(dir, filepath.FromSlash(f.Name)))
	}
	return names
}

func TestNewAndMergedAppsAreValidBySalesforcesSchema(t *testing.T) {
	specs := product()
	apps := map[string]metadata.App{}
	for name, spec := range specs {
		apps["new: "+name] = spec.New()
		for otherName, other := range specs {
			if other.Kind == spec.Kind {
				apps[fmt.Sprintf("%s, merged into: %s", name, otherName)] = spec.Merge(other.New())
			}
		}
		apps[name+", merged into an app that has nothing yet"] = spec.Merge(bare(t, spec.Kind))
	}
	for name, app := range apps {
		t.Run(name, func(t *testing.T) {
			files := packed(t, app)
			if valid, said := validate(t, files); len(valid) != len(files) {
				t.Errorf("%d of %d files are valid:\n%s", len(valid), len(files), said)
			}
		})
	}
}

// bare is an app of which there is no more than the schema requires.
func bare(t *testing.T, kind metadata.Kind) metadata.App {
	t.Helper()
	const head = `<?xml version="1.0" encoding="UTF-8"?>` + "\n"
	name, text := "Fullcast.eca", head+`<ExternalClientApplication xmlns="http://soap.sforce.com/2006/04/metadata"/>`
	if kind == metadata.KindConnectedApp {
		name = "Fullcast_Motion_Package.connectedApp"
		text = head + `<ConnectedApp xmlns="http://soap.sforce.com/2006/04/metadata"><contactEmail>a@b.example</contactEmail><label>Old</label></ConnectedApp>`
	}
	app, err := metadata.ParseFile(name, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return app
}

func TestTheSchemaRefusesAnElementThatIsUnknown(t *testing.T) {
	files := packed(t, product()["connected app for "+string(fullcast.Production)].New())
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		root := strings.LastIndex(string(data), "</")
		if err := os.WriteFile(name, []byte(string(data[:root])+"<ofOurOwn/>"+string(data[root:])), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if valid, said := validate(t, files); len(valid) != 0 {
		t.Errorf("%v are valid:\n%s", valid, said)
	}
}

// TestMergingKeepsRealAppsValid brings each real file that the schema takes in line with the instructions, and lets the
// schema judge all files of the app that it becomes.
func TestMergingKeepsRealAppsValid(t *testing.T) {
	corpus := needs.Folder(t, "SFAUTH_CORPUS")
	type real struct {
		file string
		app  metadata.App
	}
	var apps []real
	var files []string
	err := filepath.WalkDir(corpus, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() == "MANIFEST.tsv" || strings.HasSuffix(name, ".settings") {
			return err
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		app, err := metadata.ParseFile("App_"+d.Name(), data) // a name may not begin with a digit
		if err != nil {
			return err
		}
		apps, files = append(apps, real{name, app}), append(files, name)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	before, _ := validate(t, files)
	origin, merged := map[string]string{}, []string(nil)
	for _, r := range apps {
		if !before[r.file] {
			continue // of another version of the API
		}
		spec := fullcast.ExternalClientApp(fullcast.Production, "")
		if r.app.Kind == metadata.KindConnectedApp {
			spec = fullcast.ConnectedApp(fullcast.Production, "")
		}
		spec.APIName = r.app.Name // the one thing that no merge changes
		app := spec.Merge(r.app)
		if d := policy.Diff(app, spec.Merge(app)); len(d) > 0 || app.Spec().Name != spec.Name {
			t.Errorf("%s: not merged: %v", r.file, d)
		}
		all, err := app.Files()
		if err != nil {
			t.Errorf("%s: %v", r.file, err)
			continue
		}
		dir := t.TempDir()
		writeFiles(t, dir, all)
		for _, f := range all {
			name := filepath.Join(dir, filepath.FromSlash(f.Name))
			origin[name], merged = r.file, append(merged, name)
		}
	}
	after, said := validate(t, merged)
	for name, file := range origin {
		if !after[name] {
			t.Errorf("%s: merged, %s is not valid", file, filepath.Base(name))
		}
	}
	if t.Failed() {
		t.Log(said)
	}
	t.Logf("%d real files, %d valid before; merged into %d files, %d valid", len(files), len(before), len(merged), len(after))
}
