package metadata_test

import (
	"bytes"
	"errors"
	"fmt"
	"html"
	"net/url"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/metadata"
)

const withoutText = `<contactEmail>a@b.co</contactEmail>%s<label>A</label>`

// secretForms are the ways in which people write down a secret, which stands at %s.
var secretForms = []string{
	// In addresses.
	"https://a.example/cb?token=%s", "https://a.example/cb#access_token=%s&x=1", "https://a.example/f?sv=2026&sig=%s", "https://a.example/?a=1;api_key=%s",
	"https://user:%s@a.example/x", "https://user:%s@a.example:8443", "https://:%s@a.example",
	// In prose.
	"the password is %s", "The client secret is: %s.", "password: %s", "pwd = %s", "client secret → %s", "Client secret — %s", "API key is now %s, please keep it",
	"Log in as bob with password %s", "Our password (%s) is in the vault", "use %s as the password", "%s is the client secret", "Passwords: %s", "Refresh token - %s",
	"the access token was set to %s", "SECRET==%s", "My client secret's value is \"%s\"", "consumer secret\u00a0:\u00a0%s",
	// In commands and headers.
	"curl -u user:%s https://a.example", "curl --user 'user:%s' https://a.example", "sfdx --client-secret %s", "tool --password=%s -v", "tool --token '%s'", "mysql -Dpassword=%s",
	"Authorization: Bearer %s", "Authorization: Basic %s", "authorization=bearer %s", "X-API-Key: %s", "Set-Cookie: sid=%s; Secure", "Cookie: a=b; JSESSIONID=%s",
	// In tables, lists and configuration.
	"| name | value |\n|---|---|\n| client secret | %s |", "| user | password |\n|---|---|\n| bob | `%s` |", "user\tpassword\nbob\t%s", "- password: %s", "- name: CLIENT_SECRET\n  value: %s", "client_secret:\n  %s",
	"secrets:\n  - name: x\n    clientSecret: '%s'", `{"clientSecret": "%s"}`, `{"name":"clientSecret","value":"%s"}`, `{"value":"%s","name":"clientSecret"}`, `config["password"] = "%s";`,
	"[oauth]\nclient_secret = %s", "export SF_CLIENT_SECRET=%s", "$env:SF_PASSWORD = '%s'", "Server=a;User Id=b;Password=%s;", "spring.security.password=%s", `password := "%s"`,
	// In markup.
	"<clientSecret>%s</clientSecret>", "<m:password kind='x'>%s</m:password>", `<add key="clientSecret" value="%s"/>`, `<input name=password value=%s>`, "<name>clientSecret</name><value>%s</value>",
	"<!-- password: %s -->", "**Password**: `%s`",
}

// secretValues have letters and digits as no word has.
var secretValues = []string{"h1dden00Canary0099", "Tr0ub4dor&3xYz", "4F2A9C0B7D1E8356AF90B2C47D1E8356", "dGhpcyBpcyBhIHNlY3JldA9x", "k3y-7Qz_Xw.92Lm"}

// secretEncodings hide a text from who looks for it letter by letter.
var secretEncodings = []struct {
	name string
	of   func(string) string
}{
	{"as it is", func(s string) string { return s }},
	{"escaped twice", html.EscapeString},
	{"escaped three times", func(s string) string { return html.EscapeString(html.EscapeString(s)) }},
	{"as numbers of characters", func(s string) string { return eachLetter(s, func(r rune) string { return fmt.Sprintf("&#x%x;", r) }) }},
	{"with percent signs", url.PathEscape},
	{"each letter with a percent sign", func(s string) string {
		return eachLetter(s, func(r rune) string { return fmt.Sprintf("%%%02x", r) })
	}},
	{"as JSON escapes", func(s string) string { return eachLetter(s, func(r rune) string { return fmt.Sprintf(`\u%04X`, r) }) }},
	{"full-width", func(s string) string {
		return strings.Map(func(r rune) rune {
			if r > ' ' && r <= '~' {
				return r + 0xfee0
			}
			return r
		}, s)
	}},
	{"with characters of no width", func(s string) string { return eachLetter(s, func(r rune) string { return string(r) + "\u200b" }) }},
	{"with soft hyphens", func(s string) string { return eachLetter(s, func(r rune) string { return string(r) + "\u00ad" }) }},
}

