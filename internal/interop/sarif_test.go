package interop_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/policy"
)

// allRules are every rule that there is for an app of the instructions.
func allRules(spec metadata.AppSpec) []policy.Rule {
	return slices.Concat(policy.Baseline(spec), policy.Hardening(), policy.PartnerRequirements2026(), policy.Prerequisites())
}

// spoiled is an app in which much is wrong, and whose files and values have what a report must escape.
func spoiled(t *testing.T) metadata.App {
	t.Helper()
	app := fullcast.ExternalClientApp(fullcast.PreProduction, "admin@acme.example").New()
	app.External.Label = "<b>Full|cast</b> `x` & \"y\" \u202e\u00fc"
	wrong := false
	app.GlobalOAuthSettings.IsPKCERequired = &wrong
	app.OAuthPolicies.RefreshTokenPolicyType = "Zero"
	app.Policies = nil
	files, err := app.Files()
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, "my apps/100%:x #1/", files)
}

// parse reads files as they would lie below a folder.
func parse(t *testing.T, folder string, files []metadata.File) metadata.App {
	t.Helper()
	dir := t.TempDir()
	for i := range files {
		files[i].Name = folder + files[i].Name
	}
	writeFiles(t, dir, files)
	apps, err := metadata.Parse(os.DirFS(dir))
	if err != nil || len(apps) != 1 {
		t.Fatalf("%d apps, %v", len(apps), err)
	}
	return apps[0]
}

// reports are reports of all kinds: nothing wrong, much wrong, much unseen, nothing read.
func reports(t *testing.T) map[string][]policy.Report {
	t.Helper()
	all := map[string][]policy.Report{"no report": nil}
	for name, spec := range product() {
		all[name] = []policy.Report{policy.Check(policy.Subject{App: spec.New(), Version: 66}, allRules(spec)...)}
	}
	want := fullcast.ExternalClientApp(fullcast.Production, "")
	all["an app in which much is wrong"] = []policy.Report{policy.Check(policy.Subject{App: spoiled(t), Version: 66}, allRules(want)...)}
	all["no app and no rule"] = []policy.Report{policy.Check(policy.Subject{})}
	var together []policy.Report
	for _, name := range slices.Sorted(maps.Keys(all)) {
		together = append(together, all[name]...)
	}
	all["all of them in one"] = together
	return all
}

// judgeSARIF returns what the schema of SARIF 2.1.0 says against each log.
func judgeSARIF(t *testing.T, logs []json.RawMessage) [][]string {
	t.Helper()
	input, err := json.Marshal(logs)
	if err != nil {
		t.Fatal(err)
	}
	cmd := nodeCommand(t, "sarif.mjs")
	cmd.Stdin = bytes.NewReader(input)
	var log transcript
	cmd.Stderr = &log
	answer, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, log.String())
	}
	var errs [][]string
	if err := json.Unmarshal(answer, &errs); err != nil || len(errs) != len(logs) {
		t.Fatalf("%d verdicts over %d logs, %v", len(errs), len(logs), err)
	}
	return errs
}

func TestEveryReportIsSARIFByItsSchema(t *testing.T) {
	var names []string
	var logs []json.RawMessage
	for name, reports := range reports(t) {
		var b bytes.Buffer
		if err := policy.Write(&b, policy.SARIF, reports...); err != nil {
			t.Fatal(err)
		}
		names, logs = append(names, name), append(logs, b.Bytes())
	}
	for i, errs := range judgeSARIF(t, logs) {
		if len(errs) > 0 {
			t.Errorf("%s: %s\n%s", names[i], strings.Join(errs, "\n"), logs[i])
		}
	}
}

func TestTheSchemaOfSARIFRefusesWhatIsNone(t *testing.T) {
	var b bytes.Buffer
	if err := policy.Write(&b, policy.SARIF, reports(t)["an app in which much is wrong"]...); err != nil {
		t.Fatal(err)
	}
	good := b.String()
	var names []string
	var logs []json.RawMessage
	for name, change := range map[string][2]string{
		"another version":          {`"version":"2.1.0"`, `"version":"2.0.0"`},
		"a level of our own":       {`"level":"error"`, `"level":"bad"`},
		"a kind of our own":        {`"kind":"fail"`, `"kind":"wrong"`},
		"a line before the first":  {`"startLine":`, `"startLine": -`},
		"a result without message": {`"message":`, `"said":`},
		"a path that is no URI":    {`100%25:x%20%231`, `100%:x #1`},
		"a member of our own":      {`"runs":`, `"extra": 1, "runs":`},
	} {
		bad := strings.Replace(good, change[0], change[1], 1)
		if bad == good {
			t.Fatalf("%s: nothing to change in\n%s", name, good)
		}
		names, logs = append(names, name), append(logs, json.RawMessage(bad))
	}
	for i, errs := range judgeSARIF(t, logs) {
		if len(errs) == 0 {
			t.Errorf("%s passes", names[i])
		}
	}
}
