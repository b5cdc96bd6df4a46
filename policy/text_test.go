package policy_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/policy"
)

// counted is a number of findings in words.
func counted(n int) string {
	if n == 1 {
		return "1 finding"
	}
	return fmt.Sprint(n, " findings")
}

// rows are those that a text takes on a screen of some columns.
func rows(text string, columns int) int {
	n := 0
	for line := range strings.Lines(text) {
		n += max(1, (len([]rune(strings.TrimRight(line, "\n")))+columns-1)/columns)
	}
	return n
}

func TestTheTextOfAReportFitsAScreenAndEndsWithTheTotal(t *testing.T) {
	for name, spec := range specs() {
		app := newTree(t, spec).subject(t, spec.APIName)
		byInstructions := policy.Check(app, policy.Baseline(spec)...)
		all := policy.Check(app, everyRule(spec)...)
		for _, tt := range []struct {
			what   string
			report policy.Report
			rows   int
		}{
			{"the instructions", byInstructions, 12}, {"every set", all, 52},
		} {
			text := tt.report.String()
			if n := rows(text, 120); n > tt.rows {
				t.Errorf("%s, %s: %d rows of 120 columns:\n%s", name, tt.what, n, text)
			}
			lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
			want := fmt.Sprintf(": %s, %d passed, %d not visible", counted(len(tt.report.Findings)), len(tt.report.Passed), len(tt.report.NotVisible))
			if !strings.HasSuffix(lines[len(lines)-1], want) {
				t.Errorf("%s, %s: the last line is %q, want one that ends in %q", name, tt.what, lines[len(lines)-1], want)
			}
			for _, f := range tt.report.NotVisible {
				line := f.Field + ", should be " + strings.ReplaceAll(f.Want, "\n", ", ") + ": " + f.Message + " [" + f.Rule + "]"
				if _, below, found := strings.Cut(text, "not visible: "+f.Screen+"\n"); !found || !strings.Contains(below, line) {
					t.Errorf("%s: nothing about where to look for %s", name, f.Rule)
				}
			}
		}
	}
}

func TestTheTextOfSeveralReportsEndsWithTheTotalOfAll(t *testing.T) {
	all := reports(t)
	text := write(t, policy.Text, all...)
	findings, passed, unseen := 0, 0, 0
	for _, r := range all {
		findings, passed, unseen = findings+len(r.Findings), passed+len(r.Passed), unseen+len(r.NotVisible)
	}
	if want := fmt.Sprintf("\n\n%d apps: %d findings, %d passed, %d not visible\n", len(all), findings, passed, unseen); !strings.HasSuffix(text, want) {
		t.Errorf("want %q at the end of\n%s", want, text)
	}
}

func TestAFindingSaysInTextWhatItSaysOnlyOnce(t *testing.T) {
	spec := specs()["external client app, production"]
	app := spec.New()
	app.Policies.StartPage = "OAuth"
	text := policy.Check(policy.Subject{App: app, Version: 66}, policy.Baseline(spec)...).String()
	if strings.Count(text, "OAuth\"") != 1 || strings.Contains(text, "got ") {
		t.Errorf("%s", text)
	}
}

func TestTheWayToAScreenIsWholeWhateverTheAppIsCalled(t *testing.T) {
	spec := specs()["external client app, production"]
	app := spec.New()
	app.External.Label, app.Policies.StartPage = "Motion: the app", ""
	text := policy.Check(policy.Subject{App: app, Version: 66}, policy.Baseline(spec)...).String()
	if !strings.Contains(text, "not visible: Setup > Apps > External Client Apps > External Client App Manager > Motion: the app > Policies tab > Edit\n") {
		t.Errorf("%s", text)
	}
}
