package sfauth_test

import (
	"os"
	"strings"
	"testing"
)

// What the README shows are the bodies of examples, which are compiled and run.
func TestTheREADMEShowsTheExamplesThatAreCompiledAndRun(t *testing.T) {
	for file, example := range map[string]string{"fullcast/example_test.go": "Example", "fullcast/fullcasttest/example_test.go": "ExampleNewOrg"} {
		_, rest, ok := strings.Cut(read(t, file), "func "+example+"() {\n")
		body, _, ok2 := strings.Cut(rest, "\n}\n")
		if !ok || !ok2 {
			t.Fatalf("%s lacks %s", file, example)
		}
		var program strings.Builder
		for line := range strings.Lines(body + "\n") {
			program.WriteString(strings.TrimPrefix(line, "\t"))
		}
		if !strings.Contains(read(t, "README.md"), "```go\n"+program.String()+"```\n") {
			t.Errorf("the README has no block\n%s", &program)
		}
	}
}

func TestTheREADMEHasNoOtherGo(t *testing.T) {
	if n := strings.Count(read(t, "README.md"), "```go\n"); n != 2 {
		t.Errorf("%d blocks of Go; a test holds two", n)
	}
}

func TestTheREADMEIsShort(t *testing.T) {
	if n := strings.Count(read(t, "README.md"), "\n"); n > 180 {
		t.Errorf("README.md has %d lines, at most 180 are read", n)
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
