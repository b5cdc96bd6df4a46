package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/internal/needs"
)

// TestTheWorkflowsCommandsRun runs what the workflow's steps say, with the shell that GitHub gives them.
func TestTheWorkflowsCommandsRun(t *testing.T) {
	if runtime.GOOS == "windows" {
		needs.Missing(t, "the workflow's runner is a Linux")
	}
	workflow := get(t, "workflow.yml")
	temp, steps := workflowSteps(t, workflow)
	for _, tt := range []struct {
		name  string
		wrong bool
	}{{"an app as it should be passes", false}, {"a wrong setting fails, and there is something to upload", true}} {
		t.Run(tt.name, func(t *testing.T) {
			project(t, external(fullcast.Production))
			if tt.wrong {
				withoutPKCE(t)
			}
			for i, step := range steps {
				out, err := runStep(t, temp, step)
				if failed := err != nil; failed != (tt.wrong && i == 0) {
					t.Errorf("%s: %v\n%s", step, err, out)
				}
			}
			upload := regexp.MustCompile(`sarif_file: (.*)`).FindStringSubmatch(workflow)[1]
			if found := strings.Contains(get(t, strings.Replace(upload, "${{ runner.temp }}", temp, 1)), `"kind":"fail"`); found != tt.wrong {
				t.Errorf("%s holds a result: %t, want %t", upload, found, tt.wrong)
			}
			if !strings.Contains(get(t, filepath.Join(temp, "summary.md")), "# Fullcast") {
				t.Error("no summary")
			}
		})
	}
}

// workflowSteps builds the program where the workflow has it, and returns the workflow's temporary folder and what runs the program.
func workflowSteps(t *testing.T, workflow string) (temp string, steps []string) {
	t.Helper()
	temp = t.TempDir()
	build := exec.Command("go", "build", "-o", filepath.Join(temp, "appcheck"), ".")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, m := range regexp.MustCompile(`(?m)^ +("\$RUNNER_TEMP/appcheck" .*)$`).FindAllStringSubmatch(workflow, -1) {
		steps = append(steps, m[1])
	}
	if len(steps) != 2 {
		t.Fatalf("%d steps run the program, want 2", len(steps))
	}
	return temp, steps
}

// runStep runs a step in the working directory with the shell that GitHub gives it.
func runStep(t *testing.T, temp, step string) (string, error) {
	t.Helper()
	cmd := exec.Command(needs.Program(t, "bash"), "-eo", "pipefail", "-c", step)
	cmd.Env = append(cmd.Environ(), "RUNNER_TEMP="+temp, "GITHUB_STEP_SUMMARY="+filepath.Join(temp, "summary.md"))
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// Who opens a pull request chooses what lies in the tree, also a link in the place of a file that the workflow writes: here to the
// program itself, which would be written over and run again.
func TestTheWorkflowWritesThroughNoLinkThatTheTreeHolds(t *testing.T) {
	if runtime.GOOS == "windows" {
		needs.Missing(t, "the workflow's runner is a Linux")
	}
	workflow := get(t, "workflow.yml")
	temp, steps := workflowSteps(t, workflow)
	program := get(t, filepath.Join(temp, "appcheck"))
	project(t, external(fullcast.Production))
	withoutPKCE(t)
	for _, name := range []string{"appcheck.sarif", "summary.md"} {
		if err := os.Symlink(filepath.Join(temp, "appcheck"), name); err != nil {
			t.Fatal(err)
		}
	}
	for i, step := range steps {
		if out, err := runStep(t, temp, step); (err != nil) != (i == 0) {
			t.Errorf("%s: %v\n%s", step, err, out)
		}
	}
	if get(t, filepath.Join(temp, "appcheck")) != program {
		t.Error("the program was written over")
	}
	_, download, found := strings.Cut(workflow, "uses: actions/download-artifact@")
	if !found || !regexp.MustCompile(`^.*\n +with:\n(?: +\w+: .*\n)*? +path: \$\{\{ runner\.temp \}\}\n`).MatchString(download) {
		t.Error("the report is unpacked among the files of the tree")
	}
}
