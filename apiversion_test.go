package sfauth_test

import (
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Who moves fullcast.APIVersion must not have to look for literals.
var versionLiteral = regexp.MustCompile(`services/data/v[0-9]|metadata\.APIVersion\([0-9]|\.Package\([0-9]`)

func TestExamplesAndDefaultsNameTheAPIVersionByItsConstant(t *testing.T) {
	looked := 0
	for _, place := range []string{"README.md", "docs", "fullcast", "examples"} {
		err := filepath.WalkDir(place, func(name string, d fs.DirEntry, err error) error {
			source := strings.HasSuffix(name, ".md") || strings.HasSuffix(name, ".go") &&
				(!strings.HasSuffix(name, "_test.go") || strings.HasPrefix(filepath.Base(name), "example_"))
			if err != nil || d.IsDir() || !source || filepath.ToSlash(name) == "fullcast/apiversion.go" {
				return err
			}
			looked++
			for i, line := range strings.Split(read(t, name), "\n") {
				if versionLiteral.MatchString(line) && !strings.HasPrefix(strings.TrimSpace(line), "//") {
					t.Errorf("%s:%d: fullcast.APIVersion is meant, but a number is written: %s", name, i+1, line)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if looked < 100 {
		t.Errorf("only %d files were looked at", looked)
	}
}
