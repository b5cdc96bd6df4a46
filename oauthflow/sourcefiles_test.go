package oauthflow_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"iter"
	"path/filepath"
	"strings"
	"testing"
)

// sourceFiles yields the package's files without its tests, by their names.
func sourceFiles(t *testing.T) iter.Seq2[string, *ast.File] {
	t.Helper()
	names, err := filepath.Glob("*.go")
	if err != nil || len(names) < 50 {
		t.Fatalf("%d files are found: %v", len(names), err)
	}
	return func(yield func(string, *ast.File) bool) {
		for _, name := range names {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			if !yield(name, f) {
				return
			}
		}
	}
}
