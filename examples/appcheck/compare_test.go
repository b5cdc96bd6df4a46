package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/policy"
)

func TestTwoTreesAreComparedFieldByField(t *testing.T) {
	project(t, external(fullcast.Production))
	if err := os.CopyFS("there", os.DirFS("force-app")); err != nil {
		t.Fatal(err)
	}
	check(t, "", "force-app", "-diff", "there").want(t, 0, "Fullcast: 0 differences\n", "")
	withoutPKCE(t)
	edit(t, header, "<label>", "<description>words</description><label>")
	got := check(t, "", "force-app", "-diff", "there")
	got.want(t, 1, "Flows (listed)\n  here:  cleared\n  there: selected\n", "")
	got.want(t, 1, "description (unlisted)\n  here:  words\n  there: (absent)\n", "")

	var log struct {
		Version     int
		Comparisons []struct {
			App         string
			Differences []policy.Difference
		}
	}
	got = check(t, "", "-format", "json", "-diff", "there", "force-app")
	if err := json.Unmarshal([]byte(got.stdout), &log); err != nil {
		t.Fatal(err)
	}
	if got.code != 1 || log.Version != 1 || len(log.Comparisons) != 1 || log.Comparisons[0].App != "Fullcast" || len(log.Comparisons[0].Differences) != 2 {
		t.Errorf("status %d: %+v", got.code, log)
	}
}

func TestAgainstTheInstructionsOnlyListedFieldsDiffer(t *testing.T) {
	project(t, external(fullcast.Production))
	edit(t, header, "<label>", "<description>words</description><label>")
	check(t, "", ".", "-diff", "instructions").want(t, 0, "Fullcast: 0 differences", "")
	withoutPKCE(t)
	check(t, "", ".", "-diff", "instructions").want(t, 1, "Fullcast: 1 difference\n", "")
}

func TestAnAppOfAnotherNameDiffersFromTheInstructions(t *testing.T) {
	for _, spec := range []metadata.AppSpec{external(fullcast.Production), connected()} {
		spec.APIName, spec.Name = "Other", "Other"
		project(t, spec)
		got := check(t, "", ".", "-diff", "instructions")
		got.want(t, 1, "Other: 2 differences\n", "")
		got.want(t, 1, "API Name (listed)\n  here:  Other\n  there: Fullcast", "")
	}
}

func TestWhatAFileHoldsSteersNoTerminal(t *testing.T) {
	project(t, external(fullcast.Production))
	edit(t, header, "<label>Fullcast<", "<label>Full\u009b31mcast<")
	got := check(t, "", ".", "-diff", "instructions")
	got.want(t, 1, "here:  Full\uFFFD31mcast\n", "")
	check(t, "", ".", "-correct").want(t, 1, "", "Full\uFFFD31mcast -> Fullcast\n")
}

func TestWhatAFileHoldsSteersNobodyInAnyFormOrComparison(t *testing.T) {
	project(t, external(fullcast.Production))
	edit(t, header, "<label>Fullcast<", "<label>Full\u009b31m\u202e\u200b[cast](https://evil.example)<")
	for _, args := range [][]string{{"."}, {".", "-diff", "instructions"}} {
		for _, form := range []string{"text", "markdown", "html", "json", "sarif"} {
			out := check(t, "", append(args, "-format", form)...)
			if strings.ContainsAny(out.stdout+out.stderr, "\u009b\u202e\u200b") {
				t.Errorf("%v as %s holds what steers: %q", args, form, out.stdout)
			}
			if form == "sarif" && strings.Contains(out.stdout, `"text": "`) && strings.Contains(out.stdout, " [cast]") {
				t.Errorf("%v as %s holds a link", args, form)
			}
		}
	}
}

func TestAConnectedAppIsPlannedToMigrate(t *testing.T) {
	project(t, connected(), external(fullcast.Production))
	got := check(t, "", ".", "-migrate")
	got.want(t, 0, "Migration to Fullcast (external client app)\n", "")
	got.want(t, 0, "OAuth Scopes: ", "")

	var log struct {
		Version    int
		Migrations []struct {
			App   string
			Items []policy.Item
			Roads []policy.Road
		}
	}
	if err := json.Unmarshal([]byte(check(t, "", ".", "-migrate", "-format", "json").stdout), &log); err != nil {
		t.Fatal(err)
	}
	if log.Version != 1 || len(log.Migrations) != 1 || log.Migrations[0].App != "Fullcast_Motion_Package" || len(log.Migrations[0].Roads) != 2 {
		t.Errorf("%+v", log)
	}
}

func TestAComparisonEndsWithItsTotal(t *testing.T) {
	project(t, external(fullcast.Production), connected())
	withoutPKCE(t)
	got := check(t, "", "-diff", "instructions", ".")
	if !strings.HasSuffix(got.stdout, "Fullcast: 1 difference\nFullcast_Motion_Package: 0 differences\n\n2 apps: 1 difference\n") {
		t.Errorf("%s", got.stdout)
	}
	got = check(t, "", "-app", "Fullcast", "-diff", "instructions", ".")
	if !strings.HasSuffix(got.stdout, "\n\nFullcast: 1 difference\n") {
		t.Errorf("%s", got.stdout)
	}
}
