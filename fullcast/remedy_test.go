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

// A disconnection repeats its revocation whatever the app's settings are, and a generic login host does not learn to know an app with time.
func TestARevocationAndAnAppThatIsNewHaveRemediesOfTheirOwn(t *testing.T) {
	unknown := oauthflow.Error{Op: "refresh", Host: "acme.my.salesforce.com", Status: 400, Code: "invalid_client_id", Kind: oauthflow.KindAppMissing}
	isNew, generic := unknown, unknown
	isNew.AppIsNew, generic.AppIsNew = true, true
	generic.Host = "login.salesforce.com"
	for name, c := range map[string]struct {
		err  oauthflow.Error
		want fullcast.Remedy
	}{
		"a revocation that is refused": {oauthflow.Error{Op: "revoke", Status: 400, Code: "invalid_client", Kind: oauthflow.KindClient}, fullcast.Retry},
		"a refresh that is":            {oauthflow.Error{Op: "refresh", Status: 400, Code: "invalid_client", Kind: oauthflow.KindClient}, fullcast.FixConfiguration},
		"an app that is unknown":       {unknown, fullcast.RecreateApp},
		"an app that is new":           {isNew, fullcast.Retry},
		"the same at a generic host":   {generic, fullcast.FixConfiguration},
	} {
		if r := fullcast.RemedyFor(&c.err, metadata.KindExternalClientApp); r != c.want {
			t.Errorf("%s: %q, want %q", name, r.ID(), c.want.ID())
		}
	}
}
