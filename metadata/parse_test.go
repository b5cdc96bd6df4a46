package metadata_test

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/fullcast/sfauth/internal/needs"
	"github.com/fullcast/sfauth/metadata"
)

const ns = ` xmlns="http://soap.sforce.com/2006/04/metadata"`

func element(name, inner string) *fstest.MapFile {
	return &fstest.MapFile{Data: []byte("<" + name + ns + ">" + inner + "</" + name + ">\n")}
}

func TestAPipeInATreeIsReportedAndNotWaitedFor(t *testing.T) {
	apps, err := metadata.Parse(fstest.MapFS{
		"a/One.eca":  element("ExternalClientApplication", ""),
		"a/Pipe.eca": {Mode: fs.ModeNamedPipe},
	})
	var e *metadata.Error
	if len(apps) != 1 || !errors.As(err, &e) || e.Name != "a/Pipe.eca" || !strings.Contains(err.Error(), "no regular file") {
		t.Errorf("%d apps, %v", len(apps), err)
	}
}

func TestAnErrorShowsNoTextOfAFileThatMayBeASecretOrSteerATerminal(t *testing.T) {
	for _, inner := range []string{"<consumerSecret>ab&5uper5ecret</consumerSecret>", "<consumerSecret>ab&5uper5ecret;</consumerSecret>",
		"<label>&\u009b31mRed;</label>", "<\u009b31m/>", "<a\u009b>", "<x>" + strings.Repeat("y", 9000) + "</" + strings.Repeat("z", 9000) + ">"} {
		_, err := metadata.ParseFile("Acme.connectedApp", []byte("<ConnectedApp"+ns+"><oauthConfig>\n"+inner+"</oauthConfig></ConnectedApp>"))
		var e *metadata.Error
		if !errors.As(err, &e) || e.Line != 2 {
			t.Fatalf("%.40q: error %v", inner, err)
		}
		if s := err.Error(); strings.Contains(s, "5uper5ecret") || strings.ContainsRune(s, '\u009b') || len(s) > 400 {
			t.Errorf("%.40q: the error's text is %.400q", inner, s)
		}
	}
}

func TestParseJoinsComponentsByTheAppsAPIName(t *testing.T) {
	apps, err := metadata.Parse(fstest.MapFS{
		"force-app/main/default/externalClientApps/One.eca-meta.xml":          element("ExternalClientApplication", "<label>One</label>"),
		"force-app/main/default/whatever/anything.ecaOauth-meta.xml":          element("ExtlClntAppOauthSettings", "<externalClientApplication>One</externalClientApplication>"),
		"force-app/main/default/x/One_defPlcy.ecaPlcy-meta.xml":               element("ExtlClntAppConfigurablePolicies", "<externalClientApplication>One</externalClientApplication><isEnabled>true</isEnabled>"),
		"force-app/main/default/x/One_canvas.ecaCanvas-meta.xml":              element("ExtlClntAppCanvasSettings", "<externalClientApplication>One</externalClientApplication>"),
		"package/externalClientApps/Two.eca":                                  element("ExternalClientApplication", "<label>Two</label>"),
		"package/connectedApps/One.connectedApp":                              element("ConnectedApp", "<label>Old</label>"),
		"package/extlClntAppGlobalOauthSets/Gone_glbloauth.ecaGlblOauth":      element("ExtlClntAppGlobalOauthSettings", "<externalClientApplication>Gone</externalClientApplication>"),
		"package/package.xml":                                                 element("Package", ""),
		"node_modules/x/Three.eca":                                            element("ExternalClientApplication", ""),
		".git/Four.eca":                                                       element("ExternalClientApplication", ""),
		"force-app/main/default/settings/ExternalClientApp.settings-meta.xml": element("ExternalClientAppSettings", ""),
	})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, a := range apps {
		names = append(names, string(a.Kind)+" "+a.Name)
	}
	want := "ExternalClientApp Gone, ExternalClientApp One, ExternalClientApp Two, ConnectedApp One"
	if got := strings.Join(names, ", "); got != want {
		t.Fatalf("apps %s, want %s", got, want)
	}
	one := apps[1]
	if one.External == nil || one.OAuthSettings == nil || one.Policies == nil || len(one.Other) != 1 {
		t.Errorf("components of One: %+v", one)
	}
	if got := one.Policies.FullName; got != "One_defPlcy" {
		t.Errorf("full name %q", got)
	}
	if err := apps[0].Validate(); err == nil || !strings.Contains(err.Error(), "its ExternalClientApplication is missing") ||
		!strings.Contains(err.Error(), "its ExtlClntAppOauthSettings is missing") {
		t.Errorf("dangling reference: %v", err)
	}
}

