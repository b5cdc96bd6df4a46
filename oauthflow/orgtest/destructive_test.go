package orgtest_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

// deletion is a package that adds nothing and holds deletion manifests.
func deletion(t *testing.T, manifests map[string]string) []byte {
	t.Helper()
	return pack(t, manifests, "<Package "+metadataXML+"><version>66.0</version></Package>")
}

// deleting is a deletion manifest of members, each "type name".
func deleting(list ...string) string {
	text := "<Package " + metadataXML + ">"
	for _, one := range list {
		typ, name, _ := strings.Cut(one, " ")
		text += "<types><members>" + name + "</members><name>" + typ + "</name></types>"
	}
	return text + "</Package>"
}

const demoECA = "ExternalClientApplication Demo"

// withManifests is the demo app as a package, with deletion manifests beside it.
func withManifests(t *testing.T, manifests map[string]string) []byte {
	t.Helper()
	files := demoApp()
	maps.Copy(files, manifests)
	text := "<Package " + metadataXML + ">"
	for _, typ := range []string{"ExternalClientApplication", "ExtlClntAppOauthSettings", "ExtlClntAppGlobalOauthSettings",
		"ExtlClntAppOauthConfigurablePolicies", "ExtlClntAppConfigurablePolicies"} {
		text += "<types><members>*</members><name>" + typ + "</name></types>"
	}
	return pack(t, files, text+"<version>66.0</version></Package>")
}

func TestDeletionsRunBeforeOrAfterTheAdditionsAsTheManifestIsNamed(t *testing.T) {
	for _, c := range []struct {
		manifest string
		there    bool
	}{
		{"destructiveChangesPre.xml", true}, {"destructiveChanges.xml", true}, {"destructiveChangesPost.xml", false},
	} {
		t.Run(c.manifest, func(t *testing.T) {
			w := withDemo(t, orgtest.Config{})
			key, _ := w.credentials("Demo")
			_, refresh := w.connect()
			form := w.refreshForm(refresh)
			out := w.deploy(withManifests(t, map[string]string{c.manifest: deleting(demoECA)}), "")
			if out.Status != "Succeeded" {
				t.Fatalf("got %+v", out)
			}
			again, _, err := w.org.Credentials("Demo")
			if (err == nil) != c.there {
				t.Errorf("the app is there: %v, want %v", err == nil, c.there)
			}
			if again == key {
				t.Error("what was deleted and comes again is another app, with another consumer key")
			}
			if a := w.send(form); a.field("error") != "app_not_found" {
				t.Errorf("a refresh token of the app that was deleted: %d %s", a.status, a.body)
			}
		})
	}
}

func TestWhatBelongsToADeletedAppMayBeListedWithIt(t *testing.T) {
	list := []string{demoECA, "ExtlClntAppOauthSettings Demo_oauth", "ExtlClntAppGlobalOauthSettings Demo_glbloauth",
		"ExtlClntAppOauthConfigurablePolicies Demo_oauthPlcy", "ExtlClntAppConfigurablePolicies Demo_plcy"}
	reversed := slices.Clone(list)
	slices.Reverse(reversed)
	for _, list := range [][]string{list, reversed} {
		w := withDemo(t, orgtest.Config{})
		out := w.deploy(deletion(t, map[string]string{"destructiveChanges.xml": deleting(list...)}), "")
		if out.Status != "Succeeded" || len(out.Details.ComponentSuccesses) != len(list) {
			t.Fatalf("%v: got %+v", list, out)
		}
		for _, s := range out.Details.ComponentSuccesses {
			if !s.Deleted || s.Problem != "" {
				t.Errorf("%+v", s)
			}
		}
		if _, _, err := w.org.Credentials("Demo"); err == nil {
			t.Error("the app is still there")
		}
	}
}

func TestAComponentThatIsNotThereIsAWarningOfItsDeletion(t *testing.T) {
	manifests := map[string]string{"destructiveChangesPost.xml": deleting("ExternalClientApplication Nobody", demoECA)}
	for _, c := range []struct {
		name, options, status string
		sandbox, success      bool
	}{
		{"warnings are ignored", `,"ignoreWarnings":true`, "Succeeded", false, true},
		{"warnings are not ignored", "", "Failed", false, false},
		{"warnings are not ignored and nothing is rolled back", `,"rollbackOnError":false`, "SucceededPartial", true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := withDemo(t, orgtest.Config{Sandbox: c.sandbox})
			out := w.deploy(deletion(t, manifests), c.options)
			if out.Status != c.status {
				t.Fatalf("got %+v", out)
			}
			list := out.Details.ComponentFailures
			if c.success {
				list = out.Details.ComponentSuccesses
			}
			i := slices.IndexFunc(list, func(m message) bool { return m.Problem == "No ExternalClientApplication named: Nobody found" })
			if i < 0 || list[i].ProblemType != "Warning" || list[i].Success != c.success || list[i].Deleted || list[i].FileName != "destructiveChangesPost.xml" {
				t.Errorf("got %+v", out.Details)
			}
			if _, _, err := w.org.Credentials("Demo"); (err != nil) != (c.status != "Failed") {
				t.Errorf("the rest is deleted with status %s: %v", c.status, err)
			}
		})
	}
}

func TestADeletionThatCannotBeIsAnErrorWithItsName(t *testing.T) {
	for _, c := range []struct{ name, entry, problem string }{
		{"an unknown type", "ApexKlass Foo", "Unknown type name 'ApexKlass' specified in destructiveChanges.xml"},
		{"a wildcard", "ExternalClientApplication *", "Wildcards aren't supported in destructiveChanges.xml: ExternalClientApplication *"},
		{"settings of the org", "Settings OauthOidc", "not simulated: deleting Settings OauthOidc"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := withDemo(t, orgtest.Config{})
			out := w.deploy(deletion(t, map[string]string{"destructiveChanges.xml": deleting(c.entry, demoECA)}), `,"ignoreWarnings":true`)
			if f := out.Details.ComponentFailures; out.Status != "Failed" || len(f) != 1 || f[0].Problem != c.problem || f[0].ProblemType != "Error" ||
				f[0].FileName != "destructiveChanges.xml" {
				t.Errorf("got %+v", out)
			}
			w.credentials("Demo")
		})
	}
	w := withDemo(t, orgtest.Config{})
	a := w.soap("66.0", "<deleteMetadata><type>OauthOidcSettings</type><fullNames>OauthOidc</fullNames></deleteMetadata>")
	if !strings.Contains(a.body, "not simulated: deleting Settings OauthOidc") {
		t.Errorf("got %s", a.body)
	}
}
