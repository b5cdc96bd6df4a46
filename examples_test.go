package sfauth_test

import (
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// unshown returns which exported functions of a package no example with an output shows: ExampleF, or ExampleF_suffix.
func unshown(t *testing.T, product, tests map[string]string) []string {
	t.Helper()
	var shown, names []string
	for _, e := range doc.Examples(parsed(t, tests)...) {
		if name, _, _ := strings.Cut(e.Name, "_"); e.Output != "" && !e.EmptyOutput {
			shown = append(shown, name)
		}
	}
	for _, f := range parsed(t, product) {
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if ok && fn.Recv == nil && fn.Name.IsExported() && !slices.Contains(shown, fn.Name.Name) {
				names = append(names, fn.Name.Name)
			}
		}
	}
	slices.Sort(names)
	return names
}

// parsed takes sources, or files where a source is empty.
func parsed(t *testing.T, sources map[string]string) []*ast.File {
	t.Helper()
	fset := token.NewFileSet()
	var files []*ast.File
	for name, source := range sources {
		var src any
		if source != "" {
			src = source
		}
		f, err := parser.ParseFile(fset, name, src, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	return files
}

func TestEachExportedFunctionHasAnExampleWhoseOutputIsChecked(t *testing.T) {
	for _, pkg := range public {
		product, tests := map[string]string{}, map[string]string{}
		for _, name := range productFiles(t, pkg) {
			product[name] = ""
		}
		files, err := filepath.Glob(filepath.Join(pkg, "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			tests[name] = ""
		}
		for _, name := range unshown(t, product, tests) {
			t.Errorf("%s.%s has no example with an output", pkg, name)
		}
	}
}

func TestTheRuleForExamples(t *testing.T) {
	const product = "package p\nfunc New() {}\nfunc hidden() {}\ntype T struct{}\nfunc (T) Open() {}\n"
	tests := []struct {
		name, examples string
		want           []string
	}{
		{"none", "package p_test\n", []string{"New"}},
		{"one with an output", "package p_test\nfunc ExampleNew() {\n\t// Output: 1\n}\n", nil},
		{"one for a case of it", "package p_test\nfunc ExampleNew_twice() {\n\t// Output: 1\n}\n", nil},
		{"one that only compiles", "package p_test\nfunc ExampleNew() {\n}\n", []string{"New"}},
		{"one that expects nothing", "package p_test\nfunc ExampleNew() {\n\t// Output:\n}\n", []string{"New"}},
		{"one of a longer name", "package p_test\nfunc ExampleNewer() {\n\t// Output: 1\n}\n", []string{"New"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := unshown(t, map[string]string{"p.go": product}, map[string]string{"p_test.go": tt.examples})
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
