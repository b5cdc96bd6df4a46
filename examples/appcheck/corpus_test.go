package main

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/fullcast/sfauth/internal/needs"
	"github.com/fullcast/sfauth/policy"
)

// TestEveryFileOfRealOrgsGetsAReport runs the program over each file that SFAUTH_CORPUS holds, and writes a table. The files
// are of other products' apps, so that findings are the rule; what must hold is that each ends in a report, and in the
// status that the report says.
func TestEveryFileOfRealOrgsGetsAReport(t *testing.T) {
	t.Chdir(needs.Folder(t, "SFAUTH_CORPUS"))
	found, unseen, passed, rules := map[string]int{}, map[string]int{}, map[string]int{}, map[string]bool{}
	files, apps, begin := 0, 0, time.Now()
	err := fs.WalkDir(os.DirFS("."), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() == "MANIFEST.tsv" {
			return err
		}
		files++
		got := check(t, "", "-format", "json", "-rules", "baseline,hardening,partner2026,prerequisites", filepath.FromSlash(name))
		if strings.HasSuffix(name, ".settings") {
			got.want(t, 2, "", name+": there is no app in it")
			return nil
		}
		var log struct{ Reports []policy.Report }
		if err := json.Unmarshal([]byte(got.stdout), &log); err != nil || len(log.Reports) != 1 || got.stderr != "" {
			t.Errorf("%s: %d reports, %v\n%s", name, len(log.Reports), err, got.stderr)
			return nil
		}
		apps++
		report, want := log.Reports[0], 0
		if report.Worst() == policy.SeverityError {
			want = 1
		}
		if got.code != want {
			t.Errorf("%s: status %d, want %d", name, got.code, want)
		}
		count := func(rule string, in map[string]int) {
			rules[rule] = true
			in[rule]++
		}
		for _, f := range report.Findings {
			if f.File != name {
				t.Errorf("%s: %s points at %q", name, f.Rule, f.File)
			}
			count(f.Rule, found)
		}
		for _, f := range report.NotVisible {
			count(f.Rule, unseen)
		}
		for _, rule := range report.Passed {
			count(rule, passed)
		}
		return nil
	})
	took := time.Since(begin)
	if err != nil || apps == 0 {
		t.Fatalf("%d apps, %v", apps, err)
	}
	var table strings.Builder
	w := tabwriter.NewWriter(&table, 0, 8, 2, ' ', 0)
	fmt.Fprintf(w, "rule\tfound\tnot visible\tpassed\n")
	for _, rule := range slices.Sorted(maps.Keys(rules)) {
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\n", rule, found[rule], unseen[rule], passed[rule])
	}
	w.Flush()
	t.Logf("%d files, %d apps, %.0f apps a second\n%s", files, apps, float64(apps)/took.Seconds(), table.String())
}
