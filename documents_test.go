package sfauth_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Each command that a document shows, by how a test holds it. A command that none of these fits is nobody's.
var shownCommands = []struct {
	pattern string
	held    func(t *testing.T, parts []string)
}{
	{`^go test work$`, func(t *testing.T, _ []string) { gateRuns(t, "bare go test work") }},
	{`^go run \./examples/(\w+)$`, func(t *testing.T, p []string) { exampleIsRun(t, p[1]) }},
	{`^go test ((?:\./[\w/]+ ?)+) -run ("?)([^" ]+)"?$`, func(t *testing.T, p []string) { testsAreSelected(t, ".", p[3], strings.Fields(p[1])...) }},
	{`^cd ([\w/]+) && SFAUTH_BENCH=1 GOWORK=off go test -count=1 -v -run '([^']+)' \.( -update)?$`, func(t *testing.T, p []string) {
		gateRuns(t, "SFAUTH_BENCH=1 go test")
		testsAreSelected(t, p[1], p[2], ".")
	}},
	{`^make (\S+)$`, func(t *testing.T, p []string) { targetExists(t, p[1]) }},
	{`^bash \.ci/run((?: \w+)*)$`, func(t *testing.T, p []string) { lanesExist(t, strings.Fields(p[1])...) }},
	{`^\.ci/run LANE\.\.\.$`, func(t *testing.T, _ []string) { lanesExist(t) }},
	{`^go get (\S+)$`, func(t *testing.T, p []string) { moduleIs(t, p[1]) }},
	{`^openssl rand -base64 32$`, func(t *testing.T, _ []string) { walked(t, "$(openssl rand -base64 32)") }},
}

func TestEveryCommandInADocumentIsHeldByATest(t *testing.T) {
	documents, err := filepath.Glob("*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{"docs", "examples"} {
		more, err := filepath.Glob(filepath.Join(folder, "*.md"))
		if err != nil {
			t.Fatal(err)
		}
		documents = append(documents, more...)
	}
	total := 0
	for _, name := range documents {
		for _, command := range commands(read(t, name)) {
			total++
			t.Run(name+" "+command, func(t *testing.T) {
				for _, c := range shownCommands {
					if parts := regexp.MustCompile(c.pattern).FindStringSubmatch(command); parts != nil {
						c.held(t, parts)
						return
					}
				}
				t.Error("no test runs this command")
			})
		}
	}
	if total < 20 {
		t.Errorf("found %d commands in %d documents; the search for them is broken", total, len(documents))
	}
}

func TestCommandsAreFoundWhereverADocumentShowsThem(t *testing.T) {
	got := commands("Run `make it` or `go vet`; `Go` is no command.\n\n    cd somewhere   # a note\n\n```go\nmake(map[string]int)\n```\n\n| `bash x` | `a|b` |\n")
	if want := []string{"make it", "go vet", "bash x", "cd somewhere"}; !slices.Equal(sorted(got), sorted(want)) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func sorted(s []string) []string {
	s = slices.Clone(s)
	slices.Sort(s)
	return s
}

var (
	codeSpan    = regexp.MustCompile("`([^`\n]+)`")
	indented    = regexp.MustCompile(`(?m)^    (\S.*)$`)
	fenced      = regexp.MustCompile("(?ms)^```.*?^```$")
	startsAsOne = regexp.MustCompile(`^(go|make|bash|sh|cd|openssl|npm|npx|docker|git|curl|sf|\.ci/run) `)
	note        = regexp.MustCompile(`\s+# .*$`)
)

// commands returns the commands in a document's code spans and indented lines. Of fenced blocks, the README's holds Go,
// and the walk of the examples' README is taken whole by a test of its own.
func commands(document string) []string {
	document = fenced.ReplaceAllString(document, "")
	var found []string
	for _, shown := range append(codeSpan.FindAllStringSubmatch(document, -1), indented.FindAllStringSubmatch(document, -1)...) {
		if c := note.ReplaceAllString(shown[1], ""); startsAsOne.MatchString(c) {
			found = append(found, c)
		}
	}
	return found
}

func TestShellBlocksAreWalkedByATest(t *testing.T) {
	for _, name := range []string{"README.md", "CONTRIBUTING.md", "SECURITY.md", "ARCHITECTURE.md", "CHANGELOG.md"} {
		if regexp.MustCompile("(?m)^```(sh|bash|console|shell)$").MatchString(read(t, name)) {
			t.Errorf("%s has a block for a shell, which no test runs", name)
		}
	}
}

func gateRuns(t *testing.T, command string) {
	t.Helper()
	if !strings.Contains(read(t, ".ci/run"), command) {
		t.Errorf("the gate does not run %q", command)
	}
}

// exampleIsRun reports an example whose tests do not run what its main runs.
func exampleIsRun(t *testing.T, name string) {
	t.Helper()
	folder := filepath.Join("examples", name)
	if !strings.Contains(read(t, filepath.Join(folder, "main.go")), "= run(") {
		t.Errorf("%s: main does not call run", folder)
	}
	tests, err := filepath.Glob(filepath.Join(folder, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range tests {
		if regexp.MustCompile(`\brun\(`).MatchString(read(t, test)) {
			return
		}
	}
	t.Errorf("%s: no test calls run", folder)
}

func testsAreSelected(t *testing.T, folder, pattern string, packages ...string) {
	t.Helper()
	for _, pkg := range packages {
		files, err := filepath.Glob(filepath.Join(folder, pkg, "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		selected := regexp.MustCompile(pattern)
		found := false
		for _, file := range files {
			for _, f := range regexp.MustCompile(`(?m)^func ((?:Test|Example|Fuzz)\w*)\(`).FindAllStringSubmatch(read(t, file), -1) {
				found = found || selected.MatchString(f[1])
			}
		}
		if !found {
			t.Errorf("no test of %s matches %q", pkg, pattern)
		}
	}
}

func targetExists(t *testing.T, target string) {
	t.Helper()
	if !regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(target) + `:`).MatchString(read(t, "Makefile")) {
		t.Errorf("the Makefile has no target %s", target)
	}
}

// moduleIs reports a module path that no go.mod of ours has.
func moduleIs(t *testing.T, path string) {
	t.Helper()
	folder, ok := strings.CutPrefix(path, module)
	if !ok || !strings.HasPrefix(read(t, filepath.Join(".", folder, "go.mod")), "module "+path+"\n") {
		t.Errorf("%s is no module of this project", path)
	}
}

func lanesExist(t *testing.T, lanes ...string) {
	t.Helper()
	gate := read(t, ".ci/run")
	for _, lane := range lanes {
		if !strings.Contains(gate, "\nlane_"+lane+"() {") {
			t.Errorf("the gate has no lane %s", lane)
		}
	}
}

// walked reports a command that is not part of the walk in the examples' README, which a test takes.
func walked(t *testing.T, command string) {
	t.Helper()
	if !strings.Contains(read(t, "examples/README.md"), command) {
		t.Errorf("the walk does not use %q", command)
	}
	if _, err := os.Stat("internal/interop/walk_test.go"); err != nil {
		t.Error(err)
	}
}
