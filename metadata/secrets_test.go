package metadata_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/metadata"
)

const hidden = "h1dden00Canary0099"

// secretPlaces are files with a place for one element: %[1]s is its name, %[2]s what it holds. They hold no secret besides.
var secretPlaces = []struct{ name, file, text string }{
	{"the root of a connected app", "A.connectedApp", `<contactEmail>a@b.co</contactEmail><label>A</label><%[1]s>%[2]s</%[1]s>`},
	{"before all others", "A.connectedApp", `<%[1]s>%[2]s</%[1]s><contactEmail>a@b.co</contactEmail><label>A</label>`},
	{"the OAuth settings", "A.connectedApp", `<contactEmail>a@b.co</contactEmail><label>A</label><oauthConfig><callbackUrl>https://a</callbackUrl><%[1]s>%[2]s</%[1]s></oauthConfig>`},
	{"two levels down", "A.connectedApp", `<contactEmail>a@b.co</contactEmail><label>A</label><oauthConfig><callbackUrl>https://a</callbackUrl><idTokenConfig><%[1]s>%[2]s</%[1]s></idTokenConfig></oauthConfig>`},
	{"a list's member", "A.connectedApp", `<contactEmail>a@b.co</contactEmail><ipRanges><end>1.1.1.1</end><start>1.1.1.1</start><%[1]s>%[2]s</%[1]s></ipRanges><label>A</label>`},
	{"an unknown element", "A.connectedApp", `<contactEmail>a@b.co</contactEmail><label>A</label><new><newer><%[1]s>%[2]s</%[1]s></newer></new>`},
	{"sixty levels down", "A.connectedApp", `<contactEmail>a@b.co</contactEmail><label>A</label>` + strings.Repeat("<a>", 60) + `<%[1]s>%[2]s</%[1]s>` + strings.Repeat("</a>", 60)},
	{"twice", "A.connectedApp", `<contactEmail>a@b.co</contactEmail><label>A</label><%[1]s>%[2]s</%[1]s><%[1]s> %[2]s </%[1]s>`},
	{"with an element inside", "A.connectedApp", `<contactEmail>a@b.co</contactEmail><label>A</label><%[1]s><value>%[2]s</value></%[1]s>`},
	{"as CDATA", "A.connectedApp", `<contactEmail>a@b.co</contactEmail><label>A</label><%[1]s><![CDATA[%[2]s]]></%[1]s>`},
	{"as a comment inside", "A.connectedApp", `<contactEmail>a@b.co</contactEmail><label>A</label><%[1]s><!--%[2]s--></%[1]s>`},
	{"another namespace", "A.connectedApp", `<contactEmail>a@b.co</contactEmail><label>A</label><x:%[1]s xmlns:x="urn:x">%[2]s</x:%[1]s>`},
	{"no namespace", "A.connectedApp", `<contactEmail>a@b.co</contactEmail><label>A</label><%[1]s xmlns="">%[2]s</%[1]s>`},
	{"another prefix", "A.connectedApp", `<contactEmail>a@b.co</contactEmail><label>A</label><m:%[1]s xmlns:m="http://soap.sforce.com/2006/04/metadata">%[2]s</m:%[1]s>`},
	{"nil with a text", "A.connectedApp", `<contactEmail>a@b.co</contactEmail><label>A</label><oauthConfig><callbackUrl>https://a</callbackUrl><%[1]s xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:nil="true">%[2]s</%[1]s></oauthConfig>`},
	{"an attribute of the element", "A.connectedApp", `<contactEmail>a@b.co</contactEmail><label %[1]s="%[2]s">A</label>`},
	{"an attribute of a list's element", "A.connectedApp", `<contactEmail>a@b.co</contactEmail><label>A</label><oauthConfig
		a='b'  %[1]s = '%[2]s' c="d"><callbackUrl>https://a</callbackUrl></oauthConfig>`},
	{"an attribute with a prefix", "A.connectedApp", `<contactEmail>a@b.co</contactEmail><label xmlns:x="urn:x" x:%[1]s="%[2]s">A</label>`},
	{"a comment that is an element", "A.connectedApp", `<contactEmail>a@b.co</contactEmail><!-- <%[1]s>%[2]s</%[1]s> --><label>A</label>`},
	{"a comment that assigns", "A.connectedApp", `<contactEmail>a@b.co</contactEmail><label>A</label><!-- %[1]s = "%[2]s" -->`},
	{"a comment in words", "A.connectedApp", `<contactEmail>a@b.co</contactEmail><label>A</label><!-- the %[1]s is %[2]s -->`},
	{"a processing instruction", "A.connectedApp", `<contactEmail>a@b.co</contactEmail><label>A</label><?x %[1]s="%[2]s"?>`},
	{"text between elements", "A.connectedApp", `<contactEmail>a@b.co</contactEmail>%[1]s: %[2]s <label>A</label>`},
	{"text in an unknown element", "A.connectedApp", `<contactEmail>a@b.co</contactEmail><label>A</label><new>{"%[1]s": "%[2]s"}</new>`},
	{"a name beside its value", "A.connectedApp", `<contactEmail>a@b.co</contactEmail><label>A</label><new><name>%[1]s</name><value>%[2]s</value></new>`},
	{"a name as attribute", "A.connectedApp", `<contactEmail>a@b.co</contactEmail><label>A</label><new name="%[1]s">%[2]s</new>`},
	{"a name and its value as attributes", "A.connectedApp", `<contactEmail>a@b.co</contactEmail><label>A</label><new name="%[1]s" value="%[2]s"/>`},
	{"the element and a copy in a comment", "A.connectedApp", `<contactEmail>a@b.co</contactEmail><!-- was %[2]s --><label>A</label><%[1]s>%[2]s</%[1]s>`},
	{"the element and a copy in an unknown one", "A.connectedApp", `<contactEmail>a@b.co</contactEmail><label>A</label><new>%[2]s</new><%[1]s>%[2]s</%[1]s>`},
	{"the header", "A.eca", `<contactEmail>a@b.co</contactEmail><distributionState>Local</distributionState><label>A</label><%[1]s>%[2]s</%[1]s>`},
	{"the OAuth settings of an external app", "A_oauth.ecaOauth", `<externalClientApplication>A</externalClientApplication><%[1]s>%[2]s</%[1]s>`},
	{"the global settings", "A_glbloauth.ecaGlblOauth", `<externalClientApplication>A</externalClientApplication><%[1]s>%[2]s</%[1]s>`},
	{"the OAuth policies", "A_oauthPlcy.ecaOauthPlcy", `<externalClientApplication>A</externalClientApplication><%[1]s>%[2]s</%[1]s>`},
	{"the policies", "A_plcy.ecaPlcy", `<externalClientApplication>A</externalClientApplication><isEnabled>true</isEnabled><%[1]s>%[2]s</%[1]s>`},
	{"the security settings", "A_sec.ecaOauthSecurity", `<externalClientApplication>A</externalClientApplication><%[1]s>%[2]s</%[1]s>`},
	{"a component without a type", "A_push.ecaPush", `<externalClientApplication>A</externalClientApplication><%[1]s>%[2]s</%[1]s>`},
	{"deep in a component without a type", "A_canvas.ecaCanvas", `<externalClientApplication>A</externalClientApplication><a><b><%[1]s>%[2]s</%[1]s></b></a>`},
}

