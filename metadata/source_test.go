package metadata_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/fullcast/sfauth/metadata"
)

func TestSourceWritesATreeThatParsesToTheSameApp(t *testing.T) {
	list, err := externalSpec().New().Source()
	if err != nil {
		t.Fatal(err)
	}
	tree := fstest.MapFS{}
	var names []string
	for _, f := range list {
		names = append(names, f.Name)
		tree[f.Name] = &fstest.MapFile{Data: f.Data}
	}
	const want = "externalClientApps/Acme.eca-meta.xml extlClntAppGlobalOauthSets/Acme_glbloauth.ecaGlblOauth-meta.xml" +
		" extlClntAppOauthPolicies/Acme_oauthPlcy.ecaOauthPlcy-meta.xml extlClntAppOauthSettings/Acme_oauth.ecaOauth-meta.xml" +
		" extlClntAppPolicies/Acme_plcy.ecaPlcy-meta.xml"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("files %s", got)
	}
	apps, err := metadata.Parse(tree)
	if err != nil || len(apps) != 1 || !sameSpec(apps[0].Spec(), externalSpec()) {
		t.Errorf("%+v, %v", apps, err)
	}
}

func TestWhatBelongsToOneOrgIsLeftOutUnlessWrittenBack(t *testing.T) {
	text := "<ExternalClientApplication" + ns + ">\n    <contactEmail>a@example.com</contactEmail>\n    <orgScopedExternalApp>00D000000000001:A</orgScopedExternalApp>\n</ExternalClientApplication>\n"
	app := parseText(t, "dir/A.eca", text)
	app.SecuritySettings = &metadata.OAuthSecuritySettings{Component: metadata.Component{FullName: "A_oauthSecurity"}, ExternalClientApplication: "A"}
	without := strings.Replace(text, "\n    <orgScopedExternalApp>00D000000000001:A</orgScopedExternalApp>", "", 1)
	source, err := app.Source()
	if err != nil || len(source) != 1 || string(source[0].Data) != without {
		t.Errorf("source: %s, %v", source, err)
	}
	if got := files(t, app); got["externalClientApps/A.eca"] != without || len(got) != 2 {
		t.Errorf("package: %v", got)
	}
	written, err := app.Files()
	if err != nil || len(written) != 2 || written[0].Name != "dir/A.eca" || string(written[0].Data) != text {
		t.Errorf("files: %s, %v", written, err)
	}
}

func TestASecuritySettingsComponentThatSaysSomethingIsPackaged(t *testing.T) {
	app := externalSpec().New()
	app.SecuritySettings = &metadata.OAuthSecuritySettings{Component: metadata.Component{FullName: "Acme_oauthSecurity"}, ExternalClientApplication: "Acme",
		TokenIPRanges: []metadata.IPRange{{StartIPAddress: "1.1.1.1", EndIPAddress: "1.1.1.2"}}}
	if _, err := app.Package(66); err == nil || !strings.Contains(err.Error(), "ExtlClntAppOauthSecuritySettings needs API version 67.0") {
		t.Errorf("at 66: %v", err)
	}
	pkg, err := app.Package(67)
	if err != nil || len(pkg.Files) != 7 {
		t.Errorf("at 67: %v", err)
	}
}
