package secretscan_test

import (
	"strings"
	"testing"

	"github.com/fullcast/sfauth/internal/secretscan"
)

// secrets are texts that hold one.
var secrets = []string{
	"credentials: bob / 8D3F9A2B1C4E",
	"token=8D3F9A2B1C4E/password 8D3F9A2B1C4E.x",
	"password: hunter2", "the password is hunter2", "password hunter2", "password is Summer2026!", "PASSWORD=hunter", "password: P@ssword!", "pw: h1dden00", "Pass: h1dden00",
	"user=bob;password=h1dden00", "the client secret of this app is 8D3F9A2B1C4E", "client secret for production: 8D3F9A2B1C4E", "Client Secret (prod): 8D3F9A2B1C4E",
	"client secret [prod] = 8D3F9A2B1C4E", "client_id=abc&client_secret=8D3F9A2B1C4E", "grant_type=password&username=a&password=hunter2x", "client secret\n8D3F9A2B1C4E5F60",
	"Client Secret\t8D3F9A2B1C4E", "Client secret....8D3F9A2B1C4E", "secret is '8D3F9A2B1C4E'", "consumerSecret 1234567890123456789", "the secret's 8D3F9A2B1C4E",
	"Key/Secret: 3MVG9abc / 8D3F9A2B1C4E", "user/password: bob/h1dden00Canary", "token (h1dden00Canary0099)", "\"token\" : \"h1dden00Canary0099\"",
	"token=>h1dden00Canary0099", "Token:h1dden00Canary0099", "--client-secret=h1dden00", "-p h1dden00Canary", "sshpass -p 'h1dden00Canary' ssh a",
	"curl -H 'X-Auth-Token: h1dden00Canary'", "curl -u \"user:h1dden00Canary\"", "curl --user=user:h1dden00Canary x", "wget --http-password=hunter",
	"ftp://bob:hunter@host/x", "jdbc:mysql://h/db?user=a&password=hunter22", "AccountKey=dGhpcyBpcyBhIHNlY3JldA9x==", "SharedAccessKey=dGhpcyBpcyBhIHNlY3JldA9x==",
	"aws_secret_access_key = wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY", "clientSecret h1dden00Canary0099 (do not share)", "h1dden00Canary0099 (client secret)",
	"h1dden00Canary0099 - client secret", "secret key h1dden00Canary0099", "Passwort: h1dden00Canary", "pass\u200bword: h1dden00", "password：h1dden00", "ｐａｓｓｗｏｒｄ：ｈ１ｄｄｅｎ００",
	"password%3A%20h1dden00", "&lt;clientSecret&gt;X1&lt;/clientSecret&gt;", "&amp;lt;clientSecret&amp;gt;hunter&amp;lt;/clientSecret&amp;gt;",
	"<clientSecret><![CDATA[hunter2x]]></clientSecret>", "<param name='clientSecret'>h1dden00</param>", "{'clientSecret':'h1dden00'}", "{clientSecret: h1dden00}",
	"clientSecret: >-\n    h1dden00Canary", "clientSecret: |\n    h1dden00Canary", "Client ID: abc, Client Secret: 8D3F9A2B1C4E", "OAuth (secret 8D3F9A2B1C4E)",
	"session_id=abc123def456ghi789", "sid=abc123def456ghi789", "JSESSIONID=A1B2C3D4E5F6", "security token: aBcDeFgHiJkLmNoPqRsTuVwX",
	"Security token aBcD3FgHiJkLmNoPqR5TuVwX", "https://a/?key=AIzaSyD4x9f8Q2w1e5r6t7y8u9i0o", "https://a/?code=aPrxQ7y2W4e6R8t0Y1u3I5o7",
	"00D5f000000abcd!AQ0AQh1dden00Canary0099", "5Aep861h1dden00Canary0099aB3aB3aB3aB3", "clientSecret_h1dden00Canary0099", "name\tpassword\nbob\th1dden00",
	"a;client secret\nb;8D3F9A2B1C4E", "\"password\"\n\"h1dden00Canary\"", "Bearer h1dden00Canary0099", "basic dXNlcjpoMWRkZW4wMENhbmFyeQ==",
	"-----BEGIN OPENSSH PRIVATE KEY-----", "ghp_16C7e42F292c6912E7710c838347Ae178B4a", "password is: 8D3F9A2B", "set the password to h1dden00Canary",
}

