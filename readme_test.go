package sfauth_test

import (
	"os"
	"strings"
	"testing"
)

func TestTheREADMEShowsTheExampleThatIsCompiledAndRun(t *testing.T) {
	readme := read(t, "README.md")
	_, rest, ok := strings.Cut(readme, "```go\n")
	shown, _, ok2 := strings.Cut(rest, "```")
	if !ok || !ok2 {
		t.Fatal("the README has no Go block")
	}
	_, rest, ok = strings.Cut(read(t, "fullcast/example_test.go"), "func Example() {\n")
	body, _, ok2 := strings.Cut(rest, "\n}\n")
	if !ok || !ok2 {
		t.Fatal("the package example is gone")
	}
	var want strings.Builder
	for line := range strings.Lines(body + "\n") {
		want.WriteString(strings.TrimPrefix(line, "\t"))
	}
	if shown != want.String() {
		t.Errorf("the README shows\n%s\nthe example is\n%s", shown, want.String())
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