func eachLetter(s string, write func(rune) string) string {
	var b strings.Builder
	for _, r := range s {
		if r < 0x80 && r > ' ' {
			b.WriteString(write(r))
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// refusal tells what is wrong with how a package was refused; "" where nothing is.
func refusal(err error, element, hidden string) string {
	var e *metadata.Error
	switch {
	case err == nil:
		return "it is packaged"
	case !errors.As(err, &e) || e.Op != "package" || e.Line < 1:
		return fmt.Sprintf("no error with a line: %v", err)
	case !strings.Contains(err.Error(), element) || !strings.Contains(err.Error(), "must take it out"):
		return fmt.Sprintf("does not say what to do where: %v", err)
	case strings.Contains(err.Error(), hidden):
		return fmt.Sprintf("shows it: %v", err)
	}
	return ""
}

func TestASecretInAnyFormAndEncodingIsRefusedInATextOfTheApp(t *testing.T) {
	for _, form := range secretForms {
		for _, value := range secretValues {
			for _, encoding := range secretEncodings {
				hidden := encoding.of(value)
				text := html.EscapeString(encoding.of(fmt.Sprintf(form, value)))
				app := fileWith(t, "A.connectedApp", fmt.Sprintf(withoutText, "<description>Ours. "+text+"</description>"))
				_, err := app.Package(68)
				if bad := refusal(err, "<description> holds ", hidden); bad != "" {
					t.Errorf("%q, %s: %s", fmt.Sprintf(form, value), encoding.name, bad)
				}
			}
		}
	}
}

// textPlaces hold a text at %s, which is no longer packaged where it holds a secret.
var textPlaces = []struct{ name, inside string }{
	{"a description", "<description>%s</description>"},
	{"a description of a list's member", "<ipRanges><description>%s</description><end>1.1.1.1</end><start>1.1.1.1</start></ipRanges>"},
	{"a description in pieces", "<description>%s<!-- x --></description>"},
	{"a URL", "<infoUrl>%s</infoUrl>"},
	{"a formula", "<attributes><formula>%s</formula><key>k</key></attributes>"},
	{"a profile", "<profileName>%s</profileName>"},
	{"an attribute of an element", `<description x="%s">x</description>`},
	{"an attribute of an unknown element", `<new x="%s">x</new>`},
	{"an unknown element", "<new>%s</new>"},
	{"an unknown element in another", "<new><a/><newer>%s</newer></new>"},
	{"text beside elements", "%s"},
	{"text beside elements in an unknown one", "<new><a/>%s</new>"},
	{"a comment", "<!-- %s -->"},
	{"a processing instruction", "<?x %s?>"},
	{"the namespace of an element", `<description xmlns:x="%s">x</description>`},
	{"the namespace of an unknown element", `<x:new xmlns:x="%s">x</x:new>`},
	{"the namespace of an unknown element without prefix", `<new xmlns="%s">x</new>`},
}

func TestASecretInAnyFormIsPackagedFromNoPlace(t *testing.T) {
	for _, place := range textPlaces {
		for _, form := range secretForms {
			text := html.EscapeString(fmt.Sprintf(form, hidden))
			if strings.HasPrefix(place.inside, "<!--") || strings.HasPrefix(place.inside, "<?") {
				text = strings.ReplaceAll(fmt.Sprintf(form, hidden), "-", "-\u200b") // two hyphens end a comment
			}
			app := fileWith(t, "A.connectedApp", fmt.Sprintf(withoutText, fmt.Sprintf(place.inside, text)))
			pkg, err := app.Package(68)
			if err != nil {
				if bad := refusal(err, "<", hidden); bad != "" {
					t.Errorf("%s, %q: %s", place.name, form, bad)
				}
			} else if bytes.Contains(pkg.Files[1].Data, []byte(hidden)) {
				t.Errorf("%s, %q: packaged:\n%s", place.name, form, pkg.Files[1].Data)
			} else if again, err := metadata.ParseFile("A.connectedApp", pkg.Files[1].Data); err != nil || again.Connected.Label != "A" {
				t.Errorf("%s, %q: what is left cannot be read: %v\n%s", place.name, form, err, pkg.Files[1].Data)
			}
		}
	}
}

func TestASecretWithoutANameIsKnownByItsShape(t *testing.T) {
	const hex64 = "4F2A9C0B7D1E8356AF90B2C47D1E83564F2A9C0B7D1E8356AF90B2C47D1E8356"
	const base64 = "q8Zr1kT0vX9w2Yb7+Lm3/NpQ5sUdFgHj6KoIaBcDeE4="
	const key = "<oauthConfig><callbackUrl>https://a</callbackUrl><consumerKey>3MVG9abcdefghijklmnop1234567890ABCDEFGHIJKLMNOP</consumerKey></oauthConfig>"
	for _, test := range []struct{ name, text, beside string }{
		{"a session ID", "00D5f000000abcd!AQ0AQ" + hidden, ""},
		{"a session ID of 18 characters", "00D5f000000abcdEAM!ARcAQ" + hidden, ""},
		{"a refresh token", "5Aep861" + hidden + strings.Repeat("aB3", 20), ""},
		{"an address for the Salesforce CLI", "force://PlatformCLI::" + hidden + "@acme.my.salesforce.com", ""},
		{"a JWT", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0." + hidden, ""},
		{"an encrypted JWT", "eyJhbGciOiJSU0EtT0FFUCJ9.abcdefghijkl.mnopqrstuvwx." + hidden + ".abcdefghijkl", ""},
		{"a private key", "-----BEGIN PRIVATE KEY-----\nMIIE" + hidden, ""},
		{"a private key of PGP", "-----BEGIN PGP PRIVATE KEY BLOCK-----\nlQdG" + hidden, ""},
		{"a private key of PuTTY", "PuTTY-User-Key-File-3: ssh-rsa\nPrivate-Lines: 14\nAAAB" + hidden, ""},
		{"a private key without its first line", "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEA" + hidden, ""},
		{"a token of GitHub", "ghp_16C7e42F292c6912E7710c838347Ae178B4a", ""},
		{"a token of Slack", "xoxb-123456789012-" + hidden, ""},
		{"hex beside a consumer key", hex64, key},
		{"hex in lower case beside a consumer key", strings.ToLower(hex64), key},
		{"hex beside a consumer key in the text", "3MVG9abcdefghijklmnop1234567890ABCDEFGHIJKLMNOP / " + hex64, ""},
		{"base64 beside a consumer key", base64, key},
		{"base64 beside a consumer key in the text", "3MVG9abcdefghijklmnop1234567890ABCDEFGHIJKLMNOP " + base64, ""},
	} {
		app := fileWith(t, "A.connectedApp", fmt.Sprintf(withoutText, "<description>Ours: "+test.text+"</description>")+test.beside)
		_, err := app.Package(68)
		if bad := refusal(err, "<description> holds ", test.text); bad != "" {
			t.Errorf("%s: %s", test.name, bad)
		}
	}
}

func TestASecretInANameIsPackagedFromNowhereAndNotShown(t *testing.T) {
	const jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0." + hidden
	const glued = "clientSecret_" + hidden
	for _, name := range []string{jwt, glued} {
		for _, inside := range []string{
			"<%s>x</%s>", "<new><%s/></new>", `<description %s="x">x</description>`, `<new %s="x"/>`, "<?%s x?>",
			`<x:new xmlns:x="urn:%s"/>`, `<%s:new xmlns:%[1]s="urn:x"/>`, `<description xmlns:%s="urn:x">x</description>`, "<new><a/><%s><b>c</b></%s></new>",
		} {
			inside = strings.ReplaceAll(strings.ReplaceAll(inside, "%[1]s", name), "%s", name)
			app := fileWith(t, "A.connectedApp", fmt.Sprintf(withoutText, inside))
			pkg, err := app.Package(68)
			if err != nil {
				if bad := refusal(err, "<", hidden); bad != "" {
					t.Errorf("%s: %s", inside, bad)
				}
			} else if bytes.Contains(pkg.Files[1].Data, []byte(hidden)) {
				t.Errorf("%s: packaged:\n%s", inside, pkg.Files[1].Data)
			} else if _, err := metadata.ParseFile("A.connectedApp", pkg.Files[1].Data); err != nil {
				t.Errorf("%s: what is left cannot be read: %v", inside, err)
			}
		}
	}
	for _, file := range []string{"client_secret=" + hidden, glued, "password " + hidden, jwt, "token%3D" + hidden, "00D5f000000abcd!AQ0AQ" + hidden} {
		app := fileWith(t, "force-app/"+file+".connectedApp", fmt.Sprintf(withoutText, ""))
		for how, pack := range map[string]func() error{
			"a package": func() error { _, err := app.Package(68); return err },
			"a source":  func() error { _, err := app.Source(); return err },
		} {
			var e *metadata.Error
			if err := pack(); !errors.As(err, &e) || strings.Contains(err.Error()+e.Name, hidden) || !strings.Contains(err.Error(), "rename") {
				t.Errorf("%s as %s: %v", file, how, err)
			}
		}
	}
	for _, file := range []string{"clientSecret=" + hidden + "/A.connectedApp", "A/" + glued + ".connectedApp"} {
		_, err := metadata.ParseFile(file, []byte("<ConnectedApp"+ns+">\n<x></ConnectedApp>"))
		if err == nil || strings.Contains(err.Error(), hidden) {
			t.Errorf("%s: %v", file, err)
		}
	}
}

func TestTheNameOfASecretBesideItsValueIsAPairInAnyOrder(t *testing.T) {
	for _, name := range []string{"clientSecret", "client_secret", "Password", "API key", "Access_Token__c", "ｃｌｉｅｎｔＳｅｃｒｅｔ", "client\u200bSecret", "client secret"} {
		for _, value := range []string{"'" + hidden + "'", hidden, "'hunter'", "\"hunter2\"", "TRIM('" + hidden + "')", "'h1dd' &amp; '00Canary0099'"} {
			for _, inside := range []string{
				"<attributes><key>" + name + "</key><formula>" + value + "</formula></attributes>",
				"<attributes><formula>" + value + "</formula><key>" + name + "</key></attributes>",
				"<attributes><formula><![CDATA[" + value + "]]></formula><key> " + name + "\n</key></attributes>",
			} {
				app := fileWith(t, "A.connectedApp", inside+fmt.Sprintf(withoutText, ""))
				_, err := app.Package(68)
				if bad := refusal(err, "<formula> holds ", strings.Trim(value, "'")); bad != "" {
					t.Errorf("%s: %s", inside, bad)
				}
			}
		}
	}
	for _, inside := range []string{
		"<name>clientSecret</name><value>%s</value>", "<value>%s</value><name>clientSecret</name>", "<new><value>%s</value><name>client secret</name></new>",
		`<description name="clientSecret">%s</description>`, "<new><entry><string>password</string><string>%s</string></entry></new>",
		"<new><key>refresh\u200bToken</key><value><string>%s</string></value></new>", `<new name="ｐａｓｓｗｏｒｄ">%s</new>`,
	} {
		for _, place := range []string{"%s", "<oauthConfig><callbackUrl>https://a</callbackUrl>%s</oauthConfig>"} {
			if strings.Contains(inside, "<description") && place != "%s" {
				continue
			}
			app := fileWith(t, "A.connectedApp", fmt.Sprintf(withoutText, fmt.Sprintf(place, fmt.Sprintf(inside, hidden))))
			pkg, err := app.Package(68)
			if err == nil && bytes.Contains(pkg.Files[1].Data, []byte(hidden)) || err != nil && refusal(err, "<", hidden) != "" {
				t.Errorf("%s: %v", fmt.Sprintf(place, inside), err)
			}
		}
	}
}

// harmless are texts about secrets that hold none.
var harmless = []string{
	// In addresses.
	"https://a.example/cb?token=", "https://a.example/cb?token={token}", "https://a.example/cb?token=${TOKEN}", "https://a.example/cb?token=***", "https://a.example/cb#access_token=your-token-here",
	"https://a.example/cb?token=%7Btoken%7D", "https://a.example/cb?token_type=bearer&amp;tokenId=3", "https://a.example/oauth2/token?api=v68.0", "https://user@a.example/", "https://user:{password}@a.example",
	"https://user:password@a.example/", "https://a.example:8443/b@c", "https://a.example/?session=new&amp;state=4f2a9c0b", "https://a.example/reset-password?lang=en_US", "https://a.example/?sig=none",
	// In prose.
	"Rotate the client secret every 90 days", "the password is required", "the token is valid for 30 days", "secret: none", "The client secret: ask the owner.", "Passwords and refresh tokens are kept in the vault.",
	"Password: at least 12 characters", "The password policy is Strict_2026_v2", "Token format: JWT (RS256)", "The token is RS256-signed", "access token: OAuth2.0", "Tokens expire after 24h; refresh tokens after 30days.",
	"The secret was rotated on 2026-11-01", "secret: 2026-11-01", "secret rotated 20Nov2026", "See https://wiki.example.com/x?pageId=12345678 for the password", "The credentials are bob@acme2026.com",
	"Named Credential: Acme_Prod_2026", "The signing key is SelfSignedCert_20Nov2026_123456", "Password → see the vault", "password hash: SHA-256, PBKDF2", "secret (see RFC6749, section 2.3.1)",
	"client secret = <client secret>", "the client secret, then step2", "API key: API 68", "Enter the password and press F5", "build 1a2b3c4d as token issuer", "Client secret: xxxxxxxxxxxx", "pwd = your-password-123",
	// In commands and headers.
	"curl -u <user>:<password> https://a.example", "curl -u user:$PASSWORD https://a.example", "tool --client-secret $SECRET", "tool --client-secret <secret>", "tool --password=required", "pass --password on the command line",
	"Authorization: Bearer <token>", "Authorization: Bearer {{access_token}}", "Authorization: Basic base64(user:password)", "Basic edition2026", "X-API-Key: YOUR_API_KEY", "docker run -u 1000:1000 acme",
	// In tables, lists and configuration.
	"| setting | value |\n|---|---|\n| client secret | required |", "| user | password |\n|---|---|\n| bob | in the vault |", "- password: required\n- token: optional", `{"clientSecret": "${CLIENT_SECRET}"}`,
	`{"name":"clientSecret","value":""}`, "CLIENT_SECRET=", "PASSWORD=$VAULT_PASSWORD", "client_secret: vault:kv/acme/client-secret", "isSecretRequiredForRefreshToken: true", "refreshTokenPolicy: specific_lifetime:60:MONTHS",
	"secretRotationDays = 30", "passwordPolicyName: Strict_2026_v2", "eyJ.a.b and 00D5f000000abcd!",
	// In markup.
	"<clientSecret></clientSecret>", "<clientSecret>${CLIENT_SECRET}</clientSecret>", "<isSecretRequired>true</isSecretRequired>",
	"SHA-256 of the certificate: 4f2a9c0b7d1e8356af90b2c47d1e83564f2a9c0b7d1e8356af90b2c47d1e8356",
}

func TestAsManyTextsAboutSecretsArePackagedAsSecretsAreRefused(t *testing.T) {
	if len(harmless) < len(secretForms) {
		t.Errorf("%d forms of secrets and %d harmless texts", len(secretForms), len(harmless))
	}
	for _, text := range harmless {
		for _, encode := range []func(string) string{func(s string) string { return s }, html.EscapeString} {
			app := fileWith(t, "A.connectedApp", fmt.Sprintf(withoutText, "<description>Ours. "+html.EscapeString(encode(strings.ReplaceAll(text, "&amp;", "&")))+"</description>"))
			pkg, err := app.Package(68)
			if err != nil {
				t.Errorf("%q: %v", text, err)
				continue
			}
			if want, err := only(app.Files()); err != nil || !bytes.Equal(pkg.Files[1].Data, want) {
				t.Errorf("%q: %v\ngot\n%s\nwant\n%s", text, err, pkg.Files[1].Data, want)
			}
		}
	}
}

func TestWhatIsCalledAfterSecretsIsPackaged(t *testing.T) {
	for _, inside := range []string{
		"<attributes><formula>$User.Email</formula><key>token</key></attributes>", "<attributes><formula>'required'</formula><key>passwordPolicy</key></attributes>", "<attributes><formula>'${SECRET}'</formula><key>clientSecret</key></attributes>",
		"<attributes><formula>'EU1-Region'</formula><key>region</key></attributes>", "<profileName>Token Administrators 2026</profileName>", "<permissionSetName>Password_Reset_2026</permissionSetName>",
		"<startUrl>/apex/Token2026?kind=password</startUrl>", "<new><secretName>Acme_Prod_2026</secretName></new>", "<new><namedCredential>Acme_2026</namedCredential></new>",
	} {
		app := fileWith(t, "A.connectedApp", inside+fmt.Sprintf(withoutText, ""))
		pkg, err := app.Package(68)
		want, err2 := only(app.Files())
		if err != nil || err2 != nil || !bytes.Equal(pkg.Files[1].Data, want) {
			t.Errorf("%s: %v, %v", inside, err, err2)
		}
	}
	for _, name := range []string{"Password_Reset_2026", "Token_RS256_Signer", "Client Secret Rotation 90 days", "SelfSignedCert_20Nov2026_123456", "OAuth2_Token_Service_v2", "secrets"} {
		if _, err := fileWith(t, name+".connectedApp", fmt.Sprintf(withoutText, "")).Package(68); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestASecretThatHasNeitherNameNorFormIsPackaged(t *testing.T) {
	for _, text := range []string{hidden, "ours is " + hidden, "the password: sunshine", "p a s s w o r d: " + hidden, "раssword: " + hidden} { // the last begins with two Cyrillic letters
		if _, err := fileWith(t, "A.connectedApp", fmt.Sprintf(withoutText, "<description>"+text+"</description>")).Package(68); err != nil {
			t.Errorf("%q is told, which the documents say it is not: %v", text, err)
		}
	}
}
