package main

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/oauthflow/orgtest"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

const oldApp = `<?xml version="1.0" encoding="UTF-8"?>
<ConnectedApp xmlns="http://soap.sforce.com/2006/04/metadata">
    <contactEmail>admin@acme.example</contactEmail>
    <label>Fullcast Motion Package</label>
    <oauthConfig>
        <callbackUrl>https://app.fullcast.io/app/admin/motion</callbackUrl>
        <consumerKey>3MVG9TESTlegacyConsumerKey</consumerKey>
        <consumerSecret>l3gacy-s3cr3t-of-th3-app</consumerSecret>
        <isSecretRequiredForRefreshToken>true</isSecretRequiredForRefreshToken>
        <scopes>Basic</scopes>
        <scopes>Api</scopes>
        <scopes>Web</scopes>
        <scopes>Full</scopes>
        <scopes>RefreshToken</scopes>
    </oauthConfig>
</ConnectedApp>
`

func TestConnectionsOfBeforeAreAdoptedOnceAndTheReportSaysSo(t *testing.T) {
	const app = "Fullcast_Motion_Package"
	org, err := orgtest.New(orgtest.Config{Existing: map[string]string{"connectedApps/" + app + ".connectedApp": oldApp}})
	if err != nil {
		t.Fatal(err)
	}
	token, err := org.UserApproved(app, "admin@acme.example")
	if err != nil {
		t.Fatal(err)
	}
	line := func(tenant, token string) string {
		b, err := json.Marshal(map[string]string{
			"tenant": tenant, "name": "main", "kind": "ConnectedApp", "host": "acme.my.salesforce.com",
			"consumerKey": "3MVG9TESTlegacyConsumerKey", "consumerSecret": "l3gacy-s3cr3t-of-th3-app", "refreshToken": token,
		})
		if err != nil {
			t.Fatal(err)
		}
		return string(b) + "\n"
	}
	dir, key := filepath.Join(t.TempDir(), "store"), tokenstore.GenerateSealingKey("example").Key.Reveal()
	env := func(name string) string { return map[string]string{"SFAUTH_KEY": key, "SFAUTH_DIR": dir}[name] }
	call := func(in string, args ...string) (int, string) {
		var out, errs bytes.Buffer
		code := run(t.Context(), args, env, strings.NewReader(in), &out, &errs, org.RoundTripper())
		t.Logf("%s%s", &out, &errs) // what is printed is looked through for secrets
		for _, secret := range []string{token, "l3gacy-s3cr3t-of-th3-app", key} {
			if strings.Contains(out.String()+errs.String(), secret) {
				t.Errorf("a secret is shown: %s%s", &out, &errs)
			}
		}
		return code, out.String() + errs.String()
	}
	in := line("acme", token) + "\n" + line("other", "5Aep0th3rT0k3nUnkn0wnH3r3")

	for range 2 { // nothing of the first is left
		code, out := call(in, "-dry-run")
		if code != 1 || !strings.Contains(out, "fine     acme/main") || !strings.Contains(out, "doubtful other/main") ||
			!strings.Contains(out, "1 of 2 connections are fine") {
			t.Errorf("dry run: %d, %s", code, out)
		}
	}
	for _, e := range org.Ledger() {
		if e.Event != "introspect" && e.Event != "setup" {
			t.Errorf("the dry run caused %+v", e)
		}
	}
	code, out := call(in)
	if code != 1 || !strings.Contains(out, "adopted  acme/main: org "+org.ID()) || !strings.Contains(out, "refused  other/main") ||
		!strings.Contains(out, "1 adopted, 1 refused") {
		t.Errorf("%d, %s", code, out)
	}
	before := len(org.Ledger())
	if code, out := call(line("acme", token)); code != 0 || !strings.Contains(out, "1 adopted, 0 refused") || len(org.Ledger()) != before {
		t.Errorf("again: %d, %s; %d more events at the org, want none", code, out, len(org.Ledger())-before)
	}
}

func TestBadInputIsOneLineAndStatusTwo(t *testing.T) {
	good := `{"tenant":"a","name":"b","kind":"ConnectedApp","host":"acme.my.salesforce.com","consumerKey":"k","consumerSecret":"hush-hush","refreshToken":"r"}`
	for name, c := range map[string]struct {
		args []string
		in   string
	}{
		"an unknown flag":     {[]string{"-x"}, good},
		"an argument":         {[]string{"file"}, good},
		"an unknown site":     {[]string{"-site", "mars"}, good},
		"no line":             {nil, "\n\n"},
		"no JSON":             {nil, "tenant,name"},
		"an unknown field":    {nil, strings.Replace(good, `"name"`, `"nom"`, 1)},
		"no refresh token":    {nil, strings.Replace(good, `"r"`, `""`, 1)},
		"an unknown kind":     {nil, strings.Replace(good, "ConnectedApp", "Named Credential", 1)},
		"a host that is none": {nil, strings.Replace(good, "acme.my.salesforce.com", "evil.example", 1)},
		"a key twice":         {nil, good + "\n" + good},
		"no sealing key":      {nil, good},
	} {
		t.Run(name, func(t *testing.T) {
			var out, errs bytes.Buffer
			code := run(t.Context(), c.args, func(string) string { return "" }, strings.NewReader(c.in), &out, &errs, nil)
			if code != 2 || strings.Count(errs.String(), "\n") != 1 || out.Len() > 0 || strings.Contains(errs.String(), "hush-hush") {
				t.Errorf("%d, %q, %q; want status 2 and one line", code, &out, &errs)
			}
		})
	}
}
