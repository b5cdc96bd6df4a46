package orgtest_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"strings"
	"testing"
)

// cited is how a comment says where a behaviour was read, or that nobody has confirmed it.
var cited = regexp.MustCompile(`Source: \S|\b[Aa]ssumed\b|\bhelp, |\bdocs, |\bdocs: |\((docs|help|WSDL|reported|captured)\b|\b[a-z]+#\d+`)

// answers are the functions that make what a client sees; the code that calls one decides how the org behaves.
var answers = map[string]bool{
	"jsonAnswer": true, "textAnswer": true, "pageAnswer": true, "redirectAnswer": true, "redirectWith": true, "oauthError": true, "restError": true,
	"soapAnswer": true, "soapFault": true,
}

// uncited returns the functions of a file that decide how the org answers and do not say, in their own comments, on what
// grounds: those that return an answer or a fault or make one, and the acts of an administrator.
func uncited(t *testing.T, name string, source any) []string {
	t.Helper()
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, name, source, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, d := range file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || f.Body == nil || answers[f.Name.Name] || !decides(f) {
			continue
		}
		said := f.Doc.Text()
		for _, c := range file.Comments {
			if c.Pos() > f.Pos() && c.End() < f.End() {
				said += c.Text()
			}
		}
		if !cited.MatchString(strings.ReplaceAll(said, "\n", " ")) {
			out = append(out, name+": "+f.Name.Name)
		}
	}
	return out
}

func decides(f *ast.FuncDecl) bool {
	found := false
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			switch called := n.Fun.(type) {
			case *ast.Ident:
				found = found || answers[called.Name]
			case *ast.SelectorExpr: // a component refused by a deploy
				found = found || called.Sel.Name == "problem"
				found = found || f.Name.IsExported() && (called.Sel.Name == "record" || called.Sel.Name == "withApp") // an act in Setup
			}
		case *ast.CompositeLit:
			id, ok := n.Type.(*ast.Ident)
			found = found || ok && (id.Name == "answer" || id.Name == "fault" || id.Name == "problem")
		}
		return !found
	})
	if f.Type.Results == nil {
		return found
	}
	for _, r := range f.Type.Results.List {
		typ := r.Type
		if star, ok := typ.(*ast.StarExpr); ok {
			typ = star.X
		}
		if id, ok := typ.(*ast.Ident); ok && (id.Name == "answer" || id.Name == "fault") {
			found = true
		}
	}
	return found
}

func TestEachBehaviourOfTheOrgHasASourceOrIsCalledAssumed(t *testing.T) {
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	files := 0
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		files++
		for _, f := range uncited(t, e.Name(), nil) {
			t.Errorf("%s decides what the org answers, and says neither where that was read nor that it is assumed", f)
		}
	}
	if files < 25 {
		t.Errorf("only %d files were read", files)
	}
}

func TestABehaviourWithoutASourceIsFound(t *testing.T) {
	const source = `package orgtest
// handler answers. It says nothing of its grounds.
func (o *Org) handler(in *request) answer { return o.other(in) }
func (o *Org) refuses() *fault { return nil }
func (o *Org) judges(n *node) { o.send(n.problem("INVALID_INPUT", "no")) }
func (o *Org) Act() { o.record(Entry{Event: "setup"}) }
func (o *Org) makes() { o.send(restError(404, "NOT_FOUND", "no")) }
// cited answers. Source: help, OAuth flow errors.
func (o *Org) cited(in *request) answer { return o.other(in) }
func (o *Org) inside(in *request) answer {
	return o.other(in) // assumed
}
func (o *Org) harmless() int { return 1 }
`
	got := strings.Join(uncited(t, "x.go", source), "; ")
	if want := "x.go: handler; x.go: refuses; x.go: judges; x.go: Act; x.go: makes"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
