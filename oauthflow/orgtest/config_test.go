package orgtest_test

import (
	"strings"
	"testing"

	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

func TestNewNamesEveryFieldThatCannotBeUsed(t *testing.T) {
	_, err := orgtest.New(orgtest.Config{
		MyDomain: "Acme.Corp", SessionTimeout: -1, ApprovalLimit: -1,
		Users: []orgtest.User{{Username: "nobody"}, {Username: "a@b.example"}, {Username: "a@b.example"}},
	})
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{"MyDomain", "SessionTimeout", "ApprovalLimit", "Users[0]", "Users[2]"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not name %s", err, want)
		}
	}
}

func TestNewRefusesMetadataItCannotRead(t *testing.T) {
	for _, c := range []struct{ name, path, text, want string }{
		{"an unknown place", "classes/X.cls", "x", "not the path of a metadata type"},
		{"no XML", "connectedApps/X.connectedApp", "x", "premature end of file"},
		{"a missing element", "connectedApps/X.connectedApp", `<ConnectedApp ` + metadataXML + `><label>X</label></ConnectedApp>`, "Required field is missing: contactEmail"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := orgtest.New(orgtest.Config{Existing: map[string]string{c.path: c.text}})
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), c.path) {
				t.Errorf("got %v, want the path and %q", err, c.want)
			}
		})
	}
}

func TestAPackageIsTakenOverWithItsManifest(t *testing.T) {
	existing := demoApp()
	existing["package.xml"] = `<Package ` + metadataXML + `><version>66.0</version></Package>`
	org, err := orgtest.New(orgtest.Config{Existing: existing})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := org.Credentials("Demo"); err != nil {
		t.Error(err)
	}
}

func TestTwoOrgsDifferAndBearNoRealID(t *testing.T) {
	a, b := withDemo(t, orgtest.Config{}).org.ID(), withDemo(t, orgtest.Config{}).org.ID()
	if a == b || len(a) != 18 || !strings.HasPrefix(a, "00DTEST") {
		t.Errorf("ids %s and %s", a, b)
	}
}
