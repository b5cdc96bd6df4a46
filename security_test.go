package sfauth_test

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var shownTest = regexp.MustCompile(`^(?:([\w/]+)\.)?((?:Test|Fuzz)[A-Z]\w*)$`)

// namedTests returns the code spans of a text that name a test, as "folder.TestName".
func namedTests(text string) []string {
	var found []string
	for _, span := range codeSpan.FindAllStringSubmatch(text, -1) {
		if shownTest.MatchString(span[1]) {
			found = append(found, span[1])
		}
	}
	return found
}

// testExists reports a test that is not declared in the folder that its name begins with.
func testExists(t *testing.T, name string) {
	t.Helper()
	m := shownTest.FindStringSubmatch(name)
	if m == nil || m[1] == "" {
		t.Errorf("%s does not say in which folder the test is", name)
		return
	}
	folder := m[1]
	if folder == "sfauth" {
		folder = "."
	}
	files, err := filepath.Glob(filepath.Join(folder, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if strings.Contains(read(t, file), "\nfunc "+m[2]+"(") {
			return
		}
	}
	t.Errorf("there is no test %s in %s", m[2], m[1])
}

// Each line of SECURITY.md that says what an attacker can or cannot do names the tests that show it.
func TestEveryLineOnAnAttackerNamesItsTests(t *testing.T) {
	_, attackers, ok := strings.Cut(read(t, "SECURITY.md"), "\n## Who attacks")
	attackers, _, ends := strings.Cut(attackers, "\n## ")
	if !ok || !ends {
		t.Fatal("SECURITY.md has no part on attackers")
	}
	lines, parts := 0, 0
	for line := range strings.Lines(attackers) {
		if strings.HasPrefix(line, "### ") {
			parts++
		}
		if !strings.HasPrefix(line, "| can") {
			continue
		}
		lines++
		names := namedTests(line)
		if len(names) == 0 {
			t.Errorf("no test shows that it is so: %s", line)
		}
		for _, name := range names {
			testExists(t, name)
		}
	}
	if lines < 30 || parts < 6 {
		t.Errorf("%d lines on %d attackers were found; the search for them is broken", lines, parts)
	}
}

// So does each line on an attack that worked once, and none is left out.
func TestEveryAttackThatWorkedOnceNamesItsTests(t *testing.T) {
	_, attacks, ok := strings.Cut(read(t, "SECURITY.md"), "\n## Attacks that worked before ")
	attacks, _, ends := strings.Cut(attacks, "\n## ")
	if !ok || !ends {
		t.Fatal("SECURITY.md has no part on attacks that worked")
	}
	next := 1
	for line := range strings.Lines(attacks) {
		if !strings.HasPrefix(line, "| A") {
			continue
		}
		if want := fmt.Sprintf("| A%d |", next); !strings.HasPrefix(line, want) || strings.Count(line, " | ") != 4 {
			t.Errorf("want %q and four columns more in: %s", want, line)
		}
		next++
		names := namedTests(line)
		if len(names) == 0 {
			t.Errorf("no test plays it: %s", line)
		}
		for _, name := range names {
			testExists(t, name)
		}
	}
	if next < 26 {
		t.Errorf("there are %d attacks, want 25 or more", next-1)
	}
}

func TestNamesOfTestsAreFoundInText(t *testing.T) {
	got := strings.Join(namedTests("`oauthflow.TestA` and `a/b.FuzzB`, `TestC`, not `go test`, `Tested`, `x.Test a` nor TestD"), " ")
	if want := "oauthflow.TestA a/b.FuzzB TestC"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
