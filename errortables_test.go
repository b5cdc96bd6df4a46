package sfauth_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// answers are the types whose constants tell programs what happened or what to do; each constant needs its row as well.
var answers = map[string]string{"oauthflow": "Kind", "fullcast": "Remedy"}

func TestEachPackageSaysWhatToDoAboutEachOfItsErrors(t *testing.T) {
	named := 0
	for _, pkg := range public {
		doc, errs := errorsOf(t, pkg)
		rows := errorRows(doc)
		if rows == "" {
			t.Errorf("%s: the package's comment has no section \"# Errors\" with a table", pkg)
			continue
		}
		if first, _, _ := strings.Cut(rows, "\n"); !strings.Contains(first, "what to do") && !strings.Contains(first, "who does what") {
			t.Errorf("%s: the first row of its errors is %q, which heads no column of what to do", pkg, first)
		}
		for _, name := range errs {
			named++
			if !regexp.MustCompile(`\b` + name + `\b`).MatchString(rows) {
				t.Errorf("%s: no row of its errors is about %s", pkg, name)
			}
		}
	}
	if named < 50 {
		t.Errorf("only %d errors were looked for; the search for them is broken", named)
	}
}

func TestTheRowsOfAnErrorTableAreFound(t *testing.T) {
	doc := "Package x.\n\n# Errors\n\nText on ErrA.\n\n\terrors.Is  what to do\n\tErrB       mend it\n\n# Cost\n\n\tErrC  is elsewhere\n"
	if got, want := errorRows(doc), "errors.Is  what to do\nErrB       mend it"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := errorRows("Package x.\n\n\tErrB  outside\n"); got != "" {
		t.Errorf("got %q of a comment without the section", got)
	}
}

// errorRows returns the indented lines of the section "# Errors".
func errorRows(doc string) string {
	_, section, _ := strings.Cut(doc, "\n# Errors\n")
	section, _, _ = strings.Cut(section, "\n# ")
	var rows []string
	for line := range strings.Lines(section) {
		if row, ok := strings.CutPrefix(line, "\t"); ok {
			rows = append(rows, strings.TrimRight(row, "\n"))
		}
	}
	return strings.Join(rows, "\n")
}

// errorsOf returns a package's comment, and the names of its exported error values, error types and answers. A type that
// only wraps others, called Error itself, is what the whole table is about.
func errorsOf(t *testing.T, pkg string) (doc string, names []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(pkg, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		doc += f.Doc.Text()
		for _, d := range f.Decls {
			if g, ok := d.(*ast.GenDecl); ok {
				names = append(names, errorNames(g, answers[pkg])...)
			}
		}
	}
	return doc, names
}

func errorNames(g *ast.GenDecl, answer string) (names []string) {
	typ := "" // of a constant without one of its own
	for _, spec := range g.Specs {
		switch s := spec.(type) {
		case *ast.TypeSpec:
			if n := s.Name.Name; s.Name.IsExported() && n != "Error" && strings.HasSuffix(n, "Error") {
				names = append(names, n)
			}
		case *ast.ValueSpec:
			if id, ok := s.Type.(*ast.Ident); ok {
				typ = id.Name
			} else if len(s.Values) > 0 {
				typ = ""
			}
			for _, id := range s.Names {
				isAnswer := g.Tok == token.CONST && answer != "" && typ == answer
				if id.IsExported() && (isAnswer || g.Tok == token.VAR && strings.HasPrefix(id.Name, "Err")) {
					names = append(names, id.Name)
				}
			}
		}
	}
	return names
}
