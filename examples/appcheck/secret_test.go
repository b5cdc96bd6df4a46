package main

import (
	"os"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/fullcast"
)

func TestNothingThatIsPrintedHoldsAConsumerKeyOrSecret(t *testing.T) {
	const key, secret = "3MVG9h1ddenKEY", "h1ddenSECRET0000"
	project(t, external(fullcast.Production), connected())
	withoutPKCE(t)
	const credentials = "<consumerKey>" + key + "</consumerKey><consumerSecret>" + secret + "</consumerSecret>"
	edit(t, global, "<externalClientApplication>", credentials+"<externalClientApplication>")
	const old = source + "/connectedApps/Fullcast_Motion_Package.connectedApp-meta.xml"
	edit(t, old, "<isAdminApproved>", credentials+"<isAdminApproved>")
	edit(t, old, "<label>", "<!-- clientSecret: "+secret+" -->"+credentials+"<new><clientSecret>"+secret+"</clientSecret></new><description>password = "+secret+", "+key+"</description><label>")
	if err := os.CopyFS("there", os.DirFS("force-app")); err != nil {
		t.Fatal(err)
	}
	edit(t, strings.Replace(global, "force-app", "there", 1), secret, "an"+secret)
	for _, args := range [][]string{
		{"-format", "text"}, {"-format", "markdown"}, {"-format", "html"}, {"-format", "json"}, {"-format", "sarif"},
		{"-diff", "there"}, {"-diff", "there", "-format", "json"}, {"-diff", "instructions"},
		{"-migrate"}, {"-migrate", "-format", "json"}, {"-correct"}, {"-correct", "-write"},
	} {
		args = append(args, "-rules", "baseline,hardening,partner2026,prerequisites", "force-app")
		got := check(t, "", args...)
		if got.code == 2 || got.stdout == "" && got.stderr == "" {
			t.Errorf("%q: status %d\n%s%s", args, got.code, got.stdout, got.stderr)
		}
		if text := got.stdout + got.stderr; strings.Contains(text, key) || strings.Contains(text, secret) {
			t.Errorf("%q shows a credential:\n%s", args, text)
		}
	}
	if text := get(t, global); !strings.Contains(text, credentials) || !strings.Contains(text, "<isPkceRequired>true<") {
		t.Errorf("correcting is to keep what it was not asked to change:\n%s", text)
	}
}
