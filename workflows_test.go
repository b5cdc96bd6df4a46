package sfauth_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// workflows returns the text of each GitHub workflow, by its path: this repository's, and the one that users copy.
func workflows(t *testing.T) map[string]string {
	t.Helper()
	paths, err := filepath.Glob(".github/workflows/*")
	if err != nil || len(paths) == 0 {
		t.Fatalf("found no workflows: %v", err)
	}
	out := map[string]string{}
	for _, path := range append(paths, "examples/appcheck/workflow.yml") {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		out[path] = string(text)
	}
	return out
}

var (
	actionUsed   = regexp.MustCompile(`(?m)^\s*(?:- )?"?uses"?: *(.*)$`)
	actionPinned = regexp.MustCompile(`^[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+\b`)
	imageUsed    = regexp.MustCompile(`\b(?:container|image)"?: *"?([^\s{}",]+)`)
	imagePinned  = regexp.MustCompile(`@sha256:[0-9a-f]{64}$`)
	runnerUsed   = regexp.MustCompile(`(?m)^\s*"?runs-on"?: *(.*)$`)
	runnerPinned = regexp.MustCompile(`^[a-z]+-\d+\.\d+$`)
	secretGiven  = regexp.MustCompile(`\$\{\{[^}]*\b(?:secrets|github\.token|toJSON)\b`)
	strangersIn  = regexp.MustCompile(`\$\{\{[^}]*\bgithub\.(?:head_ref|event)\b`)
	unpinnedRun  = regexp.MustCompile(`[@:]latest\b|\bnpm (?:install|i)\b|\bnpx\b|\bdocker run\b|\bcurl\b`)
	commentLine  = regexp.MustCompile(`(?m)^\s*#.*\n`)
	programRun   = regexp.MustCompile(`(?m)^\s*(?:- )?run:`)
	jobBegins    = regexp.MustCompile(`(?m)^  (\w+):$`)
	checkoutUsed = regexp.MustCompile(`(?m)^( *)- uses: actions/checkout@.*\n((?:\s+#.*\n|\s{2,}[^-\s].*\n)*)`)
)

// workflowFaults returns what in a workflow lets somebody else's code in, or lets it reach a token.
func workflowFaults(text string) (faults []string) {
	text = commentLine.ReplaceAllString(text, "")
	report := func(format string, found string) { faults = append(faults, format+": "+strings.TrimSpace(found)) }
	for _, m := range actionUsed.FindAllStringSubmatch(text, -1) {
		if !actionPinned.MatchString(m[1]) {
			report("an action without commit and version", m[1])
		}
	}
	for _, m := range imageUsed.FindAllStringSubmatch(text, -1) {
		if !imagePinned.MatchString(m[1]) {
			report("an image without digest", m[1])
		}
	}
	for _, m := range runnerUsed.FindAllStringSubmatch(text, -1) {
		if !runnerPinned.MatchString(m[1]) {
			report("a runner that changes or is anybody's", m[1])
		}
	}
	checkouts := checkoutUsed.FindAllStringSubmatch(text, -1)
	if len(checkouts) != strings.Count(text, "uses: actions/checkout@") {
		report("checkouts that this test does not understand", text)
	}
	for _, m := range checkouts {
		if !strings.Contains(m[2], "persist-credentials: false") {
			report("a checkout that keeps its token", m[0])
		}
		if strings.Contains(m[2], "repository: fullcast/sfauth") && !regexp.MustCompile(`(?m)^\s*ref: v\d+\.\d+\.\d+$`).MatchString(m[2]) {
			report("sfauth without a release", m[0])
		}
	}
	head, _, _ := strings.Cut(text, "\njobs:")
	if !regexp.MustCompile(`\npermissions:(?: \{\}|\n  contents: read)$`).MatchString(strings.TrimSpace(head)) {
		report("permissions that are not the least", head)
	}
	if strings.Contains(text, "pull_request_target") {
		report("a stranger's branch that runs with rights", "pull_request_target")
	}
	for _, m := range append(unpinnedRun.FindAllString(text, -1), strangersIn.FindAllString(text, -1)...) {
		report("a command of somebody else's", m)
	}
	for _, job := range jobs(text) {
		runs := programRun.MatchString(job)
		if strings.Contains(job, "--privileged") && !strings.HasPrefix(job, "  namespaces:\n") {
			report("a privileged container where none is needed", job)
		}
		if runs && secretGiven.MatchString(job) {
			report("a job that is given a secret and runs programs", job)
		}
		if runs && strings.Contains(job, ": write") {
			report("a job that may write and runs programs", job)
		}
	}
	return faults
}

// jobs returns the text of each job.
func jobs(text string) (out []string) {
	_, all, _ := strings.Cut(text, "\njobs:\n")
	starts := jobBegins.FindAllStringIndex(all, -1)
	for i, s := range starts {
		end := len(all)
		if i+1 < len(starts) {
			end = starts[i+1][0]
		}
		out = append(out, all[s[0]:end])
	}
	return out
}

func TestNoWorkflowRunsWhatIsNotPinnedOrLeavesATokenToWhatItRuns(t *testing.T) {
	for path, text := range workflows(t) {
		for _, fault := range workflowFaults(text) {
			t.Errorf("%s: %s", path, fault)
		}
		if len(jobs(text)) < 2 || !actionUsed.MatchString(text) {
			t.Errorf("%s: found %d jobs; the search for them is broken", path, len(jobs(text)))
		}
	}
}

