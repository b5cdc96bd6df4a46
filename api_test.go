package sfauth_test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// public lists the packages whose exported names others rely on.
var public = []string{
	"fullcast", "fullcast/adminui", "fullcast/fullcasttest", "metadata", "oauthflow", "oauthflow/tokenstore", "oauthflow/tokenstore/filestore", "oauthflow/orgtest", "oauthflow/oteloauth", "oauthflow/tokenstore/redisstore",
	"oauthflow/tokenstore/sqlstore", "oauthflow/tokenstore/storetest", "policy", "policy/policytest",
}

func TestTheExportedNamesAreTheGoldenOnes(t *testing.T) {
	for _, pkg := range public {
		golden := filepath.Join("testdata", "api", strings.ReplaceAll(pkg, "/", "_")+".golden")
		got := exported(t, pkg)
		if *update {
			if err := os.MkdirAll(filepath.Dir(golden), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if want := read(t, golden); got != want {
			t.Errorf("the exported names of %s have changed; if this is meant: go test . -update\n%s", pkg, changed(want, got))
		}
	}
}

func TestTheMapOfPackagesNamesEachOfThem(t *testing.T) {
	comment := packageComment(t, ".")
	for _, pkg := range public {
		if !strings.Contains(comment, "["+module+"/"+pkg+"]") {
			t.Errorf("doc.go does not name %s", pkg)
		}
	}
}

// exported prints what a package exports: declarations without comments and function bodies, sorted.
func exported(t *testing.T, pkg string) string {
	t.Helper()
	fset := token.NewFileSet()
	var out []string
	for _, name := range productFiles(t, pkg) {
		f, err := parser.ParseFile(fset, name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		if !ast.FileExports(f) {
			continue
		}
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok {
				if ofHiddenType(fn) {
					continue
				}
				fn.Body = nil
			}
			var b bytes.Buffer
			if err := printer.Fprint(&b, fset, d); err != nil {
				t.Fatal(err)
			}
			if text := strings.TrimSpace(b.String()); text != "" && !strings.HasPrefix(text, "import") {
				out = append(out, text)
			}
		}
	}
	if len(out) == 0 {
		t.Fatalf("%s exports nothing: %v", pkg, fs.ErrNotExist)
	}
	slices.Sort(out)
	return strings.Join(slices.Compact(out), "\n\n") + "\n"
}

// ofHiddenType reports a method that only an interface makes known, such as Error of an unexported type.
func ofHiddenType(fn *ast.FuncDecl) bool {
	if fn.Recv == nil {
		return false
	}
	of := fn.Recv.List[0].Type
	if star, ok := of.(*ast.StarExpr); ok {
		of = star.X
	}
	if generic, ok := of.(*ast.IndexExpr); ok {
		of = generic.X
	}
	name, ok := of.(*ast.Ident)
	return ok && !name.IsExported()
}

// productFiles lists the Go files of a folder but its tests.
func productFiles(t *testing.T, folder string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(files, func(name string) bool { return strings.HasSuffix(name, "_test.go") })
}

// changed lists the lines that one has and the other has not.
func changed(want, got string) string {
	var b strings.Builder
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for _, l := range w {
		if !slices.Contains(g, l) {
			b.WriteString("- " + l + "\n")
		}
	}
	for _, l := range g {
		if !slices.Contains(w, l) {
			b.WriteString("+ " + l + "\n")
		}
	}
	return b.String()
}
