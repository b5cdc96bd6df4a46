package main

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/policy"
)

type result struct {
	code           int
	stdout, stderr string
}

// check runs the program where nothing names an org, with what a person types.
func check(t *testing.T, typed string, args ...string) result {
	t.Helper()
	return checkWith(t, nil, refuse{t}, typed, args...)
}

func checkWith(t *testing.T, env map[string]string, transport http.RoundTripper, typed string, args ...string) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), args, func(name string) string { return env[name] }, strings.NewReader(typed), &stdout, &stderr, transport)
	return result{code, stdout.String(), stderr.String()}
}

func (r result) want(t *testing.T, code int, stdout, stderr string) {
	t.Helper()
	if r.code != code || !strings.Contains(r.stdout, stdout) || !strings.Contains(r.stderr, stderr) {
		t.Errorf("got status %d, want %d\nstdout, want %q:\n%s\nstderr, want %q:\n%s", r.code, code, stdout, r.stdout, stderr, r.stderr)
	}
}

// refuse is a network that nobody may use.
type refuse struct{ t *testing.T }

func (r refuse) RoundTrip(req *http.Request) (*http.Response, error) {
	r.t.Errorf("a request to %s", req.URL.Host)
	return nil, fs.ErrInvalid
}

func external(site fullcast.Site) metadata.AppSpec {
	return fullcast.ExternalClientApp(site, "admin@acme.example")
}

func connected() metadata.AppSpec {
	return fullcast.ConnectedApp(fullcast.Production, "admin@acme.example")
}

// project writes apps as a Salesforce DX project of API version 66 into a new working directory.
func project(t *testing.T, specs ...metadata.AppSpec) {
	t.Helper()
	t.Chdir(t.TempDir())
	put(t, "sfdx-project.json", `{"packageDirectories": [{"path": "force-app"}], "sourceApiVersion": "66.0"}`)
	for _, spec := range specs {
		files, err := spec.New().Source()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			put(t, filepath.Join("force-app/main/default", f.Name), string(f.Data))
		}
	}
}

const (
	source   = "force-app/main/default"
	header   = source + "/externalClientApps/Fullcast.eca-meta.xml"
	global   = source + "/extlClntAppGlobalOauthSets/Fullcast_glbloauth.ecaGlblOauth-meta.xml"
	policies = source + "/extlClntAppOauthPolicies/Fullcast_oauthPlcy.ecaOauthPlcy-meta.xml"
)

