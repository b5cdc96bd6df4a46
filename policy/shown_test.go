package policy_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/internal/secret"
	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/policy"
)

const canary = "h1dden00Canary0099"

// everythingShown is all that this package says of an app: reports in every form, differences and the plan.
func everythingShown(t *testing.T, app metadata.App) string {
	t.Helper()
	var b bytes.Buffer
	rules := append(append(policy.Baseline(instructions(app)), policy.Hardening()...), policy.PartnerRequirements2026()...)
	report := policy.Check(policy.Subject{App: app, Version: 66}, rules...)
	for _, form := range []policy.Format{policy.Text, policy.Markdown, policy.HTML, policy.JSON, policy.SARIF} {
		if err := policy.Write(&b, form, report); err != nil {
			t.Fatal(err)
		}
	}
	fmt.Fprintf(&b, "%+v\n%+v\n", policy.Diff(app, instructions(app).New()), policy.Diff(instructions(app).New(), app))
	fmt.Fprintf(&b, "%+v\n", policy.Diff(app, report.Correct(app)))
	if plan, err := policy.PlanMigration(app, fullcast.ExternalClientApp(fullcast.Production, "a@b.co")); err == nil {
		data, err := json.Marshal(plan)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "%s\n%s\n", plan, data)
	}
	return b.String()
}

func connectedWith(t *testing.T, root, oauth string) metadata.App {
	t.Helper()
	return parsedConnected(t, root+"<oauthConfig><callbackUrl>https://a.example</callbackUrl>"+oauth+"</oauthConfig>")
}

// parsedConnected is a connected app with some elements besides what the schema requires.
func parsedConnected(t *testing.T, inner string) metadata.App {
	t.Helper()
	app, err := metadata.ParseFile("A.connectedApp", []byte(`<ConnectedApp xmlns="http://soap.sforce.com/2006/04/metadata"><contactEmail>a@b.co</contactEmail><label>A</label>`+inner+"</ConnectedApp>"))
	if err != nil {
		t.Fatal(err)
	}
	return app
}

func TestNothingThatIsShownHoldsASecretFromAnyPlace(t *testing.T) {
	for _, test := range []struct{ name, root, oauth string }{
		{"the root", "<consumerSecret>%s</consumerSecret>", ""},
		{"the schema's place", "", "<consumerSecret>%s</consumerSecret>"},
		{"the consumer key", "", "<consumerKey>%s</consumerKey>"},
		{"an unknown element", "<new><clientSecret>%s</clientSecret></new>", "<accessToken>%s</accessToken>"},
		{"CDATA", "<consumerSecret><![CDATA[%s]]></consumerSecret>", ""},
		{"an attribute", `<description consumerSecret="%s">x</description>`, ""},
		{"a comment", "<description>x<!-- consumerSecret: %s --></description>", ""},
		{"another namespace", `<x:consumerSecret xmlns:x="urn:x">%s</x:consumerSecret>`, ""},
		{"an element as a description", "<description><![CDATA[<consumerSecret>%s</consumerSecret>]]></description>", ""},
		{"an element with a prefix as a description", "<description><![CDATA[<m:password kind='x'>%s</m:password>]]></description>", ""},
		{"an assignment in a description", "<description>client_secret = '%s'</description>", ""},
		{"JSON in a description", `<description>{"refreshToken":"%s"}</description>`, ""},
		{"an arrow", "<description>client_secret =&gt; %s</description>", ""},
		{"a session ID", "<description>00D5f000000abcd!AQ0AQ%s</description>", ""},
		{"a JWT", "<description>eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.%s</description>", ""},
		{"a bearer token", "<description>Authorization: Bearer %s</description>", ""},
		{"a private key as certificate", "", "<certificate>-----BEGIN PRIVATE KEY-----\nMIIE%s\n-----END PRIVATE KEY-----</certificate>"},
		{"a private key without its end", "<description>-----BEGIN EC PRIVATE KEY-----\nMIIE%s</description>", ""},
		{"the app's secret in a description", "<description>it is %s</description>", "<consumerSecret>%s</consumerSecret>"},
		{"the app's key in a start URL", "<startUrl>https://a.example/%s</startUrl>", "<consumerKey>%s</consumerKey>"},
		{"the app's secret in a profile", "<profileName>%s</profileName>", "<consumerSecret>%s</consumerSecret>"},
		{"a parameter of a URL", "<startUrl>https://a.example/?token=%s</startUrl>", ""},
		{"a password in a URL", "<infoUrl>https://u:%s@a.example</infoUrl>", ""},
		{"a password in a URL after another", "<infoUrl>x://a:/u:%s@a.example</infoUrl>", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			text := everythingShown(t, connectedWith(t, strings.ReplaceAll(test.root, "%s", canary), strings.ReplaceAll(test.oauth, "%s", canary)))
			if i := strings.Index(text, canary); i >= 0 {
				t.Errorf("it is shown: %s", text[max(0, i-200):min(len(text), i+200)])
			}
		})
	}
	external := fullcast.ExternalClientApp(fullcast.Production, "a@b.co").New()
	external.GlobalOAuthSettings.ConsumerSecret = secret.New(canary)
	external.External.Description = "the old one was " + canary
	if text := everythingShown(t, external); strings.Contains(text, canary) {
		t.Error("the secret of an external client app is shown")
	}
}

