package fullcast_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"testing"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/oauthflow"
)

// kinds reads every Kind out of the package's source, so that a new one cannot be forgotten.
func kinds(t *testing.T) []oauthflow.ErrorKind {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), "../oauthflow/errors.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var all []oauthflow.ErrorKind
	ast.Inspect(f, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
			return true
		}
		if typ, ok := spec.Type.(*ast.Ident); ok && typ.Name == "ErrorKind" {
			if lit, ok := spec.Values[0].(*ast.BasicLit); ok {
				text, err := strconv.Unquote(lit.Value)
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, oauthflow.ErrorKind(text))
			}
		}
		return true
	})
	if len(all) < 20 {
		t.Fatalf("only %d kinds are found", len(all))
	}
	return all
}

func TestEveryKindOfErrorHasARemedyForEveryKindOfApp(t *testing.T) {
	for _, app := range []metadata.Kind{metadata.KindExternalClientApp, metadata.KindConnectedApp} {
		for _, k := range kinds(t) {
			if r := fullcast.RemedyFor(&oauthflow.Error{Op: "refresh", Kind: k}, app); r == 0 || r.String() == "" {
				t.Errorf("%s on an app of kind %s has no remedy", k, app)
			}
		}
	}
}

func TestNobodyIsToldToTurnPKCEOff(t *testing.T) {
	e := &oauthflow.Error{Op: "exchange", Code: "invalid_grant", Description: "invalid code verifier", Kind: oauthflow.KindPKCE}
	if r := fullcast.RemedyFor(e, metadata.KindExternalClientApp); r != fullcast.ContactCSM {
		t.Errorf("the remedy is %q, want the customer success manager", r)
	}
}