func TestAMissingComponentIsReportedByItsName(t *testing.T) {
	for name, drop := range map[string]func(*metadata.App){
		"ExternalClientApp Acme: its ExternalClientApplication is missing":      func(a *metadata.App) { a.External = nil },
		"ExternalClientApp Acme: its ExtlClntAppOauthSettings is missing":       func(a *metadata.App) { a.OAuthSettings = nil },
		"ExternalClientApp Acme: its ExtlClntAppGlobalOauthSettings is missing": func(a *metadata.App) { a.GlobalOAuthSettings = nil },
		"ConnectedApp Acme: its ConnectedApp is missing":                        func(a *metadata.App) { *a = metadata.App{Kind: metadata.KindConnectedApp, Name: "Acme"} },
		"": func(a *metadata.App) { a.OAuthPolicies, a.Policies = nil, nil }, // Salesforce makes these itself
	} {
		app := externalSpec().New()
		drop(&app)
		err := app.Validate()
		var e *metadata.Error
		if name == "" {
			if err != nil {
				t.Error(err)
			}
		} else if !errors.As(err, &e) || err.Error() != "metadata: validate "+name {
			t.Errorf("got %v, want %s", err, name)
		}
	}
}

func TestParseReportsBadFilesAndReadsTheRest(t *testing.T) {
	apps, err := metadata.Parse(fstest.MapFS{
		"A.eca": element("ExternalClientApplication", "\n<label>A</label>"),
		"B.eca": element("ExternalClientApplication", "\n<label>A</label>\n<label>B</label>"),
		"C.ecaGlblOauth": element("ExtlClntAppGlobalOauthSettings", `
<externalClientApplication>A</externalClientApplication>
<isPkceRequired>${PKCE}</isPkceRequired>`),
		"D.ecaOauth":     element("ExtlClntAppGlobalOauthSettings", ""),
		"E.connectedApp": {Data: []byte("<ConnectedApp/>")},
		"F.connectedApp": {Data: []byte("<ConnectedApp>\n<label>")},
		"x/A.eca":        element("ExternalClientApplication", ""),
	})
	if len(apps) != 1 || apps[0].External.Label != "A" {
		t.Errorf("apps %+v", apps)
	}
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		"parse B.eca:3: <label> stands here a second time",
		"parse C.ecaGlblOauth:3: <isPkceRequired> is neither true nor false",
		"parse D.ecaOauth:1: the root element is not <ExtlClntAppOauthSettings",
		"parse E.connectedApp:1: the root element is not",
		"parse F.connectedApp:2: unexpected EOF",
		`parse x/A.eca: the app "A" already has its ExternalClientApplication`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %q:\n%v", want, err)
		}
	}
	if strings.Contains(err.Error(), "${PKCE}") {
		t.Error("the error holds an element's value")
	}
}

func TestHostileXMLIsRefusedSoonAndInLittleMemory(t *testing.T) {
	for name, data := range map[string]string{
		"entities of its own":       `<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;">]><ConnectedApp` + ns + `><label>&b;</label></ConnectedApp>`,
		"a billion laughs":          `<!DOCTYPE l [<!ENTITY a0 "ha">` + laughs(30) + `]><ConnectedApp` + ns + `><label>&a30;</label></ConnectedApp>`,
		"an external DTD":           `<!DOCTYPE l SYSTEM "file:///etc/passwd"><ConnectedApp` + ns + `/>`,
		"200,000 levels":            strings.Repeat("<a>", 200_000) + strings.Repeat("</a>", 200_000),
		"65 levels":                 "<ConnectedApp" + ns + ">" + strings.Repeat("<a>", 64) + strings.Repeat("</a>", 64) + "</ConnectedApp>",
		"a million elements":        "<ConnectedApp" + ns + ">" + strings.Repeat("<a/>", 1_000_000) + "</ConnectedApp>",
		"a second root":             "<ConnectedApp" + ns + "/><ConnectedApp" + ns + "/>",
		"text behind the root":      "<ConnectedApp" + ns + "/>x",
		"a value twice":             "<ConnectedApp" + ns + "><label>safe</label><label>evil</label></ConnectedApp>",
		"an element inside a value": "<ConnectedApp" + ns + "><label><b>x</b></label></ConnectedApp>",
		"nine megabytes":            "<ConnectedApp" + ns + "><label>" + strings.Repeat("x", 9<<20) + "</label></ConnectedApp>",
		"an unknown entity":         "<ConnectedApp" + ns + "><label>&nbsp;</label></ConnectedApp>",
		"another encoding":          `<?xml version="1.0" encoding="ISO-8859-1"?><ConnectedApp` + ns + `/>`,
		"nothing":                   "",
	} {
		t.Run(name, func(t *testing.T) {
			data := []byte(data)
			within(t, 50*time.Millisecond, 16<<20, func() {
				_, err := metadata.ParseFile("A.connectedApp", data)
				var e *metadata.Error
				if !errors.As(err, &e) || e.Name != "A.connectedApp" {
					t.Errorf("error %v", err)
				}
			})
		})
	}
}

