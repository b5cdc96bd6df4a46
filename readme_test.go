package sfauth_test

import (
	"os"
	"strings"
	"testing"
)

// The README's program and what it leaves out are the text of one example, which is compiled and run.
func TestTheREADMEShowsTheExampleThatIsCompiledAndRun(t *testing.T) {
	const source = "fullcast/example_test.go"
	_, rest, ok := strings.Cut(read(t, source), "func Example() {\n")
	body, _, ok2 := strings.Cut(rest, "\n}\n")
	_, helpers, ok3 := strings.Cut(rest, "\n// simulatedOrg is ")
	if !ok || !ok2 || !ok3 {
		t.Fatalf("%s lacks its example, or what the example calls", source)
	}
	var program strings.Builder
	for line := range strings.Lines(body + "\n") {
		program.WriteString(strings.TrimPrefix(line, "\t"))
	}
	readme := read(t, "README.md")
	for _, want := range []string{program.String(), "// simulatedOrg is " + helpers} {
		if !strings.Contains(readme, "```go\n"+want+"```\n") {
			t.Errorf("the README has no block\n%s", want)
		}
	}
}

func TestTheREADMEHasNoOtherGo(t *testing.T) {
	if n := strings.Count(read(t, "README.md"), "```go\n"); n != 2 {
		t.Errorf("%d blocks of Go; a test holds two", n)
	}
}

func TestTheREADMEIsShort(t *testing.T) {
	if n := strings.Count(read(t, "README.md"), "\n"); n > 200 {
		t.Errorf("README.md has %d lines, at most 200 are read", n)
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
