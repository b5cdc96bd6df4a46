package byhand_test

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the tables")

// The whole table is a file of this folder, the faults of it that are numbered open the README of the project. After a change that
// is meant: go test ./examples/byhand -update
func TestTheTableIsWhatHappens(t *testing.T) {
	hand, sdk := make([]result, len(faults)), make([]result, len(faults))
	t.Run("faults", func(t *testing.T) {
		for i, f := range faults {
			t.Run(f.name, func(t *testing.T) {
				t.Parallel()
				hand[i], sdk[i] = run(t, f, byHand), run(t, f, withSDK)
			})
		}
	})
	whole, short := head, head
	for i, f := range faults {
		whole += line(f.name, hand[i], sdk[i], entire)
		if !f.extra {
			short += line(f.name, hand[i], sdk[i], beginning)
		}
	}
	if n := strings.Count(short, "\n"); n > 12 {
		t.Errorf("the table of the README has %d lines, at most 12 are read", n)
	}
	fmt.Print(whole)
	golden(t, "table.md", "# By hand, and with sfauth\n\n", whole)
	golden(t, "../../README.md", begins, short)
}

const head = "| what goes wrong | by hand | the admin is told | sfauth | the admin is told |\n|---|---|---|---|---|\n"

// begins is the line of the README above the table.
const begins = "Requests to Salesforce / calls of the service that fail / connections lost, which an admin has to connect again:\n\n"

func line(name string, hand, sdk result, shown func(string) string) string {
	return fmt.Sprintf("| %s | %s | %s | %s | %s |\n", name, hand, shown(hand.told), sdk, shown(sdk.told))
}

func (r result) String() string {
	lost := 0
	if r.lost {
		lost = 1
	}
	return fmt.Sprintf("%d / %d / %d", r.requests, r.failed, lost)
}

// entire is a text as it is.
func entire(text string) string { return cmp.Or(text, "–") }

// beginning is a text up to the end of its first clause.
func beginning(text string) string {
	if i := strings.IndexAny(text, ".;"); i >= 0 && i < len(text)-1 {
		return text[:i] + "…"
	}
	return entire(text)
}

// golden compares the table in a file, which follows a text, with the one that was made, or writes it there.
func golden(t *testing.T, file, after, table string) {
	t.Helper()
	b, err := os.ReadFile(file)
	must(t, err)
	before, rest, ok := strings.Cut(string(b), after)
	if !ok {
		t.Fatalf("%s lacks the text %q", file, after)
	}
	was := ""
	for l := range strings.Lines(rest) {
		if !strings.HasPrefix(l, "|") {
			break
		}
		was += l
	}
	if was == table {
		return
	} else if !*update {
		t.Errorf("%s has\n%s\nand what happens is\n%s", file, was, table)
		return
	}
	must(t, os.WriteFile(file, []byte(before+after+table+strings.TrimPrefix(rest, was)), 0o644))
}

// Both sides are as short as is said of them, without imports, comments and empty lines.
func TestTheTwoSidesHaveTheNumberOfLinesThatTheREADMESays(t *testing.T) {
	imports := regexp.MustCompile(`(?ms)^import \(.*?^\)\n`)
	count := func(files ...string) (n int) {
		for _, f := range files {
			b, err := os.ReadFile(f)
			must(t, err)
			for l := range strings.Lines(imports.ReplaceAllString(string(b), "")) {
				if l = strings.TrimSpace(l); l != "" && !strings.HasPrefix(l, "//") {
					n++
				}
			}
		}
		return n
	}
	hand, sdk := count("client.go", "keep.go"), count("sdk.go")
	if hand > 200 || sdk > 40 {
		t.Errorf("%d lines by hand, want 200 at most; %d with the SDK, want 40 at most", hand, sdk)
	}
	for _, file := range []string{"../../README.md", "doc.go"} {
		b, err := os.ReadFile(file)
		must(t, err)
		words := strings.Fields(strings.ReplaceAll(string(b), "//", ""))
		for _, n := range []int{hand, sdk} {
			if !slices.Contains(words, fmt.Sprint(n)) {
				t.Errorf("%s does not say %d lines", file, n)
			}
		}
	}
}
