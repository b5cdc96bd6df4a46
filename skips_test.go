package sfauth_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"testing"
)

// A test that skips by itself would be passed over in the gate as well; one that asks internal/needs fails there.
func TestNoTestSkipsButThroughNeeds(t *testing.T) {
	files := 0
	for path := range goFiles(t) {
		if filepath.ToSlash(filepath.Dir(path)) == "internal/needs" {
			continue
		}
		files++
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok && skips(call) {
				t.Errorf("%s skips by itself; say what is missing with internal/needs", set.Position(call.Pos()))
			}
			return true
		})
	}
	if files == 0 {
		t.Fatal("read no files")
	}
}

// skips tells testing's three methods from others of their names, such as Skip of an XML decoder, which takes nothing.
func skips(call *ast.CallExpr) bool {
	method, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	switch method.Sel.Name {
	case "Skip":
		return len(call.Args) > 0
	case "Skipf", "SkipNow":
		return true
	}
	return false
}

func TestTheThreeWaysToSkipAreSeen(t *testing.T) {
	for _, call := range []struct {
		method, args string
		want         bool
	}{
		{"Skip", `"no disk"`, true}, {"Skipf", `"no %s", x`, true}, {"SkipNow", "", true}, {"Skip", "", false}, {"Root", "t", false},
	} {
		source := "x." + call.method + "(" + call.args + ")"
		parsed, err := parser.ParseExpr(source)
		if err != nil {
			t.Fatal(err)
		}
		if got := skips(parsed.(*ast.CallExpr)); got != call.want {
			t.Errorf("%s: got %t, want %t", source, got, call.want)
		}
	}
}
