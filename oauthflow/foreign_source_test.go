package oauthflow_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// A record that is loaded, listed or opened elsewhere than in foreign.go has not been compared with what was asked for.
func TestRecordsAreLoadedListedAndOpenedInOnePlace(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	call := regexp.MustCompile(`\b(?i:store|former)\.(?:Load|List)\(|\bseal\.Open\(`)
	found := map[string]int{}
	for _, name := range files {
		if regexp.MustCompile(`_test\.go$`).MatchString(name) {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if n := len(call.FindAll(text, -1)); n > 0 {
			found[name] = n
		}
	}
	delete(found, "calls.go") // which wraps a store
	delete(found, "doc.go")
	if n := found["foreign.go"]; n < 3 || len(found) != 1 {
		t.Errorf("they are called in %v, want foreign.go alone", found)
	}
}