// secretNames are what elements with a secret are called.
var secretNames = []string{
	"consumerSecret", "ConsumerSecret", "CONSUMERSECRET", "consumer_secret", "consumersecret2", "clientSecret", "client-secret", "secret",
	"password", "passwordHash", "apnsPassphrase", "privateKey", "privateKeyPem", "accessToken", "refreshToken", "refresh_token_value",
	"sessionTokens", "token", "credentials", "apiKey", "keystore", "sharedSecretValue",
}

var roots = map[string]string{
	"eca": "ExternalClientApplication", "ecaOauth": "ExtlClntAppOauthSettings", "ecaGlblOauth": "ExtlClntAppGlobalOauthSettings",
	"ecaOauthPlcy": "ExtlClntAppOauthConfigurablePolicies", "ecaPlcy": "ExtlClntAppConfigurablePolicies",
	"ecaOauthSecurity": "ExtlClntAppOauthSecuritySettings", "ecaPush": "ExtlClntAppPushSettings", "ecaCanvas": "ExtlClntAppCanvasSettings",
	"connectedApp": "ConnectedApp",
}

func fileWith(t *testing.T, file, inside string) metadata.App {
	t.Helper()
	root := roots[file[strings.LastIndexByte(file, '.')+1:]]
	app, err := metadata.ParseFile(file, []byte("<"+root+ns+">"+inside+"</"+root+">"))
	if err != nil {
		t.Fatal(err)
	}
	return app
}

