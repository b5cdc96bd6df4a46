package sfauth_test

import (
	"flag"
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
	{`^go install (\S+)/examples/(\w+)@v0\.\d+\.\d+$`, func(t *testing.T, p []string) {
		moduleIs(t, p[1]+"/examples")
		isRehearsed(t, "$project/examples/"+p[2]+"@$version")
	}},
	{`^go env -w GOPRIVATE=github\.com/fullcast$`, func(t *testing.T, _ []string) { isRehearsed(t, "GONOSUMDB=$project") }},
	{`^(?:(SFAUTH_\w+)=\w+ )?make (\S+)(?: VERSION=v0\.\d+\.\d+)?$`, func(t *testing.T, p []string) {
		targetExists(t, p[2])
		variableIsRead(t, p[1])
	}},
	{`^bash \.ci/run((?: \w+)*)$`, func(t *testing.T, p []string) { lanesExist(t, strings.Fields(p[1])...) }},
	{`^go test \. -update$`, func(t *testing.T, _ []string) {
		if flag.Lookup("update") == nil {
			t.Error("the package's tests have no such flag")
		}
	}},
	{`^\.ci/run LANE\.\.\.$`, func(t *testing.T, _ []string) { lanesExist(t) }},
	{`^go get (\S+)$`, func(t *testing.T, p []string) { moduleIs(t, p[1]) }},
	{`^openssl rand -base64 32$`, func(t *testing.T, _ []string) { walked(t, "$(openssl rand -base64 32)") }},
}

func TestEveryCommandInADocumentIsHeldByATest(t *testing.T) {
	all := documents(t)
	total := 0
	for name, document := range all {
		for _, command := range commands(document) {
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
		t.Errorf("found %d commands in %d documents; the search for them is broken", total, len(all))
	}
}

func TestCommandsAreFoundWhereverADocumentShowsThem(t *testing.T) {
	got := commands("Run `make it` or `go vet`, `A_B=c make it`; `Go` is no command, nor `A=b`.\n\n    cd somewhere   # a note\n\n```go\nmake(map[string]int)\n```\n\n| `bash x` | `a|b` |\n")
	if want := []string{"make it", "go vet", "A_B=c make it", "bash x", "cd somewhere"}; !slices.Equal(sorted(got), sorted(want)) {
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
	startsAsOne = regexp.MustCompile(`^(?:[A-Z_]+=\S* )*(go|make|bash|sh|cd|openssl|npm|npx|docker|git|curl|sf|\.ci/run) `)
	note        = regexp.MustCompile(`\s+# .*$`)
)

// commands returns the commands in a document's code spans and indented lines. Fenced blocks are for
// TestFencedBlocksHoldWhatATestTakes.
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

// A block of Go is compiled; one for a shell is taken whole by the test of the walk; one without a word is a picture.
func TestFencedBlocksHoldWhatATestTakes(t *testing.T) {
	for name, document := range documents(t) {
		for _, block := range fenced.FindAllString(document, -1) {
			language, text, _ := strings.Cut(strings.TrimPrefix(block, "```"), "\n")
			switch {
			case language == "go":
			case language == "sh" && name == "examples/README.md":
				if strings.Count(document, "\n```sh\n") > 1 {
					t.Errorf("%s has several blocks for a shell; the walk takes one", name)
				}
				walked(t, text)
			case language != "":
				t.Errorf("%s has a block of %q, which no test takes", name, language)
			default:
				for line := range strings.Lines(text) {
					if startsAsOne.MatchString(strings.TrimLeft(line, " $")) {
						t.Errorf("%s hides the command %q in a picture", name, line)
					}
				}
			}
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
	if !regexp.MustCompile(`(?m)^(expect .* |"\$bin/)` + name + `\b`).MatchString(read(t, ".ci/examples")) {
		t.Errorf("the gate does not run %s", folder)
	}
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

func TestTheGateRunsEveryExample(t *testing.T) {
	programs, err := filepath.Glob("examples/*/main.go")
	if err != nil || len(programs) < 8 {
		t.Fatalf("%d examples, %v", len(programs), err)
	}
	for _, main := range programs {
		exampleIsRun(t, filepath.Base(filepath.Dir(main)))
	}
}

var recipe = regexp.MustCompile(`^\t@?(?:(?:[A-Z_]+=\S+ )*bash \.ci/run([ a-z]*)|bash \.ci/(?:tidy|release \$\(VERSION\))|(?:cd ([\w/]+) && )?(?:[A-Z_]+=\S+ )*go test .*|awk .*)$`)

// targetExists reports a target that the Makefile lacks, or whose recipe runs no lane of the gate and no tests.
func targetExists(t *testing.T, target string) {
	t.Helper()
	_, rest, ok := strings.Cut("\n"+read(t, "Makefile"), "\n"+target+": ")
	_, rest, _ = strings.Cut(rest, "\n")
	line, _, _ := strings.Cut(rest, "\n")
	m := recipe.FindStringSubmatch(line)
	if !ok || m == nil {
		t.Errorf("make %s runs neither a lane of the gate nor tests: %q", target, line)
		return
	}
	lanesExist(t, strings.Fields(m[1])...)
	if _, err := os.Stat(filepath.Join(m[2], "go.mod")); err != nil {
		t.Errorf("make %s: %v", target, err)
	}
}

// variableIsRead reports an environment variable that no test reads.
func variableIsRead(t *testing.T, name string) {
	t.Helper()
	if name == "" {
		return
	}
	files, err := filepath.Glob("internal/*/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if strings.Contains(read(t, file), `"`+name+`"`) {
			return
		}
	}
	t.Errorf("no test reads %s", name)
}

// isRehearsed reports what the rehearsal of a release does not do.
func isRehearsed(t *testing.T, what string) {
	t.Helper()
	if !strings.Contains(read(t, ".ci/rehearse"), what) {
		t.Errorf("the rehearsal of a release does not do %q", what)
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
		if lane != "nightly" && !strings.Contains(gate, "\nlane_"+lane+"() {") {
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
	if !strings.Contains(read(t, "internal/interop/walk_test.go"), "\"```sh\\n\"") {
		t.Error("the test of the walk does not take the block for a shell")
	}
}