func put(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func get(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// edit replaces a text that must stand in the file exactly once.
func edit(t *testing.T, name, old, new string) {
	t.Helper()
	text := get(t, name)
	if strings.Count(text, old) != 1 {
		t.Fatalf("%q stands %d times in %s", old, strings.Count(text, old), name)
	}
	put(t, name, strings.Replace(text, old, new, 1))
}

func withoutPKCE(t *testing.T) {
	t.Helper()
	edit(t, global, "<isPkceRequired>true<", "<isPkceRequired>false<")
}

func TestAnAppAsTheInstructionsSayHasNoFindings(t *testing.T) {
	for _, spec := range []metadata.AppSpec{external(fullcast.Production), connected()} {
		project(t, spec)
		check(t, "", "force-app").want(t, 0, spec.APIName+" (", "")
		check(t, "", "force-app").want(t, 0, ": 0 findings, ", "")
	}
	project(t, external(fullcast.PreProduction))
	check(t, "", "-site", "pre-production", ".").want(t, 0, ": 0 findings, ", "")
	check(t, "", ".").want(t, 1, "Callback URL", "")
}

func TestAFindingSaysWhatWhyAndWhereAndIsStatusOne(t *testing.T) {
	project(t, external(fullcast.Production))
	withoutPKCE(t)
	for _, path := range []string{".", "force-app", global} {
		got := check(t, "", path)
		got.want(t, 1, "error: Require Proof Key for Code Exchange", "")
		got.want(t, 1, "fix   Setup > ", "")
		got.want(t, 1, "where "+global+":", "")
	}
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	check(t, "", filepath.Join(here, "force-app")).want(t, 1, "where "+global+":", "")
}

func TestWarningsAndNotesAreNotStatusOne(t *testing.T) {
	project(t, external(fullcast.Production))
	edit(t, policies, "<permitted", "<isGuestCodeCredFlowEnabled>true</isGuestCodeCredFlowEnabled><permitted")
	check(t, "", "-rules", "hardening", ".").want(t, 0, "warning: ", "")
	put(t, source+"/settings/OauthOidc.settings-meta.xml", `<?xml version="1.0" encoding="UTF-8"?>
<OauthOidcSettings xmlns="http://soap.sforce.com/2006/04/metadata"><oAuthCdCrdtFlowEnable>false</oAuthCdCrdtFlowEnable></OauthOidcSettings>`)
	check(t, "", "-rules", "prerequisites", ".").want(t, 0, "note: ", "")
}

func TestSeveralRuleSetsMakeOneReport(t *testing.T) {
	project(t, external(fullcast.Production))
	ids := func(args ...string) (all []string) {
		var log struct {
			Runs []struct {
				Tool struct {
					Driver struct{ Rules []struct{ ID string } }
				}
			}
		}
		got := check(t, "", append(args, "-format", "sarif", ".")...)
		if err := json.Unmarshal([]byte(got.stdout), &log); err != nil {
			t.Fatalf("%v\n%+v", err, got)
		}
		for _, r := range log.Runs[0].Tool.Driver.Rules {
			all = append(all, r.ID)
		}
		return all
	}
	sum := len(ids()) + len(ids("-rules", "hardening")) + len(ids("-rules", "partner2026")) + len(ids("-rules", "prerequisites"))
	all := ids("-rules", "hardening,baseline", "-rules", "prerequisites", "-rules", "partner2026,baseline")
	if len(all) != sum || !strings.HasPrefix(all[0], "baseline-") {
		t.Errorf("got %d rules %q, want %d, the instructions' first", len(all), all, sum)
	}
}

func TestEveryFormIsWrittenAndOnlyATerminalGetsColour(t *testing.T) {
	project(t, external(fullcast.Production))
	withoutPKCE(t)
	for form, want := range map[string]string{
		"text": "error: Require", "markdown": "# ", "html": "<!DOCTYPE html>", "json": `"version": 1`, "sarif": `"uri":"` + global + `"`,
	} {
		got := check(t, "", "-format", form, ".")
		got.want(t, 1, want, "")
		if strings.Contains(got.stdout, "\x1b") {
			t.Errorf("%s: colour", form)
		}
	}
}

func TestFoldersFilesAndZipsOfOneAppAreThatApp(t *testing.T) {
	project(t, external(fullcast.Production))
	pkg, err := external(fullcast.Production).New().Package(66)
	if err != nil {
		t.Fatal(err)
	}
	data, err := pkg.Zip()
	if err != nil {
		t.Fatal(err)
	}
	put(t, "app.zip", string(data))
	folders, err := filepath.Glob(source + "/*")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(source + "/*/*")
	if err != nil || len(files) != 5 {
		t.Fatal(files, err)
	}
	whole := check(t, "", ".").stdout
	for name, paths := range map[string][]string{"folders": folders, "files": files, "a zip": {"app.zip"}, "a tree": {source}, "a part twice": {files[0], source}} {
		got := check(t, "", paths...)
		if name == "a part twice" {
			got.want(t, 0, "", "")
			if strings.Count(got.stdout, "Fullcast (external client app)") != 2 {
				t.Errorf("%s: want two apps, of which the first has a part alone:\n%s", name, got.stdout)
			}
			continue
		}
		if got.code != 0 || got.stdout != whole {
			t.Errorf("%s: got %d\n%s%s\nwant\n%s", name, got.code, got.stdout, got.stderr, whole)
		}
	}
}

// An absent element means Salesforce's default only where the API version is known.
func TestTheAPIVersionComesFromTheProjectThePackageOrTheZip(t *testing.T) {
	project(t, external(fullcast.Production))
	edit(t, global, "    <isPkceRequired>true</isPkceRequired>\n", "")
	seen := func(paths ...string) bool {
		t.Helper()
		return !strings.Contains(check(t, "", paths...).stdout, "\n  Require Proof Key")
	}
	if !seen("force-app") || !seen(global) {
		t.Error("the project's version was not seen")
	}
	put(t, "sfdx-project.json", "{}")
	if seen("force-app") {
		t.Error("a version out of nowhere")
	}
	manifest := `<Package xmlns="http://soap.sforce.com/2006/04/metadata"><version>66.0</version></Package>`
	for _, place := range []string{"force-app/package.xml", "force-app/main/package.xml"} {
		put(t, place, manifest)
		if !seen("force-app") {
			t.Errorf("the version of %s was not seen", place)
		}
		put(t, place, "no XML")
		if seen("force-app") {
			t.Errorf("a version out of nowhere")
		}
		if err := os.Remove(place); err != nil {
			t.Fatal(err)
		}
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, text := range map[string]string{"unpackaged/package.xml": manifest, "unpackaged/Fullcast_glbloauth.ecaGlblOauth": get(t, global)} {
		w, err := z.Create(name)
		if err == nil {
			_, err = w.Write([]byte(text))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	put(t, "retrieved.zip", b.String())
	if !seen("retrieved.zip") {
		t.Error("the zip's version was not seen")
	}
}

func TestOnlyTheAppsThatAreMeantAreJudged(t *testing.T) {
	other := external(fullcast.Production)
	other.Name, other.APIName, other.CallbackURLs = "Other", "Other", []string{"https://other.example/callback"}
	moved := external(fullcast.Production)
	moved.APIName = "Fullcast_2"
	project(t, external(fullcast.Production), connected(), other, moved)
	judged := func(args ...string) (all []string) {
		t.Helper()
		var got struct{ Reports []policy.Report }
		r := check(t, "", append(args, "-format", "json", ".")...)
		if err := json.Unmarshal([]byte(r.stdout), &got); err != nil {
			t.Fatalf("%v\n%+v", err, r)
		}
		for _, r := range got.Reports {
			all = append(all, r.App)
		}
		return all
	}
	for _, tt := range []struct {
		name string
		args []string
		want []string
	}{
		{"Fullcast's by name and by callback", nil, []string{"Fullcast", "Fullcast_2", "Fullcast_Motion_Package"}},
		{"one by its name", []string{"-app", "Other"}, []string{"Other"}},
		{"all", []string{"-app", "*"}, []string{"Fullcast", "Fullcast_2", "Fullcast_Motion_Package", "Other"}},
	} {
		got := judged(tt.args...)
		slices.Sort(got)
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
	project(t, other)
	check(t, "", ".").want(t, 1, "Other (external client app)", "")
}

func TestAnAppThatSetupMigratedIsRecognisedBesideTheOldOne(t *testing.T) {
	moved := external(fullcast.Production)
	moved.APIName = connected().APIName
	project(t, moved, connected())
	check(t, "", ".").want(t, 1, "Setup's migration seems to have made this app", "")
}

func TestAnAppThatSetupMigratedIsRecognisedByItsOldNameAlone(t *testing.T) {
	const recognised = "Setup's migration seems to have made this app"
	moved := external(fullcast.Production)
	moved.Name = connected().Name
	project(t, moved)
	check(t, "", ".").want(t, 1, recognised, "")
	project(t, external(fullcast.Production))
	if got := check(t, "", "."); strings.Contains(got.stdout, recognised) {
		t.Errorf("the app of the instructions passes for one that Setup migrated:\n%s", got.stdout)
	}
}
