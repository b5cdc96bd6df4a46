package sfauth_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"strings"
	"testing"
)

// Who runs a service reads of each event what it means; one that a release adds must not be a surprise.
func TestThePageOnProductionTellsOfEachEvent(t *testing.T) {
	f, err := parser.ParseFile(token.NewFileSet(), "oauthflow/event.go", nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	page, events := read(t, "docs/production.md"), 0
	ast.Inspect(f, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if typ, ok := spec.Type.(*ast.Ident); !ok || typ.Name != "EventType" {
			return false
		}
		value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		if events++; !strings.Contains(page, "`"+value+"`") {
			t.Errorf("docs/production.md does not tell of the event %q (%s)", value, spec.Names[0])
		}
		return false
	})
	if events < 15 {
		t.Errorf("found %d events; the search for them is broken", events)
	}
}