func TestNoSecretIsPackagedFromAnyPlace(t *testing.T) {
	for _, place := range secretPlaces {
		t.Run(place.name, func(t *testing.T) {
			for _, name := range secretNames {
				app := fileWith(t, place.file, fmt.Sprintf(place.text, name, hidden))
				back, err := only(app.Files())
				if err != nil || !bytes.Contains(back, []byte(hidden)) {
					t.Fatalf("%s: Files is to write back what was read: %s, %v", name, back, err)
				}
				pkg := wantNowhere(t, app, name, hidden)
				again, err := metadata.ParseFile(place.file, pkg.Files[1].Data)
				if err != nil {
					t.Fatalf("%s: what is left cannot be read: %v\n%s", name, err, pkg.Files[1].Data)
				}
				if again.Validate() != nil && app.Validate() == nil || again.Name != app.Name {
					t.Errorf("%s: more than the secret was left out:\n%s", name, pkg.Files[1].Data)
				}
			}
		})
	}
}

func TestNoSecretIsSentInAnUpsert(t *testing.T) {
	for _, place := range secretPlaces {
		if !strings.HasSuffix(place.file, ".connectedApp") && !strings.HasSuffix(place.file, ".eca") {
			continue // an org is asked for their names first
		}
		sent := ""
		org, err := metadata.NewOrg(metadata.OrgConfig{
			HTTPClient: &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
				body, err := io.ReadAll(r.Body)
				sent += string(body)
				return nil, errors.Join(context.Canceled, err)
			})},
			InstanceURL: func(context.Context) (string, error) { return "https://acme.my.salesforce.com", nil },
			Session:     func(context.Context, string) (string, error) { return "", nil },
			Version:     68,
		})
		if err != nil {
			t.Fatal(err)
		}
		_, err = org.Upsert(t.Context(), fileWith(t, place.file, fmt.Sprintf(place.text, "clientSecret", hidden)))
		if !errors.Is(err, context.Canceled) || !strings.Contains(sent, "a@b.co") || strings.Contains(sent, hidden) {
			t.Errorf("%s: sent %s, %v", place.name, sent, err)
		}
	}
}

func TestWhatIsPartOfTheAppAndHoldsASecretIsRefusedByItsName(t *testing.T) {
	const begin = `<contactEmail>a@b.co</contactEmail><label>A</label>`
	const key = "-----BEGIN RSA PRIVATE KEY-----\nMIIE" + hidden + "\n-----END RSA PRIVATE KEY-----"
	for _, test := range []struct{ name, text, element string }{
		{"a private key as certificate", begin + "<oauthConfig><callbackUrl>https://a</callbackUrl><certificate>" + key + "</certificate></oauthConfig>", "certificate"},
		{"a private key in words", begin + "<description>ours: " + key + "</description>", "description"},
		{"the app's own secret", begin + "<description>see " + hidden + "</description><oauthConfig><callbackUrl>https://a</callbackUrl><consumerSecret>" + hidden + "</consumerSecret></oauthConfig>", "description"},
		{"the app's own secret, as CDATA", begin + "<infoUrl>https://a/?" + hidden + "</infoUrl><consumerSecret><![CDATA[" + hidden + "]]></consumerSecret>", "infoUrl"},
		{"an element as text", begin + "<description><![CDATA[<consumerSecret>" + hidden + "</consumerSecret>]]></description>", "description"},
		{"an assignment", begin + "<description>client_secret=" + hidden + "</description>", "description"},
		{"JSON", begin + `<description>{"password": "` + hidden + `"}</description>`, "description"},
		{"an arrow", begin + "<description>client_secret =&gt; " + hidden + "</description>", "description"},
		{"Markdown", begin + "<description>**password**: `" + hidden + "`</description>", "description"},
		{"a parameter of a URL", begin + "<startUrl>https://a.example/?x=1&amp;client_secret=" + hidden + "</startUrl>", "startUrl"},
		{"a parameter of a callback URL", begin + "<oauthConfig><callbackUrl>https://a.example/?password=" + hidden + "</callbackUrl></oauthConfig>", "callbackUrl"},
		{"a password in a URL", begin + "<logoUrl>https://user:" + hidden + "@a.example/logo.png</logoUrl>", "logoUrl"},
		{"a session ID", begin + "<description>00D5f000000abcd!AQ0AQ" + hidden + "</description>", "description"},
		{"a refresh token", begin + "<description>5Aep861" + hidden + strings.Repeat("aB3", 20) + "</description>", "description"},
		{"a JWT", begin + "<description>eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0." + hidden + "</description>", "description"},
		{"a bearer token", begin + "<description>Authorization: Bearer " + hidden + "</description>", "description"},
	} {
		t.Run(test.name, func(t *testing.T) {
			app := fileWith(t, "A.connectedApp", "\n"+test.text)
			_, err := app.Package(68)
			var e *metadata.Error
			if !errors.As(err, &e) || e.Op != "package" || e.Name != "A.connectedApp" || e.Line < 2 || !strings.Contains(err.Error(), "<"+test.element+"> holds ") ||
				!strings.Contains(err.Error(), "must take it out") || strings.Contains(err.Error(), hidden) {
				t.Errorf("packaged: %v", err)
			}
			if _, err := app.Source(); err == nil || strings.Contains(err.Error(), hidden) {
				t.Errorf("as source: %v", err)
			}
		})
	}
}

