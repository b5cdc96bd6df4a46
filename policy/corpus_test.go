package policy_test

import (
	"bytes"
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/internal/needs"
	"github.com/fullcast/sfauth/internal/secret"
	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/policy"
)

// corpus reads the real apps that SFAUTH_CORPUS names a folder of.
func corpus(t *testing.T) []metadata.App {
	t.Helper()
	dir := needs.Folder(t, "SFAUTH_CORPUS")
	var apps []metadata.App
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() == "MANIFEST.tsv" || strings.HasSuffix(path, ".settings") {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		// The files have numbers for names, which no API name may begin with. Each is an app of its own.
		app, err := metadata.ParseFile("App_"+d.Name(), data)
		if err == nil {
			apps = append(apps, app)
		}
		return err
	})
	if err != nil || len(apps) == 0 {
		t.Fatalf("%d apps: %v", len(apps), err)
	}
	return apps
}

// TestRealApps judges real apps by every set and writes a table of what was found. No report is judged here, but what
// must hold for any: nothing crashes, each rule has one outcome, correcting ends what it corrects, and an app is as itself.
func TestRealApps(t *testing.T) {
	apps := corpus(t)
	eca := fullcast.ExternalClientApp(fullcast.Production, "")
	old := fullcast.ConnectedApp(fullcast.Production, "")
	found, unseen, passed := map[string]int{}, map[string]int{}, map[string]int{}
	kinds := map[metadata.Kind]int{}
	var order []string
	checking := time.Duration(0)
	for _, app := range apps {
		kinds[app.Kind]++
		want := eca
		if app.Kind == metadata.KindConnectedApp {
			want = old
		}
		rules := slices.Concat(policy.Baseline(want), policy.Hardening(), policy.PartnerRequirements2026(), policy.Prerequisites())
		begin := time.Now()
		report := policy.Check(policy.Subject{App: app}, rules...)
		checking += time.Since(begin)
		outcomes := map[string]int{}
		for _, r := range rules {
			if !slices.Contains(order, r.ID) {
				order = append(order, r.ID)
			}
		}
		for _, f := range report.Findings {
			found[f.Rule]++
			outcomes[f.Rule]++
			reachable(t, app.Kind, cmp.Or(app.Spec().Name, app.Name), f)
		}
		for _, u := range report.NotVisible {
			unseen[u.Rule]++
			outcomes[u.Rule]++
			reachable(t, app.Kind, cmp.Or(app.Spec().Name, app.Name), toLook(u))
		}
		for _, id := range report.Passed {
			passed[id]++
			outcomes[id]++
		}
		for _, r := range rules {
			if outcomes[r.ID] != 1 {
				t.Errorf("%s %s: %s has %d outcomes", app.Kind, app.Name, r.ID, outcomes[r.ID])
			}
		}
		var b bytes.Buffer
		for _, form := range forms {
			if err := policy.Write(&b, form, report); err != nil {
				t.Errorf("%s %s: %v", app.Kind, app.Name, err)
			}
		}
		for _, secret := range credentials(app) {
			if strings.Contains(b.String(), secret) {
				t.Errorf("%s %s: a report shows its credential", app.Kind, app.Name)
			}
		}
	}
	for _, app := range apps {
		checkCorrection(t, app)
		if d := policy.Diff(app, app); len(d) > 0 {
			t.Errorf("%s %s differs from itself: %+v", app.Kind, app.Name, d)
		}
		if app.Kind == metadata.KindConnectedApp {
			checkPlan(t, app, eca)
		}
	}

	var table strings.Builder
	w := tabwriter.NewWriter(&table, 0, 8, 2, ' ', 0)
	fmt.Fprintf(w, "rule\tfound\tnot visible\tpassed\n")
	for _, id := range order {
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\n", id, found[id], unseen[id], passed[id])
	}
	w.Flush()
	t.Logf("%d apps (%d connected apps, %d external), %.0f apps checked a second\n%s",
		len(apps), kinds[metadata.KindConnectedApp], kinds[metadata.KindExternalClientApp], float64(len(apps))/checking.Seconds(), table.String())
}

// credentials are the consumer keys and secrets that a real app's files hold. Short ones are placeholders.
func credentials(app metadata.App) []string {
	var all []string
	add := func(key string, hidden secret.Secret) { all = append(all, key, hidden.Reveal()) }
	if o := app.OAuthSettings; o != nil {
		add(o.ConsumerKey, o.ConsumerSecret)
	}
	if g := app.GlobalOAuthSettings; g != nil {
		add(g.ConsumerKey, g.ConsumerSecret)
	}
	if app.Connected != nil && app.Connected.OAuthConfig != nil {
		add(app.Connected.OAuthConfig.ConsumerKey, app.Connected.OAuthConfig.ConsumerSecret)
	}
	return slices.DeleteFunc(all, func(s string) bool { return len(s) < 8 })
}

// checkCorrection corrects what Hardening and the instructions find, and wants nothing left that has a Correct.
func checkCorrection(t *testing.T, app metadata.App) {
	t.Helper()
	want := fullcast.ExternalClientApp(fullcast.Production, "")
	if app.Kind == metadata.KindConnectedApp {
		want = fullcast.ConnectedApp(fullcast.Production, "")
	}
	rules := slices.Concat(policy.Baseline(want), policy.Hardening())
	corrected := policy.Check(policy.Subject{App: app}, rules...).Correct(app)
	for _, f := range policy.Check(policy.Subject{App: corrected}, rules...).Findings {
		if f.Correct != nil {
			t.Errorf("%s %s: still there after correcting: %s", app.Kind, app.Name, f)
		}
	}
	for _, d := range policy.Diff(app, corrected) {
		if d.Mark == policy.Unknown {
			t.Errorf("%s %s: correcting changed %s", app.Kind, app.Name, d.Field)
		}
	}
}

func checkPlan(t *testing.T, app metadata.App, eca metadata.AppSpec) {
	t.Helper()
	if app.Connected.ContactEmail == "" {
		eca.ContactEmail = "admin@example.com"
	}
	plan, err := policy.PlanMigration(app, eca)
	if err != nil {
		t.Errorf("%s: %v", app.Name, err)
		return
	}
	for _, i := range plan.Items {
		if i.Fate == "" || i.Field == "" || i.Fate != policy.Kept && i.Why == "" {
			t.Errorf("%s: %+v", app.Name, i)
		}
	}
	for _, secret := range credentials(app) {
		if strings.Contains(plan.String(), secret) {
			t.Errorf("%s: the plan shows its credential", app.Name)
		}
	}
}
