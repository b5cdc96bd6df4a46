package sfauth_test

import (
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	returnsError = regexp.MustCompile(`^func (?:\((?:\w+ )?\*?[A-Z]\w*\) )?[A-Z].*\berror\b`)
	exportsError = regexp.MustCompile(`^(?:var |\t)?(Err[A-Z]\w*)\s*=|^type (\w*Error) struct|^\t(Kind[A-Z]\w*)\s+Kind\s*=`)
	errorOfKind  = regexp.MustCompile(`type Error struct \{[^}]*\n\tKind\s+Kind\b`)
	tableRow     = regexp.MustCompile(`^\t\S.*\S {2,}\S`)
	errorName    = regexp.MustCompile(`\bErr[A-Z]\w*|\bKind[A-Z]\w*`)
)

// mistakes returns what is wrong with the table of errors in a package's comment, given what the package exports, one
// declaration a line: a table is missing, or an error in it.
func mistakes(comment, exported string) []string {
	var names []string
	has, kinds := false, errorOfKind.MatchString(exported)
	for line := range strings.Lines(exported) {
		has = has || returnsError.MatchString(line)
		if m := exportsError.FindStringSubmatch(line); m != nil && (m[3] == "" || kinds) {
			names = append(names, m[1]+m[2]+m[3])
		}
	}
	if !has && len(names) == 0 {
		return nil
	}
	_, section, ok := strings.Cut(comment, "\n# Errors\n")
	if !ok {
		return []string{"no heading Errors"}
	}
	section, _, _ = strings.Cut(section, "\n# ")
	var rows []string
	for line := range strings.Lines(section) {
		if tableRow.MatchString(line) {
			rows = append(rows, line)
		}
	}
	var wrong []string
	if len(rows) < 2 {
		wrong = append(wrong, "no table below the heading Errors")
	}
	for _, name := range names {
		if !regexp.MustCompile(`\b` + name + `\b`).MatchString(section) {
			wrong = append(wrong, name+" is not told of")
		}
	}
	return wrong
}

func TestEachPackageTellsOfItsErrorsInATable(t *testing.T) {
	var all []string
	comments := map[string]string{}
	for _, pkg := range public {
		names := exported(t, pkg)
		comments[pkg] = packageComment(t, pkg)
		for _, wrong := range mistakes(comments[pkg], names) {
			t.Errorf("%s: %s", pkg, wrong)
		}
		all = append(all, errorName.FindAllString(names, -1)...)
	}
	for pkg, comment := range comments {
		_, section, _ := strings.Cut(comment, "\n# Errors\n")
		section, _, _ = strings.Cut(section, "\n# ")
		for _, name := range errorName.FindAllString(section, -1) {
			if !slices.Contains(all, name) && name != "ErrUnsupported" && name != "ErrClosed" { // of errors and os
				t.Errorf("%s: the table has %s, which no package exports", pkg, name)
			}
		}
	}
}

func TestTheRuleForTablesOfErrors(t *testing.T) {
	const table = "Package p.\n\n# Errors\n\n\terror   when   what to do\n\tErrOne  always  correct it\n\n# Cost\n\nErrTwo costs.\n"
	tests := []struct {
		name, comment, exported string
		want                    []string
	}{
		{"a package without errors needs no table", "Package p.\n", "func (r *Report) Text() string\nfunc New() *Report\n", nil},
		{"a method that may fail asks for one", "Package p.\n", "func (s *Store) Save() error\n", []string{"no heading Errors"}},
		{"a hidden type's method does not", "Package p.\n", "func (s store) Save() error\n", nil},
		{"prose is no table", "Package p.\n\n# Errors\n\nThey happen.\n", "func Open() error\n", []string{"no table below the heading Errors"}},
		{"an error of its own is told of", table, "func Open() error\nvar ErrOne = errors.New(\"one\")\n", nil},
		{"outside the section does not count", table, "var (\n\tErrTwo\t= errors.New(\"two\")\n)\n", []string{"ErrTwo is not told of"}},
		{"a type is told of as well", table, "type FileError struct {\n", []string{"FileError is not told of"}},
		{"so is a kind of error", table, "type Error struct {\n\tOp\tstring\n\tKind\tKind\n}\n\tKindBusy\tKind\t= \"busy\"\n", []string{"Error is not told of", "KindBusy is not told of"}},
		{"a kind of something else is not", table, "type Error struct {\n\tOp\tstring\n}\n\tKindApp\tKind\t= \"app\"\n", []string{"Error is not told of"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := mistakes(tt.comment, tt.exported); !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// packageComment returns the comment of a package as "go doc" takes it.
func packageComment(t *testing.T, pkg string) string {
	t.Helper()
	fset := token.NewFileSet()
	var files []*ast.File
	for _, name := range productFiles(t, pkg) {
		f, err := parser.ParseFile(fset, name, nil, parser.ParseComments|parser.PackageClauseOnly)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	p, err := doc.NewFromFiles(fset, files, module+"/"+pkg)
	if err != nil {
		t.Fatal(err)
	}
	return p.Doc
}
