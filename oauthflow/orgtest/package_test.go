package orgtest_test

import (
	"archive/zip"
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

func TestAZipThatCannotBeReadFailsAsAWhole(t *testing.T) {
	out := empty(t, orgtest.Config{}).deploy([]byte("x"), "")
	if out.Status != "Failed" || !out.Done || !strings.Contains(out.ErrorMessage, "The zip file is not readable") {
		t.Errorf("got %+v", out)
	}
}

func TestAManifestThatCannotBeUsedIsAFailureOfThatComponent(t *testing.T) {
	manifest := func(text string) []byte { return pack(t, nil, text) }
	for _, c := range []struct {
		name, file, want string
		zip              []byte
	}{
		{"no package.xml at the top", "package.xml", "No package.xml found", folderZip(t)},
		{"broken package.xml", "package.xml", "Error parsing file: ", manifest("<Package")},
		{"package.xml of another namespace", "package.xml", "Element {}Package invalid at this location", manifest("<Package><version>66.0</version></Package>")},
		{"a version the org does not serve", "package.xml", "Invalid version specified:99.0", manifest("<Package " + metadataXML + "><version>99.0</version></Package>")},
		{"a package with a name", "package.xml", "not simulated: fullName", manifest("<Package " + metadataXML + "><fullName>P</fullName><version>66.0</version></Package>")},
		{"a broken deletion manifest", "destructiveChangesPre.xml", "Error parsing file: ", deletion(t, map[string]string{"destructiveChangesPre.xml": "<Package"})},
		{"a deletion manifest of another root", "destructiveChanges.xml", "Element {}Packet invalid at this location", deletion(t, map[string]string{"destructiveChanges.xml": "<Packet/>"})},
	} {
		t.Run(c.name, func(t *testing.T) {
			out := empty(t, orgtest.Config{}).deploy(c.zip, "")
			if f := out.Details.ComponentFailures; out.Status != "Failed" || !out.Done || out.ErrorMessage != "" || len(f) != 1 ||
				f[0].FullName != c.file || f[0].FileName != c.file || f[0].ComponentType != "" || !strings.HasPrefix(f[0].Problem, c.want) {
				t.Errorf("got %+v", out)
			}
		})
	}
}

func TestOnlyOnePackageIsDeployedAtATime(t *testing.T) {
	empty := "<Package " + metadataXML + "><version>66.0</version></Package>"
	zip := pack(t, map[string]string{"a/package.xml": empty, "b/package.xml": empty}, empty)
	out := withDemo(t, orgtest.Config{}).deploy(zip, `,"singlePackage":false`)
	if f := out.Details.ComponentFailures; out.Status != "Failed" || len(f) != 1 || f[0].Problem != "not simulated: more than one package" {
		t.Errorf("got %+v", out)
	}
}

// folderZip holds the demo app in a folder, which is the layout without singlePackage.
func folderZip(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	out := zip.NewWriter(&b)
	if _, err := out.Create("pkg/"); err != nil {
		t.Fatal(err)
	}
	flat := archive(t, "66.0", demoApp())
	in, err := zip.NewReader(bytes.NewReader(flat), int64(len(flat)))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range in.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		w, err := out.Create("pkg/" + f.Name) // with its folder as an entry of its own, as many zip tools write it
		if err == nil {
			_, err = io.Copy(w, r)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	out.Close()
	return b.Bytes()
}

func TestWithoutSinglePackageTheFilesLieInAFolder(t *testing.T) {
	w := empty(t, orgtest.Config{})
	if out := w.deploy(folderZip(t), `,"singlePackage":false`); out.Status != "Succeeded" {
		t.Errorf("got %+v", out)
	}
}

func TestManifestAndFilesMustAgree(t *testing.T) {
	const types = `<types><members>Demo</members><name>ExternalClientApplication</name></types>`
	eca := map[string]string{"externalClientApps/Demo.eca": demoApp()["externalClientApps/Demo.eca"]}
	for _, c := range []struct {
		name, manifest, want string
		files                map[string]string
	}{
		{"a name without a file", types, "An object 'Demo' of type ExternalClientApplication was named in package.xml, but was not found in zipped directory", nil},
		{"a file without a name", "", "is in the zip but its component is not in package.xml", eca},
		{"an unknown type", `<types><members>X</members><name>ApexKlass</name></types>`, "Unknown type name 'ApexKlass'", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			out := empty(t, orgtest.Config{}).deploy(pack(t, c.files, "<Package "+metadataXML+">"+c.manifest+"<version>66.0</version></Package>"), "")
			if f := out.Details.ComponentFailures; out.Status != "Failed" || len(f) != 1 || !strings.Contains(f[0].Problem, c.want) {
				t.Errorf("got %+v", out)
			}
		})
	}
	w := empty(t, orgtest.Config{})
	out := w.deploy(pack(t, eca, "<Package "+metadataXML+"><types><members>*</members><name>ExternalClientApplication</name></types><version>66.0</version></Package>"), "")
	if out.Status != "Succeeded" {
		t.Errorf("a wildcard names every file: %+v", out)
	}
}