func TestNothingThatIsShownHoldsASecretInAnyFormOrName(t *testing.T) {
	for _, text := range []string{
		"the password is %s", "client secret → %s", "curl -u user:%s https://a.example", "| client secret | %s |", "| user | password |\n|---|---|\n| bob | %s |", "- name: CLIENT_SECRET\n  value: %s",
		`{"value":"%s","name":"clientSecret"}`, "Set-Cookie: sid=%s", "&lt;clientSecret&gt;%s&lt;/clientSecret&gt;", "client_secret%%3D%s", "ｐａｓｓｗｏｒｄ：%s", "pass\u200bword: %s", "force://PlatformCLI::%s@a.my.salesforce.com",
	} {
		text = strings.ReplaceAll(strings.ReplaceAll(text, "%%", "%"), "%s", canary)
		shown := everythingShown(t, connectedWith(t, "<description><![CDATA["+text+"]]></description>", ""))
		if i := strings.Index(shown, canary); i >= 0 {
			t.Errorf("%q is shown: %s", text, shown[max(0, i-200):min(len(shown), i+100)])
		}
	}
	const glued = "clientSecret_" + canary
	for _, folder := range []string{"A", glued, "token=" + canary} {
		for _, name := range []string{"A", glued, "password " + canary} {
			app, err := metadata.ParseFile(folder+"/"+name+".connectedApp", []byte(`<ConnectedApp xmlns="http://soap.sforce.com/2006/04/metadata"><contactEmail>a@b.co</contactEmail><`+glued+`>x</`+glued+
				`><label>`+name+`</label><oauthConfig><callbackUrl>http://a.example</callbackUrl></oauthConfig></ConnectedApp>`))
			if err != nil {
				t.Fatal(err)
			}
			shown := everythingShown(t, app)
			if i := strings.Index(shown, canary); i >= 0 {
				t.Errorf("the name %q in %q is shown: %s", name, folder, shown[max(0, i-200):min(len(shown), i+100)])
			}
		}
	}
}

func TestALongTextIsCutAndStillDiffers(t *testing.T) {
	long := func(last string) metadata.App {
		return connectedWith(t, "<description>"+strings.Repeat("é", 400_000)+last+"</description>", "")
	}
	d := policy.Diff(long("1"), long("2"))
	if len(d) != 1 || d[0].A == d[0].B || len(d[0].A) > 5000 || !strings.HasPrefix(d[0].A, "éé") || !strings.Contains(d[0].A, "… (cut: 800001 bytes in all, SHA-256 ") ||
		strings.Contains(d[0].A, "\uFFFD") {
		t.Errorf("%.300v", d)
	}
	if d := policy.Diff(long("1"), long("1")); len(d) > 0 {
		t.Errorf("the same differs: %.300v", d)
	}
	binary := "<mobileAppConfig><applicationBinaryFile>" + strings.Repeat("QUFB", 200_000) + "</applicationBinaryFile><devicePlatform>ios</devicePlatform><version>1</version></mobileAppConfig>"
	if text := everythingShown(t, connectedWith(t, binary, "")); len(text) > 400_000 {
		t.Errorf("800 kB of a binary make %d bytes", len(text))
	}
	short := strings.Repeat("https://a.example/callback\n", 500)
	app := connectedWith(t, "", "")
	app.Connected.OAuthConfig.CallbackURL = short
	if d := policy.Diff(app, instructions(app).New()); !strings.Contains(fmt.Sprint(d), strings.TrimSpace(short)) {
		t.Error("a list of 13 kB is cut")
	}
}

func TestTheTextsOfAnAppDoNotMultiplyInAReport(t *testing.T) {
	label := "{app}" + strings.Repeat("N", 100_000)
	app := connectedWith(t, "", "")
	app.Connected.Label = label
	app.Connected.OAuthConfig.CallbackURL = strings.Repeat("http://{app}.example/{app}\n", 10_000)
	if text := everythingShown(t, app); len(text) > 1_500_000 || strings.Contains(text, "http://NNN") {
		t.Errorf("370 kB make %d bytes", len(text))
	}
}

func TestAnUnknownElementIsComparedWithItsOwnKindAlone(t *testing.T) {
	with := func(root, oauth string) metadata.App { return connectedWith(t, root, oauth) }
	for _, test := range []struct {
		name string
		a, b metadata.App
		want string // unknown fields that differ
	}{
		{"of one name at the root, the known one differs", with("<callbackUrl>x</callbackUrl>", ""), func() metadata.App {
			b := with("<callbackUrl>x</callbackUrl>", "")
			b.Connected.OAuthConfig.CallbackURL = "https://b.example"
			return b
		}(), ""},
		{"one inside another of its name", with("<a><a>1</a></a>", ""), with("<a><a>2</a></a>", ""), "a"},
		{"the order of names", with("<a><b>1</b><c>2</c></a><d/>", ""), with("<d/><a><c>2</c><b>1</b></a>", ""), ""},
		{"the order of one name", with("<a>1</a><a>2</a>", ""), with("<a>2</a><a>1</a>", ""), "a"},
		{"text that looks like another's element", with("<a><b>1</b><c>2</c></a>", ""), with("<a><b>1&lt;/b&gt;&lt;c&gt;2</b></a>", ""), "a"},
		{"one level more", with("<a>1</a>", ""), with("<a><a>1</a></a>", ""), "a"},
		{"what goes with the element around it", with("", "<a>1</a>"), func() metadata.App {
			b := with("", "<a>1</a>")
			b.Connected.OAuthConfig = nil
			return b
		}(), "a"},
	} {
		var got []string
		for _, d := range policy.Diff(test.a, test.b) {
			if d.Mark == policy.Unknown {
				got = append(got, d.Field)
			}
		}
		if strings.Join(got, ",") != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}
