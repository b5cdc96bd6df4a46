package metadata_test

import (
	"strings"
	"testing"

	"github.com/fullcast/sfauth/metadata"
)

func TestAChangeTouchesOnlyItsElements(t *testing.T) {
	header := func(c *metadata.ConnectedApp) { c.Label = "B" }
	for _, test := range []struct {
		name         string
		before, want string // XMLNS stands for the namespace
		change       func(*metadata.ConnectedApp)
	}{
		{"a new element goes to its place in the schema, indented as its neighbours",
			"<ConnectedApp XMLNS>\n\t<contactEmail>a</contactEmail>\n\t<startUrl>s</startUrl>\n</ConnectedApp>",
			"<ConnectedApp XMLNS>\n\t<contactEmail>a</contactEmail>\n\t<label>B</label>\n\t<startUrl>s</startUrl>\n</ConnectedApp>", header},
		{"a self-closing root is opened", "<?xml version='1.0'?>\n<ConnectedApp XMLNS />\n",
			"<?xml version='1.0'?>\n<ConnectedApp XMLNS>\n    <label>B</label>\n</ConnectedApp>\n", header},
		{"an empty root gets lines", "<ConnectedApp XMLNS></ConnectedApp>", "<ConnectedApp XMLNS>\n    <label>B</label>\n</ConnectedApp>", header},
		{"a self-closing child is opened", "<ConnectedApp XMLNS>\n  <label a='1'/>\n</ConnectedApp>",
			"<ConnectedApp XMLNS>\n  <label>B</label>\n</ConnectedApp>", header},
		{"a file on one line stays on one line", "<ConnectedApp XMLNS><contactEmail>a</contactEmail></ConnectedApp>",
			"<ConnectedApp XMLNS><contactEmail>a</contactEmail><label>B</label><oauthConfig><callbackUrl>u</callbackUrl></oauthConfig></ConnectedApp>",
			func(c *metadata.ConnectedApp) {
				c.Label, c.OAuthConfig = "B", &metadata.ConnectedOAuthConfig{CallbackURL: "u"}
			}},
		{"line ends stay those of the file", "<ConnectedApp XMLNS>\r\n  <startUrl>s</startUrl>\r\n</ConnectedApp>\r\n",
			"<ConnectedApp XMLNS>\r\n  <oauthPolicy>\r\n    <ipRelaxation>ENFORCE</ipRelaxation>\r\n    <refreshTokenPolicy>zero</refreshTokenPolicy>\r\n  </oauthPolicy>\r\n  <startUrl>s</startUrl>\r\n</ConnectedApp>\r\n",
			func(c *metadata.ConnectedApp) {
				c.OAuthPolicy = &metadata.ConnectedOAuthPolicy{IPRelaxation: "ENFORCE", RefreshTokenPolicy: "zero"}
			}},
		{"a prefix stays the file's", "<m:ConnectedApp xmlns:m='http://soap.sforce.com/2006/04/metadata'>\n  <m:startUrl>s</m:startUrl>\n</m:ConnectedApp>",
			"<m:ConnectedApp xmlns:m='http://soap.sforce.com/2006/04/metadata'>\n  <m:label>B</m:label>\n  <m:startUrl>s</m:startUrl>\n</m:ConnectedApp>", header},
		{"a nested element that was empty gets lines", "<ConnectedApp XMLNS>\n  <oauthConfig/>\n</ConnectedApp>",
			"<ConnectedApp XMLNS>\n  <oauthConfig>\n    <callbackUrl>u</callbackUrl>\n  </oauthConfig>\n</ConnectedApp>",
			func(c *metadata.ConnectedApp) { c.OAuthConfig.CallbackURL = "u" }},
		{"an unset field takes its element away with its line", "<ConnectedApp XMLNS>\n  <label>A</label>\n  <!-- c -->\n  <startUrl>s</startUrl>\n</ConnectedApp>",
			"<ConnectedApp XMLNS>\n  <label>A</label>\n  <!-- c -->\n</ConnectedApp>", func(c *metadata.ConnectedApp) { c.StartURL = "" }},
		{"of a list only the item goes", "<ConnectedApp XMLNS>\n  <profileName>a</profileName>\n  <profileName >b</profileName>\n  <profileName>c</profileName>\n</ConnectedApp>",
			"<ConnectedApp XMLNS>\n  <profileName>a</profileName>\n  <profileName>c</profileName>\n</ConnectedApp>", func(c *metadata.ConnectedApp) { c.ProfileName = []string{"a", "c"} }},
		{"an item joins a list in its place", "<ConnectedApp XMLNS>\n  <profileName>a</profileName>\n  <profileName >c</profileName>\n  <startUrl>s</startUrl>\n</ConnectedApp>",
			"<ConnectedApp XMLNS>\n  <profileName>a</profileName>\n  <profileName>b</profileName>\n  <profileName >c</profileName>\n  <startUrl>s</startUrl>\n</ConnectedApp>",
			func(c *metadata.ConnectedApp) { c.ProfileName = []string{"a", "b", "c"} }},
		{"a nil element keeps its place", "<ConnectedApp XMLNS>\n  <startUrl>s</startUrl>\n  <label xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance' xsi:nil='true'/>\n</ConnectedApp>",
			"<ConnectedApp XMLNS>\n  <startUrl>s</startUrl>\n  <label>B</label>\n</ConnectedApp>", header},
		{"markup in a value is escaped, a line feed is not", "<ConnectedApp XMLNS>\n  <label>A</label>\n</ConnectedApp>",
			"<ConnectedApp XMLNS>\n  <label>&lt;a&gt; &amp; \"b\"\nc&#xD;</label>\n</ConnectedApp>", func(c *metadata.ConnectedApp) { c.Label = "<a> & \"b\"\nc\r" }},
	} {
		t.Run(test.name, func(t *testing.T) {
			expand := strings.NewReplacer(" XMLNS", ns)
			app := parseText(t, "A.connectedApp", expand.Replace(test.before))
			test.change(app.Connected)
			got, err := only(app.Files())
			if want := expand.Replace(test.want); err != nil || string(got) != want {
				t.Errorf("%v\ngot\n%s\nwant\n%s", err, got, want)
			}
		})
	}
}

func TestSecuritySettingsThatSayOnlyWhatIsNewerAreNotLeftOut(t *testing.T) {
	app := parseText(t, "Acme.ecaOauthSecurity", "<ExtlClntAppOauthSecuritySettings"+ns+">\n"+
		"    <externalClientApplication>Acme</externalClientApplication>\n    <isBrandNew>true</isBrandNew>\n</ExtlClntAppOauthSecuritySettings>\n")
	pkg, err := app.Package(67)
	if err != nil || !strings.Contains(string(pkg.Files[1].Data), "<isBrandNew>true</isBrandNew>") {
		t.Errorf("it is not in the package: %v", err)
	}
}