func TestNoMoreOfAFileIsReadThanADocumentMayHave(t *testing.T) {
	tree := &long{MapFS: fstest.MapFS{"A.connectedApp": {}}}
	if _, err := metadata.Parse(tree); err == nil || !strings.Contains(err.Error(), "larger than 8 MiB") {
		t.Errorf("error %v", err)
	}
	if tree.read > 9<<20 {
		t.Errorf("%d bytes of it were read", tree.read)
	}
}

// long is a tree in which every file has 64 MiB, and counts what is read.
type long struct {
	fstest.MapFS
	read int
}

func (l *long) Open(name string) (fs.File, error) {
	f, err := l.MapFS.Open(name)
	return &longFile{f, l, io.LimitReader(blanks{}, 64<<20)}, err
}

type longFile struct {
	fs.File
	tree *long
	text io.Reader
}

func (f *longFile) Read(p []byte) (int, error) {
	n, err := f.text.Read(p)
	f.tree.read += n
	return n, err
}

// laughs are entities that double n times.
func laughs(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `<!ENTITY a%d "&a%d;&a%d;">`, i+1, i, i)
	}
	return b.String()
}

func TestAValueInManyPiecesTakesNoMoreMemoryThanOneOfTheirLength(t *testing.T) {
	const pieces = 50_000
	data := []byte("<ConnectedApp" + ns + "><label>" + strings.Repeat("x<!---->", pieces) + "</label></ConnectedApp>")
	within(t, time.Second, 64<<20, func() {
		app, err := metadata.ParseFile("A.connectedApp", data)
		if err != nil || app.Connected.Label != strings.Repeat("x", pieces) {
			t.Errorf("the label has %d characters, %v", len(app.Connected.Label), err)
		}
	})
}

func TestPositionPointsAtAnElement(t *testing.T) {
	app := parseText(t, "dir/A.connectedApp", "<ConnectedApp"+ns+">\n  <label>A</label>\n  <oauthConfig>\n    <callbackUrl>x</callbackUrl>\n  </oauthConfig>\n  <new/>\n</ConnectedApp>")
	for path, line := range map[string]int{"label": 2, "oauthConfig/callbackUrl": 4, "oauthConfig/isPkceRequired": 3, "startUrl": 1} {
		if got := app.Connected.Position(path); got.File != "dir/A.connectedApp" || got.Line != line {
			t.Errorf("%s: %+v, want line %d", path, got, line)
		}
	}
	several := parseText(t, "A.connectedApp", "<ConnectedApp"+ns+">\n<profileName>A</profileName><profileName>B</profileName>\n<profileName>\n A &amp; B\n</profileName>\n<oauthConfig><callbackUrl>\n https://a.example/1 <!-- one\n -->\nhttps://a.example/2\r\nhttps://a.example/1</callbackUrl></oauthConfig></ConnectedApp>")
	for _, at := range []struct {
		path, text string
		line       int
	}{
		{"profileName", "B", 2}, {"profileName", "A & B", 4}, {"profileName", "C", 2}, {"label", "B", 1}, {"oauthConfig/callbackUrl", "https://a.example/2", 9},
		{"oauthConfig/callbackUrl", "https://a.example/1", 10}, {"oauthConfig/callbackUrl", "https://a.example", 6},
	} {
		if got := several.Connected.PositionOf(at.path, at.text); got.Line != at.line || got.File != "A.connectedApp" {
			t.Errorf("%s in %s: %+v, want line %d", at.text, at.path, got, at.line)
		}
	}
	if got := (&metadata.ConnectedApp{}).PositionOf("label", "A"); got != (metadata.Position{}) {
		t.Errorf("of a component that was not read: %+v", got)
	}
	if got := fmt.Sprint(app.Connected.Unknown()); got != "[new]" {
		t.Errorf("unknown %s", got)
	}
	if got := (&metadata.ConnectedApp{}).Position("label"); got != (metadata.Position{}) {
		t.Errorf("of a component that was not read: %+v", got)
	}
}

