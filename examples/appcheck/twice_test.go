package main

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/policy"
)

// A tree often holds an app twice: in two package directories, or as a copy.
func TestAnAppThatIsTwiceInATreeRefusesNoOtherAndIsJudgedTwice(t *testing.T) {
	project(t, external(fullcast.Production), connected())
	other := strings.Replace(get(t, source+"/connectedApps/Fullcast_Motion_Package.connectedApp-meta.xml"), "<isPkceRequired>false<", "<isPkceRequired>true<", 1)
	put(t, "force-app/copy/Fullcast_Motion_Package.connectedApp-meta.xml", other)
	const note = "appcheck: 1 file of a tree holds what an app there has already, and is judged as an app of its own: force-app/main/default/connectedApps/Fullcast_Motion_Package.connectedApp-meta.xml\n"
	check(t, "", "-app", "Fullcast", ".").want(t, 0, "Fullcast (external client app): 0 findings, ", note)

	got := check(t, "", "-app", "Fullcast_Motion_Package", "-format", "json", ".")
	got.want(t, 0, "", note)
	var log struct{ Reports []policy.Report }
	if err := json.Unmarshal([]byte(got.stdout), &log); err != nil || len(log.Reports) != 2 {
		t.Fatalf("%d reports, %v", len(log.Reports), err)
	}
	findings := 0
	for _, r := range log.Reports {
		for _, f := range r.Findings {
			findings++
			if f.Rule != "baseline-require-pkce" || f.File != "force-app/main/default/connectedApps/Fullcast_Motion_Package.connectedApp-meta.xml" && f.File != "force-app/copy/Fullcast_Motion_Package.connectedApp-meta.xml" {
				t.Errorf("%+v", f)
			}
		}
	}
	if findings != 1 {
		t.Errorf("%d findings", findings)
	}
}

func TestAnAppThatIsTwiceInAZipIsJudgedTwice(t *testing.T) {
	project(t, connected())
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	for _, folder := range []string{"a", "b"} {
		addTo(t, w, folder+"/Fullcast_Motion_Package.connectedApp", get(t, source+"/connectedApps/Fullcast_Motion_Package.connectedApp-meta.xml"))
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	put(t, "two.zip", buf.String())
	check(t, "", "two.zip").want(t, 0, "2 apps: 0 findings, ", "two.zip/b/Fullcast_Motion_Package.connectedApp\n")
}

func TestACopyOfAWholeAppIsOneOtherApp(t *testing.T) {
	project(t, external(fullcast.Production))
	files, err := filepath.Glob(source + "/*/*")
	if err != nil || len(files) != 5 {
		t.Fatal(files, err)
	}
	for _, name := range files {
		put(t, strings.Replace(name, source, "force-app/copy", 1), get(t, name))
	}
	got := check(t, "", "-format", "json", ".")
	got.want(t, 0, "", "appcheck: 5 files of a tree hold what an app there has already, and are judged as an app of their own: ")
	var log struct{ Reports []policy.Report }
	if err := json.Unmarshal([]byte(got.stdout), &log); err != nil || len(log.Reports) != 2 || len(log.Reports[0].NotVisible)+len(log.Reports[1].NotVisible) > 0 {
		t.Errorf("%+v, %v", log, err)
	}
	if err := os.WriteFile("force-app/copy/x.eca", []byte("<x"), 0o600); err != nil {
		t.Fatal(err)
	}
	check(t, "", ".").want(t, 2, "", "metadata: parse force-app/copy/x.eca:1")
}

func TestTheSecondAppHasTheVersionOfItsTreeAndEveryPathIsTold(t *testing.T) {
	project(t, connected())
	name := source + "/connectedApps/Fullcast_Motion_Package.connectedApp-meta.xml"
	edit(t, name, "        <isPkceRequired>false</isPkceRequired>\n", "") // its default is right where the version is known
	put(t, "force-app/copy/Fullcast_Motion_Package.connectedApp-meta.xml", get(t, name))
	got := check(t, "", "force-app", "force-app")
	got.want(t, 0, "Fullcast_Motion_Package (connected app): 0 findings, ", "appcheck: 2 files of a tree hold what an app there has already")
	if strings.Contains(got.stdout, "\n  Require Proof Key") {
		t.Errorf("PKCE was not seen:\n%s", got.stdout)
	}
}
