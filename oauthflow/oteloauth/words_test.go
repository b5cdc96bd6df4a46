package oteloauth_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"

	"github.com/fullcast/sfauth/oauthflow"
)

// constants returns the texts of the exported constants of a type of package oauthflow.
func constants(t *testing.T, typeName string) (all []string) {
	t.Helper()
	files, err := filepath.Glob("../*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, constantsOf(t, f, typeName)...)
	}
	return all
}

func constantsOf(t *testing.T, f *ast.File, typeName string) (all []string) {
	t.Helper()
	ast.Inspect(f, func(n ast.Node) bool {
		v, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if id, typed := v.Type.(*ast.Ident); typed && id.Name == typeName {
			for _, value := range v.Values {
				if lit, ok := value.(*ast.BasicLit); ok {
					text, err := strconv.Unquote(lit.Value)
					if err != nil {
						t.Fatal(err)
					}
					all = append(all, text)
				}
			}
		}
		return true
	})
	return all
}

func TestEachTypeOfEventAndKindOfErrorIsOneWordOfItsOwn(t *testing.T) {
	types, kinds := constants(t, "EventType"), constants(t, "ErrorKind")
	if len(types) < 15 || len(kinds) < 20 {
		t.Fatalf("found %d types of events and %d kinds of errors", len(types), len(kinds))
	}
	k := newKit(t, nil)
	for _, typ := range types {
		k.Observe(oauthflow.Event{Type: oauthflow.EventType(typ)})
	}
	for _, kind := range kinds {
		k.Observe(oauthflow.Event{Type: oauthflow.EventBroken, Err: &oauthflow.Error{Kind: oauthflow.ErrorKind(kind)}})
	}
	words := regexp.MustCompile(`^((error\.type|sfauth\.event\.type)=[a-z][a-z0-9]*(_[a-z0-9]+)*,?)+$`)
	counted := points(k.reader, "sfauth.events")
	for attrs, n := range counted {
		if !words.MatchString(attrs) || n != 1 {
			t.Errorf("%d of %q", n, attrs)
		}
	}
	if len(counted) != len(types)+len(kinds) {
		t.Errorf("%d series of %d values: two have one word", len(counted), len(types)+len(kinds))
	}
}