func TestNoPrinterShowsTheConsumerSecret(t *testing.T) {
	const hidden = "5uper5ecret"
	app := parseText(t, "A.connectedApp", "<ConnectedApp"+ns+"><contactEmail>a@example.com</contactEmail><label>A</label><oauthConfig><callbackUrl>https://a.example</callbackUrl><consumerKey>KEY</consumerKey><consumerSecret>"+hidden+"</consumerSecret></oauthConfig></ConnectedApp>")
	if got := app.Connected.OAuthConfig.ConsumerSecret.Reveal(); got != hidden {
		t.Fatalf("the secret reads %q", got)
	}
	for _, v := range []any{app, &app, app.Connected, *app.Connected, *app.Connected.OAuthConfig} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
			if text := fmt.Sprintf(verb, v); strings.Contains(text, hidden) || strings.Contains(text, fmt.Sprintf("%x", hidden)) {
				t.Errorf("%s of %T shows the secret", verb, v)
			}
		}
	}
	for name, text := range files(t, app) {
		if strings.Contains(text, hidden) || strings.Contains(text, "KEY") {
			t.Errorf("%s of the package holds key or secret:\n%s", name, text)
		}
	}
}

func TestPackageRefusesAFieldThatTheVersionDoesNotHave(t *testing.T) {
	app := parseText(t, "d/A.ecaOauthPlcy", "<ExtlClntAppOauthConfigurablePolicies"+ns+">\n<externalClientApplication>A</externalClientApplication>\n<isNamedUserJwtEnabled>true</isNamedUserJwtEnabled></ExtlClntAppOauthConfigurablePolicies>")
	if _, err := app.Package(63); err != nil {
		t.Errorf("63: %v", err)
	}
	for v, want := range map[metadata.APIVersion]string{
		64: "package d/A.ecaOauthPlcy:3: <isNamedUserJwtEnabled> exists up to API version 63.0; the package is for 64.0",
		60: "package d/A.ecaOauthPlcy:3: <isNamedUserJwtEnabled> needs API version 61.0; the package is for 60.0",
		3:  "API version 3 is not between",
	} {
		if _, err := app.Package(v); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%d: %v, want %s", v, err, want)
		}
	}
	if _, err := externalSpec().New().Package(59); err == nil || !strings.Contains(err.Error(), "needs API version") {
		t.Errorf("policies at 59: %v", err)
	}
}

func TestPackageRefusesWhatTheSchemaDoesNotTake(t *testing.T) {
	for name, spoil := range map[string]func(*metadata.App){
		`belongs to the app "Other"`:           func(a *metadata.App) { a.Policies.ExternalClientApplication = "Other" },
		"<isEnabled> is required":              func(a *metadata.App) { a.Policies.IsEnabled = nil },
		"full name is empty":                   func(a *metadata.App) { a.OAuthSettings.FullName = "../x" },
		"an app of kind ExternalClientApp has": func(a *metadata.App) { a.Connected = &metadata.ConnectedApp{} },
		"is of no type that apps have": func(a *metadata.App) {
			a.Other = []metadata.OtherComponent{{Component: metadata.Component{FullName: "A"}, Type: "<", ExternalClientApplication: "Acme"}}
		},
		"which XML cannot carry": func(a *metadata.App) { a.External.Label = "a\x01b" },
		"is not valid UTF-8":     func(a *metadata.App) { a.External.Label = "a\xffb" },
	} {
		app := externalSpec().New()
		spoil(&app)
		if _, err := app.Package(66); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestATreeWithAFolderThatLeadsBackIsRefused(t *testing.T) {
	for _, name := range []string{"/A.eca", "a//A.eca", "./A.eca"} {
		apps, err := metadata.Parse(fstest.MapFS{name: {Data: []byte("<ExternalClientApplication" + ns + "/>")}})
		if err == nil || !strings.Contains(err.Error(), "leads back") || len(apps) > 0 {
			t.Errorf("%s: %v, %v", name, apps, err)
		}
	}
}

func TestManySmallFilesAreReadWithinOneBudget(t *testing.T) {
	needs.Unraced(t)
	tree, large := fstest.MapFS{}, fstest.MapFS{}
	for i := range 30 {
		tree[fmt.Sprintf("%03d.connectedApp", i)] = element("ConnectedApp", strings.Repeat("<a/>", 29_990))
	}
	for i := range 10 {
		large[fmt.Sprintf("%03d.connectedApp", i)] = element("ConnectedApp", "<label>"+strings.Repeat("a", 7<<20)+"</label>")
	}
	for name, c := range map[string]struct {
		tree  fstest.MapFS
		first string
		read  int
	}{"tags": {tree, "020.connectedApp", 20}, "MiB": {large, "009.connectedApp", 9}} {
		apps, err := metadata.Parse(c.tree)
		var e *metadata.Error
		if len(apps) != c.read || !errors.As(err, &e) || e.Name != c.first || !strings.Contains(err.Error(), name+" together") || strings.Count(err.Error(), "\n") > 0 {
			t.Errorf("%s: %d apps read, %v", name, len(apps), err)
		}
	}
}
