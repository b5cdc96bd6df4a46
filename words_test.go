package sfauth_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Words that a reader who is not at home in English reads twice. Each has a plainer one.
var unplain = []string{"who" + "ever", "a" + "new", "men" + "d", "men" + "ds", "men" + "ded", "him" + "self", "as " + "wanted", "held " + "against", "holds " + "against", "is the " + "wire", "is " + "time:"}

func TestNoFileHoldsAWordThatIsReadTwice(t *testing.T) {
	all := regexp.MustCompile(`(?i)\b(` + strings.Join(unplain, "|") + `)(\b|\W)`)
	for _, word := range unplain { // the search finds each of them
		if !all.MatchString("it " + word + " x") {
			t.Errorf("%q is not found", word)
		}
	}
	read := 0
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "testdata" || d.Name() == ".git" || d.Name() == "node_modules"):
			return filepath.SkipDir
		case d.IsDir() || !strings.Contains(".go .md .yml .html .js .mjs .sh", filepath.Ext(path)) || filepath.Ext(path) == "":
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		read++
		for i, line := range strings.Split(string(text), "\n") {
			if w := all.FindString(line); w != "" {
				t.Errorf("%s:%d: %q in: %s", path, i+1, w, strings.TrimSpace(line))
			}
		}
		return nil
	})
	if err != nil || read < 500 {
		t.Fatalf("only %d files were read: %v", read, err)
	}
}
