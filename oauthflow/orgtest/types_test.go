package orgtest_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

// A type of Salesforce's that this org does not keep is not the same as one that nobody has.
func TestATypeThatIsNotSimulatedIsToldFromAnUnknownOne(t *testing.T) {
	manifest := func(typ, name string) string {
		return "<Package " + metadataXML + "><types><members>" + name + "</members><name>" + typ + "</name></types><version>66.0</version></Package>"
	}
	for _, c := range []struct{ typ, name, text string }{
		{"ApexClass", "Foo", "not simulated: the type ApexClass"},
		{"Profile", "Admin", "not simulated: the type Profile"},
		{"Settings", "Sharing", "not simulated: Settings Sharing"},
		{"ApexKlass", "Foo", "Unknown type name 'ApexKlass' specified in "},
	} {
		w := withDemo(t, orgtest.Config{})
		for file, zip := range map[string][]byte{
			"package.xml":            pack(t, nil, manifest(c.typ, c.name)),
			"destructiveChanges.xml": deletion(t, map[string]string{"destructiveChanges.xml": deleting(c.typ + " " + c.name)}),
		} {
			out := w.deploy(zip, `,"ignoreWarnings":true`)
			if f := out.Details.ComponentFailures; out.Status != "Failed" || len(f) != 1 || !strings.HasPrefix(f[0].Problem, c.text) || f[0].FileName != file ||
				f[0].ComponentType != c.typ || f[0].FullName != c.name {
				t.Errorf("%s %s in %s: %+v", c.typ, c.name, file, out)
			}
		}
		simulated := !strings.HasPrefix(c.text, "not simulated: ")
		for _, call := range []string{
			"<retrieve><request><apiVersion>66.0</apiVersion><unpackaged><types><members>" + c.name + "</members><name>" + c.typ + "</name></types></unpackaged></request></retrieve>",
			"<listMetadata><queries><type>" + c.typ + "</type></queries></listMetadata>",
			"<readMetadata><type>" + c.typ + "</type><fullNames>" + c.name + "</fullNames></readMetadata>",
			"<deleteMetadata><type>" + c.typ + "</type><fullNames>" + c.name + "</fullNames></deleteMetadata>",
		} {
			if c.typ == "Settings" && !strings.HasPrefix(call, "<retrieve>") {
				continue // is listed, and cannot be read or deleted by this name
			}
			if a := w.soap("66.0", call); strings.Contains(a.body, c.text) == simulated || !simulated && a.status != http.StatusInternalServerError {
				t.Errorf("%s: %d %s", call, a.status, a.body)
			}
		}
	}
	w := withDemo(t, orgtest.Config{})
	const canvas = "<types><members>%s</members><name>ExtlClntAppCanvasSettings</name></types>"
	for name, want := range map[string]string{"*": "", "Demo_canvas": "Entity of type 'ExtlClntAppCanvasSettings' named 'Demo_canvas' cannot be found"} {
		id := between(w.soap("66.0", "<retrieve><request><apiVersion>66.0</apiVersion><unpackaged>"+fmt.Sprintf(canvas, name)+"</unpackaged></request></retrieve>"), "id")
		if a := w.soap("66.0", "<checkRetrieveStatus><asyncProcessId>"+id+"</asyncProcessId></checkRetrieveStatus>"); between(a, "problem") != want || !strings.Contains(a.body, "<success>true</success>") {
			t.Errorf("%s of a type that no app here has: %s", name, a.body)
		}
	}
	if a := w.soap("66.0", "<listMetadata><queries><type>ExtlClntAppCanvasSettings</type></queries></listMetadata>"); a.status != http.StatusOK || strings.Contains(a.body, "<result>") {
		t.Errorf("a list of such a type: %d %s", a.status, a.body)
	}
	files := map[string]string{"classes/Foo.cls": "class Foo {}"}
	out := withDemo(t, orgtest.Config{}).deploy(pack(t, files, "<Package "+metadataXML+"><version>66.0</version></Package>"), "")
	if f := out.Details.ComponentFailures; len(f) != 1 || f[0].Problem != "not simulated: the file classes/Foo.cls" || f[0].FullName != "classes/Foo.cls" {
		t.Errorf("a file of such a type: %+v", out)
	}
}

func TestAValidatedDeployIsDeployedWithinTenDays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := empty(t, orgtest.Config{})
		w.deploy(archive(t, "66.0", demoApp()), `,"checkOnly":true`)
		id := w.last
		time.Sleep(10*24*time.Hour + time.Second)
		if a := w.rest("POST", "/metadata/deployRequest", `{"validatedDeployRequestId":"`+id+`"}`); a.status != http.StatusBadRequest {
			t.Errorf("after ten days: %d %s", a.status, a.body)
		}
		w.deploy(archive(t, "66.0", demoApp()), `,"checkOnly":true`)
		time.Sleep(10 * 24 * time.Hour)
		if a := w.rest("POST", "/metadata/deployRequest", `{"validatedDeployRequestId":"`+w.last+`"}`); a.status != http.StatusCreated {
			t.Errorf("at ten days: %d %s", a.status, a.body)
		}
	})
}

// FuzzQuery looks for a query that the reader of SOQL cannot cope with.
func FuzzQuery(f *testing.F) {
	for _, seed := range []string{"", "SELECT Id FROM Account", "select count() from Account where Name like 'a\\%' and (not Name in ('x', null))",
		"SELECT Name FROM Account WHERE Name = '\\u00e9' ORDER BY Name DESC NULLS LAST LIMIT 1 OFFSET 2", "SELECT Id FROM Account WHERE Id = 'x", "SELECT (", "'\\"} {
		f.Add(seed)
	}
	org, err := orgtest.New(orgtest.Config{})
	if err != nil {
		f.Fatal(err)
	}
	instance, token := org.AdminSession()
	f.Fuzz(func(t *testing.T, query string) {
		w := &wire{t: t, org: org, http: &http.Client{Transport: org.RoundTripper()}, host: instance}
		if a := w.ask(token, "query", query); a.status != http.StatusOK && a.status != http.StatusBadRequest {
			t.Errorf("%q: %d %s", query, a.status, a.body)
		}
	})
}
