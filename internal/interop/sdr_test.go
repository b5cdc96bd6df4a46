package interop_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/internal/needs"
	"github.com/fullcast/sfauth/metadata"
)

// product are the apps of Fullcast's instructions: both kinds for both instances.
func product() map[string]metadata.AppSpec {
	specs := map[string]metadata.AppSpec{}
	for _, site := range []fullcast.Site{fullcast.Production, fullcast.PreProduction} {
		specs["external client app for "+string(site)] = fullcast.ExternalClientApp(site, "admin@acme.example")
		specs["connected app for "+string(site)] = fullcast.ConnectedApp(site, "admin@acme.example")
	}
	return specs
}

// resolved is what Salesforce's tooling takes a file for.
type resolved struct{ Type, FullName, File string }

// sighting is what it sees in a source tree and in a zip.
type sighting struct{ Tree, Zip []resolved }

// conversion is what Salesforce's tooling does with one app's source tree and zip, and what it made of them.
type conversion struct {
	Source  string `json:"source"`
	Zip     string `json:"zip"`
	Out     string `json:"out"`
	Version string `json:"version"`

	saw sighting
}

func convert(t *testing.T, all []*conversion) {
	t.Helper()
	settings, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	cmd := nodeCommand(t, "sdr.mjs", string(settings))
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir(), "SF_DISABLE_LOG_FILE=true", "SF_DISABLE_TELEMETRY=true")
	var log transcript
	cmd.Stderr = &log
	answer, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, log.String())
	}
	var saw []sighting
	if err := json.Unmarshal(answer, &saw); err != nil || len(saw) != len(all) {
		t.Fatalf("%d answers, %v: %s", len(saw), err, answer)
	}
	for i, c := range all {
		c.saw = saw[i]
	}
}

func writeFiles(t *testing.T, dir string, files []metadata.File) {
	t.Helper()
	for _, f := range files {
		name := filepath.Join(dir, filepath.FromSlash(f.Name))
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, f.Data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestSalesforcesOwnToolingConvertsOurFilesBothWaysByteForByte(t *testing.T) {
	type item struct {
		*conversion
		app            metadata.App
		source, packed []metadata.File
	}
	items := map[string]item{}
	var all []*conversion
	for name, spec := range product() {
		app := spec.New()
		source, err := app.Source()
		if err != nil {
			t.Fatal(err)
		}
		pkg, err := app.Package(66)
		if err != nil {
			t.Fatal(err)
		}
		zip, err := pkg.Zip()
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		c := &conversion{
			Source: filepath.Join(dir, "force-app"), Zip: filepath.Join(dir, "package.zip"), Out: filepath.Join(dir, "out"),
			Version: pkg.Version.String(),
		}
		writeFiles(t, c.Source, source)
		writeFiles(t, dir, []metadata.File{{Name: "package.zip", Data: zip}})
		files := slices.DeleteFunc(pkg.Files, func(f metadata.File) bool { return f.Name == "package.xml" })
		items[name], all = item{c, app, source, files}, append(all, c)
	}
	convert(t, all)
	for name, i := range items {
		t.Run(name, func(t *testing.T) {
			checkResolved(t, "the source tree", i.app, i.source, i.saw.Tree)
			checkResolved(t, "the package", i.app, i.packed, i.saw.Zip)
			checkFolder(t, i.Out, "package", i.packed) // what their converter packs is what we pack
			checkFolder(t, i.Out, "back", i.source)    // and what it unpacks from it is our source tree again
			checkFolder(t, i.Out, "source", i.source)  // as from our own zip
		})
	}
}

func TestSalesforcesOwnToolingConvertsRealFilesAsWeDo(t *testing.T) {
	corpus := needs.Folder(t, "SFAUTH_CORPUS")
	var source, packed []metadata.File
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
		pkg, err := app.Package(68)
		if err != nil { // what the schema requires is missing, or the version has it no more
			t.Logf("left out: %v", err)
			return nil
		}
		files, err := app.Source()
		if err != nil {
			return err
		}
		source, packed = append(source, files...), append(packed, pkg.Files[1:]...) // without package.xml
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	all := metadata.Package{Version: 68, Files: packed}
	zip, err := all.Zip()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	c := &conversion{
		Source: filepath.Join(dir, "force-app"), Zip: filepath.Join(dir, "package.zip"), Out: filepath.Join(dir, "out"),
		Version: all.Version.String(),
	}
	writeFiles(t, c.Source, source)
	writeFiles(t, dir, []metadata.File{{Name: "package.zip", Data: zip}})
	convert(t, []*conversion{c})
	if len(source) < 50 || len(c.saw.Tree) != len(source) || len(c.saw.Zip) != len(source) {
		t.Errorf("of %d components they see %d in the source tree and %d in the zip", len(source), len(c.saw.Tree), len(c.saw.Zip))
	}
	checkFolder(t, c.Out, "package", packed)
	checkFolder(t, c.Out, "back", source)
	checkFolder(t, c.Out, "source", source)
}

// checkResolved wants one component for each file, of the type and name that the app has for it.
func checkResolved(t *testing.T, of string, app metadata.App, files []metadata.File, saw []resolved) {
	t.Helper()
	want := map[string]string{"ConnectedApp": app.Name}
	if app.Kind == metadata.KindExternalClientApp {
		want = map[string]string{
			"ExternalClientApplication":            app.External.FullName,
			"ExtlClntAppOauthSettings":             app.OAuthSettings.FullName,
			"ExtlClntAppGlobalOauthSettings":       app.GlobalOAuthSettings.FullName,
			"ExtlClntAppOauthConfigurablePolicies": app.OAuthPolicies.FullName,
			"ExtlClntAppConfigurablePolicies":      app.Policies.FullName,
		}
	}
	got := map[string]string{}
	for _, r := range saw {
		got[r.Type] = r.FullName
		if !slices.ContainsFunc(files, func(f metadata.File) bool { return f.Name == r.File }) {
			t.Errorf("%s: they found %s in %s, where there is none", of, r.Type, r.File)
		}
	}
	if len(saw) != len(files) || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s: they see %d components %v, want %v", of, len(saw), got, want)
	}
}

// checkFolder wants the files in a folder, byte for byte, wherever the folder's default package directory begins, and no
// others but package.xml.
func checkFolder(t *testing.T, dir, folder string, want []metadata.File) {
	t.Helper()
	out := os.DirFS(dir)
	left := map[string][]byte{}
	for _, f := range want {
		left[f.Name] = f.Data
	}
	err := fs.WalkDir(out, folder, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Base(name) == "package.xml" {
			return err
		}
		data, err := fs.ReadFile(out, name)
		if err != nil {
			return err
		}
		below := strings.TrimPrefix(strings.TrimPrefix(name, folder+"/"), "main/default/")
		ours, ok := left[below]
		if !ok {
			t.Errorf("%s: they wrote %s, which we do not", folder, below)
		} else if string(ours) != string(data) {
			t.Errorf("%s: %s differs; theirs:\n%s\nours:\n%s", folder, below, data, ours)
		}
		delete(left, below)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for name := range left {
		t.Errorf("%s: they did not write %s", folder, name)
	}
}
