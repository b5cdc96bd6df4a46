package interop_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

// deployed is what Salesforce's tooling understood of one deploy: its status, what became of each component, and warnings.
type deployed struct {
	Status          string
	Files, Messages []string
}

func TestSalesforcesOwnToolingDeploysAndDeletesTheApp(t *testing.T) {
	org, f := startOrg(t, orgtest.Config{})
	instance, token := org.AdminSession()
	app := fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example").New()
	source, err := app.Source()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	writeFiles(t, filepath.Join(dir, "force-app"), source)

	var saw struct{ Added, Replaced, Deleted, DeletedAgain, DeletedAgainIgnoringWarnings deployed }
	talk(t, f, "sdrdeploy.mjs", map[string]string{
		"proxy": startTunnel(t, f), "instanceUrl": instance, "token": token, "source": filepath.Join(dir, "force-app"),
		"home": dir, "version": "66.0",
	}, &saw, nil)

	components := []string{
		"ExternalClientApplication " + app.External.FullName,
		"ExtlClntAppConfigurablePolicies " + app.Policies.FullName,
		"ExtlClntAppGlobalOauthSettings " + app.GlobalOAuthSettings.FullName,
		"ExtlClntAppOauthConfigurablePolicies " + app.OAuthPolicies.FullName,
		"ExtlClntAppOauthSettings " + app.OAuthSettings.FullName,
	}
	each := func(format string) []string {
		var list []string
		for _, c := range components {
			typ, name, _ := strings.Cut(c, " ")
			list = append(list, fmt.Sprintf(format, typ, name))
		}
		return list
	}
	missing := each("Warning No %s named: %s found")
	for _, c := range []struct {
		name           string
		got            deployed
		status         string
		files, message []string
	}{
		{"a source tree is deployed", saw.Added, "Succeeded", each("%s %s Created"), nil},
		{"deletions before the additions leave the app there", saw.Replaced, "Succeeded", each("%s %s Created"), nil},
		{"an app is deleted with what belongs to it", saw.Deleted, "Succeeded", each("%s %s Deleted"), nil},
		{"what is gone is a warning, treated as an error", saw.DeletedAgain, "Failed", each("%s %[2]s Failed: No %[1]s named: %[2]s found"), missing},
		{"or ignored", saw.DeletedAgainIgnoringWarnings, "Succeeded", nil, missing},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.got.Status != c.status || c.files != nil && !slices.Equal(c.got.Files, c.files) || !slices.Equal(c.got.Messages, c.message) {
				t.Errorf("they saw %+v\nwant %s %q %q", c.got, c.status, c.files, c.message)
			}
		})
	}
}