func TestEachWayToWeakenAWorkflowIsSeen(t *testing.T) {
	all := workflows(t)
	ci, copied := all[".github/workflows/ci.yml"], all["examples/appcheck/workflow.yml"]
	pin := regexp.MustCompile(`@[0-9a-f]{40} # (v\d+)\S*`)
	for _, tt := range []struct{ name, text, want string }{
		{"an action by its tag", pin.ReplaceAllString(ci, "@$1"), "without commit"},
		{"an action by its tag, for users", pin.ReplaceAllString(copied, "@$1"), "without commit"},
		{"an image by its tag", regexp.MustCompile(`@sha256:\w+`).ReplaceAllString(ci, ""), "without digest"},
		{"the newest runner", strings.ReplaceAll(ci, "ubuntu-24.04", "ubuntu-latest"), "runner"},
		{"a kept token", strings.Replace(ci, "persist-credentials: false", "fetch-depth: 1", 1), "keeps its token"},
		{"the main branch of sfauth", regexp.MustCompile(`ref: v\S+`).ReplaceAllString(copied, "ref: main"), "without a release"},
		{"no release of sfauth", regexp.MustCompile(` +ref: v\S+\n`).ReplaceAllString(copied, ""), "without a release"},
		{"a privileged gate", strings.Replace(ci, "  gate:\n", "  gate:\n    options: --privileged\n", 1), "privileged"},
		{"a container begun by hand", ci + "          docker run --privileged alpine@sha256:0815\n", "somebody else's"},
		{"the job's own token", ci + "        env:\n          TOKEN: ${{ github.token }}\n", "given a secret"},
		{"a secret by an index", ci + "        env:\n          TOKEN: ${{ secrets['TOKEN'] }}\n", "given a secret"},
		{"all secrets", ci + "        env:\n          TOKEN: ${{ toJSON(secrets) }}\n", "given a secret"},
		{"a stranger's branch with rights", strings.Replace(ci, "pull_request:", "pull_request_target:", 1), "stranger's branch"},
		{"a stranger's words in a command", ci + "          echo ${{ github.head_ref }}\n", "somebody else's"},
		{"a title in a command", ci + "          echo ${{ github.event.pull_request.title }}\n", "somebody else's"},
		{"a kept token that a comment denies", strings.Replace(ci, "persist-credentials: false", "# persist-credentials: false", 1), "keeps its token"},
		{"an action in quotes", ci + "      - \"uses\": actions/setup-go@v6\n", "without commit"},
		{"a service's image", strings.Replace(ci, "  gate:\n", "  gate:\n    services: {db: {image: postgres:latest}}\n", 1), "without digest"},
		{"a package of no version", ci + "          npm install -g x\n", "somebody else's"},
		{"a program of no version", ci + "          go run example.com/x@latest\n", "somebody else's"},
		{"a runner of one's own", strings.Replace(ci, "ubuntu-24.04", "[self-hosted]", 1), "runner"},
		{"a secret in the privileged job", ci + "        env:\n          TOKEN: ${{ secrets.TOKEN }}\n", "given a secret"},
		{"a program beside the secret", strings.Replace(ci, "          retention-days: 1\n", "          retention-days: 1\n      - run: make\n", 1), "given a secret"},
		{"programs where the report is uploaded", copied + "      - run: make\n", "may write"},
		{"wide permissions", strings.Replace(ci, "contents: read", "contents: write", 1), "not the least"},
		{"one more permission", strings.Replace(ci, "  contents: read\n", "  contents: read\n  packages: write\n", 1), "not the least"},
		{"no permissions", strings.Replace(copied, "permissions: {}\n", "", 1), "not the least"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			faults := workflowFaults(tt.text)
			if !slices.ContainsFunc(faults, func(f string) bool { return strings.Contains(f, tt.want) }) {
				t.Errorf("got %q, want one that says %q", faults, tt.want)
			}
		})
	}
}

func TestTheLanesOfTheWorkflowAreAllLanesOfTheGate(t *testing.T) {
	ci := workflows(t)[".github/workflows/ci.yml"]
	gate, err := os.ReadFile(".ci/run")
	if err != nil {
		t.Fatal(err)
	}
	lanes := strings.Fields(regexp.MustCompile(`(?m)^lanes=\((.*)\)$`).FindStringSubmatch(string(gate))[1])
	_, matrix, _ := strings.Cut(ci, "        lanes:\n")
	var run []string
	for _, m := range regexp.MustCompile(`(?m)^          - ([a-z ]+)$`).FindAllStringSubmatch(matrix, -1) {
		run = append(run, strings.Fields(m[1])...)
	}
	named := regexp.MustCompile(`(?m)bash \.ci/run ([a-z ]+)$`).FindAllStringSubmatch(ci, -1)
	if len(named) != 2 {
		t.Fatalf("%d jobs name their lanes, want that of the bench and the privileged one", len(named))
	}
	for _, job := range named {
		run = append(run, strings.Fields(job[1])...)
	}
	if want := append(slices.Clone(lanes), "bench", "mounts"); !slices.Equal(sorted(run), sorted(want)) {
		t.Errorf("the workflow runs %q, want %q", sorted(run), sorted(want))
	}
}
