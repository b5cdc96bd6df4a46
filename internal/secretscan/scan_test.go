package secretscan_test

import (
	"strings"
	"testing"

	"github.com/fullcast/sfauth/internal/secretscan"
)

func mask(text string) string { return secretscan.Known{}.Mask(text) }

func TestNamesOfSecretsAreToldFromNamesOfSettings(t *testing.T) {
	for name, want := range map[string]bool{
		"consumerSecret": true, "CONSUMER_SECRET": true, "client-secret2": true, "password": true, "passwordHash": true, "privateKeyPem": true, "accessToken": true,
		"refresh_token": true, "sessionTokens": true, "credentials": true, "apiKey": true, "x:secret": true, "refreshTokenValue": true,
		"": false, "label": false, "refreshTokenPolicy": false, "refreshTokenValidityPeriod": false, "tokenIpRanges": false, "consumerKey": false, "isClientCredentialEnabled": false,
		"the client secret": false, "sec\u0000ret": false, strings.Repeat("a", 101) + "secret": false,
	} {
		if got := secretscan.Names(name); got != want {
			t.Errorf("%q: %v", name, got)
		}
	}
	for _, test := range []struct {
		name, value string
		want        bool
	}{
		{"isSecretRequired", "true", true}, {"consumerSecret", " False ", true}, {"secretRotationDays", "30", true}, {"consumerSecret", "", true},
		{"consumerSecret", "30", false}, {"accessToken", "30", false}, {"secretRotationDays", "30x", false}, {"secretRotationDays", "12345678", false},
	} {
		if got := secretscan.Setting(test.name, test.value); got != test.want {
			t.Errorf("%s = %q: %v", test.name, test.value, got)
		}
	}
}

func TestMaskTakesSecretsAndNothingElseOutOfATextInLinearTime(t *testing.T) {
	for text, want := range map[string]string{
		"client_secret=abc12345 x":                                                "client_secret=… x",
		`{"password": "abc12345", "a": 1}`:                                        `{"password": "…", "a": 1}`,
		"<secret>a</secret>":                                                      "<secret>…</secret>",
		"<m:secret a='b'>two words</m:secret>":                                    "<m:secret a='b'>…</m:secret>",
		"<isSecretRequired>true</isSecretRequired>":                               "<isSecretRequired>true</isSecretRequired>",
		"secret: ask the owner":                                                   "secret: ask the owner",
		"My Secret > Settings tab1234 > Edit":                                     "My Secret > Settings tab1234 > Edit",
		"https://a/?token=abc12345&x=1":                                           "https://a/?token=…&x=1",
		"https://a/?token={token}&x=1":                                            "https://a/?token={token}&x=1",
		"token=" + strings.Repeat("a1", 500) + ",b":                               "token=…,b",
		"a -----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY----- b": "a … b",
		"-----BEGIN PRIVATE KEY-----\nMII":                                        "…",
		"PRIVATE KEY-----x":                                                       "…",
		"-----BEGIN CERTIFICATE-----\nMIIpfx1==\n-----END":                        "-----BEGIN CERTIFICATE-----\nMIIpfx1==\n-----END",
		"": "",
	} {
		if got := mask(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
		if again := mask(mask(text)); again != want {
			t.Errorf("%q: masked again, it is %q", text, again)
		}
	}
	for _, piece := range []string{"secret=", "secret=a1b2c3d4", "<secret>", "<secret>a1b2c3d4", "PRIVATE KEY-----", ">", "=", "-----BEGIN "} {
		mask(strings.Repeat(piece, 1<<20/len(piece))) // a quadratic one would not end
	}
}