// harmless are texts about secrets, or like those, that hold none.
var harmless = []string{
	"Reset your password at https://acme.my.salesforce.com/secur/forgotpassword.jsp?locale=us", "tokens: 3 per user", "max tokens 100000000",
	"The access token lifetime is 15 min", "Client Secret Rotation: every 90 days since 2026-01-01", "token endpoint https://login.salesforce.com/services/oauth2/token",
	"Uses JWT bearer flow with RS256", "bearer token authentication (RFC6750)", "API key stored in Vault path kv/data/acme/2026", "Secret name: sfdc-prod-01",
	"secret ID is stored in AWS (us-east-1)", "password: see LastPass, entry SF-0042", "Password: ask John (ext. 12345678)", "credentials: 1Password vault 'Acme2026'",
	"Uses the Salesforce1 token", "Session ID: sent in the header", "token: none (mTLS1.2)", "Owner: bob2026@acme.com; token rotation quarterly", "certificate AcmeToken2026",
	"Token-Exchange handler: TokenHandler2", "token exchange: Acme_TokenHandler_v2", "See ticket SEC-12345 for the secret", "ticket INC0012345678 is for the password reset",
	"Case 00012345 was password", "client secret last rotated: 2026-11-01T10:00:00Z", "Passwords need 12-64 characters", "PASSWORD_MIN_LENGTH=12",
	"tokenUrl=https://a.example/oauth2/v2.0/token", "The password: 12+ chars, A-Z, 0-9", "secret (64 hex characters)", "secret=64chars", "Token: OAuth 2.0 bearer",
	"token type=Bearer2", "refresh token: valid until 31Dec2026", "refresh tokens: expire after 365days", "sid: S-1-5-21-3623811015-3361044348-30300820-1013",
	"session=30min", "pin: v2.1.3", "password/username flow", "username-password flow (OAuth2)", "the password for sandbox2026",
	"Password of integration user int_user_2026@acme.com is in the vault", "password managed by team sf-platform-2026", "auth: OAuth2.0", "authorization: see Acme_Prod_2026",
	"signature: HMAC-SHA256", "cookie: SameSite=None", "Basic auth over TLS1.2", "Basic authentication with user1234567890abc", "secret→vault",
	"API keys: 2 (rotated 01Jan2026)", "Secret: 4 weeks", "secrets: kv/acme-2026/sf", "password: \"\"", "password: ''", "password: <see vault item 1234abcd>",
	"password: [redacted]", "password: (none)", "password: N/A", "token: {{token123abc}}", "token: %TOKEN_2026%", "token: ${env:TOKEN2026abc}", "token: $TOKEN2",
	"token: <TOKEN2026abc>", "Token App v68.0 build 20261101", "token: xxxxx12345", "token=abc...xyz", "token=eyJ...", "token: 00D...!AQ...", "password: ●●●●●●●●",
	"password: …", "https://a/cb?token=:token", "https://a/cb?token=%s", "https://a/cb?token=%3Ctoken%3E", "https://a/cb?token=TOKEN", "https://a/cb?token=<your token 123>",
	"https://a/cb?token=$1", "https://a/cb?password=required", "mailto:security@acme.com?subject=Token2026", "https://a/cb?secretName=prod2026a",
	"https://a/apps/token/1234abcd5678", "Token: see https://a.example/t/1a2b3c4d5e",
}

func TestTextsThatHoldASecretAreToldFromTextsAboutSecrets(t *testing.T) {
	if len(harmless) < len(secrets) {
		t.Errorf("%d texts hold a secret, and %d none", len(secrets), len(harmless))
	}
	for _, text := range secrets {
		masked := mask(text)
		if (secretscan.Known{}).In(text) == "" || !(secretscan.Known{}).May(text) || masked == text || !strings.Contains(masked, "…") || strings.Contains(masked, "8D3F9A2B1C4E") {
			t.Errorf("%q is not told: masked %q", text, masked)
		}
	}
	for _, text := range harmless {
		if what := (secretscan.Known{}).In(text); what != "" || mask(text) != text {
			t.Errorf("%q is taken for %s: masked %q", text, what, mask(text))
		}
	}
}

func TestWhatIsKnownOfTheAppIsLookedFor(t *testing.T) {
	const hex = "4f2a9c0b7d1e8356af90b2c47d1e83564f2a9c0b7d1e8356af90b2c47d1e8356"
	for _, test := range []struct {
		known secretscan.Known
		text  string
		want  bool
	}{
		{secretscan.Known{Secrets: []string{"correcthorse"}}, "see correcthorse", true},
		{secretscan.Known{Secrets: []string{"correcthorse"}}, "see correct&#104;orse", true},
		{secretscan.Known{Secrets: []string{"correcthorse"}}, "see correct\u200bhorse", true},
		{secretscan.Known{Secrets: []string{"correcthorse"}}, "see correct horse", false},
		{secretscan.Known{HasKey: true}, "ours: " + hex, true},
		{secretscan.Known{}, "ours: " + hex, false},
		{secretscan.Known{HasKey: true}, "SHA-256 of the certificate: " + hex, false},
		{secretscan.Known{HasKey: true}, "the certificate has the fingerprint " + hex, false},
		{secretscan.Known{}, "3MVG9abcdefghijklmnop1234567890ABCDEFGHIJKLMNOP, " + hex, true},
		{secretscan.Known{HasKey: true}, "3MVG9abcdefghijklmnop1234567890ABCDEFGHIJKLMNOP", false},
		{secretscan.Known{HasKey: true}, "-----BEGIN CERTIFICATE-----\nq8Zr1kT0vX9w2Yb7+Lm3/NpQ5sUdFgHj6KoIaBcDeE4=", false},
	} {
		if got := test.known.In(test.text) != ""; got != test.want {
			t.Errorf("%+v in %q: %v", test.known, test.text, got)
		}
		if got := test.known.Mask(test.text) != test.text; got != test.want {
			t.Errorf("%+v masked in %q: %v", test.known, test.text, got)
		}
	}
}

func FuzzMask(f *testing.F) {
	for _, text := range append(append([]string{}, secrets...), harmless...) {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		known := secretscan.Known{Secrets: []string{"correcthorse"}, HasKey: true}
		masked := known.Mask(text)
		if (known.In(text) != "") != (masked != text) {
			t.Errorf("%q: told %q, masked %q", text, known.In(text), masked)
		}
		known.May(text)
	})
}
