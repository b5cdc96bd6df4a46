package sfauth_test

import (
	"os"
	"strings"
	"testing"
)

func TestTheREADMEShowsExamplesThatAreCompiledAndRun(t *testing.T) {
	readme := read(t, "README.md")
	for _, example := range []struct{ file, name string }{
		{"fullcast/example_test.go", "Example"}, {"fullcast/example_orgtest_test.go", "Example_withoutAnOrg"},
	} {
		_, rest, ok := strings.Cut(readme, "```go\n")
		shown, rest, ok2 := strings.Cut(rest, "```")
		if !ok || !ok2 {
			t.Fatalf("the README has no block for %s", example.name)
		}
		readme = rest
		_, rest, ok = strings.Cut(read(t, example.file), "func "+example.name+"() {\n")
		body, _, ok2 := strings.Cut(rest, "\n}\n")
		if !ok || !ok2 {
			t.Fatalf("%s has no %s", example.file, example.name)
		}
		var want strings.Builder
		for line := range strings.Lines(body + "\n") {
			want.WriteString(strings.TrimPrefix(line, "\t"))
		}
		if shown != want.String() {
			t.Errorf("the README shows\n%s\n%s is\n%s", shown, example.name, want.String())
		}
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