func TestWhatOnlySpeaksOfSecretsIsPackagedByteForByte(t *testing.T) {
	const begin = `<contactEmail>a@b.co</contactEmail>
    <description>The client secret: ask the owner. Passwords and refresh tokens are kept in the vault. Basic edition2026; see https://a.example:8443/b@c, eyJ.a.b and 00D5f000000abcd!</description>`
	for _, test := range []struct{ file, text string }{
		{"A.connectedApp", begin + `<label>A token</label><oauthConfig><callbackUrl>https://a.example/cb?token={token}</callbackUrl>
			<isConsumerSecretOptional>false</isConsumerSecretOptional><isSecretRequiredForRefreshToken>true</isSecretRequiredForRefreshToken>
			<isSecretRequiredForTokenExchange>true</isSecretRequiredForTokenExchange><scopes>RefreshToken</scopes></oauthConfig>
			<oauthPolicy><ipRelaxation>ENFORCE</ipRelaxation><refreshTokenPolicy>specific_lifetime:60:MONTHS</refreshTokenPolicy></oauthPolicy>`},
		{"A.connectedApp", begin + `<!-- refresh tokens never expire --><label>A</label><isSecretRequiredForTomorrow>true</isSecretRequiredForTomorrow><passwordRotationDays>30</passwordRotationDays>
			<new kind="x" isSecretOptional="false"><refreshTokenPolicyType>Infinite</refreshTokenPolicyType><tokenIpRanges/></new><oauthConfig><callbackUrl>https://a</callbackUrl><certificate>-----BEGIN CERTIFICATE-----
MIIDpfxPWD1234tokenABCDEFGHsecret1==
-----END CERTIFICATE-----</certificate></oauthConfig>`},
		{"A_p.ecaOauthPlcy", `<clientCredentialsFlowUser>a@b.co</clientCredentialsFlowUser><externalClientApplication>A</externalClientApplication><refreshTokenValidityPeriod>60</refreshTokenValidityPeriod>`},
	} {
		app := fileWith(t, test.file, test.text)
		pkg, err := app.Package(68)
		if err != nil {
			t.Errorf("%s: %v", test.text, err)
			continue
		}
		want, err := only(app.Files())
		if err != nil || !bytes.Equal(pkg.Files[1].Data, want) {
			t.Errorf("%v\ngot\n%s\nwant\n%s", err, pkg.Files[1].Data, want)
		}
	}
}

func TestAFileThatIsNotWellFormedIsNotQuoted(t *testing.T) {
	for _, text := range []string{
		"ab<" + hidden + ">", "ab</" + hidden + ">", "ab</" + hidden + " x>", "ab&" + hidden + ";", "ab&" + hidden, "a<0" + hidden + ">", "a<" + hidden + " b=c>",
		"a<" + hidden + " b>", "a<?" + hidden, "a<![" + hidden, "<!--" + hidden, "<!" + hidden + ">", "a<:" + hidden + ":>", "<x " + hidden + `="<">`, `<?xml version="` + hidden + `"?>`,
		`<?xml version="1.0" encoding="` + hidden + `"?>`, "a<x:" + hidden + "></y:" + hidden + ">",
	} {
		_, err := metadata.ParseFile("A.connectedApp", []byte("<ConnectedApp"+ns+">\n<consumerSecret>"+text+"</consumerSecret></ConnectedApp>"))
		var e *metadata.Error
		if !errors.As(err, &e) || e.Line == 0 || strings.Contains(err.Error(), hidden) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// wantNowhere packages an app, also as source, and looks for a secret that stands under the name in it.
func wantNowhere(t *testing.T, app metadata.App, name, value string) *metadata.Package {
	t.Helper()
	pkg, err := app.Package(68)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	source, err := app.Source()
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	for _, f := range append(pkg.Files, source...) {
		if bytes.Contains(f.Data, []byte(value)) {
			t.Errorf("%s, %q: %s holds it:\n%s", name, value, f.Name, f.Data)
		}
	}
	return pkg
}
