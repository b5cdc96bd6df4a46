package main

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/policy"
)

const switches = `<?xml version="1.0" encoding="UTF-8"?>
<OauthOidcSettings xmlns="http://soap.sforce.com/2006/04/metadata">
    <oAuthCdCrdtFlowEnable>false</oAuthCdCrdtFlowEnable>
</OauthOidcSettings>`

// places are where the one finding about the org's switches points, in the forms that tell it, and what the program says besides.
func places(t *testing.T, args ...string) (sarif, file, stderr string) {
	t.Helper()
	args = append([]string{"-rules", "prerequisites"}, args...)
	got := check(t, "", append(args, "-format", "sarif")...)
	var log struct {
		Runs []struct {
			Results []struct {
				Kind      string
				Locations []struct {
					PhysicalLocation *struct{ ArtifactLocation struct{ URI string } }
				}
			}
		}
	}
	if err := json.Unmarshal([]byte(got.stdout), &log); err != nil {
		t.Fatalf("%v: %+v", err, got)
	}
	for _, r := range log.Runs[0].Results {
		if r.Kind == "fail" {
			sarif += r.Locations[0].PhysicalLocation.ArtifactLocation.URI
		}
	}
	var reports struct{ Reports []policy.Report }
	if err := json.Unmarshal([]byte(check(t, "", append(args, "-format", "json")...).stdout), &reports); err != nil {
		t.Fatal(err)
	}
	for _, f := range reports.Reports[0].Findings {
		file += f.File
	}
	return sarif, file, got.stderr
}

func TestAFindingAboutTheOrgsSwitchesNamesTheirFileAsAPersonFindsIt(t *testing.T) {
	project(t, external(fullcast.Production))
	name := source + "/settings/OauthOidc.settings-meta.xml"
	put(t, name, switches)
	for _, path := range []string{".", "force-app", source} {
		if sarif, file, stderr := places(t, path); sarif != name || file != name || stderr != "" {
			t.Errorf("%s: SARIF names %q, JSON %q, want %q; %s", path, sarif, file, name, stderr)
		}
	}
	if sarif, file, _ := places(t, header, name); sarif != name || file != name {
		t.Errorf("named alone: %q, %q", sarif, file)
	}
	check(t, "", "-rules", "prerequisites", ".").want(t, 0, "where "+name+":3", "")

	pkg, err := external(fullcast.Production).New().Package(66)
	if err != nil {
		t.Fatal(err)
	}
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	for _, f := range pkg.Files {
		addTo(t, w, f.Name, string(f.Data))
	}
	addTo(t, w, "settings/OauthOidc.settings", switches)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	put(t, "there/app.zip", buf.String())
	if _, file, _ := places(t, "there/app.zip"); file != "there/app.zip/settings/OauthOidc.settings" {
		t.Errorf("in a zip: %q", file)
	}
}

func addTo(t *testing.T, w *zip.Writer, name, text string) {
	t.Helper()
	f, err := w.Create(name)
	if err == nil {
		_, err = f.Write([]byte(text))
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestSwitchesOfTwoOrgsInOneTreeAreJudgedByNeitherAndTheAppsAre(t *testing.T) {
	project(t, external(fullcast.Production))
	withoutPKCE(t)
	put(t, "force-app/dev/settings/OauthOidc.settings-meta.xml", switches)
	put(t, "force-app/prod/settings/OauthOidc.settings-meta.xml", strings.Replace(switches, ">false<", ">true<", 1))
	got := check(t, "", ".")
	got.want(t, 1, "error: Require Proof Key", "")
	if got.stderr != "" {
		t.Errorf("nobody asked for the switches: %s", got.stderr)
	}
	got = check(t, "", "-rules", "prerequisites", ".")
	got.want(t, 0, "Allow Authorization Code and Credentials Flows, should be selected: ",
		"appcheck: force-app/dev/settings/OauthOidc.settings-meta.xml and force-app/prod/settings/OauthOidc.settings-meta.xml are the same settings of two orgs; neither is judged: name the files of one org\n")

	put(t, "force-app/prod/settings/OauthOidc.settings-meta.xml", switches) // the same in both
	if sarif, _, stderr := places(t, "."); sarif != "force-app/dev/settings/OauthOidc.settings-meta.xml" || stderr != "" {
		t.Errorf("equal files: %q; %s", sarif, stderr)
	}
}

func TestAPathOutsideTheWorkingDirectoryIsAWholeURIInSARIF(t *testing.T) {
	project(t, external(fullcast.Production))
	name := mustGetwd(t) + "/" + source + "/settings/OauthOidc.settings-meta.xml"
	put(t, name, switches)
	tree := mustGetwd(t)
	t.Chdir(t.TempDir())
	if sarif, file, _ := places(t, tree); sarif != "file://"+name || file != name {
		t.Errorf("SARIF names %q, JSON %q", sarif, file)
	}
}
