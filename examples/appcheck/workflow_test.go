package main

import (
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
	bash := needs.Program(t, "bash")
	workflow := get(t, "workflow.yml")
	temp := t.TempDir()
	build := exec.Command("go", "build", "-o", filepath.Join(temp, "appcheck"), ".")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	steps := regexp.MustCompile(`(?m)^ +("\$RUNNER_TEMP/appcheck" .*)$`).FindAllStringSubmatch(workflow, -1)
	if len(steps) != 2 {
		t.Fatalf("%d steps run the program, want 2", len(steps))
	}
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
				cmd := exec.Command(bash, "-eo", "pipefail", "-c", step[1])
				cmd.Env = append(cmd.Environ(), "RUNNER_TEMP="+temp, "GITHUB_STEP_SUMMARY=summary.md")
				out, err := cmd.CombinedOutput()
				if failed := err != nil; failed != (tt.wrong && i == 0) {
					t.Errorf("%s: %v\n%s", step[1], err, out)
				}
			}
			upload := regexp.MustCompile(`sarif_file: (.*)`).FindStringSubmatch(workflow)[1]
			if found := strings.Contains(get(t, upload), `"kind": "fail"`); found != tt.wrong {
				t.Errorf("%s holds a result: %t, want %t", upload, found, tt.wrong)
			}
			if !strings.Contains(get(t, "summary.md"), "# Fullcast") {
				t.Error("no summary")
			}
		})
	}
}
